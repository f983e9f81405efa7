"""A schedule to contacts under random kills of the node: by the simulator's log nobody is written to twice, and nobody
is left out but those of whom nobody can say whether a carrier has their text.
"""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from whimbrel_sandbox.log import Submitted, read_log

from .processes import Node, simulator
from .wire import call, until

PEOPLE = 6_000
KILLS = 5


async def people(node: Node, key: str) -> None:
    for start in range(0, PEOPLE, 1000):
        made = [{"number": f"+4479{n:08}"} for n in range(start, start + 1000)]
        answer = (await call(node.port, "POST", "/v1/contacts/batch", {"contacts": made}, key)).json()
        assert answer["created"] == 1000


async def total(node: Node, path: str, key: str) -> int:
    found = (await call(node.port, "GET", f"{path}/runs", None, key)).json()["data"]
    return found[0]["accepted"] if found else 0


async def killed(node: Node, path: str, key: str) -> int:
    """Kill the node at random moments while it runs; how often it died with people still to come."""
    chance, died = random.Random(KILLS), 0

    async def goes_on(before: int) -> bool:
        found = await total(node, path, key)
        return found > before or found == PEOPLE

    for _ in range(KILLS):
        before = await total(node, path, key)
        await until(lambda before=before: goes_on(before), 60, "the schedule goes on")
        await asyncio.sleep(chance.uniform(0, 0.2))
        process = node._process
        assert process is not None
        process.kill()
        await process.wait()
        await node.start()
        died += await total(node, path, key) < PEOPLE
    return died


@pytest.mark.ci
async def test_a_schedule_goes_on_after_each_death_and_writes_to_nobody_twice(tmp_path: Path):
    log = tmp_path / "sim.log"
    async with simulator(log) as address:
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"])
        await node.start()
        key = node.credentials()["api_key"]
        await people(node, key)
        starts = datetime.now(UTC) + timedelta(seconds=8)  # what is past when it comes is refused
        said: dict[str, Any] = {
            "name": "s",
            "starts_at": starts.strftime("%Y-%m-%dT%H:%M:%S"),
            "text": "Class tomorrow",
        }
        said["audience"] = {"everybody": True}
        made = (await call(node.port, "POST", "/v1/schedules", said, key)).json()
        path = f"/v1/schedules/{made['id']}"
        assert await killed(node, path, key) > 0, "no kill met the schedule"

        async def over() -> bool:
            found = (await call(node.port, "GET", path, None, key)).json()
            return found["status"] == "finished" and await total(node, path, key) == PEOPLE

        await until(over, 300, "everybody was written to")
        (run,) = (await call(node.port, "GET", f"{path}/runs", None, key)).json()["data"]
        assert (run["accepted"], run["left_out"]) == (PEOPLE, [])

        async def waits() -> int:
            found = await call(node.port, "GET", "/v1/messages?status=queued,sending&limit=1", None, key)
            return not found.json()["data"]

        await until(waits, 300, "what was accepted has left")
        doubtful = await in_doubt(node, key)
        # the simulator's log is a moment behind
        await until(lambda: PEOPLE - len(submits(log)) <= doubtful, 60, "whom nobody doubts to be written to is")
        reached = submits(log)
        assert set(reached.values()) == {1}, reached.most_common(3)
        await node.stop()


def submits(log: Path) -> Counter[str]:
    """How often each was written to."""
    return Counter(event.dest for event in read_log(log) if isinstance(event, Submitted))


async def in_doubt(node: Node, key: str) -> int:
    """How many messages may be anywhere."""
    found, cursor = 0, ""
    while cursor is not None:
        path = f"/v1/messages?status=in_doubt,unknown&limit=1000{cursor and '&cursor=' + cursor}"
        page = (await call(node.port, "GET", path, None, key)).json()
        found += len(page["data"])
        cursor = page["next_cursor"]
    return found
