"""Our carrier against the server of smpp34 (PyPI; Rust), an SMSC that is not ours.

What it can do: every bind, submit_sm with an id or a refusal of our choosing, windows, enquire_link, unbind from both
sides, deliver_sm with any text, esm_class and TLVs: so receipts in text, in TLVs, and long texts from phones. What it
cannot: it hands submits to the application side by side, so their order on the wire does not show.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import smpp34

from tests.journey.rig import SENDER, Rig, rig, until
from tests.ports import free_port

PHONES = [f"+4479111240{number:02}" for number in range(60)]
RECEIPT = 0x04
Receipt = Callable[[str], dict[str, object]]


def in_text(message_id: str) -> dict[str, object]:
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"
    return {"short_message": text.encode()}


def in_tlvs(message_id: str) -> dict[str, object]:
    named = smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0")
    return {"tlvs": [named, smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, b"\x02")]}


class Smsc:
    """Takes what comes, and reports each text as delivered."""

    def __init__(self, server: smpp34.Server, receipt: Receipt) -> None:
        self._server = server
        self._receipt = receipt
        self.sessions: dict[str, smpp34.Esme] = {}
        self.unbound = 0
        self.texts: list[tuple[str, str, bytes]] = []
        self.refuse: list[int] = []

    async def serve(self) -> None:
        """Until canceled."""
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self.sessions[event.session_id] = event
            elif isinstance(event, smpp34.Unbound):
                self.unbound += 1
            else:
                await self._take(event)

    async def _take(self, event: smpp34.SubmitSmEvent) -> None:
        if self.refuse:
            event.reject(self.refuse.pop(0))
            return
        self.texts.append((event.source_addr, event.destination_addr, event.short_message))
        message_id = f"{len(self.texts):08X}"
        event.accept(message_id)
        answer = await self.sessions[event.session_id].deliver_sm(
            event.source_addr, source_addr=event.destination_addr, esm_class=RECEIPT, **self._receipt(message_id)
        )
        assert answer.is_success


@asynccontextmanager
async def bound(folder: Path, receipt: Receipt = in_text, **settings: object) -> AsyncIterator[tuple[Rig, Smsc]]:
    """A rig whose only carrier is the SMSC."""
    port = free_port()
    server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
    await server.start()
    smsc = Smsc(server, receipt)
    serving = asyncio.create_task(smsc.serve())
    try:
        async with rig(folder) as r:
            r.account_id = await r.add_account("Acme", SENDER)
            await r.set_price()
            r.carrier_id = await r.add_carrier("smpp34", port=port, **settings)
            await r.add_route(r.carrier_id)
            await r.bound()
            yield r, smsc
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await server.stop()


async def test_bind_submit_receipt_unbind(tmp_path: Path) -> None:
    async with bound(tmp_path, window=20) as (r, smsc):
        ids = await r.send(*[r.draft(phone, f"to {phone}") for phone in PHONES])
        await r.all_settled(ids, "delivered")
        assert sorted(smsc.texts) == [(SENDER[1:], phone[1:], f"to {phone}".encode()) for phone in PHONES]
        await r.check_money(charged_segments=len(PHONES))
        await r.pause()
        await until(lambda: smsc.unbound == 1)


async def test_receipts_in_tlvs_over_several_binds(tmp_path: Path) -> None:
    async with bound(tmp_path, in_tlvs, binds=3) as (r, smsc):
        await r.bound(3)
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        await r.all_settled(ids, "delivered")
        await until(lambda: len(smsc.sessions) == 3)


async def test_long_texts_out(tmp_path: Path) -> None:
    async with bound(tmp_path) as (r, smsc):
        (message_id,) = await r.send(r.draft(PHONES[0], "x" * 200))
        await r.settled(message_id, "delivered")
        headers = sorted(text[:6] for _, _, text in smsc.texts)
        assert [header[:3] + header[4:] for header in headers] == [b"\5\0\3\2\1", b"\5\0\3\2\2"]
        await r.check_money(charged_segments=2)


async def test_refusals(tmp_path: Path) -> None:
    async with bound(tmp_path) as (r, smsc):
        smsc.refuse = [smpp34.ESME_RINVDSTADR]
        (message_id,) = await r.send(r.draft(PHONES[0]))
        assert (await r.settled(message_id, "failed")).reason == "invalid_destination"
        smsc.refuse = [smpp34.ESME_RTHROTTLED]
        (message_id,) = await r.send(r.draft(PHONES[1]))
        await r.settled(message_id, "delivered")


async def test_texts_from_phones_whole_and_in_parts(tmp_path: Path) -> None:
    async with bound(tmp_path) as (r, smsc):
        (session,) = await until(lambda: list(smsc.sessions.values()))
        await session.deliver_sm(SENDER[1:], "Größe".encode("utf-16-be"), source_addr=PHONES[0][1:], data_coding=8)
        for number, half in ((2, b"world"), (1, b"Hello ")):
            header = bytes((5, 0, 3, 77, 2, number))
            await session.deliver_sm(SENDER[1:], header + half, source_addr=PHONES[0][1:], esm_class=0x40)
        first, second = await r.inbound(2)
        assert (first.text, second.text, second.sender) == ("Größe", "Hello world", PHONES[0])


async def test_it_unbinds_us_and_we_come_back(tmp_path: Path) -> None:
    async with bound(tmp_path) as (r, smsc):
        (session,) = await until(lambda: list(smsc.sessions.values()))
        await session.unbind()
        await until(lambda: len(smsc.sessions) == 2)
        await r.bound()
        (message_id,) = await r.send(r.draft(PHONES[0]))
        await r.settled(message_id, "delivered")
