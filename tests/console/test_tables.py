"""The table that all lists of the console share: order, search, columns, views, files and pages, in one place."""

import csv
import io

import pytest

from whimbrel.base import limits
from whimbrel.edges.console import tables
from whimbrel.edges.console.pages.tables import TABLES

pytestmark = pytest.mark.asyncio(loop_scope="module")
PRICES = "/console/prices"
PREFIXES = {"44": "0.04", "49": "0.0075", "33": "0.2", "4915": "10.5"}


def read(seen):
    return list(csv.reader(io.StringIO(seen.text)))


def prefixes(seen):
    return seen.all(r"<code>\+(\d+)…</code>")


@pytest.fixture(scope="module")
def priced(edge):
    """Prices of four prefixes, set once."""
    done = []

    async def there():
        if not done:
            for prefix, price in PREFIXES.items():
                body = {"prefix": prefix, "price": price}
                assert (await edge.post("/v1/prices", body, key=edge.operator)).status < 300
            done.append(True)

    return there


async def test_every_list_has_a_table_of_its_own_name():
    names = [table.name for table in TABLES.values()]
    assert len(names) == len(set(names)) >= 20
    for table in TABLES.values():
        columns = [column.name for column in table.columns]
        assert len(columns) == len(set(columns)), table.name
        assert table.by in ("", *columns), table.name


async def test_the_whole_list_is_in_the_order_of_its_heading(sign_in, priced, monkeypatch):
    """Not only the rows of a page: amounts by their size, from page to page."""
    await priced()
    browser = await sign_in(account_id=None)
    monkeypatch.setattr(limits, "PAGE_DEFAULT", 2)
    seen = await browser.get(f"{PRICES}?sort=price")
    assert prefixes(seen) == ["49"] and seen.has(r'<th[^>]*aria-sort="ascending"><a[^>]*id="sort-price"')
    found, more = prefixes(seen), seen.all(r'<a class="button quiet more" href="([^"]+)"')
    while more:
        seen = await browser.get(more[0].replace("&amp;", "&"), part=True)
        found += prefixes(seen)
        more = seen.all(r'<a class="button quiet more" href="([^"]+)"')
    assert found == ["49", "44", "33", "4915"]
    monkeypatch.setattr(limits, "PAGE_DEFAULT", 50)
    seen = await browser.get(f"{PRICES}?sort=-price")
    assert prefixes(seen) == ["4915", "33", "44", "49"] and seen.has(r'aria-sort="descending"')
    assert (await browser.get(f"{PRICES}?sort=colour&at=x")).status == 200


async def test_a_heading_turns_the_order_and_keeps_the_filters(sign_in, priced):
    await priced()
    browser = await sign_in(account_id=None)
    seen = await browser.get(f"{PRICES}?q=4&sort=prefix")
    assert 'href="/console/prices?q=4&amp;sort=-prefix"' in seen.text
    seen = await browser.get(f"{PRICES}?q=4&sort=-prefix")
    assert 'href="/console/prices?q=4&amp;sort=prefix"' in seen.text


async def test_words_are_looked_for_in_all_columns_and_rows(sign_in, priced):
    await priced()
    browser = await sign_in(account_id=None)
    assert prefixes(await browser.get(f"{PRICES}?q=10.5")) == ["4915"]
    nothing = await browser.get(f"{PRICES}?q=nowhere")
    assert "Nothing like that here" in nothing.words and "Clear all filters" in nothing.words


async def test_a_list_that_is_too_long_is_not_sorted_in_part(sign_in, priced, monkeypatch):
    await priced()
    browser = await sign_in(account_id=None)
    monkeypatch.setattr(tables, "SORTED_MAX", 2)
    monkeypatch.setattr(limits, "PAGE_MAX", 2)
    seen = await browser.get(f"{PRICES}?sort=price")
    assert "aria-sort" not in seen.text and "More than" in seen.words


async def test_what_happened_is_read_from_either_end(edge, browser):
    for last in range(3):
        await edge.post("/v1/opt-outs", {"number": f"+491511234567{last}"})
    newest = (await edge.get("/v1/opt-outs")).json["data"]
    ids = [row["id"] for row in newest]
    seen = await browser.get("/console/opt-outs")
    assert seen.all(r'<tr id="(OO\w+)"') == ids and seen.has(r'aria-sort="descending"><a[^>]*id="sort-since"')
    assert seen.all(r'aria-sort="(\w+)"') == ["descending"], "by nothing but time"
    assert 'href="/console/opt-outs?sort=since"' in seen.text
    seen = await browser.get("/console/opt-outs?sort=since")
    assert seen.all(r'<tr id="(OO\w+)"') == ids[::-1] and seen.has(r'aria-sort="ascending"')
    lines = read(await browser.get("/console/opt-outs/export?sort=since"))
    assert [line[0] for line in lines[1:]] == ids[::-1]


async def test_columns_are_chosen_for_each_table(sign_in, priced):
    await priced()
    browser = await sign_in(account_id=None)
    chosen = await browser.post(
        "/console/tables/prices/columns", [("column", "currency"), ("query", "sort=price"), ("back", PRICES)]
    )
    assert (chosen.status, chosen.to) == (303, f"{PRICES}?sort=price&done=columns.set")
    heads = (await browser.get(PRICES)).all(r'<th class="[^"]*c-(\w+)"')
    assert heads == ["prefix", "currency"]
    assert "c-price" in (await (await sign_in(account_id=None)).get(PRICES)).text
    for back in ("https://example.com/", "/console/prices/../x", "//x", ""):
        wrong = await browser.post("/console/tables/prices/columns", {"back": back})
        assert wrong.status == 404, back
    assert (await browser.post("/console/tables/none/columns", {"back": PRICES})).status == 404


async def test_views_belong_to_their_table(sign_in, priced):
    await priced()
    browser = await sign_in(account_id=None)
    fields = {"name": "Dear ones", "query": "sort=-price&q=4&at=50&path=x", "back": PRICES}
    seen = await browser.post("/console/tables/prices/views", fields)
    assert seen.status == 303 and "at=" not in seen.to and "sort=-price" in seen.to
    seen = await browser.get(f"{PRICES}?sort=-price&q=4")
    assert "Dear ones" in seen.words and "Dear ones" not in (await browser.get("/console/carriers")).words
    (view,) = seen.all(r"/tables/prices/views/(SV\w+)/delete")
    gone = await browser.post(f"/console/tables/prices/views/{view}/delete", {"back": PRICES})
    assert gone.status == 303 and "Dear ones" not in (await browser.get(PRICES)).words


async def test_a_file_holds_the_whole_list_and_no_formulas(edge, sign_in, priced, monkeypatch):
    await priced()
    browser = await sign_in(account_id=None)
    monkeypatch.setattr(limits, "PAGE_DEFAULT", 2)
    head, *lines = read(await browser.get(f"{PRICES}/export?sort=price&q=4"))
    assert head == ["id", "prefix", "price", "mms_price", "currency", "whose", "since"]
    assert [line[1] for line in lines] == ["'+49", "'+44", "'+4915"]
    noted = (await edge.get("/v1/audit?limit=1", key=edge.operator)).json["data"][0]
    assert (noted["action"], noted["detail"]) == ("prices.exported", {"filters": "q sort"})
    monkeypatch.setattr(limits, "CONFIRMED_S", -1)
    seen = await browser.get(f"{PRICES}/export", headers={"referer": f"{edge.url}{PRICES}"})
    assert seen.status == 303 and seen.to.startswith("/console/confirm")


async def test_a_file_that_is_cut_says_so(sign_in, priced, monkeypatch):
    await priced()
    browser = await sign_in(account_id=None)
    monkeypatch.setattr(limits, "EXPORT_ROWS_MAX", 2)
    lines = read(await browser.get(f"{PRICES}/export"))
    assert len(lines) == 4 and "first 2 rows" in lines[-1][0]


async def test_a_script_is_given_the_table_or_its_rows(sign_in, priced):
    await priced()
    browser = await sign_in(account_id=None)
    whole = await browser.get(f"{PRICES}?sort=price", part=True, headers={"hx-target": "table"})
    assert whole.text.lstrip().startswith('<div id="table"') and "<html" not in whole.text
    rows = await browser.get(f"{PRICES}?sort=price", part=True)
    assert rows.text.lstrip().startswith("<tr")


async def test_every_table_can_be_read_sorted_searched_and_exported(edge, sign_in):
    browser = await sign_in(account_id=None)
    await browser.act_for(edge.customer.id)
    sent = (await edge.send()).json["id"]
    made = {
        "webhooks": await edge.post("/v1/webhooks", {"url": "https://example.com/", "events": ["*"]}),
        "hooks": await edge.post("/v1/hooks", {"name": "h", "preset": "generic", "secret": "s" * 20}),
        "verify": await edge.post("/v1/verify/services", {"name": "Acme"}),
        "campaigns": await edge.post("/v1/campaigns", {"name": "c", "audience": {"everybody": True}, "text": "x"}),
        "mailboxes": await edge.post("/v1/mailboxes", {"name": "m", "senders": ["@shop.example"]}),
    }
    await edge.post("/v1/templates", {"name": "x", "texts": {"en": "x"}, "publish": True})
    assert sent
    ids = {kind: answer.json["id"] for kind, answer in made.items()}
    factor = await edge.post(f"/v1/verify/services/{ids['verify']}/entities/ada.1/factors", {"name": "ada@example.com"})
    assert factor.status == 201, factor.json
    for table in TABLES.values():
        place = table.path.format(id=ids.get(table.path.split("/")[2], ""), identity="ada.1")
        for column in table.columns:
            for sort in (column.name, f"-{column.name}"):
                seen = await browser.get(f"{place}?sort={sort}")
                assert seen.status == 200, (place, sort)
        everything = [("column", column.name) for column in table.columns]
        await browser.post(f"/console/tables/{table.name}/columns", [*everything, ("back", place)])
        assert (await browser.get(f"{place}?q=x")).status == 200, place
        assert (await browser.get(place)).status == 200, place
        lines = read(await browser.get(f"{place}/export"))
        assert lines and len(lines[0]) > 2, place
