"""Streams of events to brokers: how each is doing, and setting one back to publish again what it had. They stand in the
settings and belong to the installation, so only operators reach this file.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.journey.follower import cursor
from whimbrel.journey.streams import StreamRow, cursor_name
from whimbrel.manage import audit, nodes
from whimbrel.manage.context import Context
from whimbrel.store.interface import Store, Write

_SLACK_US = 10 * SECOND_US  # events are logged when they are committed, and that is seconds later at most


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as an operator sees it."""

    name: str
    to: Annotated[str, Meta(description="Its brokers, and the stream or topic there.")]
    node: Annotated[str | None, Meta(description="The node that follows it; null: none does.")]
    state: Annotated[
        Literal["new", "up", "down"], Meta(description="`new`: it has not begun; `down`: its broker takes nothing.")
    ]
    error: Annotated[str | None, Meta(description="Why the broker takes nothing.")]
    since: Annotated[str | None, Meta(description="When the state began; null while it is `new`.")]
    lag_s: Annotated[float, Meta(description="Age of the oldest event that it has not looked at.")]
    caught_up_at: Annotated[str | None, Meta(description="When it had all there was.")]
    gaps: Annotated[int, Meta(description="How often events were purged before it had them.")]


class StreamList(msgspec.Struct, frozen=True):
    """All streams."""

    data: tuple[StreamView, ...]


class Rewind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a stream is to go back to."""

    to: Annotated[str, Meta(description="From when on events are published again (RFC 3339).")]


class _Bounds(msgspec.Struct, frozen=True):
    first: int
    last: int


async def find(ctx: Context) -> StreamList:
    """All streams of the settings, by name."""
    rows = {row.name: row for row in await ctx.store.fetch(StreamRow, "streams_all")}
    followers = await nodes.followers(ctx)
    return StreamList(tuple([await _view(ctx, name, rows.get(name), followers) for name in sorted(ctx.streams)]))


async def rewind(ctx: Context, actor: str, name: str, request: Rewind) -> StreamView:
    """Go back (or forward) to a moment; whoever follows the stream does so within seconds. `not_found`,
    `invalid_request`."""
    if name not in ctx.streams:
        raise WhimbrelError("not_found")
    try:
        at = moments.from_text(request.to)
    except ValueError:
        raise WhimbrelError(
            "invalid_request", errors=[FieldError("/to", "expected a moment such as 2027-01-15T08:00:00Z")]
        ) from None
    position = await _position_before(ctx.store, at - _SLACK_US)
    row = (cursor_name(name), position)
    await ctx.store.write(
        [
            Write("cursor_begin", (row,)),
            Write("stream_cursor_set", (row,)),
            Write("stream_rewound", ((name, at),)),
            audit.entry(ctx, actor, "stream.rewound", name, to=moments.to_text(at)),
        ]
    )
    rows = await ctx.store.fetch(StreamRow, "stream_by_name", name)
    return await _view(ctx, name, rows[0] if rows else None, await nodes.followers(ctx))


async def _view(ctx: Context, name: str, row: StreamRow | None, followers: Mapping[str, str]) -> StreamView:
    following = await ctx.store.events_after(await cursor(ctx.store, cursor_name(name)), 1) if row else ()
    lag_us = ctx.clock.now_us() - following[0].created_at if following else 0
    return StreamView(
        name=name,
        to=ctx.streams[name],
        node=followers.get(name),
        state=row.state if row else "new",
        error=row.error or None if row else None,
        since=moments.to_text(row.since) if row else None,
        lag_s=max(0, lag_us) / SECOND_US,
        caught_up_at=moments.to_text(row.caught_up_at) if row else None,
        gaps=row.gaps if row else 0,
    )


async def _position_before(store: Store, at: int) -> int:
    """The position of the last event before a moment. Positions have gaps, and there is no index by time: they are
    halved until one is left."""
    (bounds,) = await store.fetch(_Bounds, "events_bounds")
    low, high = bounds.first - 1, bounds.last
    while low < high:
        middle = (low + high) // 2
        following = await store.events_after(middle, 1)
        if following and following[0].created_at < at:
            low = following[0].position
        else:
            high = middle
    return max(0, low)
