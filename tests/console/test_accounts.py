"""Accounts and their money by their pages; the verdict comes from the API."""

import aiohttp
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_account_from_making_to_closing(edge, sign_in):
    operator = await sign_in(account_id=None)
    seen = await operator.post("/console/accounts/new", {"name": "Shop", "currency": "eur"})
    assert seen.status == 200 and "not shown again" in seen.words
    account_id, token = seen.all(r'data-copy="([^"]+)"')
    basic = {"headers": {"Authorization": aiohttp.encode_basic_auth(account_id, token)}}
    assert (await edge.get("/v1/balance", key="", **basic)).json["currency"] == "EUR"
    await operator.get(f"/console/accounts/{account_id}")
    await operator.post(f"/console/accounts/{account_id}", {"name": "Shop 2", "dedupe_s": "60"})
    shown = await edge.get(f"/v1/accounts/{account_id}", key=edge.operator)
    assert (shown.json["name"], shown.json["dedupe_s"]) == ("Shop 2", 60)
    await operator.post(f"/console/accounts/{account_id}/suspend")
    assert (await edge.get("/v1/balance", key="", **basic)).code == "account_suspended"
    await operator.post(f"/console/accounts/{account_id}/activate")
    fresh = await operator.post(f"/console/accounts/{account_id}/rotate-token")
    assert token not in fresh.text
    assert (await edge.get("/v1/balance", key="", **basic)).status == 401
    await operator.post(f"/console/accounts/{account_id}/close")
    assert "Closed" in (await operator.get(f"/console/accounts/{account_id}")).words
    again = await operator.post(f"/console/accounts/{account_id}/activate")
    assert again.status == 409 and again.has('role="alert"')


async def test_wrong_input_is_told_by_the_field(sign_in):
    operator = await sign_in(account_id=None)
    for name, currency, words in (("", "USD", "must not be empty"), ("x", "12", "ISO 4217")):
        seen = await operator.post("/console/accounts/new", {"name": name, "currency": currency})
        assert seen.status == 422 and words in seen.words


async def test_money_is_added_and_written_down(edge, sign_in):
    customer = await edge.new_customer("Payer", credit="")
    operator = await sign_in(account_id=None)
    nobody = await operator.get("/console/balance")
    assert nobody.status == 200
    await operator.act_for(customer.id)
    for amount, words in (("-5", "must be"), ("many", "write it as a string"), ("0", "more than 0")):
        seen = await operator.post("/console/balance", {"amount": amount, "note": ""})
        assert seen.status == 422 and words in seen.words, seen.words
    seen = await operator.post("/console/balance", {"amount": "12.5", "note": "invoice 7"})
    assert seen.to == "/console/balance?done=balance.topped_up"
    assert (await edge.get("/v1/balance", key=customer.live)).json["available"] == "12.50"
    page = await operator.get("/console/balance")
    assert "invoice 7" in page.words and "12.50 USD" in page.words


async def test_an_account_sees_itself_and_adds_no_money(edge, sign_in):
    customer = await edge.new_customer("Alone")
    owner = await sign_in(account_id=customer.id)
    listed = await owner.get("/console/accounts")
    assert customer.id in listed.text and edge.customer.id not in listed.text
    assert "Top up" not in (await owner.get("/console/balance")).words
    assert (await owner.post("/console/balance", {"amount": "5"})).status in {403, 422}
    assert (await owner.get(f"/console/accounts/{edge.customer.id}")).status == 404
    assert (await owner.post("/console/show", {"account_id": edge.customer.id})).status == 404
    assert (await owner.post("/console/show", {"account_id": "all"})).status == 303
    assert customer.id in (await owner.get("/console/accounts")).text
    assert edge.customer.id not in (await owner.get("/console/accounts")).text


async def test_people_of_a_suspended_account_do_nothing(edge, sign_in):
    customer = await edge.new_customer("Gone")
    owner = await sign_in(account_id=customer.id)
    assert (await owner.get("/console/keys")).status == 200
    assert (await edge.post(f"/v1/accounts/{customer.id}/suspend", key=edge.operator)).status == 200
    seen = await owner.get("/console/keys")
    assert seen.status == 403 and "account_suspended" in seen.words
    operator = await sign_in(account_id=None)
    await operator.act_for(customer.id)
    assert (await operator.get("/console/keys")).status == 200
