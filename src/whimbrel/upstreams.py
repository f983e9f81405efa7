"""The running carrier for a carrier's row, by its kind, and what tests one. Beside `app` because only here
implementations are named."""

from collections.abc import Callable, Mapping
from functools import partial

from whimbrel.carriers.http import HttpCarrier, client_of
from whimbrel.carriers.interface import CarrierLink, Handlers, Health
from whimbrel.carriers.smpp import SmppCarrier
from whimbrel.domain.carrier_kinds import settings_of
from whimbrel.domain.http_dialect import HttpSettings, call_path
from whimbrel.domain.model import Carrier
from whimbrel.journey.probing import Probing
from whimbrel.journey.tables import Tables
from whimbrel.journey.worker import Worker
from whimbrel.manage.context import Context
from whimbrel.net.recorder import Recorders
from whimbrel.store.interface import Store


class Upstreams:
    """Makes them. `api_url`: where carriers over HTTP find us; empty: they are told no address."""

    def __init__(self, ctx: Context, tables: Tables, recorders: Recorders, api_url: Callable[[], str]) -> None:
        self._tables = tables
        self._vault = ctx.vault
        self._clock = ctx.clock
        self._chance = ctx.chance
        self._recorders = recorders
        self._api_url = api_url

    def link(self, carrier: Carrier, handlers: Handlers) -> CarrierLink:
        """A carrier that is not started."""
        password = self._tables.carrier_password(carrier)
        settings = settings_of(carrier)
        if isinstance(settings, HttpSettings):
            return HttpCarrier(
                carrier,
                password,
                handlers,
                client=client_of(settings),
                callback=partial(self.callback, carrier.id, settings),
                clock=self._clock,
                chance=self._chance,
            )
        return SmppCarrier(
            carrier, password, handlers, clock=self._clock, chance=self._chance, recorders=self._recorders
        )

    def probing(self, worker: Worker, store: Store, health: Callable[[], Mapping[str, Health]]) -> Probing:
        """What tests them."""
        return Probing(
            self._tables,
            worker,
            health=health,
            recorders=self._recorders,
            clock=self._clock,
            store=store,
            callback=self.callback,
        )

    def callback(self, carrier_id: str, settings: HttpSettings) -> str:
        """Where it is to bring its receipts."""
        base = self._api_url()
        if not base:
            return ""
        token = self._vault.call_token(carrier_id, settings.callback_version)
        return base + call_path(carrier_id, token, "receipts")
