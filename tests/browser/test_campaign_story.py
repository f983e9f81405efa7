"""A campaign from a file of people to its winner, as several people and their phones see it: an import with mistakes, a
segment, two wordings, a second person's approval, links that phones open, a STOP, results."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.cli.product import Node, ask, until
from whimbrel.link_sections import Links

PEOPLE = 40  # so that none of the two wordings and of the rest is nobody's
WATCHED_S = 40  # meanwhile links are opened, somebody says STOP, and the page tells both
TAKES_MS = 120_000  # until it was
_PHONE = "+4474001{:05}"
_NOT_CUSTOMERS = 3  # of them: at the end
_TOO_SOON = timedelta(milliseconds=Links().too_soon_ms)
_TARGET = "https://shop.example/sale"
_LINK = re.compile(r"https?://\S+")
_BROWSER = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"


def _phone(number: int) -> str:
    return _PHONE.format(number)


def _file(folder: Path) -> Path:
    """People of whom some have the plan pro; one row has no number, and one stands twice."""
    plan = ["pro"] * (PEOPLE - _NOT_CUSTOMERS) + ["free"] * _NOT_CUSTOMERS
    rows = [f"{_phone(n)},Customer {n},{plan[n]}\n" for n in range(PEOPLE)]
    file = folder / "customers.csv"
    file.write_text("phone,name,level\n" + "".join(rows) + "12,Nobody,pro\n" + rows[0], encoding="utf-8")
    return file


def _texts(node: Node, phone: str) -> list[str]:
    """What stands on a phone."""
    found = ask("GET", f"{node.given['simulator_http_url']}/phones/{phone.removeprefix('+')}").json
    return [each["text"] for each in found["inbox"]]


def _says(node: Node, phone: str, text: str) -> None:
    body = {"to": "+15005550006", "text": text, "system_id": "whimbrel"}
    sent = ask("POST", f"{node.given['simulator_http_url']}/phones/{phone}/send", body)
    assert sent.status == 202, sent.body


def _can_be_read(node: Node, campaign: str) -> bool:
    """Whoever opens a link sooner after a carrier took the text is no person."""
    rows = node.get(f"/v1/campaigns/{campaign}/recipients?limit=1000")["data"]
    sent = [node.get(f"/v1/messages/{row['message_id']}")["sent_at"] for row in rows if row["message_id"]]
    return all(sent) and datetime.now(UTC) - datetime.fromisoformat(max(sent)) > _TOO_SOON


def _ended(node: Node, campaign: str) -> tuple[int, int]:
    """How many were delivered, and how many opted out."""
    total = node.get(f"/v1/campaigns/{campaign}/results")["total"]
    return total["delivered"], total["opted_out"]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nothing of ours asks the shop."""


def _opens(address: str) -> None:
    """As the browser of a phone does."""
    opener = urllib.request.build_opener(_NoRedirect)
    asked = urllib.request.Request(address, headers={"User-Agent": _BROWSER, "Accept": "text/html"})
    with pytest.raises(urllib.error.HTTPError) as told:
        opener.open(asked, timeout=30)
    with told.value as answer:
        assert answer.code in (302, 303, 307) and answer.headers["location"].startswith(_TARGET), answer.headers


@pytest.fixture
def approved(node: Node) -> Iterator[None]:
    yield
    node.ask("PUT", "/v1/campaigns/policy", {"approval": False})


def test_a_campaign_from_a_file_to_its_winner(
    owner: Visitor, colleague: Visit, node: Node, approved: None, tmp_path: Path
) -> None:
    page = owner.page
    second = colleague("operator", "Bea")

    # A file with mistakes becomes contacts, and some of them a segment.
    assert node.ask("POST", "/v1/contact-fields", {"name": "level", "kind": "text"}).status == 201
    owner.open("/console/contacts")
    owner.press("Import")
    page.set_input_files("#f-file", _file(tmp_path))
    page.wait_for_url(re.compile(r"/contacts/imports/IM[0-9a-f]{32}$"))
    owner.press("Begin")
    expect(page.locator("#progress .state")).to_have_text("Done")
    expect(page.locator("#progress")).to_contain_text(f"{PEOPLE + 2} of {PEOPLE + 2} rows")
    owner.press("New segment")
    owner.fill({"name": "Pro customers", "filter": 'level = "pro"'})
    expect(page.locator("#preview")).to_contain_text(f"{PEOPLE - _NOT_CUSTOMERS} contacts")
    owner.press("Save")
    owner.is_told("The segment is kept.")

    # A second person has to agree.
    owner.open("/console/campaigns")
    page.get_by_label("Somebody other than its author").check()
    owner.press("Save")
    owner.is_told("From now on somebody else approves")
    owner.press("New campaign")
    owner.fill(
        {
            "name": "Summer sale",
            "not_numbers": _phone(1),
            "text_A": f"Hi {{{{ name }}}}, the sale begins: {_TARGET}",
            "text_B": f"{{{{ name }}}}: 20% off until Sunday {_TARGET}",
            "sample_percent": "60",
            "wait_minutes": "1",
        }
    )
    page.get_by_label("Pro customers", exact=True).first.check()
    page.get_by_label("Make every address a short link").check()
    page.get_by_label("Try it on a sample first").check()
    page.locator("#f-metric").select_option("clicked")
    owner.press("Save")
    owner.is_told("The draft is kept.")
    campaign = page.url.partition("?")[0].rpartition("/")[2]
    # Nobody watches a sample for less than a minute, but this test.
    trial = {"metric": "clicked", "sample_percent": 60, "wait_s": WATCHED_S}
    assert node.ask("PATCH", f"/v1/campaigns/{campaign}", {"winner": trial}).status == 200
    page.reload()
    owner.press("Save")
    owner.is_told("Saved.")
    expect(page.locator("#estimate")).to_contain_text(f"{PEOPLE - _NOT_CUSTOMERS - 1}of {PEOPLE - _NOT_CUSTOMERS}")
    expect(page.locator("#estimate")).to_contain_text("Excluded 1")
    owner.refusals |= {"403", "409"}
    owner.press("Start", sure="Start")
    expect(page.get_by_role("alert")).to_be_visible()
    owner.press("Approve")
    expect(page.get_by_role("alert")).to_be_visible()

    second.open(f"/console/campaigns/{campaign}")
    second.press("Approve")
    second.is_told("Approved: it can be started.")
    page.reload()
    owner.sees("Approved")
    owner.press("Start", sure="Start")
    owner.is_told("Started.")

    # The sample arrives, some open the link of one wording, somebody has enough.
    expect(page.locator("#progress")).to_contain_text("Watches the sample")
    wanted = [_phone(n) for n in range(PEOPLE - _NOT_CUSTOMERS) if n != 1]
    sample = node.get(f"/v1/campaigns/{campaign}/results")["progress"]["accepted"]  # the figures follow later

    def arrived() -> dict[str, str]:
        return {phone: texts[0] for phone in wanted if (texts := _texts(node, phone))}

    until(lambda: len(arrived()) >= sample, what="the sample on its phones")
    until(lambda: _can_be_read(node, campaign), what="the time in which nobody has read a text")
    got = arrived()
    better = [phone for phone, text in got.items() if "20% off" in text]
    other = [phone for phone in got if phone not in better]
    assert better and other and len(got) < len(wanted), got
    links = {phone: _LINK.search(text) for phone, text in got.items()}
    assert len({found[0] for found in links.values() if found}) == len(got)  # one for each
    for phone in better:
        found = links[phone]
        assert found is not None
        _opens(found[0])
    _says(node, other[0], "STOP")
    variants = page.locator("#progress section", has_text="By wording").locator("tbody tr")
    row = {name: variants.filter(has=page.get_by_role("cell", name=name, exact=True)) for name in ("A", "B")}
    clicked, stopped = 4, 6  # columns
    expect(row["B"].locator("td").nth(clicked)).to_have_text(str(len(better)))
    expect(row["A"].locator("td").nth(clicked)).to_have_text("0")
    expect(row["A"].locator("td").nth(stopped)).to_have_text("1")

    # The better wording goes to the others; nobody got two, and nobody who was not to get it got it.
    expect(page.locator("#progress")).to_contain_text("B won", timeout=TAKES_MS)
    expect(page.locator("#progress .state").first).to_have_text("Finished", timeout=TAKES_MS)
    expect(page.locator("main").get_by_role("button", name="Pause")).to_have_count(0)
    until(lambda: all(_texts(node, phone) for phone in wanted), what="the rest")
    for phone in wanted:
        texts = [text for text in _texts(node, phone) if "shop" in text or "sale" in text or "20% off" in text]
        assert len(texts) == 1 and (phone in got or "20% off" in texts[0]), texts
    assert not any(_texts(node, _phone(n)) for n in (1, *range(PEOPLE - _NOT_CUSTOMERS, PEOPLE)))
    until(lambda: _ended(node, campaign) == (len(wanted), 1), what="the figures of the end")
    tiles = page.locator("#progress .tiles")
    expect(tiles).to_contain_text(f"{len(wanted)}of {len(wanted)}")
    expect(tiles).to_contain_text("100.0 %")
    expect(tiles).to_contain_text("1 opted out")
