"""Outbind: a carrier that connects to us and asks to be bound to (SMPP 3.4 4.1.7). The door that took the connection
hands it over here; from then on it is the carrier's, as if we had connected.
"""

from collections.abc import Callable
from hmac import compare_digest

from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Carrier
from whimbrel.journey.tables import Tables
from whimbrel.journey.worker import Lane
from whimbrel.net.smpp import SmppLink


class Outbinds:
    """Finds the carrier that waits for such a connection."""

    def __init__(self, tables: Tables, lane_of: Callable[[str], Lane | None]) -> None:
        self._tables = tables
        self._lane_of = lane_of

    def take(self, system_id: str, password: str, link: SmppLink) -> bool:
        """Whether a carrier with `outbind`, this name and this password waits for a connection, and has taken over
        this one."""
        for carrier in self._tables.carriers.values():
            lane = self._lane_of(carrier.id)
            settings = lane.link.settings if lane is not None else None
            if lane is None or not isinstance(settings, CarrierSettings):
                continue
            if not settings.outbind or settings.system_id != system_id:
                continue
            if self._is_password(carrier, password) and lane.link.adopt(link):
                return True
        return False

    def _is_password(self, carrier: Carrier, password: str) -> bool:
        return compare_digest(self._tables.carrier_password(carrier).encode(), password.encode())
