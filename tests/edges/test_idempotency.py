"""Idempotency-Key, as the IETF draft has it: the same request gets the first answer again, another body under the same
key is refused, one under way is told so, and a refusal is not remembered.
"""

import asyncio

import pytest

from whimbrel.store.interface import Search

from .edge_rig import NUMBER

KEY = {"Idempotency-Key": "order-4711"}


async def stored(edge, test=False):
    return len(await edge.app.store.search(Search(account_id=edge.customer.id, test=test), 100))


async def test_the_same_request_gets_the_first_answer_again(edge):
    first = await edge.send(headers=KEY, metadata={"a": 1, "b": 2})
    again = await edge.send(headers=KEY, metadata={"b": 2, "a": 1})
    assert (first.status, again.status) == (202, 202)
    assert again.json == first.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert await stored(edge) == 1


async def test_another_body_under_the_same_key_is_refused(edge):
    await edge.send(headers=KEY)
    answer = await edge.send(headers=KEY, text="Something else")
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    batch = await edge.post("/v1/messages/batch", {"messages": [{"to": NUMBER, "text": "Hello"}]}, headers=KEY)
    assert batch.code == "idempotency_key_reused"
    assert await stored(edge) == 1


async def test_of_many_at_once_one_is_stored_and_the_others_are_told(edge):
    answers = await asyncio.gather(*(edge.send(headers=KEY) for _ in range(8)))
    good = [answer for answer in answers if answer.status == 202]
    assert len({answer.json["id"] for answer in good}) == 1
    for answer in answers:
        assert answer.status == 202 or (answer.status, answer.code) == (409, "idempotency_in_progress")
    assert await stored(edge) == 1


async def test_a_refusal_is_not_remembered(edge):
    assert (await edge.send(headers=KEY, to="nobody")).code == "invalid_number"
    assert (await edge.send(headers=KEY)).status == 202


async def test_keys_belong_to_an_account_and_a_mode(edge):
    stranger = await edge.new_customer("Stranger")
    await edge.give_sender(stranger.id, "Stranger")
    ids = set()
    for key in (edge.customer.live, edge.customer.test, stranger.live):
        answer = await edge.send(headers=KEY, key=key)
        assert answer.status == 202 and "Idempotent-Replayed" not in answer.headers
        ids.add(answer.json["id"])
    assert len(ids) == 3


async def test_a_batch_is_replayed_verdict_by_verdict(edge):
    messages = [{"to": NUMBER}, {"to": "nobody"}, {"to": NUMBER, "tags": [""]}, {"to": NUMBER}]
    batch = {"messages": messages, "defaults": {"text": "We open at nine."}}
    first = await edge.post("/v1/messages/batch", batch, headers=KEY)
    again = await edge.post("/v1/messages/batch", batch, headers=KEY)
    assert first.json == again.json
    assert (first.json["accepted"], first.json["rejected"]) == (2, 2)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await stored(edge) == 2


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "tab\tinside", "ümlaut"])
async def test_a_key_that_is_none(edge, key):
    answer = await edge.send(headers={"Idempotency-Key": key})
    assert (answer.status, answer.code) == (400, "invalid_idempotency_key")
    assert await stored(edge) == 0


async def test_the_longest_key_is_taken(edge):
    assert (await edge.send(headers={"Idempotency-Key": "x" * 255})).status == 202
