"""Mail out, to a server that is not ours (aiosmtpd): in the clear, over TLS of both kinds, with a login; and what its
answers mean."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from tests.net.certificates import Authority
from tests.servers import ended
from whimbrel.net.smtp import Mailer, MailError, Server
from whimbrel.net.tls import server_context

MAIL = b"From: a@b.example\r\n\r\nHello\r\n"


class Inbox:
    """Takes mail, and says what it is told to say."""

    def __init__(self):
        self.mails = []
        self.rcpt = self.data = "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content, session.auth_data))
        return self.data


@asynccontextmanager
async def served(inbox, *, tls=None, at_once=False, login=False):
    loop = asyncio.get_running_loop()
    more = {"authenticator": _login, "auth_required": login, "auth_require_tls": not at_once} if login else {}

    def made():
        return SMTP(inbox, hostname="localhost", loop=loop, tls_context=None if at_once else tls, **more)

    server = await loop.create_server(made, "127.0.0.1", 0, ssl=tls if at_once else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await ended(server)


def _login(server, session, envelope, mechanism, data):
    is_right = (data.login, data.password) == (b"sms", b"secret")
    return AuthResult(success=is_right, handled=False, auth_data=data.login)


def mailer(port, security="none", **more):
    return Mailer(Server(host="localhost", port=port, security=security, **more), timeout_s=30.0)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "authority")


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_it_is_taken(authority, security):
    inbox, issued = Inbox(), authority.issue("localhost")
    tls = None if security == "none" else server_context(issued.cert, issued.key)
    login = {} if security == "none" else {"username": "sms", "password": "secret"}
    at_once = security == "tls"
    async with served(inbox, tls=tls, at_once=at_once, login=security == "starttls") as port:
        out = mailer(port, security, ca_file=authority.file, **(login if security == "starttls" else {}))
        await out.send("a@b.example", ["c@d.example"], MAIL)
    (mail,) = inbox.mails
    assert mail[:3] == ("a@b.example", ["c@d.example"], MAIL)
    assert (mail[3] == b"sms") == (security == "starttls")


async def test_nothing_is_sent_without_tls_where_it_is_asked_for(authority):
    inbox = Inbox()
    async with served(inbox) as port:
        with pytest.raises(MailError) as error:
            await mailer(port, "starttls", ca_file=authority.file).send("a@b.example", ["c@d.example"], MAIL)
    assert not error.value.is_permanent and inbox.mails == []


async def test_a_certificate_of_somebody_else_is_not_taken(authority, tmp_path):
    inbox, issued = Inbox(), authority.issue("localhost")
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "other")
    async with served(inbox, tls=server_context(issued.cert, issued.key)) as port:
        with pytest.raises(MailError, match="certificate"):
            await mailer(port, "starttls", ca_file=other.file).send("a@b.example", ["c@d.example"], MAIL)
    assert inbox.mails == []


@pytest.mark.parametrize(
    ("where", "said", "is_permanent"),
    [
        ("rcpt", "550 5.1.1 no such mailbox", True),
        ("rcpt", "450 4.2.1 try later", False),
        ("data", "554 5.7.1 junk", True),
        ("data", "451 4.3.0 try later", False),
    ],
)
async def test_what_the_server_says_is_told(where, said, is_permanent):
    inbox = Inbox()
    setattr(inbox, where, said)
    async with served(inbox) as port:
        with pytest.raises(MailError) as error:
            await mailer(port).send("a@b.example", ["c@d.example"], MAIL)
    assert (f"{error.value.code} {error.value}", error.value.is_permanent) == (said, is_permanent)


async def test_nobody_listens_and_nobody_answers():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(MailError) as error:
        await mailer(port).send("a@b.example", ["c@d.example"], MAIL)
    assert (error.value.code, error.value.is_permanent) == (0, False)
    server.close()
    await server.wait_closed()
    with pytest.raises(MailError):
        await mailer(port).send("a@b.example", ["c@d.example"], MAIL)
