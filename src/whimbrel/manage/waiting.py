"""What waits for its carrier: how much, and for how long, by carrier and class."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments
from whimbrel.domain.model import PRIORITY
from whimbrel.domain.turns import carrier_of
from whimbrel.manage.context import Context


class _Lane(msgspec.Struct, frozen=True):
    id: str


class _Waiting(msgspec.Struct, frozen=True):
    """Columns of `queue_class`."""

    count: int
    oldest: str | None

    def joined(self, other: "_Waiting | None") -> "_Waiting":
        """Both: a carrier's own lane, and those of numbers that wait for their turns there."""
        if other is None:
            return self
        return _Waiting(self.count + other.count, min(filter(None, (self.oldest, other.oldest)), default=None))


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    """Texts of one class that wait for one carrier."""

    carrier_id: str
    message_class: str = msgspec.field(name="class")
    waiting: Annotated[int, Meta(description=f"Counted up to {limits.QUEUE_COUNTED_MAX:,}.")]
    oldest_at: Annotated[
        str, Meta(description="When the oldest of those that come first was accepted, or fell due if that was later.")
    ]
    age_s: Annotated[float, Meta(description="For how long it has waited.")]


class Queue(msgspec.Struct, frozen=True):
    """All that waits; nothing where nothing does."""

    data: tuple[WaitingView, ...]


async def find(ctx: Context) -> Queue:
    """What waits now, by carrier and by class in the order in which they are served."""
    by_class: dict[tuple[str, str], _Waiting] = {}
    for lane in await ctx.store.fetch(_Lane, "queue_lanes"):
        for name, priority in PRIORITY.items():
            counted = await ctx.store.fetch(_Waiting, "queue_class", lane.id, priority, limits.QUEUE_COUNTED_MAX)
            key = (carrier_of(lane.id), name)
            by_class.update((key, each.joined(by_class.get(key))) for each in counted if each.count)
    found = [(*key, waiting) for key, waiting in by_class.items()]
    oldest = {each.id: each for each in await ctx.store.messages([waiting.oldest or "" for _, _, waiting in found])}
    now = ctx.clock.now_us()
    views: list[WaitingView] = []
    for lane_id, name, waiting in found:
        message = oldest.get(waiting.oldest or "")
        if message is None:
            continue  # it has just been sent
        since = max(message.created_at, message.due_at)
        age_s = round(max(0, now - since) / 1_000_000, 1)
        at = moments.to_text(since)
        views.append(
            WaitingView(carrier_id=lane_id, message_class=name, waiting=waiting.count, oldest_at=at, age_s=age_s)
        )
    return Queue(tuple(views))
