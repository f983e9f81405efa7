"""POST /v1/carriers/{id}/test for carriers over HTTP, against the simulator's provider and servers that answer as they
are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.carriers.provider import Drop, Provider, says
from tests.edges.edge_rig import NUMBER, Edge, running_edge
from whimbrel.base.limits import CARRIER_TEST_WAIT_MAX_S
from whimbrel_sandbox.serve import running
from whimbrel_sandbox.settings import Settings as SandboxSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = {"to": "{to}", "from": "{from}", "text": "{text}", "reference": "{reference}"}
ASKED = {"to": NUMBER, "text": "a secret text", "sender": "+12025550100", "wait_s": 5}
PASSWORD = "s3cret-password"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path_factory.mktemp("http-tests")) as running_one:
        yield running_one


@asynccontextmanager
async def answering(answer: Any = None) -> AsyncIterator[tuple[Provider, str]]:
    provider = Provider()
    if answer is not None:
        provider.answer = lambda _: answer
    await provider.open()
    try:
        yield provider, f"http://127.0.0.1:{provider.port}/send"
    finally:
        await provider.close()


async def add(edge: Edge, url: str, name: str, **settings: Any) -> dict[str, Any]:
    new = {
        "name": name, "kind": "http", "password": PASSWORD,
        "settings": {"url": url, "fields": FIELDS, "auth": "bearer", "response_timeout_s": 60} | settings,
    }  # fmt: skip
    made = await edge.post("/v1/carriers", new, key=edge.operator)
    assert made.status == 201, made.json
    return made.json


async def report(edge: Edge, carrier: dict[str, Any], asked: dict[str, Any]) -> Any:
    answer = await edge.post(f"/v1/carriers/{carrier['id']}/test", asked, key=edge.operator)
    assert answer.status == 200, answer.json
    assert PASSWORD.encode() not in answer.body
    assert b"secret text" not in answer.body
    assert NUMBER.lstrip("+").encode() not in answer.body
    return answer.json


def steps(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["state"]) for step in found["steps"]]


async def test_one_text_its_answer_and_its_receipt(edge: Edge, tmp_path: Path) -> None:
    async with running(SandboxSettings(smpp_port=0, http_port=None, provider_port=0, seed=1)) as simulator:
        carrier = await add(edge, f"{simulator.address.provider_url}/messages", "whole")
        simulator.provider.settings.receipts_url = edge.url + carrier["receipts_url"]
        found = await report(edge, carrier, ASKED | {"wait_s": CARRIER_TEST_WAIT_MAX_S})
        assert steps(found) == [("connect", "ok"), ("request", "ok"), ("answer", "ok"), ("receipt", "ok")], found
        assert found["passed"] is True
        assert found["steps"][2]["said"] == f"taken as {found['message_id']}"
        assert (await edge.get("/v1/messages")).json["data"] == []
    (entry, *_) = (await edge.get("/v1/audit", key=edge.operator)).json["data"]
    assert (entry["action"], entry["subject_id"]) == ("carrier.tested", carrier["id"])


async def test_what_was_said_is_shown_without_what_is_secret_or_of_people(edge: Edge) -> None:
    answer = says(
        200, {"id": "P1", "to": NUMBER, "echo": "a secret text", "key": PASSWORD}, content_type="application/json"
    )
    async with answering(answer) as (provider, url):
        carrier = await add(edge, f"{url}?key={{password}}", "shown", headers={"X-Key": "{password}"})
        exchange = (await report(edge, carrier, ASKED | {"wait_s": 1}))["exchange"]
        (heard,) = [each for each in provider.heard if each.body]
        assert heard.json["text"] == "a secret text"
        assert PASSWORD in heard.line
    assert (exchange["method"], exchange["status"], exchange["content_type"]) == ("POST", 200, "application/json")
    assert "Authorization: Bearer •••" in exchange["headers"]
    assert "X-Key: •••" in exchange["headers"]
    assert '"text":"•••"' in exchange["body"]
    assert '"to":"+1415' in exchange["body"]
    assert '"id": "P1"' in exchange["answer"]


async def test_a_form_and_a_query_are_shown_so_that_they_can_be_read(edge: Edge) -> None:
    for encoding in ("form", "query"):
        async with answering(says(200, {})) as (_, url):
            carrier = await add(edge, f"{url}?key={{password}}", encoding, encoding=encoding)
            exchange = (await report(edge, carrier, ASKED))["exchange"]
        assert "key=•••" in exchange["url"]
        assert "text=•••" in exchange["body" if encoding == "form" else "url"]


async def test_what_is_taken_without_an_id_is_a_warning(edge: Edge) -> None:
    says_so = {"answer_code": "code", "answer_ok": ["0"]}
    async with answering(says(200, {"code": "0"})) as (_, url):
        found = await report(edge, await add(edge, url, "no-id-but-yes", **says_so), ASKED)
    assert (steps(found)[-1], found["passed"]) == (("answer", "warning"), True)
    assert found["steps"][-1]["said"].startswith("taken, but answer_id finds no id")


async def test_without_a_text_it_is_only_reached(edge: Edge) -> None:
    async with answering() as (provider, url):
        found = await report(edge, await add(edge, url, "reached"), {})
        assert (steps(found), found["exchange"], provider.heard) == ([("connect", "ok")], None, [])


ANSWERS = [
    ("throttled", says(429), ("answer", "failed"), "it asks us to wait; it said 429"),
    ("refused", says(400), ("answer", "failed"), "refused for good as carrier_rejected; it said 400"),
    ("key", says(401), ("answer", "failed"), "refused for now, so the next carrier would be tried; it said 401"),
    ("fault", says(500), ("answer", "failed"), "in doubt: it may have the text; it said 500"),
    (
        "no-id",
        says(200, {"sid": "1"}),
        ("answer", "failed"),
        "in doubt: it may have the text; it said 200 with nothing where answer_id or answer_code says",
    ),
    ("dropped", Drop(), ("request", "failed"), "no answer: connection_lost"),
]


@pytest.mark.parametrize(("name", "answer", "step", "said"), ANSWERS, ids=[each[0] for each in ANSWERS])
async def test_what_its_answer_means_is_said(
    edge: Edge, name: str, answer: Any, step: tuple[str, str], said: str
) -> None:
    async with answering(answer) as (_, url):
        found = await report(edge, await add(edge, url, name), ASKED)
    assert steps(found)[-1] == step
    assert found["steps"][-1]["said"].startswith(said)
    assert found["passed"] is (step[1] != "failed")


async def test_one_that_is_not_there(edge: Edge) -> None:
    async with answering() as (_, url):
        carrier = await add(edge, url, "gone")
    found = await report(edge, carrier, ASKED)
    assert (steps(found), found["exchange"]) == ([("connect", "failed")], None)
    assert found["steps"][0]["said"].startswith("connect_failed")


async def test_no_receipt_and_no_address_to_bring_one_to(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering() as (_, url):
        found = await report(edge, await add(edge, url, "silent"), ASKED | {"wait_s": 1})
        assert found["steps"][-1]["said"] == "none within 1 s; it may still come"
        fields = FIELDS | {"callback": "{callback}"}
        monkeypatch.setattr(edge.app.upstreams, "_api_url", lambda: "")  # it listens everywhere, and nobody says how
        found = await report(edge, await add(edge, url, "unknown", fields=fields), ASKED)
        assert "server.public_url" in found["steps"][-1]["said"]
