"""What `whimbrel doctor` says of the ways beside SMS: whether the server that takes our mail lets us in, and whether
something answers where channels of Verify post to. Nothing is sent.
"""

import asyncio
from collections.abc import Iterator

from whimbrel import config, ways
from whimbrel.channel_sections import Channel
from whimbrel.cli.finding import Finding
from whimbrel.net.http import Failure, HttpClient, Response
from whimbrel.net.smtp import MailError

_ADVICE_MAIL = "check host, port, security, username and password of [mail] (docs/settings.md)"
_ADVICE = "check url and allow_networks of [channels.{}] (docs/verify.md)"


def look(settings: config.Settings) -> Iterator[Finding]:
    """The server of mail, then each channel."""
    mails = ways.mailer(settings)
    if mails is not None:
        server = f"{settings.mail.host}:{settings.mail.port}"
        try:
            asyncio.run(mails.probe())
        except MailError as error:
            yield Finding("mail", "error", f"{server}: {error}", _ADVICE_MAIL)
        else:
            yield Finding("mail", "ok", f"{server} takes us")
    for name, section in settings.channels.items():
        subject, answer = f"channel {name}", asyncio.run(_asked(section))
        if isinstance(answer, Failure):
            yield Finding(subject, "error", answer.detail or answer.reason, _ADVICE.format(name))
        else:
            yield Finding(subject, "ok", f"something answers there (HTTP {answer.status})")


async def _asked(section: Channel) -> Response | Failure:
    """What a GET comes to: whoever takes posts need not like it."""
    client = HttpClient(section.reach())
    await client.start()
    try:
        return await client.get(section.url, {}, timeout_s=section.timeout_s)
    finally:
        await client.stop()
