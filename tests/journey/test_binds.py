"""Binds that are lost: what was on the wire is in doubt and resolved by receipts, what was not goes on, once."""

from collections import Counter
from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig, until
from whimbrel.carriers.interface import CarrierLink, Handlers
from whimbrel.domain.model import Carrier
from whimbrel_sandbox.log import ReceiptSent

PHONES = [f"+4479111235{number:02}" for number in range(60)]


async def in_flight(r: Rig, count: int) -> list[str]:
    """Messages of which `count` are on the wire, unanswered; the carrier took them and sent no receipt yet."""
    await r.bound(len(r.simulator.center.links))
    r.behave(response_latency_ms=3_000, receipt_delay_ms=150)
    ids = await r.send(*[r.draft(phone) for phone in PHONES])
    await until(lambda: len(r.submits()) >= count)
    return ids


def ordinary(r: Rig) -> None:
    r.behave(response_latency_ms=0, receipt_delay_ms=0)


async def everything_went_once(r: Rig, ids: list[str]) -> None:
    await r.all_settled(ids, "delivered")
    assert Counter(f"+{submit.dest}" for submit in r.submits()) == Counter(PHONES)
    await r.check_money(charged_segments=len(PHONES))


async def doubts(r: Rig, ids: list[str]) -> list[str]:
    """Those of the messages that were in doubt at some time."""
    return [message_id for message_id in ids if "message.in_doubt" in await r.events(message_id)]


async def test_receipts_come_over_any_bind(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(binds=3)
        await r.bound(3)
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await everything_went_once(r, ids)
        taken_by = {submit.message_id: submit.bind for submit in r.submits()}
        reported = [event for event in r.sim_log() if isinstance(event, ReceiptSent)]
        assert any(receipt.bind != taken_by[receipt.message_id] for receipt in reported)


async def test_one_bind_of_two_is_lost(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(binds=2, window=5, reconnect_min_s=60, reconnect_max_s=60)
        await until(lambda: len(r.simulator.center.links) == 2)
        ids = await in_flight(r, 10)
        lost, left = sorted(r.simulator.center.links, key=lambda link: link.number)
        ordinary(r)
        lost.abort()
        await everything_went_once(r, ids)
        assert len(await doubts(r, ids)) == 5
        assert {submit.bind for submit in r.submits()[10:]} == {left.number}


async def test_all_binds_are_lost_and_come_back(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(binds=2, window=5)
        await until(lambda: len(r.simulator.center.links) == 2)
        ids = await in_flight(r, 10)
        ordinary(r)
        r.behave(drop=True)
        await everything_went_once(r, ids)
        assert len(await doubts(r, ids)) == 10


async def test_the_carrier_unbinds_us(tmp_path: Path) -> None:
    """Its answers to what is under way may still come; what was not written yet waits for the next bind."""
    async with rig(tmp_path) as r:
        await r.seed(window=5)
        await r.bound()
        r.behave(response_latency_ms=20)
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await until(lambda: len(r.submits()) >= 5)
        r.behave(unbind=True)
        await everything_went_once(r, ids)


async def test_a_carrier_that_refuses_binds_is_asked_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.behave(refuse_binds=0x0D)
        await r.seed()
        (message_id,) = await r.send(r.draft())
        await until(lambda: len(r.binds()) >= 2)
        (health,) = r.app.worker.health().values()
        assert (health.state, health.last_error) == ("connecting", "bind refused: 0x0000000d")
        assert (await r.message(message_id)).state == "queued"
        r.behave(refuse_binds=0)
        await r.settled(message_id, "delivered")


async def test_a_silent_carrier_leaves_doubt_and_takes_the_rest_later(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(window=5, response_timeout_s=0.2)
        await r.bound()
        r.behave(silent=True)
        ids = await r.send(*[r.draft(phone) for phone in PHONES[:20]])
        await until(lambda: len(r.submits()) == 5)
        r.behave(silent=False)

        async def states() -> Counter[str]:
            return Counter(message.state for message in await r.app.store.messages(ids))

        async def the_rest_is_there() -> bool:  # an answer that is read late ends the doubt that came before it
            return (await states())["delivered"] == 15

        await until(the_rest_is_there)
        assert await states() == {"in_doubt": 5, "delivered": 15}
        assert len(r.submits()) == 20
        await r.check_money(charged_segments=15, held_segments=5)


async def test_a_carrier_that_cannot_be_worked_keeps_no_other_from_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one whose password was sealed by another master key."""
    async with rig(tmp_path) as r:
        await r.seed()
        build = r.app.worker.build

        def picky(carrier: Carrier, handlers: Handlers) -> CarrierLink:
            if carrier.name == "bad":
                raise ValueError("its password cannot be opened")
            return build(carrier, handlers)

        monkeypatch.setattr(r.app.worker, "build", picky)
        bad = await r.add_carrier("bad")
        good = [await r.add_carrier(name, system_id=name) for name in ("a-good", "z-good")]
        await until(lambda: all(i in r.app.worker.health() and r.app.worker.health()[i].binds_up for i in good))
        assert bad not in r.app.worker.health()
        (message_id,) = await r.send(r.draft())
        await r.settled(message_id, "delivered")
