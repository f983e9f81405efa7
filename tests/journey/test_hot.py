"""Configuration while it runs: carriers and routes come, change, pause, go, and nothing is restarted."""

import asyncio
from pathlib import Path

import pytest

from tests.journey.rig import ACTOR, rig, simulated, until
from whimbrel.base.errors import WhimbrelError
from whimbrel.manage import carriers, routes

PHONES = [f"+4479111239{number:02}" for number in range(40)]


async def test_a_carrier_and_its_route_are_added(tmp_path: Path) -> None:
    async with rig(tmp_path) as r, simulated(seed=2) as second:
        await r.seed()
        await r.bound()
        carrier_id = await r.add_carrier("second", simulator=second)
        await r.add_route(carrier_id, prefix="1415", position=1)
        ids = await r.send(r.draft("+14155550123"), r.draft("+12125550123"))
        await r.all_settled(ids, "delivered")
        assert [submit.dest for submit in r.submits(second)] == ["14155550123"]
        assert [submit.dest for submit in r.submits()] == ["12125550123"]


async def test_a_carrier_moves_to_another_port_under_load(tmp_path: Path) -> None:
    """What the old place has in its window is answered there; what was not written goes to the new place, once."""
    async with rig(tmp_path) as r, simulated(seed=2) as second:
        await r.seed(window=5)
        await r.bound()
        r.behave(response_latency_ms=1_000)
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await until(lambda: len(r.submits()) >= 5)
        await r.change_carrier(port=second.address.smpp_port)
        await r.all_settled(ids, "sent", "delivered")
        assert sorted(submit.dest for submit in r.submits() + r.submits(second)) == sorted(p[1:] for p in PHONES)
        assert not [message for message in await r.app.store.messages(ids) if message.flags]
        assert r.submits(second)


async def test_a_carrier_is_paused_under_load_and_goes_on(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=5)
        await r.bound()
        r.behave(response_latency_ms=1_000)
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await until(lambda: len(r.submits()) >= 5)
        await r.pause()
        r.behave(response_latency_ms=0)
        sent = len(r.submits())
        assert sent < len(PHONES)
        waiting = [message for message in await r.app.store.messages(ids) if message.state == "queued"]
        assert len(waiting) == len(PHONES) - sent
        assert (await r.verdict(r.draft())).code == "no_route"
        assert r.app.worker.health() == {}
        await r.resume()
        await r.all_settled(ids, "delivered")
        assert len(r.submits()) == len(PHONES)


async def test_window_and_binds_change(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        await r.change_carrier(binds=3)
        await until(lambda: len(r.simulator.center.links) == 3)
        await r.bound(3)
        (health,) = r.app.worker.health().values()
        assert (health.binds, health.window) == (3, 150)
        await r.change_carrier(binds=1, window=7)
        await until(lambda: [(each.binds, each.window) for each in r.app.worker.health().values()] == [(1, 7)])
        await r.bound()
        await until(lambda: len(r.simulator.center.links) == 1)


async def test_a_carrier_is_deleted_when_no_route_names_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        with pytest.raises(WhimbrelError) as caught:
            await carriers.delete(r.app.manage, ACTOR, r.carrier_id)
        assert caught.value.code == "in_use"
        (route,) = (await routes.find(r.app.manage)).data
        await routes.delete(r.app.manage, ACTOR, route.id)
        await carriers.delete(r.app.manage, ACTOR, r.carrier_id)
        await until(lambda: not r.simulator.center.links)
        assert (await r.verdict(r.draft())).code == "no_route"


async def test_many_changes_at_once_leave_the_last_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        await asyncio.gather(*(r.change_carrier(window=window) for window in range(10, 20)))
        last = (await carriers.get(r.app.manage, r.carrier_id)).settings.window
        await until(lambda: [health.window for health in r.app.worker.health().values()] == [last])
        await until(lambda: len(r.simulator.center.links) == 1)
        (message_id,) = await r.send(r.draft())
        await r.settled(message_id, "delivered")
