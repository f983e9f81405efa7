"""A phone is handed over to people: its conversation is open and unread, with whom it is for, tags and a note."""

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Vault
from whimbrel.domain.conversations import Arrival
from whimbrel.domain.flow_effects import Turn
from whimbrel.products.conversations.writes import given, received
from whimbrel.store.interface import Write


def hand_over_writes(taken: Turn, vault: Vault, new_ids: Ids, now: int) -> tuple[Write, ...]:
    """For the commit of a turn; nothing where it hands nothing over."""
    wish, run = taken.hand_over, taken.run
    if wish is None or run.last_id is None:
        return ()
    arrival = Arrival(
        id=ids.CONVERSATION + run.last_id[2:],
        account_id=run.account_id,
        test=int(run.test),
        our_hash=vault.number_hash(run.number),
        their_hash=run.phone_hash,
        last_id=run.last_id,
        last_in_id=run.last_id,
        unread=1,
        state="open",
        at=now,
        waits_from=now,
        opens=1,
    )
    pair = arrival.account_id, arrival.test, arrival.our_hash, arrival.their_hash
    writes = [*received([arrival]), Write("message_numbers_add", (([run.last_id],),))]
    if wish.assignee:
        writes += given(pair, wish.assignee, now, run.flow_id)
    if wish.tags:
        tags = msgspec.json.encode(wish.tags).decode()
        writes.append(Write("conversation_tags_add", ((*pair, tags, limits.CONVERSATION_TAGS_MAX),)))
    if wish.note:
        note = (new_ids.new(ids.NOTE), *pair, run.flow_id, wish.note, now, limits.NOTES_PER_CONVERSATION)
        writes.append(Write("conversation_note_between", (note,)))
    return tuple(writes)
