"""What was done is offered to be undone, and then is as it was; the verdict comes from the API."""

import pytest

from whimbrel.edges.console.undoing import Undo, read, written

pytestmark = pytest.mark.asyncio(loop_scope="module")
UNDO = "/console/undo"


async def undone(browser, seen):
    """Follow to where it was done, and press Undo there."""
    page = await browser.get(seen.to)
    assert page.has(r'<form method="post" action="/console/undo">') and "Undo" in page.words
    return await browser.post(UNDO, {"undo": page.all(r'name="undo" value="(\w+)"')[0]})


def bare(row):
    return {name: value for name, value in row.items() if name not in {"id", "created_at", "updated_at"}}


async def test_a_deleted_route_is_there_again(edge, sign_in):
    operator = await sign_in(account_id=None)
    carriers = [row["id"] for row in (await edge.get("/v1/carriers", key=edge.operator)).json["data"]]
    body = {"carriers": carriers, "prefix": "4799", "country": "NO", "position": 1, "enabled": False}
    made = (await edge.post("/v1/routes", body, key=edge.operator)).json
    before = [bare(row) for row in (await edge.get("/v1/routes", key=edge.operator)).json["data"]]
    await operator.get("/console/routes")
    seen = await operator.post(f"/console/routes/{made['id']}/remove")
    assert (await undone(operator, seen)).to == "/console/routes?done=undone"
    assert [bare(row) for row in (await edge.get("/v1/routes", key=edge.operator)).json["data"]] == before


@pytest.mark.parametrize("of_account", [False, True])
async def test_a_deleted_price_is_there_again(edge, sign_in, of_account):
    operator = await sign_in(account_id=None)
    body = {"prefix": "4798", "price": "0.0123", "currency": "USD"}
    body |= {"account_id": edge.customer.id} if of_account else {}
    made = (await edge.post("/v1/prices", body, key=edge.operator)).json
    await operator.get("/console/prices")
    await undone(operator, await operator.post(f"/console/prices/{made['id']}/remove"))
    found = (await edge.get("/v1/prices?limit=1000", key=edge.operator)).json["data"]
    assert [bare(row) for row in found if row["prefix"] == "4798" and row["account_id"] == made["account_id"]] == [
        bare(made)
    ]
    assert (await edge.get(f"/v1/prices/{made['id']}", key=edge.operator)).status == 404


async def test_a_deleted_canned_answer_is_there_again(edge, browser):
    made = (await edge.post("/v1/canned-answers", {"name": "Hours", "text": "Nine\nto six. €"})).json
    await browser.get("/console/inbox/canned")
    await undone(browser, await browser.post(f"/console/inbox/canned/{made['id']}/delete"))
    found = [bare(row) for row in (await edge.get("/v1/canned-answers")).json["data"]]
    assert [row for row in found if row["name"] == "Hours"] == [bare(made)]


async def test_a_deleted_view_is_there_again(browser):
    await browser.get("/console/messages")
    back = {"back": "/console/messages"}
    await browser.post("/console/tables/messages/views", {"name": "Failed ones", "query": "status=failed", **back})
    page = await browser.get("/console/messages")
    view = page.all(r'action="(/console/tables/messages/views/\w+/delete)"')[0]
    gone = await browser.post(view, back)
    assert "Failed ones" not in (await browser.get("/console/messages")).words
    await undone(browser, gone)
    page = await browser.get("/console/messages")
    assert "Failed ones" in page.words and "status=failed" in page.text


async def test_what_was_switched_off_is_switched_on_again(edge, sign_in):
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    hook = (await edge.post("/v1/webhooks", {"url": "https://example.com/", "events": ["*"]})).json["id"]
    smpp = (await edge.post("/v1/smpp-credentials", {"name": "till"})).json["id"]
    other = await edge.new_customer("Undone")
    person = (await edge.post("/v1/users", {"email": "undo@example.com", "role": "support"})).json["id"]
    carrier = (await edge.get("/v1/carriers", key=edge.operator)).json["data"][0]["id"]
    for act, shown, key in (
        (f"webhooks/{hook}/disable", f"/v1/webhooks/{hook}", None),
        (f"smpp/{smpp}/suspend", f"/v1/smpp-credentials/{smpp}", None),
        (f"accounts/{other.id}/suspend", f"/v1/accounts/{other.id}", edge.operator),
        (f"people/{person}/disable", f"/v1/users/{person}", None),
        (f"carriers/{carrier}/pause", f"/v1/carriers/{carrier}", edge.operator),
    ):
        asked = {} if key is None else {"key": key}
        before = (await edge.get(shown, **asked)).json["status"]
        await operator.get(f"/console/{act.rpartition('/')[0]}")
        seen = await operator.post(f"/console/{act}")
        assert (await edge.get(shown, **asked)).json["status"] != before, act
        await undone(operator, seen)
        assert (await edge.get(shown, **asked)).json["status"] == before, act


async def test_only_the_last_thing_and_only_by_its_own_button(edge, browser):
    made = [(await edge.post("/v1/canned-answers", {"name": name, "text": name})).json["id"] for name in ("a", "b")]
    await browser.get("/console/inbox/canned")
    marks = []
    for each in made:
        page = await browser.get((await browser.post(f"/console/inbox/canned/{each}/delete")).to)
        marks += page.all(r'name="undo" value="(\w+)"')
    assert (await browser.post(UNDO, {"undo": marks[0]})).status == 409
    assert (await browser.post(UNDO, {"undo": ""})).status == 409
    assert (await browser.post(UNDO, {"undo": marks[1]})).status == 303
    assert (await browser.post(UNDO, {"undo": marks[1]})).status == 409, "once"


async def test_what_cannot_be_undone_offers_nothing_and_ends_an_earlier_offer(edge, browser):
    made = (await edge.post("/v1/canned-answers", {"name": "c", "text": "c"})).json["id"]
    await browser.get("/console/inbox/canned")
    seen = await browser.post(f"/console/inbox/canned/{made}/delete")
    assert "Undo" in (await browser.get(seen.to)).words
    saved = await browser.post("/console/inbox/canned", {"name": "d", "text": "d"})
    page = await browser.get(saved.to)
    assert "Undo" not in page.words and 'action="/console/undo"' not in page.text


async def test_an_offer_of_another_session_is_none():
    offered = written(Undo("deleteAccount", "/console"), "secret")
    assert read(offered, "secret").undo.operation == "deleteAccount"
    assert read(offered, "another") is None and read(offered + "0", "secret") is None and read("", "secret") is None
    assert written(Undo("x", "/console", body="x" * 4000), "secret") == ""
