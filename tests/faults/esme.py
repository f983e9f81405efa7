"""The client as an ESME: the same texts by submit_sm over a few binds, some with a unique user_message_reference.

After a death it goes on as a careful ESME does: what stayed unanswered is sent again where it has a reference, and left
alone where it has none. Its own log is the client's.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from whimbrel.base.ids import time_us
from whimbrel.codec.smpp import events as ev
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.bodies import Bind, MessageId, ShortMessage
from whimbrel.codec.smpp.events import Role, Settings
from whimbrel.codec.smpp.pdu import Pdu, make_tlv
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, SUBMIT_SM, Tag
from whimbrel.net.smpp import LinkHandlers, SmppLink

from .client import Client, Sending
from .wire import now_us, until

_SYSTEM_ID, _PASSWORD = "faults", "faults-faults"
CREDENTIAL = {
    "name": "faults",
    "system_id": _SYSTEM_ID,
    "password": _PASSWORD,
    "settings": {"unique_reference": True, "window": 200},
}
_BINDS_MAX = 4
_WINDOW = 40
_SETTINGS = Settings(window=_WINDOW, bind_timeout_ms=60_000, response_timeout_ms=120_000)
_START_S = 60.0
_AGAIN = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL})
_REPEATS = 20
_RECEIPTS_S = 60.0
_LINGER_S = 3.0  # for receipts after the last submit: most of what customers are told comes then


def referenced(log: list[Sending]) -> list[Sending]:
    """The same requests with references in place of keys."""
    for number, sending in enumerate(log, start=1):
        if sending.key is not None:
            sending.key, sending.reference = None, number
    return log


class Esme(Client):
    """Sends what is left over a few binds, as often as it is told to."""

    async def run(self, port: int, api_key: str, connections: int) -> None:
        await super().run(port, api_key, min(connections, _BINDS_MAX))

    def __init__(self, log: list[Sending]) -> None:
        super().__init__(log)
        self.told: set[str] = set()

    async def untold(self, port: int, wanted: set[str]) -> list[str]:
        """Those of these messages of which no receipt came, in all its life and a while more."""
        bind = _Bind(self.told)
        assert await bind.open(port)
        with contextlib.suppress(TimeoutError):
            await until(lambda: wanted <= self.told, _RECEIPTS_S, "every receipt")
        bind.link.close()
        return sorted(wanted - self.told)

    async def _work(self, port: int, api_key: str) -> None:
        bind = _Bind(self.told)
        if await bind.open(port):
            await asyncio.gather(*(self._one_by_one(bind) for _ in range(_WINDOW)))
            with contextlib.suppress(TimeoutError):
                await until(lambda: bind.is_gone or self._has_been_told, _LINGER_S, "the receipts of this life")
            bind.link.close()

    @property
    def _has_been_told(self) -> bool:
        return all(sending.ids[0] in self.told for sending in self.log if sending.ids)

    async def _one_by_one(self, bind: "_Bind") -> None:
        while self._left and not bind.is_gone:
            sending = self._left.popleft()
            was_sent, sending.sent_at = sending.sent_at, sending.sent_at or now_us()
            answer = await bind.ask(sending)
            if answer is None:
                return
            if answer.status in _AGAIN:
                sending.sent_at = was_sent
                self._left.append(sending)
                await asyncio.sleep(0.05)
            elif answer.status or not isinstance(answer.body, MessageId):
                sending.unexpected = f"status {answer.status:#x}"
            else:
                sending.acknowledged_at = now_us()
                sending.ids = (answer.body.message_id,)
                sending.replayed = time_us(answer.body.message_id) < bind.since_us

    async def repeats(self, port: int) -> list[tuple[str, str]]:
        """Acknowledged requests with a reference, sent once more: the ids of both answers."""
        bind = _Bind(self.told)
        assert await bind.open(port)
        pairs = []
        for sending in [each for each in self.log if each.reference and each.ids][-_REPEATS:]:
            answer = await bind.ask(sending)
            again = answer.body.message_id if answer is not None and isinstance(answer.body, MessageId) else str(answer)
            pairs.append((sending.ids[0], again))
        bind.link.close()
        return pairs


class _Bind:
    """One bind, which answers what it is sent, and notes the ids of receipts in `told`."""

    def __init__(self, told: set[str]) -> None:
        self._told = told
        self.link: SmppLink
        self.is_gone = False
        self.since_us = 0
        self._bound = asyncio.Event()
        self._waiting: set[asyncio.Future[Pdu | None]] = set()

    async def open(self, port: int) -> bool:
        """Whether it is bound; a node that is dying lets nobody in."""
        loop = asyncio.get_running_loop()
        handlers = LinkHandlers(self._on_events, self._on_closed)
        self.link = SmppLink(loop, Role.ESME, _SETTINGS, handlers)
        self.since_us = now_us() // 1000 * 1000
        try:
            await loop.create_connection(lambda: self.link, "127.0.0.1", port)
            self.link.bind(BIND_TRANSCEIVER, Bind(_SYSTEM_ID, _PASSWORD))
            async with asyncio.timeout(_START_S):
                await self._bound.wait()
        except (OSError, TimeoutError):
            return False
        return not self.is_gone

    async def ask(self, sending: Sending) -> Pdu | None:
        """The answer to a submit; None when the bind ended before it came."""
        if self.is_gone:
            return None
        future: asyncio.Future[Pdu | None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        body, tlvs = _submit(sending)
        self.link.send(SUBMIT_SM, body, token=future, tlvs=tlvs)
        return await future

    def _on_events(self, link: SmppLink, events: list[ev.Event]) -> None:
        for event in events:
            match event:
                case ev.Bound():
                    self._bound.set()
                case ev.DeliverReceived(pdu):
                    found = receipt.parse(pdu.body.short_message, 0, pdu.tlvs)
                    self._told.update(found.message_ids if found is not None else ())
                    link.respond(pdu)
                case ev.Answered(token, pdu) | ev.Nacked(token, pdu):
                    self._settle(token, pdu)
                case ev.PeerUnbound():
                    self.is_gone = True

    def _on_closed(self, link: SmppLink, tokens: Sequence[Any], reason: str) -> None:
        self.is_gone = True
        self._bound.set()
        for token in tokens:
            self._settle(token, None)

    def _settle(self, future: "asyncio.Future[Pdu | None]", answer: Pdu | None) -> None:
        self._waiting.discard(future)
        if not future.done():
            future.set_result(answer)


def _submit(sending: Sending) -> tuple[ShortMessage, tuple[tuple[int, bytes], ...]]:
    (text,) = sending.texts
    octets = text.text.encode("ascii")  # letters, digits and spaces: the same in GSM-7
    is_long = len(octets) > 160
    body = ShortMessage(
        dest_ton=1, dest_npi=1, dest=text.to[1:], registered_delivery=1, short_message=b"" if is_long else octets
    )
    tlvs = [make_tlv(Tag.MESSAGE_PAYLOAD, octets)] if is_long else []
    if sending.reference is not None:
        tlvs.append(make_tlv(Tag.USER_MESSAGE_REFERENCE, sending.reference))
    return body, tuple(tlvs)
