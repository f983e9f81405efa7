"""The settings of an account and of the installation by their pages; the verdict comes from the API."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = "/console/settings"


async def test_an_account_changes_its_own(edge, sign_in):
    customer = await edge.new_customer("Shop")
    owner = await sign_in(account_id=customer.id)
    assert 'value="Shop"' in (await owner.get(SETTINGS)).text
    seen = await owner.post(SETTINGS, {"name": "Shop 2", "dedupe_s": "60"})
    assert seen.to == f"{SETTINGS}?done=settings.saved"
    shown = (await edge.get(f"/v1/accounts/{customer.id}", key=edge.operator)).json
    assert (shown["name"], shown["dedupe_s"]) == ("Shop 2", 60)
    for fields, words in (
        ({"name": "", "dedupe_s": "60"}, "must not be empty"),
        ({"name": "x", "dedupe_s": "3601"}, "0 (off) to 3600"),
        ({"name": "x", "dedupe_s": "soon"}, "must be a whole number"),
    ):
        seen = await owner.post(SETTINGS, fields)
        assert seen.status == 422 and words in seen.words and fields["dedupe_s"] in seen.text, seen.words
    assert (await edge.get(f"/v1/accounts/{customer.id}", key=edge.operator)).json["name"] == "Shop 2"


async def test_the_default_sender_is_chosen(edge, sign_in):
    customer = await edge.new_customer("Sender shop")
    owner = await sign_in(account_id=customer.id)
    headers = {"X-Account-Id": customer.id}
    made = await edge.post("/v1/senders", {"value": "SETTINGS"}, key=edge.operator, headers=headers)
    local = {"value": "LOCAL", "is_default": True, "countries": ["DE"]}
    await edge.post("/v1/senders", local, key=edge.operator, headers=headers)

    async def everywhere() -> list[str]:
        found = (await edge.get("/v1/senders", key=customer.live)).json["data"]
        return [each["value"] for each in found if each["is_default"] and not each["countries"]]

    await owner.post(f"{SETTINGS}/default-sender", {"default_sender": made.json["id"]})
    assert await everywhere() == ["SETTINGS"]
    page = await owner.get(SETTINGS)
    assert page.has(f'<option value="{made.json["id"]}" selected>') and "DE LOCAL" in page.words
    await owner.post(f"{SETTINGS}/default-sender", {"default_sender": ""})
    assert await everywhere() == []
    foreign = (await edge.get("/v1/senders")).json["data"][0]["id"]
    assert (await owner.post(f"{SETTINGS}/default-sender", {"default_sender": foreign})).status == 404


async def test_the_secret_of_callbacks(edge, sign_in):
    customer = await edge.new_customer("Secret shop")
    owner = await sign_in(account_id=customer.id)
    path = f"/v1/accounts/{customer.id}/callback-secret"
    kept = (await edge.get(path, key=edge.operator)).json["secret"]
    assert kept not in (await owner.get(SETTINGS)).text
    assert kept in (await owner.get(f"{SETTINGS}/secret")).text
    made = (await owner.post(f"{SETTINGS}/secret/rotate")).text
    now = (await edge.get(path, key=edge.operator)).json["secret"]
    assert now in made and now != kept


async def test_the_operators_people_see_what_the_installation_runs_with(edge, sign_in):
    operator = await sign_in(account_id=None)
    await operator.post("/console/show", {"account_id": "all"})
    assert (await operator.get(SETTINGS)).to == f"{SETTINGS}/installation"
    page = await operator.get(f"{SETTINGS}/installation")
    row = page.inner("retention.messages_days")
    assert "400" in row and "default" in row and "WHIMBREL_RETENTION__MESSAGES_DAYS" in row
    only_set = await operator.get(f"{SETTINGS}/installation?show=set")
    assert "messages_days" not in only_set.text
    await operator.act_for(edge.customer.id)
    both = await operator.get(SETTINGS)
    assert both.status == 200 and "/console/settings/installation" in both.text


async def test_an_account_does_not_see_the_installation(sign_in):
    owner = await sign_in()
    assert (await owner.get(f"{SETTINGS}/installation")).status == 403
    assert "/console/settings/installation" not in (await owner.get(SETTINGS)).text
