"""query_sm: a carrier is asked what became of a text before that is given up, where its word can be trusted."""

import asyncio
from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig, until
from tests.traps.raw_smsc import Connection, bound
from whimbrel.base.limits import RECEIPT_DEADLINE_S, VALIDITY_MAX_S
from whimbrel.carriers.interface import Question, Report
from whimbrel.codec.smpp.bodies import QuerySmResp
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import (
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    QUERY_SM,
    QUERY_SM_RESP,
    MessageState,
    Status,
)
from whimbrel.journey.asking import Asking

PHONE = "+447911123456"
ASKED = Question("1b4f", "+12025550100", PHONE)


async def unreported(r: Rig, **settings: object) -> str:
    """A message that the carrier took and sends no receipt of."""
    r.behave(receipt_share=0)
    await r.seed(**settings)
    (message_id,) = await r.send(r.draft(PHONE))
    await r.settled(message_id, "sent")
    await until(lambda: r.phone(PHONE))
    return message_id


@pytest.mark.parametrize(("query_sm", "state"), [(True, "delivered"), (False, "unknown")])
async def test_a_carrier_is_asked_before_a_text_becomes_unknown(tmp_path: Path, query_sm: bool, state: str) -> None:
    async with rig(tmp_path) as r:
        message_id = await unreported(r, query_sm=query_sm)
        r.clock.advance(RECEIPT_DEADLINE_S + VALIDITY_MAX_S + 60)
        await r.app.sweep.miss_receipts()
        await r.settled(message_id, state)
        await r.check_money(charged_segments=1)


async def test_a_carrier_is_not_asked_before_the_deadline(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        message_id = await unreported(r, query_sm=True)
        await r.app.sweep.miss_receipts()
        await r.app.sweep.give_up()
        assert (await r.message(message_id)).state == "sent"


async def asked(made: object, *questions: Question) -> list[Report]:
    async with asyncio.timeout(30):
        return await made.carrier.query(questions)  # type: ignore[attr-defined]


async def test_what_a_carrier_says_is_a_receipt() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == QUERY_SM:
            known = pdu.body.message_id == "1b4f"
            state = MessageState.DELIVERED if known else MessageState.UNDELIVERABLE
            connection.respond(pdu, 0, QuerySmResp(pdu.body.message_id, "", state, 0 if known else 27))
        return pdu.command_id == QUERY_SM

    async with bound(own, message_id="hex_dec", receipt_errors={"27": "absent_subscriber"}) as (smsc, made):
        first, second = await asked(made, ASKED, Question("a", "Wimb", PHONE))
        assert (first.message_ids, first.state, first.error) == (("6991",), "DELIVERED", None)
        assert (second.message_ids, second.state, second.reason) == (("10",), "UNDELIVERABLE", "absent_subscriber")
        assert first.addresses == (PHONE,)
        queries = [pdu.body for pdu in smsc.last.of(QUERY_SM)]
        assert [(body.source_ton, body.source_npi, body.source) for body in queries] == [
            (1, 1, "12025550100"),
            (5, 0, "Wimb"),
        ]


async def test_what_it_does_not_know_or_say_is_nothing() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == QUERY_SM and pdu.body.message_id == "1b4f":
            connection.respond(pdu, Status.ESME_RQUERYFAIL)
        elif pdu.command_id == QUERY_SM and pdu.body.message_id == "odd":
            connection.respond(pdu, 0, QuerySmResp("odd", "", 77, 0))
        return pdu.command_id == QUERY_SM

    async with bound(own, response_timeout_s=0.1) as (_, made):
        silent = Question("silent", "", PHONE)
        assert await asked(made, ASKED, silent, Question("odd", "", PHONE), Question("x" * 80, "", PHONE)) == []
        assert made.replies == []  # a query that ends is no answer to a part


async def test_a_query_that_is_answered_late_is_no_answer_to_a_part() -> None:
    late: list[tuple[Connection, Pdu]] = []

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == QUERY_SM:
            late.append((connection, pdu))
        return pdu.command_id == QUERY_SM

    async with bound(own, response_timeout_s=0.1) as (smsc, made):
        assert await asked(made, ASKED) == []
        ((connection, pdu),) = late
        connection.respond(pdu, 0, QuerySmResp("1b4f", "", MessageState.DELIVERED, 0))
        connection.send(ENQUIRE_LINK)
        await until(lambda: smsc.last.of(ENQUIRE_LINK_RESP))
        assert made.replies == []


async def test_a_query_that_nobody_waits_for_any_more_is_no_answer_to_a_part() -> None:
    waiting: list[tuple[Connection, Pdu]] = []

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == QUERY_SM:
            waiting.append((connection, pdu))
        return pdu.command_id == QUERY_SM

    async with bound(own) as (smsc, made):
        task = asyncio.create_task(asked(made, ASKED))
        await until(lambda: waiting)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ((connection, pdu),) = waiting
        connection.respond(pdu, 0, QuerySmResp("1b4f", "", MessageState.DELIVERED, 0))
        connection.send(ENQUIRE_LINK)
        await until(lambda: smsc.last.of(ENQUIRE_LINK_RESP))
        assert made.replies == []


async def test_a_link_that_is_lost_ends_its_queries() -> None:
    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == QUERY_SM:
            connection.transport.abort()
        return pdu.command_id == QUERY_SM

    async with bound(own) as (_, made):
        assert await asked(made, ASKED) == []
        assert made.replies == []


async def test_a_carrier_that_answers_no_query_is_not_asked_the_rest() -> None:
    async with bound(lambda _, pdu: pdu.command_id == QUERY_SM, response_timeout_s=0.1) as (smsc, made):
        assert await asked(made, *[Question(str(n), "", PHONE) for n in range(100)]) == []
        assert len(smsc.last.of(QUERY_SM)) == 10


async def test_few_are_asked_at_once() -> None:
    waiting: list[tuple[Connection, Pdu]] = []

    def own(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id == QUERY_SM:
            waiting.append((connection, pdu))
        return pdu.command_id == QUERY_SM

    async with bound(own) as (smsc, made):
        task = asyncio.create_task(asked(made, *[Question(str(n), "", PHONE) for n in range(25)]))
        for expected in (10, 10, 5):
            await until(lambda expected=expected: len(waiting) == expected)
            for connection, pdu in waiting:
                connection.respond(pdu, 0, QuerySmResp(pdu.body.message_id, "", MessageState.DELIVERED, 0))
            waiting.clear()
        assert len(await task) == 25
        assert smsc.last.of(QUERY_SM_RESP) == []


async def test_a_carrier_of_another_node_is_asked_by_its_owner(tmp_path: Path) -> None:
    """The sweep of one node leaves what is overdue for the owner to ask, some seconds ahead of its deadline."""
    async with rig(tmp_path) as r:
        message_id = await unreported(r, query_sm=True)
        await r.app.asking.stop()  # its owner asks when this test says so
        r.clock.advance(RECEIPT_DEADLINE_S + VALIDITY_MAX_S + 60)
        r.app.sweep._runs_elsewhere = lambda _: True
        r.app.sweep._asking = Asking(
            store=r.app.store, clock=r.clock, lane_of=lambda _: None, take=r.app.worker.receipts.take
        )
        await r.app.sweep.miss_receipts()
        assert (await r.message(message_id)).state == "sent"
        await r.app.asking.ahead()
        await r.settled(message_id, "delivered")
        await r.check_money(charged_segments=1)
