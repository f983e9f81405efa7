"""How long the console's pages take with millions of messages in the database: `python -m bench pages [--messages N]
[--postgres]`. A quickstart that has something of everything sends some texts for real; they are copied backwards over a
day inside its database, with their numbers, attempts and events, until there are so many, and so is what else people
keep (`pages_families.py`); then somebody who has signed in opens each page and each piece that pages ask for.

Times are those of whole requests on loopback, one after the other: what a browser waits for until it has the page. The
CPU is that of our process, so that a page that only waited for others is told from one that works.
"""

import argparse
import asyncio
import http.cookiejar
import json
import re
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.browser.lively import fill
from tests.browser.places import PAGES, PIECES
from tests.cli.product import Node, quickstart
from tests.pg import Server, make_template

from bench.pages_fill import SPREAD_US, fill_postgresql, fill_sqlite
from bench.processes import get, post, write_results

_SENT = 1_000
_TIMES = 7
_PAGE_MAX_MS = 200.0
_KIB_MAX = 195.0  # 200 kB
_PIECE = "piece "  # names of those begin so: some count a million people, after the page has come
_TRAFFIC_S = 5.0
_SEND_S = 60.0
_RARE_TAG, _ALL = "rare", "all"


class Measured(msgspec.Struct, frozen=True):
    """One page: how long it took in the middle and at worst, in milliseconds, the CPU of our process each time, and its
    size."""

    page: str
    middle_ms: float
    worst_ms: float
    cpu_ms: float
    kib: float


class Visitor:
    """Somebody who has signed in and looks at the account of the quickstart."""

    def __init__(self, given: dict[str, Any], cpu_s: Callable[[], float] = lambda: 0.0) -> None:
        """`given`: its credentials.json."""
        self._url = given["http_url"]
        self._cpu_s = cpu_s
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self._post("/sign-in", email=given["console_user"], password=given["console_password"])
        proof = re.search(rb'name="csrf" value="([0-9a-f]+)"', self.page(""))
        assert proof
        self._post("/show", account_id=given["account_sid"], csrf=proof[1].decode())

    @property
    def cookie(self) -> str:
        """What a browser sends along."""
        return "; ".join(f"{each.name}={each.value}" for each in self._jar)

    def _post(self, path: str, **fields: str) -> None:
        origin = {"Origin": self._url}
        form = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(f"{self._url}/console{path}", form, origin)
        self._opener.open(request, timeout=30).read()

    def page(self, path: str) -> bytes:
        """A page that is there."""
        with self._opener.open(f"{self._url}/console{path}", timeout=60) as answer:
            octets: bytes = answer.read()
            return octets

    def measure(self, name: str, path: str) -> Measured:
        """Open a page several times; the first time too, when nothing is warm."""
        took, size, cpu_s = [], 0, self._cpu_s()
        for _ in range(_TIMES):
            began = time.perf_counter()
            size = len(self.page(path))
            took.append((time.perf_counter() - began) * 1000)
        cpu_ms = (self._cpu_s() - cpu_s) * 1000 / _TIMES
        return Measured(name, statistics.median(took), max(took), cpu_ms, size / 1024)


def send(found: dict[str, Any]) -> None:
    """A thousand texts of several kinds and to several countries, through the product; until all have ended."""
    url, key = found["http_url"], found["api_key"]
    countries = ("+4479111", "+1415555", "+4915112", "+1500555")
    outcomes = ("0001", "0002", "0003", "0007")
    messages = []
    for number in range(_SENT):
        country = countries[number % len(countries)]
        to = f"{country}{number:05d}" if country != "+1500555" else f"{country}{outcomes[number // 4 % 4]}"
        message = {"to": to, "text": f"Your order {number} is on its way", "tags": [f"tag{number % 9}", _ALL]}
        third = "transactional" if country == "+1415555" else "marketing"  # which would wait for the morning there
        messages.append(message | {"class": ("otp", "transactional", third)[number % 3]})
    messages[0]["tags"] = [_RARE_TAG, _ALL]
    post(f"{url}/v1/messages/batch", key, {"messages": messages})
    deadline = time.monotonic() + _SEND_S
    while json.loads(get(f"{url}/v1/messages?status=queued,sending,sent&tag={_ALL}&limit=1", key))["data"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all texts ended within {_SEND_S:.0f} s")
        time.sleep(0.2)


def searches(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each search that the page of messages has, and a message of half a day ago."""
    url, key = found["http_url"], found["api_key"]

    def first(query: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = json.loads(get(f"{url}/v1/messages?limit=1&{query}", key))["data"]
        return rows[0]

    newest = first("status=delivered")
    middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - SPREAD_US / 2e6))
    old = first(f"created_to={middle}")
    number = urllib.parse.quote(newest["to"])
    yield "by number", f"/messages?q={number}"
    yield "by id", f"/messages?q={old['id']}"
    yield "by state (failed)", "/messages?status=failed"
    yield "by state (undelivered)", "/messages?status=undelivered"
    yield "by tag, common", "/messages?tag=tag3"
    yield "by tag, 1 in 1,000", f"/messages?tag={_RARE_TAG}"
    yield "by time (half a day ago)", f"/messages?to={middle}"
    yield "by number and state", f"/messages?q={number}&status=delivered"
    yield "a message, old", f"/messages/{old['id']}"


def prepared(folder: Path, options: list[str]) -> dict[str, str]:
    """Ids of what there is to look at, once all of it is there."""
    with quickstart(folder, *options) as node:
        with fill(node, _TRAFFIC_S) as things:
            pass
        send(node.given)
        return things


def measure(folder: Path, database: str, messages: int) -> list[Measured]:
    """Fill, open, and print each page as it comes."""
    options = ["--database", database] if database else []
    things = prepared(folder, options)
    began = time.monotonic()
    if database:
        there = asyncio.run(fill_postgresql(database, messages))
    else:
        there = fill_sqlite(folder / "data" / "whimbrel.db", messages)
    print(f"{there:,} messages and what else there is, filled in {time.monotonic() - began:.0f} s")
    with quickstart(folder, *options) as node:
        return list(opened(node, things))


def opened(node: Node, things: dict[str, str]) -> Iterator[Measured]:
    """Each page and piece, measured and printed."""
    print(f"{'page':<44} {'middle ms':>9} {'worst ms':>9} {'CPU ms':>7} {'KiB':>6}")
    visitor = Visitor(node.given, node.cpu_s)
    pages = [*PAGES.items(), *((_PIECE + path, path) for path in PIECES)]
    found = [(name, path.format(**things)) for name, path in pages]
    for name, path in (*searches(node.given), *found):
        m = visitor.measure(name, path)
        print(f"{m.page:<44} {m.middle_ms:>9.1f} {m.worst_ms:>9.1f} {m.cpu_ms:>7.1f} {m.kib:>6.0f}", flush=True)
        yield m


def main(arguments: list[str]) -> int:
    """Measure; 1 when a page takes longer than it may, or is larger."""
    parser = argparse.ArgumentParser(prog="python -m bench pages", description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000_000, help="how many there are in the database")
    parser.add_argument("--postgres", action="store_true", help="in a PostgreSQL server instead of a SQLite file")
    chosen = parser.parse_args(arguments)
    server = Server(durable=True) if chosen.postgres else None
    with tempfile.TemporaryDirectory(prefix="whimbrel-pages-") as folder:
        try:
            database = ""
            if server is not None:
                server.start()
                database = server.url.replace("/postgres", f"/{asyncio.run(make_template(server.url))}")
            measured = measure(Path(folder), database, chosen.messages)
        finally:
            if server is not None:
                server.remove()
    print(f"written to {write_results('pages-', measured)}")
    pages = [each for each in measured if not each.page.startswith(_PIECE)]
    over = [each for each in pages if each.middle_ms >= _PAGE_MAX_MS or each.kib >= _KIB_MAX]
    for each in over:
        print(f"over {_PAGE_MAX_MS:.0f} ms or {_KIB_MAX:.0f} KiB: {each.page}: {each.middle_ms:.0f} ms, {each.kib:.0f}")
    return 1 if over else 0
