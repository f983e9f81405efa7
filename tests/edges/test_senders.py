"""Numbers, rules of countries, registrations and documents, over HTTP."""

import base64
import io

import msgspec
import pytest

from tests.edges.edge_rig import SENDER, running_edge, until
from whimbrel.edges.shared.protocol import Guard
from whimbrel.products.registrations.keeping import existing, store
from whimbrel.sections import Senders

NAME = "Acme"
SINGAPORE = "+6591234567"
PDF = base64.b64encode(b"%PDF-1.7\n").decode()
BRAND = {
    "entity_type": "PRIVATE_PROFIT", "display_name": "Acme", "company_name": "Acme Inc.", "ein": "12-3456789",
    "address": "1 Main St, Springfield", "vertical": "RETAIL", "website": "https://acme.example",
    "email": "ann@acme.example", "phone": "+12025550111",
}  # fmt: skip
CAMPAIGN = {
    "campaign_name": "Orders", "use_case": "MIXED", "sub_use_cases": ["CUSTOMER_CARE", "DELIVERY_NOTIFICATION"],
    "description": "Updates on orders and answers to questions of customers.",
    "message_flow": "People tick a box when they order on our website acme.example.",
    "sample1": "Your order 1234 is on its way.", "sample2": "Thank you, an agent will answer soon.",
    "subscriber_opt_in": False, "subscriber_opt_out": True, "stop_message": "You will get no more texts.",
    "subscriber_help": True, "help_message": "Acme: call +1 202 555 0111. Msg & data rates may apply.",
}  # fmt: skip


@pytest.fixture
def of_account(edge):
    return {"X-Account-Id": edge.customer.id}


async def _sender(edge, value, of_account, **more):
    made = await edge.post("/v1/senders", {"value": value, **more}, key=edge.operator, headers=of_account)
    assert made.status == 201, made.body
    return made.json


async def _approved(edge, of_account, body, decision=None):
    """A registration that was answered, submitted and approved."""
    made = await edge.post("/v1/registrations", body)
    assert made.status == 201, made.body
    path = f"/v1/registrations/{made.json['id']}"
    for missing in made.json["missing"]:
        assert missing["field"].startswith("documents/"), missing
        purpose = missing["field"].removeprefix("documents/")
        paper = {"name": "letter.pdf", "content_type": "application/pdf", "data": PDF, "purpose": purpose}
        assert (await edge.post(f"{path}/documents", paper)).status == 201
    assert (await edge.post(f"{path}/submit")).json["state"] == "submitted"
    done = await edge.post(f"{path}/approve", {"decision": decision or {}}, key=edge.operator, headers=of_account)
    assert done.status == 200, done.body
    return done.json


async def test_a_number_is_its_sender_seen_twice(edge, of_account):
    made = await edge.post(
        "/v1/numbers",
        {"number": "+1 202 555 0133", "label": "Support", "capabilities": ["sms", "mms", "inbound"], "per_minute": 30},
        key=edge.operator,
        headers=of_account,
    )
    assert made.status == 201, made.body
    number = made.json
    assert (number["number"], number["country"], number["kind"]) == ("+12025550133", "US", "long_code")
    assert number["limits"]["per_minute"] == 30
    as_sender = (await edge.get(f"/v1/senders/{number['id']}")).json
    assert as_sender["value"] == number["number"]
    changed = await edge.ask("PATCH", f"/v1/numbers/{number['id']}", json={"sms_url": "http://127.0.0.1:1/in"})
    assert changed.json["sms_url"] == "http://127.0.0.1:1/in"
    assert (await edge.get(f"/v1/senders/{number['id']}")).json["sms_url"] == "http://127.0.0.1:1/in"
    listed = {each["number"] for each in (await edge.get("/v1/numbers")).json["data"]}
    assert listed == {SENDER, "+12025550133"}
    name = await _sender(edge, NAME, of_account)
    assert (await edge.get(f"/v1/numbers/{name['id']}")).code == "not_found"
    refused = await edge.post("/v1/numbers", {"number": NAME + "2"}, key=edge.operator, headers=of_account)
    assert refused.json["errors"][0]["pointer"] == "/number"


async def test_nothing_is_sent_from_a_number_that_is_not_approved(edge, of_account):
    body = {"number": "+12025550134", "approval": "pending"}
    number = (await edge.post("/v1/numbers", body, key=edge.operator, headers=of_account)).json
    refused = await edge.send(sender="+12025550134")
    assert (refused.status, refused.code) == (403, "sender_not_approved")
    path = f"/v1/numbers/{number['id']}/assignment"
    told = {"approval": "rejected", "approval_reason": "The letter is not signed."}
    await edge.ask("PATCH", path, json=told, key=edge.operator, headers=of_account)
    assert "not signed" in (await edge.send(sender="+12025550134")).json["detail"]
    assert (await edge.ask("PATCH", path, json={"approval": "approved"})).status == 403, "an account decides nothing"
    await edge.ask("PATCH", path, json={"approval": "approved"}, key=edge.operator, headers=of_account)
    assert (await edge.send(sender="+12025550134")).status == 202


async def test_a_number_that_sends_no_texts_is_no_sender_of_them(edge, of_account):
    body = {"number": "+447400123455", "capabilities": ["voice"]}
    number = (await edge.post("/v1/numbers", body, key=edge.operator, headers=of_account)).json
    refused = await edge.send(sender="+447400123455", to="+447400123456")
    assert (refused.status, refused.code) == (403, "sender_not_approved")
    assert refused.json["detail"] == "It sends no texts: it can voice."
    path = f"/v1/numbers/{number['id']}/assignment"
    able = {"capabilities": ["sms", "voice", "sms"]}
    changed = await edge.ask("PATCH", path, json=able, key=edge.operator, headers=of_account)
    assert changed.json["capabilities"] == ["sms", "voice"]
    assert (await edge.send(sender="+447400123455", to="+447400123456")).status == 202


async def test_what_the_operator_says_of_a_number_is_told_by_field_and_goes_with_its_verdict(edge, of_account):
    body = {"number": "+447400123455", "approval": "pending", "approval_reason": "We asked for a letter."}
    number = (await edge.post("/v1/numbers", body, key=edge.operator, headers=of_account)).json
    assert number["approval_reason"] == "We asked for a letter."
    path = f"/v1/numbers/{number['id']}/assignment"

    async def said(**change):
        return await edge.ask("PATCH", path, json=change, key=edge.operator, headers=of_account)

    wrong = await said(approval_reason="x" * 200, carrier_id="CR" + "0" * 32)
    assert [each["pointer"] for each in wrong.json["errors"]] == ["/approval_reason", "/carrier_id"]
    assert (await said(approval="rejected", approval_reason="Fraud.")).json["approval_reason"] == "Fraud."
    assert (await said(per_day=5)).json["approval_reason"] == "Fraud."
    assert (await said(approval="pending")).json["approval_reason"] == ""


async def test_a_name_is_approved_and_rejected_like_a_number(edge, of_account):
    name = await _sender(edge, NAME, of_account, approval="pending", approval_reason="Whose is it?")
    assert (name["approval"], name["approval_reason"]) == ("pending", "Whose is it?")
    refused = await edge.send(sender=NAME, to="+447400123456")
    assert (refused.code, "Whose is it?" in refused.json["detail"]) == ("sender_not_approved", True)
    path = f"/v1/senders/{name['id']}/assignment"
    assert (await edge.ask("PATCH", path, json={"approval": "approved"})).status == 403, "an account decides nothing"
    wrong = await edge.ask("PATCH", path, json={"approval_reason": "x" * 200}, key=edge.operator, headers=of_account)
    assert [each["pointer"] for each in wrong.json["errors"]] == ["/approval_reason"]
    done = await edge.ask("PATCH", path, json={"approval": "approved"}, key=edge.operator, headers=of_account)
    assert (done.json["approval"], done.json["approval_reason"]) == ("approved", "")

    async def told():
        events = (await edge.get("/v1/events?types=sender.*")).json["data"]
        return [(each["type"], each["data"]["approval"]) for each in events if each["data"]["id"] == name["id"]]

    assert await told() == [("sender.created", "pending"), ("sender.approved", "approved")]
    assert (await edge.send(sender=NAME, to="+447400123456")).status == 202


async def test_lists_are_narrowed(edge, of_account):
    await _sender(edge, NAME, of_account)
    for body in ({"number": "+447400123401", "approval": "pending"}, {"number": "+447400123402"},
                 {"number": "61616", "country": "GB"}):  # fmt: skip
        await edge.post("/v1/numbers", body, key=edge.operator, headers=of_account)

    async def found(path, field):
        return [each[field] for each in (await edge.get(path)).json["data"]]

    assert await found("/v1/senders?kind=alphanumeric", "value") == [NAME]
    assert await found("/v1/senders?value=%2B44%207400%20123402", "value") == ["+447400123402"]
    assert await found("/v1/senders?approval=pending", "value") == ["+447400123401"]
    assert await found("/v1/numbers?country=GB", "number") == ["61616", "+447400123402", "+447400123401"]
    assert await found("/v1/numbers?country=GB&kind=long_code&approval=approved", "number") == ["+447400123402"]
    assert await found("/v1/numbers?number=0123%2040", "number") == ["+447400123402", "+447400123401"]
    of_all = await edge.get("/v1/numbers?approval=pending&kind=long_code&country=GB&number=7400", key=edge.operator)
    assert [each["number"] for each in of_all.json["data"]] == ["+447400123401"]
    page = (await edge.get("/v1/numbers?country=GB&limit=2")).json
    rest = (await edge.get(f"/v1/numbers?country=GB&limit=2&cursor={page['next_cursor']}")).json
    assert [each["number"] for each in rest["data"]] == ["+447400123401"]
    assert (await edge.get("/v1/numbers?kind=fax")).code == "invalid_parameter"


async def test_a_list_of_registrations_knows_their_papers(edge):
    made = (await edge.post("/v1/registrations", {"regime": "sg_ssir", "name": "Acme"})).json
    await edge.post("/v1/registrations", {"regime": "ie_comreg", "name": "Other"})
    paper = {"name": "l.pdf", "content_type": "application/pdf", "data": PDF, "purpose": "authorisation"}
    await edge.post(f"/v1/registrations/{made['id']}/documents", paper)
    for query in ("regime=sg_ssir", "regime=sg_ssir&state=draft"):
        (listed,) = (await edge.get(f"/v1/registrations?{query}")).json["data"]
        assert listed == (await edge.get(f"/v1/registrations/{made['id']}")).json
        assert len(listed["documents"]) == 1


async def test_what_is_noted_is_in_the_answer_in_explain_and_in_the_message(edge, of_account):
    await _sender(edge, NAME, of_account)
    sent = await edge.send(sender=NAME)
    assert (sent.status, sent.json["warnings"]) == (202, ["sender_forbidden"])
    assert (await edge.get(f"/v1/messages/{sent.json['id']}")).json["warnings"] == ["sender_forbidden"]
    batch = await edge.post("/v1/messages/batch", {"messages": [{"to": "+14155550123", "text": "a", "sender": NAME}]})
    assert batch.json["data"][0]["warnings"] == ["sender_forbidden"]
    noted = edge.app.metrics.registry.get_sample_value("whimbrel_sender_warnings_total", {"code": "sender_forbidden"})
    assert noted == 2
    told = await edge.post("/v1/messages/explain", {"to": "+14155550123", "text": "a", "sender": NAME})
    step = told.json["sender_rules"]
    assert (step["verdict"], step["code"], step["rule"]["id"]) == ("warned", "sender_forbidden", "list-2022-us")
    assert step["rule"]["source"] and step["rule"]["as_of"] == "2022-09-21"
    fine = await edge.post("/v1/messages/explain", {"to": "+447400123456", "text": "a", "sender": NAME})
    assert fine.json["sender_rules"]["verdict"] == "allowed"
    assert "warnings" not in (await edge.send(sender=NAME, to="+447400123456")).json


async def test_words_that_a_text_has_to_say(edge, of_account):
    await _sender(edge, NAME, of_account)
    sale = {"to": "+33612345678", "sender": NAME, "class": "marketing"}
    noted = await edge.send(**sale, text="Soldes !")
    assert (noted.status, noted.json["warnings"]) == (202, ["notice_missing"])
    assert "warnings" not in (await edge.send(**sale, text="Soldes ! STOP au 36180")).json
    assert "warnings" not in (await edge.send(**sale | {"class": "transactional"}, text="Soldes !")).json
    step = (await edge.post("/v1/messages/explain", sale | {"text": "Soldes !"})).json["sender_rules"]
    assert (step["verdict"], step["code"], step["rule"]["notice"]) == ("warned", "notice_missing", "STOP 36xxx")
    rule = {"country": "FR", "verdict": "forbidden", "source": "our carrier", "notice": "STOP 38xxx", "enforce": False}
    put = await edge.ask("PUT", "/v1/sender-rules/fr-2027", json=rule, key=edge.operator)
    assert (put.status, put.json["notice"]) == (200, "STOP 38xxx")
    both = await edge.send(**sale, text="Soldes ! STOP 36180")
    assert both.json["warnings"] == ["sender_forbidden", "notice_missing"]
    strict = rule | {"verdict": "allowed", "enforce": True}
    await edge.ask("PUT", "/v1/sender-rules/fr-2027", json=strict, key=edge.operator)
    refused = await edge.send(**sale, text="Soldes ! STOP 36180")
    assert (refused.status, refused.code, refused.json["errors"][0]["pointer"]) == (422, "notice_missing", "/text")
    assert "STOP 38xxx" in refused.json["detail"]
    told = (await edge.post("/v1/messages/explain", sale | {"text": "Soldes !"})).json
    assert (told["verdict"], told["sender_rules"]["verdict"]) == ("refused", "refused")
    tested = await edge.send(**sale, text="Soldes !", key=edge.customer.test)
    assert (tested.status, tested.json["warnings"]) == (202, ["notice_missing"]), "no network sees test traffic"
    assert (await edge.send(**sale, text="Soldes ! STOP 38180")).status == 202
    long = await edge.ask("PUT", "/v1/sender-rules/fr-2027", json=rule | {"notice": "x" * 61}, key=edge.operator)
    assert (long.status, long.json["errors"][0]["pointer"]) == (422, "/notice")


async def test_an_operators_rule_stands_in_the_place_of_ours(edge, of_account):
    await _sender(edge, NAME, of_account)
    rule = {"country": "US", "verdict": "allowed", "source": "our carrier"}
    put = await edge.ask("PUT", "/v1/sender-rules/list-2022-us", json=rule, key=edge.operator)
    assert (put.status, put.json["by"], put.json["replaces"]) == (200, "operator", True)
    assert "warnings" not in (await edge.send(sender=NAME)).json
    strict = rule | {"verdict": "forbidden", "enforce": True, "note": "Use a number."}
    await edge.ask("PUT", "/v1/sender-rules/list-2022-us", json=strict, key=edge.operator)
    refused = await edge.send(sender=NAME)
    assert (refused.status, refused.code) == (422, "sender_forbidden")
    assert "Use a number." in refused.json["detail"]
    tested = await edge.send(sender=NAME, key=edge.customer.test)
    assert (tested.status, tested.json["warnings"]) == (202, ["sender_forbidden"]), "no network sees test traffic"
    off = await edge.ask("PATCH", "/v1/sender-rules/list-2022-us", json={"enabled": False}, key=edge.operator)
    assert off.json["enabled"] is False
    assert "warnings" not in (await edge.send(sender=NAME)).json
    assert (await edge.ask("DELETE", "/v1/sender-rules/list-2022-us", key=edge.operator)).status == 204
    assert (await edge.send(sender=NAME)).json["warnings"] == ["sender_forbidden"]
    assert (await edge.ask("PUT", "/v1/sender-rules/x", json=rule)).status == 403


async def test_rules_are_listed_with_where_they_are_from(edge):
    of_ireland = (await edge.get("/v1/sender-rules?country=IE")).json["data"]
    assert [rule["id"] for rule in of_ireland] == ["ie-2025-10", "ie-2025-07", "list-2022-ie"]
    assert [rule["in_force"] for rule in of_ireland] == [True, False, True]
    spain = (await edge.get("/v1/sender-countries/ES")).json
    assert spain["facts"]["two_way"] is True
    assert spain["data"][0]["regime"] == "es_cnmc"
    assert (await edge.get("/v1/sender-countries/XX")).code == "not_found"


async def test_wrong_rules_are_told_by_field(edge):
    rule = {"country": "XX", "verdict": "allowed", "source": "s", "characters": "z-a", "since": "2027-01-02",
            "until": "2027-01-01"}  # fmt: skip
    wrong = await edge.ask("PUT", "/v1/sender-rules/mine", json=rule, key=edge.operator)
    assert {each["pointer"] for each in wrong.json["errors"]} == {"/country", "/characters", "/until"}
    rule = {"country": "DE", "verdict": "needs_registration", "source": "s", "regime": "nobodys"}
    wrong = await edge.ask("PUT", "/v1/sender-rules/list-2022-fr", json=rule, key=edge.operator)
    assert {each["pointer"] for each in wrong.json["errors"]} == {"/country", "/regime"}
    ours = (await edge.get("/v1/sender-rules/list-2022-fr")).json
    assert (ours["country"], ours["by"]) == ("FR", "whimbrel")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("INFO", "says nothing"),
        ("1NF0", "says nothing"),
        ("PayPaI", "PayPal"),
        ("Arnazon", "Amazon"),
        ("DHL Info", "DHL"),
    ],
)
async def test_names_are_refused_unless_the_operator_wants_them(edge, of_account, name, words):
    refused = await edge.post("/v1/senders", {"value": name}, key=edge.operator, headers=of_account)
    assert (refused.status, refused.code) == (422, "sender_name_refused")
    assert words in refused.json["detail"]
    await _sender(edge, name, of_account, allow_name=True)
    entry = (await edge.get("/v1/audit")).json["data"][0]
    assert entry["detail"]["overruled"] in ("generic", "protected")


async def test_a_name_that_looks_like_another_accounts_is_refused(edge, of_account):
    await _sender(edge, "Morning", of_account)
    other = {"X-Account-Id": (await edge.new_customer("Other")).id}
    refused = await edge.post("/v1/senders", {"value": "M0rning"}, key=edge.operator, headers=other)
    assert refused.code == "sender_name_refused"
    same = await edge.post("/v1/senders", {"value": "Morning"}, key=edge.operator, headers=other)
    assert same.status == 201, "the same name may be used by several, until somebody registers it"


@pytest.mark.parametrize(
    ("regime", "field"),
    [("sg_ssir", "senders"), ("letter_of_authorisation", "country"), ("us_10dlc_campaign", "parent_id")],
)
async def test_a_draft_says_all_that_it_is_refused_for(edge, regime, field):
    begun = (await edge.post("/v1/registrations", {"regime": regime, "name": "bare"})).json
    refused = (await edge.post(f"/v1/registrations/{begun['id']}/submit")).json
    told = [each["pointer"].removeprefix("/").removeprefix("answers/") for each in refused["errors"]]
    assert field in told
    assert told == [each["field"] for each in begun["missing"]]


async def test_a_registration_from_draft_to_a_sender_that_may_send(tmp_path):
    async with running_edge(tmp_path, senders=Senders(enforcement="enforce")) as edge:
        of_account = {"X-Account-Id": edge.customer.id}
        sender = await _sender(edge, NAME, of_account)
        refused = await edge.send(sender=NAME, to=SINGAPORE)
        assert (refused.status, refused.code) == (403, "sender_unregistered")
        draft = {"regime": "sg_ssir", "name": "Acme in Singapore", "senders": [sender["id"]]}
        made = (await edge.post("/v1/registrations", draft)).json
        assert {each["field"] for each in made["missing"]} == {
            "company_name", "uen", "use_case", "documents/authorisation",
        }  # fmt: skip
        path = f"/v1/registrations/{made['id']}"
        early = await edge.post(f"{path}/submit")
        assert (early.status, early.code) == (422, "registration_incomplete")
        assert "/answers/uen" in {each["pointer"] for each in early.json["errors"]}
        wrong = await edge.ask("PATCH", path, json={"answers": {"uen": "1", "ein": "x"}})
        assert {each["pointer"] for each in wrong.json["errors"]} == {"/answers/uen", "/answers/ein"}
        answers = {"company_name": "Acme Pte Ltd", "uen": "201912345K", "use_case": "Codes"}
        assert (await edge.ask("PATCH", path, json={"answers": answers})).status == 200
        paper = {"name": "l.pdf", "content_type": "application/pdf", "data": PDF, "purpose": "authorisation"}
        kept = (await edge.post(f"{path}/documents", paper)).json
        content = await edge.get(f"/v1/documents/{kept['id']}/content")
        assert content.body == b"%PDF-1.7\n"
        assert content.headers["content-disposition"].startswith("attachment")
        assert (await edge.post(f"{path}/submit")).json["state"] == "submitted"
        assert (await edge.ask("PATCH", path, json={"name": "x"})).code == "conflict"
        assert (await edge.ask("DELETE", f"/v1/documents/{kept['id']}")).code == "conflict"
        waiting = (await edge.get("/v1/registrations", key=edge.operator)).json["data"]
        assert [each["id"] for each in waiting] == [made["id"]]
        assert (await edge.post(f"{path}/approve", {}, headers=of_account)).status == 403
        reject = {"reason": "Who are you?"}
        back = await edge.post(f"{path}/reject", reject, key=edge.operator, headers=of_account)
        assert (back.json["state"], back.json["reason"]) == ("rejected", "Who are you?")
        assert (await edge.post(f"{path}/submit")).json["state"] == "submitted"
        assert (await edge.send(sender=NAME, to=SINGAPORE)).code == "sender_unregistered"
        done = await edge.post(f"{path}/approve", {"valid_days": 30}, key=edge.operator, headers=of_account)
        assert done.json["expires_at"] is not None
        assert (await edge.send(sender=NAME, to=SINGAPORE)).status == 202
        await edge.post(f"{path}/reject", reject, key=edge.operator, headers=of_account)
        assert (await edge.send(sender=NAME, to=SINGAPORE)).code == "sender_unregistered"
        types = [each["type"] for each in (await edge.get("/v1/events?limit=200")).json["data"]]
        assert [each.removeprefix("registration.") for each in types if each.startswith("registration.")] == [
            "created", "updated", "submitted", "rejected", "submitted", "approved", "rejected",
        ]  # fmt: skip


async def test_a_campaign_bounds_its_numbers(edge, of_account):
    (number,) = (await edge.get("/v1/numbers")).json["data"]
    told = await edge.post("/v1/messages/explain", {"to": "+14155550123", "text": "a"})
    assert told.json["sender_rules"]["code"] == "sender_unregistered"
    brand = await _approved(
        edge, of_account, {"regime": "us_10dlc_brand", "name": "Acme", "answers": BRAND}, {"trust_score": 76}
    )
    body = {"regime": "us_10dlc_campaign", "name": "Orders", "parent_id": brand["id"], "answers": CAMPAIGN}
    campaign = await _approved(edge, of_account, body | {"senders": [number["id"]]})
    assert campaign["throughput"] == {"per_minute": 4500, "per_day": 200_000, "time_zone": "America/Los_Angeles"}
    limits = (await edge.get(f"/v1/numbers/{number['id']}")).json["limits"]
    assert (limits["per_minute"], limits["minute_of"]) == (4500, campaign["id"])
    assert (limits["per_day"], limits["day_of"]) == (200_000, brand["id"])
    told = await edge.post("/v1/messages/explain", {"to": "+14155550123", "text": "a"})
    assert told.json["sender_rules"]["verdict"] == "allowed"
    assert (await edge.ask("DELETE", f"/v1/registrations/{brand['id']}")).code == "in_use"
    await edge.post(f"/v1/registrations/{brand['id']}/reject", {"reason": "No"}, key=edge.operator, headers=of_account)
    told = await edge.post("/v1/messages/explain", {"to": "+14155550123", "text": "a"})
    assert told.json["sender_rules"]["code"] == "sender_unregistered", "a campaign holds as long as its brand"


@pytest.mark.parametrize(
    ("paper", "pointer"),
    [
        ({"content_type": "text/html"}, "/content_type"),
        ({"content_type": "image/png"}, "/data"),
        ({"name": "../x"}, "/name"),
        ({"data": ""}, "/data"),
        ({"purpose": "nothing"}, "/purpose"),
    ],
)
async def test_files_of_other_kinds_are_refused(edge, paper, pointer):
    made = await edge.post("/v1/registrations", {"regime": "sg_ssir", "name": "x"})
    good = {"name": "l.pdf", "content_type": "application/pdf", "data": PDF, "purpose": "authorisation"}
    refused = await edge.post(f"/v1/registrations/{made.json['id']}/documents", good | paper)
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == pointer


async def test_a_file_that_is_too_large_is_refused(edge):
    (number,) = (await edge.get("/v1/numbers")).json["data"]
    large = base64.b64encode(b"%PDF-" + bytes(5 * 1024 * 1024)).decode()
    body = {"name": "l.pdf", "content_type": "application/pdf", "data": large}
    path = f"/v1/numbers/{number['id']}/documents"
    for connection in edge.app.server.server_state.connections:  # which waits while what it refused still comes
        connection._guard = Guard(linger_s=60.0)
    sent = {"data": io.BytesIO(msgspec.json.encode(body)), "headers": {"Content-Type": "application/json"}}
    assert (await edge.ask("POST", path, **sent)).code == "body_too_large"
    assert (await edge.post(f"/v1/numbers/{number['id']}/documents", body | {"data": PDF})).status == 201
    assert len((await edge.get(f"/v1/numbers/{number['id']}/documents")).json["data"]) == 1


async def test_approvals_end_by_themselves(edge, of_account):
    sender = await _sender(edge, NAME, of_account)
    answers = {"company_name": "Acme", "uen": "201912345K", "use_case": "Codes"}
    body = {"regime": "sg_ssir", "name": "x", "senders": [sender["id"]], "answers": answers}
    made = await _approved(edge, of_account, body)
    assert "warnings" not in (await edge.send(sender=NAME, to=SINGAPORE)).json
    past = edge.app.clock.now_us() - 1
    row = await existing(edge.app.manage, made["id"], edge.customer.id)
    await store(edge.app.manage, "test", row, msgspec.structs.replace(row, expires_at=past), "updated")
    assert (await edge.send(sender=NAME, to=SINGAPORE)).json["warnings"] == ["sender_unregistered"]
    duty = edge.app.products.duties["registrations"]
    await duty.look()

    async def state():
        return (await edge.get(f"/v1/registrations/{made['id']}")).json["state"] == "expired"

    await until(state)
