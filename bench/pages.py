"""How long the console's pages take with millions of messages in the database: `python -m bench pages [--messages N]
[--postgres]`. A quickstart sends some texts for real; they are copied backwards over a day inside its database, with
their numbers, attempts and events, until there are so many; then somebody who has signed in opens each page.

Times are those of whole requests on loopback, one after the other: what a browser waits for until it has the page.
"""

import argparse
import asyncio
import contextlib
import http.cookiejar
import json
import re
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.pg import Server, make_template

from bench.pages_fill import SPREAD_US, fill_postgresql, fill_sqlite
from bench.processes import credentials, get, post, started, write_results

_SENT = 1_000
_TIMES = 7
_PAGE_MAX_MS = 200.0
_TRAFFIC_S = 60.0
_RARE_TAG = "rare"


class Measured(msgspec.Struct, frozen=True):
    """One page: how long it took in the middle and at worst, in milliseconds, and its size."""

    page: str
    middle_ms: float
    worst_ms: float
    kib: float


class Visitor:
    """Somebody who has signed in."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._url = found["http_url"]
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)
        fields = {"email": found["console_user"], "password": found["console_password"]}
        body = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(f"{self._url}/console/sign-in", body, {"Origin": self._url})
        self._opener.open(request, timeout=30).read()

    def page(self, path: str) -> bytes:
        """A page that is there."""
        with self._opener.open(self._url + path, timeout=60) as answer:
            octets: bytes = answer.read()
            return octets

    def measure(self, name: str, path: str) -> Measured:
        """Open a page several times; the first time too, when nothing is warm."""
        took, size = [], 0
        for _ in range(_TIMES):
            began = time.perf_counter()
            size = len(self.page(path))
            took.append((time.perf_counter() - began) * 1000)
        return Measured(name, statistics.median(took), max(took), size / 1024)


def send(found: dict[str, Any]) -> None:
    """A thousand texts of several kinds and to several countries, through the product; until all have ended."""
    url, key = found["http_url"], found["api_key"]
    countries = ("+4479111", "+1415555", "+4915112", "+1500555")
    outcomes = ("0001", "0002", "0003", "0007")
    messages = []
    for number in range(_SENT):
        country = countries[number % len(countries)]
        to = f"{country}{number:05d}" if country != "+1500555" else f"{country}{outcomes[number // 4 % 4]}"
        message = {"to": to, "text": f"Your order {number} is on its way", "tags": [f"tag{number % 9}"]}
        third = "transactional" if country == "+1415555" else "marketing"  # which would wait for the morning there
        messages.append(message | {"class": ("otp", "transactional", third)[number % 3]})
    messages[0]["tags"] = [_RARE_TAG]
    post(f"{url}/v1/messages/batch", key, {"messages": messages})
    deadline = time.monotonic() + _TRAFFIC_S
    while json.loads(get(f"{url}/v1/messages?status=queued,sending,sent,scheduled&limit=1", key))["data"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all texts ended within {_TRAFFIC_S:.0f} s")
        time.sleep(0.2)


@contextlib.contextmanager
def node(folder: Path, database: str) -> Iterator[dict[str, Any]]:
    """A quickstart with its simulator."""
    ports = [word for name in ("", "smpp-", "simulator-smpp-", "simulator-http-") for word in (f"--{name}port", "0")]
    more = ["--database", database] if database else []
    (folder / "credentials.json").unlink(missing_ok=True)
    with started("whimbrel", "-m", "whimbrel", "quickstart", "--data", str(folder), *ports, *more):
        yield credentials(folder)


def paths(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is opened: each search that the page of messages has, a message old and new, and all that stands in the
    menu."""
    url, key = found["http_url"], found["api_key"]

    def first(query: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = json.loads(get(f"{url}/v1/messages?limit=1&{query}", key))["data"]
        return rows[0]

    newest = first("status=delivered")
    middle = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - SPREAD_US / 2e6))
    old = first(f"created_to={middle}")
    number = urllib.parse.quote(newest["to"])
    yield "Messages", "/console/messages"
    yield "by number", f"/console/messages?q={number}"
    yield "by id", f"/console/messages?q={old['id']}"
    yield "by state (failed)", "/console/messages?status=failed"
    yield "by state (undelivered)", "/console/messages?status=undelivered"
    yield "by tag, common", "/console/messages?tag=tag3"
    yield "by tag, 1 in 1,000", f"/console/messages?tag={_RARE_TAG}"
    yield "by time (half a day ago)", f"/console/messages?to={middle}"
    yield "by number and state", f"/console/messages?q={number}&status=delivered"
    yield "A message, new", f"/console/messages/{newest['id']}"
    yield "A message, old", f"/console/messages/{old['id']}"
    visitor = Visitor(found)
    for path in dict.fromkeys(re.findall(r'href="(/console/?[a-z-]*)"', visitor.page("/console").decode())):
        if path not in ("/console/messages", "/console/sign-out"):
            yield path.rpartition("/")[2], path


def measure(folder: Path, database: str, messages: int) -> list[Measured]:
    """Fill, open, and print each page as it comes."""
    with node(folder, database) as found:
        send(found)
    began = time.monotonic()
    copies = messages // _SENT - 1
    if database:
        asyncio.run(fill_postgresql(database, copies))
    else:
        fill_sqlite(folder / "whimbrel.db", copies)
    print(f"{_SENT * (copies + 1):,} messages, filled in {time.monotonic() - began:.0f} s")
    print(f"{'page':<28} {'middle ms':>9} {'worst ms':>9} {'KiB':>6}")
    measured = []
    with node(folder, database) as found:
        visitor = Visitor(found)
        for name, path in paths(found):
            measured.append(visitor.measure(name, path))
            m = measured[-1]
            print(f"{m.page:<28} {m.middle_ms:>9.1f} {m.worst_ms:>9.1f} {m.kib:>6.0f}", flush=True)
    return measured


def main(arguments: list[str]) -> int:
    """Measure; 1 when a page takes longer than it may."""
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
    return 0 if all(each.middle_ms < _PAGE_MAX_MS for each in measured) else 1
