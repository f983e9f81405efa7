"""Deliveries: what waits and what is dead at an endpoint, the tries, and three ways to send events again."""

import pytest

from whimbrel.base import ids, moments
from whimbrel.base.clock import SECOND_US
from whimbrel.manage import accounts, deliveries, opt_outs, webhooks
from whimbrel.manage.accounts import NewAccount
from whimbrel.manage.context import Paging
from whimbrel.manage.deliveries import ReplayOne, ReplaySpan
from whimbrel.manage.opt_outs import NewOptOut
from whimbrel.manage.webhooks import NewWebhook
from whimbrel.store.interface import Deliveries, Try, Wait

from .helpers import refused


@pytest.fixture
async def hook(ctx, account):
    request = NewWebhook(url="https://example.com/hook", events=("opt_out.created",))
    made = await webhooks.create(ctx, "KE1", request, account_id=account.id, test=False)
    return made.id


@pytest.fixture
def whose(account):
    return {"account_id": account.id, "test": False}


async def event_each_second(ctx, clock, account, count):
    """Opt-outs (and one opting in after each) at whole seconds; the time of the first."""
    start = clock.now_us()
    for number in range(count):
        request = NewOptOut(number=f"+4474001234{number:02d}")
        made = await opt_outs.create(ctx, "KE1", request, account_id=account.id)
        await opt_outs.delete(ctx, "KE1", made.id, account_id=account.id)
        clock.advance(1)
    return start


async def due(ctx):
    """The numbers of event and place in the log of what is due now."""
    return sorted(wait.event_position for wait in await ctx.store.fetch(Wait, "deliveries_due", ctx.clock.now_us(), 99))


def wait(ctx, hook, account, position, next_at):
    return Wait(
        id=ctx.ids.new(ids.DELIVERY),
        webhook_id=hook,
        account_id=account.id,
        event_position=position,
        event_id="EV1",
        event_type="opt_out.created",
        url="https://example.com/hook",
        format="event",
        tries=9,
        next_at=next_at,
        created_at=1,
        last_error="HTTP 500",
    )


async def test_a_span_is_sent_again_from_its_first_event_to_before_its_end(ctx, clock, account, hook, whose):
    start = await event_each_second(ctx, clock, account, 6)
    span = ReplaySpan(since=moments.to_text(start + SECOND_US), until=moments.to_text(start + 4 * SECOND_US))
    done = await deliveries.replay_span(ctx, "KE1", hook, span, **whose)
    assert (done.count, done.more_since) == (3, None)
    assert await due(ctx) == [3, 5, 7]  # positions of the second to fourth opt-out; the endpoint asks for no opt-in


@pytest.mark.parametrize(("first", "last", "count"), [(-9, -1, 0), (-9, 99, 6), (2.5, 3.5, 1), (5.5, 99, 0)])
async def test_spans_of_every_kind(ctx, clock, account, hook, whose, first, last, count):
    start = await event_each_second(ctx, clock, account, 6)
    since, until = (moments.to_text(start + int(second * SECOND_US)) for second in (first, last))
    done = await deliveries.replay_span(ctx, "KE1", hook, ReplaySpan(since=since, until=until), **whose)
    assert done.count == count
    assert len(await due(ctx)) == count


async def test_a_long_span_says_where_to_go_on(ctx, clock, account, hook, whose, monkeypatch):
    monkeypatch.setattr(deliveries, "REPLAY_MAX", 4)
    start = await event_each_second(ctx, clock, account, 6)
    until = moments.to_text(start + 60 * SECOND_US)
    first = await deliveries.replay_span(
        ctx, "KE1", hook, ReplaySpan(since=moments.to_text(start), until=until), **whose
    )
    assert first.count == 4
    rest = await deliveries.replay_span(ctx, "KE1", hook, ReplaySpan(since=first.more_since, until=until), **whose)
    assert (rest.count, rest.more_since) == (2, None)
    assert await due(ctx) == [1, 3, 5, 7, 9, 11]


@pytest.mark.parametrize(
    ("since", "until", "pointer"),
    [
        ("x", "2030-01-01T00:00:00Z", "/since"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00", "/until"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "/until"),
    ],
)
async def test_spans_that_are_none_are_refused(ctx, hook, whose, since, until, pointer):
    span = ReplaySpan(since=since, until=until)
    await refused(deliveries.replay_span(ctx, "KE1", hook, span, **whose), "invalid_request", pointer)


async def test_one_event_is_sent_again_also_when_the_endpoint_does_not_ask_for_it(ctx, clock, account, hook, whose):
    await event_each_second(ctx, clock, account, 2)
    event = (await ctx.store.events_after(3, 1))[0]
    assert event.type == "opt_out.deleted"
    request = ReplayOne(event_id=ids.event_id(event.subject_id, event.seq))
    assert (await deliveries.replay_one(ctx, "KE1", hook, request, **whose)).count == 1
    assert await due(ctx) == [event.position]


async def test_events_of_others_and_events_that_are_none_are_not_found(ctx, clock, account, hook, whose):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    await event_each_second(ctx, clock, other, 1)
    event = (await ctx.store.events_after(0, 1))[0]
    for text in (ids.event_id(event.subject_id, event.seq), "EV" + "0" * 32, "nonsense"):
        await refused(deliveries.replay_one(ctx, "KE1", hook, ReplayOne(event_id=text), **whose), "not_found")
    assert await due(ctx) == []


async def test_the_dead_begin_again(ctx, account, hook, whose):
    dead, waiting = wait(ctx, hook, account, 1, None), wait(ctx, hook, account, 2, ctx.clock.now_us() + 10**9)
    await ctx.store.record_deliveries(Deliveries(waits=(dead, waiting)))
    assert [row.id for row in (await deliveries.find(ctx, hook, **whose)).data] == [waiting.id, dead.id]
    (shown,) = (await deliveries.find(ctx, hook, state="dead", **whose)).data
    assert (shown.id, shown.state, shown.tries, shown.last_error) == (dead.id, "dead", 9, "HTTP 500")
    assert [row.id for row in (await deliveries.find(ctx, hook, state="waiting", **whose)).data] == [waiting.id]
    assert (await deliveries.replay_dead(ctx, "KE1", hook, **whose)).count == 1
    assert await due(ctx) == [1]
    (revived,) = [row for row in (await deliveries.find(ctx, hook, **whose)).data if row.id == dead.id]
    assert (revived.state, revived.tries) == ("waiting", 0)


async def test_what_waits_goes_with_its_endpoint(ctx, account, hook, whose):
    await ctx.store.record_deliveries(Deliveries(waits=(wait(ctx, hook, account, 1, 5),)))
    await webhooks.delete(ctx, "KE1", hook, **whose)
    assert await due(ctx) == []


async def test_a_disabled_endpoint_replays_nothing(ctx, hook, whose):
    await webhooks.disable(ctx, "KE1", hook, **whose)
    await refused(deliveries.replay_dead(ctx, "KE1", hook, **whose), "conflict")


async def test_tries_are_there_to_look_at_by_pages(ctx, account, hook, whose):
    made = tuple(
        Try(None, hook, account.id, 1, "EV1", "opt_out.created", n, 5, 7, 500, "HTTP 500", "no", False)
        for n in (1, 2, 3)
    )
    await ctx.store.record_deliveries(Deliveries(tries=made))
    first = await deliveries.tries(ctx, hook, paging=Paging(limit=2), **whose)
    rest = await deliveries.tries(ctx, hook, paging=Paging(limit=2, cursor=first.next_cursor), **whose)
    assert [row.number for row in (*first.data, *rest.data)] == [3, 2, 1]
    assert (first.data[0].status, first.data[0].answer, first.data[0].ok) == (500, "no", False)


async def test_deliveries_of_others_are_not_found(ctx, hook):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    await refused(deliveries.find(ctx, hook, account_id=other.id, test=False), "not_found")
    await refused(deliveries.tries(ctx, hook, account_id=other.id, test=False), "not_found")
