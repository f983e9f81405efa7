"""Ends of verifications begin flows, for the phone that was to prove itself."""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.domain.flow_documents import VerificationTrigger
from whimbrel.domain.flows import Flow
from whimbrel.domain.model import Event
from whimbrel.products.flows.outcomes import Outcomes
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.store.interface import Store

_KIND: Final = "verification"
_TYPES: Final = tuple(f"{_KIND}.{outcome}" for outcome in ("approved", "failed", "expired", "canceled"))
_read_trigger = msgspec.json.Decoder(VerificationTrigger).decode


class _Verified(msgspec.Struct, frozen=True, gc=False):
    """Columns of `flow_verifications`."""

    id: str
    recipient: str
    service_id: str


class VerificationEnds(Outcomes):
    """Ends of verifications."""

    def __init__(self, store: Store, starter: Starter) -> None:
        super().__init__(store, starter, _KIND, _TYPES)

    async def _beginnings(self, events: Sequence[Event], flows: Sequence[Flow]) -> list[Beginning]:
        ids = [event.subject_id for event in events]
        rows = await self._store.fetch(_Verified, "flow_verifications", ids)
        known = {row.id: row for row in rows}
        return [
            _beginning(event, known[event.subject_id], flow)
            for event in events
            for flow in flows
            if event.subject_id in known and _wants(flow, event)
        ]


def _wants(flow: Flow, event: Event) -> bool:
    return (
        flow.account_id == event.account_id
        and event.created_at >= flow.active_from
        and event.type.removeprefix(f"{_KIND}.") in _read_trigger(flow.starter).outcomes
    )


def _beginning(event: Event, verified: _Verified, flow: Flow) -> Beginning:
    outcome = event.type.removeprefix(f"{_KIND}.")
    about = {"type": _KIND, "outcome": outcome, "verification_id": verified.id, "service_id": verified.service_id}
    origin = f"{verified.id}:{event.seq}"
    return Beginning(flow=flow, phone=verified.recipient, origin=origin, trigger=about, test=event.test)
