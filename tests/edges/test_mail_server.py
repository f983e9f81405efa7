"""The listener of the mailbox door: TLS on both event loops, how many may connect, and what a stop leaves undone."""

import asyncio
import smtplib
import ssl

import pytest
import uvloop

from tests.net.certificates import Authority
from whimbrel.cli.supervisor import reserve
from whimbrel.config import Mailbox, Settings
from whimbrel.edges.mail.server import MailServer
from whimbrel.net.tls import server_context


class Hall:
    """In place of the door: takes all mail, as soon as it may."""

    def __init__(self):
        self.mails = []
        self.open = asyncio.Event()
        self.open.set()
        self.came = asyncio.Event()

    def admits(self, address):
        return address == "127.0.0.1"

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.came.set()
        await self.open.wait()
        self.mails.append((envelope.original_content, session.ssl is not None))
        return "250 2.0.0 Accepted"


def served(hall, **more):
    return MailServer(hall, domain="sms.example.com", host="127.0.0.1", port=0, **more)


def client(port):
    return smtplib.SMTP("127.0.0.1", port, timeout=60)


def sent(port, context=None):
    with client(port) as connection:
        if context is not None:
            connection.starttls(context=context)
        connection.sendmail("a@shop.example", ["+1@sms.example.com"], b"From: a@shop.example\r\n\r\nHello\r\n")


@pytest.mark.parametrize("policy", [asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy])
def test_mail_comes_over_tls_where_it_must(tmp_path, policy):
    authority = Authority(tmp_path, "authority")
    issued = authority.issue("localhost")
    context = ssl.create_default_context(cafile=authority.file)
    context.check_hostname = False

    async def run():
        hall = Hall()
        server = served(hall, tls=server_context(issued.cert, issued.key), tls_required=True)
        await server.start()
        try:
            await asyncio.to_thread(sent, server.port, context)
            with pytest.raises(smtplib.SMTPSenderRefused) as refused:
                await asyncio.to_thread(sent, server.port)
            assert refused.value.smtp_code == 530
        finally:
            await server.stop(60)
        assert hall.mails == [(b"From: a@shop.example\r\n\r\nHello\r\n", True)]

    loop = policy().new_event_loop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def test_so_many_connections_and_no_more():
    hall = Hall()
    server = served(hall, connections_max=2)
    await server.start()
    first, second = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    assert (await first[0].readline()).startswith(b"220") and (await second[0].readline()).startswith(b"220")
    third = await asyncio.open_connection("127.0.0.1", server.port)
    assert await third[0].read() == b"421 4.3.2 Too many connections; try again\r\n"
    first[1].write(b"QUIT\r\n")
    assert (await first[0].read()).startswith(b"221")
    await asyncio.to_thread(sent, server.port)
    assert len(hall.mails) == 1
    for _, writer in (first, second, third):
        writer.close()
    await server.stop(60)


async def test_a_stop_waits_for_the_mail_that_is_under_way_and_for_no_other():
    hall = Hall()
    hall.open.clear()
    server = served(hall)
    await server.start()
    port = server.port
    idle, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await idle.readline()).startswith(b"220")
    sending = asyncio.create_task(asyncio.to_thread(sent, port))
    await hall.came.wait()
    stopping = asyncio.create_task(server.stop(60))
    assert await idle.read() == b"421 4.3.2 Closing; try again\r\n"
    writer.close()
    assert not stopping.done()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    hall.open.set()
    await asyncio.gather(stopping, sending, return_exceptions=True)
    assert len(hall.mails) == 1


async def test_a_stop_does_not_wait_for_ever():
    hall = Hall()
    hall.open.clear()
    server = served(hall)
    await server.start()
    sending = asyncio.create_task(asyncio.to_thread(sent, server.port))
    await hall.came.wait()
    await server.stop(0.05)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await sending
    assert hall.mails == []


async def test_a_line_without_an_end_is_cut_off():
    server = served(Hall(), size_max=1000)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"EHLO mx\r\nMAIL FROM:<a@shop.example>\r\nRCPT TO:<+1@sms.example.com>\r\nDATA\r\n")
    await reader.readuntil(b"354 ")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()
            await asyncio.sleep(0)
    writer.close()
    await server.stop(1.0)


def test_processes_share_the_port_of_mail():
    base = Settings(roles=("mail",), mailbox=Mailbox(domain="sms.example.com", port=0))
    reserved, settings = reserve(base)
    try:
        assert [each.getsockname()[1] for each in reserved] == [settings.mailbox.port] != [0]
        servers = [
            MailServer(Hall(), domain="x", host="127.0.0.1", port=settings.mailbox.port, shared=True) for _ in "ab"
        ]
        assert {server.port for server in servers} == {settings.mailbox.port}
    finally:
        for each in reserved:
            each.close()
    assert reserve(Settings(roles=("mail",))) == ([], Settings(roles=("mail",))), "without a domain the door is shut"
    for server in servers:
        asyncio.run(server.stop(0.1))
