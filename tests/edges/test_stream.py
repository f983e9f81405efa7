"""The live stream: events as they happen, resumed where a client left off, bounded, and pinged."""

import asyncio
import time
from contextlib import asynccontextmanager

import msgspec
import pytest

from whimbrel.base.errors import WhimbrelError
from whimbrel.config import Limits
from whimbrel.edges.shared import cursors, sse
from whimbrel.store.interface import Write

from .edge_rig import running_edge, until


@asynccontextmanager
async def following(edge, query="", *, key=None, last_id=None):
    """An open stream; gives the response."""
    headers = {"Authorization": f"Bearer {key or edge.customer.live}"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    async with edge.http.get(f"{edge.url}/v1/stream{query}", headers=headers) as response:
        assert response.status == 200, await response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        await response.content.readuntil(b"retry: 2000\n\n")
        yield response


async def take(response, count):
    """The next events as (id, type)."""
    found = []
    async with asyncio.timeout(30):
        while len(found) < count:
            frame = (await response.content.readuntil(b"\n\n")).decode()
            if frame.startswith("id: "):
                identity, data = frame.strip().split("\n")
                found.append((identity[4:], msgspec.json.decode(data.removeprefix("data: "))["type"]))
    return found


LIFE = [f"message.{state}" for state in ("queued", "sending", "sent", "delivered")]


async def test_events_come_as_they_happen_and_go_on_where_the_client_left(edge):
    async with following(edge) as response:
        await edge.send()
        first = await take(response, 4)
        assert [kind for _, kind in first] == LIFE
    async with following(edge, last_id=first[1][0]) as response:
        assert await take(response, 2) == first[2:]
        await edge.send()
        assert [kind for _, kind in await take(response, 4)] == LIFE
    async with following(edge, f"?after={first[2][0]}&types=message.delivered") as response:
        assert [kind for _, kind in await take(response, 2)] == ["message.delivered"] * 2


async def test_a_stream_shows_one_account_and_one_mode(edge):
    stranger = await edge.new_customer("Stranger")
    await edge.give_sender(stranger.id, "Stranger")
    async with following(edge, "?types=message.queued") as response:
        await edge.send(key=stranger.live)
        await edge.send(key=edge.customer.test)
        mine = (await edge.send()).json["id"]
        frame = await response.content.readuntil(b"\n\n")
        assert msgspec.json.decode(frame.decode().partition("data: ")[2])["message_id"] == mine


async def test_a_stream_from_an_old_place_passes_over_the_crowd_and_lets_others_run(edge):
    stranger = (await edge.new_customer("Stranger")).id
    rows = tuple((stranger, 0, f"OO{n:032x}", 1, "opt_out.created", "{}", 0, n) for n in range(20_000))
    await edge.app.store.write([Write("event_insert", rows)])
    mine = (await edge.send()).json["id"]
    longest = 0.0

    async def watch():
        nonlocal longest
        while True:
            before = time.thread_time()  # a process that is not given its turn has taken none from others
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    watching = asyncio.create_task(watch())
    async with following(edge, last_id=cursors.encode(0)) as response:
        frames = [await response.content.readuntil(b"\n\n") for _ in range(2)]
    watching.cancel()
    told = [msgspec.json.decode(frame.decode().partition("data: ")[2]) for frame in frames]
    assert [(each["type"], each["message_id"]) for each in told] == [("sender.created", None), ("message.queued", mine)]
    assert longest < 0.5  # twenty reads; the loop had its turn between them


async def test_an_account_has_so_many_streams(tmp_path):
    async with running_edge(tmp_path, limits=Limits(streams_per_account=2)) as edge:
        async with following(edge), following(edge):
            answer = await edge.get("/v1/stream")
            assert (answer.status, answer.code) == (429, "too_many_streams")
        assert await until(lambda: opens(edge))
        assert (await edge.ask("HEAD", "/v1/stream")).status == 405


async def opens(edge):
    """The places of clients that left are free again."""
    headers = {"Authorization": f"Bearer {edge.customer.live}"}
    async with edge.http.get(f"{edge.url}/v1/stream", headers=headers) as response:
        return response.status == 200


async def test_a_quiet_stream_is_pinged_and_a_cut_one_ends():
    """Without a server: what is sent, by a feed that says nothing, then one thing, then cuts."""
    speak, cut, sent = asyncio.Event(), asyncio.Event(), []

    async def feed():
        await speak.wait()
        yield 7, b'{"type":"x"}'
        await cut.wait()

    async def send(event):
        sent.append(event.get("body"))
        if event.get("body") == b": ping\n\n":
            speak.set()
        if event.get("body", b"").startswith(b"id: "):
            cut.set()

    async def receive():
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        await sse.stream(feed(), [], receive, send, ping_s=0.01)
    bodies = [body for body in sent if body is not None]
    assert bodies[:2] == [b"retry: 2000\n\n", b": ping\n\n"]
    assert b'id: %b\ndata: {"type":"x"}\n\n' % cursors.encode(7).encode() in bodies
    assert bodies[-1] == b""


async def test_a_client_that_leaves_lets_the_feed_go():
    left = asyncio.Event()

    async def feed():
        try:
            await asyncio.Event().wait()
            yield 1, b""
        finally:
            left.set()

    async def send(event):
        pass

    async def receive():
        return {"type": "http.disconnect"}

    async with asyncio.timeout(30):
        await sse.stream(feed(), [], receive, send, ping_s=60)
    assert left.is_set()


@pytest.mark.parametrize("place", [0, 1, 2**62])
@pytest.mark.parametrize("cell", ["", "eu"])
def test_cursors_there_and_back(place, cell):
    assert cursors.decode_position(cursors.encode_position(place, cell), cell) == place
    assert cursors.decode_position(cursors.encode(place), cell) == place  # of before it was called a cell


def test_a_cursor_of_another_cell_says_nothing_here():
    with pytest.raises(WhimbrelError, match="before the account moved"):
        cursors.decode_position(cursors.encode_position(7, "eu"), "us")
