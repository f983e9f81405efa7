"""Whatever is sent to whatever route, the answer is from the catalogue and never a failure of ours."""

import random

import msgspec
import pytest
import pytest_asyncio

from whimbrel.base.errors import CATALOGUE
from whimbrel.edges.rest.door import table

from .edge_rig import NUMBER, running_edge

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATIONS = [each for each in table(streams_per_account=1) if each.stream is None]
IDS = ["%00", "x" * 3000, "%F0%9F%90%A6", "SM" + "g" * 32, "..%2f..%2fetc", "' OR 1=1 --", "{id}", "SM" + "f" * 32]
ODD = [
    None,
    True,
    -1,
    2**63,
    2**200,
    1.5,
    "",
    "\u0000",
    "x" * 5000,
    "\U0001f426",
    [],
    [[]],
    {},
    {"a": {}},
    "2030-01-01",
]
QUERIES = [
    "?",
    "?&",
    "?=",
    "?limit=",
    "?cursor=",
    "?a%00b=c",
    "?cursor=" + "A" * 5000,
    "?limit=1e3",
    "?limit=%31",
    "?%",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("hostile")) as running:
        await running.give_sender(running.customer.id, "Acme")
        yield running


def fields_of(operation):
    return operation.body.__struct_encode_fields__ if operation.body else ()


async def checked(edge, operation, path, **more):
    key = edge.operator if operation.access == "operator" else edge.customer.live
    named = {} if operation.account_header == "refused" else {"X-Account-Id": edge.customer.id}
    headers = named | more.pop("headers", {})
    answer = await edge.ask(operation.method, path, key=key, headers=headers, **more)
    assert answer.status < 500, (operation.name, path, more, answer.body)
    if answer.status >= 400:
        assert answer.code in CATALOGUE
    return answer


NEEDED = {"removeSuppressedNumber": "?number=%2B447911123456"}
"""What a query has to say before an id is looked at."""


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "{id}" in each.path], ids=lambda each: each.name)
async def test_ids_that_are_none(edge, operation):
    body = {"json": operation.example or {}} if operation.body else {}
    for odd in IDS:
        path = operation.path.replace("{id}", odd) + NEEDED.get(operation.name, "")
        answer = await checked(edge, operation, path, **body)
        assert answer.status in (404, 405, 422), (operation.name, odd, answer.body)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.name)
async def test_fields_of_any_value(edge, operation):
    seeded = random.Random(operation.name)
    path = operation.path.replace("{id}", "SM" + "0" * 32)
    for name in fields_of(operation):
        for odd in ODD:
            body = (operation.example or {}) | {name: odd}
            await checked(edge, operation, path, json=body)
    for _ in range(20):
        body = {name: seeded.choice(ODD) for name in fields_of(operation)}
        await checked(edge, operation, path, json=body)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.method == "GET"], ids=lambda each: each.name)
async def test_queries_of_any_kind(edge, operation):
    path = operation.path.replace("{id}", "SM" + "0" * 32)
    for query in QUERIES:
        await checked(edge, operation, path + query)
    for name in operation.query.__struct_encode_fields__:
        for odd in (
            "",
            "%00",
            "-1",
            "x" * 2000,
            "%F0%9F%90%A6",
            "9" * 40,
            "2030-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ):
            await checked(edge, operation, f"{path}?{name}={odd}")


HEADERS = [
    {"X-Account-Id": "x" * 5000},
    {"X-Account-Id": "\u00e4"},
    {"Last-Event-ID": "\u00e4"},
    {"Content-Length": "0"},
    {"Idempotency-Key": "'\"\\"},
    {"Accept": "application/xml"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Host": "evil.example"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=str)
async def test_headers_of_any_kind(edge, headers):
    for path in ("/v1/messages", "/v1/messages/batch", "/v1/keys"):
        body = msgspec.json.encode({"to": NUMBER, "text": "x"})
        sent = {"Content-Type": "application/json", "X-Account-Id": edge.customer.id} | headers
        answer = await edge.ask("POST", path, data=b"" if "Content-Length" in headers else body, headers=sent)
        assert answer.status < 500 and (answer.status < 400 or answer.code in CATALOGUE)
