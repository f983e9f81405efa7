"""The supervisor: one log, one readiness, one `/metrics`, one signal; what dies comes back, and nothing is left."""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import apsw
import pytest

from tests.faults.processes import simulator, sink
from tests.faults.wire import now_us, request, until
from tests.net.certificates import Authority
from whimbrel.cli.supervisor import rest_s
from whimbrel_sandbox.log import Submitted, read_log

from .served import Served, is_alive, served

_ENQUIRE_LINK = bytes.fromhex("00000010 00000015 00000000 00000001")


@asynccontextmanager
async def at_work(folder: Path, **settings: str) -> AsyncIterator[Served]:
    """Processes that have started, with a simulator."""
    async with AsyncExitStack() as stack:
        smsc = await stack.enter_async_context(simulator(folder / "smsc.jsonl", receipt_delay_ms=50))
        made = await stack.enter_async_context(served(folder / "data", **settings))
        await made.seed(smsc["smpp_port"])
        (made.folder / "secrets.py").write_text("raise SystemExit(9)  # no process takes it for Python's own")
        await made.start()
        yield made


async def send(made: Served, number: int) -> str:
    body = {"to": f"+4479{11_000_000 + number:08d}", "text": f"text {number}"}
    return (await made.ask("POST", "/v1/messages", body))["id"]


class Stream:
    """A live stream of events, and what it brought."""

    def __init__(self, made: Served) -> None:
        self._made = made
        self.octets = b""

    async def __aenter__(self) -> "Stream":
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._made.port)
        headers = {"Authorization": f"Bearer {self._made.given.api_key}"}
        self._writer.write(request("GET", "/v1/stream", headers=headers))
        self._task = asyncio.create_task(self._read(reader))
        await until(lambda: b"200 OK" in self.octets, 60.0, "the stream's head")
        return self

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while octets := await reader.read(65536):
            self.octets += octets

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_several_processes_are_one_service(tmp_path: Path):
    """One start, to be quick: what they do together, what their sockets let in, what dies, and a supervisor that
    is killed."""
    authority = Authority(tmp_path, "us")
    issued = authority.issue("localhost")
    tls = {"WHIMBREL_SMPP__TLS_CERT_FILE": issued.cert, "WHIMBREL_SMPP__TLS_KEY_FILE": issued.key}
    async with at_work(tmp_path, WHIMBREL_SMPP__TLS_PORT="0", **tls) as made:
        await _work_together(made, tmp_path)
        await _bind_anywhere(made, authority)
        assert made.sockets().stat().st_mode & 0o777 == 0o700
        await _die(made, tmp_path)
        await send(made, 100)
        await until(lambda: len(_submits(tmp_path)) == 62, 60.0, "a text after the deaths")
        await until(lambda: _has_binds(made), 60.0, "gauges")
        await _leave_nobody(made)
        assert all(line.startswith("{") for line in made.log.read_text().splitlines())
    assert len(_submits(tmp_path)) == len(set(_submits(tmp_path))) == 62


def _submits(folder: Path) -> list[str]:
    return [event.dest for event in read_log(folder / "smsc.jsonl") if isinstance(event, Submitted)]


async def _work_together(made: Served, folder: Path) -> None:
    """Whichever process takes a message: its events reach the streams and webhooks of any, and the sums say so."""
    async with sink(folder / "sink.log") as sink_port, AsyncExitStack() as stack:
        await made.ask("POST", "/v1/webhooks", {"url": f"http://127.0.0.1:{sink_port}/hook", "events": ["*"]})
        streams = [await stack.enter_async_context(Stream(made)) for _ in range(6)]
        ids = set(await asyncio.gather(*(send(made, number) for number in range(60))))

        def told(octets: bytes) -> bool:
            return all(octets.count(id_.encode()) >= 3 for id_ in ids) and octets.count(b"message.delivered") >= 60

        await until(lambda: all(told(stream.octets) for stream in streams), 60.0, "all events on all streams")
        await until(lambda: told((folder / "sink.log").read_bytes()), 60.0, "all events at the sink")
    scraped = [await made.metrics() for _ in range(5)]
    assert {each['whimbrel_messages_accepted_total{door="rest"}'] for each in scraped} == {60.0}
    assert {each['whimbrel_http_requests_total{door="rest",status="202"}'] for each in scraped} == {60.0}
    assert scraped[0]['whimbrel_segments_submitted_total{carrier="sandbox"}'] == 60.0
    for name in ("1", "2", "store"):
        assert scraped[0][f'whimbrel_process_up{{process="{name}"}}'] == 1
        assert scraped[0][f'process_resident_memory_bytes{{process="{name}"}}'] > 2**20
    assert {line["process"] for line in made.lines()} == {"1", "2", "store", "supervisor"}
    assert sum(line["message"] == "ready" for line in made.lines()) == 1


async def _bind_anywhere(made: Served, authority: Authority) -> None:
    """Each door's port leads to one of the processes, whichever it is."""
    trust = ssl.create_default_context(cafile=authority.file)
    for port, tls in ((made.smpp_port, None), (made.tls_ports[0], trust)):
        for _ in range(8):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
            )
            writer.write(_ENQUIRE_LINK)
            assert (await reader.readexactly(8))[4:] == b"\x80\x00\x00\x15"
            writer.close()


async def _die(made: Served, folder: Path) -> None:
    """What dies comes back, and what it counted stays. Nobody waits for the lease of one that died."""
    before = await made.metrics()
    pids = {"1": await made.kill("1")}
    await _forgotten(made, pids["1"])
    await send(made, 99)
    await until(lambda: len(_submits(folder)) == 61, 60.0, "a text by whoever has the carrier now")
    pids["store"] = await made.kill("store")
    await until(lambda: all(made.pid(name) != pid for name, pid in pids.items()), 60.0, "both back")
    await until(lambda: _all_up(made), 60.0, "both answer a scrape")
    after = await made.metrics()
    for name in ('whimbrel_messages_accepted_total{door="rest"}', "whimbrel_store_commits_total"):
        assert after[name] >= before[name]
    assert after['whimbrel_process_restarts_total{process="1"}'] == 1
    assert after['whimbrel_process_restarts_total{process="store"}'] == 1
    lines = [line for line in made.lines() if line["message"] == "a process ended and is started again"]
    assert {(line["child"], line["status"]) for line in lines} == {("1", -9), ("store", -9)}


async def _forgotten(made: Served, pid: int) -> None:
    """A dead process is none of the nodes any more, before its time as one has run out."""
    database = apsw.Connection(str(made.folder / "whimbrel.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        while rows := list(database.execute("SELECT alive_until FROM nodes WHERE name LIKE ?", (f"%:{pid}",))):
            assert now_us() < rows[0][0], "others wait until its leases run out"
            await asyncio.sleep(0.01)
    finally:
        database.close()


async def _leave_nobody(made: Served) -> None:
    """A supervisor that is killed asks nobody to stop; they notice."""
    pids, folder = made.pids(), made.sockets()
    assert len(pids) == 3
    made.signal(signal.SIGKILL)
    await made.ended()
    await until(lambda: not any(is_alive(pid) for pid in pids.values()), 60.0, "no process left")
    stopped = [line["process"] for line in made.lines() if line["message"] == "stopped"]
    assert sorted(stopped) == ["1", "2", "store"]
    assert not folder.exists()


async def _has_binds(made: Served) -> bool:
    return (await made.metrics()).get('whimbrel_binds{carrier="sandbox"}', 0) >= 1


async def _all_up(made: Served) -> bool:
    found = await made.metrics()
    return all(found[f'whimbrel_process_up{{process="{name}"}}'] == 1 for name in ("1", "2", "store"))


async def test_a_signal_during_the_start_stops_it(tmp_path: Path):
    """Some processes do not listen to anything yet."""
    async with served(tmp_path) as made:
        await made.seed(2776)
        await made.begin()
        await until(lambda: made.pids(), 60.0, "the store process")
        assert await made.stop() == 0
        assert made.pids() == {}
        assert [line["message"] for line in made.lines()][-1] == "stopped"
        assert "did not start" not in made.log.read_text()


async def test_a_second_signal_ends_all_at_once(tmp_path: Path):
    """Also one that does nothing any more."""
    async with served(tmp_path) as made:
        await made.seed(2776)
        await made.begin()
        every = await until(lambda: len(made.children()) == 3 and made.children(), 60.0, "three processes")
        os.kill(made.pid("store"), signal.SIGSTOP)
        made.signal(signal.SIGTERM)
        await until(lambda: any(line["message"] == "stopping" for line in made.lines()), 60.0, "the stop")
        made.signal(signal.SIGINT)
        assert await made.ended() == 128 + signal.SIGINT
        await until(lambda: not any(is_alive(pid) for pid in every), 60.0, "no process left")


async def test_a_port_that_is_taken_is_told_once(tmp_path: Path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # not even by one that would share it
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with served(tmp_path, WHIMBREL_SERVER__PORT=str(port)) as made:
            await made.seed(2776)
            process = await made.begin()
            assert await process.wait() == 2
            said = made.log.read_text()
    assert said.count(f"127.0.0.1 port {port}") == 1 and "server.port" in said
    assert "started" not in said


async def test_what_cannot_start_ends_everything(tmp_path: Path):
    """A file that the supervisor does not read, and every process does."""
    (tmp_path / "cert.pem").write_text("no certificate")
    tls = {"WHIMBREL_SMPP__TLS_CERT_FILE": str(tmp_path / "cert.pem"), "WHIMBREL_SMPP__TLS_PORT": "0"}
    async with served(tmp_path / "data", **tls) as made:
        await made.seed(2776)
        process = await made.begin()
        assert await process.wait() == 1
        lines = list(made.lines())
    assert [line["child"] for line in lines if "did not start" in line["message"]]
    assert any("cert.pem" in line["message"] for line in lines), lines
    assert made.pids() == {}


@pytest.mark.parametrize(
    ("deaths", "seconds"), [(1, 0.1), (2, 0.2), (3, 0.4), (9, 25.6), (10, 30), (99, 30), (5000, 30)]
)
def test_who_dies_again_and_again_waits_longer(deaths: int, seconds: float):
    assert rest_s(deaths) == pytest.approx(seconds)
