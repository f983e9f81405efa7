"""Flows under random kills of the node: every run comes to its end, and each of its steps is done once, by the log of
the simulator. A text that was on its way when the node died is in doubt, and never sent again: it may be missing at the
simulator, and then it says so.
"""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from whimbrel_sandbox.log import Submitted, read_log

from .processes import Node, simulator
from .wire import Connection, call, request, until

SMALL, LARGE = 200, 10_000
STEPS = ["one", "rest", "keep", "know", "two"]


def document(rest_s: int) -> dict[str, Any]:
    return {
        "trigger": {"type": "api"},
        "start": "one",
        "steps": {
            "one": {"type": "send", "text": "one {{ n }}", "next": "rest"},
            "rest": {"type": "wait", "for_s": rest_s, "next": "keep"},
            "keep": {"type": "set", "values": {"done": "n"}, "next": "know"},
            "know": {"type": "tag", "on": "contact", "add": ["done"], "next": "two"},
            "two": {"type": "send", "text": "two {{ done }}"},
        },
    }


async def begin(node: Node, key: str, flow_id: str, waiting: "asyncio.Queue[int]", begun: dict[int, str]) -> None:
    """Begin runs over one connection, each under its own key; what was not answered is asked again."""
    connection: Connection | None = None
    try:
        while True:
            number = await waiting.get()
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"run-{number}"}
            body = {"phone": f"+4479110{number:05}", "variables": {"n": number}}
            octets = request("POST", f"/v1/flows/{flow_id}/runs", body, headers)
            while number not in begun:
                try:
                    connection = connection or await Connection.open(node.port)
                    answer = await connection.ask(octets)
                except OSError:
                    connection = None
                    await asyncio.sleep(0.05)
                    continue
                assert answer.status in (202, 409, 503), answer
                if answer.status == 202:
                    begun[number] = answer.json()["id"]
            waiting.task_done()
    finally:
        if connection is not None:
            connection.close()


async def killed(node: Node, kills: int, seed: int, over: asyncio.Event) -> int:
    """So many deaths at random moments, as long as there is work."""
    chance = random.Random(seed)
    died = 0
    while died < kills and not over.is_set():
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        process = node._process
        assert process is not None
        process.kill()
        await process.wait()
        died += 1
        await node.start()
    return died


async def play(folder: Path, count: int, kills: int, rest_s: int) -> None:
    log = folder / "sim.log"
    async with simulator(log) as address:
        node = Node(folder / "node", address["smpp_port"])
        (folder / "node").mkdir()
        await node.start()
        key = node.credentials()["test_key"]
        live = node.credentials()["api_key"]
        made = await call(node.port, "POST", "/v1/flows", {"name": "f", "document": document(rest_s)}, live)
        flow_id = made.json()["id"]
        waiting: asyncio.Queue[int] = asyncio.Queue()
        for number in range(count):
            waiting.put_nowait(number)
        begun: dict[int, str] = {}
        over = asyncio.Event()
        workers = [asyncio.create_task(begin(node, key, flow_id, waiting, begun)) for _ in range(32)]
        deaths = asyncio.create_task(killed(node, kills, count, over))
        await waiting.join()

        async def ended() -> bool:
            try:
                left = (await call(node.port, "GET", "/v1/flow-runs?state=running&limit=1", None, key)).json()
            except OSError:
                return False
            return left.get("data") == []

        await until(ended, 900, "every run ended")
        over.set()
        assert await deaths > kills // 2
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await until(ended, 60, "every run is still ended")
        assert len(set(begun.values())) == count
        await judge(node, key, log, begun)
        assert await node.stop() == 0


async def judge(node: Node, key: str, log: Path, begun: dict[int, str]) -> None:
    """Steps by the API, texts by the simulator."""
    connection = await Connection.open(node.port)
    headers = {"Authorization": f"Bearer {key}"}

    async def got(path: str) -> Any:
        return (await connection.ask(request("GET", path, None, headers))).json()

    async def sent() -> bool:
        """Nothing waits for the carrier any more."""
        states = ("queued", "sending")
        return not any([(await got(f"/v1/messages?status={state}&limit=1"))["data"] for state in states])

    await until(sent, 120, "every text has left")
    wanted = {f"{word} {number}" for number in begun for word in ("one", "two")}

    def seen() -> Counter[str]:
        return Counter(event.text for event in read_log(log) if isinstance(event, Submitted) and event.accepted)

    async def decided() -> bool:
        """What the simulator has not written down is in doubt: its log is a moment behind."""
        for text in wanted - set(seen()):
            word, _, number = text.partition(" ")
            steps = (await got(f"/v1/flow-runs/{begun[int(number)]}/steps"))["data"]
            (message_id,) = [step["message_id"] for step in steps if step["step"] == word]
            if not (await got(f"/v1/messages/{message_id}"))["in_doubt"]:
                return False
        return True

    await until(decided, 60, "every text is at the simulator or in doubt")
    texts = seen()
    assert set(texts) <= wanted
    assert [text for text, times in texts.items() if times > 1] == []
    assert len(texts) > len(wanted) * 0.9
    for number, run_id in begun.items():
        if len(begun) < 1000 or number % 20 == 0:  # of many each twentieth
            steps = (await got(f"/v1/flow-runs/{run_id}/steps"))["data"]
            assert [step["step"] for step in steps] == STEPS, run_id
    people = (await got("/v1/contacts/count?tag=done"))["count"]
    assert people == len(begun)
    connection.close()


@pytest.mark.ci
async def test_a_few_runs_and_a_kill(tmp_path: Path):
    await play(tmp_path, SMALL, 1, 5)


@pytest.mark.ci
async def test_ten_thousand_runs_and_many_kills(tmp_path: Path):
    await play(tmp_path, LARGE, 8, 15)
