"""What a carrier brings: receipts and texts, by deliver_sm or data_sm. Each is acknowledged only after it is stored;
what could not be stored the carrier keeps and sends again (trap T45).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from whimbrel.carriers.interface import Handlers, Inbound, Report
from whimbrel.carriers.smpp_reader import Reader
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, Status
from whimbrel.net.smpp import SmppLink

_log = logging.getLogger("whimbrel.carrier")
BROUGHT: Final = frozenset({DELIVER_SM, DATA_SM})


class Intake:
    """Hands over in lists, one list for what one read brought, and answers each list at once."""

    def __init__(self, reader: Reader, handlers: Handlers) -> None:
        self._reader = reader
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, bind: str, session: str, link: SmppLink, pdus: Sequence[Pdu]) -> None:
        """Requests of `BROUGHT` that came over `link`."""
        reports: list[Report] = []
        texts: list[Inbound] = []
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
                texts.append(found)
        if unreadable:
            link.session.respond_list(unreadable, Status.ESME_RX_R_APPN)
            link.wake()
            pdus = [pdu for pdu in pdus if pdu not in unreadable]
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
        texts: Sequence[Inbound],
    ) -> None:
        status = 0
        try:
            if reports:
                await self._handlers.reports(reports)
            if texts:
                await self._handlers.inbound(texts)
        except Exception:
            _log.exception("receipts could not be stored; the carrier keeps them", extra={"bind": bind})
            status = Status.ESME_RX_T_APPN
        link.session.respond_list(pdus, status)
        link.wake()
