"""How carriers write receipts, as data: the layout of the text, its dates, its octets, the TLVs beside it.

Apart from `receipts.py`, which writes the usual forms fast: a dialect is rare, and may be anything. The usual text is
that of SMPP 3.4, appendix B.
"""

from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

USUAL = "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submitted} done date:{done} stat:{stat} err:{err} text:{text}"


class Dates(StrEnum):
    """The formats of the two dates."""

    MINUTES = "%y%m%d%H%M"
    SECONDS = "%y%m%d%H%M%S"
    CENTURY = "%Y%m%d%H%M%S"
    FULL = "%y%m%d%H%M%S012+"  # absolute time of SMPP 3.4, 7.1.1.1
    EPOCH = "epoch"
    ZEROS = "0000000000"


class Coding(StrEnum):
    """The octets of the text."""

    ASCII = "latin-1"
    UCS2 = "utf-16-be"
    UCS2_MARKED = "utf-16"  # with a byte order mark


class Dialect(Struct, frozen=True):
    """One way to write a receipt.

    `layout` is None for an empty text; `quote` stands in place of the message's own text. `id_tlv` and `state_tlv` are
    the TLVs of 5.3.2.12 and 5.3.2.35; `tlvs` follow them raw, `tail` follows all. `is_swapped`
    tells whether the two addresses changed places, as they should; `source_prefix` stands before the phone's number.
    """

    layout: str | None = USUAL
    dates: Dates = Dates.MINUTES
    coding: Coding = Coding.ASCII
    data_coding: int = 0
    quote: bytes | None = None
    in_payload: bool = False
    payload_tail: bytes = b""
    id_tlv: bool = False
    id_tlv_end: bytes = b"\0"
    state_tlv: bool = False
    tlvs: tuple[tuple[int, bytes], ...] = ()
    tail: bytes = b""
    esm_class: int | None = None
    as_data_sm: bool = False
    is_swapped: bool = True
    source_prefix: str = ""


def date(at_us: int, dates: Dates) -> str:
    """A time in microseconds since 1970, as this format writes it (UTC)."""
    if dates is Dates.EPOCH:
        return str(at_us // 1_000_000)
    if dates is Dates.ZEROS:
        return dates.value
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime(dates.value)
