"""How long it takes to import a million contacts, with how much memory, and to count segments over them:
`python -m bench contacts [--contacts N] [--postgres]`. A quickstart is sent a file of CSV over HTTP, in parts, and
imports it; then filters are counted over HTTP, one request after the other.

Numbers stand in no order, one row in a thousand is wrong, and one in a thousand comes twice.
"""

import argparse
import asyncio
import json
import random
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

from bench.processes import Running, credentials, get, post, started, write_results

_PART = 16 * 1024 * 1024
_TIMES = 7
_COUNT_MAX_MS = 300.0
_IMPORT_MAX_S = 60.0
_MEMORY_MAX_MIB = 300.0
_PATIENCE_S = 600.0
_FIELDS = (
    {"name": "plan", "kind": "choice", "choices": ["free", "pro", "team"]},
    {"name": "city", "kind": "text"},
    {"name": "age", "kind": "number"},
    {"name": "since", "kind": "date"},
    {"name": "vip", "kind": "boolean"},
)
_COLUMNS = ["number", "name", "language", "plan", "city", "age", "since", "vip", "tags"]
_FILTERS = (
    'country = "DE"',
    'tag = "blue"',
    'plan = "pro" and age >= 30',
    'country in ("DE", "GB") and (plan = "team" or vip = true) and since < 2022-01-01 and not tag = "red"',
    'name contains "lee" or city starts with "Ber"',
)


class Measured(msgspec.Struct, frozen=True):
    """One figure in its unit, and the most that it may be (0: it is only told)."""

    what: str
    value: float
    unit: str
    most: float


def lines(contacts: int) -> Iterator[str]:
    """A file: the same for the same number of rows."""
    chance = random.Random(1)
    cities = ("Berlin", "Bern", "London", "Rome", "Paris")
    yield ",".join(_COLUMNS) + "\n"
    ways = (lambda: f"+49151{chance.randrange(10**8):08d}", lambda: f"+447400{chance.randrange(10**6):06d}")
    number = ways[0]()
    for row in range(contacts):
        if row % 1000 != 1:
            number = ways[row % 4 == 0]()
        shown = "12" if row % 1000 == 2 else number
        tags = chance.choice(("red", "blue", "red; blue", ""))
        yield (
            f"{shown},{chance.choice(('Ann', 'Bob', 'Cem'))} Lee{row % 977},{chance.choice(('de', 'en'))},"
            f"{chance.choice(('free', 'pro', 'team'))},{chance.choice(cities)} {row % 50},{chance.randint(18, 90)},"
            f"20{chance.randint(15, 26)}-0{chance.randint(1, 9)}-1{row % 10},{chance.choice(('yes', 'no'))},{tags}\n"
        )


def measure(folder: Path, database: str, contacts: int) -> list[Measured]:
    """Import, and count."""
    path = folder / "contacts.csv"
    with path.open("w") as file:
        file.writelines(lines(contacts))
    ports = [word for name in ("", "smpp-", "simulator-smpp-", "simulator-http-") for word in (f"--{name}port", "0")]
    more = ["--database", database] if database else []
    with started("whimbrel", "-m", "whimbrel", "quickstart", "--data", str(folder), *ports, *more) as running:
        found = credentials(folder)
        for field in _FIELDS:
            post(f"{found['http_url']}/v1/contact-fields", found["api_key"], field)
        rest = _memory_mib(running)
        began_cpu_s = running.cpu_s()
        ended, took, memory = send_file(found["http_url"], found["api_key"], path, _COLUMNS, running)
        cpu_us = (running.cpu_s() - began_cpu_s) * 1e6 / contacts
        print(f"{ended}\n")
        return [
            Measured(f"import of {contacts:,}", took, "s", _IMPORT_MAX_S),
            Measured("CPU of the server a row, the file's coming and reading included", cpu_us, "us", 0),
            Measured("memory before", rest, "MiB", 0),
            Measured("memory while it ran, at most", memory, "MiB", _MEMORY_MAX_MIB),
            *_counts(found),
        ]


def send_file(
    node_url: str, key: str, path: Path, columns: list[str], running: Running
) -> tuple[dict[str, Any], float, float]:
    """Import a file: what became of it, the seconds from its start, and the most memory that the server had."""
    url = f"{node_url}/v1/contact-imports"
    made = post(url, key, {"name": path.name})["id"]
    with path.open("rb") as file:
        offset = 0
        while part := file.read(_PART):
            request = urllib.request.Request(f"{url}/{made}/file?offset={offset}", part, method="PUT")
            request.add_header("Authorization", f"Bearer {key}")
            request.add_header("Content-Type", "text/csv")
            urllib.request.urlopen(request, timeout=60).read()
            offset += len(part)
    began, most = time.monotonic(), 0.0
    post(f"{url}/{made}/start", key, {"columns": columns})
    while True:
        state = json.loads(get(f"{url}/{made}", key))
        most = max(most, _memory_mib(running))
        if state["status"] not in ("queued", "running"):
            return state, time.monotonic() - began, most
        if time.monotonic() - began > _PATIENCE_S:
            raise TimeoutError(f"the import has not ended within {_PATIENCE_S:.0f} s")
        time.sleep(0.2)


def _counts(found: dict[str, Any]) -> Iterator[Measured]:
    for filter in _FILTERS:
        url, took = f"{found['http_url']}/v1/contacts/count?filter={urllib.parse.quote(filter)}", []
        count = 0
        for _ in range(_TIMES):
            began = time.perf_counter()
            count = json.loads(get(url, found["api_key"]))["count"]
            took.append((time.perf_counter() - began) * 1000)
        yield Measured(f"{filter} ({count:,})", statistics.median(took), "ms", _COUNT_MAX_MS)


def _memory_mib(running: Running) -> float:
    """Resident memory of the server: not of the simulator beside it."""
    text = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def main(arguments: list[str]) -> int:
    """Measure, and say whether everything is within its bounds."""
    parser = argparse.ArgumentParser(prog="python -m bench contacts", description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000, help="rows of the file")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    chosen = parser.parse_args(arguments)
    server = Server(durable=True, settings={"shared_buffers": "1GB"}) if chosen.postgres else None
    with tempfile.TemporaryDirectory(prefix="whimbrel-contacts-") as folder:
        try:
            database = ""
            if server is not None:
                server.start()
                database = server.url.replace("/postgres", f"/{asyncio.run(make_template(server.url))}")
            measured = measure(Path(folder), database, chosen.contacts)
        finally:
            if server is not None:
                server.remove()
    for each in measured:
        over = " over" if each.most and each.value > each.most else ""
        print(f"{each.value:9.1f} {each.unit:4} {each.what}{over}")
    print(f"written to {write_results('contacts-', measured)}")
    return 0 if all(not each.most or each.value <= each.most for each in measured) else 1
