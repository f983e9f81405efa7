"""How a customer's binds are treated: who may bind, how much they may send, and how what we send them is written."""

from typing import Literal

import msgspec

from whimbrel.base import limits
from whimbrel.codec.alphabets import Alphabet

IdFormat = Literal["id", "hex", "decimal"]
ReceiptFormat = Literal["both", "text", "tlv"]
LongInbound = Literal["udh", "sar", "payload"]


class CustomerSettings(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Settings of one SMPP credential."""

    allow_addresses: tuple[str, ...] = ()  # networks that may bind; empty: all
    binds_max: int = 0  # at the same time; 0: as many as the installation lets one credential have
    window: int = 100  # of its requests that may wait for an answer of ours, and of ours that may wait for its answer
    throughput_per_s: int = 0  # messages of all its binds; 0: as many as the installation lets one credential send
    message_class: Literal["otp", "transactional", "marketing"] = "transactional"
    validity_s: int = 0  # of messages that give none; 0: as for every door
    inbound: bool = True  # its binds are given what phones write to the account
    long_inbound: LongInbound = "udh"  # a long text as parts with a header or with sar parameters, or in one piece
    receipt_format: ReceiptFormat = "both"  # text of appendix B, TLVs, or both
    id_format: IdFormat = "id"  # SM and 32 hex digits, the digits alone, or the same number in decimal
    alphabet: Alphabet = "gsm7"  # of data_coding 0 in both directions
    unique_reference: bool = False  # a user_message_reference is an idempotency key: twice is once
    source_ton: int | None = None  # of the phone's number in what we send it; as it is by default
    source_npi: int | None = None
    plus: bool = False  # numbers in what we send it have a plus
    enquire_link_s: int = 30
    inactivity_s: int = 0  # silence after which its bind is closed; 0: never


class CustomerBounds(msgspec.Struct, frozen=True, gc=False):
    """What the operator lets a customer have, whatever its credentials say."""

    binds_max: int = limits.SMPP_BINDS_MAX  # of one credential at the same time
    throughput_per_s: int = limits.RATE_DEFAULT_PER_S  # messages of one credential
    credentials: int = limits.SMPP_CREDENTIALS_PER_ACCOUNT  # of one account


def effective(settings: CustomerSettings, bounds: CustomerBounds) -> CustomerSettings:
    """The settings that hold: nothing is left to the installation any more, and nothing is beyond its bounds, which may
    have been lowered since they were chosen."""
    return msgspec.structs.replace(
        settings,
        binds_max=min(settings.binds_max or bounds.binds_max, bounds.binds_max),
        throughput_per_s=min(settings.throughput_per_s or bounds.throughput_per_s, bounds.throughput_per_s),
    )


def shown_id(message_id: str, form: IdFormat) -> str:
    """The id of a message as a customer is told it, in answers and in receipts alike."""
    if form == "id":
        return message_id
    digits = message_id[2:]
    return digits if form == "hex" else str(int(digits, 16))
