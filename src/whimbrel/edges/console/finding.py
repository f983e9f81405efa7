"""What somebody looks for among messages: the filters in the address of the page, as the API takes them, and what one
word in the search box means. Pure but for the time that it is given.
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from whimbrel.base import ids, moments
from whimbrel.domain.numbers import normalise
from whimbrel.edges.console.forms import Form

Meaning = Literal["nothing", "message", "number", "sender", "tag", "metadata", "no_number"]
SEARCHED: Final = ("number", "sender", "tag", "metadata")
"""Meanings that the API searches by, under the same names."""

FIELDS: Final = (
    "q", "as", "status", "direction", "class", "carrier_id", "sender", "tag", "metadata", "template", "number", "span",
    "campaign", "from", "to", "sort",
)  # fmt: skip
"""Filters as they stand in the address."""
SPANS: Final[Mapping[str, int]] = {"15m": 900, "1h": 3600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}
"""Seconds back from now."""
FAILED: Final = "undelivered,failed,rejected,expired,unknown"
OPEN: Final = "scheduled,queued,sending,sent,in_doubt"
OLDEST_FIRST: Final = "when"
"""Of `sort`: by time, the oldest first."""
_SECOND_US: Final = 1_000_000
_SAME: Final = (
    "status", "direction", "class", "carrier_id", "sender", "tag", "metadata", "template", "number", "campaign"
)  # fmt: skip
_NUMBER_CHARACTERS: Final = frozenset("+0123456789 -./()\u00a0\u202f\u2011\u2013")
_DIGITS_MIN: Final = 7  # fewer are a short code, or no whole number
_CARRIER_ID_MIN: Final = 4
_CARRIER_ID_MAX: Final = 64
_TO_THE_MINUTE: Final = len("2030-01-31T12:00")


class Word(msgspec.Struct, frozen=True):
    """What a search word means, and the value that the API is asked for."""

    meaning: Meaning
    value: str = ""


def understand(word: str, senders: Collection[str] = (), *, as_: str = "") -> Word:
    """A message's or event's id, a phone number in any writing, one of the account's senders, a name and a value of
    metadata (`order_id:4711`), or else a tag. `as_` chooses between sender and tag where the word may be both."""
    bare = word.strip()
    message_id = _message_id(bare)
    if not bare or message_id:
        return Word("message", message_id) if message_id else Word("nothing")
    if bare.startswith("#") or as_ == "tag":
        return Word("tag", bare.removeprefix("#"))
    by_name = {sender.casefold(): sender for sender in senders if not sender.startswith("+")}
    if bare.casefold() in by_name or as_ == "sender":
        return Word("sender", by_name.get(bare.casefold(), bare))
    if _NUMBER_CHARACTERS.issuperset(bare):
        return _number(bare)
    return Word("metadata" if bare.find(":") > 0 else "tag", bare)


def _message_id(word: str) -> str:
    """The message that an id is of: its own, or that of one of its events, which is the webhook-id of what was posted
    about it."""
    written = word[:2].upper() + word[2:].lower()
    if ids.is_id(written, ids.MESSAGE):
        return written
    return ids.event_place(written, ids.MESSAGE)[0] if ids.is_id(written, ids.EVENT) else ""


def _number(written: str) -> Word:
    """A number with its country code, be it with a plus, with 00 or with neither; short codes are digits alone."""
    digits = "".join(each for each in written if each.isdigit())
    for form in (written, f"+{digits}"):
        found = normalise(form)
        if found is not None:
            return Word("number", found.e164)
    is_short = digits == written and len(digits) < _DIGITS_MIN
    return Word("number", digits) if is_short else Word("no_number", written)


def may_be_a_carriers(word: str) -> bool:
    """Whether a search word may be the id that a carrier gave a message: letters and digits in one."""
    bare = word.strip().replace("-", "")
    return bare.isascii() and bare.isalnum() and _CARRIER_ID_MIN <= len(bare) <= _CARRIER_ID_MAX


def minute(written: str) -> str:
    """A moment of an address as a form field has it, to the minute."""
    return written[:_TO_THE_MINUTE]


class Filters:
    """The filters of an address. `word` is what its search word means."""

    def __init__(self, form: Form, word: Word, now_us: int) -> None:
        self.form = form
        self.word = word
        self._now_us = now_us

    @property
    def address(self) -> dict[str, str]:
        """Those that are set, for the address of the same list."""
        return self.form.given(*FIELDS)

    @property
    def query_text(self) -> str:
        """The same as a query, as views are saved."""
        return urlencode(self.address)

    def link(self, path: str, **more: str) -> str:
        """An address with the same filters, and more or (empty) without some."""
        values = {name: value for name, value in (self.address | more).items() if value}
        return f"{path}?{urlencode(values)}" if values else path

    @property
    def finds_nothing(self) -> bool:
        """Whether the word means nothing that messages could have: a number that is none, or an id."""
        return self.word.meaning in ("message", "no_number")

    @property
    def is_narrow(self) -> bool:
        """Whether any is set."""
        return any(name != "sort" for name in self.address)

    def query(self, **more: str) -> dict[str, str]:
        """The same as the API takes it."""
        found = self.form.given(*_SAME)
        if self.word.meaning in SEARCHED:
            found[self.word.meaning] = self.word.value
        if "number" in found:
            found["number"] = _number(found["number"]).value
        span = SPANS.get(self.form.text("span"))
        if span is not None:
            found["created_from"] = moments.to_text(self._now_us - span * _SECOND_US)
        for name, field in (("created_from", "from"), ("created_to", "to")):
            if self.form.text(field):
                found[name] = _in_utc(self.form.text(field))
        return found | ({"order": "asc"} if self.form.text("sort") == OLDEST_FIRST else {}) | more


def _in_utc(written: str) -> str:
    """A moment as a form field has it, without seconds and zone, is UTC; what else is written stays as it is."""
    return f"{written}:00Z" if len(written) == _TO_THE_MINUTE else written
