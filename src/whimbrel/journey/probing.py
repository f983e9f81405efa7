"""Testing a carrier on an operator's word: a bind of its own beside those that run (over HTTP: a client), and one text
where it is given. The text is no message: it is not stored, priced or charged, and its receipt belongs to nothing. Over
HTTP that may come in at any node, so it is looked for among the parked ones.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.carriers.http import client_of
from whimbrel.carriers.http_probe import HttpProbe, Told
from whimbrel.carriers.interface import Handlers, Health
from whimbrel.carriers.probe import Probe, ProbeReport, ProbeText, Step
from whimbrel.domain.carrier_kinds import settings_of
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.model import Carrier
from whimbrel.domain.receipts import carrier_keys
from whimbrel.journey.tables import Tables
from whimbrel.journey.worker import Worker
from whimbrel.net.recorder import Recorders
from whimbrel.store.interface import Store

_WATCHED_S: Final = 120.0  # longer than any test takes


class _Parked(msgspec.Struct, frozen=True):
    receipt: str  # JSON of Told, among more


class Probing:
    """Tests carriers, each one at a time."""

    def __init__(
        self,
        tables: Tables,
        worker: Worker,
        *,
        health: Callable[[], Mapping[str, Health]],
        recorders: Recorders,
        clock: Clock,
        store: Store,
        callback: Callable[[str, HttpSettings], str],
    ) -> None:
        """`health`: of all carriers that run, here or at other nodes. `callback`: where one over HTTP is to bring its
        receipts."""
        self._tables = tables
        self._worker = worker
        self._health = health
        self._recorders = recorders
        self._clock = clock
        self._store = store
        self._callback = callback
        self._under_way: set[str] = set()

    async def test(self, carrier: Carrier, text: ProbeText | None) -> ProbeReport:
        """What came of it; `conflict` while another test of this carrier runs."""
        if carrier.id in self._under_way:
            raise WhimbrelError("conflict", "Another test of this carrier is under way.")
        self._under_way.add(carrier.id)
        try:
            report = await self._watched(carrier, text)
        finally:
            self._under_way.discard(carrier.id)
        return self._with_running_binds(carrier, report)

    async def _watched(self, carrier: Carrier, text: ProbeText | None) -> ProbeReport:
        """The carrier may send the receipt over a bind that runs, so those are recorded meanwhile."""
        settings = settings_of(carrier)
        if isinstance(settings, HttpSettings):
            return await self._probe_http(carrier, settings, text)
        before = self._recorders.trace(carrier.id)
        if text is None or (before is not None and before.is_on):
            return await self._probe(carrier, text)
        mine = self._recorders.start(carrier.id, _WATCHED_S)
        try:
            return await self._probe(carrier, text)
        finally:
            if self._recorders.trace(carrier.id) is mine:  # an operator may have begun a trace meanwhile
                (self._recorders.drop if before is None else self._recorders.stop)(carrier.id)

    async def _probe(self, carrier: Carrier, text: ProbeText | None) -> ProbeReport:
        trace = self._recorders.trace(carrier.id)
        handlers = Handlers(
            replies=lambda replies: None,
            reports=lambda reports: self._worker.receipts.take(carrier.id, reports),
            inbound=lambda texts: self._worker.inbound.take(carrier.id, texts),
            room=lambda: None,
        )
        probe = Probe(
            carrier.name,
            msgspec.json.decode(carrier.settings, type=CarrierSettings),
            self._tables.carrier_password(carrier),
            clock=self._clock,
            handlers=handlers,
            watch=trace.recorder if trace is not None else None,
        )
        return await probe.run(text)

    async def _probe_http(self, carrier: Carrier, settings: HttpSettings, text: ProbeText | None) -> ProbeReport:
        async def receipt(message_id: str) -> Told | None:
            keys = [*carrier_keys((message_id,), settings.message_id)]
            rows = await self._store.fetch(_Parked, "parked_of", carrier.id, keys)
            return msgspec.json.decode(rows[-1].receipt, type=Told) if rows else None

        client = client_of(settings)
        await client.start()
        try:
            probe = HttpProbe(
                settings,
                self._tables.carrier_password(carrier),
                client=client,
                callback=self._callback(carrier.id, settings),
                receipt=receipt,
            )
            return await probe.run(text)
        finally:
            await client.stop()

    def _with_running_binds(self, carrier: Carrier, report: ProbeReport) -> ProbeReport:
        """A bind that is refused while others run is most often one too many, and no fault."""
        health = self._health().get(carrier.id)
        failed = [step for step in report.steps if step.state == "failed"]
        if health is None or not health.binds_up or not failed or not failed[0].name.startswith("bind"):
            return report
        said = f"{health.binds_up} of {health.binds} are up; the carrier may allow no further one: pause it to test"
        step = Step("running binds", "ok", said)
        return msgspec.structs.replace(report, steps=(*report.steps, step))
