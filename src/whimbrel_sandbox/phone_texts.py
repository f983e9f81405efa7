"""deliver_sm and data_sm bodies of phones' texts, in the ways that a conduct asks for.

Apart from `inbound.py`, which chooses texts and their order: here they become octets.
"""

from msgspec import Struct
from msgspec.structs import replace

from whimbrel.codec import segments, udh
from whimbrel.codec.shifts import Shift, candidates
from whimbrel.codec.smpp.fields import write_tlvs
from whimbrel.codec.smpp.pdu import DataSm, ShortMessage, encode_body, make_tlv
from whimbrel.codec.smpp.tables import DATA_SM, DELIVER_SM, ESM_UDHI, Tag
from whimbrel_sandbox import alphabets
from whimbrel_sandbox.scenarios.conduct import Alphabet, Conduct, Parting

_SINGLE_OCTETS = 140  # user data of one short message (3GPP TS 23.040, 9.2.2)
_PART_OCTETS = 133  # less the longer of the two headers
_PORTS = udh.Element(0x05, bytes.fromhex("23f00000"))  # application ports, 16 bit (3GPP TS 23.040, 9.2.3.24.4)
_ADDRESS_MAX = 20


class Address(Struct, frozen=True, gc=False):
    """An address as it stands in a PDU."""

    number: str
    ton: int = 1
    npi: int = 1


class Piece(Struct, frozen=True, gc=False):
    """One PDU to be: the part's number, its user data with its header, what it says, and TLVs of its own."""

    number: int
    octets: bytes
    text: str
    esm_class: int = 0
    tlvs: tuple[tuple[int, bytes], ...] = ()
    is_in_payload: bool = False


def pieces(text: str, coding: int, *, reference: int, parting: Parting, conduct: Conduct) -> list[Piece]:
    """The parts of a text. Raises CodecError for a text that no parts can carry."""
    if parting is Parting.PAYLOAD or parting is Parting.BOTH:
        return [_whole(text, coding, parting, conduct)]
    shift = None if coding else national(text, conduct)
    if shift is not None:
        return _in_language(text, shift, reference)
    cut = _cut(text, coding, parting, conduct.alphabet)
    if len(cut) == 1:
        octets = conduct.inbound_mark + _octets(text, coding, conduct.alphabet) if coding else _packed(text, 0, conduct)
        return [Piece(1, octets, text, ESM_UDHI if parting is Parting.NO_HEADER else 0)]
    if len(cut) > udh.MAX_PARTS:
        raise segments.TooManyParts(f"{len(cut)} parts; a message has at most {udh.MAX_PARTS}")
    made = []
    for number, said in enumerate(cut, 1):
        place = udh.Concat(reference, len(cut), number, wide=parting is Parting.WIDE)
        made.append(_part(place, said, coding, parting, conduct))
    return _gone_wrong(made, parting)


def national(text: str, conduct: Conduct) -> Shift | None:
    """The tables of the conduct's language, when they can carry the text and the default alphabet cannot."""
    language = conduct.inbound_language
    if not language or alphabets.write(text, conduct.alphabet) is not None:
        return None
    return next(candidates(text, (language,)), None)


def body_of(piece: Piece, source: Address, dest: Address, *, coding: int, conduct: Conduct) -> tuple[int, bytes]:
    """The command and the body of one PDU."""
    number = (conduct.inbound_source_prefix + source.number)[:_ADDRESS_MAX]
    places = (source.ton, source.npi, number, dest.ton, dest.npi, dest.number)
    payload = (make_tlv(Tag.MESSAGE_PAYLOAD, piece.octets),)
    if conduct.inbound_as_data_sm:
        data = encode_body(DATA_SM, DataSm("", *places, piece.esm_class, 0, coding))
        return DATA_SM, data + write_tlvs(payload + piece.tlvs) + conduct.inbound_tlvs
    body = ShortMessage(
        "",
        *places,
        piece.esm_class,
        data_coding=coding,
        short_message=b"" if piece.is_in_payload else piece.octets,
    )
    tlvs = payload + piece.tlvs if piece.is_in_payload else piece.tlvs
    return DELIVER_SM, encode_body(DELIVER_SM, body) + write_tlvs(tlvs) + conduct.inbound_tlvs


def _in_language(text: str, shift: Shift, reference: int) -> list[Piece]:
    """3GPP TS 23.040, 9.2.3.24.15 and 16: each part names the tables in its header, a text of one part too."""
    built = segments.build(text, encoding="gsm7", reference=reference, shift=shift)
    said = segments.split(text, "gsm7", shift=shift)
    return [Piece(number, *pair, ESM_UDHI) for number, pair in enumerate(zip(built, said, strict=True), 1)]


def _whole(text: str, coding: int, parting: Parting, conduct: Conduct) -> Piece:
    octets = conduct.inbound_mark + _octets(text, coding, conduct.alphabet) if coding else _packed(text, 0, conduct)
    if parting is Parting.BOTH and len(octets) <= _SINGLE_OCTETS:
        return Piece(1, octets, text, 0, (make_tlv(Tag.MESSAGE_PAYLOAD, octets),))
    return Piece(1, octets, text, is_in_payload=True)


def _cut(text: str, coding: int, parting: Parting, alphabet: Alphabet) -> list[str]:
    if coding:
        return list(segments.split(text, "ucs2", wide=parting is Parting.WIDE))
    if alphabet is Alphabet.GSM7 or alphabet is Alphabet.PACKED:
        return list(segments.split(text, "gsm7", wide=parting is not Parting.HEADER))
    if len(text) <= _SINGLE_OCTETS:
        return [text]
    return [text[at : at + _PART_OCTETS] for at in range(0, len(text), _PART_OCTETS)]


def _octets(text: str, coding: int, alphabet: Alphabet) -> bytes:
    octets = text.encode("utf-16-be") if coding else alphabets.write(text, alphabet)
    assert octets is not None
    return octets


def _packed(text: str, header_octets: int, conduct: Conduct) -> bytes:
    octets = _octets(text, 0, conduct.alphabet)
    if conduct.alphabet is not Alphabet.PACKED:
        return octets
    return alphabets.pack(octets, alphabets.fill_bits(header_octets))


def _part(place: udh.Concat, said: str, coding: int, parting: Parting, conduct: Conduct) -> Piece:
    mark = conduct.inbound_mark if coding and place.number == 1 else b""
    if parting is Parting.SAR:
        octets = mark + _octets(said, coding, conduct.alphabet) if coding else _packed(said, 0, conduct)
        return Piece(place.number, octets, said, 0, _sar(place))
    head = _header(place, parting)
    octets = mark + _octets(said, coding, conduct.alphabet) if coding else _packed(said, len(head), conduct)
    return Piece(place.number, head + octets, said, ESM_UDHI)


def _header(place: udh.Concat, parting: Parting) -> bytes:
    element = udh.concat_element(place)
    if parting is Parting.NUMBER_ZERO:
        element = udh.Element(element.identifier, element.data[:-1] + bytes((place.number - 1,)))
    return udh.build((_PORTS, element) if parting is Parting.OTHER_FIRST else (element,))


def _sar(place: udh.Concat) -> tuple[tuple[int, bytes], ...]:
    return (
        make_tlv(Tag.SAR_MSG_REF_NUM, place.reference),
        make_tlv(Tag.SAR_TOTAL_SEGMENTS, place.total),
        make_tlv(Tag.SAR_SEGMENT_SEQNUM, place.number),
    )


def _gone_wrong(made: list[Piece], parting: Parting) -> list[Piece]:
    if parting is Parting.TWICE:
        return [piece for piece in made for _ in range(2)]
    if parting is Parting.LAST_MISSING:
        return made[:-1]
    if parting is Parting.BACKWARD:
        return made[::-1]
    if parting is Parting.NO_HEADER:
        return [replace(piece, octets=piece.octets[piece.octets[0] + 1 :]) for piece in made]
    return made
