"""How a bind towards a carrier is made: from its settings to addresses, TLS, the session's timers, the bind's
fields. Apart from `smpp_bind` because a test of a carrier opens a bind by the same rules and keeps none up.
"""

import functools
from typing import Final, Literal

from whimbrel.codec.smpp.bodies import Bind
from whimbrel.codec.smpp.events import CloseReason, Settings
from whimbrel.codec.smpp.tables import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.net.dial import Dial
from whimbrel.net.tls import client_context

BindRole = Literal["transceiver", "transmitter", "receiver"]
COMMANDS: Final[dict[BindRole, int]] = {
    "transceiver": BIND_TRANSCEIVER,
    "transmitter": BIND_TRANSMITTER,
    "receiver": BIND_RECEIVER,
}
ROLES: Final[dict[str, tuple[BindRole, ...]]] = {
    "transceiver": ("transceiver",),
    "pair": ("transmitter", "receiver"),
    "transmitter": ("transmitter",),
    "receiver": ("receiver",),
}
"""By `bind_mode`: the connections of one bind."""
_VERSIONS: Final = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
_ANSWER_MS: Final = 10_000
_CLOSED: Final[dict[str, str]] = {
    CloseReason.PROTOCOL: "what it sends is not SMPP, or out of step",
    CloseReason.BIND_TIMEOUT: "the bind was not answered in time",
    CloseReason.LINK_DEAD: "enquire_link was not answered",
    CloseReason.UNBIND_TIMEOUT: "unbind was not answered",
}
_NO_CERTIFICATE: Final = "; before it answered the bind: the peer may want a certificate of ours"


def addresses(settings: CarrierSettings) -> tuple[tuple[str, int], ...]:
    """Host and port of each of its SMSCs, the first one first; an IPv6 address among `hosts` stands in brackets."""
    found = [(settings.host, settings.port)]
    for each in settings.hosts:
        host, _, port = each.rpartition(":")
        found.append((host.strip("[]"), int(port)))
    return tuple(found)


def dial(settings: CarrierSettings, address: tuple[str, int]) -> Dial:
    """A try to reach one of its addresses."""
    if not settings.tls:
        return Dial(*address)
    context = functools.partial(
        client_context,
        verify=settings.tls_verify,
        ca_file=settings.tls_ca_file,
        cert_file=settings.tls_cert_file,
        key_file=settings.tls_key_file,
    )
    return Dial(*address, tls=context, server_name=settings.tls_server_name)


def session_settings(settings: CarrierSettings) -> Settings:
    """Timers and limits of a session."""
    enquire_link_ms = settings.enquire_link_s * 1000
    return Settings(
        window=settings.window,
        response_timeout_ms=int(settings.response_timeout_s * 1000),
        enquire_link_ms=enquire_link_ms,
        enquire_link_answer_ms=min(_ANSWER_MS, enquire_link_ms) or _ANSWER_MS,
        bind_timeout_ms=int(settings.bind_timeout_s * 1000),
    )


def bind_body(settings: CarrierSettings, password: str) -> Bind:
    """The fields of the bind (SMPP 3.4 4.1)."""
    return Bind(
        system_id=settings.system_id,
        password=password,
        system_type=settings.system_type,
        interface_version=_VERSIONS[settings.interface_version],
        address_range=settings.address_range,
    )


def why_lost(settings: CarrierSettings, reason: str, *, bound: bool) -> str:
    """Why a connection ended, in words. With TLS 1.3 a certificate that the peer misses is told only after the
    handshake, or not at all."""
    said = _CLOSED.get(reason)
    if said is not None:
        return said
    has_none = settings.tls and not settings.tls_cert_file
    return reason + _NO_CERTIFICATE if has_none and not bound else reason


def version_name(number: int | None) -> str | None:
    """What a peer's interface_version says; None where it said nothing."""
    if number is None:
        return None
    return "3.3" if number < _VERSIONS["3.4"] else f"{number >> 4}.{number & 0xF}"
