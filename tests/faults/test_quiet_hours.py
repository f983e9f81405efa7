"""Marketing that waits in a queue while the hours of its recipients end goes out to nobody before they begin again, by
the simulator's log, whoever is killed with kill -9 meanwhile; nothing of it is lost.

The border is drawn by the account's own hours, which end while the texts wait: so no test waits for an hour to strike.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from whimbrel_sandbox.log import Submitted, read_log

from .processes import Node, simulator
from .wire import call, until

COUNT = 1000
LATENCY_MS = 1000  # of each answer: some 100 texts a second, so that many wait still when the hours end
WINDOW = 100
AHEAD = WINDOW // 4  # claims that are committed ahead of the window
ZONE = ZoneInfo("Europe/London")


def hours(start: timedelta, end: timedelta) -> dict[str, str]:
    """From and until so much after now, at the recipients'; no span is over midnight, so two may be needed."""
    day = datetime.now(ZONE).replace(second=0, microsecond=0)
    first, last = day + start, day + end
    if first.date() == last.date():
        return {"every": f"{first:%H:%M}-{last:%H:%M}"}
    return {"every": f"{first:%H:%M}-24:00"}


def offers(log: Path) -> list[Submitted]:
    return [event for event in read_log(log) if isinstance(event, Submitted) and event.text == "Offer"]


def ordinary(log: Path) -> bool:
    return any(isinstance(event, Submitted) and event.text == "Ordinary" for event in read_log(log))


async def numbers(node: Node, key: str, state: str) -> set[str]:
    """Whose offers are in this state."""
    path = f"/v1/messages?status={state}&class=marketing&limit=1000"
    page: dict[str, Any] = (await call(node.port, "GET", path, None, key)).json()
    assert not page["next_cursor"]
    return {message["to"].lstrip("+") for message in page["data"]}


async def nothing_goes(node: Node, key: str) -> bool:
    return not any([await numbers(node, key, state) for state in ("queued", "sending")])


@pytest.mark.ci
@pytest.mark.parametrize("is_late", [False, True], ids=["killed at once", "killed while it puts them off"])
async def test_nothing_goes_out_after_the_hours_ended_whoever_dies(tmp_path: Path, is_late: bool):
    log = tmp_path / "sim.log"
    async with simulator(log, response_latency_ms=LATENCY_MS) as address:
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"])
        process = await node.start()
        key = node.credentials()["api_key"]
        await call(node.port, "PUT", "/v1/policies", {"quiet_hours": "off"}, key)
        people = {f"4474001{n:05d}" for n in range(COUNT)}
        defaults = {"class": "marketing", "text": "Offer", "validity": 604_800, "quiet_hours": "wait"}
        body = {"messages": [{"to": f"+{number}"} for number in sorted(people)], "defaults": defaults}
        assert (await call(node.port, "POST", "/v1/messages/batch", body, key)).json()["accepted"] == COUNT
        await until(lambda: len(offers(log)) > WINDOW, 60, "texts go out")
        closed = {"quiet_hours": "wait", "hours": hours(timedelta(hours=3), timedelta(hours=4))}
        assert (await call(node.port, "PUT", "/v1/policies", closed, key)).status == 200
        border_us = int(datetime.now(UTC).timestamp() * 1_000_000)
        if is_late:
            await until(lambda: numbers(node, key, "scheduled"), 60, "some are put off")
        process.kill()
        await process.wait()
        process = await node.start()
        await call(node.port, "POST", "/v1/messages", {"to": "+447400199999", "text": "Ordinary"}, key)
        await until(lambda: ordinary(log), 60, "an ordinary text goes out")
        await until(lambda: nothing_goes(node, key), 60, "nothing is on its way")
        sent = [event.dest.lstrip("+") for event in offers(log)]
        waiting = await numbers(node, key, "scheduled")
        late = [event for event in offers(log) if event.at_us > border_us]
        assert len(late) <= WINDOW + AHEAD, "no more than the window and what was committed ahead of it"
        assert len(set(sent)) == len(sent), "nobody got it twice"
        assert waiting and not waiting & set(sent)
        assert people - waiting - set(sent) <= await numbers(node, key, "in_doubt"), "nothing is lost"
        (first, *_) = (await call(node.port, "GET", "/v1/messages?status=scheduled&limit=1", None, key)).json()["data"]
        assert first["reason"]["code"] == "quiet_hours"
        assert await node.stop() == 0
