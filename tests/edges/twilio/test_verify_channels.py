"""Codes by mail and by a voice, by the `twilio` package of PyPI, unmodified. A real SMTP server and a real HTTP server
are on the other side.
"""

import asyncio
import re
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from twilio.base.exceptions import TwilioRestException

from tests.edges.edge_rig import running_edge, until
from tests.journey.test_verify_channels import SECRET, Caller, Mailbox
from whimbrel.channel_sections import Channel
from whimbrel.mail_sections import Mail

from .twilio_rig import aside, sdk

ADA = "ada@example.com"
PHONE = "+447400123456"


@pytest.fixture
async def mailbox():
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox, hostname="mx.test"), "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    yield mailbox
    server.close()


@pytest.fixture
async def caller():
    caller, application = Caller(), web.Application()
    application.router.add_post("/voice", caller.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    caller.url = f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
    yield caller
    await runner.cleanup()


@pytest.fixture
async def v2(tmp_path, mailbox, caller):
    mail = Mail(host="127.0.0.1", port=mailbox.port, security="none", sender="sms@acme.example")
    voice = Channel(url=caller.url, secret=SECRET, allow_networks=("127.0.0.0/8",), timeout_s=30)
    async with AsyncExitStack() as stack:
        edge = await stack.enter_async_context(running_edge(tmp_path, mail=mail, channels={"voice": voice}))
        client = sdk(edge)
        stack.callback(client.http_client.session.close)
        client.verify.base_url = edge.url
        yield client.verify.v2


async def test_mails_and_calls(v2, mailbox, caller):
    service = await aside(v2.services.create, friendly_name="Acme", lookup_enabled=True)
    of = v2.services(service.sid)
    mailed = await aside(of.verifications.create, to=ADA, channel="email")
    assert (mailed.to, mailed.channel, mailed.status, mailed.lookup) == (ADA, "email", "pending", {})
    ((_, mail),) = await until(lambda: mailbox.mails)
    code = re.findall(r"\d{6}", mail.get_body(("plain",)).get_content())[0]
    assert (await aside(of.verifications(ADA).fetch)).sid == mailed.sid
    assert not (await aside(of.verification_checks.create, to=ADA, code="1")).valid
    checked = await aside(of.verification_checks.create, to="Ada@Example.com", code=code)
    assert (checked.valid, checked.channel) == (True, "email")
    called = await aside(of.verifications.create, to=PHONE, channel="call")
    assert (called.channel, called.send_code_attempts[0]["channel"]) == ("call", "CALL")
    await until(lambda: caller.calls)
    assert (await aside(of.verification_checks.create, verification_sid=called.sid, code=caller.heard())).valid

    async def all_are_sent():
        found = await aside(v2.verification_attempts.list)
        return found if all(each.channel_data["message_status"] == "SENT" for each in found) else None

    by_voice, by_mail = await until(all_are_sent)
    assert (by_voice.channel, by_voice.channel_data["to"], by_voice.conversion_status) == ("call", PHONE, "converted")
    assert (by_mail.channel, by_mail.channel_data["to"], by_mail.channel_data["country"]) == ("email", ADA, None)
    for more in ({"channel": "call"}, {"channel_data_to": PHONE}):
        assert [each.sid for each in await aside(v2.verification_attempts.list, **more)] == [by_voice.sid]
    (found,) = await aside(v2.verification_attempts.list, channel_data_to="ADA@example.com")
    assert found.sid == by_mail.sid
    summary = await aside(v2.verification_attempts_summary().fetch, channel="call")
    assert (summary.total_attempts, summary.conversion_rate_percentage) == (1, "100.00")
    for to, channel in ((ADA, "sms"), (PHONE, "email"), (PHONE, "whatsapp")):
        with pytest.raises(TwilioRestException) as refused:
            await aside(of.verifications.create, to=to, channel=channel)
        assert (refused.value.status, refused.value.code) == (400, 60223)
        assert refused.value.details["parameter"] == "Channel"
