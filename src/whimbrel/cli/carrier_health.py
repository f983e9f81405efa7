"""How a running node's carriers are doing, for `whimbrel doctor`: the node alone knows whether a bind is up, what it
was refused with, and what waits. Its health says the first two, its metrics the third.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from whimbrel.cli.client import Client
from whimbrel.cli.finding import Finding
from whimbrel.codec.smpp.tables import Status

_LONG_WAIT_S = 30
_STATUS = re.compile(r"0x([0-9a-f]{8})")
_AGE = re.compile(r"^whimbrel_queue_age_seconds\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_UNREACHABLE = "check address, firewall and carrier"
_TLS = "check the tls… settings, the files that they name, and what the carrier says of its certificate"
_OTHERWISE = "ask the carrier what it means; the node's log says when it happened"
_UNSENT = ("name_not_found", "connect_failed", "connect_timeout", "address_refused", "bad_url")
_ACCOUNT = re.compile(r"answered (30[014-8]|401|402|403|404|405|407)\b").match
_TO_DO = {
    Status.ESME_RINVPASWD: "set the password that the carrier gave you: PATCH /v1/carriers/{id} with `password`",
    Status.ESME_RINVSYSID: "set the system_id that the carrier gave you: PATCH /v1/carriers/{id} with `settings`",
    Status.ESME_RINVSYSTYP: "set the system_type that the carrier wants: PATCH /v1/carriers/{id} with `settings`",
    Status.ESME_RALYBND: "the carrier counts a bind too many: end what else binds with this name, or lower `binds`",
    Status.ESME_RBINDFAIL: "check system_id and password, and ask the carrier whether it allows your address and so "
    "many binds",
}

Ages = Mapping[str, Mapping[str, float]]  # carrier's name -> class -> seconds that its oldest message waits


class Connection(msgspec.Struct, frozen=True):
    """What we read of one of its connections."""

    name: str
    role: str
    host: str
    state: str
    last_error: str | None = None


class Health(msgspec.Struct, frozen=True):
    """What we read of a carrier's health."""

    state: str
    binds_up: int
    binds: int
    last_error: str | None = None
    connections: tuple[Connection, ...] = ()


class Carrier(msgspec.Struct, frozen=True):
    """A carrier as the node tells of it; `health` is null when that process does not run it."""

    id: str
    name: str
    status: str
    health: Health | None = None
    kind: str = "smpp"


class _Carriers(msgspec.Struct, frozen=True):
    data: tuple[Carrier, ...]


def ask(node: Client) -> tuple[dict[str, Carrier], Ages]:
    """The node's carriers by id, and what waits. Refused, Unreachable, msgspec.DecodeError."""
    told = msgspec.json.decode(node.ask("GET", "/v1/carriers/health"), type=_Carriers)
    return {each.id: each for each in told.data}, ages(node.ask("GET", "/metrics").decode())


def ages(metrics: str) -> Ages:
    """Of the Prometheus text."""
    found: dict[str, dict[str, float]] = {}
    for labels, value in _AGE.findall(metrics):
        named = {name: re.sub(r"\\(.)", r"\1", text) for name, text in _LABEL.findall(labels)}
        found.setdefault(named["carrier"], {})[named["message_class"]] = float(value)
    return found


def findings(carrier: Carrier, health: Health, waits: Mapping[str, float]) -> Iterator[Finding]:
    """Of a carrier that is meant to be up, and of what waits for it."""
    is_http = carrier.kind == "http"
    binds = health.state if is_http else f"{health.state}, {health.binds_up} of {health.binds} binds up"
    oldest = f"; its oldest message waits for {max(waits.values()):.0f} s" if waits else ""
    subject = f"carrier {carrier.name}"
    all_up = health.binds_up >= health.binds
    if is_http and health.last_error:
        advice = explained_http(health.last_error).replace("{id}", carrier.id).replace("{name}", carrier.name)
        yield Finding(subject, "warning" if all_up else "error", f"{binds}: {health.last_error}{oldest}", advice)
    elif health.last_error and not all_up:
        said, advice = explained(health.last_error)
        detail, advice = f"{binds}: {said}{oldest}", advice.replace("{id}", carrier.id)
        yield Finding(subject, "warning" if health.binds_up else "error", detail, advice)
    elif not all_up:
        yield Finding(subject, "warning", binds + oldest, "look again in a moment: it may only have begun")
    else:
        yield Finding(subject, "ok", binds + oldest)
        yield from _without_receiver(carrier, health)
    yield from _long_waits(carrier, health, waits)


def _without_receiver(carrier: Carrier, health: Health) -> Iterator[Finding]:
    """A pair is up when its transmitter is; without its receiver no receipts come."""
    for each in health.connections:
        if each.role == "receiver" and each.state != "up":
            said, advice = explained(each.last_error or each.state)
            detail = f"the receiver with {each.host} is not up, so receipts may stay away: {said}"
            yield Finding(f"bind {each.name}", "warning", detail, advice.replace("{id}", carrier.id))


def _long_waits(carrier: Carrier, health: Health, waits: Mapping[str, float]) -> Iterator[Finding]:
    if health.binds_up:
        advice = "more comes than it takes: raise its window or throughput if it allows, or add a carrier to the route"
    else:
        advice = f"they go when a bind is up; POST /v1/carriers/{carrier.id}/pause sends them over the route's others"
    for message_class, seconds in sorted(waits.items()):
        if seconds > _LONG_WAIT_S:
            subject = f"queue of {carrier.name}, {message_class}"
            yield Finding(subject, "warning", f"the oldest message waits for {seconds:,.0f} s", advice)


def explained(last_error: str) -> tuple[str, str]:
    """A carrier's last error with the name of its SMPP status, and what to do about it."""
    found = _STATUS.search(last_error)
    if "TLS" in last_error or "certificate" in last_error:
        return last_error, _TLS
    if found is None:
        return last_error, _UNREACHABLE if last_error.startswith("connect:") else _OTHERWISE
    number = int(found[1], 16)
    status = next((each for each in Status if each == number), None)
    if status is None:
        return last_error, _OTHERWISE
    said = last_error.replace(found[0], f"{status.name} ({status.meaning}, {found[0]})")
    return said, _TO_DO.get(status, _OTHERWISE)


def explained_http(last_error: str) -> str:
    """What to do about the last error of a carrier over HTTP."""
    if "tls" in last_error.lower() or "certificate" in last_error:
        return "check the provider's certificate and the tls… settings"
    if last_error.startswith(_UNSENT):
        return "check its URL, the name server and the firewall"
    if _ACCOUNT(last_error):
        return "set `password` or `settings` as it gave them: PATCH /v1/carriers/{id}; or the credit there is used up"
    return 'see what it says: whimbrel doctor carrier "{name}" --to +…'
