"""How a customer's binds are treated: who may bind, how much they may send, and how what we send them is written."""

from typing import Literal

import msgspec

from whimbrel.domain.dialect import Alphabet

IdFormat = Literal["id", "hex", "decimal"]
ReceiptFormat = Literal["both", "text", "tlv"]


class CustomerSettings(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Settings of one SMPP credential."""

    allow_addresses: tuple[str, ...] = ()  # networks that may bind; empty: all
    binds_max: int = 10  # at the same time
    window: int = 100  # of its requests that may wait for an answer of ours, and of ours that may wait for its answer
    throughput_per_s: int = 0  # messages; 0: as many as an API key
    message_class: Literal["otp", "transactional", "marketing"] = "transactional"
    validity_s: int = 0  # of messages that give none; 0: as for every door
    inbound: bool = True  # its binds are given what phones write to the account
    receipt_format: ReceiptFormat = "both"  # text of appendix B, TLVs, or both
    id_format: IdFormat = "id"  # SM and 32 hex digits, the digits alone, or the same number in decimal
    alphabet: Alphabet = "gsm7"  # of data_coding 0 in both directions
    unique_reference: bool = False  # a user_message_reference is an idempotency key: twice is once
    source_ton: int | None = None  # of the phone's number in what we send it; as it is by default
    source_npi: int | None = None
    plus: bool = False  # numbers in what we send it have a plus
    enquire_link_s: int = 30
    inactivity_s: int = 0  # silence after which its bind is closed; 0: never
