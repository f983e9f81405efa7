"""STOPs that come while marketing is queued and in flight, also from a node that is killed: by the simulator's log, no
more than the window goes out to those concerned after the commit of their STOP, and each is confirmed once.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from whimbrel_sandbox.log import Event, InboundAnswered, InboundSent, Submitted, read_log

from .processes import Node, simulator
from .wire import call, until

WINDOW = 100
AHEAD = WINDOW // 4  # claims that are committed ahead of the window
PEOPLE = 120
TEXTS = 25
LATENCY_MS = 1000  # of each answer: some 100 texts a second, so that many are queued still at the last STOP
NUMBER = "+15005550006"


def people() -> list[str]:
    return [f"+4474001{n:05d}" for n in range(PEOPLE)]


class Heard:
    """What the simulator saw so far."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def events(self) -> list[Event]:
        return list(read_log(self._log))

    def submitted(self) -> int:
        return sum(isinstance(event, Submitted) for event in self.events())

    def acknowledged(self) -> set[str]:
        """Phones whose STOP was answered: it is committed."""
        events = self.events()
        source = {event.text_id: event.source for event in events if isinstance(event, InboundSent)}
        taken = (event for event in events if isinstance(event, InboundAnswered) and event.status == 0)
        return {f"+{source[event.text_id].lstrip('+')}" for event in taken}


def judged(events: Sequence[Event]) -> tuple[int, Counter[str]]:
    """How many texts went out to people after their STOP was acknowledged, and how often each was confirmed."""
    source: dict[str, str] = {}
    stopped: set[str] = set()
    late, confirmed = 0, Counter[str]()
    for event in events:
        if isinstance(event, InboundSent):
            source[event.text_id] = event.source.lstrip("+")
        elif isinstance(event, InboundAnswered) and event.status == 0:
            stopped.add(source[event.text_id])
        elif isinstance(event, Submitted) and "START" in event.text:
            confirmed[f"+{event.dest.lstrip('+')}"] += 1
        elif isinstance(event, Submitted) and event.dest.lstrip("+") in stopped:
            late += 1
    return late, confirmed


async def settled(node: Node, key: str) -> bool:
    for state in ("queued", "sending"):
        if (await call(node.port, "GET", f"/v1/messages?status={state}&limit=1", None, key)).json()["data"]:
            return False
    return True


@pytest.mark.ci
async def test_a_stop_wins_over_what_is_queued_and_is_confirmed_once_whoever_dies(tmp_path: Path):
    log = tmp_path / "sim.log"
    heard = Heard(log)
    async with simulator(log, response_latency_ms=LATENCY_MS, deliver_timeout_ms=2000) as address:
        http = int(address["http_url"].rpartition(":")[2])
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"])
        process = await node.start()
        key = node.credentials()["api_key"]
        await call(node.port, "PUT", "/v1/policies", {"quiet_hours": "off"}, key)
        for turn in range(TEXTS):
            messages = [{"to": to, "text": f"Offer {turn}"} for to in people()]
            body = {"messages": messages, "defaults": {"class": "marketing"}}
            assert (await call(node.port, "POST", "/v1/messages/batch", body, key)).json()["accepted"] == PEOPLE
        waves = [people()[start::3] for start in range(3)]
        for number, wave in enumerate(waves[:2]):
            least = (number + 1) * WINDOW * 2
            await until(lambda least=least: heard.submitted() > least, 60, "texts go out")
            await asyncio.gather(*(_say(http, phone) for phone in wave))
            await until(lambda wave=wave: bool(heard.acknowledged() & set(wave)), 60, "a STOP is stored")
            process.kill()
            await process.wait()
            process = await node.start()
            await until(lambda wave=wave: heard.acknowledged() >= set(wave), 60, "all STOPs are stored")
        await until(lambda: settled(node, key), 240, "nothing is queued")
        late, confirmed = judged(heard.events())
        stopped = set(waves[0]) | set(waves[1])
        assert late <= WINDOW + AHEAD
        assert confirmed.keys() <= stopped and set(confirmed.values()) == {1}
        unheard = [await _confirmation(node, key, phone) for phone in sorted(stopped - confirmed.keys())]
        assert {each["status"] for each in unheard} <= {"in_doubt", "unknown"}, "one that may have gone is not resent"
        for phone in (waves[0][0], waves[1][0]):
            found = await _messages(node, key, phone)
            assert {each["reason"]["code"] for each in found if each["status"] == "rejected"} == {"opted_out"}
        going_on = [event for event in heard.events() if isinstance(event, Submitted) and event.accepted]
        assert Counter(f"+{event.dest.lstrip('+')}" for event in going_on)[waves[2][0]] > 0
        await node.stop()


async def _say(port: int, phone: str) -> None:
    """The simulator takes it while a bind is there to take it."""

    async def taken() -> bool:
        return (await call(port, "POST", f"/phones/{phone[1:]}/send", {"to": NUMBER, "text": "STOP"})).status == 202

    await until(taken, 60, "the phone sends")


async def _messages(node: Node, key: str, phone: str) -> list[dict[str, Any]]:
    path = f"/v1/messages?to=%2B{phone[1:]}&limit=100"
    found: list[dict[str, Any]] = (await call(node.port, "GET", path, None, key)).json()["data"]
    return found


async def _confirmation(node: Node, key: str, phone: str) -> dict[str, Any]:
    return next(each for each in await _messages(node, key, phone) if "START" in each["text"])
