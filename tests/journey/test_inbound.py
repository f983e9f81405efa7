"""Texts from phones: received whole, in any order of their parts, once; STOP, START and HELP with what follows."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.journey.rig import SENDER, Rig, rig, until
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import INBOUND_PART_WAIT_S
from whimbrel.carriers.interface import Inbound
from whimbrel.domain.model import Flag
from whimbrel.manage import opt_outs
from whimbrel.store.interface import InboundRow
from whimbrel_sandbox.log import InboundAnswered

PHONE = "+447911123456"
LONG = " ".join(f"word{number}" for number in range(60))


async def opted_out(r: Rig, account_id: str = "") -> bool:
    """Whether the phone stands in the account's opt-outs, as REST shows them."""
    try:
        await opt_outs.get_by_number(r.app.manage, PHONE, account_id=account_id or r.account_id)
    except WhimbrelError as error:
        assert error.code == "not_found"
        return False
    return True


def texts(r: Rig) -> list[str]:
    return [text.text for text in r.phone(PHONE)]


async def test_a_text_from_a_phone_is_received_and_acknowledged(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.say(PHONE, "Is it open today? €5 🙂")
        (message,) = await r.inbound()
        assert (message.sender, message.recipient, message.text) == (PHONE, SENDER, "Is it open today? €5 🙂")
        assert (message.state, message.account_id, message.carrier_id) == ("received", r.account_id, r.carrier_id)

        async def told() -> bool:
            return await r.events(message.id) == ["message.received"]

        await until(told)
        answers = await until(lambda: [event for event in r.sim_log() if isinstance(event, InboundAnswered)])
        assert [answer.status for answer in answers] == [0]


@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
@pytest.mark.parametrize("wide", [False, True])
async def test_a_long_text_is_joined_whatever_the_order_of_its_parts(tmp_path: Path, order: str, wide: bool) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.say(PHONE, LONG, order=order, wide=wide)
        (message,) = await r.inbound()
        assert (message.text, message.segments, message.flags & Flag.PARTIAL) == (LONG, 3, 0)


async def test_two_equal_texts_are_two_and_one_that_comes_again_is_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.say(PHONE, "ok")
        r.say(PHONE, "ok")
        assert len(await r.inbound(2)) == 2
        again = Inbound(PHONE, SENDER, b"ok", 0, 0, 1, 1, "sim#1/2")
        await r.app.worker.inbound.take(r.carrier_id, [again])
        assert len(await r.inbound(2)) == 2


async def test_a_text_to_nobodys_number_is_acknowledged_and_dropped(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.say(PHONE, "hello?", to="+12025550199", system_id="whimbrel")
        r.say(PHONE, "hello", system_id="whimbrel")
        (message,) = await r.inbound()
        assert message.text == "hello"
        await until(lambda: len([e for e in r.sim_log() if isinstance(e, InboundAnswered) and not e.status]) == 2)


async def test_stop_start_and_help(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.say(PHONE, "Stop!")
        await until(lambda: len(texts(r)) == 1)
        assert texts(r)[0].startswith("Acme: you are opted out")
        assert await opted_out(r)
        await r.acknowledged()
        assert (await r.verdict(r.draft(PHONE))).code == "opted_out"
        r.say(PHONE, "START")
        await until(lambda: len(texts(r)) == 2)
        assert texts(r)[1].startswith("Acme: you are opted in")
        assert not await opted_out(r)
        await r.acknowledged(2)
        await r.settled((await r.send(r.draft(PHONE, "Welcome back")))[0], "delivered")
        r.say(PHONE, "help")
        await until(lambda: len(texts(r)) == 4)
        assert texts(r)[3].startswith("Acme: reply STOP")
        kinds = [event.type for event in await r.log() if event.type.startswith("opt_out")]
        assert kinds == ["opt_out.created", "opt_out.deleted"]
        r.say(PHONE, "No más mensajes, por favor")
        await until(lambda: len(texts(r)) == 5)
        assert texts(r)[4].startswith("Acme: te has dado de baja")
        assert await opted_out(r)


async def test_a_stop_concerns_one_account_and_yes_is_an_ordinary_answer(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        other = await r.add_account("Bolt", "+12025550111")
        await r.bound()
        r.say(PHONE, "YES")
        r.say(PHONE, "please stop by at six")
        r.say(PHONE, "unsubscribe", to="+12025550111", system_id="whimbrel")
        await r.inbound(2)
        await until(lambda: opted_out(r, other))
        await r.acknowledged(3)
        assert not await opted_out(r)
        assert (await r.verdict(r.draft(PHONE, account_id=other))).code == "opted_out"
        (message_id,) = await r.send(r.draft(PHONE))
        await r.settled(message_id, "delivered")
        await until(lambda: len(texts(r)) >= 2)  # what follows the log confirms the other one's STOP in its own time
        assert sorted(texts(r))[0].startswith("Bolt: you are opted out")
        assert len(texts(r)) == 2


async def test_a_confirmation_is_sent_once_though_the_log_is_followed_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.say(PHONE, "STOP")
        await until(lambda: len(texts(r)) == 1)
        await r.app.keywords.stop()
        r.app.keywords._position = 0  # what a crash between the confirmation and the cursor leaves behind
        await r.app.keywords.follow()
        await r.settled((await r.send(r.draft("+447911123457")))[0], "delivered")
        assert [submit.dest for submit in r.submits()] == [PHONE[1:], "447911123457"]


async def test_a_stop_in_two_parts_is_a_stop(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        r.say(PHONE, "STOP " + "🛑" * 40, order="backward")
        await until(lambda: len(texts(r)) == 1)
        await r.acknowledged(2)
        assert (await r.verdict(r.draft(PHONE))).code == "opted_out"


@pytest.mark.parametrize("text", ["STOP", "STOP " + "🛑" * 40], ids=["one part", "two parts"])
async def test_who_knows_of_a_stop_before_this_process_does_sends_nothing(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row and its webhook can be there while the process that stored it was not given its turn."""
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        record, goes_on = r.app.store.record_inbound, asyncio.Event()

        async def held_up(rows: Sequence[InboundRow]) -> list[str]:
            results = await record(rows)
            if "stored" in results:
                await goes_on.wait()
            return results

        monkeypatch.setattr(r.app.store, "record_inbound", held_up)
        r.say(PHONE, text)
        await until(lambda: opted_out(r))
        sending = asyncio.create_task(r.verdict(r.draft(PHONE)))
        await asyncio.wait([sending], timeout=0.3)
        goes_on.set()
        assert (await sending).code == "opted_out"


async def test_what_is_left_of_a_long_text_is_delivered_in_time_and_may_be_a_stop(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        first = Inbound(PHONE, SENDER, b"STOP", 0, 7, 2, 1, "sim#1/1")
        await r.app.worker.inbound.take(r.carrier_id, [first])
        assert (await r.verdict(r.draft(PHONE, test=True))).code is None
        r.clock.advance(INBOUND_PART_WAIT_S + 1)
        await r.app.sweep.flush_parts()
        (message,) = await r.inbound()
        assert (message.text, message.flags & Flag.PARTIAL) == ("STOP", Flag.PARTIAL)

        async def refused() -> bool:
            """The duty may have flushed it first, and tells the tables a moment after its commit."""
            explained = await r.app.accept.explain(r.draft(PHONE))
            return explained.refusal is not None and explained.refusal.code == "opted_out"

        await until(refused)
