"""What the carriers do to us while the load runs. `pace` shortens everything alike, for short runs."""

import asyncio
import random
from typing import Any

from tests.faults.wire import call

LATE_MS = 10_000  # of the scenario receipt_late

_RECEIPTS: tuple[tuple[str, ...], ...] = (
    (),
    ("receipt_before_response",),
    ("receipt_twice",),
    ("receipts_shuffled=3000",),
    ("receipt_late",),
    (),
    ("receipt_never",),
    ("enroute_then_delivered",),
    ("receipt_5_times",),
    ("delivered_then_undelivered",),
    ("undelivered_absent_subscriber",),
    ("response_slow=3000",),
    ("response_lost",),
    ("responses_shuffled=500",),
)
"""One after the other, a second each. The two of responses leave doubt: the carrier is given two seconds."""

_THROTTLING: tuple[tuple[float, dict[str, Any], tuple[str, ...]], ...] = (
    (8, {"rate_limit": 0}, ()),
    (6, {"rate_limit": 50}, ()),
    (10, {"rate_limit": 0}, ()),
    (2, {"rate_limit": 0}, ("refused=0x8",)),  # ESME_RSYSERR: the next carrier of the route is tried
    (6, {"rate_limit": 0, "window_limit": 5, "response_latency_ms": 200}, ()),
    (8, {"rate_limit": 0, "window_limit": 0, "response_latency_ms": 10}, ()),
)
"""For how many seconds, and how the carrier behaves then."""

_BIND_FAILED = 0x0D  # ESME_RBINDFAIL
_FLAPS: tuple[dict[str, Any], ...] = (
    {"drop": True},
    {"drop": True},
    {"unbind": True},
    {"drop": True, "refuse_binds": _BIND_FAILED},
)


async def flap(port: int, pace: float, chance: random.Random) -> None:
    """Break every link, every few seconds, until canceled."""
    while True:
        await asyncio.sleep(chance.uniform(1.5, 5.0) * pace)
        await _post(port, "/behaviour", chance.choice(_FLAPS))
        await asyncio.sleep(pace)
        await _post(port, "/behaviour", {"refuse_binds": 0})


async def throttle(port: int, pace: float) -> None:
    """Take little, then all, then nothing at all, until canceled."""
    while True:
        for seconds, behaviour, scenarios in _THROTTLING:
            await _post(port, "/behaviour", behaviour)
            await _post(port, "/scenarios", {"scenarios": scenarios})
            await asyncio.sleep(seconds * pace)


async def receipt(port: int, pace: float) -> None:
    """Send receipts as no carrier should, until canceled."""
    while True:
        for scenarios in _RECEIPTS:
            await _post(port, "/scenarios", {"scenarios": scenarios})
            await asyncio.sleep(pace)


async def behave(port: int) -> None:
    """From now on a good carrier, so that what waits can come to its end."""
    calm = {"rate_limit": 0, "window_limit": 0, "response_latency_ms": 0, "refuse_binds": 0}
    await _post(port, "/behaviour", calm)
    await _post(port, "/scenarios", {"scenarios": ()})


async def _post(port: int, path: str, body: Any) -> None:
    answer = await call(port, "POST", path, body)
    assert answer.status == 200, answer.body
