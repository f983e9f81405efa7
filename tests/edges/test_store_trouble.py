"""What the doors say when the store cannot do its work, and that they say nothing when nobody knows whether it did."""

import aiohttp
import pytest

from whimbrel.store.errors import CommitFailed, CommitUnknown

from .edge_rig import NUMBER, SENDER, running_edge

MESSAGE = {"to": NUMBER, "text": "Hello"}
FAILED = CommitFailed("nothing was stored: the database cannot be reached")
UNKNOWN = CommitUnknown("it may or may not have been stored")


@pytest.fixture
async def edge(tmp_path):
    async with running_edge(tmp_path) as running:
        yield running


@pytest.fixture
def trouble(edge, monkeypatch):
    """Let accept meet this at the store."""

    def meet(error):
        async def accept(*args):
            raise error

        monkeypatch.setattr(edge.app.store, "accept", accept)

    return meet


def one(edge):
    return edge.post("/v1/messages", MESSAGE)


def chunked(edge):
    """By ASGI."""
    return edge.post("/v1/messages", MESSAGE, headers={"Expect": "100-continue"})


def keyed(edge):
    return edge.post("/v1/messages", MESSAGE, headers={"Idempotency-Key": "once"})


def batch(edge):
    return edge.post("/v1/messages/batch", {"messages": [MESSAGE] * 3})


def twilio(edge):
    basic = aiohttp.encode_basic_auth(edge.customer.id, edge.customer.auth_token)
    form = {"To": NUMBER, "From": SENDER, "Body": "Hello"}
    path = f"/2010-04-01/Accounts/{edge.customer.id}/Messages.json"
    return edge.ask("POST", path, data=form, headers={"Authorization": basic})


WAYS = pytest.mark.parametrize("way", [one, chunked, keyed, batch, twilio], ids=lambda way: way.__name__)


def answered(edge, status):
    return sum(
        sample.value
        for sample in edge.app.metrics.requests.collect()[0].samples
        if sample.name.endswith("_total") and sample.labels["status"] == status
    )


@WAYS
async def test_what_could_not_be_stored_is_refused_for_now(edge, trouble, way):
    trouble(FAILED)
    answer = await way(edge)
    assert answer.status == 503 and answer.headers["Retry-After"] == "1"
    assert b"nothing was stored" in answer.body
    edge.app.metrics.render()
    assert answered(edge, "503") == 1


@WAYS
async def test_what_may_have_been_stored_has_no_answer(edge, trouble, way):
    trouble(UNKNOWN)
    with pytest.raises(aiohttp.ClientConnectionError):
        await way(edge)
    edge.app.metrics.render()
    assert answered(edge, "none") == 1
    assert answered(edge, "500") == answered(edge, "503") == 0
    assert (await edge.get("/v1/messages")).status == 200, "others are served"


async def test_a_batch_whose_rest_is_unknown_has_no_answer_and_is_completed_under_its_key(edge, monkeypatch):
    accept, calls = edge.app.store.accept, []

    async def once_unknown(*args):
        calls.append(args)
        if len(calls) == 2:
            raise UNKNOWN
        return await accept(*args)

    monkeypatch.setattr(edge.app.store, "accept", once_unknown)
    texts = {"messages": [{"to": NUMBER, "text": f"Hello {number}"} for number in range(600)]}
    with pytest.raises(aiohttp.ClientConnectionError):
        await edge.post("/v1/messages/batch", texts, headers={"Idempotency-Key": "once"})
    again = await edge.post("/v1/messages/batch", texts, headers={"Idempotency-Key": "once"})
    assert again.status == 202 and again.json["accepted"] == 600


async def test_a_read_that_fails_is_refused_for_now(edge, monkeypatch):
    async def gone(*args, **kwargs):
        raise CommitFailed("the database cannot be reached")

    monkeypatch.setattr(edge.app.store, "report", gone)
    answer = await edge.get("/v1/messages")
    assert answer.status == 503 and answer.headers["Retry-After"] == "1"
