"""Message ids in the forms that carriers use, and how a receipt may write them differently.

Apart because ids differ more between carriers than anything else (hex against decimal, padding, case). A message
keeps its number; the words are made here.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from uuid import UUID

from whimbrel.base.clock import Chance
from whimbrel_sandbox.outcome import IdForm
from whimbrel_sandbox.settings import Ids

_PADDED_TO = 20
_REUSED = 3
_LONGEST = 64  # SMPP 3.4, 5.2.23, without the NUL
_BEYOND_64_BITS = 1 << 66
_OTHER = 99_991  # an id of five digits is no message's
_BELOW_10_DIGITS = 1_000_000_000  # an id that is to be padded to 10 digits must have fewer
_PADDED = frozenset({IdForm.PADDED_10, IdForm.LOWER_DECIMAL, IdForm.TLV_HEX})
_SAME = IdForm.SAME  # Python 3.11 takes 0.16 µs to look up a member of an enum: not for each message


class MessageIds:
    """Draws numbers for new messages: counted from a random place, or random altogether."""

    def __init__(self, form: Ids, chance: Chance) -> None:
        self._form = form
        self._chance = chance
        self._next = 0x100000 + int.from_bytes(chance.octets(3)) if form == "sequential" else 0x10000000
        if form in ("hex", "decimal"):
            self._next += int.from_bytes(chance.octets(4)) >> 2

    def new(self) -> int:
        """The number of a new message."""
        if self._form == "random":
            return int.from_bytes(self._chance.octets(8))
        if self._form == "uuid":
            return UUID(bytes=self._chance.octets(16), version=4).int
        self._next += 1
        return self._next

    def write(self, number: int) -> str:
        """The id as responses and receipts write it by default."""
        if self._form == "sequential":
            return f"{number:x}"
        if self._form == "hex":
            return f"{number:08X}"
        if self._form == "decimal":
            return f"{number:010}"
        return str(UUID(int=number)) if self._form == "uuid" else f"{number:016x}"

    def pair(self, number: int, form: IdForm) -> tuple[str, str, str]:
        """The id in the response, in the receipt's text, and in its TLV."""
        word = self.write(number)
        if form is _SAME:
            return word, word, word
        response, text, tlv = _WRITERS[form](number % _BELOW_10_DIGITS if form in _PADDED else number, word)
        return response, text, tlv or text


def _zeros_lost(number: int, word: str) -> tuple[str, str, str]:
    bare = f"{number:x}"
    return bare.zfill(len(bare) + 1), bare.upper(), ""


def _long(number: int, word: str) -> tuple[str, str, str]:
    padded = word.rjust(_LONGEST, "f")[-_LONGEST:]
    return padded, padded, ""


def _big(number: int, word: str) -> tuple[str, str, str]:
    bigger = str(_BEYOND_64_BITS + number)
    return bigger, bigger, ""


_WRITERS: Mapping[IdForm, Callable[[int, str], tuple[str, str, str]]] = MappingProxyType(
    {
        IdForm.DECIMAL: lambda number, word: (f"{number:X}", f"{number:010}", ""),
        IdForm.HEX: lambda number, word: (f"{number:010}", f"{number:X}", ""),
        IdForm.PADDED: lambda number, word: (word, word.zfill(max(_PADDED_TO, len(word) + 2)), ""),
        IdForm.OTHER_CASE: lambda number, word: (word, word.swapcase(), ""),
        IdForm.LOWER_DECIMAL: lambda number, word: (f"{number:x}", f"{number:010}", ""),
        IdForm.DECIMAL_LOWER: lambda number, word: (str(number), f"{number:x}", ""),
        IdForm.PADDED_10: lambda number, word: (str(number), f"{number:010}", ""),
        IdForm.ZEROS_LOST: _zeros_lost,
        IdForm.TLV_HEX: lambda number, word: (f"{number:x}", f"{number:010}", f"{number:x}"),
        IdForm.TLV_OTHER: lambda number, word: (word, f"0{number % _OTHER}", word),
        IdForm.TEXT_OTHER: lambda number, word: (word, word, f"0{number % _OTHER}"),
        IdForm.BIG: _big,
        IdForm.LONG: _long,
        IdForm.REUSED: lambda number, word: (str(number % _REUSED + 1), str(number % _REUSED + 1), ""),
    }
)
"""From a message's number and its usual word to the ids of the response, the receipt's text and, where it differs, its
TLV."""
