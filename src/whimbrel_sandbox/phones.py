"""The virtual phones: what each received, joined from its parts, what it sent, and whether it is off or full.

Apart from the SMSC because a phone knows nothing of SMPP sessions. Everything is bounded: the phones that were heard
of longest ago are forgotten first, and each keeps its latest texts. Texts are decoded when somebody looks.
"""

from collections.abc import Collection
from typing import TypeVar

from msgspec import Struct

from whimbrel.codec import codings
from whimbrel.codec.udh import Concat
from whimbrel_sandbox import alphabets
from whimbrel_sandbox.changes import Changes
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.recent import Recent

_JOINS = 10_000  # long texts waiting for parts

T = TypeVar("T")
Parts = tuple[Message, ...]


class Text(Struct, frozen=True):
    """A text in an inbox. `message_ids` are the SMSC's, one for each part. A flash text is shown at once and not kept;
    this inbox keeps it all the same."""

    at_us: int
    source: str
    text: str
    parts: int
    message_ids: list[str]
    data_coding: int = 0
    flash: bool = False


class Said(Struct, frozen=True):
    """A text that the phone sent."""

    at_us: int
    to: str
    text: str
    id: str


class Phone(Struct, frozen=True):
    """One phone as the control shows it; `waiting` texts come when it is switched on."""

    number: str
    off: bool
    memory_full: bool
    received: int
    waiting: int = 0


class Phones:
    """All virtual phones, by number in digits without a plus sign."""

    def __init__(self, phones: int, inbox: int) -> None:
        self._inbox = inbox
        self._inboxes: Recent[str, list[Parts]] = Recent(phones)
        self._outboxes: Recent[str, list[Said]] = Recent(phones)
        self._joins: Recent[tuple[str, str, int, int], dict[int, Message]] = Recent(_JOINS)
        self.off: set[str] = set()
        self.memory_full: set[str] = set()
        self.held: dict[str, dict[str, Message]] = {}
        self.changes = Changes(phones * 2)

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

    def said(self, number: str) -> list[Said]:
        """The texts that the phone sent, oldest first."""
        return list(self._outboxes.get(number) or ())

    def say(self, number: str, said: Said) -> None:
        """The phone sends a text."""
        self._keep(self._outboxes, number, said)
        self.changes.note(number)

    def listing(self, limit: int, sources: Collection[str] = ()) -> list[Phone]:
        """Phones that received something or were set up, the latest heard of last; with `sources` only those that have
        a text of one of these senders, the latest changed last."""
        if sources:
            found = [number for number in self._inboxes if self._has_heard(number, sources)]
            numbers = sorted(found, key=self.changes.last)[-limit:]
        else:
            special = [number for number in sorted(self.off | self.memory_full) if number not in self._inboxes]
            numbers = [*special, *self._inboxes][-limit:]
        return [self.look(number) for number in numbers]

    def look(self, number: str) -> Phone:
        """The state of one phone; a phone that was never heard of is on and empty."""
        received = len(self._inboxes.get(number) or ())
        waiting = sum(_is_first(message) for message in self.held.get(number, {}).values())
        return Phone(number, number in self.off, number in self.memory_full, received, waiting)

    def reset(self) -> None:
        """Empty every inbox and switch every phone on."""
        self._inboxes.clear()
        self._outboxes.clear()
        self._joins.clear()
        self.off.clear()
        self.memory_full.clear()
        self.held.clear()

    def _has_heard(self, number: str, sources: Collection[str]) -> bool:
        return any(parts[0].submit.source in sources for parts in self._inboxes.get(number) or ())

    def _file(self, number: str, parts: Parts) -> None:
        self._keep(self._inboxes, number, parts)
        self.changes.note(number, parts[0].submit.source)

    def _keep(self, boxes: Recent[str, list[T]], number: str, entry: T) -> None:
        box = boxes.get(number)
        if box is None:
            boxes.put(number, [entry])
            return
        box.append(entry)
        if len(box) > self._inbox:
            del box[0]

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
        at_us=max(part.done_us or part.submitted_us for part in parts),
        source=first.submit.source,
        text=alphabets.read([part.piece for part in parts], first.submit.data_coding, first.alphabet, first.elements),
        parts=len(parts),
        message_ids=[part.message_id for part in parts],
        data_coding=first.submit.data_coding,
        flash=codings.of(first.submit.data_coding).message_class == codings.FLASH,
    )


def _is_first(message: Message) -> bool:
    """Whether it counts as a text: the parts of a long one count once."""
    return message.place is None or message.place.number == 1


def digits(address: str) -> str:
    """A number as the phones are named: without `+` or `00`."""
    return address.removeprefix("+").removeprefix("00")
