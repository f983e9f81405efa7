"""Conversations: what a phone and one of an account's numbers wrote to each other."""

from collections.abc import Iterable

import msgspec

from whimbrel.base.ids import CONVERSATION
from whimbrel.domain.model import Message


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `conversations` table. `our_hash`, `their_hash`: keyed hashes of the numbers; `last_id`: the
    newest message, `last_in_id`: the phone's newest one; `unread`: texts that nobody has read."""

    id: str
    account_id: str
    test: int
    our_hash: int
    their_hash: int
    last_id: str
    last_in_id: str
    unread: int


class Numbers(msgspec.Struct, frozen=True, gc=False):
    """Who writes to whom. None once the message that says so is redacted."""

    ours: str | None
    theirs: str | None


def begun(messages: Iterable[Message], read_before_us: int = 0) -> tuple[Conversation, ...]:
    """What inbound texts begin or add to: one for each pair of numbers. Its id is made of that of its first text, so
    that the same texts make the same conversation again. What came before `read_before_us` counts as read."""
    found: dict[tuple[str, int, int, int], Conversation] = {}
    for message in sorted(messages, key=lambda each: each.id):
        key = (message.account_id, int(message.test), message.recipient_hash, message.sender_hash)
        before = found.get(key)
        first_id = CONVERSATION + message.id[2:] if before is None else before.id
        unread = (0 if before is None else before.unread) + int(message.created_at >= read_before_us)
        found[key] = Conversation(first_id, *key, message.id, message.id, unread)
    return tuple(found.values())


def numbers_of(message: Message) -> Numbers:
    """The numbers of a conversation, by one of its messages."""
    sender, recipient = message.sender or None, message.recipient or None
    return Numbers(recipient, sender) if message.direction == "in" else Numbers(sender, recipient)
