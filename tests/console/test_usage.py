"""Usage in the console: the page with its filters and file, and what the overview tells of a longer time."""

import csv
import io
from html import unescape

import pytest
import pytest_asyncio

from tests.edges.edge_rig import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def figures(edge):
    """A text that was delivered, in the figures."""

    async def counted():
        rows = (await edge.get("/v1/usage?granularity=total")).json["data"]
        return rows and rows[0]["delivered"]

    if not await counted():
        await edge.send(to="+4915112345678")
        await until(counted)


@pytest.mark.parametrize(
    "query", ["", "?span=day&group=country", "?span=week&group=class", "?span=year&group=direction"]
)
async def test_figures_are_shown_by_what_is_asked_for(browser, query):
    page = await browser.get(f"/console/usage{query}")
    assert page.status == 200
    assert 'data-plot="texts"' in page.text and "This month so far" in page.text
    assert ('data-country="DE"' in page.text) == ("country" in query)


async def test_conditions_narrow_and_what_is_wrong_shows_all(browser):
    assert "Nothing in this period" in (await browser.get("/console/usage?country=FR")).text
    assert (await browser.get("/console/usage?span=ages&group=colour")).status == 200


async def test_an_account_sees_no_carriers_names_and_nothing_of_others(edge, sign_in):
    stranger = await edge.new_customer("Stranger")
    own = await sign_in("owner", stranger.id)
    page = await own.get("/console/usage?group=carrier")
    assert "Tern" not in page.text and "By carrier" not in page.text and "Nothing in this period" in page.text
    assert "Delivery by carrier" not in (await own.get("/console")).text


async def test_the_operator_sees_all_accounts_and_their_carriers(sign_in):
    everything = await sign_in("owner", None)
    page = await everything.get("/console/usage?group=account")
    assert page.status == 200 and "Acme" in page.text
    assert "Tern" in (await everything.get("/console/usage?group=carrier")).text


async def test_the_overview_tells_delivery_and_spend(browser):
    page = await browser.get("/console")
    assert "Delivery by country" in page.text and 'data-plot="spent"' in page.text


async def test_the_table_is_sorted_and_the_file_says_what_the_api_says(edge, sign_in):
    other = await edge.new_customer("Filed")
    await edge.give_sender(other.id, "+12025550166")
    for to in ("+4915112345678", "+4915112345678", "+33612345678"):
        assert (await edge.send(key=other.live, to=to)).status == 202
    browser = await sign_in("billing", other.id)

    async def told():
        rows = (await edge.get("/v1/usage?granularity=total&group_by=country", key=other.live)).json["data"]
        return rows if sum(row["delivered"] for row in rows) == 3 else None

    rows = {row["country"]: row for row in await until(told)}
    for sort, countries in (("-accepted", ["DE", "FR"]), ("accepted", ["FR", "DE"]), ("what", ["DE", "FR"])):
        page = await browser.get(f"/console/usage?group=country&sort={sort}")
        assert page.all(r'<td class="[^"]*c-what"><span data-country="(\w+)"') == countries, sort
    (link,) = page.all(r'href="(/console/usage/export[^"]*)"')
    lines = list(csv.DictReader(io.StringIO((await browser.get(unescape(link))).text)))
    assert {line["country"] for line in lines} == {"DE", "FR"}
    for line in lines:
        row = rows[line["country"]]
        assert {name: int(line[name]) for name in ("accepted", "delivered", "segments")} == {
            name: row[name] for name in ("accepted", "delivered", "segments")
        }
        assert (line["charged"], line["currency"]) == (row["charged"], row["currency"])
    (noted,) = (await edge.get("/v1/audit?limit=1", key=other.live)).json["data"]
    assert noted["action"] == "usage.exported"
