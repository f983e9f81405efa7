"""The kinds of carriers, and the settings of each: how a carrier's stored settings are read by whoever does not care
which kind it is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.model import Carrier

Kind = Literal["smpp", "http"]
AnySettings = CarrierSettings | HttpSettings

_SMPP: Final = msgspec.json.Decoder(CarrierSettings)
_HTTP: Final = msgspec.json.Decoder(HttpSettings)
KINDS: Final[Mapping[str, type[CarrierSettings] | type[HttpSettings]]] = MappingProxyType(
    {"smpp": CarrierSettings, "http": HttpSettings}
)
"""Kind to the type of its settings."""


def settings_of(carrier: Carrier) -> AnySettings:
    """The settings of a carrier, by its kind."""
    return read(carrier.kind, carrier.settings)


def read(kind: str, settings: str) -> AnySettings:
    """Stored settings of a carrier of that kind."""
    return _HTTP.decode(settings) if kind == "http" else _SMPP.decode(settings)
