"""Flows by their pages: drawn, refused with what is wrong, activated, run, read, and nobody else's."""

import html
import json
import re
from importlib.resources import files

import pytest

from tests.edges.edge_rig import until
from whimbrel.domain.flow_documents import STEPS, TRIGGERS
from whimbrel.products.flows import ready_made

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/flows"
PHONE = "+14155550199"
DOCUMENT = {"trigger": {"type": "api"}, "start": "a", "steps": {"a": {"type": "send", "text": "Hello {{ name }}"}}}


async def drawn(browser, name, document=DOCUMENT):
    seen = await browser.post(f"{PATH}/new", {"name": name, "document": json.dumps(document)})
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0].rpartition("/")[2]


async def test_every_field_of_a_step_or_trigger_can_be_edited_and_has_words(browser):
    page = await browser.get(f"{PATH}/new")
    told = re.search(r'data-fields="([^"]*)"', page.text)[1]
    words = dict(pair.split("=", 1) for pair in html.unescape(told).split("|"))
    script = (files("whimbrel.edges.console") / "static" / "flows.js").read_text()
    editable = dict(re.findall(r"^    (\w+): \{(.*)\},$", script.partition("const FRESH")[0], re.MULTILINE))
    begins = html.unescape(re.search(r'data-triggers="([^"]*)"', page.text)[1])
    assert [pair.split("=")[0] for pair in begins.split("|")] == list(TRIGGERS)
    for kind, step in (STEPS | TRIGGERS).items():
        assert kind in editable
        for name in step.__struct_encode_fields__:
            assert words[name] and words[name] != name, name
            assert f"{name}: " in editable[kind], (kind, name)


async def test_a_flow_is_drawn_activated_run_and_read(edge, browser, newcomer):
    assert "No flows yet" in (await newcomer.get(PATH)).words
    flow_id = await drawn(browser, "greeting")
    made = (await edge.get(f"/v1/flows/{flow_id}")).json
    assert (made["name"], made["status"], made["document"]) == ("greeting", "paused", DOCUMENT)
    page = await browser.get(f"{PATH}/{flow_id}")
    assert page.has('id="flow-picture"') and "Hello {{ name }}" in page.words
    refused = await browser.post(f"{PATH}/{flow_id}/runs", {"phone": PHONE, "variables": "{}"})
    assert refused.status == 409 and "paused" in refused.words
    await browser.post(f"{PATH}/{flow_id}/activate")
    assert "greeting" in (await browser.get(PATH)).inner(flow_id)
    begun = await browser.post(f"{PATH}/{flow_id}/runs", {"phone": PHONE, "variables": '{"name": "Ada"}'})
    run_id = begun.to.partition("?")[0].rpartition("/")[2]

    async def finished():
        return (await edge.get(f"/v1/flow-runs/{run_id}")).json["state"] == "finished"

    await until(finished)
    page = await browser.get(f"/console/flow-runs/{run_id}")
    assert all(word in page.words for word in ("Finished", "Send a text", "Sent", PHONE, "Ada"))
    listed = await browser.get(f"/console/flow-runs?flow_id={flow_id}&state=finished")
    assert PHONE in listed.inner(run_id)
    await browser.post(f"/console/flow-runs/{run_id}/erase")
    assert PHONE not in (await browser.get(f"/console/flow-runs/{run_id}")).words


async def test_what_is_wrong_is_listed_with_its_place(edge, browser):
    wrong = DOCUMENT | {"steps": {"a": {"type": "send", "text": "Hello", "next": "b"}}}
    seen = await browser.post(f"{PATH}/new", {"name": "wrong", "document": json.dumps(wrong)})
    assert seen.status == 422 and "document.steps.a.next" in seen.words and "names no step: b" in seen.words
    seen = await browser.post(f"{PATH}/new", {"name": "wrong", "document": "{"})
    assert seen.status == 422 and "no JSON" in seen.words
    seen = await browser.post(f"{PATH}/new", {"name": "", "document": json.dumps(DOCUMENT)})
    assert seen.status == 422 and seen.has('id="f-name"[^>]*aria-invalid="true"')
    assert "wrong" not in [each["name"] for each in (await edge.get("/v1/flows")).json["data"]]


async def test_a_change_is_a_new_version_and_a_name_alone_is_none(edge, browser):
    flow_id = await drawn(browser, "versions")
    await browser.post(f"{PATH}/{flow_id}", {"name": "renamed", "document": json.dumps(DOCUMENT)})
    assert (await edge.get(f"/v1/flows/{flow_id}")).json["version"] == 1
    other = DOCUMENT | {"steps": {"a": {"type": "send", "text": "Other"}}}
    await browser.post(f"{PATH}/{flow_id}", {"name": "renamed", "document": json.dumps(other)})
    found = (await edge.get(f"/v1/flows/{flow_id}")).json
    assert (found["name"], found["version"], found["document"]) == ("renamed", 2, other)
    await browser.post(f"{PATH}/{flow_id}/remove")
    assert (await edge.get(f"/v1/flows/{flow_id}")).status == 404


async def test_a_ready_made_flow_fills_the_form(browser):
    for each in ready_made.every():
        page = await browser.get(f"{PATH}/new?ready={each.name}")
        assert page.has(f'value="{each.title}"')


async def test_a_run_is_stopped(edge, browser):
    waiting = DOCUMENT | {"steps": {"a": {"type": "wait", "for_s": 600}}}
    flow_id = await drawn(browser, "waiting", waiting)
    await browser.post(f"{PATH}/{flow_id}/activate")
    begun = await browser.post(f"{PATH}/{flow_id}/runs", {"phone": PHONE, "variables": ""})
    run_id = begun.to.partition("?")[0].rpartition("/")[2]

    async def waits():
        return (await edge.get(f"/v1/flow-runs/{run_id}")).json["waits_for"] == "time"

    await until(waits)
    assert "It waits until" in (await browser.get(f"/console/flow-runs/{run_id}")).words
    await browser.post(f"/console/flow-runs/{run_id}/stop")
    assert "Stopped" in (await browser.get(f"/console/flow-runs/{run_id}")).words


async def test_a_run_tells_which_case_held_in_its_own_words_also_after_the_flow_changed(edge, browser):
    cases = [{"when": "contact.phone == '+1'"}, {"when": "total > `10`"}]
    branching = DOCUMENT | {"steps": {"a": {"type": "branch", "cases": cases}}}
    flow_id = await drawn(browser, "branching", branching)
    await browser.post(f"{PATH}/{flow_id}/activate")
    begun = await browser.post(f"{PATH}/{flow_id}/runs", {"phone": PHONE, "variables": '{"total": 11}'})
    run_id = begun.to.partition("?")[0].rpartition("/")[2]

    async def ended():
        return (await edge.get(f"/v1/flow-runs/{run_id}")).json["state"] == "finished"

    await until(ended)
    changed = DOCUMENT | {"steps": {"a": {"type": "send", "text": "Other"}}}
    await browser.post(f"{PATH}/{flow_id}", {"name": "branching", "document": json.dumps(changed)})
    page = await browser.get(f"/console/flow-runs/{run_id}")
    assert "total > `10`" in page.words and "case_" not in page.words


async def test_flows_are_nobody_elses(edge, browser, sign_in):
    flow_id = await drawn(browser, "mine")
    other = await sign_in("owner", (await edge.new_customer("Other")).id)
    assert "mine" not in (await other.get(PATH)).words
    assert (await other.get(f"{PATH}/{flow_id}")).status == 404
    assert (await other.post(f"{PATH}/{flow_id}/activate")).status == 404
    reader = await sign_in("read_only")
    assert not (await reader.get(PATH)).has('href="/console/flows/new"')
    assert (await reader.get(f"{PATH}/new")).status == 403
