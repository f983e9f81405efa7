"""A file becomes contacts, and a segment is made of them, as somebody does it in a browser."""

import re
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.browser.visitor import Visitor
from tests.cli.product import Node

ROWS = 400
_HEAD = "phone;full name;tariff\n"


def _file(folder: Path) -> Path:
    """A file of `ROWS` rows in which every fourth has the plan pro, with one that is none and one that stands twice."""
    rows = [f"+1415555{n:04d};Customer {n};{'pro' if n % 4 == 0 else 'free'}\n" for n in range(1000, 1000 + ROWS - 2)]
    file = folder / "customers.csv"
    file.write_text(_HEAD + "".join(rows) + "12;Nobody;free\n" + rows[0], encoding="utf-8")
    return file


def test_a_file_becomes_contacts_and_a_segment_counts_them(owner: Visitor, node: Node, tmp_path: Path) -> None:
    field = {"name": "tariff_plan", "kind": "choice", "choices": ["free", "pro"]}
    assert node.ask("POST", "/v1/contact-fields", field).status == 201
    owner.open("/console/contacts")
    page = owner.page
    owner.press("Import")
    page.set_input_files("#f-file", _file(tmp_path))

    # The file is looked at: the columns are proposed, and what is chosen changes what would become of the rows.
    page.wait_for_url(re.compile(r"/contacts/imports/IM[0-9a-f]{32}$"), timeout=60_000)
    expect(page.locator("#f-column-1")).to_have_value("number")
    expect(page.locator("#f-column-2")).to_have_value("name")
    expect(page.locator("#mapping")).to_contain_text("Customer 1000")
    held: list[Route] = []
    page.route("**/preview", lambda route: held.append(route))
    page.locator("#f-column-1").select_option("")
    page.locator("#f-tags").press_sequentially("spring")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.unroute("**/preview")
    expect(page.locator("#mapping")).to_contain_text("Say which column is the number.")
    expect(page.locator("#f-tags")).to_have_value("spring")  # which was typed before the answer came
    expect(page.locator("#f-tags")).to_be_focused()
    page.locator("#f-column-1").select_option("number")
    expect(page.locator("#mapping")).not_to_contain_text("Say which column is the number.")
    page.locator("#f-column-3").select_option("tariff_plan")
    expect(page.locator('#f-column-3 option[value="tariff_plan"]')).to_have_attribute("selected", "")  # it was answered
    owner.press("Begin")

    # It is followed to its end, and what was wrong is a file.
    expect(page.locator("#progress")).to_contain_text(f"{ROWS} of {ROWS} rows", timeout=60_000)
    expect(page.locator("#progress .state")).to_have_text("Done")
    with page.expect_download() as download:
        owner.press("Rows that were not taken")
    assert [line.split(",")[0] for line in download.value.path().read_text().splitlines()] == ["row", str(ROWS)]
    assert node.get("/v1/contacts/count?tag=spring")["count"] == ROWS - 2

    # A segment says how many it holds for while it is written, and where it is wrong.
    owner.press("New segment")
    preview = page.locator("#preview")
    owner.fill({"name": "Spring, pro"})
    page.locator("#f-filter").press_sequentially('tag = "spring" and tariff = "pro"')
    expect(preview.get_by_role("alert")).to_contain_text("knows no attribute")
    expect(preview.locator("mark")).to_have_text("tariff")
    page.locator("#f-filter").fill('tag = "spring" and tariff_plan = "pro"')
    pro = len([n for n in range(1000, 1000 + ROWS - 2) if n % 4 == 0])
    expect(preview).to_contain_text(f"{pro} contacts")
    owner.press("Save")
    owner.is_told("The segment is kept.")
    page.locator(".page-head, main").get_by_role("link", name="Contacts", exact=True).first.click()
    expect(page.locator(".counted")).to_contain_text(f"{pro} contacts")
    page.locator("tbody a").first.click()
    expect(page.locator("main")).to_contain_text("Came by an import")
