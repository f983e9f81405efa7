"""What a carrier's answers to a probe say about how it must be spoken to: proposals for its settings, each with the
reason. Only what was seen is judged; a carrier that answered as the settings expect gets no proposal.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from whimbrel.codec.smpp.receipt import STATES
from whimbrel.codec.smpp.statuses import Status, status_name
from whimbrel.domain.dialect import CarrierSettings, IdBase
from whimbrel.domain.receipts import carrier_key, carrier_keys

_VERSION_3_4, _VERSION_5_0 = 0x34, 0x50
_SLOW_SHARE: Final = 0.5  # of the response timeout: what a single text on an idle bind should not come near
_HEX: Final = frozenset("0123456789abcdefABCDEF")

Sender = Literal["source_international", "source_alphanumeric", "source_short"]
"""The setting that says how the probe's sender was written."""


class Reported(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The receipt of a probe. `state` is a name of SMPP 3.4 5.2.28, `stat` the carrier's word in the text; `marked`
    whether esm_class says that it is a receipt."""

    tlv_id: str | None = None
    text_id: str | None = None
    state: str = "UNKNOWN"
    stat: str = ""
    marked: bool = True


class Seen(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a probe saw; None where there was no answer. Statuses are command_status values; `peer_version` is what the
    bind's answer said; times are in milliseconds."""

    settings: CarrierSettings
    bind_status: int | None = None
    peer_version: int | None = None
    sender: Sender = "source_international"
    submit_status: int | None = None
    message_id: str | None = None
    response_ms: float | None = None
    receipt: Reported | None = None


class Proposal(msgspec.Struct, frozen=True, gc=False):
    """A setting, the value that what was seen speaks for, and why."""

    setting: str
    value: Any
    why: str


def propose(seen: Seen) -> tuple[Proposal, ...]:
    """All proposals, in the order of the conversation."""
    found = [*_of_bind(seen), *_of_submit(seen), *_of_receipt(seen)]
    return tuple([each for each in found if getattr(seen.settings, each.setting) != each.value])


def base_of(response_id: str, receipt_id: str) -> IdBase | None:
    """How the id of a receipt is written against that of the response: in another number base, or alike (`auto`, which
    minds neither zeros nor case: one id that is the same letter by letter does not say that all are); None when they
    are two ids."""
    if carrier_key(response_id) == carrier_key(receipt_id):
        return "auto"
    if _number(response_id, 16) is not None and _number(response_id, 16) == _number(receipt_id, 10):
        return "hex_dec"
    if _number(response_id, 10) is not None and _number(response_id, 10) == _number(receipt_id, 16):
        return "dec_hex"
    return None


def _number(text: str, base: int) -> int | None:
    if not text or not _HEX.issuperset(text) or (base == 10 and not text.isdecimal()):
        return None
    return int(text, base)


# ---------------------------------------------------------------- the bind


def _of_bind(seen: Seen) -> list[Proposal]:
    settings, status = seen.settings, seen.bind_status
    if status in (Status.ESME_RINVCMDID, Status.ESME_RINVBNDSTS) and settings.bind_mode == "transceiver":
        return [Proposal("bind_mode", "pair", "it refuses to bind one connection for both directions")]
    if status == Status.ESME_RALYBND and settings.binds > 1:
        return [Proposal("binds", settings.binds - 1, "it counts a bind too many")]
    if status or seen.peer_version is None:
        return []
    if seen.peer_version < _VERSION_3_4:
        return [Proposal("interface_version", "3.3", "it says that it speaks SMPP 3.3: no optional parameters")]
    if seen.peer_version >= _VERSION_5_0 and settings.interface_version == "3.4":
        return [
            Proposal("interface_version", "5.0", "it says that it speaks SMPP 5.0: it may tell how congested it is")
        ]
    return []


# ---------------------------------------------------------------- the submit


def _validity(settings: CarrierSettings) -> Any:
    return {"relative": "absolute", "absolute": "none", "none": "none"}[settings.validity]


def _smaller_window(settings: CarrierSettings) -> Any:
    return max(1, settings.window // 2)


def _slower(settings: CarrierSettings) -> Any:
    return max(1, settings.throughput_per_s // 2) if settings.throughput_per_s else 10


_ON_SUBMIT: Final[Mapping[int, tuple[str, Callable[[CarrierSettings], Any], str]]] = MappingProxyType(
    {
        Status.ESME_RINVEXPIRY: ("validity", _validity, "it does not take this form of validity"),
        Status.ESME_RINVREGDLVFLG: ("receipts_on", lambda _: "none", "it takes no request for a receipt"),
        Status.ESME_RINVOPTPARSTREAM: ("tlvs", lambda _: {}, "it cannot read an optional parameter"),
        Status.ESME_ROPTPARNOTALLWD: ("tlvs", lambda _: {}, "it does not allow an optional parameter"),
        Status.ESME_RINVOPTPARAMVAL: ("tlvs", lambda _: {}, "it does not take the value of an optional parameter"),
        Status.ESME_RINVSERTYP: ("service_type", lambda _: "", "it does not know this service type"),
        Status.ESME_RMSGQFUL: ("window", _smaller_window, "it has no room for even one more"),
        Status.ESME_RTHROTTLED: ("throughput_per_s", _slower, "it asks to be sent less"),
        Status.ESME_RINVDSTTON: (
            "destination",
            lambda s: _other(s.destination),
            "it refuses TON or NPI of the recipient",
        ),
        Status.ESME_RINVDSTNPI: (
            "destination",
            lambda s: _other(s.destination),
            "it refuses TON or NPI of the recipient",
        ),
    }
)
"""By the command_status of the response: setting, value, why."""
_SOURCE: Final = frozenset({Status.ESME_RINVSRCTON, Status.ESME_RINVSRCNPI})


def _other(types: tuple[int, int]) -> tuple[int, int]:
    """Unknown, or where that was refused international ISDN."""
    return (0, 0) if types != (0, 0) else (1, 1)


def _of_submit(seen: Seen) -> list[Proposal]:
    settings, status = seen.settings, seen.submit_status
    found: list[Proposal] = []
    known = _ON_SUBMIT.get(status) if status else None
    if known is not None:
        setting, value, why = known
        found.append(Proposal(setting, value(settings), f"{why} ({status_name(status or 0)})"))
    elif status in _SOURCE:
        types = _other(getattr(settings, seen.sender))
        found.append(Proposal(seen.sender, types, f"it refuses TON or NPI of the sender ({status_name(status or 0)})"))
    timeout_ms = settings.response_timeout_s * 1000
    if seen.response_ms is not None and seen.response_ms > timeout_ms * _SLOW_SHARE:
        longer = round(seen.response_ms * 4 / 1000, 1)
        found.append(Proposal("response_timeout_s", longer, f"its response took {seen.response_ms / 1000:.1f} s"))
    return found


# ---------------------------------------------------------------- the receipt


def _of_receipt(seen: Seen) -> list[Proposal]:
    receipt = seen.receipt
    if receipt is None:
        return []
    found: list[Proposal] = []
    if not receipt.marked:
        found.append(Proposal("receipts_by_text", True, "its receipt is marked as one by nothing but its text"))
    base = _base(seen, receipt)
    if base is not None:
        found.append(base)
    stat = receipt.stat
    if stat and stat.upper() not in STATES and receipt.state != "UNKNOWN":
        states = {**seen.settings.receipt_states, stat: receipt.state}
        found.append(Proposal("receipt_states", states, f'it says "{stat}", and message_state tells what that is'))
    return found


def _base(seen: Seen, receipt: Reported) -> Proposal | None:
    response_id = seen.message_id
    ids = [each for each in (receipt.tlv_id, receipt.text_id) if each]
    if not response_id or not ids:
        return None
    for receipt_id in ids:
        base = base_of(response_id, receipt_id)
        if base is not None:
            if _is_read(response_id, receipt_id, seen.settings.message_id):
                return None
            why = f"the response says {response_id}, the receipt {receipt_id}"
            return Proposal("message_id", base, why)
    return None


def _is_read(response_id: str, receipt_id: str, base: IdBase) -> bool:
    """Whether the carrier's setting finds the one by the other; `auto` finds what it only guesses at too."""
    return base != "auto" and carrier_keys((receipt_id,), base)[:1] == (carrier_key(response_id, base),)
