"""Numbers, registrations and rules of countries by their pages; the verdict comes from the API."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBER = "+12025550178"
REGISTRATIONS = "/console/senders/registrations"
RULES = "/console/senders/rules"


async def test_a_number_is_given_assigned_and_used(edge, sign_in):
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    wrong = await operator.post("/console/senders/numbers/new", {"number": "Acme", "capabilities": "sms"})
    assert wrong.status == 422 and 'aria-invalid="true"' in wrong.text
    given = {"number": NUMBER, "label": "Support", "capabilities": "sms", "approval": "pending", "per_minute": "x"}
    assert (await operator.post("/console/senders/numbers/new", given)).status == 422
    made = await operator.post("/console/senders/numbers/new", given | {"per_minute": "30"})
    assert made.status == 303
    number_id = made.to.partition("?")[0].rpartition("/")[2]
    page = await operator.get(f"/console/senders/numbers/{number_id}")
    assert "Waits for approval" in page.words and "30" in page.words
    owner = await sign_in()
    assert (await owner.get("/console/senders/numbers/new")).status == 403
    assert "Support" in (await owner.get("/console/senders/numbers")).words
    assert "assignment" not in (await owner.get(f"/console/senders/numbers/{number_id}")).text
    use = {"label": "Help", "sms_url": "", "sms_method": "POST", "sms_fallback_method": "GET"}
    assert (await owner.post(f"/console/senders/numbers/{number_id}", use)).status == 303
    told = {"capabilities": "sms", "approval": "approved"}
    assert (await operator.post(f"/console/senders/numbers/{number_id}/assignment", told)).status == 303
    shown = (await edge.get(f"/v1/numbers/{number_id}")).json
    assert (shown["label"], shown["approval"], shown["per_minute"]) == ("Help", "approved", None)
    await operator.post(f"/console/senders/numbers/{number_id}/remove")
    assert (await edge.get(f"/v1/numbers/{number_id}")).status == 404


async def test_a_registration_is_answered_brought_papers_and_decided(edge, sign_in, newcomer):
    operator, owner = await sign_in(account_id=None), await sign_in()
    await operator.act_for(edge.customer.id)
    assert "No registration" in (await newcomer.get(REGISTRATIONS)).words
    assert (await owner.post(f"{REGISTRATIONS}/new", {"regime": "nothing", "name": "x"})).status == 422
    made = await owner.post(f"{REGISTRATIONS}/new", {"regime": "es_cnmc", "name": "Acme in Spain"})
    place = made.to
    page = await owner.get(place)
    for label in ("Legal name", "NIF", "Title to the alias"):
        assert label in page.words
    await edge.give_sender(edge.customer.id, "AcmeES")
    (sender,) = [each for each in (await edge.get("/v1/senders")).json["data"] if each["value"] == "AcmeES"]
    answers = {
        "name": "Acme in Spain", "answers.company_name": "Acme SL", "answers.nif": "1", "answers.title": "trademark",
        "answers.title_reference": "M-1", "senders": sender["id"],
    }  # fmt: skip
    wrong = await owner.post(place, answers)
    assert wrong.status == 422 and "Acme SL" in wrong.text and 'aria-invalid="true"' in wrong.text
    answers["answers.nif"] = "B12345678"
    early = await owner.post(place, answers | {"submit": "1"})
    assert early.status == 422, "the proof is missing"
    assert (await owner.post(f"{place}/papers?name=proof.txt", {"x": "y"})).status == 415
    headers = {"content-type": "application/octet-stream", "x-csrf-token": owner._token}
    brought = await owner.post(f"{place}/papers?name=proof.txt&purpose=title", data=b"Mine", headers=headers, part=True)
    assert brought.status == 200
    paper = await owner.get(f"/console/senders/papers/{brought.text}")
    assert paper.headers["content-disposition"].startswith("attachment")
    assert (await owner.post(place, answers | {"submit": "1"})).to == f"{place}?done=registration.submitted"
    assert "What the operator says" not in (await owner.get(place)).words
    assert (await owner.post(f"{place}/approve", {})).status == 422
    everybody = await sign_in(account_id=None)
    assert "Acme in Spain" in (await everybody.get(REGISTRATIONS)).words, "what waits for the operator"
    assert (await operator.post(f"{place}/reject", {"reason": ""})).status == 422
    await operator.post(f"{place}/reject", {"reason": "Which trademark?"})
    assert "Which trademark?" in (await owner.get(place)).words
    await owner.post(place, answers | {"submit": "1"})
    assert (await operator.post(f"{place}/approve", {"valid_days": "x"})).status == 422
    done = await operator.post(f"{place}/approve", {"valid_days": "30", "decision.external_id": "CNMC-1"})
    assert done.to == f"{place}?done=registration.approved"
    shown = (await edge.get(place.replace("/console/senders", "/v1"))).json
    assert (shown["state"], shown["decision"]) == ("approved", {"external_id": "CNMC-1"})
    assert "Acme SL" in (await owner.get(place)).words
    assert (await owner.post(place, {"senders": sender["id"]})).status == 303
    await owner.post(f"{place}/remove")
    assert (await owner.get(place)).status == 404


async def test_choices_and_conditions_of_a_campaign_are_kept(edge, sign_in):
    owner = await sign_in()
    made = await owner.post(f"{REGISTRATIONS}/new", {"regime": "us_10dlc_campaign", "name": "Orders"})
    answers = {"name": "Orders", "answers.use_case": "MIXED", "answers.sub_use_cases": ("CUSTOMER_CARE",),
               "answers.subscriber_opt_out": "true"}  # fmt: skip
    one = await owner.post(made.to, answers)
    assert one.status == 422 and "2 to 5" in one.words
    both = {"answers.sub_use_cases": ("CUSTOMER_CARE", "MARKETING")}
    assert (await owner.post(made.to, answers | both)).status == 303
    shown = (await edge.get(made.to.replace("/console/senders", "/v1"))).json["answers"]
    assert shown["sub_use_cases"] == ["CUSTOMER_CARE", "MARKETING"] and shown["subscriber_opt_out"] is True
    page = await owner.get(made.to)
    assert 'data-only="answers.use_case"' in page.text


async def test_rules_are_read_by_all_and_changed_by_the_operator(edge, sign_in):
    owner, operator = await sign_in(), await sign_in(account_id=None)
    listed = await owner.get(f"{RULES}?country=IE")
    assert "ie-2025-10" in listed.text and "list-2022-fr" not in listed.text
    assert "ComReg" in (await owner.get(f"{RULES}/ie-2025-10")).words
    assert (await owner.get(f"{RULES}/new")).status == 403
    rule = {"id": "fr-mine", "country": "fr", "verdict": "forbidden", "kinds": "alphanumeric", "source": "us",
            "confidence": "primary", "origin": "any", "enforce": "yes"}  # fmt: skip
    wrong = await operator.post(f"{RULES}/new", rule | {"characters": "z-a"})
    assert wrong.status == 422 and 'aria-invalid="true"' in wrong.text
    assert (await operator.post(f"{RULES}/new", rule)).to == f"{RULES}/fr-mine?done=sender_rule.saved"
    await edge.give_sender(edge.customer.id, "AcmeFR")
    assert (await edge.send(sender="AcmeFR", to="+33612345678")).code == "sender_forbidden"
    await operator.post(f"{RULES}/fr-mine", rule | {"enforce": "no"})
    assert (await edge.send(sender="AcmeFR", to="+33612345678")).json["warnings"] == ["sender_forbidden"]
    words = rule | {"verdict": "allowed", "notice": "STOP 38xxx"}
    assert (await operator.post(f"{RULES}/fr-mine", words)).status == 303
    assert "STOP 38xxx" in (await owner.get(f"{RULES}/fr-mine")).words
    assert (await edge.send(sender="AcmeFR", to="+33612345678")).code == "notice_missing"
    assert "STOP 36xxx" in (await owner.get(f"{RULES}?country=FR")).words
    await operator.post(f"{RULES}/fr-mine/switch", {"enabled": "0"})
    assert "warnings" not in (await edge.send(sender="AcmeFR", to="+33612345678")).json
    await operator.post(f"{RULES}/fr-mine/remove")
    assert (await operator.get(f"{RULES}/fr-mine")).status == 404
