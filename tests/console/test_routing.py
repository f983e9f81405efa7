"""Routes and prices by their pages; the verdict comes from what is sent and what it costs."""

import pytest

from tests.edges.edge_rig import NUMBER

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def operator(sign_in):
    """Somebody of the operator who acts for the customer."""

    async def somebody(edge):
        made = await sign_in(account_id=None)
        await made.act_for(edge.customer.id)
        await made.get("/console/routes")
        return made

    return somebody


async def test_a_route_is_added_moved_and_deleted(edge, operator):
    browser = await operator(edge)
    page = await browser.get("/console/routes/new")
    tern = page.all(r'<option value="(CR\w+)">Tern')[0]
    form = {"prefix": "+44", "country": "", "carriers.1": tern, "position": "1", "enabled": "1"}
    assert (await browser.post("/console/routes/new", form)).to == "/console/routes?done=route.made"
    listed = (await edge.get("/v1/routes", key=edge.operator)).json["data"]
    assert [(each["position"], each["prefix"], each["account_id"]) for each in listed] == [
        (1, "44", None),
        (2, "", None),
    ]
    route = listed[0]["id"]
    await browser.post(f"/console/routes/{route}/move", {"down": "1"})
    listed = (await edge.get("/v1/routes", key=edge.operator)).json["data"]
    assert [each["id"] == route for each in listed] == [False, True]
    seen = await browser.get(f"/console/routes/{route}")
    assert 'value="44"' in seen.text
    assert (await browser.post(f"/console/routes/{route}", form | {"prefix": "", "country": "gb"})).status == 303
    assert (await edge.get(f"/v1/routes/{route}", key=edge.operator)).json["country"] == "GB"
    await browser.post(f"/console/routes/{route}/remove")
    assert len((await edge.get("/v1/routes", key=edge.operator)).json["data"]) == 1


async def test_a_route_for_one_account(edge, operator):
    browser = await operator(edge)
    tern = (await browser.get("/console/routes/new")).all(r'<option value="(CR\w+)">Tern')[0]
    await browser.post("/console/routes/new", {"carriers.1": tern, "own": "1", "enabled": "1"})
    listed = (await edge.get("/v1/routes", key=edge.operator)).json["data"]
    (own,) = [each for each in listed if each["account_id"]]
    assert own["account_id"] == edge.customer.id
    await browser.post(f"/console/routes/{own['id']}/remove")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("prefix", "abc", "digits"),
        ("country", "Narnia", "two capital letters"),
        ("carriers.1", "", "carrier"),
        ("position", "first", "whole number"),
    ],
)
async def test_a_wrong_route_is_told_by_the_field(edge, operator, field, value, words):
    browser = await operator(edge)
    tern = (await browser.get("/console/routes/new")).all(r'<option value="(CR\w+)">Tern')[0]
    seen = await browser.post("/console/routes/new", {"carriers.1": tern, "enabled": "1"} | {field: value})
    assert seen.status == 422 and words in seen.words, seen.words
    assert len((await edge.get("/v1/routes", key=edge.operator)).json["data"]) == 1


async def test_a_sample_number_is_explained(edge, operator):
    browser = await operator(edge)
    told = await browser.post("/console/routes/explain", {"to": NUMBER}, part=True)
    assert told.status == 200 and "Tern" in told.words and "0.0075" in told.words
    wrong = await browser.post("/console/routes/explain", {"to": "12"}, part=True)
    assert wrong.status in {200, 422} and "valid phone number" in wrong.words


async def test_a_price_is_set_replaced_and_deleted(edge, operator):
    browser = await operator(edge)
    await browser.get("/console/prices")
    for price in ("0.05", "0.07"):
        form = {"prefix": "1415", "price": price, "currency": "usd", "own": "1"}
        assert (await browser.post("/console/prices", form)).to == "/console/prices?done=price.set"
        assert (await edge.send()).json["price"] == price
    page = await browser.get("/console/prices")
    own = page.all(r'<tr id="(PR\w+)">.{0,80}\+1415')[0]
    await browser.post(f"/console/prices/{own}/remove")
    assert (await edge.send()).json["price"] == "0.0075"
    for fields, words in (
        ({"prefix": "x", "price": "1"}, "digits"),
        ({"prefix": "1", "price": "free"}, "string such as"),
    ):
        seen = await browser.post("/console/prices", fields)
        assert seen.status == 422 and words in seen.words, seen.words


async def test_an_account_sees_its_prices_and_no_routes(edge, sign_in):
    owner = await sign_in()
    seen = await owner.get("/console/prices")
    assert seen.status == 200 and "0.0075" in seen.words and "Set a price" not in seen.words
    assert (await owner.get("/console/routes")).status == 403
    assert (await owner.post("/console/prices", {"prefix": "", "price": "0"})).status in {403, 422}
    assert (await edge.send()).json["price"] == "0.0075"
