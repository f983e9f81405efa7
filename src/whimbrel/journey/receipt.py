"""Receipts: what carriers report about the texts they took. A report is acknowledged only after it is stored: applied
to its attempt, known already, or parked until its attempt is known.
"""

import logging
from collections import Counter
from collections.abc import Sequence

from whimbrel.base import faults
from whimbrel.base.clock import Clock
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import Report
from whimbrel.domain.receipts import carrier_keys, outcome_of
from whimbrel.journey.gather import Gatherer
from whimbrel.store.interface import ReceiptRow, Store

_log = logging.getLogger("whimbrel.receipt")


class Receipts:
    """Takes reports of all carriers and stores them in lists."""

    def __init__(self, *, store: Store, clock: Clock, vault: Vault, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._metrics = metrics
        self._step = metrics.step.labels("receipts")
        self._gatherer: Gatherer[ReceiptRow, str] = Gatherer(self._record)

    async def take(self, carrier_id: str, reports: Sequence[Report]) -> None:
        """Comes back when all of them are durable; raises when they could not be stored (the carrier keeps them)."""
        now = self._clock.now_us()
        await self._gatherer.add([self._row(carrier_id, report, now) for report in reports])

    def _row(self, carrier_id: str, report: Report, now: int) -> ReceiptRow:
        outcome = outcome_of(report.state, report.error, report.reason)
        tail_hash = self._vault.tail_hash
        return ReceiptRow(
            carrier_id=carrier_id,
            keys=carrier_keys(report.message_ids, report.base),
            state=outcome.state,
            final=outcome.final,
            reason=outcome.reason,
            stat=report.stat,
            error=report.error,
            tail_hashes=tuple([tail_hash(address) for address in report.addresses if address]),
            at=now,
            one_for_all=report.one_for_all,
        )

    async def _record(self, rows: list[ReceiptRow]) -> list[str]:
        faults.hit("receipt.before_commit")
        with self._step.time():
            results = await self._store.record_receipts(rows)
        faults.hit("receipt.after_commit")
        counts = Counter(zip([row.carrier_id for row in rows], results, strict=True))
        for (carrier_id, result), count in counts.items():
            self._metrics.receipts.labels(carrier_id, result).inc(count)
            if result == "reused":
                _log.warning("ids of a carrier are used again", extra={"carrier_id": carrier_id, "receipts": count})
        return results
