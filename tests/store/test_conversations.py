"""Conversations in the store: begun by a phone's text, revived by the next, read, answered, found and forgotten."""

from typing import cast

import msgspec
import pytest
from store_samples import ACCOUNT, HOUR, NOW, OTHER_ACCOUNT, SECOND, message, submit

from whimbrel.domain.conversations import Conversation, ConversationDay, Note, arrivals
from whimbrel.domain.model import Message
from whimbrel.journey.accept import Accept
from whimbrel.journey.follower import cursor
from whimbrel.products.conversations import writes
from whimbrel.products.conversations.following import CURSOR, Conversations
from whimbrel.store.interface import InboundRow, Write
from whimbrel.store.migrations import Applied
from whimbrel.store.store import SqlStore

OURS, THEIRS, STRANGER = 12, 31, 32
LAST = "SM~"
NOBODY_ANSWERS = cast(Accept, None)
"""These accounts have no hours of service: a follower that accepted something would fail."""
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
    follower = Conversations(store, NOBODY_ANSWERS)
    await follower._find()
    while await follower.follow():
        pass
    return follower


async def listed(store: SqlStore, statement: str = "conversations_page", *more: object) -> list[Conversation]:
    return await store.fetch(Conversation, statement, ACCOUNT, 0, *more, LAST, 10)


async def test_texts_from_before_there_were_conversations_are_read(store: SqlStore) -> None:
    old = await texted(store)
    follower = Conversations(store, NOBODY_ANSWERS)
    follower._since_us = old.created_at + 1
    await follower._find()
    await follower.follow()
    (found,) = await listed(store)
    assert (found.last_in_id, found.unread) == (old.id, 0) and await listed(store, "conversations_unread_page") == []
    (early, late) = (old, message(created_at=old.created_at + 1))
    assert [each.unread for each in arrivals([early], late.created_at)] == [0]
    assert [each.unread for each in arrivals([early], early.created_at)] == [1]


async def test_when_conversations_came_stands_in_the_schema(store: SqlStore) -> None:
    applied = {each.name: each.applied_at for each in await store.fetch(Applied, "schema_applied")}
    assert await Conversations(store, NOBODY_ANSWERS)._begin() == applied["conversations"]


async def test_a_text_begins_a_conversation_and_the_next_goes_on_with_it(store: SqlStore) -> None:
    first = await texted(store)
    await followed(store)
    (begun_,) = await listed(store)
    assert begun_ == Conversation(
        "CV" + first.id[2:], ACCOUNT, 0, OURS, THEIRS, first.id, first.id, 1, "open", NOW, waits_from=NOW, seq=1
    )
    other = await texted(store, theirs=STRANGER)
    await texted(store)
    last = await texted(store)
    await texted(store, account_id=OTHER_ACCOUNT)
    await followed(store)
    assert [(row.id, row.last_id, row.unread) for row in await listed(store)] == [
        (begun_.id, last.id, 3),
        ("CV" + other.id[2:], other.id, 1),
    ]
    assert await listed(store, "conversations_of_number", STRANGER) == [(await listed(store))[1]]


async def test_a_list_that_is_taken_again_counts_once(store: SqlStore) -> None:
    await texted(store)
    until = await store.last_position()
    follower = Conversations(store, NOBODY_ANSWERS)
    await follower._find()
    again = Conversations(store, NOBODY_ANSWERS)
    await again._find()
    await follower.follow()
    await again.follow()  # a node that did not hear that another one follows by now
    assert [row.unread for row in await listed(store)] == [1]
    assert await cursor(store, CURSOR) == until


async def test_outbound_messages_cost_the_follower_nothing(store: SqlStore) -> None:
    await submit(store, message(sender_hash=OURS, recipient_hash=THEIRS))
    follower = Conversations(store, NOBODY_ANSWERS)
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
    answer = message(sender_hash=OURS, recipient_hash=THEIRS)
    await submit(store, answer)
    await store.write([Write("conversation_answered", ((row.id, answer.id),))])
    await store.write([Write("conversation_answered", ((row.id, first.id),))])
    (row,) = await listed(store)
    assert (row.last_id, row.last_in_id, row.unread) == (answer.id, last.id, 0)
    await texted(store)
    await followed(store)
    assert [each.unread for each in await listed(store, "conversations_unread_page")] == [1]


async def told(store: SqlStore) -> list[tuple[int, str]]:
    """The events of conversations, with their numbers."""
    rows = await store.events_after(0, 100)
    return [(row.seq, row.type) for row in rows if row.subject_id.startswith("CV")]


async def test_each_change_is_told_once_with_the_next_number(store: SqlStore) -> None:
    await texted(store)
    await followed(store)
    (row,) = await listed(store)
    at = NOW + SECOND
    changes = (*writes.assigned(row, "US1", at, "US1"), *writes.stands(row, "closed", at, "US1"))
    for _ in range(2):  # the second time it is so already
        await store.write(changes)
    assert await told(store) == [(1, "conversation.opened"), (2, "conversation.assigned"), (3, "conversation.closed")]
    (row,) = await listed(store)
    assert (row.state, row.assignee, row.waits_from, row.seq) == ("closed", "US1", 0, 3)
    days = await store.fetch(ConversationDay, "conversation_days", ACCOUNT, 0, 0, 1 << 40)
    assert [(day.user_id, day.closed) for day in days] == [("US1", 1)]
    await texted(store)
    await followed(store)
    assert (await listed(store))[0].state == "open"
    assert (await told(store))[3:] == [(4, "conversation.opened")]
    await texted(store)
    await followed(store)
    assert len(await told(store)) == 4  # it was open


async def test_a_keyword_opens_nothing_and_one_that_was_guessed_does(store: SqlStore) -> None:
    await texted(store, "STOP")
    await followed(store)
    assert [(row.state, row.waits_from, row.unread) for row in await listed(store)] == [("closed", 0, 1)]
    assert await told(store) == []
    await texted(store, "please stop texting me")
    await followed(store)
    assert [row.state for row in await listed(store)] == ["open"]


async def test_how_long_a_text_waited_for_its_answer(store: SqlStore) -> None:
    await texted(store)
    await followed(store)
    (row,) = await listed(store)
    answer = message(sender_hash=OURS, recipient_hash=THEIRS)
    await submit(store, answer)
    for later in (90 * SECOND, 99 * SECOND):  # the second answers nothing any more
        await store.write(writes.answered(row, answer.id, NOW + later, "US1"))
    (day,) = await store.fetch(ConversationDay, "conversation_days", ACCOUNT, 0, 0, 1 << 40)
    assert (day.user_id, day.replies, day.reply_us) == ("US1", 1, 90 * SECOND)


async def test_a_rating_counts_for_who_saw_to_it_and_only_where_it_was_asked_for(store: SqlStore) -> None:
    await texted(store)
    await followed(store)
    (row,) = await listed(store)
    await store.write(writes.rated(row.pair, 4, NOW))
    assert (await listed(store))[0].rating == 0
    await store.write([*writes.assigned(row, "US1", NOW, "US1"), Write("conversation_asked", ((row.id, NOW),))])
    for score in (4, 1):
        await store.write(writes.rated(row.pair, score, NOW + SECOND))
    assert ((await listed(store))[0].rating, (await told(store))[-1]) == (4, (3, "conversation.rated"))
    (day,) = await store.fetch(ConversationDay, "conversation_days", ACCOUNT, 0, 0, 1 << 40)
    assert (day.user_id, day.rated, day.score) == ("US1", 1, 4)


async def test_notes_go_with_their_conversation_and_with_the_person(store: SqlStore) -> None:
    for theirs in (THEIRS, STRANGER):
        await texted(store, theirs=theirs)
    await followed(store)
    one, other = await listed(store)
    rows = tuple(("NT" + each.id[2:], ACCOUNT, 0, each.id, "US1", "Note", NOW) for each in (one, other))
    await store.write([Write("conversation_note_insert", rows)])
    assert await store.write([Write("conversation_notes_erase", ((ACCOUNT, 0, one.their_hash),))]) == [1]
    assert await store.fetch(int, "conversation_notes_count", other.id) == [1]
    await store.purge({"messages": NOW + HOUR}, 10)
    assert await store.fetch(int, "conversation_notes_count", other.id) == [0]


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
    (made,) = arrivals(reversed(texts))
    assert (made.id, made.last_id, made.unread) == ("CV" + texts[0].id[2:], texts[-1].id, count)
    assert arrivals(texts) == (made,)


async def test_the_one_of_two_numbers_is_given_tagged_and_noted_without_its_id(store: SqlStore) -> None:
    await texted(store)
    await followed(store)
    (row,) = await listed(store)
    pair = row.pair
    await store.write([Write("conversation_tags", ((row.id, '["a","b"]'),))])
    tags = msgspec.json.encode(["b", 'c"', "d"]).decode()
    for _ in range(2):
        said = (*writes.given(pair, "US1", NOW, "FW1"), Write("conversation_tags_add", ((*pair, tags, 4),)))
        await store.write(said)
    (found,) = await listed(store)
    assert (found.assignee, found.assigned_at, found.seq) == ("US1", NOW, row.seq + 1)
    assert found.tags == ("a", "b", 'c"', "d")
    await store.write([Write("conversation_tags_add", ((*pair, '["e"]', 4),))])
    assert (await listed(store))[0].tags == found.tags
    for number in range(3):
        note = (f"NT{number}", *pair, "FW1", f"note {number}", NOW, 2)
        await store.write([Write("conversation_note_between", (note,))])
    about = (ACCOUNT, 0, row.id, "NT~", 9)
    assert [each.id for each in await store.fetch(Note, "conversation_notes_page", *about)] == ["NT1", "NT0"]
