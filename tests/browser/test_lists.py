"""Lists: sorted by a heading with the keyboard, searched, kept as a view; the figures of usage and their file."""

import csv
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.cli.product import Node, ask, until

COUNTS = ("accepted", "sent", "delivered", "received", "segments")


def _prefixes(owner: Visitor) -> list[str]:
    return owner.page.locator("td.c-prefix").all_inner_texts()


def test_a_list_is_sorted_by_keys_searched_and_kept_as_a_view(owner: Visitor) -> None:
    owner.open("/console/prices")
    heading = owner.page.locator("#sort-price")
    heading.focus()
    owner.page.keyboard.press("Enter")
    expect(owner.page.locator("th.c-price")).to_have_attribute("aria-sort", "ascending")
    expect(heading).to_be_focused()
    owner.page.keyboard.press("Enter")
    expect(owner.page.locator("th.c-price")).to_have_attribute("aria-sort", "descending")
    owner.is_at("/console/prices")
    first = _prefixes(owner)
    owner.page.locator('[name="q"]').fill("+44")
    owner.page.keyboard.press("Enter")
    expect(owner.page.locator("tbody tr")).to_have_count(1)
    assert _prefixes(owner) != first
    owner.page.get_by_text("Views", exact=True).click()
    owner.page.locator('.drop[open] [name="name"]').fill("Britain")
    owner.page.locator(".drop[open]").get_by_role("button", name="Save this view").click()
    owner.is_told("The view is saved.")
    owner.open("/console/prices")
    owner.page.get_by_role("link", name="Britain").first.click()
    expect(owner.page.locator("tbody tr")).to_have_count(1)


def test_columns_are_chosen_and_a_list_goes_on_below(owner: Visitor) -> None:
    owner.open("/console/prices")
    owner.page.get_by_text("Columns", exact=True).click()
    owner.page.get_by_label("Currency", exact=True).last.check()
    owner.page.locator(".drop[open]").get_by_role("button", name="Save").click()
    owner.is_told("The columns are chosen.")
    expect(owner.page.locator("th.c-currency")).to_be_visible()
    shown = owner.page.locator("tbody tr[id]").count()
    owner.page.get_by_role("link", name="Show more").click()
    expect(owner.page.locator("tbody tr[id]").nth(shown)).to_be_visible()


def test_a_list_works_without_scripts(visit: Visit, owner_state: object) -> None:
    plain = visit(storage_state=owner_state, java_script_enabled=False)
    plain.open("/console/prices")
    plain.page.locator("#sort-price").click()
    expect(plain.page.locator("th.c-price")).to_have_attribute("aria-sort", "ascending")
    plain.page.get_by_role("link", name="Show more").click()
    expect(plain.page.locator("th.c-price")).to_have_attribute("aria-sort", "ascending")


def test_usage_is_shown_and_its_file_says_what_the_api_says(owner: Visitor, node: Node, tmp_path: Path) -> None:
    for n in range(3):
        sent = ask("POST", f"{node.url}/v1/messages", {"to": f"+1500555000{n}", "text": "x"}, key=node.given["api_key"])
        assert sent.status == 202
    asked = f"{node.url}/v1/usage?granularity=total&group_by=country"

    def told_of() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = ask("GET", asked, key=node.given["api_key"]).json["data"]
        return rows

    until(lambda: sum(row["delivered"] for row in told_of()) >= 3, what="three deliveries in the figures of usage")
    owner.open("/console/usage?group=country&sort=-accepted")
    expect(owner.page.locator(".usage-plot canvas").first).to_be_visible()
    expect(owner.page.locator("th.c-accepted")).to_have_attribute("aria-sort", "descending")
    owner.page.locator('[name="span"]').select_option("week")
    owner.page.wait_for_url("**span=week**")

    def told_by_day() -> list[dict[str, Any]]:
        by_day = f"{node.url}/v1/usage?granularity=day&group_by=country"
        rows: list[dict[str, Any]] = ask("GET", by_day, key=node.given["api_key"]).json["data"]
        return rows

    def file_while_nothing_is_counted() -> tuple[list[dict[str, str]], list[dict[str, Any]]] | None:
        told = told_by_day()
        with owner.page.expect_download() as download:
            owner.press("CSV")
        download.value.save_as(tmp_path / "usage.csv")
        with (tmp_path / "usage.csv").open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        return (lines, told) if told_by_day() == told else None

    lines, told = until(file_while_nothing_is_counted, within_s=120)
    found = {(line["period_start"], line["country"]): [line[name] for name in COUNTS] for line in lines}
    wanted = {(row["period_start"], row["country"] or ""): [str(row[name]) for name in COUNTS] for row in told}
    assert found == wanted != {}
