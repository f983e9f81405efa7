"""What the console's live pages do while thousands of messages a second pass: `python -m bench live [--rate N]
[--seconds N] [--listeners N]`. A quickstart is sent batches at a fixed rate, first with nobody watching, then with so
many people's browsers: half of them follow the overview's figures, half the tail of the messages, each by a stream of
its own as the page opens it.

Asked of them: the pieces a second that one browser is sent, and their octets, do not grow with the rate; what is shown
is never two seconds behind what was accepted; and when all is quiet the figures are those of the database, message for
message. How far behind a page is: for how long the oldest message that it does not show yet has been accepted.
"""

import argparse
import asyncio
import itertools
import re
import tempfile
import time
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import apsw
import msgspec

from bench.pages import Visitor
from bench.processes import Running, credentials, post, started, write_results, yardstick_ms

_BATCHES_PER_S: Final = 8
_NUMBERS: Final = 100_000
_CALM_S: Final = 3.0
_OPEN_S: Final = 20.0
_QUIET_S: Final = 120.0
_SHOWN_S: Final = 4.0  # after the last message ended, until the last piece must have come
_LAG_MAX_S: Final = 2.0
_FRAMES_MAX: Final = 1.2  # a second, of the overview: one
_ROWS_MAX: Final = 4.2  # a second, of the tail: four
_KIB_MAX: Final = 200.0  # a second, of either
_MESSAGE: Final = re.compile(rb"SM[0-9a-f]{32}")


class Frame(msgspec.Struct, frozen=True):
    """What is read of a piece of the overview."""

    accepted: int
    delivered: int
    failed: int


class Measured(msgspec.Struct, frozen=True):
    """One figure in its unit, and the most that it may be (0: it is only told)."""

    what: str
    value: float
    unit: str
    most: float = 0.0


class Sent(msgspec.Struct):
    """What the node has accepted: when each batch was answered, how many there were until then, and the first id."""

    at_s: list[float] = []
    until: list[int] = []
    first: list[bytes] = []

    def behind_s(self, batch: int, now: float) -> float:
        """For how long the first batch that is not shown has been there. `batch`: its place."""
        return max(0.0, now - self.at_s[batch]) if batch < len(self.at_s) else 0.0


class Browser:
    """One stream, and what came by it. `path`: of the page."""

    def __init__(self, url: str, path: str, cookie: str, sent: Sent) -> None:
        self._address = urlsplit(url)
        self._path = path
        self._cookie = cookie
        self._sent = sent
        self.pieces = 0
        self.octets = 0
        self.lag_s = 0.0

    async def follow(self, ready: asyncio.Event) -> None:
        """Until it is cancelled. OSError when the stream is refused or ends."""
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port, limit=2**22)
        try:
            head = f"GET {self._path} HTTP/1.1\r\nHost: {self._address.netloc}\r\nCookie: {self._cookie}\r\n\r\n"
            writer.write(head.encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise OSError(answer.decode().partition("\r\n")[0])
            ready.set()
            waiting = b""
            while size := int(await reader.readline(), 16):
                waiting += (await reader.readexactly(size + 2))[:-2]
                self.octets += size
                *pieces, waiting = waiting.split(b"\n\n")
                for piece in pieces:
                    self._read(piece)
            raise OSError("the stream ended")
        finally:
            writer.close()

    def _read(self, piece: bytes) -> None:
        name, _, data = piece.partition(b"\n")
        if name.startswith(b"event: "):
            self.pieces += 1
            self.lag_s = max(self.lag_s, self._sent.behind_s(self.shown(), time.monotonic()))  # before it is there
            self.take(b"\n".join(line[6:] for line in data.split(b"\n")))

    def take(self, data: bytes) -> None:
        """Read a piece."""
        raise NotImplementedError

    def shown(self) -> int:
        """How many of the batches that were sent the page shows."""
        raise NotImplementedError


class Overview(Browser):
    """Adds up what the figures of each second tell."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.accepted = self.delivered = self.failed = 0

    def take(self, data: bytes) -> None:
        frame = msgspec.json.decode(data, type=Frame)
        self.accepted += frame.accepted
        self.delivered += frame.delivered
        self.failed += frame.failed

    def shown(self) -> int:
        return bisect_right(self._sent.until, self.accepted)


class Tail(Browser):
    """Looks for the newest message that is shown."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self.newest = b""

    def take(self, data: bytes) -> None:
        self.newest = max(self.newest, *_MESSAGE.findall(data), b"")

    def shown(self) -> int:
        return bisect_right(self._sent.first, self.newest)


class Load:
    """Sends batches for `seconds`, `rate` messages a second if the node takes them."""

    def __init__(self, url: str, key: str, rate: int, seconds: float) -> None:
        self._url, self._key = url, key
        self._each = rate // _BATCHES_PER_S
        self._batches = int(seconds * _BATCHES_PER_S)
        self._numbers = itertools.count()

    async def run(self, sent: Sent) -> float:
        """The rate that it was."""
        began = time.monotonic()
        for number in range(self._batches):
            await asyncio.sleep(began + number / _BATCHES_PER_S - time.monotonic())
            await self._send(sent)
        return self._batches * self._each / max(self._batches / _BATCHES_PER_S, time.monotonic() - began)

    async def _send(self, sent: Sent) -> None:
        chosen = [next(self._numbers) % _NUMBERS for _ in range(self._each)]
        messages = [{"to": f"+4479111{to:05d}", "text": "Your order is on its way"} for to in chosen]
        answer = await asyncio.to_thread(post, f"{self._url}/v1/messages/batch", self._key, {"messages": messages})
        ids = [row["id"].encode() for row in answer["data"]]
        sent.first.append(min(ids))
        sent.until.append((sent.until[-1] if sent.until else 0) + len(ids))
        sent.at_s.append(time.monotonic())


async def watched(found: dict[str, Any], running: Running, chosen: argparse.Namespace) -> list[Measured]:
    """Load alone, browsers alone, and both."""
    url, key = found["http_url"], found["api_key"]
    load = Load(url, key, chosen.rate, chosen.seconds)

    async def cost_us(sent: Sent) -> tuple[float, float]:
        began, cpu_s = len(sent.at_s), running.cpu_s()
        rate = await load.run(sent)
        await quiet(url, key)
        before = sent.until[began - 1] if began else 0
        return rate, (running.cpu_s() - cpu_s) * 1e6 / (sent.until[-1] - before)

    rate_alone, alone_us = await cost_us(Sent())
    sent = Sent()
    browsers = [
        (Overview if number % 2 else Tail)(url, _path(number), await asyncio.to_thread(_cookie, found), sent)
        for number in range(chosen.listeners)
    ]
    tasks = await _opened(browsers)
    try:
        await asyncio.sleep(_CALM_S)
        resting, cpu_s = time.monotonic(), running.cpu_s()
        await asyncio.sleep(_CALM_S)
        at_rest = (running.cpu_s() - cpu_s) / (time.monotonic() - resting)
        counted = [(each.pieces, each.octets) for each in browsers]
        began = time.monotonic()
        rate, with_us = await cost_us(sent)
        await _all_shown(browsers, sent)
        lasted = time.monotonic() - began
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    pages_share = max(0.0, with_us - alone_us) * rate / 1e6
    return [
        Measured("messages a second with nobody watching", rate_alone, "1/s"),
        Measured("messages a second with all of them watching", rate, "1/s"),
        Measured("CPU of the node a message, nobody watching", alone_us, "us"),
        Measured("CPU of the node a message, all watching", with_us, "us"),
        Measured(f"share of a core that {len(browsers)} live pages took meanwhile", pages_share * 100, "%"),
        Measured("share of a core of the node, all watching nothing", at_rest * 100, "%"),
        *_told(browsers, counted, lasted),
    ]


def _told(browsers: Sequence[Browser], counted: Sequence[tuple[int, int]], lasted: float) -> list[Measured]:
    """The one that fared worst, of each kind."""
    found: list[Measured] = []
    for kind, most in ((Overview, _FRAMES_MAX), (Tail, _ROWS_MAX)):
        of_kind = [
            (each, each.pieces - pieces, each.octets - octets)
            for each, (pieces, octets) in zip(browsers, counted, strict=True)
            if isinstance(each, kind)
        ]
        name = kind.__name__.lower()
        found += [
            Measured(f"pieces a second of one {name}", max(row[1] for row in of_kind) / lasted, "1/s", most),
            Measured(f"octets a second of one {name}", max(row[2] for row in of_kind) / lasted / 1024, "KiB", _KIB_MAX),
            Measured(f"how far behind any {name} was", max(each.lag_s for each, *_ in of_kind), "s", _LAG_MAX_S),
        ]
    return found


async def _opened(browsers: Sequence[Browser]) -> list["asyncio.Task[None]"]:
    ready = [asyncio.Event() for _ in browsers]
    tasks = [asyncio.create_task(each.follow(event)) for each, event in zip(browsers, ready, strict=True)]
    async with asyncio.timeout(_OPEN_S):
        for event in ready:
            await event.wait()
    return tasks


async def _all_shown(browsers: Sequence[Browser], sent: Sent) -> None:
    """Every page has told of every message. AssertionError with what is missing."""
    deadline, total = time.monotonic() + _SHOWN_S, sent.until[-1]

    def missing() -> list[str]:
        overviews = [each for each in browsers if isinstance(each, Overview)]
        short = [each for each in overviews if each.accepted != total or each.delivered + each.failed != total]
        tails = [each for each in browsers if isinstance(each, Tail) and each.newest < sent.first[-1]]
        wrong = [f"{each.accepted} accepted, {each.delivered} delivered, {each.failed} failed" for each in short]
        return [*wrong, *(f"the newest shown is {each.newest.decode()}" for each in tails)]

    while missing() and time.monotonic() < deadline:  # noqa: ASYNC110 - pieces come by many streams
        await asyncio.sleep(0.05)
    assert not missing(), f"of {total}: {missing()}"


async def quiet(url: str, key: str) -> None:
    """Until no message waits any more for what becomes of it."""
    deadline = time.monotonic() + _QUIET_S
    while (await asyncio.to_thread(_get, f"{url}/v1/messages?status=queued,sending,sent&limit=1", key))["data"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all texts ended within {_QUIET_S:.0f} s")
        await asyncio.sleep(0.2)


def _get(url: str, key: str) -> Any:
    return post(url, key, None, "GET")


def _path(number: int) -> str:
    return "/console/overview/live" if number % 2 else "/console/messages/live"


def _cookie(found: dict[str, Any]) -> str:
    return Visitor(found).cookie


def _in_database(folder: Path) -> tuple[int, int]:
    """How many messages there are, and how many were delivered."""
    connection = apsw.Connection(str(folder / "whimbrel.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        ((there, delivered),) = connection.execute("SELECT COUNT(*), SUM(state = 'delivered') FROM messages")
    finally:
        connection.close()
    return int(there), int(delivered)


def main(arguments: list[str]) -> int:
    """Measure; 1 when the pages do not keep up."""
    parser = argparse.ArgumentParser(prog="python -m bench live", description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000, help="messages a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long they are sent, each time")
    parser.add_argument("--listeners", type=int, default=20, help="browsers with a live page")
    chosen = parser.parse_args(arguments)
    ports = [word for name in ("", "smpp-", "simulator-smpp-", "simulator-http-") for word in (f"--{name}port", "0")]
    environ = {"WHIMBREL_LIMITS__STREAMS_PER_ACCOUNT": str(chosen.listeners + 1)}
    with tempfile.TemporaryDirectory(prefix="whimbrel-live-") as name:
        folder, command = Path(name), ("-m", "whimbrel", "quickstart", "--data", name)
        with started("whimbrel", *command, *ports, environ=environ) as running:
            measured = asyncio.run(watched(credentials(folder), running, chosen))
        there, delivered = _in_database(folder)
    measured.append(Measured("messages that did not end as delivered", there - delivered, ""))
    print(f"a yardstick takes {yardstick_ms():.0f} ms on this machine now")
    for each in measured:
        over = " over" if each.most and each.value > each.most else ""
        print(f"{each.value:9.1f} {each.unit:4} {each.what}{over}")
    print(f"written to {write_results('live-', measured)}")
    return 0 if all(not each.most or each.value <= each.most for each in measured) else 1
