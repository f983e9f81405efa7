"""Templates by their pages: written, tried out while they are written, published, compared, approved, sent with."""

import re

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/templates"
WRITTEN = {
    "name": "order-shipped",
    "class": "transactional",
    "default_language": "en",
    "language": "en",
    "texts.en": "Hi {{name}}, {{order}} has left.",
    "variable": "name",
    "variables.0.type": "text",
    "variables.0.example": "Ana",
}


async def written(browser, **changes):
    seen = await browser.post(f"{PATH}/new", WRITTEN | {"publish": "1"} | changes)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0].rpartition("/")[2]


async def test_a_template_is_written_and_published_as_the_api_shows_it(edge, browser, newcomer):
    assert "No template yet" in (await newcomer.get(PATH)).words
    template_id = await written(browser)
    made = (await edge.get("/v1/templates/order-shipped")).json
    assert (made["id"], made["live_version"], made["texts"]) == (template_id, 1, {"en": WRITTEN["texts.en"]})
    assert [(each["name"], each["required"], each.get("example")) for each in made["variables"]] == [
        ("name", False, "Ana"),
        ("order", True, None),
    ]
    listed = await browser.get(PATH)
    assert "order-shipped" in listed.inner(template_id) and "In use" in listed.inner(template_id)


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(edge, browser):
    seen = await browser.post(f"{PATH}/new", WRITTEN | {"name": "other", "texts.en": "Hi {{name|uper}}"})
    assert seen.status == 422 and "uper" in seen.words
    assert seen.has('id="f-texts.en"[^>]*aria-invalid="true"')
    seen = await browser.post(f"{PATH}/new", WRITTEN | {"name": "Not a name"})
    assert seen.status == 422 and seen.has('id="f-name"[^>]*aria-invalid="true"')
    assert "Hi {{name}}, {{order}} has left." in seen.words
    assert (await edge.get("/v1/templates/other")).code == "not_found"


async def test_the_preview_follows_what_is_written(browser):
    seen = await browser.post(f"{PATH}/look", WRITTEN | {"to": "+14155550123"}, part=True)
    assert "Hi Ana, Robin has left." in seen.words and "1 segment" in seen.words and "0.0075" in seen.words
    wrong = await browser.post(f"{PATH}/look", WRITTEN | {"texts.en": "{{"}, part=True)
    assert "texts.en" in wrong.words
    rows = await browser.post(f"{PATH}/variables", WRITTEN | {"texts.en": "{{b}} {{name}}"}, part=True)
    assert rows.all(r'name="variable" value="(\w+)"') == ["b", "name"]
    assert rows.has('name="variables.1.example"[^>]*value="Ana"')


async def test_a_language_is_added_beside_the_others(edge, browser):
    template_id = await written(browser, name="two-languages")
    more = await browser.post(f"{PATH}/{template_id}/languages", WRITTEN | {"add_language": "pt-BR"})
    assert more.has('name="texts.pt-BR"') and WRITTEN["texts.en"] in more.words
    both = [*(WRITTEN | {"name": "two-languages", "texts.pt-BR": "Oi {{name}}, {{order}} saiu."}).items()]
    saved = await browser.post(f"{PATH}/{template_id}", [*both, ("language", "pt-BR")])
    assert saved.status == 303
    assert [*(await edge.get("/v1/templates/two-languages")).json["texts"]] == ["en", "pt-BR"]


async def test_a_version_says_what_it_changed_and_is_rejected_with_a_reason(edge, browser):
    template_id = await written(browser, name="changing")
    changed = WRITTEN | {"name": "changing", "texts.en": "Hi {{name}}, {{order}} is gone.", "publish": "1"}
    assert (await browser.post(f"{PATH}/{template_id}", changed)).status == 303
    page = await browser.get(f"{PATH}/{template_id}/versions/2")
    assert page.has("<del>has</del>") and page.has("<ins>is</ins>")
    refused = await browser.post(f"{PATH}/{template_id}/versions/2/reject", {"reason": ""})
    assert refused.status == 422
    await browser.post(f"{PATH}/{template_id}/versions/2/reject", {"reason": "Too blunt."})
    assert (await edge.get("/v1/templates/changing")).json["live_version"] == 1
    assert "Too blunt." in (await browser.get(f"{PATH}/{template_id}/versions/2")).words
    await browser.post(f"{PATH}/{template_id}/archive")
    assert (await edge.get("/v1/templates/changing")).json["status"] == "archived"
    await browser.post(f"{PATH}/{template_id}/remove")
    assert (await edge.get("/v1/templates/changing")).code == "not_found"


async def test_compose_sends_with_a_template(edge, browser):
    await written(browser, name="composed")
    page = await browser.get("/console/compose?template=composed")
    assert page.has('name="variables.order"') and not page.has('name="text"')
    fields = {"recipients": "+14155550123", "template": "composed", "variable": "order", "variables.order": "8F3K"}
    told = await browser.post("/console/compose/look", {**fields, "count": "1", "first": "+14155550123"}, part=True)
    assert "Hi , 8F3K has left." in told.words
    sent = await browser.post("/console/compose", fields)
    (message_id,) = set(sent.all(r"/console/messages/(SM\w+)"))
    message = (await edge.get(f"/v1/messages/{message_id}")).json
    assert (message["text"], message["template"]["name"]) == ("Hi , 8F3K has left.", "composed")
    assert "composed@1" in (await browser.get(f"/console/messages/{message_id}")).words
    missing = await browser.post("/console/compose", fields | {"variables.order": ""})
    assert missing.status == 422 and missing.has('id="f-variables.order"[^>]*aria-invalid="true"')


async def test_forms_offer_what_messages_can_be_made_of_and_nothing_else(edge, browser):
    for name in ("zeta", "alpha"):
        await written(browser, name=name)
    gone = await written(browser, name="gone")
    await browser.post(f"{PATH}/{gone}/archive")
    text = {"texts": {"en": "Hi"}, "default_language": "en"}
    assert (await edge.post("/v1/templates", text | {"name": "draft-only"})).status == 201
    stranger = await edge.new_customer("Stranger")
    theirs = text | {"name": "theirs", "publish": True}
    assert (await edge.post("/v1/templates", theirs, key=stranger.live)).status == 201
    found = (await edge.get("/v1/templates?limit=1000")).json["data"]
    can_be_used = [row["name"] for row in found if row["status"] == "active" and row["live_version"]]
    assert {"alpha", "zeta"} <= {*can_be_used} and not {"gone", "draft-only", "theirs"} & {*can_be_used}
    for form in ("/console/compose", "/console/schedules/new", "/console/campaigns/new"):
        (chosen,) = (await browser.get(form)).all(r'(?s)<select id="f-template"[^>]*>(.*?)</select>')
        assert re.findall(r'value="([^"]*)"', chosen) == ["", *can_be_used]


async def test_another_account_sees_none_of_it(edge, browser, sign_in):
    template_id = await written(browser, name="secret-plans")
    other = await edge.new_customer("Other")
    stranger = await sign_in(account_id=other.id)
    assert "secret-plans" not in (await stranger.get(PATH)).words
    for path in (f"{PATH}/{template_id}", f"{PATH}/{template_id}/versions/1"):
        assert (await stranger.get(path)).status == 404
    assert (await stranger.post(f"{PATH}/{template_id}/archive")).status == 404
