"""An import under random kills of the node: it goes on where it stood, and at its end each number is one contact, each
row was counted once, and what was wrong is told once.
"""

import asyncio
import random
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from .processes import Node, simulator
from .wire import call, until

KILLS = 4
WRONG, TWICE = 7, 11


def rows(count: int) -> list[str]:
    """Numbers in no order; one row in so many is wrong, one in so many has the number of the row before."""
    chance = random.Random(count)
    numbers = [f"+49151{n:08d}" for n in chance.sample(range(10**8), count)]
    found: list[str] = []
    for place, number in enumerate(numbers):
        said = "12" if place % WRONG == 1 else numbers[place - 1] if place % TWICE == 3 else number
        found.append(f"{said},name {place}")
    return found


async def killed(node: Node, path: str, key: str) -> int:
    """Kill the node at random moments while it imports; how often it died with rows still to come."""
    chance, died = random.Random(KILLS), 0

    async def state() -> dict[str, Any]:
        return (await call(node.port, "GET", path, None, key)).json()

    async def goes_on(before: int) -> bool:
        found = await state()
        return found["status"] == "done" or found["done"] > before

    for _ in range(KILLS):
        before = (await state())["done"]
        await until(lambda before=before: goes_on(before), 60, "the import goes on")
        await asyncio.sleep(chance.uniform(0, 0.3))
        process = node._process
        assert process is not None
        process.kill()
        await process.wait()
        await node.start()
        if (await state())["status"] == "running":
            died += 1
    return died


@pytest.mark.ci
async def test_an_import_goes_on_after_each_death_and_takes_no_row_twice(tmp_path: Path):
    said = rows(60_000)
    numbers = {row.partition(",")[0] for row in said} - {"12"}
    wrong = sum(row.startswith("12,") for row in said)
    async with simulator(tmp_path / "sim.log") as address:
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"])
        await node.start()
        key = node.credentials()["api_key"]
        made = (await call(node.port, "POST", "/v1/contact-imports", {"name": "f"}, key)).json()
        path = f"/v1/contact-imports/{made['id']}"
        octets = "\n".join(["phone,name", *said]).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{node.port}{path}/file", octets, method="PUT")
        request.add_header("Authorization", f"Bearer {key}")
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=30).read())
        await call(node.port, "POST", f"{path}/start", {}, key)
        assert await killed(node, path, key) > 0, "no kill met the import"

        async def over() -> dict[str, Any] | None:
            found = (await call(node.port, "GET", path, None, key)).json()
            return found if found["status"] == "done" else None

        await until(over, 300, "the import is over")
        ended = await over()
        assert ended is not None
        assert (ended["rows"], ended["done"], ended["failed"]) == (len(said), len(said), wrong)
        assert ended["created"] == len(numbers)
        assert ended["created"] + ended["duplicates"] + ended["failed"] == len(said)
        count = (await call(node.port, "GET", "/v1/contacts/count", None, key)).json()
        assert count == {"count": len(numbers)}
        await node.stop()


@pytest.mark.ci
async def test_flows_that_an_import_begins_begin_once_for_each_contact_whenever_the_node_dies(tmp_path: Path):
    said, chance = rows(8_000), random.Random(KILLS)
    numbers = {row.partition(",")[0] for row in said} - {"12"}
    ends = {"trigger": {"type": "contact_added"}, "start": "end", "steps": {"end": {"type": "stop"}}}
    async with simulator(tmp_path / "sim.log") as address:
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"])
        await node.start()
        key = node.credentials()["api_key"]
        flow = (await call(node.port, "POST", "/v1/flows", {"name": "f", "document": ends}, key)).json()["id"]
        made = (await call(node.port, "POST", "/v1/contact-imports", {"name": "f"}, key)).json()
        path = f"/v1/contact-imports/{made['id']}"
        octets = "\n".join(["phone,name", *said]).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{node.port}{path}/file", octets, method="PUT")
        request.add_header("Authorization", f"Bearer {key}")
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=30).read())
        await call(node.port, "POST", f"{path}/start", {"start_flows": True}, key)

        async def phones() -> list[str]:
            found: list[str] = []
            cursor = ""
            while True:
                query = f"flow_id={flow}&state=finished&limit=1000" + (f"&cursor={cursor}" if cursor else "")
                page = (await call(node.port, "GET", f"/v1/flow-runs?{query}", None, key)).json()
                found += [run["phone"] for run in page["data"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    return found

        for share in range(1, KILLS + 1):
            await until(lambda share=share: _has(phones, len(numbers) * share // (KILLS + 2)), 120, "runs begin")
            await asyncio.sleep(chance.uniform(0, 0.3))
            process = node._process
            assert process is not None
            process.kill()
            await process.wait()
            await node.start()
        await until(lambda: _has(phones, len(numbers)), 300, "every contact has its run")
        found = await phones()
        assert (len(found), set(found)) == (len(numbers), numbers)
        await node.stop()


async def _has(read: Callable[[], Awaitable[list[str]]], count: int) -> bool:
    return len(await read()) >= count
