"""finish: a message ends without further submission, once, and its money goes where it belongs."""

import pytest
from store_samples import (
    ACCOUNT,
    CARRIER,
    CREDIT,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
    PRICE,
    SECOND,
    balance,
    claim,
    events,
    lane,
    load,
    message,
    state,
    submit,
    told,
)

from whimbrel.domain.model import Message
from whimbrel.store.interface import Answer, Ending, Write
from whimbrel.store.store import SqlStore

LATER = NOW + 5 * SECOND


def ending(wanted: Message, new_state: str, *states: str, reason: str | None = "expired", **more: object) -> Ending:
    return Ending(wanted.id, states, new_state, reason, LATER, **more)


async def put(store: SqlStore, before: str) -> Message:
    """A message in the state asked for, by the verbs that lead there."""
    sent = message(scheduled_for=NOW + HOUR if before == "scheduled" else None)
    await submit(store, sent)
    if before in ("sending", "sent", "in_doubt"):
        ((attempt,),) = await claim(store, sent)
        kind = {"sent": "accepted", "in_doubt": "in_doubt"}.get(before)
        if kind is not None:
            answer = Answer(attempt, sent.id, CARRIER, kind, NOW + SECOND, carrier_message_id="7", carrier_key="7")
            await store.record_answers([answer])
    assert await state(store, sent) == before
    return sent


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("queued", "canceled", "canceled"),
        ("queued", "expired", "expired"),
        ("queued", "rejected", "opted_out"),
        ("queued", "failed", "carrier_unavailable"),
        ("scheduled", "canceled", "canceled"),
        ("scheduled", "rejected", "no_route"),
        ("sending", "failed", "quarantined"),
        ("in_doubt", "unknown", "crash"),
        ("sent", "unknown", "no_receipt"),
    ],
)
async def test_an_ending(store: SqlStore, before: str, after: str, reason: str):
    sent = await put(store, before)
    assert await store.finish([ending(sent, after, before, reason=reason)]) == [True]
    stored = await load(store, sent)
    assert (stored.state, stored.reason, stored.final_at, stored.updated_at) == (after, reason, LATER, LATER)
    assert stored.held_micros == 0
    assert (await told(store, sent))[-1] == after
    assert f'"reason":"{reason}"' in (await events(store, sent))[-1].data
    assert await lane(store) == []
    assert await store.due(NOW + 2 * HOUR, 10) == []
    assert await store.overdue(2**62, 10) == []
    spent = PRICE if before == "sent" else 0  # the carrier took it: it was charged then
    assert await balance(store) == (CREDIT - spent, 0, spent)


async def test_an_ending_that_charges(store: SqlStore):
    sent = await put(store, "in_doubt")
    assert await store.finish([ending(sent, "unknown", "in_doubt", charge=True)]) == [True]
    stored = await load(store, sent)
    assert (stored.charged_micros, stored.held_micros) == (PRICE, 0)
    assert await balance(store) == (CREDIT - PRICE, 0, PRICE)


async def test_an_ending_in_another_state_is_not_applied(store: SqlStore):
    sent = await put(store, "queued")
    assert await store.finish([ending(sent, "canceled", "scheduled"), ending(message(), "canceled", "queued")]) == [
        False,
        False,
    ]
    assert await state(store, sent) == "queued"
    assert await lane(store) == [sent.id]


async def test_the_table_of_moves_has_the_last_word(store: SqlStore):
    sent = await put(store, "sent")
    assert await store.finish([ending(sent, "canceled", "sent")]) == [False]
    assert await state(store, sent) == "sent"


async def test_a_final_state_stays(store: SqlStore):
    sent = await put(store, "queued")
    first, second = ending(sent, "canceled", "queued"), ending(sent, "expired", "queued", "canceled")
    assert await store.finish([first, second]) == [True, False]
    assert await store.finish([second]) == [False]
    assert await told(store, sent) == ["queued", "canceled"]
    assert await balance(store) == (CREDIT, 0, 0)


@pytest.mark.parametrize(("account", "applied"), [(ACCOUNT, True), (OTHER_ACCOUNT, False), (None, True)])
async def test_another_accounts_message_is_left_alone(store: SqlStore, account: str | None, applied: bool):
    sent = await put(store, "queued")
    assert await store.finish([ending(sent, "canceled", "queued", account_id=account)]) == [applied]
    assert (await state(store, sent) == "canceled") is applied


async def test_expired_messages_are_found_in_their_lanes(store: SqlStore):
    short, long = message(expires_at=NOW + SECOND), message(expires_at=NOW + HOUR)
    await submit(store, short, long)
    assert await store.expired(NOW, 10) == []
    assert await store.expired(NOW + SECOND, 10) == [short.id]


async def test_a_deadline_is_set_anew_and_passes_once(store: SqlStore):
    sent = await put(store, "in_doubt")
    await store.write([Write("deadline_set", ((sent.id, NOW + HOUR),))])
    await store.write([Write("deadline_set", ((sent.id, NOW + 2 * HOUR),))])
    assert await store.overdue(NOW + HOUR, 10) == []
    assert [item.id for item in await store.overdue(NOW + 2 * HOUR, 10)] == [sent.id]
