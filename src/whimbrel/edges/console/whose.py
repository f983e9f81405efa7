"""Which texts on a virtual phone a visitor may see. Phones belong to the whole installation, texts to accounts: an
account sees what it sent itself, and answers as a phone to its own numbers only.

A number is the sender of one account, so its texts are that account's. A name may be the sender of several: a text by a
name counts as the visitor's when the account has just such a message to that phone.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from whimbrel.base import limits
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.simulator import Seen, Text

_PAGES_MAX: Final = 10
_FRESH_US: Final = 10_000_000
_MASK: Final = "*"


class Whose:
    """What a visitor may see. `sees_all`: the operator's people, when they look at all accounts."""

    def __init__(self, request: Request, numbers: Iterable[str], names: Iterable[str]) -> None:
        self._request = request
        self.sees_all = request.asked.acting_for is None
        self.numbers = tuple(numbers)
        self.names = frozenset(names)
        self._confirmed: set[str] = set()

    @property
    def sources(self) -> Collection[str]:
        """Senders whose texts may be the visitor's."""
        return () if self.sees_all else (*self.numbers, *self.names)

    @property
    def has_nothing(self) -> bool:
        """An account without senders: no text can be its own."""
        return not self.sees_all and not self.sources

    def may_say(self, to: str, seen: Seen) -> bool:
        """Whether a phone may be made to text this number."""
        return to in self.numbers or (self.sees_all and any(text.source == to for text in seen.inbox))

    async def texts(self, seen: Seen) -> Sequence[Text]:
        """The texts of a phone that may be seen."""
        if self.sees_all:
            return seen.inbox
        if any(self._is_open(text) for text in seen.inbox):
            await self._confirm(seen)
        return [text for text in seen.inbox if text.source in self.numbers or text.message_ids[0] in self._confirmed]

    def waits(self, seen: Seen, now_us: int) -> bool:
        """Whether a text has just come of which it is not known yet whose it is: messages are found by their numbers a
        moment after they were sent."""
        return any(self._is_open(text) and now_us - text.at_us < _FRESH_US for text in seen.inbox)

    def _is_open(self, text: Text) -> bool:
        return not self.sees_all and text.source in self.names and text.message_ids[0] not in self._confirmed

    async def _confirm(self, seen: Seen) -> None:
        number = f"+{seen.phone.number}"
        found = await self._request.api(
            "listMessages", query={"to": number, "direction": "out", "limit": str(limits.PAGE_MAX)}
        )
        sent = [(message.sender, message.text) for message in found.data]
        for text in seen.inbox:
            if text.source in self.names and any(
                text.source == sender and _is_same(shown, text.text) for sender, shown in sent
            ):
                self._confirmed.add(text.message_ids[0])


def _is_same(shown: str | None, text: str) -> bool:
    """Whether the API shows this text so: the codes of Verify stand as asterisks there."""
    return (
        shown is not None
        and len(shown) == len(text)
        and all(one in (other, _MASK) for one, other in zip(shown, text, strict=True))
    )


async def whose(request: Request) -> Whose:
    """What this visitor may see now."""
    numbers: list[str] = []
    names: list[str] = []
    if request.asked.acting_for is not None and request.api.may("listSenders"):
        cursor = ""
        for _ in range(_PAGES_MAX):
            query = {"limit": str(limits.PAGE_MAX)} | ({"cursor": cursor} if cursor else {})
            page = await request.api("listSenders", query=query)
            for sender in page.data:
                (names if sender.kind == "alphanumeric" else numbers).append(sender.value.removeprefix("+"))
            cursor = page.next_cursor or ""
            if not cursor:
                break
    return Whose(request, numbers, names)
