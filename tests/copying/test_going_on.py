"""The product on a copy: it starts, sends what waited and what comes, and tells nobody anything a second time."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from tests.cli.product import Node, ask, invoke, quickstart, until
from tests.journey.sink import Sink, listening


def send(node: Node, count: int) -> list[str]:
    """Ids of so many texts."""
    to = [{"to": f"+1415555{number:04}", "text": f"Text {number}"} for number in range(count)]
    answers = [node.ask("POST", "/v1/messages", body) for body in to]
    assert [answer.status for answer in answers] == [202] * count
    return [answer.json["id"] for answer in answers]


def delivered(node: Node, ids: list[str]) -> None:
    for id_ in ids:
        until(lambda id_=id_: node.get(f"/v1/messages/{id_}")["status"] == "delivered", what=f"{id_} is delivered")


def carrier(node: Node) -> dict[str, Any]:
    """How the only carrier is."""
    (found,) = node.get("/v1/carriers/health", key=node.given["operator_key"])["data"]
    return found


def events_after(node: Node, cursor: str) -> tuple[list[dict[str, Any]], str]:
    """Events of texts behind a cursor, and the cursor of the last one."""
    found: list[dict[str, Any]] = []
    while True:
        page = node.get(f"/v1/events?limit=1000{f'&after={cursor}' if cursor else ''}")
        if not page["data"] and page["next_cursor"] == cursor:
            return [event for event in found if event["type"].startswith("message.")], cursor
        found += page["data"]
        cursor = page["next_cursor"]


def ends(node: Node, cursor: str) -> set[str]:
    """Texts that were delivered, as the log tells it to those who follow it: on PostgreSQL a moment after the rows."""
    events, _ = events_after(node, cursor)
    return {event["message_id"] for event in events if event["type"] == "message.delivered"}


def told(sink: Sink) -> Counter[str]:
    """How often each event came to the endpoint."""
    return Counter(post.headers["webhook-id"] for post in sink.posts)


def on_the_source(folder: Path, sink: Sink) -> tuple[list[str], list[dict[str, Any]], str]:
    """Texts that are delivered, and some that wait for a carrier that is away; the latter's ids, all events, and the
    cursor of the last one."""
    with quickstart(folder) as node:
        made = node.ask("POST", "/v1/webhooks", {"url": sink.url, "events": ["message.*"]})
        assert made.status == 201, made.body
        delivered(node, send(node, 20))
        ask("POST", node.given["simulator_http_url"] + "/behaviour", {"refuse_binds": 13, "drop": True})
        until(lambda: not carrier(node)["health"]["binds_up"], what="no bind is up")
        waiting = send(node, 5)
        events, cursor = events_after(node, "")
        until(lambda: told(sink).keys() >= {event["id"] for event in events}, what="all events are told")
        assert node.end() == 0
    return waiting, events, cursor


def on_the_copy(folder: Path, url: str, waiting: list[str], cursor: str, sink: Sink) -> list[dict[str, Any]]:
    """The same texts delivered, and new ones; the events behind the cursor."""
    with quickstart(folder, "--database", url) as node:
        delivered(node, waiting)
        new = send(node, 10)
        delivered(node, new)
        until(lambda: ends(node, cursor) == {*waiting, *new}, what="the log tells of all of them")
        events, _ = events_after(node, cursor)
        until(lambda: told(sink).keys() >= {event["id"] for event in events}, what="the new events are told")
        assert node.end() == 0
    return events


async def test_texts_that_waited_are_sent_and_webhooks_hear_nothing_twice(tmp_path: Path, empty_postgres: str):
    async with listening() as sink:
        waiting, before, cursor = await asyncio.to_thread(on_the_source, tmp_path, sink)
        source = f"sqlite:///{tmp_path}/data/whimbrel.db"
        copied = await asyncio.to_thread(invoke, "copy", "--from", source, "--to", empty_postgres)
        assert copied.code == 0, copied.err
        after = await asyncio.to_thread(on_the_copy, tmp_path, empty_postgres, waiting, cursor, sink)
    assert [event for event in after if event["id"] in {each["id"] for each in before}] == []
    seen: dict[str, list[int]] = {}
    for event in before + after:
        seen.setdefault(event["message_id"], []).append(event["seq"])
    assert len(seen) == 35
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.values())
    assert told(sink) == Counter(event["id"] for event in before + after)
