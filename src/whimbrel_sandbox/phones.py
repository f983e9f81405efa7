"""The virtual phones: what each received, joined from its parts, and whether it is off or full.

Apart from the SMSC because a phone knows nothing of SMPP sessions. Everything is bounded: the phones that were heard
of longest ago are forgotten first, and each keeps its latest texts. Texts are decoded when somebody looks.
"""

from msgspec import Struct

from whimbrel.codec.udh import Concat
from whimbrel_sandbox import alphabets
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.recent import Recent

_JOINS = 10_000  # long texts waiting for parts

Parts = tuple[Message, ...]


class Text(Struct, frozen=True):
    """A text in an inbox. `message_ids` are the SMSC's, one for each part."""

    at_us: int
    source: str
    text: str
    parts: int
    message_ids: list[str]
    data_coding: int = 0


class Phone(Struct, frozen=True):
    """One phone as the control shows it."""

    number: str
    off: bool
    memory_full: bool
    received: int


class Phones:
    """All virtual phones, by number in digits without a plus sign."""

    def __init__(self, phones: int, inbox: int) -> None:
        self._inbox = inbox
        self._inboxes: Recent[str, list[Parts]] = Recent(phones)
        self._joins: Recent[tuple[str, str, int, int], dict[int, Message]] = Recent(_JOINS)
        self.off: set[str] = set()
        self.memory_full: set[str] = set()

    def take(self, message: Message) -> Parts | None:
        """The phone receives a part; answers with all parts when the text is whole, else None."""
        whole: Parts | None = (message,)
        if message.place is not None:
            whole = self._join(message, message.place)
        if whole is not None:
            self._file(digits(message.submit.dest), whole)
        return whole

    def read(self, number: str) -> list[Text]:
        """The texts of an inbox, oldest first."""
        return [text_of(parts) for parts in self._inboxes.get(number) or ()]

    def listing(self, limit: int) -> list[Phone]:
        """Phones that received something or were set up, the latest heard of last."""
        special = [number for number in sorted(self.off | self.memory_full) if number not in self._inboxes]
        numbers = [*special, *self._inboxes][-limit:]
        return [self.look(number) for number in numbers]

    def look(self, number: str) -> Phone:
        """The state of one phone; a phone that was never heard of is on and empty."""
        return Phone(number, number in self.off, number in self.memory_full, len(self._inboxes.get(number) or ()))

    def reset(self) -> None:
        """Empty every inbox and switch every phone on."""
        self._inboxes.clear()
        self._joins.clear()
        self.off.clear()
        self.memory_full.clear()

    def _file(self, number: str, parts: Parts) -> None:
        inbox = self._inboxes.get(number)
        if inbox is None:
            self._inboxes.put(number, [parts])
            return
        inbox.append(parts)
        if len(inbox) > self._inbox:
            del inbox[0]

    def _join(self, message: Message, place: Concat) -> Parts | None:
        key = (message.submit.dest, message.submit.source, place.reference, place.total)
        got = self._joins.get(key)
        if got is None:
            got = {}
            self._joins.put(key, got)
        got[place.number] = message
        if len(got) < place.total:
            return None
        self._joins.forget(key)
        return tuple(got[index] for index in sorted(got))


def text_of(parts: Parts) -> Text:
    """What the phone shows for these parts."""
    first = parts[0]
    return Text(
        at_us=max(part.submitted_us for part in parts),
        source=first.submit.source,
        text=alphabets.read([part.piece for part in parts], first.submit.data_coding, first.alphabet, first.elements),
        parts=len(parts),
        message_ids=[part.message_id for part in parts],
        data_coding=first.submit.data_coding,
    )


def digits(address: str) -> str:
    """A number as the phones are named: without `+` or `00`."""
    return address.removeprefix("+").removeprefix("00")
