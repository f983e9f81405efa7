"""Answers that go out by mail under random kills of the node: none is lost. One that was with the mail server when the
node died may come twice, with the same Message-ID, so that whoever reads mail sees it once.
"""

import asyncio
import email
import email.policy
import os
import random
import smtplib
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from .processes import START_S, Node, free_port, simulator
from .wire import call, until

COUNT, KILLS = 120, 4
SLOW_S = 0.1  # of the mail server: so that kills fall into it
AT_ONCE = 5  # that the node hands over: so many may come twice for each kill
DOMAIN = "sms.example.com"
PASSED = "mx.example.com; dkim=pass header.d=shop.example"
NUMBER = "+15005550006"


class Serving(Node):
    """The folder of a quickstart, served by a node with a mailbox door and a mail server."""

    def __init__(self, folder: Path, smsc_port: int, *, mail_port: int) -> None:
        super().__init__(folder, smsc_port)
        self.door_port = free_port()
        self._mail_port = mail_port

    async def start(self, fault: str = "") -> Process:
        environ = {**os.environ, "WHIMBREL_SERVER__DATA": str(self.folder), "WHIMBREL_SERVER__PORT": str(self.port)}
        environ |= {
            "WHIMBREL_SMPP__PORT": str(self.smpp_port),
            "WHIMBREL_MAILBOX__DOMAIN": DOMAIN,
            "WHIMBREL_MAILBOX__PORT": str(self.door_port),
            "WHIMBREL_MAILBOX__AUTHSERV_IDS": "mx.example.com",
            "WHIMBREL_MAIL__HOST": "127.0.0.1",
            "WHIMBREL_MAIL__PORT": str(self._mail_port),
            "WHIMBREL_MAIL__SECURITY": "none",
            "WHIMBREL_MAIL__SENDER": "sms@acme.example",
        }
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "whimbrel", "serve"), stdout=DEVNULL, stderr=DEVNULL, env=environ
        )
        await until(self._is_ready, START_S, "a node ready")
        return self._process

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def bring(self, phone: str, text: str) -> None:
        """A mail of Alice's for a phone."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "alice@shop.example", f"{phone}@{DOMAIN}", "Order"
        mail["Message-ID"] = f"<{phone.lstrip('+')}@shop.example>"
        mail["Authentication-Results"] = PASSED
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.door_port, timeout=30) as server:
            server.send_message(mail)


class Inbox:
    """The server that takes our mail, and its time."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.answers: dict[str, str] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.ids[str(mail["Message-ID"])] += 1
        self.answers[str(mail["Message-ID"])] = str(mail["In-Reply-To"])
        await asyncio.sleep(SLOW_S)
        return "250 OK"


@pytest.mark.ci
async def test_no_answer_is_lost_and_what_comes_twice_has_one_message_id(tmp_path: Path) -> None:
    inbox, chance, loop = Inbox(), random.Random(11), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, hostname="inbox.example", loop=loop), "127.0.0.1", 0)
    async with simulator(tmp_path / "sim.log") as address:
        (tmp_path / "node").mkdir()
        first = Node(tmp_path / "node", address["smpp_port"])
        await first.start()
        key = first.credentials()["api_key"]
        await first.stop()
        node = Serving(tmp_path / "node", address["smpp_port"], mail_port=server.sockets[0].getsockname()[1])
        await node.start()
        body = {"name": "shop", "senders": ["alice@shop.example"], "auth": "dkim", "sender": NUMBER, "report": "none"}
        made = await call(node.port, "POST", "/v1/mailboxes", body, key)
        assert made.status == 201, made.json()
        phones = [f"+4915112{number:06d}" for number in range(COUNT)]
        for phone in phones:
            await asyncio.to_thread(node.bring, phone, "Your order is ready.")
        http = int(address["http_url"].rpartition(":")[2])

        async def has_binds(phone: str, text: str) -> bool:
            """The phone's text is taken: the carrier is bound, so that the simulator has somebody to bring it to."""
            return (await call(http, "POST", f"/phones/{phone}/send", {"to": NUMBER, "text": text})).status < 300

        await until(lambda: has_binds(phones[0], "HELP"), START_S, "texts of phones are brought")
        for number, phone in enumerate(phones):
            before = len(inbox.ids)
            assert await has_binds(phone, f"Thanks {number}")
            if number % (COUNT // KILLS) == COUNT // KILLS - 1:
                await until(lambda seen=before: len(inbox.ids) > seen, START_S, "one is with the mail server")
                await asyncio.sleep(chance.uniform(0, SLOW_S))
                await node.kill()
                await node.start()
                await until(lambda: has_binds(phones[0], "HELP"), START_S, "texts of phones are brought again")
        await until(lambda: len(set(inbox.answers.values())) >= COUNT, 240, "every answer came")
        path = f"/v1/mailboxes/{made.json()['id']}/log?state=sent&limit=1000"

        async def written_down() -> list[Any] | None:
            found = (await call(node.port, "GET", path, None, key)).json()["data"]
            answers = [each for each in found if each["kind"] == "answer"]
            return answers if len(answers) >= COUNT else None

        log = await until(written_down, 60, "every answer is known to be sent")
        assert await node.stop() == 0
    server.close()
    await server.wait_closed()
    assert sorted(inbox.answers.values()) == sorted(f"<{phone.lstrip('+')}@shop.example>" for phone in phones)
    assert sum(count - 1 for count in inbox.ids.values()) <= KILLS * AT_ONCE
    assert len(log) == COUNT
