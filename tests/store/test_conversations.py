"""Conversations in the store: begun by a phone's text, revived by the next, read, answered, found and forgotten."""

import pytest
from store_samples import ACCOUNT, HOUR, NOW, OTHER_ACCOUNT, SECOND, message, submit

from whimbrel.domain.conversations import Conversation, begun
from whimbrel.domain.model import Message
from whimbrel.journey.conversations import CURSOR, Conversations
from whimbrel.journey.follower import cursor
from whimbrel.store.interface import InboundRow, Write
from whimbrel.store.migrations import Applied
from whimbrel.store.store import SqlStore

OURS, THEIRS, STRANGER = 12, 31, 32
LAST = "SM~"
_seen = iter(range(1, 1000))


async def texted(store: SqlStore, text: str = "Hello", *, theirs: int = THEIRS, account_id: str = ACCOUNT) -> Message:
    """A phone writes."""
    base = message()
    row = InboundRow(
        message_id=base.id, carrier_id="CR1", session="s", fingerprint=next(_seen), account_id=account_id, test=False,
        source="+447911123456", destination="+12025550100", source_hash=theirs, destination_hash=OURS, text=text,
        encoding="gsm7", at=NOW, opt_out_id="OO" + base.id[2:], masked="", octets=text.encode(),
    )  # fmt: skip
    assert await store.record_inbound([row]) == ["stored"]
    (found,) = await store.messages([base.id])
    return found


async def followed(store: SqlStore) -> Conversations:
    """The follower has seen all that there is."""
    follower = Conversations(store)
    await follower._find()
    while await follower.follow():
        pass
    return follower


async def listed(store: SqlStore, statement: str = "conversations_page", *more: object) -> list[Conversation]:
    return await store.fetch(Conversation, statement, ACCOUNT, 0, *more, LAST, 10)


async def test_texts_from_before_there_were_conversations_are_read(store: SqlStore) -> None:
    old = await texted(store)
    follower = Conversations(store)
    follower._since_us = old.created_at + 1
    await follower._find()
    await follower.follow()
    (found,) = await listed(store)
    assert (found.last_in_id, found.unread) == (old.id, 0) and await listed(store, "conversations_unread_page") == []
    (early, late) = (old, message(created_at=old.created_at + 1))
    assert [each.unread for each in begun([early], late.created_at)] == [0]
    assert [each.unread for each in begun([early], early.created_at)] == [1]


async def test_when_conversations_came_stands_in_the_schema(store: SqlStore) -> None:
    applied = {each.name: each.applied_at for each in await store.fetch(Applied, "schema_applied")}
    assert await Conversations(store)._begin() == applied["conversations"]


async def test_a_text_begins_a_conversation_and_the_next_goes_on_with_it(store: SqlStore) -> None:
    first = await texted(store)
    await followed(store)
    (begun_,) = await listed(store)
    assert begun_ == Conversation("CV" + first.id[2:], ACCOUNT, 0, OURS, THEIRS, first.id, first.id, 1)
    other = await texted(store, theirs=STRANGER)
    await texted(store)
    last = await texted(store)
    await texted(store, account_id=OTHER_ACCOUNT)
    await followed(store)
    assert [(row.id, row.last_id, row.unread) for row in await listed(store)] == [
        (begun_.id, last.id, 3),
        ("CV" + other.id[2:], other.id, 1),
    ]
    assert await listed(store, "conversations_of_number", STRANGER, 0) == [(await listed(store))[1]]


async def test_a_list_that_is_taken_again_counts_once(store: SqlStore) -> None:
    await texted(store)
    follower = Conversations(store)
    await follower._find()
    again = Conversations(store)
    await again._find()
    await follower.follow()
    await again.follow()  # a node that did not hear that another one follows by now
    assert [row.unread for row in await listed(store)] == [1]
    assert await cursor(store, CURSOR) == await store.last_position()


async def test_outbound_messages_cost_the_follower_nothing(store: SqlStore) -> None:
    await submit(store, message(sender_hash=OURS, recipient_hash=THEIRS))
    follower = Conversations(store)
    await follower._find()
    assert not await follower.follow()
    assert await cursor(store, CURSOR) == 0
    assert await listed(store) == []


async def test_read_and_answered(store: SqlStore) -> None:
    first = await texted(store)
    last = await texted(store)
    await followed(store)
    (row,) = await listed(store)
    assert await store.write([Write("conversation_read", ((row.id, first.id),))]) == [0]  # the phone wrote again
    assert [each.unread for each in await listed(store, "conversations_unread_page")] == [2]
    assert await store.write([Write("conversation_read", ((row.id, last.id),))]) == [1]
    assert await listed(store, "conversations_unread_page") == []
    assert await listed(store, "conversations_of_number", THEIRS, 1) == []
    answer = message(sender_hash=OURS, recipient_hash=THEIRS)
    await submit(store, answer)
    await store.write([Write("conversation_answered", ((row.id, answer.id),))])
    await store.write([Write("conversation_answered", ((row.id, first.id),))])
    (row,) = await listed(store)
    assert (row.last_id, row.last_in_id, row.unread) == (answer.id, last.id, 0)
    await texted(store)
    await followed(store)
    assert [each.unread for each in await listed(store, "conversations_unread_page")] == [1]


async def test_a_thread_is_what_the_two_numbers_wrote_and_nothing_else(store: SqlStore) -> None:
    first = await texted(store)
    answer = message(sender_hash=OURS, recipient_hash=THEIRS)
    strange = message(sender_hash=OURS + 1, recipient_hash=THEIRS)
    foreign = message(sender_hash=OURS, recipient_hash=THEIRS, account_id=OTHER_ACCOUNT)
    test = message(sender_hash=OURS, recipient_hash=THEIRS, test=True)
    for each in (answer, strange, foreign, test):
        await submit(store, each)
    await followed(store)
    await store.write([Write("message_numbers_add", (([each.id for each in (answer, strange, foreign, test)],),))] * 2)
    params = (ACCOUNT, 0, THEIRS, OURS, "")
    found = await store.fetch(Message, "conversation_thread", *params, LAST, 10)
    assert [each.id for each in found] == [answer.id, first.id]
    found = await store.fetch(Message, "conversation_thread", *params, answer.id, 10)
    assert [each.id for each in found] == [first.id]


async def test_a_conversation_goes_with_its_newest_message(store: SqlStore) -> None:
    await texted(store)
    await followed(store)
    (row,) = await listed(store)
    await store.purge({"messages": NOW - SECOND}, 10)
    assert await listed(store) == [row]
    await store.purge({"messages": NOW + HOUR}, 10)
    assert await listed(store) == []


@pytest.mark.parametrize("count", [1, 3])
def test_the_same_texts_make_the_same_conversation_again(count: int) -> None:
    texts = [message(direction="in", recipient_hash=OURS, sender_hash=THEIRS) for _ in range(count)]
    (made,) = begun(reversed(texts))
    assert (made.id, made.last_id, made.unread) == ("CV" + texts[0].id[2:], texts[-1].id, count)
    assert begun(texts) == (made,)
