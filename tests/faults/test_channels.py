"""Codes by a carrier that speaks HTTP under random kills of the node: none is lost and none is handed over twice. What
was on its way when the node died is in doubt; a refusal is followed by the next channel once.
"""

import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from whimbrel.base.limits import VERIFY_HANDED_MAX

from .processes import START_S, Node, simulator
from .wire import call, until

COUNT, KILLS = 240, 4
SHARE = COUNT // KILLS  # started in each life
CALM = 20  # started when nothing dies any more
SLOW_S = 0.15  # of the carrier: so that kills fall into it
PACE_S = 0.05  # from one start to the next
SECRET = "whsec_" + "A" * 32


class Serving(Node):
    """The folder of a quickstart, served by a node with channels."""

    carrier_port = 0

    async def start(self, fault: str = "") -> Process:
        environ = {**os.environ, "WHIMBREL_SERVER__DATA": str(self.folder), "WHIMBREL_SERVER__PORT": str(self.port)}
        environ["WHIMBREL_SMPP__PORT"] = str(self.smpp_port)
        for name in ("voice", "chat"):
            own = f"WHIMBREL_CHANNELS__{name.upper()}__"
            environ |= {f"{own}URL": f"http://127.0.0.1:{self.carrier_port}/{name}", f"{own}SECRET": SECRET}
            environ |= {f"{own}ALLOW_NETWORKS": "127.0.0.0/8", f"{own}TIMEOUT_S": "2"}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "whimbrel", "serve"), stdout=DEVNULL, stderr=DEVNULL, env=environ
        )
        await until(self._is_ready, START_S, "a node ready")
        return self._process

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


class Carrier:
    """Takes its time; the voice does not call numbers that end with 7."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.codes: dict[str, set[str]] = {}

    async def take(self, request: web.Request) -> web.Response:
        said = json.loads(await request.read())
        self.calls[said["id"]] += 1
        self.codes.setdefault(said["verification_id"], set()).add(said["code"])
        await asyncio.sleep(SLOW_S)
        is_refused = request.path == "/voice" and said["to"].endswith("7")
        return web.Response(status=403 if is_refused else 202)


async def begun(node: Node, path: str, key: str, number: int) -> None:
    """Start a verification, one after the other, again until it is known to be there."""
    await asyncio.sleep(number % SHARE * PACE_S)
    while True:
        try:
            answer = await call(node.port, "POST", path, {"to": f"+4474001{number:05}"}, key)
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
            continue
        if answer.status == 201 or answer.json().get("code") == "verify_too_soon":
            return
        await asyncio.sleep(0.1)


async def attempts(node: Node, key: str) -> list[Any]:
    answer = await call(node.port, "GET", "/v1/verify/attempts?limit=1000", None, key)
    found: list[Any] = answer.json()["data"]
    return found


@pytest.mark.ci
async def test_no_code_is_lost_or_handed_over_twice(tmp_path: Path) -> None:
    carrier, chance = Carrier(), random.Random(7)
    application = web.Application()
    application.router.add_post("/voice", carrier.take)
    application.router.add_post("/chat", carrier.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with simulator(tmp_path / "sim.log") as address:
        (tmp_path / "node").mkdir()
        first = Node(tmp_path / "node", address["smpp_port"])
        await first.start()
        key = first.credentials()["api_key"]
        await first.stop()
        node = Serving(tmp_path / "node", address["smpp_port"])
        node.carrier_port = runner.addresses[0][1]
        await node.start()
        body = {"name": "Acme", "settings": {"channels": ["voice", "chat"], "guard": False, "fallback_after_s": 3600}}
        service = (await call(node.port, "POST", "/v1/verify/services", body, key)).json()["id"]
        path = f"/v1/verify/services/{service}/verifications"
        starts: list[asyncio.Task[None]] = []
        for life in range(KILLS):
            before = len(carrier.calls)
            numbers = range(life * SHARE, (life + 1) * SHARE)
            starts += [asyncio.create_task(begun(node, path, key, number)) for number in numbers]
            await until(lambda seen=before: len(carrier.calls) > seen, 60, "one is with the carrier")
            await asyncio.sleep(chance.uniform(0, SLOW_S))
            await node.kill()
            await node.start()
        starts += [asyncio.create_task(begun(node, path, key, number)) for number in range(COUNT, COUNT + CALM)]
        await asyncio.gather(*starts)

        async def settled() -> list[Any] | None:
            found = await attempts(node, key)
            return found if all(each["state"] in ("sent", "in_doubt", "refused") for each in found) else None

        async def rests() -> list[Any] | None:
            """Also those that a refusal is followed by."""
            found = await settled()
            refused = sum(each["state"] == "refused" for each in found or ())
            followed = sum(each["channel"] == "chat" for each in found or ())
            return found if found is not None and refused == followed else None

        found = await until(rests, 240, "every code was handed over")
        assert await node.stop() == 0
    await runner.cleanup()
    by_verification = Counter(each["verification_id"] for each in found if each["channel"] == "voice")
    assert (len(by_verification), set(by_verification.values())) == (COUNT + CALM, {1})
    assert max(carrier.calls.values()) == 1
    assert set(carrier.calls) <= {each["id"] for each in found}
    known = {each["id"] for each in found if each["state"] != "in_doubt"}
    assert known <= set(carrier.calls)
    assert all(len(codes) == 1 for codes in carrier.codes.values())
    doubts = [each for each in found if each["state"] == "in_doubt"]
    assert 0 < len(doubts) <= min(KILLS * VERIFY_HANDED_MAX, len(found) - CALM)
    assert {each["channel"] for each in found} == {"voice", "chat"}
