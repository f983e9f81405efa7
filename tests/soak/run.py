"""A run from beginning to end: the scene, the load with the mischief beside it, calm, and the judgement."""

import asyncio
import contextlib
import random
import time
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.wire import call, until

from . import mischief
from .evidence import complete, gather
from .load import FLAPPING, RECEIPTS, THROTTLING, Client
from .oracle import Judgement, judge
from .scene import Scene, scene

_SETTLE_S = 240.0
_UNDER_WAY = "/v1/messages?status=queued,sending,scheduled&limit=1"


class Played(msgspec.Struct, frozen=True):
    """A run afterwards."""

    verdict: Judgement
    seconds: float
    settled_s: float  # from the last request until nothing moved any more
    per_s: float
    answer_p50_ms: float
    answer_p99_ms: float
    cpu_us: float  # of the node, for each message
    rss_mib: tuple[float, float, float]  # after a tenth of the time, at half, at the end


async def play(folder: Path, *, seconds: float, rate_per_s: float, pace: float = 1.0, seed: int = 1) -> Played:
    """Play a run in an empty folder; `pace` below 1 shortens what the carriers do."""
    async with scene(folder, pace, seed) as its:
        client = Client(rate_per_s, seconds, random.Random(seed))
        began, cpu = time.monotonic(), its.cpu_s()
        weather = [asyncio.create_task(each) for each in _weather(its, pace, seed)]
        memory = asyncio.create_task(_memory(its, seconds))
        await client.run(its.port, its.key)
        loaded_s = time.monotonic() - began
        for each in weather:
            each.cancel()
        for outcome in await asyncio.gather(*weather, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError("the mischief ended by itself") from outcome
        for carrier in its.carriers.values():
            await mischief.behave(carrier.control)
        await _settle(its, pace)
        settled_s = time.monotonic() - began - loaded_s
        cpu_us = (its.cpu_s() - cpu) * 1e6 / len(client.log)
        evidence = await gather(its, client.log)
        rss = await memory
    complete(evidence, its)
    verdict = judge(evidence)
    if its.process.returncode:
        verdict.broken.append(f"the node ended with {its.process.returncode}")
    late = sorted(client.late_s)
    return Played(
        verdict=verdict,
        seconds=loaded_s,
        settled_s=settled_s,
        per_s=len(client.log) / loaded_s,
        answer_p50_ms=late[len(late) // 2] * 1000,
        answer_p99_ms=late[int(len(late) * 0.99)] * 1000,
        cpu_us=cpu_us,
        rss_mib=rss,
    )


def _weather(its: Scene, pace: float, seed: int) -> tuple[Any, ...]:
    ports = {prefix: carrier.control for prefix, carrier in its.carriers.items()}
    return (
        mischief.flap(ports[FLAPPING], pace, random.Random(seed)),
        mischief.throttle(ports[THROTTLING], pace),
        mischief.receipt(ports[RECEIPTS], pace),
    )


async def _memory(its: Scene, seconds: float) -> tuple[float, float, float]:
    await asyncio.sleep(seconds / 10)
    early = its.rss_mib()
    await asyncio.sleep(seconds * 0.4)
    half = its.rss_mib()
    await asyncio.sleep(seconds * 0.49)
    return early, half, its.rss_mib()


async def _settle(its: Scene, pace: float) -> None:
    """Until nothing is under way, no simulator has a receipt left, and every event is told. What is still missing when
    time is up is named by the judgement."""
    await asyncio.sleep(mischief.LATE_MS * min(1.0, pace) / 1000 + 3.0)  # the latest receipt, and the latest response

    async def is_still() -> bool:
        if (await its.get(_UNDER_WAY))["data"]:
            return False
        for carrier in its.carriers.values():
            counts = (await call(carrier.control, "GET", "/counts")).json()
            if counts["waiting"]:
                return False
        return await _is_told(its)

    with contextlib.suppress(TimeoutError):
        await until(is_still, _SETTLE_S, "everything at its end")


async def _is_told(its: Scene) -> bool:
    """Whether the sink has as many events as there are: looked at twice, with a pause."""
    lag = await its.metric("whimbrel_webhook_lag_events")
    before = (its.folder / "sink.log").stat().st_size
    await asyncio.sleep(1.5)
    return not any(lag.values()) and (its.folder / "sink.log").stat().st_size == before
