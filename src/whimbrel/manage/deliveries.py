"""What became of events at an endpoint, and sending them again. A row is kept only for what waits for another try or
is dead; every try is kept for a while, to look at. Replay makes waiting rows that are due at once, so what is replayed
is retried like everything else.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.events import Interest, types_of
from whimbrel.domain.model import Event, Webhook
from whimbrel.manage import audit, webhooks
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, after_position, commit, page
from whimbrel.store.interface import Wait, Write
from whimbrel.store.rows import to_columns

REPLAY_MAX = 10_000  # events of one replay: a commit of a tenth of a second
_READ = 1000
_SCAN_MAX = 200  # reads of one replay; the answer says from where to go on
_SUBJECTS = (ids.MESSAGE, ids.OPT_OUT, ids.WEBHOOK)

State = Literal["waiting", "dead"]


class TryRow(msgspec.Struct, frozen=True, gc=False):
    """A row of the `delivery_tries` table."""

    position: int
    delivery_id: str | None
    webhook_id: str | None
    account_id: str
    event_position: int
    event_id: str
    event_type: str
    number: int
    at: int
    latency_ms: int
    status: int | None
    error: str | None
    answer: str
    ok: bool


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """An event that an endpoint has not taken: it waits for another try, or is dead after three days of them."""

    id: str
    webhook_id: str
    event_id: str
    event_type: str
    state: State
    tries: int
    next_at: str | None
    last_error: str
    created_at: str


class TryView(msgspec.Struct, frozen=True, kw_only=True):
    """One POST. `status` None: no answer came, `error` says why. `answer`: the first characters of a refusal."""

    event_id: str
    event_type: str
    number: int
    at: str
    latency_ms: int
    status: int | None
    error: str | None
    answer: str
    ok: bool


class MessageTry(TryView, frozen=True, kw_only=True):
    """One POST about a message. `webhook_id` None: it went to the message's own `callback_url`."""

    webhook_id: str | None


class MessageWait(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a message that an endpoint has not taken; `webhook_id` as in a POST."""

    webhook_id: str | None
    event_id: str
    event_type: str
    state: State
    tries: int
    next_at: str | None
    last_error: str


class MessageDeliveries(msgspec.Struct, frozen=True):
    """What webhooks were told about a message: the POSTs in their order, and what waits for another one or is dead."""

    data: tuple[MessageTry, ...]
    waiting: tuple[MessageWait, ...]


class ReplayOne(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send one event again."""

    event_id: str


class ReplaySpan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send again the events of a span of time (RFC 3339, `until` excluded) that the endpoint asks for."""

    since: str
    until: str


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How many events are sent again. `more_since`: the span held more than one replay takes; go on from there."""

    count: int
    more_since: str | None = None


# ---------------------------------------------------------------- looking


async def find(
    ctx: Context,
    webhook_id: str,
    *,
    account_id: str,
    test: bool,
    state: State | None = None,
    paging: Paging = FIRST_PAGE,
) -> Page[DeliveryView]:
    """What an endpoint has not taken, newest first; all of it, or only what waits or is dead."""
    await webhooks.existing(ctx, webhook_id, account_id, test)
    params = (webhook_id, state or "", after(paging), paging.limit + 1)
    statement = paging.of("deliveries_page", "deliveries_page_oldest")
    return page(await ctx.store.report(account_id, Wait, statement, *params), paging, _view, lambda row: row.id)


async def tries(
    ctx: Context, webhook_id: str, *, account_id: str, test: bool, paging: Paging = FIRST_PAGE
) -> Page[TryView]:
    """The POSTs to an endpoint, newest first."""
    await webhooks.existing(ctx, webhook_id, account_id, test)
    params = (webhook_id, after_position(paging), paging.limit + 1)
    statement = paging.of("delivery_tries_page", "delivery_tries_page_oldest")
    rows = await ctx.store.report(account_id, TryRow, statement, *params)
    return page(rows, paging, _try_view, lambda row: row.position)


async def of_events(ctx: Context, events: Sequence[Event], *, account_id: str) -> MessageDeliveries:
    """What webhooks were told of these events of an account."""
    positions = [event.position for event in events]
    rows = await ctx.store.report(account_id, TryRow, "delivery_tries_of_events", account_id, positions)
    waits = await ctx.store.report(account_id, Wait, "deliveries_of_events", account_id, positions)
    told = tuple(MessageTry(**msgspec.structs.asdict(_try_view(row)), webhook_id=row.webhook_id) for row in rows)
    waiting = tuple(
        MessageWait(
            webhook_id=wait.webhook_id,
            event_id=wait.event_id,
            event_type=wait.event_type,
            state=_state(wait),
            tries=wait.tries,
            next_at=moments.to_text_or_none(wait.next_at),
            last_error=wait.last_error,
        )
        for wait in waits
    )
    return MessageDeliveries(told, waiting)


# ---------------------------------------------------------------- sending again


async def replay_one(
    ctx: Context, actor: str, webhook_id: str, request: ReplayOne, *, account_id: str, test: bool
) -> Replayed:
    """Send one event of the account again, also one that the endpoint does not ask for; `not_found`."""
    webhook = await _replayable(ctx, webhook_id, account_id, test)
    if not ids.is_id(request.event_id, ids.EVENT):
        raise WhimbrelError("not_found", "There is no such event.")
    places = [ids.event_place(request.event_id, prefix) for prefix in _SUBJECTS]
    subjects, seq = [subject for subject, _ in places], places[0][1]
    events = await ctx.store.fetch(Event, "events_by_place", account_id, int(test), subjects, seq)
    if not events:
        raise WhimbrelError("not_found", "There is no such event, or it is older than events are kept.")
    entry = audit.entry(ctx, actor, "webhook.replayed", webhook_id, account_id, event_id=request.event_id)
    await commit(ctx, [_waits(ctx, webhook, events[:1]), entry])
    return Replayed(count=1)


async def replay_span(
    ctx: Context, actor: str, webhook_id: str, request: ReplaySpan, *, account_id: str, test: bool
) -> Replayed:
    """Send the events of a span again, at most 10,000 a call."""
    since, until = _span(request)
    webhook = await _replayable(ctx, webhook_id, account_id, test)
    events, more = await _events(ctx, webhook, since, until)
    detail = {"since": request.since, "until": request.until, "count": len(events)}
    entry = audit.entry(ctx, actor, "webhook.replayed", webhook_id, account_id, **detail)
    await commit(ctx, [_waits(ctx, webhook, events), entry])
    return Replayed(count=len(events), more_since=moments.to_text_or_none(more))


async def replay_dead(ctx: Context, actor: str, webhook_id: str, *, account_id: str, test: bool) -> Replayed:
    """Try everything again that is dead, for three more days."""
    await _replayable(ctx, webhook_id, account_id, test)
    entry = audit.entry(ctx, actor, "webhook.dead_replayed", webhook_id, account_id)
    changed = await commit(ctx, [Write("deliveries_revive", ((webhook_id, ctx.clock.now_us()),)), entry])
    return Replayed(count=changed[0])


# ---------------------------------------------------------------- parts of them


async def _replayable(ctx: Context, webhook_id: str, account_id: str, test: bool) -> Webhook:
    webhook = await webhooks.existing(ctx, webhook_id, account_id, test)
    if webhook.status != "active":
        raise WhimbrelError("conflict", "The endpoint is disabled; enable it first.")
    return webhook


def _span(request: ReplaySpan) -> tuple[int, int]:
    checks = Checks()
    found: list[int] = []
    for pointer, text in (("/since", request.since), ("/until", request.until)):
        try:
            found.append(moments.from_text(text))
        except ValueError:
            checks.require(False, pointer, "must be a moment with a time zone, such as 2030-01-31T12:00:00Z")
    checks.require(len(found) < 2 or found[0] < found[1], "/until", "must be after `since`")
    checks.done()
    return found[0], found[1]


async def _events(ctx: Context, webhook: Webhook, since: int, until: int) -> tuple[list[Event], int | None]:
    """The endpoint's events of a span, and the time from which on there may be more."""
    place, end = await _last_before(ctx, since), await _last_before(ctx, until)
    found: list[Event] = []
    interest = Interest(webhook.account_id, webhook.test, types_of(webhook.events))
    for _ in range(_SCAN_MAX):
        part = await ctx.store.account_events(interest, place, _READ)
        found += [each for each in part.events if each.position <= end]
        if len(found) > REPLAY_MAX:
            return found[:REPLAY_MAX], found[REPLAY_MAX].created_at
        place = part.reached
        if place >= end:
            return found, None
    following = await ctx.store.events_after(place, 1)
    return found, following[0].created_at if following else None


async def _last_before(ctx: Context, at_us: int) -> int:
    """The position of the last event before a time, by halving: the log is in commit order and has no index by time."""
    low, high = 0, await ctx.store.last_position()
    while low < high:
        middle = (low + high + 1) // 2
        events = await ctx.store.events_after(middle - 1, 1)
        if events and events[0].created_at < at_us:
            low = max(middle, events[0].position)
        else:
            high = middle - 1
    return low


def _waits(ctx: Context, webhook: Webhook, events: Sequence[Event]) -> Write:
    now = ctx.clock.now_us()
    waits = [
        Wait(
            id=ctx.ids.new(ids.DELIVERY),
            webhook_id=webhook.id,
            account_id=webhook.account_id,
            event_position=event.position,
            event_id=ids.event_id(event.subject_id, event.seq),
            event_type=event.type,
            url=webhook.url,
            format="event",
            tries=0,
            next_at=now,
            created_at=now,
            last_error="",
        )
        for event in events
    ]
    return Write("delivery_put", tuple(to_columns(wait) for wait in waits))


def _state(row: Wait) -> State:
    return "dead" if row.next_at is None else "waiting"


def _view(row: Wait) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        webhook_id=row.webhook_id or "",
        event_id=row.event_id,
        event_type=row.event_type,
        state=_state(row),
        tries=row.tries,
        next_at=moments.to_text_or_none(row.next_at),
        last_error=row.last_error,
        created_at=moments.to_text(row.created_at),
    )


def _try_view(row: TryRow) -> TryView:
    return TryView(
        event_id=row.event_id,
        event_type=row.event_type,
        number=row.number,
        at=moments.to_text(row.at),
        latency_ms=row.latency_ms,
        status=row.status,
        error=row.error,
        answer=row.answer,
        ok=row.ok,
    )
