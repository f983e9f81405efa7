"""Around the commit of POST /v1/messages: before it a failure is a 500 and nothing is stored; after it the answer is a
202 whatever happens, because clients send again on any 5xx.
"""

import asyncio
import logging

import msgspec
import pytest

from whimbrel.journey.accept import Accepted
from whimbrel.store.interface import Search

from .edge_rig import NUMBER

BROKEN = 10**30  # microseconds that no calendar holds: rendering fails
ONE = {"to": NUMBER, "text": "Hello"}


async def stored(edge):
    return [row.id for row in await edge.app.store.search(Search(account_id=edge.customer.id, test=False), 10)]


@pytest.fixture
def unrenderable(edge, monkeypatch):
    """Verdicts that cannot be rendered, of messages that are stored."""
    accept = edge.app.accept
    submit, submit_one = accept.submit, accept.submit_one

    def broken(verdicts):
        return [msgspec.structs.replace(verdict, created_at=BROKEN, price_micros="x") for verdict in verdicts]

    async def many(*args, **named):
        return Accepted(broken((await submit(*args, **named)).verdicts))

    async def one(*args):
        return broken(await submit_one(*args))

    monkeypatch.setattr(accept, "submit", many)
    monkeypatch.setattr(accept, "submit_one", lambda draft, still: asyncio.ensure_future(one(draft)))


async def test_after_the_commit_the_answer_is_202_even_if_it_cannot_be_rendered(edge, unrenderable, caplog):
    answer = await edge.post("/v1/messages", ONE)
    assert (answer.status, [answer.json["id"]]) == (202, await stored(edge))
    assert answer.headers["Location"].endswith(answer.json["id"])
    batch = await edge.post("/v1/messages/batch", {"messages": [ONE, {"to": "nobody", "text": "x"}]})
    assert batch.status == 202
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 2


async def test_before_the_commit_a_failure_is_told_and_logged_once(edge, monkeypatch, caplog):
    async def full(*args):
        raise OSError("no space left on device: +14155550123")

    monkeypatch.setattr(edge.app.store, "accept", full)
    answer = await edge.post("/v1/messages", ONE)
    assert (answer.status, answer.code) == (500, "internal_error")
    assert b"space" not in answer.body
    assert await stored(edge) == []
    (record,) = [record for record in caplog.records if record.name == "whimbrel.edges"]
    assert record.request_id == answer.json["request_id"]


async def test_not_ready_is_said_with_its_reason(edge, monkeypatch):
    async def gone():
        raise OSError("the file is gone")

    monkeypatch.setattr(edge.app.store, "ping", gone)
    answer = await edge.get("/readyz", key="")
    assert (answer.status, answer.code) == (503, "overloaded")
    assert "the file is gone" in answer.json["detail"]
