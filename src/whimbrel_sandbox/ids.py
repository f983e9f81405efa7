"""Message ids in the forms that carriers use, and how a receipt may write them differently.

Apart because ids differ more between carriers than anything else (hex against decimal, padding, case). A message
keeps its number; the words are made here.
"""

from uuid import UUID

from whimbrel.base.clock import Chance
from whimbrel_sandbox.outcomes import IdForm
from whimbrel_sandbox.settings import Ids

_PADDED_TO = 20
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

    def pair(self, number: int, form: IdForm) -> tuple[str, str]:
        """The id in the response and the id in the receipt."""
        word = self.write(number)
        if form is _SAME:
            return word, word
        if form is IdForm.DECIMAL:
            return f"{number:X}", f"{number:010}"
        if form is IdForm.HEX:
            return f"{number:010}", f"{number:X}"
        if form is IdForm.PADDED:
            return word, word.zfill(max(_PADDED_TO, len(word) + 2))
        return word, word.swapcase()
