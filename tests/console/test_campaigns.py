"""Campaigns by their pages: a draft is made, estimated, tried, changed, started, watched and deleted."""

import pytest

from tests.edges.edge_rig import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/campaigns"
NUMBERS = "+447400123451, +447400123452\n+447400123453"
WRITTEN = {
    "name": "sale",
    "to_numbers": NUMBERS,
    "not_numbers": "+447400123453",
    "text_A": "Sale",
    "text_B": "Big sale",
    "zone": "UTC",
    "class": "transactional",
    "pace": "600",
    "per": "minute",
    "begin": "00:00",
    "end": "",
}


async def kept(browser, **changes):
    seen = await browser.post(f"{PATH}/new", WRITTEN | changes)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0].rpartition("/")[2]


async def test_a_campaign_is_made_estimated_tried_and_sent(edge, browser, sign_in):
    assert "No campaigns yet" in (await browser.get(PATH)).words
    id_ = await kept(browser)
    made = (await edge.get(f"/v1/campaigns/{id_}")).json
    assert (made["audience"]["numbers"], made["exclude"]["numbers"]) == (3, 1)
    assert [each["text"] for each in made["variants"]] == ["Sale", "Big sale"]
    assert made["schedule"]["pace"] == {"count": 600, "per": "minute"} and made["schedule"]["windows"]
    assert "sale" in (await browser.get(PATH)).inner(id_)
    page = await browser.get(f"{PATH}/{id_}")
    assert "+447400123452" in page.words and "Big sale" in page.words
    seen = await browser.get(f"{PATH}/{id_}/estimate")
    assert "of 3" in seen.words and "Excluded 1" in seen.words, seen.words
    tried = await browser.post(f"{PATH}/{id_}/test", {"to": "+447400123459"})
    assert "On its way" in tried.words
    assert "invalid" not in tried.words
    changed = await browser.post(f"{PATH}/{id_}", WRITTEN | {"text_B": "", "name": "sale!"})
    assert changed.status == 303
    assert len((await edge.get(f"/v1/campaigns/{id_}")).json["variants"]) == 1
    assert (await browser.post(f"{PATH}/{id_}/start")).status == 303

    async def over():
        return (await edge.get(f"/v1/campaigns/{id_}/results")).json["total"]["delivered"] == 2

    await until(over, within_s=60.0)
    page = await browser.get(f"{PATH}/{id_}")
    assert "Finished" in page.words and "Excluded 1" in page.words
    part = await browser.get(f"{PATH}/{id_}/progress")
    assert "Looked at" in part.words and "100.0 %" in part.words
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    assert "Tern" in (await operator.get(f"{PATH}/{id_}/progress")).words and "Tern" not in part.words
    refused = await browser.post(f"{PATH}/{id_}/pause")
    assert refused.status == 409 and "It is finished" in refused.words
    await browser.post(f"{PATH}/{id_}/remove")
    assert (await edge.get(f"/v1/campaigns/{id_}")).status == 404


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "", "must not be empty"),
        ("to_numbers", "12", "must be a number in E.164"),
        ("zone", "Mars", "must be"),
        ("text_A", "Hi {{", "character"),
        ("at", "tomorrow", "must be a local time"),
        ("pace", "fast", "must be"),
    ],
)
async def test_what_is_wrong_stands_at_its_field(browser, field, value, shown):
    seen = await browser.post(f"{PATH}/new", WRITTEN | {field: value})
    assert seen.status == 422 and shown in seen.words, seen.words
