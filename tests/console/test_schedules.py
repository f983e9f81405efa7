"""Schedules by their pages: kept, refused at their fields, paused, one time left out, and nobody else's."""

import pytest

from tests.edges.edge_rig import SENDER

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/schedules"
WRITTEN = {
    "name": "mondays",
    "starts_at": "2199-01-07T09:00",
    "zone": "Europe/Berlin",
    "rrule": "FREQ=WEEKLY;BYDAY=MO",
    "text": "We are open.",
    "class": "transactional",
    "recipients": "+14155550123, +493012345678",
}


async def kept(browser, **changes):
    seen = await browser.post(f"{PATH}/new", WRITTEN | changes)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0].rpartition("/")[2]


async def test_a_schedule_is_kept_changed_paused_and_forgotten(edge, browser, newcomer):
    assert "No schedules yet" in (await newcomer.get(PATH)).words
    schedule_id = await kept(browser)
    made = (await edge.get(f"/v1/schedules/{schedule_id}")).json
    assert (made["recipients"], made["rrule"], made["text"]) == (2, WRITTEN["rrule"], "We are open.")
    assert "mondays" in (await browser.get(PATH)).inner(schedule_id)
    page = await browser.get(f"{PATH}/{schedule_id}")
    assert "2199-01-07 09:00:00" in page.words and "+493012345678" in page.words
    await browser.post(f"{PATH}/{schedule_id}/skip", {"occurrence": "2199-01-07T09:00:00"})
    assert "2199-01-07 09:00:00" not in (await browser.get(f"{PATH}/{schedule_id}")).words
    changed = await browser.post(f"{PATH}/{schedule_id}", WRITTEN | {"rrule": "", "text": "Closed."})
    assert changed.status == 303
    now = (await edge.get(f"/v1/schedules/{schedule_id}")).json
    assert (now["rrule"], now["text"]) == (None, "Closed.")
    await browser.post(f"{PATH}/{schedule_id}/pause")
    assert "Paused" in (await browser.get(PATH)).inner(schedule_id)
    await browser.post(f"{PATH}/{schedule_id}/resume")
    await browser.post(f"{PATH}/{schedule_id}/remove")
    assert (await edge.get(f"/v1/schedules/{schedule_id}")).status == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("starts_at", "tomorrow"), ("zone", "Mars"), ("rrule", "FREQ=X"), ("text", ""),
     ("recipients", "12")],
)  # fmt: skip
async def test_what_is_wrong_stands_at_its_field(browser, field, value):
    seen = await browser.post(f"{PATH}/new", WRITTEN | {field: value})
    assert seen.status == 422
    assert seen.has(f'id="f-{field}"[^>]*aria-invalid="true"'), seen.words


async def test_a_schedule_of_a_template_is_kept_and_shown_and_its_variables_are_looked_at(edge, browser):
    texts = {"en": "Hi {{name}}", "de": "Hallo {{name}}"}
    await edge.post("/v1/templates", {"name": "mondays", "texts": texts})
    await edge.post("/v1/templates/mondays/publish", {})
    given = WRITTEN | {"text": "", "class": "", "template": "mondays", "language": "de"}
    for variables, told in (("{}", "is missing"), ("[]", "object"), ("{", "JSON")):
        seen = await browser.post(f"{PATH}/new", given | {"variables": variables})
        assert seen.status == 422 and seen.has('id="f-variables"[^>]*aria-invalid="true"'), seen.words
        assert told in seen.words
        assert not seen.has('id="f-recipients"[^>]*aria-invalid="true"')
    schedule_id = await kept(browser, **given | {"variables": '{"name": "Ana"}'})
    made = (await edge.get(f"/v1/schedules/{schedule_id}")).json
    assert (made["template"], made["language"], made["variables"]) == ("mondays", "de", {"name": "Ana"})
    page = await browser.get(f"{PATH}/{schedule_id}")
    assert page.has('<option value="mondays" selected>') and "Ana" in page.words
    changed = await browser.post(f"{PATH}/{schedule_id}", WRITTEN | {"text": "Closed."})
    assert changed.status == 303, changed.words
    now = (await edge.get(f"/v1/schedules/{schedule_id}")).json
    assert (now["template"], now["text"]) == (None, "Closed.")


async def test_its_flow_is_changed_and_its_sender_taken_away(edge, browser):
    document = {"trigger": {"type": "api"}, "start": "a", "steps": {"a": {"type": "send", "text": "Hi"}}}
    flows = [(await edge.post("/v1/flows", {"name": name, "document": document})).json["id"] for name in "ab"]
    given = WRITTEN | {"sender": SENDER}
    id_ = await kept(browser, **given)

    async def now():
        found = (await edge.get(f"/v1/schedules/{id_}")).json
        return found["text"], found["flow_id"], found["sender"]

    assert await now() == ("We are open.", None, SENDER)
    refused = await browser.post(f"{PATH}/{id_}", given | {"sender": "Nope"})
    assert refused.status == 403 and refused.has('id="f-sender"[^>]*aria-invalid="true"'), refused.words
    await browser.post(f"{PATH}/{id_}", given | {"sender": "", "flow_id": flows[0]})
    assert await now() == (None, flows[0], None)
    await edge.ask("PATCH", f"/v1/flows/{flows[0]}", json={"status": "paused"})
    page = await browser.get(f"{PATH}/{id_}")  # one that rests can be kept
    assert page.has(f'<option value="{flows[0]}" selected>a</option>') and f"/console/flows/{flows[0]}" in page.text
    await browser.post(f"{PATH}/{id_}", given | {"text": "", "flow_id": flows[1]})
    assert await now() == (None, flows[1], SENDER)
    await browser.post(f"{PATH}/{id_}", given | {"flow_id": ""})
    assert await now() == ("We are open.", None, SENDER)


async def test_its_media_are_named_shown_and_taken_away(edge, browser):
    medium = (await edge.ask("POST", "/v1/media", data=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100))).json["id"]
    id_ = await kept(browser, media=medium)
    assert (await edge.get(f"/v1/schedules/{id_}")).json["media"] == [medium]
    assert (await browser.get(f"{PATH}/{id_}")).has(f'name="media"[^>]* value="{medium}"')
    wrong = await browser.post(f"{PATH}/{id_}", WRITTEN | {"media": "ME0"})
    assert wrong.status == 422 and wrong.has('name="media" value="ME0"') and wrong.has('class="error"'), wrong.words
    assert (await browser.post(f"{PATH}/{id_}", WRITTEN)).status == 303
    assert (await edge.get(f"/v1/schedules/{id_}")).json["media"] == []


async def test_schedules_are_nobody_elses(edge, browser, sign_in):
    schedule_id = await kept(browser, name="mine")
    other = await sign_in("owner", (await edge.new_customer("Other")).id)
    assert (await other.get(f"{PATH}/{schedule_id}")).status == 404
    assert "mine" not in (await other.get(PATH)).words
    reader = await sign_in("read_only")
    assert (await reader.get(f"{PATH}/new")).status == 403


async def test_a_schedule_goes_to_lists_and_its_people_are_counted_while_it_is_written(edge, browser):
    ids = {name: (await edge.post("/v1/lists", {"name": name})).json["id"] for name in ("patients", "doctors")}
    for number, lists in (("+447911123601", ["patients"]), ("+447911123602", ["patients", "doctors"])):
        await edge.post("/v1/contacts", {"number": number, "lists": lists})
    given = WRITTEN | {"recipients": "", "to_lists": ids["patients"], "shorten_links": "1"}
    seen = await browser.post(f"{PATH}/look", given | {"not_lists": ids["doctors"]})
    assert "To 1, if it were now." in seen.words
    schedule_id = await kept(browser, **given)
    made = (await edge.get(f"/v1/schedules/{schedule_id}")).json
    assert (made["audience"]["lists"], made["shorten_links"]) == ([ids["patients"]], True)
    page = await browser.get(f"{PATH}/{schedule_id}")
    assert page.has(f'name="to_lists" value="{ids["patients"]}" checked') and "2199-01-07 09:00:00" in page.words
    changed = await browser.post(f"{PATH}/{schedule_id}", WRITTEN | {"to_filter": 'language = "de"'})
    assert changed.status == 303
    now = (await edge.get(f"/v1/schedules/{schedule_id}")).json
    assert (now["audience"]["lists"], now["audience"]["filter"], now["recipients"]) == ([], 'language = "de"', 2)
    wrong = await browser.post(f"{PATH}/{schedule_id}", WRITTEN | {"to_filter": "size >"})
    assert wrong.status == 422 and wrong.has('id="f-to_filter"[^>]*aria-invalid="true"'), wrong.words
