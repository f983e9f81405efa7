"""Senders and opt-outs by their pages; the verdict comes from what may be sent."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")
OTHER = "+12025550177"
PHONE = "+14155550199"


async def test_the_operator_gives_a_sender_that_the_account_chooses(edge, sign_in):
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    wrong = await operator.post("/console/senders/new", {"value": "!"})
    assert wrong.status == 422 and 'aria-invalid="true"' in wrong.text
    assert (await operator.post("/console/senders/new", {"value": OTHER})).to == "/console/senders?done=sender.made"
    owner = await sign_in()
    page = await owner.get("/console/senders")
    sender_id = next(row[0] for row in page.all(r'<tr id="(PN\w+)">(.*?)</tr>') if "177" in row[1])
    assert (await owner.get("/console/senders/new")).status == 403
    form = {"is_default": "1", "countries": "us, ca", "sms_url": "", "sms_method": "POST"}
    assert (await owner.post(f"/console/senders/{sender_id}", form)).status == 303
    shown = (await edge.get(f"/v1/senders/{sender_id}")).json
    assert (shown["is_default"], shown["countries"]) == (True, ["US", "CA"])
    bad = await owner.post(f"/console/senders/{sender_id}", form | {"countries": "Narnia"})
    assert bad.status == 422 and "ISO 3166" in bad.words
    assert (await edge.send(sender=OTHER)).status == 202
    await operator.get("/console/senders")
    await operator.post(f"/console/senders/{sender_id}/remove")
    assert (await edge.send(sender=OTHER)).code == "sender_not_allowed"


async def test_the_operator_rejects_a_sender_and_its_account_reads_why(edge, sign_in):
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    await operator.post("/console/senders/new", {"value": "Acme"})
    (sender,) = (await edge.get("/v1/senders?value=Acme")).json["data"]
    place = f"/console/senders/{sender['id']}"
    await operator.get(place)
    wrong = await operator.post(f"{place}/assignment", {"approval": "rejected", "approval_reason": "x" * 200})
    assert wrong.status == 422 and 'aria-invalid="true"' in wrong.text
    rejected = {"approval": "rejected", "approval_reason": "Whose name is it?"}
    assert (await operator.post(f"{place}/assignment", rejected)).to == f"{place}?done=sender.changed"
    owner = await sign_in()
    page = await owner.get(place)
    assert "Whose name is it?" in page.words and "Rejected" in page.words
    assert f"{place}/assignment" not in page.text
    assert (await owner.post(f"{place}/assignment", {"approval": "approved"})).status == 403
    assert "Rejected" in (await owner.get("/console/senders")).words
    assert (await edge.send(sender="Acme", to="+447400123456")).code == "sender_not_approved"


async def test_an_opt_out_is_recorded_found_and_taken_back(edge, browser):
    assert "Nobody has opted out" in (await browser.get("/console/opt-outs")).words
    seen = await browser.post("/console/opt-outs", {"numbers": f"{PHONE}, +14155550188\n"})
    assert seen.to == "/console/opt-outs?done=opt_out.recorded"
    assert (await edge.send(to=PHONE)).code == "opted_out"
    found = await browser.get("/console/opt-outs?number=%2B14155550199")
    (opt_out_id,) = found.all(r'<tr id="(OO\w+)"')
    assert PHONE not in found.inner(opt_out_id)
    assert "has not opted out" in (await browser.get("/console/opt-outs?number=%2B14155550100")).words
    assert (await browser.get("/console/opt-outs?number=12")).has('role="alert"')
    await browser.post(f"/console/opt-outs/{opt_out_id}/remove")
    assert (await edge.send(to=PHONE)).status == 202


@pytest.mark.parametrize("numbers", ["", "hello", f"{PHONE} 12"])
async def test_what_is_no_number_is_told_and_nothing_recorded(edge, browser, numbers):
    before = (await edge.get("/v1/opt-outs")).json["data"]
    seen = await browser.post("/console/opt-outs", {"numbers": numbers})
    assert seen.status == 422 and seen.has('role="alert"')
    assert numbers in seen.text
    assert (await edge.get("/v1/opt-outs")).json["data"] == before


async def test_an_account_is_chosen_first(edge, sign_in):
    await edge.new_customer("Second")
    operator = await sign_in(account_id=None)
    for path in ("/console/senders", "/console/opt-outs", "/console/balance"):
        assert "Choose an account" in (await operator.get(path)).words
