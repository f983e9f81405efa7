"""SMPP credentials and the installation by their pages; the verdict comes from binds."""

import pytest

from tests.edges.edge_rig import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_credential_from_making_to_deleting(edge, browser):
    await browser.get("/console/smpp/new")
    form = {"name": "Office", "system_id": "office", "settings": '{"window": 7}'}
    made = await browser.post("/console/smpp/new", form)
    assert made.status == 200 and "not shown again" in made.words
    system_id, password = made.all(r'data-copy="([^"]+)"')
    assert system_id == "office" and len(password) == 8
    (row,) = (await edge.get("/v1/smpp-credentials")).json["data"]
    assert row["settings"]["window"] == 7
    page = f"/console/smpp/{row['id']}"
    assert '"window": 7' in (await browser.get(page)).text.replace("&#34;", '"')
    changed = {"name": "Office 2", "settings": '{"id_format": "decimal"}'}
    assert (await browser.post(page, changed)).to == "/console/smpp?done=smpp.changed"
    shown = (await edge.get(f"/v1/smpp-credentials/{row['id']}")).json
    assert (shown["name"], shown["settings"]["window"], shown["settings"]["id_format"]) == ("Office 2", 100, "decimal")
    fresh = await browser.post(f"{page}/rotate")
    assert fresh.all(r'data-copy="([^"]+)"')[1] != password
    await browser.get(page)
    await browser.post(f"{page}/suspend")
    assert (await edge.get(f"/v1/smpp-credentials/{row['id']}")).json["status"] == "suspended"
    await browser.post(f"{page}/activate")
    await browser.post(f"{page}/remove")
    assert (await edge.get("/v1/smpp-credentials")).json["data"] == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "must not be empty"),
        ("system_id", "much too long a name", "system_id"),
        ("settings", "{", "must be a JSON object"),
        ("settings", '{"window": "wide"}', "whole number"),
        ("settings", '{"colour": 1}', "colour"),
    ],
)
async def test_wrong_input_is_told_by_the_field(edge, browser, field, value, words):
    await browser.get("/console/smpp/new")
    seen = await browser.post("/console/smpp/new", {"name": "x", "settings": "{}"} | {field: value})
    assert seen.status == 422 and words in seen.words, seen.words
    assert (await edge.get("/v1/smpp-credentials")).json["data"] == []


async def test_the_installation_is_the_operators(edge, sign_in):
    owner = await sign_in()
    assert (await owner.get("/console/system")).status == 403
    operator = await sign_in(account_id=None)

    async def shows():
        seen = await operator.get("/console/system")
        return "Requests are taken" in seen.words and "Tern" in seen.words and "sweep" in seen.words

    await until(shows)
    assert "Requests are taken" in (await operator.get("/console/system", part=True)).words
    store = (await edge.get("/v1/store", key=edge.operator)).json
    assert (store["database"], store["current"], store["pending"], store["problem"]) == ("sqlite", True, [], "")
    shown = (await operator.get("/console/system")).words
    assert "SQLite" in shown and "Up to date" in shown and store["migrations"][0]["name"] in shown
    assert (await edge.get("/v1/store")).status == 403
