"""What a carrier over HTTP brought, as the journey wants it. Which call it came by is the door's business
(`edges/providers/`); over SMPP this is `smpp_reader`."""

from collections.abc import Sequence
from typing import Final

from whimbrel.carriers.interface import Inbound, Report
from whimbrel.codec import gsm7, segments
from whimbrel.domain.dialect import IdBase
from whimbrel.domain.http_reports import HttpReceipt, HttpText

SESSION: Final = "http"
"""In place of a connection's name. It is the same for all, so that of texts without an id none is taken for another's
repetition: people do answer "ok" twice."""


def reports(base: IdBase, receipts: Sequence[HttpReceipt]) -> list[Report]:
    """Receipts of one carrier, which writes its ids as `base` says."""
    return [
        Report(
            message_ids=(receipt.message_id,),
            state=receipt.state,
            stat=receipt.stat,
            error=receipt.error,
            addresses=(receipt.recipient,) if receipt.recipient else (),
            reason=receipt.reason,
            base=base,
        )
        for receipt in receipts
    ]


def inbound(texts: Sequence[HttpText]) -> list[Inbound]:
    """Texts of phones, each whole."""
    return [_inbound(text) for text in texts]


def _inbound(text: HttpText) -> Inbound:
    words = text.text
    plain = gsm7.try_encode(words)
    wide = f"\ufeff{words}".encode("utf-16-be", "replace")  # with its mark, lest what it begins with be taken for one
    return Inbound(
        source=text.source,
        destination=text.destination,
        octets=wide if plain is None else plain,
        data_coding=segments.UCS2_DATA_CODING if plain is None else segments.GSM7_DATA_CODING,
        reference=0,
        total=1,
        number=1,
        session=SESSION,
        encoding="ucs2" if plain is None else "gsm7",
        carrier_message_id=text.message_id,
        media=text.kept,
        links=text.media,
    )
