"""Every outcome of docs/sandbox.md, whole: state, reason, events, and what the account pays for it."""

from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig, sqlite_first, until
from whimbrel_sandbox.outcomes import OUTCOMES

QUEUED, SENDING, SENT = "message.queued", "message.sending", "message.sent"
DELIVERED, UNDELIVERED, EXPIRED = "message.delivered", "message.undelivered", "message.expired"
FAILED, IN_DOUBT, RECEIPT = "message.failed", "message.in_doubt", "message.receipt"
WAY = [QUEUED, SENDING, SENT]


def delivered(*more: str) -> tuple[str, None, list[str], bool]:
    return "delivered", None, [*WAY, DELIVERED, *more], True


def undelivered(reason: str, *more: str) -> tuple[str, str, list[str], bool]:
    return "undelivered", reason, [*WAY, UNDELIVERED, *more], True


def refused(reason: str) -> tuple[str, str, list[str], bool]:
    return "failed", reason, [QUEUED, SENDING, FAILED], False


# number: state, reason, events, whether it is paid for. What binds or waits stands in other tests.
SETTLED = {
    "0000": delivered(),
    "0101": delivered(),
    "0105": delivered(),
    "0160": delivered(),
    "0201": undelivered("unknown_subscriber"),
    "0205": undelivered("unknown_subscriber"),
    "0206": undelivered("absent_subscriber"),
    "0209": undelivered("barred"),
    "0211": undelivered("barred"),
    "0212": undelivered("barred"),
    "0213": undelivered("barred"),
    "0221": undelivered("barred"),
    "0227": undelivered("absent_subscriber"),
    "0231": undelivered("absent_subscriber"),
    "0232": undelivered("memory_full"),
    "0234": undelivered("network_error"),
    "0301": ("expired", "expired_at_carrier", [*WAY, EXPIRED], True),
    "0302": undelivered("deleted_at_carrier"),
    "0303": undelivered("carrier_rejected"),
    "0304": ("sent", None, [*WAY, RECEIPT], True),
    "0305": ("sent", None, WAY, True),
    "0306": ("sent", None, [*WAY, RECEIPT], True),
    "0307": undelivered("undelivered"),
    "0401": refused("carrier_rejected"),
    "0408": ("failed", "carrier_unavailable", [QUEUED, SENDING, FAILED], False),
    "0410": refused("invalid_source"),
    "0411": refused("invalid_destination"),
    "0469": refused("carrier_rejected"),
    "0499": refused("carrier_rejected"),
    "0701": delivered(),
    "0702": delivered(),
    "0703": delivered(RECEIPT),
    "0704": undelivered("absent_subscriber", RECEIPT),
    "0705": ("delivered", None, [*WAY, RECEIPT, DELIVERED], True),
    "0706": ("delivered", None, [*WAY, RECEIPT, DELIVERED], True),
    "0707": ("undelivered", "absent_subscriber", [*WAY, RECEIPT, UNDELIVERED], True),
    "0708": ("expired", "expired_at_carrier", [*WAY, EXPIRED, RECEIPT], True),
    "0709": delivered(),
    **{f"08{form:02}": delivered() for form in range(1, 8)},
    **{f"09{answer:02}": delivered() for answer in range(1, 8)},
}
THROTTLED = {number: delivered() for number in ("0501", "0503", "0511", "0513")}
NEVER_TAKEN = ("0509", "0519")  # tests/journey/test_throttling.py
ELSEWHERE = ("0521",)  # tests/journey/test_failover.py
LINKS = {
    "0601": ("in_doubt", "response_timeout", [QUEUED, SENDING, IN_DOUBT], False),
    "0602": ("delivered", None, [QUEUED, SENDING, IN_DOUBT, SENT, DELIVERED], True),
    "0603": ("delivered", None, [QUEUED, SENDING, IN_DOUBT, SENT, DELIVERED], True),
    "0604": ("in_doubt", "link_lost", [QUEUED, SENDING, IN_DOUBT], False),
    "0605": ("delivered", None, [QUEUED, SENDING, IN_DOUBT, SENT, DELIVERED], True),
    "0606": ("delivered", None, [QUEUED, SENDING, IN_DOUBT, SENT, DELIVERED], True),
    "0607": refused("carrier_unavailable"),  # with ESME_RSYSERR
    "0608": ("in_doubt", "response_timeout", [QUEUED, SENDING, IN_DOUBT], False),
    "0609": ("in_doubt", "link_lost", [QUEUED, SENDING, IN_DOUBT], False),
}


def number_of(outcome: str) -> str:
    return f"+1500555{outcome}"


async def shown(r: Rig, message_id: str) -> tuple[str, str | None, list[str], bool]:
    """The message in the form of the tables above."""
    message = await r.message(message_id)
    assert message.charged_micros in (0, message.price_micros)
    return message.state, message.reason, await r.events(message_id), bool(message.charged_micros)


async def reached(r: Rig, table: dict[str, tuple[str, str | None, list[str], bool]]) -> dict[str, str]:
    """Send to every number of a table and wait until each has what it should; the ids by number."""
    ids = dict(zip(table, await r.send(*[r.draft(number_of(number)) for number in table]), strict=True))
    for number, expected in table.items():
        events = 0

        async def there(message_id: str = ids[number], count: int = len(expected[2])) -> bool:
            nonlocal events
            events = len(await r.events(message_id))
            return events >= count

        try:
            await until(there, within_s=60.0)
        except TimeoutError:
            break
    await r.app.sweep.expire()
    assert {number: await shown(r, message_id) for number, message_id in ids.items()} == table
    return ids


def test_every_outcome_has_its_row() -> None:
    """A new outcome of the sandbox needs an expectation here."""
    assert {*SETTLED, *THROTTLED, *NEVER_TAKEN, *ELSEWHERE, *LINKS} == {row.number for row in OUTCOMES}


async def test_outcomes_over_a_link_that_works(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        ids = await reached(r, SETTLED)
        paid = sum(row[3] for row in SETTLED.values())
        # the confirmations of STOP, START and HELP are ordinary texts to those phones, and are paid for
        await until(lambda: len(r.submits()) == len(SETTLED) + 3)
        await r.nothing_held()
        await r.check_money(charged_segments=paid + 3)
        await until(lambda: has_receipts(r, ids["0702"], 2))
        await until(lambda: has_receipts(r, ids["0709"], 5))


async def has_receipts(r: Rig, message_id: str, count: int) -> bool:
    """Whether so many receipts were counted: those that repeat are no events."""
    (attempt,) = await r.attempts(message_id)
    return attempt.receipts == count


@sqlite_first
async def test_outcomes_of_a_carrier_that_wants_to_be_left_alone_for_a_while(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        for number in THROTTLED:  # side by side: each slows its carrier down to a segment a second
            await r.add_route(await r.add_carrier(number, system_id=number), prefix=f"1500555{number}", position=1)
        await reached(r, THROTTLED)
        await r.check_money(charged_segments=len(THROTTLED))


@pytest.mark.parametrize("number", LINKS)
async def test_outcomes_of_responses_and_links(tmp_path: Path, number: str) -> None:
    async with rig(tmp_path, sandbox={"time_scale": 0.1}) as r:
        await r.seed(response_timeout_s=0.1)  # what comes after 1.5 s is late also where a busy machine reads it late
        await reached(r, {number: LINKS[number]})
        state, _, _, paid = LINKS[number]
        await r.check_money(charged_segments=int(paid), held_segments=int(state == "in_doubt"))


async def test_test_traffic_takes_the_same_way_and_touches_no_ledger(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        drafts = [r.draft(number_of(number), test=True) for number in ("0000", "0206", "0401")]
        ids = await r.send(*drafts)
        for message_id, state in zip(ids, ("delivered", "undelivered", "failed"), strict=True):
            message = await r.settled(message_id, state)
            assert (message.test, message.price_micros, message.held_micros, message.charged_micros) == (True, 0, 0, 0)
        for message_id in ids:
            assert {event.test for event in await r.log_of(message_id)} == {True}
        await r.check_money(charged_segments=0)
        assert (await r.ledger())["hold"] == 0
