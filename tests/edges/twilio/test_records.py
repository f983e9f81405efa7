"""The exact members of every answer, and their types: what the strict SDKs (Go, Java, C#) decode into; and refusals of
every kind in Twilio's form.
"""

import re

import pytest

from tests.edges.edge_rig import NUMBER, SENDER, until
from whimbrel.base.clock import ManualClock
from whimbrel.base.errors import CATALOGUE
from whimbrel.edges.twilio.problems import status_of

from .twilio_rig import ask, basic, create, inbox, settled, text_from_phone

SID = "SM" + "0" * 32
RFC_2822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000").fullmatch
RECORD = {
    "account_sid": str, "api_version": str, "body": str, "date_created": str, "date_sent": str, "date_updated": str,
    "direction": str, "error_code": int, "error_message": str, "from": str, "messaging_service_sid": str,
    "num_media": str, "num_segments": str, "price": str, "price_unit": str, "sid": str, "status": str,
    "subresource_uris": dict, "to": str, "uri": str, "x_reason": str, "x_status": str,
}  # fmt: skip
PAGE = {"end", "first_page_uri", "next_page_uri", "page", "page_size", "previous_page_uri", "start", "uri"}


def check_record(record, *, null):
    assert record.keys() == RECORD.keys()
    assert {name for name, value in record.items() if value is None} == set(null)
    wrong = {k: v for k, v in record.items() if v is not None and type(v) is not RECORD[k]}
    assert wrong == {}
    for name in ("date_created", "date_updated", "date_sent"):
        assert record[name] is None or RFC_2822(record[name])
    uri = f"/2010-04-01/Accounts/{record['account_sid']}/Messages/{record['sid']}"
    assert record["uri"] == f"{uri}.json"
    assert record["subresource_uris"] == {"media": f"{uri}/Media.json"}


UNSENT = {"date_sent", "error_code", "error_message", "messaging_service_sid", "price", "x_reason"}


async def test_a_message_created(edge):
    answer = await create(edge, Body="Grüße & 5 €")
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    check_record(answer.json, null=UNSENT)
    assert {name: answer.json[name] for name in ("body", "direction", "from", "num_segments", "status", "to")} == {
        "body": "Grüße & 5 €", "direction": "outbound-api", "from": SENDER, "num_segments": "1", "status": "queued",
        "to": NUMBER,
    }  # fmt: skip


async def test_a_message_fetched(edge):
    sid = (await create(edge)).json["sid"]
    await settled(edge, sid, "delivered")
    record = (await ask(edge, "GET", f"/Messages/{sid}.json")).json
    check_record(record, null={"error_code", "error_message", "messaging_service_sid", "x_reason"})
    assert (record["status"], record["x_status"], record["price"], record["price_unit"]) == (
        "delivered", "delivered", "-0.00750", "USD",
    )  # fmt: skip


async def test_a_message_that_failed(edge):
    sid = (await create(edge, To="+15005550201", MessagingServiceSid="MG" + "a" * 32)).json["sid"]
    await settled(edge, sid, "undelivered")
    record = (await ask(edge, "GET", f"/Messages/{sid}.json")).json
    check_record(record, null=())
    assert (record["error_code"], record["x_reason"]) == (30005, "unknown_subscriber")


async def test_a_text_that_came_in(edge):
    await create(edge)
    await text_from_phone(edge, "hello")

    async def listed():
        return [m for m in (await ask(edge, "GET")).json["messages"] if m["direction"] == "inbound"]

    (record,) = await until(listed)
    check_record(
        record, null={"error_code", "error_message", "messaging_service_sid", "price", "price_unit", "x_reason"}
    )
    assert record["date_sent"] == record["date_created"]


async def test_a_page(edge):
    for n in range(3):
        await create(edge, Body=f"n{n}")
    path = f"/2010-04-01/Accounts/{edge.customer.id}/Messages.json"
    page = (await ask(edge, "GET", params={"PageSize": "2", "From": SENDER, "Unknown": "x"})).json
    assert page.keys() == PAGE | {"messages"}
    for record in page["messages"]:
        check_record(record, null=UNSENT - {"date_sent", "price"} if record["date_sent"] else UNSENT)
    kept = f"From=%2B{SENDER[1:]}&PageSize=2"
    last = page["messages"][-1]["sid"]
    assert {k: v for k, v in page.items() if k != "messages"} == {
        "end": 1,
        "first_page_uri": f"{path}?{kept}&Page=0",
        "next_page_uri": f"{path}?{kept}&Page=1&PageToken=PA{last}",
        "page": 0,
        "page_size": 2,
        "previous_page_uri": None,
        "start": 0,
        "uri": f"{path}?{kept}&Page=0",
    }
    following = (await ask(edge, "GET", page["next_page_uri"])).json
    assert (following["start"], following["end"], following["page"]) == (2, 2, 1)
    assert following["next_page_uri"] is None
    assert following["uri"] == page["next_page_uri"]
    assert following["previous_page_uri"] == page["first_page_uri"]
    again = (await ask(edge, "GET", f"{path}?PageSize=2&Page=1")).json  # states move on meanwhile; ids do not
    assert [record["sid"] for record in again["messages"]] == [record["sid"] for record in following["messages"]]


async def test_an_empty_page(edge):
    page = (await ask(edge, "GET")).json
    assert page.keys() == PAGE | {"messages"}
    assert (page["messages"], page["start"], page["end"], page["page_size"]) == ([], 0, 0, 50)
    sid = (await create(edge)).json["sid"]
    media = (await ask(edge, "GET", f"/Messages/{sid}/Media.json")).json
    assert media.keys() == PAGE | {"media_list"}
    assert media["media_list"] == []


async def test_the_account(edge):
    record = (await ask(edge, "GET", ".json")).json
    path = f"/2010-04-01/Accounts/{edge.customer.id}"
    assert RFC_2822(record.pop("date_created")) and RFC_2822(record.pop("date_updated"))
    assert record == {
        "auth_token": edge.customer.auth_token,
        "friendly_name": "Acme",
        "owner_account_sid": edge.customer.id,
        "sid": edge.customer.id,
        "status": "active",
        "subresource_uris": {"balance": f"{path}/Balance.json", "messages": f"{path}/Messages.json"},
        "type": "Full",
        "uri": f"{path}.json",
    }
    assert (await ask(edge, "GET", "/Balance.json")).json == {
        "account_sid": edge.customer.id, "balance": "100.00", "currency": "USD",
    }  # fmt: skip


# ---------------------------------------------------------------- refusals


def check_problem(answer, status, code):
    """Four members of these types and nothing that belongs to RFC 9457; `details` may be any object."""
    problem = answer.json
    assert (answer.status, problem["status"]) == (status, status)
    assert problem["code"] == code
    assert answer.headers["Content-Type"] == "application/json"
    assert problem.keys() == {"code", "message", "more_info", "status", "details"}
    assert [type(problem[name]) for name in ("code", "message", "more_info", "status")] == [int, str, str, int]
    assert problem["more_info"].endswith(f"/docs/errors#{problem['details']['code']}")
    assert problem["details"]["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/Messages/{SID}.json", 404, 20404),
        ("POST", f"/Messages/{SID}.json", 404, 20404),
        ("DELETE", f"/Messages/{SID}.json", 404, 20404),
        ("GET", f"/Messages/{SID}/Media.json", 404, 20404),
        ("GET", f"/Messages/{SID}/Media/ME{'0' * 32}.json", 404, 20404),
        ("GET", "/Messages/nobody.json", 404, 20404),
        ("GET", "/Messages", 404, 20404),
        ("GET", "/Calls.json", 404, 20404),
        ("GET", "/2010-04-01/Accounts.json", 404, 20404),
        ("GET", "/2010-04-01/", 404, 20404),
        ("GET", "/2010-04-01/Somewhere/AC00000000000000000000000000000000/Messages.json", 404, 20404),
        ("PUT", "/Messages.json", 405, 20004),
        ("DELETE", "/Messages.json", 405, 20004),
        ("POST", ".json", 405, 20004),
        ("POST", "/Balance.json", 405, 20004),
    ],
)
async def test_paths_and_methods_that_nobody_knows(edge, method, path, status, code):
    more = {"data": {"Body": ""}} if method == "POST" else {}
    answer = await ask(edge, method, path, **more)
    check_problem(answer, status, code)
    assert status != 405 or answer.headers["Allow"]


async def test_credentials(edge):
    for auth in (
        "",
        basic(edge.customer.id, "0" * 32),
        basic("AC" + "0" * 32, edge.customer.auth_token),
        basic(edge.customer.id, "wk_live_" + "0" * 33),
        basic("", ""),
    ):
        answer = await ask(edge, "GET", auth=auth)
        check_problem(answer, 401, 20003)
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="whimbrel"'
    for broken in ("Basic", "Basic !!!", "Basic d2tf", "Bearer x", "Digest x"):
        check_problem(await ask(edge, "GET", auth=broken), 401, 20003)


async def test_accounts_of_others_are_not_there(edge):
    other = await edge.new_customer("Other")
    sid = (await create(edge)).json["sid"]
    theirs = basic(other.id, other.auth_token)
    for path in (".json", "/Messages.json", "/Balance.json", f"/Messages/{sid}.json"):
        check_problem(await ask(edge, "GET", path, auth=theirs), 404, 20404)
    check_problem(await create(edge, auth=theirs), 404, 20404)
    own = f"/2010-04-01/Accounts/{other.id}/Messages/{sid}.json"
    check_problem(await ask(edge, "GET", own, auth=theirs), 404, 20404)
    check_problem(await ask(edge, "DELETE", own, auth=theirs), 404, 20404)


async def test_the_operator_and_a_parent_act_for_an_account(edge):
    operator = basic("operator", edge.operator)
    assert (await ask(edge, "GET", "/Balance.json", auth=operator)).status == 200
    nobody = f"/2010-04-01/Accounts/AC{'0' * 32}/Balance.json"
    check_problem(await ask(edge, "GET", nobody, auth=operator), 404, 20404)
    made = await edge.post("/v1/accounts", {"name": "Child", "parent_id": edge.customer.id}, key=edge.operator)
    child = f"/2010-04-01/Accounts/{made.json['id']}.json"
    record = (await ask(edge, "GET", child)).json
    assert (record["owner_account_sid"], record["auth_token"]) == (edge.customer.id, made.json["auth_token"])


async def test_scopes(edge):
    key = await edge.new_key(edge.customer.id, ("messages:read",))
    auth = basic(edge.customer.id, key)
    assert (await ask(edge, "GET", auth=auth)).status == 200
    check_problem(await create(edge, auth=auth), 403, 20403)
    check_problem(await ask(edge, "GET", ".json", auth=auth), 403, 20403)
    check_problem(await ask(edge, "GET", "/Balance.json", auth=auth), 403, 20403)


async def test_a_key_has_one_rate_at_all_doors(edge, monkeypatch):
    monkeypatch.setattr(edge.app.clock, "monotonic_us", ManualClock().monotonic_us)
    key = await edge.new_key(edge.customer.id, ("messages:read",), rate_per_s=2)
    auth = basic("x", key)
    statuses = [(await ask(edge, "GET", auth=auth)).status, (await edge.get("/v1/messages", key=key)).status]
    assert statuses == [200, 200]
    answer = await ask(edge, "GET", auth=auth)
    check_problem(answer, 429, 20429)
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["RateLimit-Limit"] == "2"


async def test_trouble_of_our_own(edge, monkeypatch):
    async def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(edge.app.store, "search", broken)
    check_problem(await ask(edge, "GET"), 500, 20500)


async def test_a_commit_is_never_followed_by_a_server_error(edge, monkeypatch):
    """Java's SDK sends a POST again on any 5xx."""
    monkeypatch.setattr("whimbrel.edges.twilio.shapes.accepted", None)
    answer = await create(edge)
    assert answer.status == 201
    await settled(edge, answer.json["sid"], "delivered")
    assert inbox(edge) == ["Hello"]


async def test_answers_are_counted_under_the_doors_name(edge):
    await create(edge)
    metrics = (await edge.get("/metrics", key="")).body.decode()
    assert 'whimbrel_http_requests_total{door="twilio",status="201"} 1.0' in metrics


def test_every_code_has_a_number_and_a_status_that_sdks_know():
    for spec in CATALOGUE.values():
        if spec.http:
            assert 11200 <= spec.twilio <= 69999, "its numbers below 20001 are of files that are fetched"
            assert status_of(spec) in {400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 503}
