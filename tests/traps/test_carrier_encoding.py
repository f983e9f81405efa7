"""T51 and T57 to T65 as a carrier meets them: what stands in a submit_sm, and what a text that it brings becomes."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.journey.rig import SENDER
from tests.traps.line import PHONE, line
from tests.traps.raw_smsc import Connection, bound, until
from whimbrel.base.limits import PARTS_MAX
from whimbrel.carriers.interface import Inbound, Part
from whimbrel.carriers.smpp_reader import Reader
from whimbrel.carriers.smpp_writer import Unwritable, Writer
from whimbrel.codec import segments, septets, udh
from whimbrel.codec.smpp.bodies import BindResp, ShortMessage
from whimbrel.codec.smpp.fields import Tlvs, make_tlv, tlv
from whimbrel.codec.smpp.pdu import Decoder, Pdu, encode
from whimbrel.codec.smpp.shortmessage import read_short_message
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, DELIVER_SM, SUBMIT_SM, Status, Tag
from whimbrel.codec.smpp.times import read_time
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Flag
from whimbrel.domain.wire import Wire

NOW = 1_800_000_000_000_000
MINUTE_US = 60_000_000
UDHI = 0x40
LONG = "word " * 80  # three segments
GSM7 = b"\x01Hi @\x00 \x1be".replace(b"@", b"\x00")  # £Hi @@ €, unpacked


def settings(**more: Any) -> CarrierSettings:
    return CarrierSettings("h", 1, **more)


def part(octets: bytes = b"Hi", **more: Any) -> Part:
    fields = {
        "attempt": 1, "message_id": "SM1", "source": "+12025550100", "destination": PHONE, "octets": octets,
        "encoding": "gsm7", "expires_at": NOW + 90 * MINUTE_US, "part": 1, "parts": 1, "tail_hash": 0, "priority": 1,
        "reference": 0x01CC,
    }  # fmt: skip
    return Part(**fields | more)


def written(one: Part, **more: Any) -> tuple[ShortMessage, Tlvs]:
    """What stands on the wire."""
    octets = Writer(settings(**more)).body(one, NOW)
    return read_short_message(octets, 0, len(octets))


def arrived(octets: bytes, *, tlvs: Tlvs = (), carrier: CarrierSettings | None = None, **fields: Any) -> Inbound:
    """A text from a phone in octets, read as this carrier's."""
    body = ShortMessage(**{"source": "447911123456", "dest": "24587", "short_message": octets} | fields)
    (pdu,) = Decoder().feed(encode(Pdu(DELIVER_SM, 0, 1, body, tlvs)))
    assert isinstance(pdu, Pdu)
    found = Reader(carrier or settings()).read(pdu, "bind")
    assert isinstance(found, Inbound)
    return found


def text_of(found: Inbound) -> str:
    return segments.decode(found.octets, found.data_coding)


# --- T51: data_coding 0 in both directions ---------------------------------------------------------------------------

ALPHABETS = {
    "gsm7": (GSM7, "£Hi @@ €"),
    "gsm7_packed": (septets.pack(GSM7), "£Hi @@ €"),
    "latin1": ("£Hi @@".encode("latin-1"), "£Hi @@"),
    "ascii": (b"Hi @@", "Hi @@"),
    "utf8": ("£Hi @@ €".encode(), "£Hi @@ €"),
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_t51_what_data_coding_0_is_to_a_carrier(alphabet: str) -> None:
    """A setting, and the same text both ways; what comes may be in another alphabet than what goes."""
    octets, text = ALPHABETS[alphabet]
    (cut,) = segments.cut(text, encoding="gsm7")
    body, _ = written(part(cut), alphabet=alphabet)
    assert (body.data_coding, body.short_message) == (0, octets)
    assert text_of(arrived(octets, carrier=settings(alphabet=alphabet))) == text
    assert text_of(arrived(octets, carrier=settings(alphabet_in=alphabet))) == text
    assert written(part(cut), alphabet_in=alphabet)[0].short_message == cut


def test_t51_packed_septets_begin_on_a_boundary_behind_a_header() -> None:
    """Of every part, in both directions."""
    body, _ = written(part(b"abc", part=2, parts=3), alphabet="gsm7_packed")
    header, packed = body.short_message[:6], body.short_message[6:]
    assert (header.hex(), body.esm_class) == ("050003cc0302", UDHI)
    assert packed == septets.pack(b"abc", 6)
    found = arrived(body.short_message, esm_class=UDHI, carrier=settings(alphabet="gsm7_packed"))
    assert (text_of(found), found.total, found.number) == ("abc", 3, 2)


def test_t51_the_carriers_own_data_coding() -> None:
    """Texts in its alphabet, and in UCS-2, go under the numbers that it wants; and come so."""
    own = settings(alphabet="latin1", gsm7_coding=3, ucs2_coding=0x18)
    assert written(part(), gsm7_coding=3)[0].data_coding == 3
    assert written(part(b"\x04\x3f", encoding="ucs2"), ucs2_coding=0x18)[0].data_coding == 0x18
    assert text_of(arrived("é".encode("latin-1"), data_coding=3, carrier=own)) == "é"


@pytest.mark.parametrize("alphabet", ["latin1", "ascii"])
async def test_t51_a_text_that_the_alphabet_lacks_goes_in_ucs2(tmp_path: Path, alphabet: str) -> None:
    """£ in ASCII, € in Latin-1: decided before it is priced, not bent on the way."""
    async with line(tmp_path, alphabet=alphabet) as one:
        message_id = await one.sent("a1", text="5 €")
        body = one.submits[0][1].body
        assert (body.data_coding, body.short_message) == (8, "5 €".encode("utf-16-be"))
        assert (await one.r.message(message_id)).encoding == "ucs2"


def test_t51_a_part_that_cannot_be_written_is_refused() -> None:
    """It can only be one that was cut for another carrier."""
    with pytest.raises(Unwritable) as caught:
        written(part(b"\x1be"), alphabet="latin1")
    assert caught.value.reason == "carrier_rejected"


# --- T57: SAR parameters ---------------------------------------------------------------------------------------------


def test_t57_parts_with_sar_parameters() -> None:
    """A carrier that takes them gets no header for the place, and the sender's own header all the same."""
    body, tlvs = written(part(b"x", part=2, parts=3), long_messages="sar")
    assert (body.esm_class, body.short_message) == (0, b"x")
    assert tlvs == ((0x020C, b"\x01\xcc"), (0x020E, b"\x03"), (0x020F, b"\x02"))
    body, tlvs = written(part(b"x", part=2, parts=3, header=b"\x24\x01\x01"), long_messages="sar")
    assert (body.esm_class, body.short_message, len(tlvs)) == (UDHI, b"\x03\x24\x01\x01x", 3)


@pytest.mark.parametrize("width", [1, 2])
async def test_t57_a_long_text_by_sar_parameters(tmp_path: Path, width: int) -> None:
    """From a phone, in any order, one octet or two for each."""
    async with line(tmp_path) as one:
        for number, text in ((2, b"world"), (1, b"Hello ")):
            values = ((0x020C, 7), (0x020E, 2), (0x020F, number))
            tlvs = tuple((tag, value.to_bytes(width, "big")) for tag, value in values)
            await one.tell(text, tlvs=tlvs, esm_class=0)
        (found,) = await one.inbound()
        assert (found.text, found.segments) == ("Hello world", 2)


# --- T58: message_payload --------------------------------------------------------------------------------------------


async def test_t58_a_long_text_in_one_piece(tmp_path: Path) -> None:
    """sm_length 0 and the text in message_payload: one attempt, one receipt, the price of its parts."""
    async with line(tmp_path, long_messages="payload") as one:
        message_id = await one.sent("a1", text=LONG)
        ((_, pdu),) = one.submits
        assert (pdu.body.short_message, pdu.body.esm_class) == (b"", 0)
        assert tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) == LONG.encode()
        await one.tell(b"id:a1 stat:DELIVRD")
        message = await one.r.message(message_id)
        assert (message.state, message.segments) == ("delivered", 3)
        await one.r.check_money(charged_segments=3)


@pytest.mark.parametrize(("octets", "is_short"), [(b"x" * 160, True), (b"x" * 161, False)])
def test_t58_what_fits_a_segment_is_a_short_message(octets: bytes, is_short: bool) -> None:
    """Only what the carrier has to cut stands in message_payload."""
    body, tlvs = written(part(octets), long_messages="payload")
    assert (body.short_message == octets, tlvs == ()) == (is_short, is_short)


def test_t58_octets_beyond_a_short_message() -> None:
    """A segment in UTF-8 can have more than 254 octets."""
    body, tlvs = written(part(b"\x05" * 160), alphabet="utf8")
    assert (body.short_message, tlv(tlvs, Tag.MESSAGE_PAYLOAD)) == (b"", ("é" * 160).encode())


async def test_t58_both_filled_and_a_header_in_the_payload(tmp_path: Path) -> None:
    """sm_length is believed; a header may stand in message_payload."""
    async with line(tmp_path) as one:
        await one.tell(b"short", tlvs=((int(Tag.MESSAGE_PAYLOAD), b"payload"),), esm_class=0)
        headed = bytes.fromhex("03240101") + b"\x1b\x73"
        await one.tell(tlvs=((int(Tag.MESSAGE_PAYLOAD), headed),), esm_class=UDHI)
        assert [text.text for text in await one.inbound(2)] == ["short", "ş"]


# --- T59: national languages -----------------------------------------------------------------------------------------


async def test_t59_a_turkish_text_out_and_in(tmp_path: Path) -> None:
    """The header names the table, data_coding stays 0; a carrier that takes no such texts gets UCS-2."""
    text = "şğı" * 50
    async with line(tmp_path) as one:
        await one.sent("a1", "a2", text=text)
        bodies = [pdu.body for _, pdu in one.submits]
        assert {(body.data_coding, body.esm_class) for body in bodies} == {(0, UDHI)}
        for body in bodies:
            await one.tell(body.short_message, esm_class=body.esm_class)
        (found,) = await one.inbound()
        assert (found.text, found.encoding) == (text, "gsm7")
        await one.r.change_carrier(national_languages=False)
        await one.r.bound()
        await one.sent("b1", "b2", "b3", text=text)
        assert {pdu.body.data_coding for _, pdu in one.submits[2:]} == {8}


# --- T60: message classes, binary ------------------------------------------------------------------------------------

CODINGS = {
    "flash in GSM-7": ({"encoding": "gsm7"}, {"general": 0x10, "class": 0xF0}),
    "flash in UCS-2": ({"encoding": "ucs2"}, {"general": 0x18, "class": 0x18}),
    "flash and binary": ({"encoding": "binary"}, {"general": 0x14, "class": 0xF4}),
}


@pytest.mark.parametrize(("of", "codings"), CODINGS.values(), ids=CODINGS)
def test_t60_flash(of: dict[str, str], codings: dict[str, int]) -> None:
    """In the form that the carrier knows."""
    for form, data_coding in codings.items():
        body, _ = written(part(wire=Wire(message_class=0), **of), flash_coding=form)
        assert body.data_coding == data_coding


def test_t60_a_class_and_a_data_coding_of_the_senders() -> None:
    """Class 2 is for the SIM; a data_coding that is given is written as it is; 8-bit data is 0x04."""
    assert written(part(wire=Wire(message_class=2)))[0].data_coding == 0x12
    assert written(part(encoding="binary", wire=Wire(data_coding=0xF6)))[0].data_coding == 0xF6
    assert written(part(encoding="binary"))[0].data_coding == 4


async def test_t60_what_comes_with_a_class(tmp_path: Path) -> None:
    """Flash texts are texts; 8-bit data is told as octets, with its header and parameters, and is no keyword."""
    async with line(tmp_path) as one:
        for octets, data_coding in ((b"Hi", 0x10), (b"Hi", 0xF0), (b"\x04\x3f", 0x18)):
            await one.tell(octets, data_coding=data_coding, esm_class=0)
        ports = bytes.fromhex("0605040b8423f0")
        await one.tell(ports + b"STOP", data_coding=0xF5, esm_class=UDHI, tlvs=((0x1400, b"7"),))
        *texts, data = await one.inbound(4)
        assert [text.text for text in texts] == ["Hi", "Hi", "п"]
        assert (data.text, data.encoding, data.flags & Flag.KEYWORD_STOP) == (b"STOP".hex(), "binary", 0)
        wire = msgspec.json.decode(data.options)["wire"]
        assert wire == {"header": "05040b8423f0", "tlvs": [[0x1400, "37"]]}


async def test_t60_data_in_parts(tmp_path: Path) -> None:
    """Octets of a long message are joined as octets."""
    async with line(tmp_path) as one:
        for number in (2, 1):
            head = bytes((5, 0, 3, 9, 2, number))
            await one.tell(head + bytes((number, 0xFF)), data_coding=4, esm_class=UDHI)
        (found,) = await one.inbound()
        assert (found.text, found.encoding, found.segments) == ("01ff02ff", "binary", 2)


async def test_t60_a_stop_in_8_bits_is_a_stop(tmp_path: Path) -> None:
    """Some carriers bring texts so, and nobody may miss it."""
    async with line(tmp_path) as one:
        await one.tell(b"Stop", data_coding=4, esm_class=0)
        (found,) = await one.inbound()
        assert (found.text, found.flags & Flag.KEYWORD_STOP) == (b"Stop".hex(), Flag.KEYWORD_STOP)
        assert (await one.r.verdict(one.r.draft(PHONE))).code == "opted_out"
        await until(lambda: one.submits)
        assert b"opted out" in one.submits[0][1].body.short_message


# --- T61: addresses --------------------------------------------------------------------------------------------------

SOURCES = {
    "+12025550100": (1, 1, "12025550100"),
    "24587": (3, 0, "24587"),
    "Tern-Tel": (5, 0, "Tern-Tel"),
    "a_b.c d": (5, 0, "a_b.c d"),
    "a@b": (5, 0, "a@b"),
    "": (0, 0, ""),
}


@pytest.mark.parametrize("sender", SOURCES)
def test_t61_the_kind_of_sender_decides(sender: str) -> None:
    """International, short code, name; none is the carrier's default. The plus goes."""
    body, _ = written(part(source=sender))
    assert (body.source_ton, body.source_npi, body.source) == SOURCES[sender]
    assert (body.dest_ton, body.dest_npi, body.dest) == (1, 1, PHONE[1:])


def test_t61_as_the_carrier_wants_them() -> None:
    """Each kind has a setting, and so has the plus."""
    own: dict[str, Any] = {
        "source_international": (2, 8), "source_short": (6, 0), "source_alphanumeric": (5, 1), "destination": (0, 1),
        "keep_plus": True,
    }  # fmt: skip
    found = [written(part(source=sender), **own)[0] for sender in ("+12025550100", "24587", "Tern")]
    assert [(body.source_ton, body.source_npi) for body in found] == [(2, 8), (6, 0), (5, 1)]
    assert (found[0].source, found[0].dest) == ("+12025550100", PHONE)
    assert (found[0].dest_ton, found[0].dest_npi) == (0, 1)


async def test_t61_a_sender_that_cannot_be_is_refused_here(tmp_path: Path) -> None:
    """More than eleven characters, NUL, an empty one: before anything is stored or charged."""
    async with line(tmp_path) as one:
        for sender in ("TwelveLetter", "a\0b", "", "ñandú"):
            verdict = await one.r.verdict(one.r.draft(PHONE, sender=sender))
            assert (verdict.id, verdict.code) == (None, "invalid_sender"), sender
        await one.r.check_money(charged_segments=0)


# --- T62: validity ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("micros", [0, 99_999, 949_999, 999_999])
def test_t62_validity_in_both_forms_and_none(micros: int) -> None:
    """Relative without months, absolute with one digit of tenths and a plus; both mean the same moment."""
    one = part(expires_at=NOW + 90 * MINUTE_US + micros)
    relative, absolute, none = [
        written(one, validity=form)[0].validity_period for form in ("relative", "absolute", "none")
    ]
    assert relative == "000000013000000R"
    assert (len(absolute), absolute[-1]) == (16, "+")
    assert read_time(absolute, NOW) == read_time(relative, NOW) == NOW + 90 * MINUTE_US
    assert none == ""


# --- T63: many parts -------------------------------------------------------------------------------------------------


async def test_t63_too_many_parts_are_refused_before_anything_is_charged(tmp_path: Path) -> None:
    """And as many as are allowed all leave."""
    async with line(tmp_path) as one:
        verdict = await one.r.verdict(one.r.draft(PHONE, LONG, options={"max_parts": 2}))
        assert (verdict.id, verdict.code, verdict.pointer) == (None, "too_many_parts", "/text")
        octets = b"\x00" * (134 * PARTS_MAX)
        verdict = await one.r.verdict(one.r.draft(PHONE, "", data=octets + b"\x00"))
        assert verdict.id is None
        await one.r.check_money(charged_segments=0)
        ids = [f"a{number}" for number in range(PARTS_MAX)]
        one.answers.extend(ids)
        (message_id,) = await one.r.send(one.r.draft(PHONE, "", data=octets))
        await one.r.settled(message_id, "sent")
        numbers = [udh.concat(udh.parse(pdu.body.short_message).elements).number for _, pdu in one.submits]  # type: ignore[union-attr]
        assert numbers == [*range(1, PARTS_MAX + 1)]


def test_t63_a_reference_of_16_bits() -> None:
    """Where the carrier wants it, for parts that were cut for it; 8 bits everywhere else."""
    body, _ = written(part(b"x", parts=2, wide=True), long_messages="udh16")
    assert body.short_message[:7].hex() == "06080401cc0201"
    for own, wide in (("udh16", False), ("udh8", True)):
        body, _ = written(part(b"x", parts=2, wide=wide), long_messages=own)
        assert body.short_message[:6].hex() == "050003cc0201"


# --- T64: SMPP 3.3 ---------------------------------------------------------------------------------------------------


def test_t64_no_parameters_towards_3_3() -> None:
    """Long texts go by header, whatever else was set; what cannot be written is refused."""
    wire = Wire(tlvs=((0x1400, "31"),))
    for long_messages in ("udh8", "sar", "payload"):
        own: dict[str, Any] = {"interface_version": "3.3", "long_messages": long_messages, "tlvs": {"0x1401": "2"}}
        body, tlvs = written(part(parts=2, wire=wire), **own)
        assert (body.esm_class, tlvs) == (UDHI, ())
    with pytest.raises(Unwritable) as caught:
        written(part(b"x" * 255), interface_version="3.3", long_messages="payload")
    assert caught.value.reason == "carrier_rejected"


async def test_t64_ids_in_hex_of_3_3(tmp_path: Path) -> None:
    """The profile for 3.3 binds a pair and matches ids that receipts write in decimal."""
    async with line(tmp_path, profile="smpp-3.3", bind_mode="transceiver") as one:
        message_id = await one.sent("39f99dd5")
        assert one.submits[0][1].tlvs == ()
        await one.tell(b"id:0972660181 stat:DELIVRD")
        assert await one.state(message_id) == "delivered"


async def test_t64_a_peer_that_answers_the_bind_as_3_3() -> None:
    """Whatever its contract says: parts go by header then, and what cannot be written is refused, alone."""

    def as_3_3(connection: Connection, pdu: Pdu) -> bool:
        if pdu.command_id != BIND_TRANSCEIVER:
            return False
        connection.respond(pdu, 0, BindResp("SMSC"), (make_tlv(Tag.SC_INTERFACE_VERSION, 0x33),))
        return True

    async with bound(as_3_3, long_messages="sar", tlvs={"0x1400": "1"}) as (smsc, bench):
        bench.submit(bench.part("x" * 255), bench.part("one", parts=2), bench.part("two", part=2, parts=2))
        await smsc.last.until_got(SUBMIT_SM, 2)
        assert [(pdu.body.esm_class, pdu.tlvs) for pdu in smsc.last.submits] == [(UDHI, ())] * 2
        assert bench.kinds() == [(1, "refused")]


# --- T65: addresses of texts from phones -----------------------------------------------------------------------------

CAME = {
    "international": ("447911123456", 1, "+447911123456"),
    "with a plus": ("+447911123456", 1, "+447911123456"),
    "with 00": ("00447911123456", 0, "+447911123456"),
    "without a type": ("447911123456", 0, "+447911123456"),
    "short, called international": ("24587", 1, "24587"),
    "a name": ("Bank", 5, "Bank"),
}


async def test_t65_who_wrote(tmp_path: Path) -> None:
    """One form inside, however the carrier writes it; a short number that is called international is a short number."""
    async with line(tmp_path) as one:
        for count, (source, ton, _) in enumerate(CAME.values()):
            status = await one.tell(b"Hi %d" % count, esm_class=0, source=source, source_ton=ton)
            assert status == Status.ESME_ROK
        assert [text.sender for text in await one.inbound(len(CAME))] == [form for *_, form in CAME.values()]


@pytest.mark.parametrize("dest", [SENDER, SENDER[1:], "00" + SENDER[1:]])
async def test_t65_whom_it_was_written_to(tmp_path: Path, dest: str) -> None:
    """Our number is ours with a plus, with 00, with neither."""
    async with line(tmp_path) as one:
        await one.tell(b"Hi", esm_class=0, dest=dest, dest_ton=0)
        (found,) = await one.inbound()
        assert (found.account_id, found.recipient) == (one.r.account_id, SENDER)
