"""What a carrier brings, deliver_sm or data_sm, as a receipt or a text from a phone, read as its settings say.

Whatever needs the carrier's dialect to be understood (packed septets, another alphabet, national language tables) is
turned into UCS-2 here, so that nobody behind needs to know it.
"""

from collections.abc import Mapping
from typing import Final

from whimbrel.base.limits import TLVS_OCTETS_MAX
from whimbrel.carriers import smpp_addresses
from whimbrel.carriers.interface import Inbound, Report
from whimbrel.codec import alphabets, codings, segments, udh
from whimbrel.codec.shifts import NO_SHIFT
from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.bodies import DataSm, ShortMessage
from whimbrel.codec.smpp.fields import Tlvs, tlv_integer
from whimbrel.codec.smpp.pdu import Pdu, user_data
from whimbrel.codec.smpp.tables import MessageState, Tag
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.refusals import own_reason
from whimbrel.domain.wire import Wire

_UDHI = 0x40  # SMPP 3.4 5.2.12: the short message begins with a user data header
_STATE_NAMES = tuple(state.name for state in MessageState)  # by number: an enum looks its `name` up in Python
_PLACE: Final = frozenset({udh.IEI_CONCAT, udh.IEI_CONCAT_WIDE, udh.IEI_SINGLE_SHIFT, udh.IEI_LOCKING_SHIFT})
_READ: Final = frozenset(
    {
        Tag.MESSAGE_PAYLOAD,
        Tag.SAR_MSG_REF_NUM,
        Tag.SAR_TOTAL_SEGMENTS,
        Tag.SAR_SEGMENT_SEQNUM,
        Tag.MORE_MESSAGES_TO_SEND,
    }
)
"""Optional parameters whose meaning is in the text that we make of them."""


class Reader:
    """Reads for one carrier."""

    def __init__(self, settings: CarrierSettings) -> None:
        self._settings = settings
        self._states = states_of(settings)
        self._errors = settings.receipt_errors
        self._base = settings.message_id
        self._one_for_all = settings.receipts_on in ("first", "last")
        self._alphabet = settings.alphabet_in or settings.alphabet
        self._own_codings = frozenset({0, settings.gsm7_coding})

    def read(self, pdu: Pdu, session: str) -> Report | Inbound | None:
        """A receipt or a text; None for a receipt that says nothing which could be matched, and for what is neither."""
        body = pdu.body
        if isinstance(body, ShortMessage):
            octets = body.short_message or user_data(pdu)
        elif isinstance(body, DataSm):
            octets = user_data(pdu)
        else:
            return None
        if receipt.is_receipt(body.esm_class):
            return self._report(pdu, body, octets)
        if self._settings.receipts_by_text and not body.esm_class & _UDHI:
            found = self._report(pdu, body, octets)
            if found is not None and found.message_ids and found.stat.upper() in self._states:
                return found
        return self._inbound(pdu, body, octets, session)

    def _report(self, pdu: Pdu, body: ShortMessage | DataSm, octets: bytes) -> Report | None:
        found = receipt.parse(octets, body.data_coding, pdu.tlvs, states=self._states)
        if body.esm_class & _UDHI and not (found and found.message_ids):
            found = receipt.parse(_headless(octets), body.data_coding, pdu.tlvs, states=self._states) or found
        if found is None:
            return None
        error = found.error if found.network_error is None else _error(found)
        return Report(
            found.message_ids,
            _STATE_NAMES[found.state],
            found.stat,
            error,
            (body.source, body.dest),
            own_reason(error, self._errors) if self._errors else None,
            self._base,
            self._one_for_all,
        )

    def _inbound(self, pdu: Pdu, body: ShortMessage | DataSm, octets: bytes, session: str) -> Inbound:
        """A header that cannot be read is left in place, so that nothing of the text is lost."""
        place = _sar(pdu.tlvs)
        elements: tuple[udh.Element, ...] = ()
        header_octets = 0
        if body.esm_class & _UDHI:
            try:
                parsed = udh.parse(octets)
            except udh.BadUdh:
                pass
            else:
                header_octets = len(octets) - len(parsed.payload)
                octets, elements = parsed.payload, parsed.elements
                place = udh.concat(elements) or place
        data_coding = body.data_coding
        encoding = _encoding(data_coding)
        if encoding == "gsm7" and (elements or self._alphabet != "gsm7"):
            octets, data_coding = self._plainly(octets, data_coding, elements, header_octets)
        return Inbound(
            source=smpp_addresses.read(body.source, body.source_ton),
            destination=smpp_addresses.read(body.dest, body.dest_ton),
            octets=octets,
            data_coding=data_coding,
            reference=place.reference if place else 0,
            total=place.total if place else 1,
            number=place.number if place else 1,
            session=session,
            encoding=encoding,
            wire=_wire(pdu.tlvs, elements) if pdu.tlvs or elements else None,
        )

    def _plainly(
        self, octets: bytes, data_coding: int, elements: tuple[udh.Element, ...], header_octets: int
    ) -> tuple[bytes, int]:
        """Octets and data_coding of the same text that need no further knowledge (traps T51, T52, T59)."""
        shift = udh.shift_of(elements)
        alphabet = self._alphabet if data_coding in self._own_codings else "gsm7"
        if shift == NO_SHIFT and alphabet == "gsm7":
            return octets, data_coding
        text = alphabets.decode(octets, alphabet, shift=shift, header_octets=header_octets)
        return text.encode("utf-16-be", "replace"), segments.UCS2_DATA_CODING


def states_of(settings: CarrierSettings) -> Mapping[str, MessageState]:
    """The words of this carrier's receipts: the usual ones, and its own (trap T17)."""
    if not settings.receipt_states:
        return receipt.STATES
    own = {word: MessageState[state] for word, state in settings.receipt_states.items()}
    return {**receipt.STATES, **{word.upper(): state for word, state in own.items()}, **own}


def _error(found: receipt.Receipt) -> str | None:
    """The text's own error; where it has none, the number in the network_error_code parameter (trap T22)."""
    if found.network_error and not (found.error or "").strip("0 "):
        code = receipt.network_error_code(found.network_error)
        if code is not None and code[1]:
            return f"{code[1]:03d}"
    return found.error


def _headless(octets: bytes) -> bytes:
    """Most receipts that claim a header have none."""
    try:
        return udh.parse(octets).payload
    except udh.BadUdh:
        return octets


def _encoding(data_coding: int) -> str:
    kind = codings.of(data_coding).kind
    return kind if kind in ("ucs2", "binary") else "gsm7"


def _sar(tlvs: Tlvs) -> udh.Concat | None:
    """The place in a long text by the sar parameters (5.3.2.22 to 5.3.2.24), which some carriers send in place of a
    header."""
    if not tlvs:
        return None
    reference = tlv_integer(tlvs, Tag.SAR_MSG_REF_NUM)
    total = tlv_integer(tlvs, Tag.SAR_TOTAL_SEGMENTS)
    number = tlv_integer(tlvs, Tag.SAR_SEGMENT_SEQNUM)
    if reference is None or not total or not number:
        return None
    return udh.Concat(reference, total, number, wide=True)


def _wire(tlvs: Tlvs, elements: tuple[udh.Element, ...]) -> Wire | None:
    """What came with a text and is not in it: optional parameters, as many as may be kept, and header elements."""
    kept: list[tuple[int, str]] = []
    room = TLVS_OCTETS_MAX
    for tag, value in tlvs:
        room -= 0 if tag in _READ else len(value)
        if tag not in _READ and room >= 0:
            kept.append((tag, value.hex()))
    further = [element for element in elements if element.identifier not in _PLACE]
    header = b"".join([bytes((one.identifier, len(one.data))) + one.data for one in further])
    return Wire(tlvs=tuple(kept), header=header.hex()) if kept or header else None
