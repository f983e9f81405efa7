"""Mail out, against a real SMTP server: TLS, who is let in, what is refused for good, and what nobody knows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.net.certificates import Authority
from tests.servers import ended
from whimbrel.net.smtp import Mailer, MailError, Server

MAIL = b"Subject: x\r\n\r\ny\r\n"
NAME = "localhost"


class Mails:
    """What a server keeps, and what it says to whom."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, ...]] = []
        self.data = "250 OK"
        self.ends = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            self.taken.append(tuple(envelope.rcpt_tos))
        if self.ends:
            server.transport.abort()
        return self.data


def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"whimbrel", b"right")
    return AuthResult(success=is_known, handled=False)


@asynccontextmanager
async def serving(mails: Mails, *, tls: Any = None, starttls: Any = None) -> AsyncIterator[int]:
    """Its port."""

    def made() -> SMTP:
        more: dict[str, Any] = {"tls_context": starttls, "require_starttls": True} if starttls else {}
        return SMTP(mails, hostname="mx.test", authenticator=known, auth_require_tls=not tls, **more)

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await ended(server)


def ours(port: int, authority: Authority, **change: Any) -> Server:
    base = Server(host=NAME, port=port, username="whimbrel", password="right", ca_file=authority.file)
    return msgspec.structs.replace(base, **change)


async def refused(server: Server, to: str = "ada@example.com") -> MailError:
    with pytest.raises(MailError) as caught:
        await Mailer(server, 30).send("sms@acme.example", [to], MAIL)
    return caught.value


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_over_tls_with_a_login(tmp_path: Path, security: Any) -> None:
    authority, mails = Authority(tmp_path, "ours"), Mails()
    context = authority.server(NAME)
    async with serving(mails, **{security: context}) as port:
        server = ours(port, authority, security=security)
        await Mailer(server, 30).send("sms@acme.example", ["ada@example.com"], MAIL)
        await Mailer(server, 30).probe()
        wrong = await refused(msgspec.structs.replace(server, password="wrong"))
        assert (wrong.code, wrong.is_permanent, wrong.is_doubtful) == (535, True, False)
        other = Authority(tmp_path, "other")
        unknown = await refused(ours(port, other, security=security))
        assert (unknown.code, unknown.is_doubtful) == (0, False)
    assert mails.taken == [("ada@example.com",)]


async def test_nothing_is_sent_to_a_server_that_does_not_offer_tls(tmp_path: Path) -> None:
    mails = Mails()
    async with serving(mails) as port:
        error = await refused(ours(port, Authority(tmp_path, "ours"), security="starttls"))
    assert (error.is_doubtful, mails.taken) == (False, [])


async def test_what_is_refused_and_what_nobody_knows(tmp_path: Path) -> None:
    mails = Mails()
    async with serving(mails) as port:
        plain = Server(host="127.0.0.1", port=port, security="none")
        gone = await refused(plain, "nobody@example.com")
        assert (gone.code, gone.is_permanent, gone.is_doubtful) == (550, True, False)
        mails.data = "451 4.3.0 later"
        later = await refused(plain)
        assert (later.code, later.is_permanent, later.is_doubtful) == (451, False, False)
        mails.data, mails.ends = "250 OK", True
        lost = await refused(plain)
        assert (lost.code, lost.is_permanent, lost.is_doubtful) == (0, False, True)
        assert len(mails.taken) == 1
    nowhere = await refused(plain)
    assert (nowhere.code, nowhere.is_doubtful) == (0, False)
