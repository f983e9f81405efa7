"""A campaign under random kills of the node: by the simulator's log nobody is written to twice, and nobody is left out
but those of whom nobody can say whether a carrier has their text.
"""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from whimbrel_sandbox.log import Submitted, read_log

from .processes import Node, simulator
from .wire import call, until

PEOPLE = 6_000
KILLS = 5
PER_S = 1_200


async def people(node: Node, key: str) -> None:
    for start in range(0, PEOPLE, 1000):
        made = [{"number": f"+4479{n:08}"} for n in range(start, start + 1000)]
        answer = (await call(node.port, "POST", "/v1/contacts/batch", {"contacts": made}, key)).json()
        assert answer["created"] == 1000


async def killed(node: Node, path: str, key: str) -> int:
    """Kill the node at random moments while it sends; how often it died with recipients still to come."""
    chance, died = random.Random(KILLS), 0

    async def goes_on(before: int) -> bool:
        found = (await call(node.port, "GET", path, None, key)).json()
        return found["status"] == "finished" or found["progress"]["looked_at"] > before

    for _ in range(KILLS):
        before = (await call(node.port, "GET", path, None, key)).json()["progress"]["looked_at"]
        await until(lambda before=before: goes_on(before), 60, "the campaign goes on")
        await asyncio.sleep(chance.uniform(0, 0.3))
        process = node._process
        assert process is not None
        process.kill()
        await process.wait()
        await node.start()
        found = (await call(node.port, "GET", path, None, key)).json()
        died += found["progress"]["looked_at"] < PEOPLE
    return died


def submits(log: Path) -> Counter[str]:
    """How often each was written to."""
    return Counter(event.dest for event in read_log(log) if isinstance(event, Submitted))


async def in_doubt(node: Node, id_: str, key: str) -> int:
    """How many messages of the campaign may be anywhere."""
    found, cursor = 0, ""
    while cursor is not None:
        path = f"/v1/messages?campaign={id_}&status=in_doubt,unknown&limit=1000{cursor and '&cursor=' + cursor}"
        page = (await call(node.port, "GET", path, None, key)).json()
        found += len(page["data"])
        cursor = page["next_cursor"]
    return found


@pytest.mark.ci
async def test_a_campaign_goes_on_after_each_death_and_writes_to_nobody_twice(tmp_path: Path):
    log = tmp_path / "sim.log"
    async with simulator(log) as address:
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"])
        await node.start()
        key = node.credentials()["api_key"]
        await people(node, key)
        said: dict[str, Any] = {
            "name": "sale",
            "audience": {"everybody": True},
            "text": "Sale",
            "class": "transactional",
        }
        said["schedule"] = {"pace": {"count": PER_S, "per": "second"}}
        made = (await call(node.port, "POST", "/v1/campaigns", said, key)).json()
        path = f"/v1/campaigns/{made['id']}"
        await call(node.port, "POST", f"{path}/start", {}, key)
        assert await killed(node, path, key) > 0, "no kill met the campaign"
        await call(node.port, "POST", f"{path}/start", {}, key)

        async def over() -> bool:
            found = (await call(node.port, "GET", path, None, key)).json()
            if found["status"] != "finished":
                return False
            total = (await call(node.port, "GET", f"{path}/results", None, key)).json()["total"]
            return total["accepted"] == PEOPLE and total["sent"] + total["in_doubt"] >= PEOPLE

        await until(over, 300, "everybody was written to")
        progress = (await call(node.port, "GET", path, None, key)).json()["progress"]
        assert progress == {"looked_at": PEOPLE, "accepted": PEOPLE, "refused": 0, "left_out": 0}
        doubtful = await in_doubt(node, made["id"], key)
        # the simulator's log is a moment behind
        await until(lambda: PEOPLE - len(submits(log)) <= doubtful, 60, "whom nobody doubts to be written to is")
        reached = submits(log)
        assert set(reached.values()) == {1}, reached.most_common(3)
        await node.stop()
