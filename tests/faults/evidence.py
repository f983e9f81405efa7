"""What a round leaves behind for its judgement: the three logs of those who survived, the deaths, and what the API says
afterwards. Gathered here, judged in oracle.py.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from whimbrel_sandbox.log import Event, Submitted, read_log

from .client import Sending
from .wire import Connection, call, request, until

FINAL = frozenset({"delivered", "undelivered", "expired", "failed", "rejected", "canceled", "unknown"})
_SETTLE_S = 120.0
_TOLD_S = 60.0
_PAGE = 1000
_READERS = 4


class Hook(msgspec.Struct, frozen=True):
    """One POST that the sink took."""

    at_us: int
    webhook_id: str
    type: str
    message_id: str | None
    seq: int
    data: dict[str, Any]


class Death(msgspec.Struct, frozen=True):
    """How a life of the node ended."""

    at_us: int  # when it was killed, or asked to stop
    status: int  # of the process; negative is a signal
    took_s: float = 0.0  # from the rig's signal to its end


class Spoken(msgspec.Struct, frozen=True):
    """A text that a phone sent and the simulator took."""

    source: str
    text: str


class Api(msgspec.Struct):
    """What the API says at the end."""

    messages: dict[str, dict[str, Any]] = {}  # by id, each asked for by itself
    listed: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    ledger: list[dict[str, Any]] = []
    balance: dict[str, str] = {}
    replays: list[tuple[str, str]] = []  # what an acknowledged request answered, and what it answers again
    untold: list[str] = []  # over SMPP: final messages whose receipts the customer never got


class Evidence(msgspec.Struct):
    """Everything about a round."""

    sent: list[Sending]
    spoken: list[Spoken]
    deaths: list[Death]
    smsc: list[Event]
    hooks: list[Hook]
    api: Api


class SinkLog:
    """The sink's log, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.hooks: list[Hook] = []
        self.final: set[str] = set()
        self.outbound: set[str] = set()
        self.doubtful: dict[str, tuple[str, int]] = {}  # recipient and segments by message
        self.heard: set[str] = set()
        self.ids: set[str] = set()

    def read(self) -> None:
        """Take in the whole lines that came since."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._add(line)

    def _add(self, line: bytes) -> None:
        at, webhook_id, body = line.split(b" ", 2)
        told = msgspec.json.decode(body)
        hook = Hook(int(at), webhook_id.decode(), told["type"], told.get("message_id"), told["seq"], told["data"])
        self.hooks.append(hook)
        self.ids.add(hook.webhook_id)
        kind = hook.type.removeprefix("message.")
        if hook.message_id is None:
            return
        if kind == "received":
            self.heard.add(hook.data["text"])
            return
        self.outbound.add(hook.message_id)
        if kind == "in_doubt":
            self.doubtful[hook.message_id] = (hook.data["to"], hook.data["segments"])
        if kind in FINAL:
            self.final.add(hook.message_id)


def taken_by(smsc: Sequence[Event]) -> dict[str, int]:
    """How many segments the simulator accepted for each recipient."""
    taken: dict[str, int] = {}
    for event in smsc:
        if isinstance(event, Submitted) and event.accepted:
            taken[f"+{event.dest}"] = taken.get(f"+{event.dest}", 0) + 1
    return taken


async def settle(sink: SinkLog, smsc_log: Path, sent: Sequence[Sending], spoken: Sequence[Spoken]) -> None:
    """Wait until nothing moves any more: every message is final at the sink, or in doubt and never taken whole. What is
    still missing when time is up is named by the judgement."""

    def is_still() -> bool:
        sink.read()
        acknowledged = {id_ for sending in sent for id_ in sending.ids}
        moving = (acknowledged | sink.outbound) - sink.final
        if {each.text for each in spoken} - sink.heard or moving - sink.doubtful.keys():
            return False
        if not moving:
            return True
        taken = taken_by(list(read_log(smsc_log)))
        return all(taken.get(to, 0) < segments for to, segments in (sink.doubtful[id_] for id_ in moving))

    with contextlib.suppress(TimeoutError):
        await until(is_still, _SETTLE_S, "every message at its end")


async def ask_api(port: int, key: str, sent: Sequence[Sending], sink: SinkLog) -> Api:
    """Everything that the judgement wants to know of the API."""
    api = Api()
    ids = [id_ for sending in sent for id_ in sending.ids]
    api.messages = await _each(port, key, ids)
    api.replays = await _again(port, key, sent)
    api.listed = await _pages(port, key, f"/v1/messages?limit={_PAGE}")
    api.events = await _events(port, key)
    api.ledger = await _pages(port, key, f"/v1/ledger?limit={_PAGE}")
    api.balance = (await call(port, "GET", "/v1/balance", key=key)).json()
    wanted = {event["id"] for event in api.events}

    def told() -> bool:
        sink.read()
        return wanted <= sink.ids

    with contextlib.suppress(TimeoutError):
        await until(told, _TOLD_S, "every event at the sink")
    return api


async def _each(port: int, key: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    async def read(part: Sequence[str]) -> None:
        connection = await Connection.open(port)
        for id_ in part:
            answer = await connection.ask(request("GET", f"/v1/messages/{id_}", headers=_bearer(key)))
            if answer.status == 200:
                found[id_] = answer.json()
        connection.close()

    await asyncio.gather(*(read(ids[reader::_READERS]) for reader in range(_READERS)))
    return found


async def _again(port: int, key: str, sent: Sequence[Sending], most: int = 20) -> list[tuple[str, str]]:
    """Acknowledged requests with a key, sent once more: the ids of both answers."""
    connection = await Connection.open(port)
    pairs: list[tuple[str, str]] = []
    for sending in [sending for sending in sent if sending.key and sending.ids][-most:]:
        answer = await connection.ask(sending.octets(key))
        again = re.findall(rb'"id":"(SM[0-9a-f]{32})"', answer.body)
        pairs.append((" ".join(sending.ids), b" ".join(again).decode() if again else f"status {answer.status}"))
    connection.close()
    return pairs


async def _pages(port: int, key: str, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await call(port, "GET", path + cursor, key=key)
        assert answer.status == 200, answer.body
        page = answer.json()
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


async def _events(port: int, key: str) -> list[dict[str, Any]]:
    """The event log, oldest first, without the senders of the set-up, which are older than the sink's endpoint; its
    cursor goes on for ever, so an empty page is the end."""
    rows: list[dict[str, Any]] = []
    after = ""
    while True:
        page = (await call(port, "GET", f"/v1/events?limit={_PAGE}{after}", key=key)).json()
        if not page["data"]:
            return rows
        rows += [each for each in page["data"] if each["type"] != "sender.created"]
        after = f"&after={page['next_cursor']}"


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
