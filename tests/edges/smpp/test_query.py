"""query_sm, cancel_sm and replace_sm."""

import asyncio

import pytest

from tests.edges.edge_rig import until
from whimbrel.base.errors import WhimbrelError
from whimbrel.codec.smpp.bodies import CancelSm, QuerySm, QuerySmResp, ReplaceSm
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import CANCEL_SM, QUERY_SM, REPLACE_SM, MessageState
from whimbrel.edges.smpp import query
from whimbrel.edges.smpp.query import PAGE_MAX, own_id
from whimbrel.store.interface import Search

from .customer import TO, Door

LATER = "000000010000000R"
ID = "SM01a218301ab070bea9c341231d5b0000"


@pytest.mark.parametrize("written", [ID, ID[2:], ID[2:].upper(), str(int(ID[2:], 16)), f" {ID} "])
def test_an_id_is_known_in_every_form_that_we_write(written):
    assert own_id(written) == ID


@pytest.mark.parametrize("written", ["", "SM", "1" * 40, ID + "0", "SMzz" + ID[4:], "-1", "²"])
def test_anything_else_is_found_nowhere(written):
    with pytest.raises(WhimbrelError, match="not_found"):
        own_id(written)


async def test_query_sm_tells_state_and_final_date(door: Door):
    async with door.bound() as one:
        message_id = (await one.submit()).body.message_id

        async def delivered() -> QuerySmResp | None:
            answer = await one.ask(QUERY_SM, QuerySm(message_id))
            assert answer.status == 0
            return answer.body if answer.body.message_state == MessageState.DELIVERED else None

        found = await until(delivered)
        message = await door.message(message_id)
        assert found.message_id == message_id and found.error_code == 0
        assert found.final_date.endswith("00+") and message.final_at is not None


async def test_a_message_that_is_not_final_is_enroute_without_a_date(door: Door):
    await door.change(settings={"id_format": "decimal"})
    async with door.bound() as one:
        written = (await one.submit(schedule_time=LATER)).body.message_id
        answer = await one.ask(QUERY_SM, QuerySm(written))
        assert answer.body == QuerySmResp(written, "", int(MessageState.ENROUTE), 0)


async def test_messages_of_others_and_of_the_other_mode_are_not_found(door: Door):
    await door.credential("test", test=True)
    other = await door.edge.new_customer("Other")
    door.edge.customer, mine = other, door.edge.customer
    await door.credential("other")
    door.edge.customer = mine
    async with door.bound() as one, door.bound(system_id="other") as two, door.bound(system_id="test") as three:
        message_id = (await one.submit(schedule_time=LATER)).body.message_id
        for stranger in (two, three):
            assert (await stranger.ask(QUERY_SM, QuerySm(message_id))).status == Status.ESME_RINVMSGID
            assert (await stranger.ask(CANCEL_SM, CancelSm(message_id=message_id))).status == Status.ESME_RINVMSGID
        assert (await one.ask(QUERY_SM, QuerySm("nonsense"))).status == Status.ESME_RINVMSGID
    assert (await door.message(message_id)).state == "scheduled"


async def test_cancel_sm_takes_a_scheduled_message_back_and_again_is_the_same(door: Door):
    async with door.bound() as one:
        message_id = (await one.submit(schedule_time=LATER)).body.message_id
        cancel = CancelSm(message_id=message_id, source="12025550100", dest=TO)
        assert (await one.ask(CANCEL_SM, cancel)).status == 0
        assert (await door.message(message_id)).state == "canceled"
        assert (await one.ask(CANCEL_SM, cancel)).status == 0
        state = (await one.ask(QUERY_SM, QuerySm(message_id))).body
        assert state.message_state == MessageState.DELETED and state.error_code == 104


async def test_what_is_on_its_way_is_not_cancelable(door: Door):
    async with door.bound() as one:
        message_id = (await one.submit()).body.message_id

        async def final() -> bool:
            return (await door.message(message_id)).state == "delivered"

        await until(final)
        assert (await one.ask(CANCEL_SM, CancelSm(message_id=message_id))).status == Status.ESME_RCANCELFAIL


@pytest.mark.parametrize("page", [PAGE_MAX, 2])
async def test_cancel_sm_without_an_id_takes_back_all_of_a_pair(door: Door, monkeypatch: pytest.MonkeyPatch, page: int):
    monkeypatch.setattr(query, "PAGE_MAX", page)
    async with door.bound() as one:
        ids = [(await one.submit(b"%d" % n, schedule_time=LATER)).body.message_id for n in range(3)]
        kept = (await one.submit(schedule_time=LATER, dest="14155550124")).body.message_id
        cancel = CancelSm(source_ton=1, source="12025550100", dest_ton=1, dest=TO)

        async def indexed() -> bool:
            number_hash = door.app.vault.number_hash(f"+{TO}")
            search = Search(door.edge.customer.id, False, number_hash=number_hash)
            return len(await door.app.store.search(search, 10)) == len(ids)

        await until(indexed)
        assert (await one.ask(CANCEL_SM, cancel)).status == 0
        assert {message.state for message in await door.app.store.messages(ids)} == {"canceled"}
        assert (await door.message(kept)).state == "scheduled"
        assert (await one.ask(CANCEL_SM, cancel)).status == Status.ESME_RCANCELFAIL
        nobody = CancelSm(dest="123")
        assert (await one.ask(CANCEL_SM, nobody)).status == Status.ESME_RCANCELFAIL


async def test_replace_sm_is_refused(door: Door):
    async with door.bound() as one:
        message_id = (await one.submit(schedule_time=LATER)).body.message_id
        replace = ReplaceSm(message_id=message_id, short_message=b"other")
        assert (await one.ask(REPLACE_SM, replace)).status == Status.ESME_RREPLACEFAIL


async def test_queries_count_for_the_window(door: Door):
    await door.change(settings={"window": 2})
    async with door.bound() as one:
        message_id = (await one.submit()).body.message_id
        answers = await asyncio.gather(*(one.ask(QUERY_SM, QuerySm(message_id)) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [0, 0, *[Status.ESME_RTHROTTLED] * 4]
