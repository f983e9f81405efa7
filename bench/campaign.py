"""A campaign to a million contacts, as it runs: `python -m bench campaign [--contacts N] [--seconds N] [--postgres]`. A
quickstart gets the contacts, and a carrier that answers slowly, so that one campaign fills its window. Judged by the
simulator's log: the time from `start` to the first text, the pace that was set against the one that was kept, and how
long one-time codes take from the moment at which they are due until the simulator has them, with a campaign at full
speed and without, one stretch after the other in the same run.

Nobody waits for the million: a campaign is canceled when its stretch is over.
"""

import argparse
import asyncio
import contextlib
import http.client
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.pg import Server, make_template

from bench.contacts import send_file
from bench.processes import Running, credentials, first_line, get, post, started, write_results, yardstick_ms
from whimbrel_sandbox.log import Event, Submitted

LATENCY_MS: Final = 200
WINDOW: Final = 100  # with the latency some 500 texts a second, which a campaign takes all of
CODES_PER_S: Final = 20
_SENDERS: Final = 4  # connections of codes: one that waits holds up no other
_START_MAX_S: Final = 5.0
_PACE_MAX: Final = 0.01
_DELAY_MAX_MS: Final = 100.0
_PATIENCE_S: Final = 120.0
_CONTACT: Final = "4479"
_CODE: Final = "4474"


class Pace(msgspec.Struct, frozen=True):
    """What a campaign is told, and what that is in a second (0: as fast as it goes)."""

    name: str
    said: dict[str, Any] | None
    per_s: float = 0.0


PACES: Final = (
    Pace("full speed", None),
    Pace("200 a second", {"count": 200, "per": "second"}, 200.0),
    Pace("36,000 an hour", {"count": 36_000, "per": "hour"}, 10.0),
)


class Measured(msgspec.Struct, frozen=True):
    """One figure in its unit, and the most that it may be (0: it is only told)."""

    what: str
    value: float
    unit: str
    most: float = 0.0


class Codes:
    """One-time codes at a steady rate: `due` has the moment of each by its number, whenever its answer came."""

    def __init__(self, url: str, key: str) -> None:
        self._address = url.removeprefix("http://")
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._numbers = itertools.count()
        self.due: dict[str, float] = {}
        self.refused = 0

    def send(self, seconds: float) -> list[str]:
        """So many seconds of codes; their numbers."""
        count = int(seconds * CODES_PER_S)
        numbers = [f"{_CODE}{next(self._numbers):08d}" for _ in range(count)]
        began = time.time()
        self.due.update((number, began + place / CODES_PER_S) for place, number in enumerate(numbers))
        threads = [threading.Thread(target=self._work, args=(numbers[part::_SENDERS],)) for part in range(_SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return numbers

    def _work(self, numbers: list[str]) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        for number in numbers:
            time.sleep(max(0.0, self.due[number] - time.time()))
            body = json.dumps({"to": f"+{number}", "text": f"Your code is {number[-6:]}", "class": "otp"})
            connection.request("POST", "/v1/messages", body, self._headers)
            answer = connection.getresponse()
            answer.read()
            self.refused += answer.status != 202
        connection.close()


class Bench:
    """A node with its contacts, and the log of the simulator beside it."""

    def __init__(self, node: Running, found: dict[str, Any], log: Path) -> None:
        self.node = node
        self._url, self._key, self._operator = found["http_url"], found["api_key"], found["operator_key"]
        self._account = found["account_sid"]
        self._log = log
        self._read = 0
        self._decoder = msgspec.json.Decoder(Event)
        self._submits: list[Submitted] = []
        self.codes = Codes(self._url, self._key)

    def prepare(self, contacts: int, folder: Path) -> Measured:
        """Money, a carrier with a window that can be filled, contacts and their segment; how long the import took."""
        post(f"{self._url}/v1/balance/top-up", self._operator, {"amount": "100000"}, account=self._account)
        carriers = json.loads(get(f"{self._url}/v1/carriers", self._operator))["data"]
        settings = {"settings": {"window": WINDOW}}
        post(f"{self._url}/v1/carriers/{carriers[0]['id']}", self._operator, settings, method="PATCH")
        path = folder / "contacts.csv"
        with path.open("w") as file:
            file.write("number\n")
            file.writelines(f"+{_CONTACT}{number:08d}\n" for number in range(contacts))
        _, took, _ = send_file(self._url, self._key, path, ["number"], self.node)
        self._segment = self.call("/v1/segments", {"name": "Britain", "filter": 'country = "GB"'})["id"]
        return Measured(f"import of {contacts:,} contacts", took, "s")

    def call(self, path: str, body: Any) -> Any:
        """A POST's answer."""
        return post(self._url + path, self._key, body)

    def begin(self, pace: Pace) -> tuple[str, float]:
        """A campaign that is started; its id and the moment of that."""
        said = {"name": pace.name, "audience": {"segments": [self._segment]}, "text": f"Sale at {pace.name}"}
        made = self.call("/v1/campaigns", said | ({"schedule": {"pace": pace.said}} if pace.said else {}))
        at = time.time()
        self.call(f"/v1/campaigns/{made['id']}/start", {})
        return str(made["id"]), at

    def end(self, campaign: str) -> float:
        """Cancel it, and let the window run empty; the moment of the answer."""
        self.call(f"/v1/campaigns/{campaign}/cancel", {})
        at = time.time()
        time.sleep(3 * LATENCY_MS / 1000 + 1)
        return at

    def submits(self, since: float) -> list[Submitted]:
        """What came since a moment. The log is read on from where it was read to: it grows long."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        events = map(self._decoder.decode, whole.splitlines())
        self._submits += [event for event in events if isinstance(event, Submitted)]
        return [event for event in self._submits if event.at_us >= since * 1_000_000]

    def first_text(self, since: float) -> float:
        """The moment of the first text of a campaign after that one."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            times = [each.at_us for each in self.submits(since) if _is_of_campaign(each)]
            if times:
                return times[0] / 1_000_000
            time.sleep(0.05)
        raise TimeoutError(f"a campaign has not begun to send within {_PATIENCE_S:.0f} s")

    def waits_ms(self, numbers: list[str]) -> list[float]:
        """By code how long it took; those that have not come are not among them."""
        arrived = {each.dest.lstrip("+"): each.at_us / 1_000_000 for each in self.submits(self.codes.due[numbers[0]])}
        return [(arrived[each] - self.codes.due[each]) * 1000 for each in numbers if each in arrived]


def _is_of_campaign(event: Submitted) -> bool:
    return event.dest.lstrip("+").startswith(_CONTACT)


def _at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _figures(waits: list[float], sent: int, beside: str) -> Iterator[Measured]:
    yield Measured(f"codes {beside}, in the middle ({len(waits)} of {sent} came)", statistics.median(waits), "ms")
    yield Measured(f"codes {beside}, p99", _at(waits, 0.99), "ms")
    yield Measured(f"codes {beside}, the slowest", max(waits), "ms")


def stretch(bench: Bench, pace: Pace, seconds: float, alone_p99_ms: float) -> Iterator[Measured]:
    """One campaign with codes beside it."""
    campaign, began = bench.begin(pace)
    first = bench.first_text(began)
    numbers = bench.codes.send(seconds)
    until, rss = time.time(), bench.node.rss_mib()
    over = bench.end(campaign)
    times = [each.at_us / 1_000_000 for each in bench.submits(began) if _is_of_campaign(each)]
    waits = bench.waits_ms(numbers)
    kept = sum(first <= at < until for at in times) / (until - first)
    yield Measured(f"{pace.name}: from start to the first text", first - began, "s", _START_MAX_S)
    yield Measured(f"{pace.name}: kept", kept, "/s")
    if pace.per_s:
        yield Measured(f"{pace.name}: off the pace", abs(kept / pace.per_s - 1) * 100, "%", _PACE_MAX * 100)
    late = sum(at > over for at in times)
    yield Measured(f"{pace.name}: texts after the answer to cancel", late, "texts", WINDOW * 5 / 4)
    yield from _figures(waits, len(numbers), f"beside {pace.name}")
    yield Measured(f"{pace.name}: delay of codes' p99", _at(waits, 0.99) - alone_p99_ms, "ms", _DELAY_MAX_MS)
    yield Measured(f"{pace.name}: memory of the node", rss, "MiB")


def measure(folder: Path, database: str, contacts: int, seconds: float) -> list[Measured]:
    """Prepare, then codes alone and with each pace."""
    log = folder / "simulator.log"
    simulating = ["-m", "whimbrel_sandbox", "--smpp-port", "0", "--http-port", "0", "--log", str(log)]
    simulating += ["--response-latency-ms", str(LATENCY_MS)]
    ports = [word for name in ("", "smpp-") for word in (f"--{name}port", "0")]
    more = ["--database", database] if database else []
    with contextlib.ExitStack() as stack:
        address = json.loads(first_line(stack.enter_context(started("simulator", *simulating))))
        smsc = f"{address['smpp_host']}:{address['smpp_port']}"
        quickstart = ["-m", "whimbrel", "quickstart", "--data", str(folder), *ports, "--simulator", smsc, *more]
        node = stack.enter_context(started("whimbrel", *quickstart))
        bench = Bench(node, credentials(folder), log)
        measured = [bench.prepare(contacts, folder), Measured("memory with them", node.rss_mib(), "MiB")]
        measured.append(Measured("yard", yardstick_ms(), "ms"))
        bench.codes.send(2)  # to be warm
        numbers = bench.codes.send(seconds)
        time.sleep(1)
        alone = bench.waits_ms(numbers)
        measured += _figures(alone, len(numbers), "alone")
        for pace in PACES:
            measured += stretch(bench, pace, seconds, _at(alone, 0.99))
        measured.append(Measured("codes that were refused", bench.codes.refused, "codes"))
        return measured


def main(arguments: list[str]) -> int:
    """Measure, and say whether everything is within its bounds."""
    parser = argparse.ArgumentParser(prog="python -m bench campaign", description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000, help="contacts of the audience")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each stretch is watched")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    chosen = parser.parse_args(arguments)
    server = Server(durable=True, settings={"shared_buffers": "1GB"}) if chosen.postgres else None
    with tempfile.TemporaryDirectory(prefix="whimbrel-campaign-") as folder:
        try:
            database = ""
            if server is not None:
                server.start()
                database = server.url.replace("/postgres", f"/{asyncio.run(make_template(server.url))}")
            measured = measure(Path(folder), database, chosen.contacts, chosen.seconds)
        finally:
            if server is not None:
                server.remove()
    for each in measured:
        over = " over" if each.most and each.value > each.most else ""
        print(f"{each.value:9.1f} {each.unit:5} {each.what}{over}")
    print(f"written to {write_results('campaign-', measured)}")
    return 0 if all(not each.most or each.value <= each.most for each in measured) else 1
