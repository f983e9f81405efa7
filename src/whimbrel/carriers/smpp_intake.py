"""What a carrier brings: receipts and texts, by deliver_sm or data_sm. Each is acknowledged only after it is stored;
what could not be stored the carrier keeps and sends again (trap T45), and that alone.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from whimbrel.carriers.interface import Handlers, Inbound, NotNow, Report
from whimbrel.carriers.smpp_reader import Reader
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, Status
from whimbrel.net.smpp import SmppLink

_log = logging.getLogger("whimbrel.carrier")
BROUGHT: Final = frozenset({DELIVER_SM, DATA_SM})
WAITING_MAX: Final = 10_000
"""Of one carrier: with so many not yet stored, no more is read from the connection that brought the last of them."""


class Intake:
    """Hands over in lists, one list for what one read brought, and answers each list at once."""

    def __init__(self, reader: Reader, handlers: Handlers) -> None:
        self._reader = reader
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._held: set[SmppLink] = set()  # connections that are not read

    def take(self, bind: str, session: str, link: SmppLink, pdus: Sequence[Pdu]) -> None:
        """Requests of `BROUGHT` that came over `link`."""
        reports: list[Report] = []
        texts: list[tuple[Pdu, Inbound]] = []
        unreadable: list[Pdu] = []
        for pdu in pdus:
            try:
                found = self._reader.read(pdu, session)
            except Exception:  # ours to mend; the carrier must neither stop for it nor send it for ever
                _log.exception("what the carrier brought cannot be read", extra={"bind": bind})
                unreadable.append(pdu)
                continue
            if isinstance(found, Report):
                reports.append(found)
            elif found is not None:
                texts.append((pdu, found))
        if unreadable:
            link.session.respond_list(unreadable, Status.ESME_RX_R_APPN)
            link.wake()
            pdus = [pdu for pdu in pdus if pdu not in unreadable]
        self._waiting += len(pdus)
        if self._waiting > WAITING_MAX:  # only a carrier without a window of its own gets here
            self._held.add(link)
            link.pause_reading()
        task = asyncio.get_running_loop().create_task(self._keep(bind, link, pdus, reports, texts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, within_s: float) -> None:
        """Wait until what came is stored and answered."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=within_s)

    async def _keep(
        self,
        bind: str,
        link: SmppLink,
        pdus: Sequence[Pdu],
        reports: Sequence[Report],
        texts: Sequence[tuple[Pdu, Inbound]],
    ) -> None:
        taken, refused = pdus, list[Pdu]()
        try:
            if reports:
                await self._handlers.reports(reports)
            if texts:
                await self._handlers.inbound([text for _, text in texts])
        except NotNow as error:
            _log.warning("texts could not be stored; the carrier keeps them", extra={"bind": bind, "error": str(error)})
            kept = {id(text) for text in error.texts}
            refused = [pdu for pdu, text in texts if id(text) in kept]
            numbers = {id(pdu) for pdu in refused}
            taken = [pdu for pdu in pdus if id(pdu) not in numbers]
        except Exception:
            _log.exception("receipts could not be stored; the carrier keeps them", extra={"bind": bind})
            taken, refused = [], list(pdus)
        link.session.respond_list(taken)
        link.session.respond_list(refused, Status.ESME_RX_T_APPN)
        link.wake()
        self._kept(len(pdus))

    def _kept(self, count: int) -> None:
        self._waiting -= count
        if self._held and self._waiting <= WAITING_MAX // 2:
            for held in self._held:
                held.resume_reading()
            self._held.clear()
