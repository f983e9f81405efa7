"""Writes of conversations that several parts make alike: each change with its figures and its event, in this order."""

from collections.abc import Sequence

import msgspec

from whimbrel.base.clock import DAY_US
from whimbrel.domain.conversations import Arrival, Conversation, ConversationState, Pair
from whimbrel.store.interface import Write


def received(arrivals: Sequence[Arrival]) -> tuple[Write, ...]:
    """Conversations begin or go on, and are told of where that opens them."""
    rows = tuple(msgspec.structs.astuple(each) for each in arrivals)
    opened = tuple((*each.pair, each.at) for each in arrivals if each.opens)
    told = (Write("conversation_opened_event", opened),) if opened else ()
    return (Write("conversation_received", rows), *told)


def rated(pair: Pair, score: int, at: int) -> tuple[Write, ...]:
    """The phone answered the question."""
    return (
        Write("conversation_rated_day", ((*pair, score, at // DAY_US),)),
        Write("conversation_rated", ((*pair, score, at),)),
        Write("conversation_rated_event", ((*pair, at),)),
    )


def stands(row: Conversation, state: ConversationState, at: int, actor: str) -> tuple[Write, ...]:
    """It stands so from now on."""
    counted = (Write("conversation_closed_day", ((row.id, at // DAY_US),)),) if state == "closed" else ()
    return (
        *counted,
        Write("conversation_state", ((row.id, state, at),)),
        Write("conversation_state_event", ((row.id, at, actor),)),
    )


def assigned(row: Conversation, user_id: str, at: int, actor: str) -> tuple[Write, ...]:
    """Somebody sees to it from now on, or (empty) nobody."""
    return (
        Write("conversation_assignee", ((row.id, user_id, at),)),
        Write("conversation_assignee_event", ((row.id, at, actor),)),
    )


def given(pair: Pair, user_id: str, at: int, actor: str) -> tuple[Write, ...]:
    """Somebody sees to the one of these numbers from now on."""
    return (
        Write("conversation_given", ((*pair, user_id, at),)),
        Write("conversation_given_event", ((*pair, at, actor),)),
    )


def answered(row: Conversation, message_id: str, at: int, user_id: str) -> tuple[Write, ...]:
    """This was sent in it: the list shows it, nothing waits any more, and the thread does not wait for the index."""
    return (
        Write("conversation_reply_day", ((row.id, at, at // DAY_US, user_id),)),
        Write("conversation_answered", ((row.id, message_id),)),
        Write("message_numbers_add", (([message_id],),)),
    )
