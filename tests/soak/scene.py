"""The processes of a run: three simulators, the sink, and `whimbrel serve` on what quickstart has seeded, with a
carrier for each simulator and a route for each range of numbers.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.processes import Node, end, free_port, simulator, survivor
from tests.faults.wire import call, until

from .load import FLAPPING, RECEIPTS, THROTTLING

WINDOW = 50
_START_S = 90.0
_CARRIERS = {FLAPPING: "Flapping", THROTTLING: "Throttling", RECEIPTS: "Receipts"}
_SECOND_CHOICE = {FLAPPING: RECEIPTS, THROTTLING: FLAPPING, RECEIPTS: FLAPPING}


class Carrier(msgspec.Struct):
    """A simulator, its log, and the carrier that it is to the node; by the numbers that ask it first."""

    name: str
    log: Path
    smpp_port: int
    control: int
    id: str = ""


class Scene(msgspec.Struct):
    """All that runs."""

    folder: Path
    port: int
    key: str
    operator_key: str
    process: Process
    carriers: dict[str, Carrier]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def get(self, path: str) -> Any:
        """The JSON of a GET that succeeds."""
        answer = await call(self.port, "GET", path, key=self.key)
        assert answer.status == 200, answer.body
        return answer.json()

    async def metric(self, name: str) -> dict[str, float]:
        """The samples of one metric by their labels as they stand."""
        text = (await call(self.port, "GET", "/metrics", key=self.operator_key)).body.decode()
        found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
        return {labels: float(value) for labels, value in found}

    def cpu_s(self) -> float:
        """User and system time of the node so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> float:
        """Its resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@asynccontextmanager
async def scene(folder: Path, pace: float, seed: int) -> AsyncIterator[Scene]:
    """Everything up, bound and routed, in an empty folder."""
    async with contextlib.AsyncExitStack() as stack:
        carriers: dict[str, Carrier] = {}
        for prefix, name in _CARRIERS.items():
            log = folder / f"{name.lower()}.jsonl"
            behaviour = {"seed": seed, "response_latency_ms": 20, "receipt_delay_ms": 100, "receipt_jitter_ms": 400}
            found = await stack.enter_async_context(simulator(log, **behaviour, time_scale=min(1.0, pace)))
            carriers[prefix] = Carrier(name, log, found["smpp_port"], int(found["http_url"].rpartition(":")[2]))
        sink_port = int(await stack.enter_async_context(survivor("-m", "tests.soak.sink", str(folder / "sink.log"))))
        credentials = await _seed(folder / "data", carriers[FLAPPING].smpp_port)
        port, process = await _serve(folder)
        stack.push_async_callback(end, process)
        await _ready(folder, port, process)
        its = Scene(folder, port, credentials["api_key"], credentials["operator_key"], process, carriers)
        await _configure(its, sink_port)
        yield its


async def _seed(data: Path, smsc_port: int) -> dict[str, str]:
    """An account with money, prices, senders and keys: what quickstart makes, before it is stopped again."""
    node = Node(data, smsc_port)
    try:
        await node.start()
    finally:
        status = await node.stop()
    assert status == 0
    return node.credentials()


async def _serve(folder: Path) -> tuple[int, Process]:
    config, port = folder / "whimbrel.toml", free_port()
    config.write_text(
        f'[smpp]\nport = 0\n[server]\nport = {port}\ndata = "{folder / "data"}"\n'
        '[webhooks]\nallow_http = true\nallow_networks = ["127.0.0.0/8"]\n'
    )
    with (folder / "serve.log").open("wb") as log:
        command = (sys.executable, "-m", "whimbrel", "serve", "--config", str(config))
        return port, await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=log)


async def _ready(folder: Path, port: int, process: Process) -> None:
    async def is_ready() -> bool:
        assert process.returncode is None, (folder / "serve.log").read_text()[-2000:]
        with contextlib.suppress(OSError):
            return (await call(port, "GET", "/readyz")).status == 200
        return False

    await until(is_ready, _START_S, "a node ready")


async def _configure(its: Scene, sink_port: int) -> None:
    await _make(its, "/v1/webhooks", {"url": f"http://127.0.0.1:{sink_port}/", "events": ["*"]}, its.key)
    for carrier in its.carriers.values():
        settings = {
            "host": "127.0.0.1",
            "port": carrier.smpp_port,
            "system_id": carrier.name.lower(),
            "binds": 2,
            "window": WINDOW,
            "response_timeout_s": 2.0,
            "reconnect_min_s": 0.1,
            "reconnect_max_s": 0.5,
        }
        carrier.id = await _make(its, "/v1/carriers", {"name": carrier.name, "settings": settings}, its.operator_key)
    for prefix, second in _SECOND_CHOICE.items():
        choice = [its.carriers[prefix].id, its.carriers[second].id]
        await _make(its, "/v1/routes", {"carriers": choice, "prefix": prefix, "position": 1}, its.operator_key)

    async def all_up() -> bool:
        answer = await call(its.port, "GET", "/v1/carriers/health", key=its.operator_key)
        return all(each["health"] and each["health"]["binds_up"] for each in json.loads(answer.body)["data"])

    await until(all_up, _START_S, "all binds up")


async def _make(its: Scene, path: str, body: Any, key: str) -> str:
    answer = await call(its.port, "POST", path, body, key)
    assert answer.status == 201, answer.body
    made: str = answer.json()["id"]
    return made
