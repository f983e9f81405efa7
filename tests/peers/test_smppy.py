"""Our carrier against the server of smppy (PyPI), an SMSC that is not ours.

What it can do: bind_transceiver, submit_sm, enquire_link, unbind, and deliver_sm as an ordinary text. What it cannot:
its submit_sm_resp names no message id and it writes no receipts, so a message stays `sent`; it reads one PDU of each
chunk that comes from the socket and drops the rest, so only a window of 1 is safe with it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from smppy.server import Application, SmppClient, SmppProtocol

from tests.journey.rig import SENDER, Rig, rig, until

PHONE = "+447911123456"
PASSWORD = "secret"  # the rig's carriers bind with this one


class Smsc(Application):
    """Keeps what came."""

    def __init__(self, password: str = PASSWORD) -> None:
        super().__init__("smppy", logging.getLogger("smppy"))
        self.password = password
        self.clients: list[SmppClient] = []
        self.unbound = self.asked = 0
        self.texts: list[tuple[str, str, str]] = []

    async def handle_bound_client(self, client: SmppClient) -> SmppClient | None:
        if _text(client.password) != self.password:
            return None
        self.clients.append(client)
        return client

    async def handle_unbound_client(self, client: SmppClient) -> None:
        self.unbound += 1

    async def handle_sms_received(self, client: SmppClient, source_number: str, dest_number: str, text: str) -> None:
        self.texts.append((_text(source_number), _text(dest_number), text))


class Protocol(SmppProtocol):
    """One connection; counts what it is asked."""

    async def on_enquire_link(self, request: object) -> None:
        self.app.asked += 1


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@asynccontextmanager
async def bound(folder: Path, smsc: Smsc, **settings: object) -> AsyncIterator[Rig]:
    """A rig whose only carrier is the SMSC."""
    server = await asyncio.get_running_loop().create_server(lambda: Protocol(smsc), "127.0.0.1", 0)
    try:
        async with rig(folder) as r:
            r.account_id = await r.add_account("Acme", SENDER)
            await r.set_price()
            port = server.sockets[0].getsockname()[1]
            r.carrier_id = await r.add_carrier("smppy", port=port, window=1, **settings)
            await r.add_route(r.carrier_id)
            yield r
    finally:
        server.close()


async def test_bind_submit_text_from_a_phone_unbind(tmp_path: Path) -> None:
    smsc = Smsc()
    async with bound(tmp_path, smsc) as r:
        await r.bound()
        ids = await r.send(*[r.draft(PHONE, f"text {number}") for number in range(20)])
        await r.all_settled(ids, "sent")
        assert smsc.texts == [(SENDER[1:], PHONE[1:], f"text {number}") for number in range(20)]
        assert {attempt.carrier_message_id for i in ids for attempt in await r.attempts(i)} == {None}
        await r.check_money(charged_segments=20)
        long = " ".join(f"word{number}" for number in range(60))  # in parts of 100, by sar parameters
        for text in ("Größe", long):
            await smsc.clients[0].send_sms(source=PHONE[1:], dest=SENDER[1:], text=text)
        first, second = await r.inbound(2)
        assert (first.text, second.text, second.segments, second.sender) == ("Größe", long, 5, PHONE)
        await r.pause()
        assert smsc.unbound == 1


async def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    async with bound(tmp_path, Smsc("other")) as r:
        await until(lambda: [h.last_error for h in r.app.worker.health().values()] == ["bind refused: 0x0000000d"])


async def test_it_is_asked_whether_it_lives(tmp_path: Path) -> None:
    smsc = Smsc()
    async with bound(tmp_path, smsc, enquire_link_s=1) as r:
        await r.bound()
        await until(lambda: smsc.asked == 1)
        assert [(h.state, h.last_error) for h in r.app.worker.health().values()] == [("up", None)]
        assert len(smsc.clients) == 1
