"""Conversations: what a phone and one of an account's numbers wrote to each other, and what people make of it: open
while a text waits for an answer, waiting while the phone is to write, closed when all is said.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, Literal, get_args

import msgspec

from whimbrel.base.ids import CONVERSATION
from whimbrel.domain import service_hours
from whimbrel.domain.model import KEYWORDS, Flag, Message
from whimbrel.domain.service_hours import Hours

ConversationState = Literal["open", "waiting", "closed"]
CONVERSATION_STATES: Final = get_args(ConversationState)

RATING_MAX: Final = 5
_RATING: Final = re.compile(
    r"\W*([1-5])(?:\s*(?:/|of|out of|von|sur|de|di|van|av|z)\s*5)?(?:\s*[*\u2605\u2b50\ufe0f]+)?\W*"
).fullmatch
_STARS: Final = re.compile(r"(?:[*\u2605\u2b50]\ufe0f?){1,5}").fullmatch


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `conversations` table. `our_hash`, `their_hash`: keyed hashes of the numbers; `last_id`: the
    newest message, `last_in_id`: the phone's newest one; `unread`: texts that nobody has read; `assignee`: the id of a
    user, empty: nobody's. Moments in microseconds, 0: not at all: `state_at`, `assigned_at`, `rated_at`: since when it
    is so, `waits_from`: since when a text waits for an answer, `away_at`: of the last automatic answer, `asked_at`: of
    a question for a rating that is not answered. `seq`: number of its newest event."""

    id: str
    account_id: str
    test: int
    our_hash: int
    their_hash: int
    last_id: str
    last_in_id: str
    unread: int
    state: ConversationState = "open"
    state_at: int = 0
    assignee: str = ""
    assigned_at: int = 0
    tags: tuple[str, ...] = ()
    waits_from: int = 0
    away_at: int = 0
    asked_at: int = 0
    rating: int = 0
    rated_at: int = 0
    seq: int = 0

    @property
    def pair(self) -> "Pair":
        """What there is one conversation of."""
        return self.account_id, self.test, self.our_hash, self.their_hash


Pair = tuple[str, int, int, int]
"""Account, test, and the keyed hashes of our number and theirs."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """Texts of one phone to one number, as a conversation takes them in. `state`: how one begins that was not there
    before, since `at`; `opens`: 1 where one that is there is open from now on, with a text that waits for an answer
    since `waits_from`."""

    id: str
    account_id: str
    test: int
    our_hash: int
    their_hash: int
    last_id: str
    last_in_id: str
    unread: int
    state: ConversationState
    at: int
    waits_from: int
    opens: int

    @property
    def pair(self) -> Pair:
        """Whose conversation it is."""
        return self.account_id, self.test, self.our_hash, self.their_hash


class Note(msgspec.Struct, frozen=True, gc=False):
    """What one of the account's people noted for the others. Column order of the `conversation_notes` table."""

    id: str
    account_id: str
    test: bool
    conversation_id: str
    author: str
    text: str
    created_at: int


class ConversationDay(msgspec.Struct, frozen=True, gc=False):
    """What one of the account's people did in a day (of UTC, since 1970). `reply_us`: how long texts waited for their
    answers, in all; `score`: the sum of `rated` ratings."""

    day: int
    user_id: str
    replies: int
    reply_us: int
    closed: int
    rated: int
    score: int


class Numbers(msgspec.Struct, frozen=True, gc=False):
    """Who writes to whom. None once the message that says so is redacted."""

    ours: str | None
    theirs: str | None


class Desk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an account serves its conversations. Texts that are empty are not sent. `away_every_s`: a phone gets the
    automatic answer at most so often; `asks`: whether a conversation that is closed ends with the question."""

    zone: str = "UTC"
    hours: tuple[Hours, ...] = ()
    closed_on: tuple[str, ...] = ()
    away_text: str = ""
    away_every_s: int = 4 * 3600
    asks: bool = False
    question: str = ""
    thanks: str = ""
    rated_within_s: int = 72 * 3600


PLAIN_DESK: Final = Desk()


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """What a phone's text brings about. `score`: the rating that it is; `answer`: what is sent at once."""

    score: int = 0
    answer: str = ""
    is_away: bool = False


NO_REACTION: Final = Reaction()


def pair_of(message: Message) -> Pair:
    """Of an inbound text."""
    return message.account_id, int(message.test), message.recipient_hash, message.sender_hash


def arrivals(
    messages: Iterable[Message], read_before_us: int = 0, rated: frozenset[str] = frozenset()
) -> tuple[Arrival, ...]:
    """What inbound texts begin or add to: one for each pair of numbers. Its id is made of that of its first text, so
    that the same texts make the same conversation again. What came before `read_before_us` was dealt with by other
    means; keywords and those of `rated` (ids of texts) are answered already. Neither opens anything."""
    found: dict[Pair, list[Message]] = {}
    for message in sorted(messages, key=lambda each: each.id):
        found.setdefault(pair_of(message), []).append(message)
    return tuple(_arrival(pair, texts, read_before_us, rated) for pair, texts in found.items())


def _arrival(pair: Pair, texts: Sequence[Message], read_before_us: int, rated: frozenset[str]) -> Arrival:
    new = [each for each in texts if each.created_at >= read_before_us and each.id not in rated]
    opening = [each.created_at for each in new if not is_settled(each)]
    first, last = texts[0], texts[-1]
    return Arrival(
        CONVERSATION + first.id[2:],
        *pair,
        last.id,
        last.id,
        len(new),
        "open" if opening else "closed",
        opening[0] if opening else first.created_at,
        opening[0] if opening else 0,
        int(bool(opening)),
    )


def is_settled(message: Message) -> bool:
    """A keyword, which got its one answer by itself; a STOP that was taken from other words wants a look."""
    return bool(message.flags & KEYWORDS) and not message.flags & Flag.KEYWORD_GUESSED


def reaction(before: Conversation | None, message: Message, desk: Desk) -> Reaction:
    """What this text brings about, in a conversation that stood so before it. Decided by the text's own time, so that
    it is the same when it is decided again."""
    if message.flags & KEYWORDS:
        return NO_REACTION
    asked_at = 0 if before is None else before.asked_at
    if asked_at and message.created_at - asked_at <= desk.rated_within_s * 1_000_000:
        score = rating(message.text)
        if score:
            return Reaction(score, desk.thanks)
    if not desk.away_text or service_hours.is_open(desk.hours, desk.zone, desk.closed_on, message.created_at):
        return NO_REACTION
    away_at = 0 if before is None else before.away_at
    if away_at and message.created_at - away_at < desk.away_every_s * 1_000_000:
        return NO_REACTION
    return Reaction(0, desk.away_text, is_away=True)


def rating(text: str) -> int:
    """The rating from 1 to 5 that a text is: a digit, also in another script or on a key cap, "4/5", "4 of 5", or so
    many stars. 0 when it is none."""
    plain = "".join(_plain(each) for each in text.strip() if each not in "\u20e3\ufe0f")
    stars = plain.replace(" ", "")
    if stars and _STARS(stars):
        return len(stars.replace("\ufe0f", ""))
    found = _RATING(plain.casefold())
    return int(found[1]) if found else 0


def numbers_of(message: Message) -> Numbers:
    """The numbers of a conversation, by one of its messages."""
    sender, recipient = message.sender or None, message.recipient or None
    return Numbers(recipient, sender) if message.direction == "in" else Numbers(sender, recipient)


def _plain(character: str) -> str:
    """Digits of any script as ASCII."""
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)
