"""What a carrier's settings may be, and how they come about: the profile's values first, then what was given.

Apart from `carriers` because it is a long list of rules about values. Everything that is wrong is told at once, each
with a pointer.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from whimbrel.base.limits import NAME_MAX
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp import names
from whimbrel.codec.smpp.tables import MessageState
from whimbrel.domain import refusals
from whimbrel.domain.carrier_kinds import AnySettings
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.profiles import PROFILES, Profile
from whimbrel.domain.wire_form import OURS, tag_named
from whimbrel.manage.checks import Checks, converted

SYSTEM_ID_MAX = 15  # SMPP 3.4 4.1.1: 16 octets with the NUL
SYSTEM_TYPE_MAX = 12
ADDRESS_RANGE_MAX = 40
SERVICE_TYPE_MAX = 5
HOSTS_MAX = 16
ENTRIES_MAX = 256  # of one table
SHARE_MAX = 1000

_RANGES: Final[dict[str, tuple[float, float]]] = {
    "port": (1, 65535),
    "binds": (1, 64),
    "window": (1, 10_000),
    "throughput_per_s": (0, 100_000),
    "enquire_link_s": (1, 3600),
    "response_timeout_s": (0.1, 120),
    "bind_timeout_s": (0.1, 120),
    "reconnect_min_s": (0.05, 3600),
    "reconnect_max_s": (0.05, 3600),
    "gsm7_coding": (0, 255),
    "ucs2_coding": (0, 255),
}
_TYPES: Final = ("source_international", "source_alphanumeric", "source_short", "destination")
_TABLES: Final = ("receipt_states", "receipt_errors", "statuses", "tlvs", "tlv_names")
_STATES: Final = frozenset(state.name for state in MessageState)


def settled(given: Mapping[str, Any], stored: Mapping[str, Any] | None = None) -> CarrierSettings:
    """`given` over the values of the profile that it names, over what is stored; `invalid_request` where a name is
    unknown or a value has the wrong type. What a former profile wrote falls back to the defaults."""
    checks = Checks()
    for name in given:
        checks.require(name in CarrierSettings.__struct_fields__, f"/settings/{name}", "is no setting of a carrier")
    for name in ("host", "port") if stored is None else ():
        checks.require(name in given, f"/settings/{name}", "is missing")
    for name in _TABLES:
        check_table(checks, name, given.get(name))
    check_profile(checks, given, PROFILES)
    checks.done()
    return converted(over_profile(given, stored, PROFILES), CarrierSettings)


def check_profile(checks: Checks, given: Mapping[str, Any], profiles: Mapping[str, Profile]) -> None:
    """Whether the profile that is named is one of these."""
    profile = given.get("profile", "")
    known = profile == "" or (isinstance(profile, str) and profile in profiles)
    checks.require(known, "/settings/profile", "is no profile of this kind; GET /v1/carrier-profiles lists them")


def over_profile(
    given: Mapping[str, Any], stored: Mapping[str, Any] | None, profiles: Mapping[str, Profile]
) -> dict[str, Any]:
    """The values, unread: what is given, over its profile, over what is stored."""
    values = dict(stored or {})
    if "profile" in given:
        former = profiles.get(values.get("profile", ""))
        for name, written in former.settings.items() if former else ():
            if values.get(name) == written:  # otherwise it was given since
                values.pop(name, None)
        values |= profiles[given["profile"]].settings if given["profile"] else {}
    return values | dict(given)


def check_table(checks: Checks, name: str, table: Any) -> None:
    """Keys and values of a table, each with a pointer of its own: the decoder names no key."""
    if not isinstance(table, Mapping):
        return
    checks.require(len(table) <= ENTRIES_MAX, f"/settings/{name}", f"must have at most {ENTRIES_MAX} entries")
    for key, value in table.items():
        pointer = pointer_to(name, key)
        checks.require(0 < len(key) <= NAME_MAX and key.isprintable(), pointer, "has a name that cannot be")
        if name != "tlvs":
            checks.require(isinstance(value, str), pointer, "must be a string")
        elif isinstance(value, Mapping):
            checks.require([*value] == ["hex"] and isinstance(value["hex"], str), pointer, 'must be {"hex": "…"}')
        else:
            is_plain = isinstance(value, str | int) and not isinstance(value, bool)
            checks.require(is_plain, pointer, 'must be a string, a whole number or {"hex": "…"}')


def pointer_to(name: str, key: str) -> str:
    """A JSON pointer to an entry of a table (RFC 6901)."""
    return f"/settings/{name}/" + key.replace("~", "~0").replace("/", "~1")


def check(checks: Checks, settings: CarrierSettings) -> None:
    """Note everything that cannot be."""
    _check_link(checks, settings)
    for field, (low, high) in _RANGES.items():
        checks.require(low <= getattr(settings, field) <= high, f"/settings/{field}", f"must be {low} to {high}")
    for field in _TYPES:
        is_octets = all(0 <= number <= 255 for number in getattr(settings, field))
        checks.require(is_octets, f"/settings/{field}", "must be two numbers of 0 to 255")
    check_shared(checks, settings)
    for place, status in enumerate(settings.temporary_statuses):
        pointer = f"/settings/temporary_statuses/{place}"
        checks.require(1 <= status <= refusals.STATUS_MAX, pointer, "must be a command_status other than 0")
    octets(checks, settings.service_type, "/settings/service_type", SERVICE_TYPE_MAX)
    check_receipt_words(checks, settings)
    _check_statuses(checks, settings)
    _check_tlvs(checks, settings)
    _check_version(checks, settings)


def check_shared(checks: Checks, settings: AnySettings) -> None:
    """What carriers of every kind have: how cells share it, and when it is tried again."""
    for cell, share in settings.cells.items():
        checks.require(0 <= share <= SHARE_MAX, pointer_to("cells", cell), f"must be 0 to {SHARE_MAX}")
    is_used = not settings.cells or any(settings.cells.values())
    checks.require(is_used, "/settings/cells", "must leave it to one cell at least")
    checks.require(
        settings.reconnect_min_s <= settings.reconnect_max_s, "/settings/reconnect_max_s", "is under reconnect_min_s"
    )


def octets(checks: Checks, text: str, pointer: str, longest: int) -> None:
    """A C-octet string of SMPP: ASCII without NUL."""
    fits = len(text) <= longest and text.isascii() and (not text or text.isprintable())
    checks.require(fits, pointer, f"must be at most {longest} printable ASCII characters")


def _check_link(checks: Checks, settings: CarrierSettings) -> None:
    checks.require(_is_host(settings.host), "/settings/host", "must be a host name or an address")
    octets(checks, settings.system_id, "/settings/system_id", SYSTEM_ID_MAX)
    octets(checks, settings.system_type, "/settings/system_type", SYSTEM_TYPE_MAX)
    octets(checks, settings.address_range, "/settings/address_range", ADDRESS_RANGE_MAX)
    checks.require(len(settings.hosts) <= HOSTS_MAX, "/settings/hosts", f"must be at most {HOSTS_MAX}")
    for place, both in enumerate(settings.hosts):
        host, _, port = both.rpartition(":")
        holds = _is_host(host) and port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535
        checks.require(holds, f"/settings/hosts/{place}", 'must be "host:port"')
    is_name = not settings.tls_server_name or _is_host(settings.tls_server_name)
    checks.require(is_name, "/settings/tls_server_name", "must be a host name or an address")
    has_both = bool(settings.tls_cert_file) == bool(settings.tls_key_file)
    checks.require(has_both, "/settings/tls_key_file", "goes together with tls_cert_file")


def _is_host(host: str) -> bool:
    return 0 < len(host) <= 253 and host.isprintable() and " " not in host


def check_receipt_words(checks: Checks, settings: AnySettings) -> None:
    """The carrier's own words and errors in receipts, and what they are said to mean."""
    for word, state in settings.receipt_states.items():
        detail = f"must be one of {', '.join(sorted(_STATES))}"
        checks.require(state in _STATES, pointer_to("receipt_states", word), detail)
    for error, reason in settings.receipt_errors.items():
        detail = f"must be one of {', '.join(sorted(refusals.REASONS))}"
        checks.require(reason in refusals.REASONS, pointer_to("receipt_errors", error), detail)


def _check_statuses(checks: Checks, settings: CarrierSettings) -> None:
    meanings = sorted({*refusals.WORDS, *refusals.FINAL_REASONS})
    for status, meaning in settings.statuses.items():
        pointer = pointer_to("statuses", status)
        checks.require(
            _reads(refusals.status_number, status), pointer, 'has a name that is no command_status such as "0x408"'
        )
        checks.require(meaning in meanings, pointer, f"must be one of {', '.join(meanings)}")


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _check_tlvs(checks: Checks, settings: CarrierSettings) -> None:
    for name, number in settings.tlv_names.items():
        tag = names.tag_of(number)
        pointer = pointer_to("tlv_names", name)
        checks.require(
            tag is not None and tag not in OURS, pointer, 'must be the number of a parameter, such as "0x1400"'
        )
    for name, value in settings.tlvs.items():
        pointer = pointer_to("tlvs", name)
        tag = tag_named(name, settings.tlv_names)
        checks.require(tag is not None, pointer, "names no optional parameter")
        checks.require(tag not in OURS, pointer, "is decided by the text")
        if tag is not None:
            try:
                names.value_octets(tag, value)
            except CodecError as error:
                checks.require(False, pointer, str(error))


def _check_version(checks: Checks, settings: CarrierSettings) -> None:
    """SMPP 3.3 has no optional parameters, so what needs them cannot be had with it (trap T64)."""
    if settings.interface_version != "3.3":
        return
    by_header = settings.long_messages in ("udh8", "udh16")
    checks.require(by_header, "/settings/long_messages", "must be udh8 or udh16 with SMPP 3.3")
    checks.require(not settings.tlvs, "/settings/tlvs", "cannot be sent with SMPP 3.3")
