"""Requests that are sent again: by key, by Twilio's own header, and, for accounts that chose so, by equal octets."""

import asyncio

import pytest

from tests.edges.edge_rig import ACTOR, NUMBER, running_edge
from whimbrel.base.clock import SECOND_US, ManualClock
from whimbrel.manage import accounts
from whimbrel.store.interface import Search

from .twilio_rig import ask, basic, create, inbox, settled

HEADERS = ("Idempotency-Key", "I-Twilio-Idempotency-Token")
SPAN_S = 10


async def stored(edge, *, test=False):
    return await edge.app.store.search(Search(account_id=edge.customer.id, test=test), 100)


@pytest.mark.parametrize("header", HEADERS)
async def test_equal_keys_are_one_request(edge, header):
    first = await create(edge, headers={header: "order-7"})
    again = await create(edge, headers={header: "order-7"})
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert (first.headers.get("Idempotent-Replayed"), again.headers.get("Idempotent-Replayed")) == (None, "true")
    other = await create(edge, headers={header: "order-7"}, Body="another")
    assert (other.status, other.json["code"], other.json["details"]["code"]) == (422, 20422, "idempotency_key_reused")
    assert len(await stored(edge)) == 1


async def test_the_order_of_fields_makes_no_other_request(edge):
    form = [("To", NUMBER), ("Body", "x"), ("Colour", "red")]
    first = await ask(edge, "POST", data=form, headers={"Idempotency-Key": "a"})
    again = await ask(edge, "POST", data=form[::-1], headers={"Idempotency-Key": "a"})
    assert again.json == first.json


@pytest.mark.parametrize("key", ["", "a\tb", "a" * 256, "ä"])
async def test_keys_that_are_none(edge, key):
    answer = await create(edge, headers={"Idempotency-Key": key})
    if key:
        assert (answer.status, answer.json["code"]) == (400, 20001), answer.json
        assert await stored(edge) == []
    else:
        assert answer.status == 201  # an empty header is no header


async def test_a_refusal_is_not_remembered(edge):
    assert (await create(edge, headers={"Idempotency-Key": "a"}, Body="")).status == 400
    assert (await create(edge, headers={"Idempotency-Key": "a"})).status == 201


async def test_keys_of_test_and_live_are_two(edge):
    live, test = (basic("x", key) for key in (edge.customer.live, edge.customer.test))
    sids = {(await create(edge, auth=auth, headers={"Idempotency-Key": "a"})).json["sid"] for auth in (live, test)}
    assert len(sids) == 2


async def test_two_equal_texts_are_meant(edge):
    sids = {(await create(edge)).json["sid"] for _ in range(2)}
    assert len(sids) == 2


# ---------------------------------------------------------------- equal octets


@pytest.fixture
async def deduping(tmp_path):
    """An installation whose clock stands still, and an account that takes equal POSTs within ten seconds for one."""
    clock = ManualClock(1_800_000_000 * SECOND_US)  # a border of spans
    async with running_edge(tmp_path, clock=clock) as edge:
        change = accounts.AccountChange(dedupe_s=SPAN_S)
        await accounts.update(edge.app.manage, ACTOR, edge.customer.id, change)
        edge.clock = clock
        yield edge


async def test_equal_octets_are_one_request(deduping):
    first, again = [await create(deduping) for _ in range(2)]
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await create(deduping, Body="another")).json["sid"] != first.json["sid"]
    assert len(await stored(deduping)) == 2


async def test_equal_octets_at_once_are_one_request(deduping):
    answers = await asyncio.gather(*(create(deduping) for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["sid"] for answer in answers}) == 1
    assert len(await stored(deduping)) == 1


@pytest.mark.parametrize(
    ("first_s", "after_s", "one"),
    [
        (0, 9, True),
        (9, 2, True),  # across a border
        (9, 9, True),
        (9, 10, False),
        (9, 11, False),  # two borders further
        (0, 10, False),
        (5, 20, False),
    ],
)
async def test_the_time_within_which_they_are_one(deduping, first_s, after_s, one):
    deduping.clock.advance(first_s)
    first = await create(deduping)
    deduping.clock.advance(after_s)
    again = await create(deduping)
    assert (again.json["sid"] == first.json["sid"]) is one
    assert ("Idempotent-Replayed" in again.headers) is one


async def test_a_repetition_does_not_stretch_the_time(deduping):
    sids = []
    for _ in range(4):
        sids.append((await create(deduping)).json["sid"])
        deduping.clock.advance(4)
    assert [sid == sids[0] for sid in sids] == [True, True, True, False]


async def test_a_key_says_more_than_octets(deduping):
    sids = {(await create(deduping, headers={"Idempotency-Key": key})).json["sid"] for key in ("a", "b")}
    assert len(sids) == 2


async def test_other_accounts_and_other_modes_are_others(deduping):
    edge = deduping
    live, test = (basic("x", key) for key in (edge.customer.live, edge.customer.test))
    first = await create(edge, auth=live)
    assert (await create(edge, auth=test)).json["sid"] != first.json["sid"]
    assert (await create(edge)).json["sid"] == first.json["sid"]  # the token and a key are the same account
    other = await edge.new_customer("Other")
    await accounts.update(edge.app.manage, ACTOR, other.id, accounts.AccountChange(dedupe_s=SPAN_S))
    await edge.give_sender(other.id, "Other")
    form = {"To": NUMBER, "Body": "same"}
    sids = set()
    for customer in (edge.customer, other):
        edge.customer = customer
        sids.add((await ask(edge, "POST", data=form)).json["sid"])
    assert len(sids) == 2


async def test_a_refused_text_may_be_tried_again(deduping):
    assert (await create(deduping, Body="")).status == 400
    refused = await create(deduping, From="+12025550199")
    await deduping.give_sender(deduping.customer.id, "+12025550199")
    assert (refused.status, (await create(deduping, From="+12025550199")).status) == (400, 201)


async def test_nothing_is_sent_twice(edge):
    change = accounts.AccountChange(dedupe_s=60 * SPAN_S)  # so that none comes later than that
    await accounts.update(edge.app.manage, ACTOR, edge.customer.id, change)
    (sid,) = {answer.json["sid"] for answer in await asyncio.gather(*(create(edge) for _ in range(20)))}
    await settled(edge, sid, "delivered")
    assert inbox(edge) == ["Hello"]
