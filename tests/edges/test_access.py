"""Who may do what: credentials, scopes, modes, accounts of others, rates."""

import base64

import pytest
import pytest_asyncio

from whimbrel.base import ids
from whimbrel.base.clock import ManualClock
from whimbrel.edges.rest.door import table
from whimbrel.edges.shared import openapi
from whimbrel.edges.shared.openapi import errors_of
from whimbrel.manage.scopes import ACCOUNT_SCOPES, OPERATOR, SCOPES
from whimbrel.store.interface import Write

from .edge_rig import NUMBER, running_edge
from .products import products_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATIONS = table(streams_per_account=1)
ACCOUNT_KEYED = [each for each in OPERATIONS if each.access != "public"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


def path_of(operation, prefix=ids.MESSAGE):
    return operation.path.replace("{id}", prefix + "0" * 32)


def basic(user, token):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


# ---------------------------------------------------------------- credentials


async def test_a_bearer_key_and_the_account_token_are_taken(edge):
    assert (await edge.get("/v1/balance")).status == 200
    token = basic(edge.customer.id, edge.customer.auth_token)
    for _ in range(2):
        assert (await edge.get("/v1/balance", headers=token)).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wk_live_000000000000000000000000000000000",
        "Bearer äöü",
        "Basic !!!!",
        "Basic QUM6",
        "Basic QUMwMDow",
        "Digest username=x",
        "wk_live_000000000000000000000000000000000",
    ],
)
async def test_what_is_no_credential(edge, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await edge.get("/v1/balance", key="", headers=headers)
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


async def test_a_wrong_token_fails_also_after_a_right_one(edge):
    good, bad = (basic(edge.customer.id, token) for token in (edge.customer.auth_token, "0" * 32))
    assert (await edge.get("/v1/balance", headers=good)).status == 200
    assert (await edge.get("/v1/balance", headers=bad)).code == "unauthorized"


async def test_a_rotated_token_fails_at_the_next_request(edge):
    old = basic(edge.customer.id, edge.customer.auth_token)
    made = await edge.post(f"/v1/accounts/{edge.customer.id}/rotate-token", headers=old)
    assert (await edge.get("/v1/balance", headers=old)).code == "unauthorized"
    assert (await edge.get("/v1/balance", headers=basic(edge.customer.id, made.json["secret"]))).status == 200


async def test_a_revoked_key_fails_at_the_next_request(edge):
    made = await edge.post("/v1/keys", {"name": "short-lived", "scopes": ["balance:read"]})
    assert made.status == 201
    assert (await edge.get("/v1/balance", key=made.json["key"])).status == 200
    assert (await edge.ask("DELETE", f"/v1/keys/{made.json['id']}")).json["status"] == "revoked"
    assert (await edge.get("/v1/balance", key=made.json["key"])).code == "unauthorized"


async def test_an_account_that_is_suspended_is_told_so_and_comes_back(edge):
    path = f"/v1/accounts/{edge.customer.id}"
    assert (await edge.post(f"{path}/suspend", key=edge.operator)).json["status"] == "suspended"
    assert (await edge.get("/v1/balance")).code == "account_suspended"
    token = basic(edge.customer.id, edge.customer.auth_token)
    assert (await edge.get("/v1/balance", headers=token)).code == "account_suspended"
    assert (await edge.post(f"{path}/activate", key=edge.operator)).json["status"] == "active"
    assert (await edge.get("/v1/balance")).status == 200


# ---------------------------------------------------------------- scopes


async def test_every_route_asks_for_a_scope_that_exists():
    assert [each.name for each in ACCOUNT_KEYED if each.scope not in SCOPES] == []
    assert {each.scope for each in ACCOUNT_KEYED} == set(SCOPES) - {OPERATOR}


@pytest.mark.parametrize("operation", ACCOUNT_KEYED, ids=lambda operation: operation.name)
async def test_a_key_without_the_scope_is_refused(edge, operation):
    others = tuple(scope for scope in ACCOUNT_SCOPES if scope != operation.scope)
    key = await edge.new_key(edge.customer.id, others)
    answer = await edge.ask(operation.method, path_of(operation), key=key, json={})
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize(
    "operation", [each for each in ACCOUNT_KEYED if each.access == "operator"], ids=lambda operation: operation.name
)
async def test_what_is_the_operators_is_not_for_accounts(edge, operation):
    answer = await edge.ask(operation.method, path_of(operation), json={})
    assert (answer.status, answer.code) == (403, "forbidden")


async def test_an_operator_key_has_its_scopes_only(edge):
    key = await edge.new_key(None, ("carriers:read",))
    assert (await edge.get("/v1/carriers", key=key)).status == 200
    assert (await edge.get("/v1/routes", key=key)).code == "forbidden"


@pytest.mark.parametrize(
    "operation", [each for each in ACCOUNT_KEYED if each.live_only], ids=lambda operation: operation.name
)
async def test_what_a_test_key_cannot_do(edge, operation):
    assert "test_mode" in errors_of(operation)
    answer = await edge.ask(operation.method, path_of(operation), key=edge.customer.test, json={})
    assert (answer.status, answer.code) == (403, "test_mode")


# ---------------------------------------------------------------- accounts of others


FOREIGN = [each for each in ACCOUNT_KEYED if "{id}" in each.path and each.access != "operator"]
BODIES = {
    "putBrand": {"name": "x"},
    "replayWebhook": {"dead": True},
    "traceSmppCredential": {"enabled": True},
    "answerConversation": {"text": "Hello"},
    "chooseWinnerOfCampaign": {"variant": "A"},
    "startFlow": {"phone": NUMBER},
    "rejectTemplateVersion": {"reason": "no"},
    "startVerification": {"to": NUMBER},
    "checkVerification": {"code": "123456", "to": NUMBER},
    "addDocumentOfNumber": {"name": "p.txt", "content_type": "text/plain", "data": "eA=="},
    "addDocumentOfRegistration": {"name": "p.txt", "content_type": "text/plain", "data": "eA=="},
    "tryHook": {"body": "{}"},
    "createFactor": {"name": "phone"},
    "updateFactor": {"name": "phone"},
    "verifyFactor": {"code": "123456"},
    "noteConversation": {"text": "Note"},
    "updateConversation": {"state": "closed"},
    "putSuppressionList": {"name": "other", "classes": ["marketing"]},
    "addSuppressedNumbers": {"numbers": ["+447911123456"]},
    "testCampaign": {"to": ["+447911123456"]},
    "createChallenge": {"factor_id": "YF" + "0" * 32, "code": "123456"},
    "verifyChallenge": {"code": "123456"},
}


async def things_of(edge):
    """One thing of each kind that the customer owns, by its path before the id, or by its own name in a path."""
    message = (await edge.send()).json["id"]
    made = await edge.post("/v1/webhooks", {"url": "http://127.0.0.1:9/x"})
    opt_out = await edge.post("/v1/opt-outs", {"number": "+447911123456"})
    consent = await edge.post("/v1/consents", {"number": "+447911123456"})
    word = await edge.post("/v1/consent-words", {"kind": "stop", "word": "BASTAYA"})
    text = await edge.ask("PUT", "/v1/consent-texts", json={"kind": "help", "language": "en", "text": "Call us."})
    suppression = await edge.post("/v1/suppression-lists", {"name": "complaints", "classes": ["marketing"]})
    brand = await edge.post("/v1/brands", {"name": "n"})
    key = await edge.post("/v1/keys", {"name": "n", "scopes": ["balance:read"]})
    sender = (await edge.get("/v1/senders")).json["data"][0]
    credential = await edge.post("/v1/smpp-credentials", {"name": "n"})
    own_price = {"prefix": "49", "price": "0.05", "account_id": edge.customer.id}
    price = await edge.post("/v1/prices", own_price, key=edge.operator)
    canned = await edge.post("/v1/canned-answers", {"name": "n", "text": "Hello"})
    user = await edge.post("/v1/users", {"email": f"{edge.customer.id}@example.com", "role": "support"})
    talk = "CV" + message[2:]
    row = (talk, edge.customer.id, 0, 1, 2, message, message, 1, "open", 1, 1, 1)
    await edge.app.store.write([Write("conversation_received", (row,))])
    return {
        "messages": message,
        "conversations": talk,
        "note_id": (await edge.post(f"/v1/conversations/{talk}/notes", {"text": "Note"})).json["id"],
        "canned-answers": canned.json["id"],
        "users": user.json["id"],
        "inbound": message,
        "webhooks": made.json["id"],
        "opt-outs": opt_out.json["id"],
        "consents/requests": "CQ" + "0" * 32,
        "consent-words": word.json["id"],
        "consent-texts": text.json["id"],
        "suppression-lists": suppression.json["id"],
        "consents": consent.json["id"],
        "brands": brand.json["id"],
        "keys": key.json["id"],
        "senders": sender["id"],
        "smpp-credentials": credential.json["id"],
        "prices": price.json["id"],
        "accounts": edge.customer.id,
        **await products_of(edge),
    }


async def test_a_foreign_id_is_not_found_whatever_one_does_with_it(edge):
    things = await things_of(edge)
    stranger = await edge.new_customer("Stranger")
    for operation in FOREIGN:
        kind = operation.path.removeprefix("/v1/").partition("/{id}")[0]
        path = operation.path.format(**things | {"id": things[kind]})
        body = BODIES.get(operation.name, {})
        path += "?number=%2B447911123456" if operation.name == "removeSuppressedNumber" else ""
        answer = await edge.ask(operation.method, path, key=stranger.live, json=body)
        assert (answer.status, answer.code) == (404, "not_found"), operation.name
    assert (await edge.get(f"/v1/messages/{things['messages']}")).status == 200
    assert (await edge.get(f"/v1/webhooks/{things['webhooks']}")).json["status"] == "active"


async def test_lists_hold_what_is_the_callers_alone(edge):
    await things_of(edge)
    stranger = await edge.new_customer("Stranger")
    for path in (
        "messages",
        "inbound",
        "webhooks",
        "opt-outs",
        "consents",
        "brands",
        "senders",
        "events",
        "smpp-credentials",
        "conversations",
        "canned-answers",
        "flows",
        "flow-runs",
        "schedules",
        "templates",
        "pools",
        "inbound-urls",
        "keywords",
        "hooks",
        "mailboxes",
        "verify/services",
        "verify/attempts",
        "verify/blocks",
        "verify/safe-list",
    ):
        assert (await edge.get(f"/v1/{path}", key=stranger.live)).json["data"] == [], path
    assert [each["id"] for each in (await edge.get("/v1/accounts", key=stranger.live)).json["data"]] == [stranger.id]


async def test_test_traffic_and_live_traffic_do_not_see_each_other(edge):
    live, test = [(await edge.send(key=key)).json for key in (edge.customer.live, edge.customer.test)]
    assert (live["test"], test["test"], test["price"]) == (False, True, "0.00")
    for path in (f"/v1/messages/{live['id']}", f"/v1/messages/{live['id']}/events"):
        assert (await edge.get(path, key=edge.customer.test)).code == "not_found"
    assert (await edge.get(f"/v1/messages/{test['id']}")).code == "not_found"
    listed = (await edge.get("/v1/messages", key=edge.customer.test)).json["data"]
    assert [each["id"] for each in listed] == [test["id"]]


async def test_the_operator_names_an_account_and_a_parent_its_own(edge):
    assert (await edge.get("/v1/balance", key=edge.operator)).code == "invalid_parameter"
    named = {"X-Account-Id": edge.customer.id}
    assert (await edge.get("/v1/balance", key=edge.operator, headers=named)).json["account_id"] == edge.customer.id
    child = await edge.post("/v1/accounts", {"name": "Branch"})
    assert child.json["parent_id"] == edge.customer.id
    named = {"X-Account-Id": child.json["id"]}
    assert (await edge.get("/v1/balance", headers=named)).json["account_id"] == child.json["id"]
    stranger = await edge.new_customer("Stranger")
    assert (await edge.get("/v1/balance", key=stranger.live, headers=named)).code == "not_found"


async def test_an_account_in_the_header_is_never_taken_for_all_accounts(edge):
    """Of each operation the document and the door say the same: taken, needed or refused."""
    document = openapi.document(OPERATIONS, version="0")
    for operation in ACCOUNT_KEYED:
        described = document["paths"][operation.path][operation.method.lower()]["parameters"]
        (header,) = [each for each in described if each["name"] == "X-Account-Id"] or [None]
        assert (header is None) == (operation.account_header == "refused"), operation.name
        if header is None:
            named = {"X-Account-Id": edge.customer.id}
            answer = await edge.ask(operation.method, path_of(operation), key=edge.operator, headers=named, json={})
            assert (answer.status, answer.code) == (400, "invalid_parameter"), operation.name
            assert answer.json["errors"][0]["pointer"] == "X-Account-Id"
        elif header["required"]:
            body = operation.example or {}
            answer = await edge.ask(operation.method, path_of(operation), key=edge.operator, json=body)
            assert (answer.status, answer.code) == (400, "invalid_parameter"), operation.name


async def test_a_price_or_route_for_the_account_in_the_header_is_that_accounts(edge):
    operator = {"key": edge.operator, "headers": {"X-Account-Id": edge.customer.id}}
    stranger = await edge.new_customer("Stranger")
    made = await edge.post("/v1/prices", {"prefix": "1415", "price": "0.05"}, **operator)
    assert made.json["account_id"] == edge.customer.id
    many = {"prices": [{"prefix": "1416", "price": "0.05"}, {"prefix": "1417", "price": "0.06"}]}
    assert (await edge.post("/v1/prices/batch", many, **operator)).json == {"count": 2}
    listed = (await edge.get("/v1/prices", key=stranger.live)).json["data"]
    assert [each["prefix"] for each in listed] == [""]
    other = {"prefix": "1418", "price": "0.05", "account_id": stranger.id}
    for path, body, pointer in (
        ("/v1/prices", other, "/account_id"),
        ("/v1/prices/batch", {"prices": [other]}, "/prices/0/account_id"),
        ("/v1/routes", {"carriers": [], "account_id": stranger.id}, "/account_id"),
    ):
        refused = await edge.post(path, body, **operator)
        assert (refused.code, refused.json["errors"][0]["pointer"]) == ("invalid_request", pointer)
    (general,) = listed
    assert (await edge.ask("DELETE", f"/v1/prices/{general['id']}", **operator)).code == "not_found"
    assert (await edge.ask("DELETE", f"/v1/prices/{made.json['id']}", **operator)).status == 204
    (route,) = (await edge.get("/v1/routes", key=edge.operator)).json["data"]
    own = await edge.post("/v1/routes", {"carriers": route["carriers"], "prefix": "1415", "position": 1}, **operator)
    assert own.json["account_id"] == edge.customer.id
    assert (await edge.ask("DELETE", own.headers["Location"], key=edge.operator)).status == 204


async def test_test_traffic_has_no_money_to_see(edge):
    for path in ("/v1/balance", "/v1/ledger", f"/2010-04-01/Accounts/{edge.customer.id}/Balance.json"):
        answer = await edge.get(path, key=edge.customer.test)
        assert answer.status == 403, path
        assert answer.json["code"] in ("test_mode", 20403)


# ---------------------------------------------------------------- rates


async def test_a_key_has_so_many_requests_a_second(tmp_path):
    async with running_edge(tmp_path, clock=ManualClock()) as edge:  # within one second, however long they take
        key = await edge.new_key(edge.customer.id, ("balance:read",), rate_per_s=2)
        answers = [await edge.get("/v1/balance", key=key) for _ in range(4)]
    assert [answer.status for answer in answers[:2]] == [200, 200]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.code == "rate_limited"
    assert refused.headers["Retry-After"] == "1"
    assert answers[0].headers["RateLimit-Limit"] == "2"
    assert [answer.headers["RateLimit-Remaining"] for answer in answers[:2]] == ["1", "0"]
    assert answers[0].headers["RateLimit-Reset"] == "1"
