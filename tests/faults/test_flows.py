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

SMALL, LARGE, PEOPLE = 200, 10_000, 1_000
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


WELCOME = {
    "trigger": {"type": "contact_added"},
    "start": "name",
    "steps": {
        "name": {"type": "set", "on": "contact", "values": {"name": "join('', ['N', phone])"}, "next": "rest"},
        "rest": {"type": "wait", "for_s": 1, "next": "label"},
        "label": {
            "type": "tag",
            "on": "contact",
            "add": ["done"],
            "remove": ["new"],
            "add_lists": ["news"],
            "next": "one",
        },
        "one": {"type": "send", "text": "one {{ contact.name }}"},
    },
}
TAGGED = {
    "trigger": {"type": "contact_tagged", "tags": ["done"]},
    "start": "two",
    "steps": {"two": {"type": "send", "text": "two {{ contact.name }}"}},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """A URL, or nothing for a file of the node's own."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres"))


@pytest.mark.ci
async def test_contacts_begin_flows_and_are_changed_once_across_kills(tmp_path: Path, database: str):
    log = tmp_path / "sim.log"
    async with simulator(log) as address:
        node = Node(tmp_path / "node", address["smpp_port"], database)
        (tmp_path / "node").mkdir()
        await node.start()
        key = node.credentials()["api_key"]
        assert (await call(node.port, "POST", "/v1/lists", {"name": "news"}, key)).status == 201
        for name, flow in (("welcome", WELCOME), ("tagged", TAGGED)):
            answer = await call(node.port, "POST", "/v1/flows", {"name": name, "document": flow}, key)
            assert answer.status == 201, answer
        over = asyncio.Event()
        deaths = asyncio.create_task(killed(node, 6, PEOPLE, over))
        numbers = [f"+4479111{number:05}" for number in range(PEOPLE)]
        for start in range(0, PEOPLE, 100):
            await put(node, key, numbers[start : start + 100])

        async def ended() -> bool:
            try:
                done = (await call(node.port, "GET", "/v1/contacts/count?tag=done", None, key)).json()
                left = (await call(node.port, "GET", "/v1/flow-runs?state=running&limit=1", None, key)).json()
            except OSError:
                return False
            return done.get("count") == PEOPLE and left.get("data") == []

        await until(ended, 300, "every contact is changed")
        over.set()
        assert await deaths > 1, "hardly any kill met the work"
        await until(ended, 60, "every run is still ended")
        await changed_once(node, key, numbers)
        await heard_once(node, key, log, numbers)
        assert await node.stop() == 0


async def put(node: Node, key: str, numbers: list[str]) -> None:
    """Contacts that are there, however often the node died meanwhile."""
    body = {"contacts": [{"number": number, "tags": ["new"]} for number in numbers]}
    while True:
        try:
            answer = await call(node.port, "POST", "/v1/contacts/batch", body, key)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        assert answer.status in (200, 503), answer
        if answer.status == 200:
            return


async def changed_once(node: Node, key: str, numbers: list[str]) -> None:
    """By what is kept of them, and by what was told."""

    async def got(path: str) -> Any:
        return (await call(node.port, "GET", path, None, key)).json()

    people: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = await got(f"/v1/contacts?limit=500{cursor and '&cursor=' + cursor}")
        people, cursor = people + page["data"], page["next_cursor"]
    assert {each["number"] for each in people} == set(numbers)
    assert [each for each in people if each["name"] != "N" + each["number"]] == []
    assert [each for each in people if (each["tags"], each["lists"]) != (["done"], ["news"])] == []
    for kind in ("contact.created", "contact.tagged", "contact.untagged"):
        await until(lambda kind=kind: all_told(got, kind, len(people)), 60, "who follows the log is told of everybody")
        found = Counter([each async for each in told(got, kind)])
        most = 1 if kind != "contact.tagged" else 2  # with its first tag, where that is told apart, and by the flow
        assert set(found) == {each["id"] for each in people} and max(found.values()) <= most, (
            kind,
            found.most_common(3),
        )

    async def all_ended() -> bool:
        """What a tag begins begins after the run that has tagged is ended."""
        begun = Counter([(run["flow_id"], run["phone"]) async for run in runs_of(got)])
        assert not begun or max(begun.values()) == 1, begun.most_common(3)
        return len(begun) == 2 * len(numbers) and {run["state"] async for run in runs_of(got)} == {"finished"}

    await until(all_ended, 60, "both flows have run for everybody")


async def runs_of(got: Any) -> Any:
    """All runs of flows."""
    cursor = ""
    while cursor is not None:
        page = await got(f"/v1/flow-runs?limit=500{cursor and '&cursor=' + cursor}")
        for run in page["data"]:
            yield run
        cursor = page["next_cursor"]


async def all_told(got: Any, kind: str, count: int) -> bool:
    """On PostgreSQL the log is followed up to the oldest transaction that still runs."""
    return len({each async for each in told(got, kind)}) >= count


async def told(got: Any, kind: str) -> Any:
    """Whom events of a type are about."""
    after = ""
    while True:
        page = await got(f"/v1/events?types={kind}&limit=1000{after and '&after=' + after}")
        for event in page["data"]:
            yield event["data"]["contact_id"]
        if not page["data"] or not page["next_cursor"] or page["next_cursor"] == after:
            return
        after = page["next_cursor"]


async def heard_once(node: Node, key: str, log: Path, numbers: list[str]) -> None:
    """Texts by the simulator; what it has not is in doubt."""

    async def waits() -> bool:
        found = await call(node.port, "GET", "/v1/messages?status=queued,sending&limit=1", None, key)
        return not found.json()["data"]

    await until(waits, 120, "every text has left")
    wanted = {f"{word} N{number}" for number in numbers for word in ("one", "two")}

    def seen() -> Counter[str]:
        return Counter(event.text for event in read_log(log) if isinstance(event, Submitted) and event.accepted)

    async def decided() -> bool:
        """What the simulator has not written down is in doubt: its log is a moment behind."""
        missing = wanted - set(seen())
        return not missing or missing <= {text async for text in in_doubt(node, key)}

    await until(decided, 60, "every text is at the simulator or in doubt")
    texts = seen()
    assert set(texts) <= wanted, set(texts) - wanted
    assert max(texts.values()) == 1, texts.most_common(3)
    assert len(texts) > len(wanted) * 0.9


async def in_doubt(node: Node, key: str) -> Any:
    """Texts of which nobody knows whether the carrier has them."""
    cursor = ""
    while cursor is not None:
        path = f"/v1/messages?limit=500{cursor and '&cursor=' + cursor}"
        page = (await call(node.port, "GET", path, None, key)).json()
        for message in page["data"]:
            if message["in_doubt"]:
                yield message["text"]
        cursor = page["next_cursor"]
