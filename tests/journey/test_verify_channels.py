"""Codes by mail, by a carrier that calls people up, and the next channel where one brought nothing. A real SMTP server
reads the mail on the other side, a real HTTP server is the carrier, and the simulator's phones get the texts.
"""

import asyncio
import email
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from standardwebhooks import Webhook

from tests.dump import rows_of
from tests.journey.rig import ACTOR, POSTGRES, rig, sqlite_first, until
from tests.journey.test_verify import PHONE, WAIT_S, Desk, other
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.log import JsonFormatter
from whimbrel.channel_sections import Channel
from whimbrel.domain.hook_signatures import Signed
from whimbrel.domain.verify import Verification
from whimbrel.mail_sections import Mail
from whimbrel.manage import accounts
from whimbrel.products.verify import reports
from whimbrel.products.verify.starting import Start
from whimbrel.store.interface import Write

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ADA = "Ada.Lovelace@example.com"
OFF = "+15005550227"  # the handset is off


class Mailbox:
    """An SMTP server that keeps what it takes, or says what it is told to."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answer = "250 OK"
        self.hangs = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if not self.answer.startswith("250"):
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(envelope.content, policy=default)
        self.mails.append((tuple(envelope.rcpt_tos), mail))
        if self.hangs:
            server.transport.abort()
        return "250 OK"


class Caller:
    """A carrier that calls people up: it keeps what it is to say."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.status = 202
        self.checks = Webhook(SECRET)
        self.hangs = False

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.checks.verify(body, dict(request.headers))
        said = msgspec.json.decode(body)
        assert request.headers["webhook-id"] == said["id"]
        self.calls.append(said)
        if self.hangs:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"id": f"call-{len(self.calls)}"}, status=self.status)

    def heard(self) -> str:
        """The code as the voice said it the last time."""
        return "".join(re.findall(r"(?<!\d)\d(?!\d)", self.calls[-1]["spoken_text"]))


class Channels(Desk):
    """A desk with channels beside SMS."""

    mailbox: Mailbox
    caller: Caller

    async def attempts(self, row: Verification) -> list[tuple[str, str, str]]:
        """Channel, state, why the next one was taken."""
        rows = await self.verify.attempts_of(row)
        states = await reports.states_of(self.rig.app.manage, rows)
        return [(each.channel, states.get(each.message_id or "", each.state), each.moved_on) for each in rows]

    async def come_to(self, row: Verification, *wanted: tuple[str, str, str]) -> None:
        """Wait until the attempts stand so."""

        async def there() -> bool:
            return await self.attempts(row) == list(wanted)

        try:
            await until(there)
        except TimeoutError:
            raise AssertionError(await self.attempts(row)) from None

    async def status(self, row: Verification) -> str:
        return (await self.verify.get(row.account_id, row.service_id, row.id, test=row.test)).status

    async def suspend(self) -> None:
        await accounts.suspend(self.rig.app.manage, ACTOR, self.rig.account_id)

    async def ends(self, row: Verification, status: str) -> None:
        async def there() -> bool:
            return await self.status(row) == status

        await until(there)


@pytest.fixture
async def live(tmp_path: Path, database: None) -> AsyncIterator[Channels]:
    async with AsyncExitStack() as stack:
        mailbox, caller = Mailbox(), Caller()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(mailbox, hostname="mx.test"), "127.0.0.1", 0)
        stack.callback(server.close)
        application = web.Application()
        application.router.add_post("/voice", caller.take)
        runner = web.AppRunner(application)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
        mail = Mail(
            host="127.0.0.1", port=server.sockets[0].getsockname()[1], security="none", sender="sms@acme.example"
        )
        voice = Channel(url=url, secret=SECRET, allow_networks=("127.0.0.0/8",), timeout_s=30)
        running = await stack.enter_async_context(rig(tmp_path, mail=mail, channels={"voice": voice}))
        await running.seed()
        await running.bound()
        desk = Channels(running)
        desk.mailbox, desk.caller = mailbox, caller
        desk.service = await desk.new_service()
        yield desk


async def test_a_code_by_mail(live: Channels) -> None:
    service = await live.new_service(language="de", do_not_share=True)
    row = await live.start("Ada.Lovelace@EXAMPLE.com", service)
    ((to, mail),) = await until(lambda: live.mailbox.mails)
    assert to == ("Ada.Lovelace@example.com",)
    text = mail.get_body(("plain",)).get_content().strip()
    code = re.findall(r"\d{6}", text)[0]
    assert text == f"Ihr Code für Acme lautet {code}. Geben Sie ihn niemandem weiter."
    assert mail["Subject"] == f"Ihr Code für Acme lautet {code}"
    assert (mail["From"], mail["Auto-Submitted"]) == ("sms@acme.example", "auto-generated")
    await live.come_to(row, ("email", "sent", ""))
    (attempt,) = await live.verify.attempts_of(row)
    assert mail["Message-ID"] == f"<{attempt.id}@acme.example>"
    assert code in mail.get_body(("html",)).get_content()
    assert (row.country, row.channel) == ("", "email")
    assert await live.check(other(code), ADA, service) == "wrong"
    assert await live.check(code, "ada.lovelace@example.com", service) == "approved"
    assert (await live.verify.attempts_of(row))[0].converted_at is not None


async def test_addresses_have_the_limits_of_numbers(live: Channels) -> None:
    await live.start(ADA)
    assert await live.refused(ADA) == "verify_too_soon"
    live.rig.clock.advance(WAIT_S)
    assert (await live.start(ADA.lower())).sends == 2
    assert await live.refused("nobody@") == "invalid_request"
    assert await live.refused(ADA, channel="sms") == "verify_channel_unknown"
    assert await live.refused(PHONE, channel="email") == "verify_channel_unknown"
    guarded = await live.new_service(countries=["DE"])
    assert (await live.start("bob@bücher.example", guarded)).recipient == "bob@xn--bcher-kva.example"


@sqlite_first
async def test_an_address_that_is_refused_for_good_fails_the_verification(live: Channels) -> None:
    live.mailbox.answer = "550 5.1.1 <ada@example.com>: no such mailbox"
    row = await live.start(ADA)
    await live.ends(row, "failed")
    (attempt,) = await live.verify.attempts_of(row)
    assert (attempt.state, attempt.reason) == ("refused", "smtp_550")
    assert await live.check("123456", row.id) == "not_found"
    assert await live.events(row) == ["verification.started", "verification.failed"]


@sqlite_first
async def test_a_server_that_takes_nothing_for_the_moment_is_asked_again(live: Channels) -> None:
    live.mailbox.answer = "451 4.7.1 greylisted"
    row = await live.start(ADA)

    async def waits() -> bool:
        (attempt,) = await live.verify.attempts_of(row)
        return (attempt.state, attempt.tries, attempt.reason) == ("queued", 1, "smtp_451")

    await until(waits)
    live.mailbox.answer = "250 OK"
    live.rig.clock.advance(3)
    await until(lambda: live.mailbox.mails)
    await live.come_to(row, ("email", "sent", ""))
    assert (await live.verify.attempts_of(row))[0].tries == 2


@sqlite_first
async def test_a_call_says_the_code(live: Channels) -> None:
    began = time.monotonic()
    row = await live.start(channel="voice")
    await until(lambda: live.caller.calls)
    took_s = time.monotonic() - began
    (said,) = live.caller.calls
    assert (said["to"], said["channel"], said["language"]) == (PHONE, "voice", "en")
    assert (said["verification_id"], said["text"]) == (row.id, f"Your Acme code is {said['code']}")
    assert 599 - took_s <= said["expires_in_s"] <= 600
    await live.come_to(row, ("voice", "sent", ""))
    assert (await live.verify.attempts_of(row))[0].reference == "call-1"
    assert await live.check(live.caller.heard()) == "approved"


async def test_a_phone_that_is_off_is_called_up(live: Channels) -> None:
    """The simulator's number is reported as not reached; the voice says the same code, and it is the right one."""
    service = await live.new_service(channels=["sms", "voice"], fallback_after_s=600)
    row = await live.start(OFF, service)
    await live.come_to(row, ("sms", "undelivered", "undelivered"), ("voice", "sent", ""))
    now = await live.verify.get(row.account_id, service, row.id, test=False)
    assert (now.channel, now.sends, now.status) == ("voice", 2, "pending")
    assert await live.check(live.caller.heard(), OFF, service) == "approved"
    assert await live.events(row, 3) == ["verification.started", "verification.fallback", "verification.approved"]
    about = {"account_id": live.rig.account_id, "test": False, "from_us": 0, "to_us": live.rig.clock.now_us()}
    summary = await reports.summary(live.rig.app.manage, **about)
    found = {each.channel: (each.sends, each.failures, each.approvals) for each in summary.channels}
    assert found == {"sms": (1, 1, 0), "voice": (1, 0, 1)}


@sqlite_first
async def test_what_is_not_known_to_be_delivered_in_time_goes_by_the_next_channel(live: Channels) -> None:
    service = await live.new_service(channels=["sms", "voice"], fallback_after_s=30)
    await live.unbind()
    row = await live.start(service=service)
    await live.come_to(row, ("sms", "queued", ""))
    live.rig.clock.advance(31)
    await live.come_to(row, ("sms", "queued", "timeout"), ("voice", "sent", ""))
    assert len(live.caller.calls) == 1
    assert await live.check(live.caller.heard(), PHONE, service) == "approved"


@sqlite_first
async def test_what_is_delivered_stays_with_its_channel(live: Channels) -> None:
    service = await live.new_service(channels=["sms", "voice"], fallback_after_s=300)
    row = await live.start(service=service)
    await live.settled(row, "delivered")
    live.rig.clock.advance(302)

    async def rests() -> bool:
        return (await live.verify.attempts_of(row))[0].due_at is None

    await until(rests)
    assert (await live.attempts(row), live.caller.calls) == ([("sms", "delivered", "")], [])


@sqlite_first
async def test_a_channel_that_refuses_at_once_is_passed_by_within_the_start(live: Channels) -> None:
    service = await live.service_of_gone_sender(channels=["sms", "voice"])
    row = await live.start(service=service)
    assert (row.channel, row.sends) == ("voice", 1)
    await live.come_to(row, ("sms", "refused", "refused"), ("voice", "sent", ""))
    assert (await live.verify.attempts_of(row))[0].reason == "sender_not_allowed"
    landline = await live.new_service(channels=["sms", "voice"], skip_landlines=True)
    assert (await live.start("+493012345678", landline)).channel == "voice"


@sqlite_first
async def test_when_every_channel_refused_the_verification_has_failed(live: Channels) -> None:
    service = await live.new_service(channels=["sms", "voice"])
    live.caller.status = 403
    row = await live.start(OFF, service)
    await live.ends(row, "failed")
    assert await live.attempts(row) == [("sms", "undelivered", "undelivered"), ("voice", "refused", "")]
    assert await live.events(row, 3) == ["verification.started", "verification.fallback", "verification.failed"]
    alone = await live.start(OFF, live.service)
    live.rig.clock.advance(6)
    await live.ends(alone, "failed")


@sqlite_first
async def test_an_unknown_outcome_is_in_doubt_and_is_not_sent_again(live: Channels) -> None:
    live.caller.hangs = True
    row = await live.start(channel="voice")
    await live.come_to(row, ("voice", "in_doubt", ""))
    (attempt,) = await live.verify.attempts_of(row)
    assert attempt.reason == "connection_lost"
    events = await until(lambda: live.rig.events(attempt.id))
    assert (events, await live.status(row)) == (["verification.in_doubt"], "pending")
    assert await live.check(live.caller.calls[0]["code"]) == "approved"
    live.mailbox.hangs = True
    mailed = await live.start(ADA)
    await live.come_to(mailed, ("email", "in_doubt", ""))
    assert len(live.mailbox.mails) == 1


async def test_a_node_that_died_while_it_handed_over_leaves_a_doubt_and_one_that_had_not_begun_nothing(
    live: Channels,
) -> None:
    await live.verify.ending.stop()
    waiting = await live.start(channel="voice")
    begun = await live.start("+447400123999", channel="voice")
    (attempt,) = await live.verify.attempts_of(begun)
    (taken,) = [each for each in await live.verify.attempts_of(begun) if each.state == "queued"]
    claimed = (attempt.id, 1, "sending", "", "", "", 1, taken.created_at + 10_000_000)
    await live.rig.app.store.write([Write("verify_attempt_set", (claimed,))])
    live.rig.clock.advance(11)
    await live.verify.ending.start()
    await live.come_to(begun, ("voice", "in_doubt", ""))
    await live.come_to(waiting, ("voice", "sent", ""))
    assert [said["verification_id"] for said in live.caller.calls] == [waiting.id]


@sqlite_first
async def test_the_next_channel_counts_as_a_send(live: Channels) -> None:
    service = await live.new_service(channels=["sms", "voice"], max_sends=1, fallback_after_s=10)
    await live.unbind()
    row = await live.start(service=service)
    live.rig.clock.advance(11)

    async def rests() -> bool:
        return (await live.verify.attempts_of(row))[0].due_at is None

    await until(rests)
    assert (await live.attempts(row), live.caller.calls) == ([("sms", "queued", "")], [])


@sqlite_first
async def test_a_test_key_reaches_nobody(live: Channels) -> None:
    start = Start(to=ADA)
    row = await live.verify.start(live.rig.account_id, live.service, start, test=True)
    (attempt,) = await live.verify.attempts_of(row)
    assert (attempt.state, attempt.reference, attempt.due_at) == ("sent", "test", None)
    assert live.mailbox.mails == []


@sqlite_first
async def test_a_suspended_account_sends_nothing(live: Channels) -> None:
    await live.suspend()
    with pytest.raises(WhimbrelError, match="account_suspended"):
        await live.start(ADA)


@sqlite_first
async def test_what_waits_when_an_account_is_suspended_goes_nowhere_and_ends_with_its_verification(
    live: Channels,
) -> None:
    await live.verify.ending.stop()
    row = await live.start(ADA)
    await live.suspend()
    await live.verify.ending.start()

    async def is_put_off() -> bool:
        (attempt,) = await live.verify.attempts_of(row)
        return attempt.state == "queued" and (attempt.due_at or 0) > live.rig.clock.now_us() + 3_000_000

    await until(is_put_off)
    live.rig.clock.advance(601)
    await live.come_to(row, ("email", "canceled", ""))
    assert live.mailbox.mails == []


def files_in(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@sqlite_first
async def test_codes_and_addresses_stand_in_no_log_and_codes_in_no_file(
    live: Channels, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    live.caller.hangs = True
    longest = await live.new_service(code_length=10)  # six digits stand in some identifier now and then
    called = await live.start(channel="voice", service=longest)
    mailed = await live.start(ADA, longest)
    await live.come_to(called, ("voice", "in_doubt", ""))
    await live.come_to(mailed, ("email", "sent", ""))
    live.mailbox.answer = f"550 5.1.1 <{ADA}>: no such mailbox"
    gone = await live.start("gone@example.com")
    await live.ends(gone, "failed")
    ((_, mail),) = live.mailbox.mails
    codes = [live.caller.calls[0]["code"], re.findall(r"\d{10}", mail["Subject"])[0]]
    shown = JsonFormatter()
    lines = "\n".join(shown.format(record) for record in caplog.records if record.name.startswith("whimbrel"))
    assert "a channel did not take a code" in lines
    assert [word for word in (ADA, "gone@example.com", PHONE, *codes) if word in lines] == []
    files = files_in(tmp_path)
    if (tmp_path / POSTGRES).exists():
        files.append("\n".join(await rows_of((tmp_path / POSTGRES).read_text())).encode())
    assert any(b"verify_attempts" in octets for octets in files)
    standing = [octets for octets in files for code in codes if re.search(rb"(?<!\d)%b(?!\d)" % code.encode(), octets)]
    assert standing == []


def signed(body: bytes, secret: str = SECRET) -> Signed:
    """A report as its carrier signs it."""
    at = datetime.now(UTC)
    signature = Webhook(secret).sign("report-1", at, body.decode())
    headers = {"webhook-id": "report-1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return Signed(method="POST", urls=(), headers=headers, query={}, body=body)


@sqlite_first
async def test_a_call_that_nobody_took_has_the_next_channel_taken_at_once(live: Channels) -> None:
    service = await live.new_service(channels=["voice", "sms"], fallback_after_s=3600)
    row = await live.start(service=service)
    await live.come_to(row, ("voice", "sent", ""))
    (said,) = live.caller.calls
    assert said["report_to"] == f"/v1/verify/attempts/{said['id']}/report"
    take = live.verify.reporting.take
    for wrong in (signed(b'{"status":"undelivered"}', "whsec_" + "B" * 32), signed(b'{"status":"gone"}')):
        with pytest.raises(WhimbrelError):
            await take(said["id"], wrong)
    assert (await take(said["id"], signed(b'{"status":"undelivered","reason":"busy"}'))).state == "undelivered"
    await until(lambda: live.rig.phone(PHONE))
    (first, second) = await live.verify.attempts_of(row)
    assert (first.state, first.reason, first.moved_on, second.channel) == ("undelivered", "busy", "undelivered", "sms")
    assert (await take(said["id"], signed(b'{"status":"delivered"}'))).state == "undelivered", "what was told first"
    assert await live.check(said["code"], PHONE, service) == "approved"


@sqlite_first
async def test_reports_say_that_a_call_was_taken_or_that_nothing_is_left(live: Channels) -> None:
    both = await live.new_service(channels=["voice", "sms"], fallback_after_s=10)
    row = await live.start(service=both)
    await live.come_to(row, ("voice", "sent", ""))
    await live.verify.reporting.take(live.caller.calls[-1]["id"], signed(b'{"status":"delivered"}'))
    live.rig.clock.advance(12)
    alone = await live.new_service(channels=["voice"])
    last = await live.start("+447400123457", alone)
    await live.come_to(last, ("voice", "sent", ""))
    await live.verify.reporting.take(live.caller.calls[-1]["id"], signed(b'{"status":"undelivered"}'))
    await live.ends(last, "failed")
    assert await live.attempts(row) == [("voice", "delivered", "")]
    with pytest.raises(WhimbrelError):
        await live.verify.reporting.take("VL" + "0" * 32, signed(b'{"status":"delivered"}'))
