"""The numbers in carriers' answers, in the words of what the carrier is spoken to by: over SMPP a command_status has a
name and a meaning, over HTTP a number is the provider's own or HTTP's."""

from collections.abc import Mapping

from whimbrel.codec.smpp.statuses import STATUSES, status_name
from whimbrel.domain.model import Carrier


class AnswerCodes:
    """`carriers` by id. One that is gone is taken for one over SMPP."""

    def __init__(self, carriers: Mapping[str, Carrier]) -> None:
        self._over_http = frozenset(carrier.id for carrier in carriers.values() if carrier.kind == "http")

    def is_http(self, carrier_id: str | None) -> bool:
        """Whether a carrier is spoken to over HTTP, and so has no PDUs."""
        return carrier_id in self._over_http

    def name(self, code: int, carrier_id: str | None) -> str:
        """What the number is called."""
        return str(code) if self.is_http(carrier_id) else status_name(code)

    def meaning(self, code: int, carrier_id: str | None) -> str:
        """What it means; empty where nobody knows."""
        known = None if self.is_http(carrier_id) else STATUSES.get(code)
        return known.meaning if known is not None else ""
