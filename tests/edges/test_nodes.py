"""What is changed at one node holds at the other: what must at its next request, all else within two seconds."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.edges.edge_rig import ACTOR, NUMBER, Edge, until
from tests.edges.nodes import Held, Nodes, two_nodes
from tests.edges.smpp.customer import Door, esme
from tests.whole_log import whole_log
from whimbrel.base.clock import HOUR_US, SECOND_US, DatabaseClock, SystemClock
from whimbrel.base.moments import from_text, to_text
from whimbrel.codec.smpp.session import SessionError
from whimbrel.codec.smpp.statuses import Status
from whimbrel.domain.model import Message
from whimbrel.domain.numbers import normalise
from whimbrel.journey import following
from whimbrel.manage import accounts, carriers, keys, opt_outs, prices, routes, senders, webhooks
from whimbrel.store import cluster
from whimbrel.store.interface import Stored
from whimbrel_sandbox.settings import Change

WITHIN_S = 2.0
LOOKS = WITHIN_S // following._LOOK_S
FORM = {"To": NUMBER, "From": "+12025550100", "Body": "Hello"}


class OffClock(SystemClock):
    """A machine's clock that is off."""

    def __init__(self, by_us: int) -> None:
        self._by_us = by_us

    def now_us(self) -> int:
        return super().now_us() + self._by_us


class Looks:
    """A node's looks at what is configured: one every second, however long a second and its look take."""

    def __init__(self, edge: Edge) -> None:
        self._left, self._go_on, self._versions = math.inf, asyncio.Event(), edge.app.store.versions
        edge.app.store.versions = self._looked  # type: ignore[method-assign]

    async def _looked(self) -> Any:
        if self._left <= 0:
            await self._go_on.wait()
        self._left -= 1
        return await self._versions()

    async def until(self, condition: Callable[[], Any]) -> None:
        """It is so by the looks of two seconds: a further one waits for it."""
        self._left, self._go_on = LOOKS, asyncio.Event()
        await until(condition)
        self._left = math.inf
        self._go_on.set()


BOTH = pytest.mark.parametrize("place", ["postgresql", "sqlite"])


@pytest.fixture
def place() -> str:
    """Where the two nodes keep their state, unless a test is for both."""
    return "postgresql"


@pytest.fixture
def url(request: pytest.FixtureRequest, place: str) -> str:
    """Of a PostgreSQL; empty for a file."""
    return request.getfixturevalue("postgres") if place == "postgresql" else ""


@pytest.fixture
async def nodes(tmp_path: Path, url: str) -> AsyncIterator[Nodes]:
    async with two_nodes(tmp_path, url) as made:
        yield made


@pytest.fixture
async def deaf(tmp_path: Path, url: str) -> AsyncIterator[Nodes]:
    """Of whom none hears the other."""
    async with two_nodes(tmp_path, url, deaf=True) as made:
        yield made


async def key_id_of(nodes: Nodes, secret: str) -> str:
    return nodes.here.app.tables.keys[keys.digest(secret)].id


async def revoke(nodes: Nodes) -> None:
    """Revoke the customer's live key at `here`."""
    key_id = await key_id_of(nodes, nodes.here.customer.live)
    await keys.revoke(nodes.here.app.manage, ACTOR, key_id, account_id=nodes.here.customer.id)


async def suspend(nodes: Nodes) -> None:
    await accounts.suspend(nodes.here.app.manage, ACTOR, nodes.here.customer.id)


async def stop(nodes: Nodes) -> None:
    """The number opts out at `here`."""
    request = opt_outs.NewOptOut(number=NUMBER)
    await opt_outs.create(nodes.here.app.manage, ACTOR, request, account_id=nodes.here.customer.id)


async def stored(nodes: Nodes) -> list[Message]:
    events = await whole_log(nodes.here.app.store, nodes.here.customer.id)
    return await nodes.here.app.store.messages([e.subject_id for e in events if e.type == "message.queued"])


async def twilio(nodes: Nodes) -> tuple[int, Any]:
    """POST Messages.json at `there`, by the customer's live key."""
    edge = nodes.there
    url = f"{edge.url}/2010-04-01/Accounts/{edge.customer.id}/Messages.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(edge.customer.id, edge.customer.live)}
    async with edge.http.post(url, data=FORM, headers=headers) as response:
        return response.status, await response.json()


@BOTH
async def test_a_revoked_key_fails_at_the_next_request_at_the_other_node(deaf: Nodes):
    edge = deaf.there
    assert (await edge.send()).status == 202
    assert (await edge.get("/v1/messages")).status == 200
    assert (await twilio(deaf))[0] == 201
    await revoke(deaf)
    assert (await edge.send()).status == 401
    assert len(await stored(deaf)) == 2


@pytest.mark.parametrize("way", ["get", "twilio", "batch", "explain", "keyed"])
async def test_so_does_every_other_first_request(deaf: Nodes, way: str):
    edge = deaf.there
    same = {"headers": {"Idempotency-Key": "one"}}
    assert (await edge.send(**same)).status == 202
    await revoke(deaf)
    message = {"to": NUMBER, "text": "Hello"}
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "get": lambda: edge.get("/v1/messages"),
        "batch": lambda: edge.post("/v1/messages/batch", {"messages": [message]}),
        "explain": lambda: edge.post("/v1/messages/explain", message),
        "keyed": lambda: edge.send(**same),  # stored before, and not told to whom it may not be told any more
    }
    if way == "twilio":
        assert (await twilio(deaf))[0] == 401
    else:
        assert (await asked[way]()).status == 401
    assert len(await stored(deaf)) == 1


@BOTH
@pytest.mark.parametrize(("change", "status"), [(revoke, 401), (suspend, 403), (stop, 422)])
async def test_what_is_changed_while_accept_is_under_way_holds_for_it(
    deaf: Nodes, change: Callable[[Nodes], Awaitable[None]], status: int
):
    """The plan was made before the change, and its commit comes after it."""
    edge = deaf.there
    with Held(edge, "accept") as held:
        sending = asyncio.ensure_future(edge.send())
        await held.came.wait()
        await change(deaf)
        held.go_on()
        answer = await sending
    assert answer.status == status
    assert await stored(deaf) == []
    assert not edge.simulator.network.phones.read(NUMBER.lstrip("+"))


@pytest.mark.parametrize("change", [revoke, suspend])
async def test_an_open_stream_of_who_may_follow_no_more_ends(deaf: Nodes, change: Callable[[Nodes], Awaitable[None]]):
    edge = deaf.there
    headers = {"Authorization": f"Bearer {edge.customer.live}"}
    async with edge.http.get(f"{edge.url}/v1/stream", headers=headers) as response:
        assert response.status == 200
        looks = Looks(edge)
        ended = asyncio.ensure_future(response.content.read())
        await change(deaf)
        await looks.until(ended.done)
        await ended
    assert (await edge.get("/v1/stream")).status in (401, 403)


@pytest.mark.parametrize(("change", "status"), [(revoke, 401), (suspend, 403)])
async def test_who_was_let_in_before_the_change_was_known_and_waits_for_a_commit_after_it_is_refused(
    deaf: Nodes, change: Callable[[Nodes], Awaitable[None]], status: int
):
    """The plan is made after the change, and who asks was looked at before."""
    edge = deaf.there
    waiting = edge.app.accept._gatherer
    waiting._overlap = 0  # as while commits are under way
    sending = asyncio.ensure_future(edge.send())
    await until(lambda: waiting._takers)
    await change(deaf)
    await edge.app.tables.current()
    waiting._overlap = 2
    waiting._launch()
    assert (await sending).status == status
    assert await stored(deaf) == []


async def test_who_may_still_send_is_not_refused_with_the_others_of_the_list(deaf: Nodes):
    edge = deaf.there
    second = await deaf.here.new_key(edge.customer.id, ("messages:write",))
    await edge.app.tables.current()
    waiting = edge.app.accept._gatherer
    waiting._overlap = 0  # as while commits are under way
    with Held(edge, "accept") as held:
        sending = [asyncio.ensure_future(edge.send(key=key)) for key in (edge.customer.live, second) * 3]
        await until(lambda: len(waiting._takers) == len(sending))
        waiting._overlap = 2
        waiting._launch()
        await held.came.wait()
        await revoke(deaf)
        held.go_on()
        answers = await asyncio.gather(*sending)
    assert [answer.status for answer in answers] == [401, 202] * 3
    assert b"whimbrel_planned_again_total 1.0" in (await edge.get("/metrics", key="")).body
    assert len(await stored(deaf)) == 3


@BOTH
async def test_a_stop_wins_over_what_waits_in_the_lane_of_another_node(deaf: Nodes):
    """The lane has decided before the STOP, and its claim commits after it."""
    here, owner, other = deaf.here, deaf.owner, deaf.other
    with Held(owner, "claim") as held:
        answer = await other.send()
        assert answer.status == 202
        await held.came.wait()
        await stop(deaf)
        held.go_on()
    message_id = answer.json["id"]

    async def ended() -> Message | None:
        (message,) = await here.app.store.messages([message_id])
        return message if message.state == "rejected" else None

    message = await until(ended)
    assert message.reason == "opted_out"
    assert not here.simulator.network.phones.read(NUMBER.lstrip("+"))


async def test_who_opted_in_again_at_another_node_is_not_refused(deaf: Nodes):
    here, there = deaf.here, deaf.there
    await stop(deaf)
    assert (await there.send()).status == 422
    (opted_out,) = (await opt_outs.find(here.app.manage, account_id=here.customer.id)).data
    await opt_outs.delete(here.app.manage, ACTOR, opted_out.id, account_id=here.customer.id)
    answer = await there.send()
    assert answer.status == 202

    async def delivered() -> bool:
        (message,) = await here.app.store.messages([answer.json["id"]])
        assert message.state != "rejected"
        return message.state == "delivered"

    await until(delivered)


@BOTH
async def test_everything_configured_is_in_force_elsewhere_within_two_seconds(deaf: Nodes):
    """Though no signal arrives. Each change is one commit, made as soon as the one before is in force."""
    here, there = deaf.here, deaf.there
    ctx, account_id, tables = here.app.manage, here.customer.id, there.app.tables
    (carrier_id,) = tables.carriers
    british = normalise("+447400123456")
    assert british is not None
    hook = webhooks.NewWebhook(url="http://127.0.0.1:9/", events=("*",))
    sender = senders.NewSender(value="+12025550199")
    changes: dict[str, tuple[Callable[[], Awaitable[Any]], Callable[[], Any]]] = {
        "price": (
            lambda: prices.put(ctx, ACTOR, prices.NewPrice(prefix="1", price="0.5")),
            lambda: tables.prices.price(account_id, NUMBER[1:], 1)[0] == 500_000,
        ),
        "route": (
            lambda: routes.create(ctx, ACTOR, routes.NewRoute(carriers=(carrier_id,), prefix="44", position=1)),
            lambda: tables.router.candidates(british, account_id, False).route_id != whole_world,
        ),
        "webhook": (
            lambda: webhooks.create(ctx, ACTOR, hook, account_id=account_id, test=False),
            lambda: tables.webhooks.get(account_id),
        ),
        "opt-out": (lambda: stop(deaf), lambda: tables.opt_outs.get(account_id)),
        "sender": (
            lambda: senders.create(ctx, ACTOR, sender, account_id=account_id),
            lambda: "12025550199" in tables.senders_by_value,
        ),
        "account": (lambda: suspend(deaf), lambda: tables.accounts[account_id].status == "suspended"),
        "carrier": (
            lambda: carriers.pause(ctx, ACTOR, carrier_id),
            lambda: tables.carriers[carrier_id].status == "paused" and not there.app.worker.health(),
        ),
    }
    whole_world = tables.router.candidates(british, account_id, False).route_id
    looks = Looks(there)
    for name, (change, in_force) in changes.items():
        assert not in_force(), name
        await change()
        await looks.until(in_force)


@BOTH
async def test_a_signal_shortens_the_wait(nodes: Nodes, monkeypatch: pytest.MonkeyPatch):
    here, there = nodes.here, nodes.there
    monkeypatch.setattr(following, "_LOOK_S", 3600.0)
    for price in range(1, 7):  # the first may still be seen by a look that no signal caused: it waited for a second
        before = there.app.tables.prices
        await prices.put(here.app.manage, ACTOR, prices.NewPrice(prefix="", price=f"0.{price}"))
        await until(lambda before=before: there.app.tables.prices is not before)


@pytest.mark.ci
async def test_a_node_whose_machine_is_an_hour_off_schedules_expires_and_leases_as_the_others(
    tmp_path: Path, postgres: str
):
    """`there` believes that it is an hour earlier, and whichever node has the carrier and the duties acts for both."""
    slow = DatabaseClock(OffClock(-HOUR_US))
    async with two_nodes(tmp_path, postgres, clocks=(None, slow)) as nodes:
        edge, right = nodes.there, SystemClock()
        before = right.now_us()
        due = before + 2 * SECOND_US
        sent = await edge.send(send_at=to_text(due))
        assert sent.status == 202
        assert before - 2 * SECOND_US < from_text(sent.json["created_at"]) < right.now_us() + 2 * SECOND_US

        async def became(answer: Any, state: str) -> Message | None:
            (found,) = await edge.app.store.messages([answer.json["id"]])
            return found if found.state == state else None

        message = await until(lambda: became(sent, "delivered"))
        assert due <= message.sent_at < right.now_us() + 2 * SECOND_US
        edge.simulator.center.change(Change(refuse_binds=10_000, drop=True))
        short = await edge.send(validity=5)
        assert short.status == 202

        gone = await until(lambda: became(short, "expired"))
        assert gone.expires_at <= gone.final_at < right.now_us() + 2 * SECOND_US

        async def both_are_alive() -> bool:
            return len(await cluster.nodes(edge.app.store, right.now_us())) == 2

        await until(both_are_alive)  # a beat that is late makes one dead until it joins anew


async def test_a_suspended_credential_sends_nothing_more_at_the_other_node_and_is_unbound(deaf: Nodes):
    here, there = Door(deaf.here), Door(deaf.there)
    here.credential_id = await here.credential()
    async with there.bound() as bound:
        assert (await bound.submit()).status == 0
        looks = Looks(deaf.there)
        await here.change(status="suspended")
        with contextlib.suppress(SessionError, asyncio.CancelledError):  # the bind has ended, or ends before the answer
            assert (await bound.submit()).status != 0
        await looks.until(lambda: bound.closed)
    async with esme(there.port) as again:
        assert (await again.bind()).status == Status.ESME_RBINDFAIL
    assert len(await stored(deaf)) == 1


async def test_a_bind_of_a_suspended_credential_ends_though_it_sends_nothing(deaf: Nodes):
    here, there = Door(deaf.here), Door(deaf.there)
    here.credential_id = await here.credential()
    async with there.bound() as bound:
        looks = Looks(deaf.there)
        await here.change(status="suspended")
        await looks.until(lambda: bound.closed)


async def test_what_a_customer_submits_while_it_is_suspended_elsewhere_is_refused(deaf: Nodes):
    here, there = Door(deaf.here), Door(deaf.there)
    here.credential_id = await here.credential()
    async with there.bound() as bound:
        with Held(deaf.there, "accept") as held:
            answers = [bound.submit() for _ in range(10)]
            await held.came.wait()
            await here.change(status="suspended")
            held.go_on()
            assert {(await answer).status for answer in answers} == {Status.ESME_RSUBMITFAIL}
    assert await stored(deaf) == []


async def test_where_the_configuration_never_stands_still_nothing_is_stored_and_it_is_said(deaf: Nodes, monkeypatch):
    edge, calls = deaf.there, 0

    async def stale(submissions: list[Any], version: int) -> list[Stored]:
        nonlocal calls
        calls += 1
        return [Stored(stale=True)] * len(submissions)

    monkeypatch.setattr(edge.app.store, "accept", stale)
    answer = await edge.send()
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "overloaded", "1")
    assert calls > 10
    assert await stored(deaf) == []
