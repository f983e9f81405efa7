"""Verifications on a running installation: a code goes to a phone, and is checked. What is counted holds whatever is
tried, the clock is set forward where time has to pass, and the code is read from the phone.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.journey.rig import ACTOR, Rig, rig, until
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import VERIFY_FAILURES_PER_HOUR, VERIFY_SENDS_PER_DAY
from whimbrel.domain.model import Flag, Options
from whimbrel.domain.schedule import parse_time
from whimbrel.domain.verify import SLOT_US, Verification
from whimbrel.journey.sealing import opened_text
from whimbrel.manage import senders
from whimbrel.products.verify import blocks, rates, services
from whimbrel.products.verify.starting import Start
from whimbrel.store.interface import Write

PHONE = "+447400123456"
WAIT_S = 31


@pytest.fixture
async def live(tmp_path: Path, database: None) -> AsyncIterator["Desk"]:
    async with rig(tmp_path) as running:
        await running.seed()
        await running.bound()
        desk = Desk(running)
        desk.service = await desk.new_service()
        yield desk


class Desk:
    """An account that verifies phones."""

    def __init__(self, running: Rig) -> None:
        self.rig = running
        self.verify = running.app.products.verify
        self.service = ""

    async def new_service(self, **settings: Any) -> str:
        request = services.NewService(name="Acme", settings=settings)
        about: Any = {"account_id": self.rig.account_id, "channels": self.verify.channels}
        made = await services.create(self.rig.app.manage, ACTOR, request, **about)
        return made.id

    async def service_of_gone_sender(self, **settings: Any) -> str:
        """One whose sender has been taken away since."""
        ctx, account_id = self.rig.app.manage, self.rig.account_id
        gone = await senders.create(ctx, ACTOR, senders.NewSender(value="Gone"), account_id=account_id)
        service = await self.new_service(sender="Gone", **settings)
        await senders.delete(ctx, ACTOR, gone.id, account_id=account_id)
        return service

    async def start(self, to: str = PHONE, service: str = "", **more: Any) -> Verification:
        place = (self.rig.account_id, service or self.service)
        return await self.verify.start(*place, Start(to=to, **more), test=False)

    async def refused(self, to: str = PHONE, **more: Any) -> str:
        with pytest.raises(WhimbrelError) as caught:
            await self.start(to, **more)
        return caught.value.code

    async def check(self, code: str, place: str = PHONE, service: str = "") -> str:
        """approved, wrong, or the code of the refusal."""
        try:
            found = await self.verify.check(self.rig.account_id, service or self.service, code, test=False, place=place)
        except WhimbrelError as error:
            return error.code
        return "approved" if found.valid else "wrong"

    async def code(self, count: int = 1, to: str = PHONE) -> str:
        """The code of the newest text of a phone, once it has so many."""
        texts = await until(lambda: len(got := self.rig.phone(to)) >= count and got)
        (code,) = re.findall(r"\b\d{4,10}\b", texts[-1].text)
        return code

    async def settled(self, row: Verification, *states: str) -> Any:
        attempts = await self.verify.attempts_of(row)
        return await self.rig.settled(attempts[-1].message_id or "", *states)

    async def unbind(self) -> None:
        """The carrier's binds are down: what is started waits in the queue."""
        self.rig.behave(refuse_binds=0x0D, drop=True)
        await until(lambda: not any(each.binds_up for each in self.rig.app.worker.health().values()))

    async def events(self, row: Verification, count: int = 2) -> list[str]:
        """The types of its events, once there are so many: the log tells of a commit a moment after it."""

        async def there() -> list[str] | None:
            found = await self.rig.events(row.id)
            return found if len(found) >= count else None

        return await until(there)


def other(code: str, by: int = 1) -> str:
    """A code that is not this one."""
    return f"{(int(code) + by) % 10 ** len(code):0{len(code)}d}"


async def test_a_code_goes_to_the_phone_and_is_approved(live: Desk) -> None:
    row = await live.start()
    code = await live.code()
    assert (row.status, row.country, row.language, row.sends) == ("pending", "GB", "en", 1)
    assert await live.check(other(code)) == "wrong"
    assert await live.check(f" {code[:3]}-{code[3:]} ") == "approved"
    assert await live.check(code) == "not_found"
    assert await live.check(code, row.id) == "not_found"
    assert await live.events(row) == ["verification.started", "verification.approved"]
    (attempt,) = await live.verify.attempts_of(row)
    assert attempt.converted_at is not None


async def test_the_stored_message_has_no_code_and_nothing_to_send_once_it_is_final(live: Desk) -> None:
    await live.unbind()
    row = await live.start()
    waiting = await live.settled(row, "queued")
    vault = live.rig.app.vault
    text = opened_text(vault, waiting.id, waiting.options)
    assert waiting.flags & Flag.SEALED
    assert waiting.text == "Your Acme code is ******"
    live.rig.behave(refuse_binds=0)
    code = await live.code()
    assert text == f"Your Acme code is {code}"
    done = await live.settled(row, "delivered")
    assert "sealed" not in done.options
    with pytest.raises(ValueError, match="erased"):
        opened_text(vault, done.id, done.options)
    assert (done.message_class, done.segments, done.text) == ("otp", 1, waiting.text)


async def test_a_canceled_message_forgets_its_code_too(live: Desk) -> None:
    await live.unbind()
    row = await live.start()
    waiting = await live.settled(row, "queued")
    await live.rig.app.cancel.cancel(live.rig.account_id, False, waiting.id)
    assert "sealed" not in (await live.settled(row, "canceled")).options


async def test_an_ordinary_message_is_as_it_was(live: Desk) -> None:
    (id_,) = await live.rig.send(live.rig.draft(options={"tags": ("a",)}))
    message = await live.rig.settled(id_, "delivered")
    assert (message.flags & Flag.SEALED, message.text) == (0, "Hello")
    assert Options(tags=("a",)) and "sealed" not in message.options


async def test_again_is_the_same_code_after_a_wait(live: Desk) -> None:
    first = await live.start()
    code = await live.code()
    assert await live.refused() == "verify_too_soon"
    live.rig.clock.advance(WAIT_S)
    again = await live.start()
    assert (again.id, again.sends) == (first.id, 2)
    assert await live.code(2) == code
    assert await live.refused() == "verify_too_soon"
    live.rig.clock.advance(WAIT_S)
    assert await live.refused() == "verify_too_soon"  # the second wait is a minute
    assert await live.events(first, 1) == ["verification.started"]
    assert await live.check(code) == "approved"


async def test_a_verification_is_sent_five_times(live: Desk) -> None:
    service = await live.new_service(sends_per_hour=100, sends_per_day=100, ttl_s=3600)
    for _ in range(5):
        await live.start(service=service)
        live.rig.clock.advance(241)
    assert await live.refused(service=service) == "verify_sends_spent"


async def test_a_number_gets_five_codes_an_hour_and_ten_a_day(live: Desk) -> None:
    sent = 0
    for _ in range(3):
        for _ in range(5):
            if sent < VERIFY_SENDS_PER_DAY:
                row = await live.start()
                await live.verify.cancel(row.account_id, row.service_id, row.id, test=False)
                sent += 1
        assert await live.refused() == "verify_too_many_sends"
        live.rig.clock.advance(3601)
    assert sent == VERIFY_SENDS_PER_DAY
    live.rig.clock.advance(86_400)
    await live.start()


async def test_five_wrong_guesses_end_it(live: Desk) -> None:
    row = await live.start()
    code = await live.code()
    for by in range(1, 6):
        assert await live.check(other(code, by)) == "wrong"
    assert await live.check(code) == "verify_checks_spent"
    assert await live.check(code, row.id) == "verify_checks_spent"
    assert await live.events(row) == ["verification.started", "verification.failed"]
    live.rig.clock.advance(601)
    assert await live.check(code) == "not_found"


async def test_failures_count_over_verifications_and_a_right_code_forgets_them(live: Desk) -> None:
    for number in range(1, 3):
        row = await live.start()
        code = await live.code(number)
        for by in range(1, 5):
            assert await live.check(other(code, by)) == "wrong"
        await live.verify.cancel(row.account_id, row.service_id, row.id, test=False)
    await live.start()
    code = await live.code(3)
    assert await live.check(other(code)) == "wrong"  # the ninth
    assert await live.check(code) == "approved"
    await live.start()
    code = await live.code(4)
    assert await live.check(other(code)) == "wrong"
    assert await live.check(code) == "approved"


async def test_two_checks_at_once_never_both_succeed(live: Desk) -> None:
    row = await live.start()
    code = await live.code()
    found = await asyncio.gather(*(live.check(code, row.id) for _ in range(20)))
    assert sorted(found) == ["approved"] + ["not_found"] * 19
    assert (await live.verify.get(row.account_id, row.service_id, row.id, test=False)).checks == 0


@pytest.mark.parametrize("most", [500, pytest.param(10_000, marks=pytest.mark.ci)])
async def test_an_attacker_never_gets_more_guesses_than_an_hour_allows(live: Desk, most: int) -> None:
    """Guesses over as many verifications as he may start, many at once."""
    guesses, wrong = 0, 0
    texts = 0
    service = await live.new_service(sends_per_hour=100, sends_per_day=100, new_country_per_hour=0)
    while guesses < most:
        try:
            row = await live.start(service=service)
        except WhimbrelError:
            row = None
        if row is not None:
            texts += 1
            code = await live.code(texts)
            given = [other(code, by) for by in range(1, most // 10 + 1)]
        found = await asyncio.gather(*(live.check(each, PHONE, service) for each in given))
        guesses += len(found)
        wrong += found.count("wrong")
        assert "approved" not in found
        if row is not None and row.status == "pending":
            live.rig.clock.advance(WAIT_S)
            with_row = await live.verify.get(row.account_id, service, row.id, test=False)
            if with_row.status == "pending":
                await live.verify.cancel(row.account_id, service, row.id, test=False)
    assert wrong == VERIFY_FAILURES_PER_HOUR
    assert await live.check(code, PHONE, service) != "approved"
    assert await live.refused(service=service) == "verify_failed_too_often"


async def test_starts_at_once_are_one_verification(live: Desk) -> None:
    found = await asyncio.gather(*(live.start() for _ in range(8)), return_exceptions=True)
    made = [each for each in found if isinstance(each, Verification)]
    refused = [each.code for each in found if isinstance(each, WhimbrelError)]
    assert (len(made), refused) == (1, ["verify_too_soon"] * 7)
    await live.code()
    assert len(live.rig.submits()) == 1


async def test_canceled_and_expired_ones_are_not_found(live: Desk) -> None:
    row = await live.start()
    code = await live.code()
    await live.verify.cancel(row.account_id, row.service_id, PHONE, test=False)
    assert await live.check(code) == "not_found"
    with pytest.raises(WhimbrelError, match="verify_not_pending"):
        await live.verify.approve(row.account_id, row.service_id, row.id, test=False)
    second = await live.start()
    assert second.id != row.id
    code = await live.code(2)
    live.rig.clock.advance(601)
    assert await live.check(code) == "not_found"

    async def expired() -> bool:
        return (await live.verify.get(row.account_id, row.service_id, second.id, test=False)).status == "expired"

    await until(expired)
    assert await live.events(second) == ["verification.started", "verification.expired"]
    assert await live.events(row) == ["verification.started", "verification.canceled"]


async def test_a_code_of_the_caller(live: Desk) -> None:
    assert await live.refused(custom_code="4711") == "verify_custom_code_refused"
    service = await live.new_service(custom_code=True)
    row = await live.start(service=service, custom_code="47110815")
    assert row.custom is not None
    assert await live.code() == "47110815"
    live.rig.clock.advance(WAIT_S)
    await live.start(service=service)
    assert await live.code(2) == "47110815"
    live.rig.clock.advance(61)
    assert await live.refused(service=service, custom_code="47110816") == "conflict"
    assert await live.check("47110816", PHONE, service) == "wrong"
    assert await live.check("47110815", PHONE, service) == "approved"
    assert (await live.verify.get(row.account_id, service, row.id, test=False)).custom is None


async def test_approved_by_the_caller(live: Desk) -> None:
    row = await live.start()
    done = await live.verify.approve(row.account_id, row.service_id, PHONE, test=False)
    assert done.status == "approved"
    assert await live.events(row) == ["verification.started", "verification.approved"]


async def test_what_stands_in_the_text(live: Desk) -> None:
    service = await live.new_service(
        do_not_share=True, app_hash="FA+9qCX9VSu", webotp_domain="example.com", code_length=8
    )
    await live.start("+4915112345678", service)
    texts = await until(lambda: live.rig.phone("+4915112345678"))
    code = texts[0].text[-8:]
    assert code.isdigit()
    assert texts[0].text == (
        f"<#> Ihr Code für Acme lautet {code}. Geben Sie ihn niemandem weiter.\nFA+9qCX9VSu\n@example.com #{code}"
    )


async def test_countries_and_lines(live: Desk) -> None:
    service = await live.new_service(countries=["DE"], skip_landlines=True)
    assert await live.refused(service=service) == "verify_country_refused"
    assert await live.refused("+493012345678", service=service) == "verify_line_refused"
    assert await live.refused("+449098790123") == "verify_line_refused"  # premium rate
    assert await live.refused("+44") == "invalid_number"


async def test_a_refused_message_leaves_no_verification(live: Desk) -> None:
    service = await live.service_of_gone_sender()
    assert await live.refused(service=service) == "sender_not_allowed"
    with pytest.raises(WhimbrelError, match="not_found"):
        await live.verify.get(live.rig.account_id, service, PHONE, test=False)
    await live.start()


async def test_rate_limits_of_the_callers_own(live: Desk) -> None:
    request = rates.NewRateLimit(
        service_id=live.service, name="address", buckets=(rates.NewBucket(max=2, interval_s=60),)
    )
    await rates.create(live.rig.app.manage, ACTOR, request, account_id=live.rig.account_id)
    keys = {"rate_keys": {"address": "10.0.0.1"}}
    await live.start("+447400123401", **keys)
    await live.start("+447400123511", **keys)
    assert await live.refused("+447400123621", **keys) == "verify_rate_limited"
    await live.start("+447400123621", rate_keys={"address": "10.0.0.2"})
    assert await live.refused("+447400123731", rate_keys={"nothing": "x"}) == "invalid_request"
    live.rig.clock.advance(61)
    await live.start("+447400123731", **keys)


async def test_neighbouring_numbers_are_blocked_until_the_block_is_lifted(live: Desk) -> None:
    for last in (10, 13, 11, 12):
        await live.start(f"+4474001234{last}")
    assert await live.refused("+447400123414") == "verify_blocked"
    assert await live.refused("+447400123488") == "verify_blocked"
    await live.start("+447400123588")
    ctx, about = live.rig.app.manage, {"account_id": live.rig.account_id, "test": False}
    (block,) = (await blocks.find(ctx, paging=blocks.Paging(), **about)).data
    assert (block.reason, block.value, block.active) == ("neighbouring_numbers", "4474001234", True)
    assert block.evidence == {"numbers_in_a_row": 5}
    safe = blocks.NewSafeNumber(number="+447400123414")
    await blocks.make_safe(ctx, ACTOR, safe, account_id=live.rig.account_id)
    await live.start("+447400123414")
    assert await live.refused("+447400123415") == "verify_blocked"
    lifted = await blocks.lift(ctx, ACTOR, block.id, blocks.Lift(), **about)
    assert (lifted.active, lifted.lifted_by) == (False, ACTOR)
    await live.start("+447400123415")
    assert await live.rig.events(block.id) == ["verify.blocked", "verify.unblocked"]
    with pytest.raises(WhimbrelError, match="conflict"):
        await blocks.lift(ctx, ACTOR, block.id, blocks.Lift(), **about)


@pytest.mark.parametrize(
    ("reason", "starts", "approvals", "slots_ago"), [("velocity", 50, 20, 0), ("low_conversion", 40, 0, 9)]
)
async def test_what_nobody_confirms_is_blocked(
    live: Desk, reason: str, starts: int, approvals: int, slots_ago: int
) -> None:
    slot = live.rig.clock.now_us() // SLOT_US - slots_ago
    count = (live.rig.account_id, 0, slot, "44740012", live.service, "GB")
    await live.rig.app.store.write([Write("verify_count", ((*count, starts - 1, starts - 1, approvals),))])
    row = await live.start() if reason == "velocity" else None
    if row is None:
        await live.rig.app.store.write([Write("verify_count", ((*count, 1, 1, 0),))])
    assert await live.refused("+447400129999") == "verify_blocked"
    await live.start("+447400139999")
    about = {"account_id": live.rig.account_id, "test": False}
    (block,) = (await blocks.find(live.rig.app.manage, paging=blocks.Paging(), **about)).data
    assert (block.reason, block.value, block.evidence["starts"]) == (reason, "44740012", starts)
    off = await live.new_service(guard=False)
    await live.start("+447400129999", off)


async def test_a_country_where_nobody_has_confirmed_is_capped_by_the_hour_until_it_is_proven(live: Desk) -> None:
    service = await live.new_service(new_country_per_hour=3)

    async def begun(numbers: range, prefix: str = "+44740012") -> list[str]:
        found = []
        for number in numbers:
            try:
                found.append((await live.start(f"{prefix}{number}00", service)).status)
            except WhimbrelError as error:
                found.append(error.code)
        return found

    async def approve(to: str) -> None:
        assert await live.check(await live.code(to=to), to, service) == "approved"

    assert await begun(range(10, 15)) == ["pending"] * 3 + ["verify_blocked"] * 2
    assert await begun(range(70, 71), "+491511234") == ["pending"], "each country has its own"
    about = {"account_id": live.rig.account_id, "test": False}
    (block,) = (await blocks.find(live.rig.app.manage, paging=blocks.Paging(), **about)).data
    assert (block.reason, block.kind, block.value) == ("new_country", "country", "GB")
    assert block.evidence == {"starts": 3, "approvals": 0}
    hour_us = 3600 * 1_000_000
    assert parse_time(block.ends_at) - parse_time(block.created_at) == hour_us
    for number in range(10, 12):
        await approve(f"+44740012{number}00")
    live.rig.clock.advance(3601)
    assert await begun(range(20, 24)) == ["pending"] * 3 + ["verify_blocked"], "two do not prove it"
    again, _ = (await blocks.find(live.rig.app.manage, paging=blocks.Paging(), **about)).data
    assert parse_time(again.ends_at) - parse_time(again.created_at) == hour_us
    await blocks.lift(live.rig.app.manage, ACTOR, again.id, blocks.Lift(quiet_s=0), **about)
    await approve("+447400122000")
    assert await begun(range(24, 34)) == ["pending"] * 10
    off = await live.new_service(new_country_per_hour=0)
    assert [(await live.start(f"+33612345{n}0", off)).status for n in range(10, 15)] == ["pending"] * 5


async def test_nobody_elses_verifications(live: Desk) -> None:
    row = await live.start()
    other_account = await live.rig.add_account("Other", "+12025550101")
    with pytest.raises(WhimbrelError, match="not_found"):
        await live.verify.start(other_account, live.service, Start(to=PHONE), test=False)
    for place in (row.id, PHONE):
        with pytest.raises(WhimbrelError, match="not_found"):
            await live.verify.check(other_account, live.service, await live.code(), test=False, place=place)
        with pytest.raises(WhimbrelError, match="not_found"):
            await live.verify.get(row.account_id, row.service_id, place, test=True)
