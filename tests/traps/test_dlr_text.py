"""T14 to T23: what a receipt says, in the forms that people met in the wild. Each is read from the octets of a whole
PDU by the settings of a carrier; some go all the way to the message.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.traps.line import PHONE, line, receipt
from whimbrel.carriers.interface import Inbound, Report
from whimbrel.carriers.smpp_reader import Reader
from whimbrel.codec.smpp.bodies import ShortMessage
from whimbrel.codec.smpp.fields import Tlvs, make_tlv
from whimbrel.codec.smpp.pdu import Decoder, Pdu, encode
from whimbrel.codec.smpp.tables import DELIVER_SM, Status, Tag
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.receipts import outcome_of


def brought(
    text: bytes, *, tlvs: Tlvs = (), esm_class: int = 4, settings: dict[str, Any] | None = None, **fields: Any
) -> Report | Inbound | None:
    """A deliver_sm in octets, read as a carrier with these settings."""
    addresses = {"source": "447911123456", "dest": "12025550100"}
    body = ShortMessage(**addresses | {"esm_class": esm_class, "short_message": text} | fields)
    (pdu,) = Decoder().feed(encode(Pdu(DELIVER_SM, 0, 7, body, tlvs)))
    assert isinstance(pdu, Pdu)
    return Reader(CarrierSettings("h", 1, **settings or {})).read(pdu, "bind")


def told(text: bytes, **more: Any) -> Report:
    found = brought(text, **more)
    assert isinstance(found, Report)
    return found


MISSING = {
    "no sub, no dlvrd": b"id:a1 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:x",
    "no text": b"id:a1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000",
    "no err": b"id:a1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD text:x",
    "id and stat": b"id:a1 stat:DELIVRD",
}


@pytest.mark.parametrize("text", MISSING.values(), ids=MISSING)
def test_t14_fields_may_be_missing(text: bytes) -> None:
    """The id and the state are enough."""
    found = told(text)
    assert (found.message_ids, found.state) == (("a1",), "DELIVERED")


ORDERS = {
    "shuffled": b"sub:001 id:a1 err:000 done date:110206193041 submit date:110206193041 dlvrd:001 stat:DELIVRD text:",
    "dates of fourteen": b"id:a1 sub:001 dlvrd:001 submit date:20110314181534 done date:20110314181534 stat:DELIVRD "
    b"err:000 text:",
    "dates of SMPP": b"id:a1 sub:001 dlvrd:001 submit date:180711070003912+ done date:180711070003912+ stat:DELIVRD "
    b"err:000 text:",
    "epoch": b"id:a1 sub:001 dlvrd:001 submit date:1702281424 done date:1702281424 stat:DELIVRD err:000 text:",
    "zeros": b"id:a1 sub:001 dlvrd:001 submit date:0000000000 done date:0000000000 stat:DELIVRD err:000 text:",
    "joined labels": b"id:a1 sub:000 dlvrd:000 submitdate:180122230957 donedate:000000000000 stat:DELIVRD err:000",
}


@pytest.mark.parametrize("text", ORDERS.values(), ids=ORDERS)
def test_t15_any_order_and_any_dates(text: bytes) -> None:
    """The order of the fields and the form of the dates do not matter."""
    found = told(text)
    assert (found.message_ids, found.state, found.error) == (("a1",), "DELIVERED", "000")


ERRORS = {
    "0000": "undelivered",
    "0": "undelivered",
    "21b": "undelivered",
    "13?": "undelivered",
    "954": "undelivered",
    " 001": "unknown_subscriber",
    "0027": "absent_subscriber",
}


@pytest.mark.parametrize(("error", "reason"), ERRORS.items())
def test_t16_errors_of_any_form(error: str, reason: str) -> None:
    """Zeros, letters, signs, a blank before it, four digits: kept as they came; what no table knows has no reason."""
    found = told(b"id:a1 stat:UNDELIV err:" + error.encode())
    assert found.error == error.strip()
    assert outcome_of(found.state, found.error, found.reason).reason == reason


def test_t16_a_carrier_has_errors_of_its_own() -> None:
    """A table of the carrier's goes before the network's: as it is written, or as the same number."""
    own = {"receipt_errors": {"21b": "barred", "1": "filtered", "954": "memory_full"}}
    reasons = [
        told(b"id:a1 stat:UNDELIV err:" + e, settings=own).reason for e in (b"21b", b"001", b"0954", b"27", b"9z")
    ]
    assert reasons == ["barred", "filtered", "memory_full", None, None]


WORDS = {
    "FAILED": ("UNDELIVERABLE", True),
    "ACKED": ("ACCEPTED", False),
    "BUFFRED": ("ENROUTE", False),
    "delivrd": ("DELIVERED", True),
    "Delivered": ("DELIVERED", True),
    "ACCEPTED": ("ACCEPTED", False),
    "": ("UNKNOWN", False),
    "0": ("UNKNOWN", False),
    "QUEUED4LATER": ("UNKNOWN", False),
}


@pytest.mark.parametrize(("word", "state"), WORDS.items())
def test_t17_words_of_any_kind(word: str, state: tuple[str, bool]) -> None:
    """Known ones in any case and length; an unknown one ends nothing."""
    found = told(b"id:a1 stat:%s err:000" % word.encode())
    assert (found.state, outcome_of(found.state, found.error).final) == state


def test_t17_a_carrier_has_words_of_its_own() -> None:
    """Its table says what they mean, also against the usual meaning."""
    own = {"receipt_states": {"0": "DELIVERED", "acked": "DELIVERED"}}
    assert told(b"id:a1 stat:0", settings=own).state == "DELIVERED"
    assert told(b"id:a1 stat:ACKED", settings=own).state == "DELIVERED"
    assert told(b"id:a1 stat:DELIVRD", settings=own).state == "DELIVERED"


async def test_t17_an_unknown_word_leaves_the_message_under_way(tmp_path: Path) -> None:
    """And a later final one still counts."""
    async with line(tmp_path) as one:
        message_id = await one.sent("a1")
        for stat in ("", "0", "QUEUED4LATER"):
            assert await one.tell(b"id:a1 stat:%s err:000" % stat.encode()) == Status.ESME_ROK
            assert await one.state(message_id) == "sent"
        await one.tell(receipt("a1"))
        assert await one.state(message_id) == "delivered"


QUOTED = {
    "capital": b"id:a1 stat:DELIVRD err:000 Text:hello",
    "binary": b"id:a1 stat:DELIVRD err:000 text:\x84\xff\x00\x01",
    "another receipt": b"id:a1 stat:DELIVRD err:000 text:id:b2 stat:UNDELIV err:001",
    "before the rest": b"id:a1 stat:DELIVRD text:stat:UNDELIV",
}


@pytest.mark.parametrize("text", QUOTED.values(), ids=QUOTED)
def test_t18_the_users_text_is_not_read(text: bytes) -> None:
    """Whatever stands in it, also octets that are no text, it neither breaks nor changes the receipt."""
    found = told(text)
    assert (found.message_ids, found.state) == (("a1",), "DELIVERED")


@pytest.mark.parametrize(("encoding", "data_coding"), [("utf-16-be", 8), ("utf-16", 8), ("latin-1", 3), ("ascii", 1)])
def test_t19_the_receipts_own_coding(encoding: str, data_coding: int) -> None:
    """UCS-2 with and without its mark, Latin-1, ASCII."""
    found = told(receipt("a1").decode().encode(encoding), data_coding=data_coding)
    assert (found.message_ids, found.state, found.stat) == (("a1",), "DELIVERED", "DELIVRD")


ID, STATE = make_tlv(Tag.RECEIPTED_MESSAGE_ID, "a1"), make_tlv(Tag.MESSAGE_STATE, 5)
PARAMETERS = {
    "only parameters": (b"", (ID, STATE), "UNDELIVERABLE"),
    "in message_payload": (b"", (make_tlv(Tag.MESSAGE_PAYLOAD, receipt("a1")),), "DELIVERED"),
    "id in a parameter, state in the text": (b"stat:DELIVRD", (ID,), "DELIVERED"),
    "id without a state": (b"", (ID,), "UNKNOWN"),
    "both, and they differ": (receipt("a1"), (ID, STATE), "UNDELIVERABLE"),
}


@pytest.mark.parametrize(("text", "tlvs", "state"), PARAMETERS.values(), ids=PARAMETERS)
def test_t20_receipts_in_parameters(text: bytes, tlvs: Tlvs, state: str) -> None:
    """Alone, in message_payload, or in part; what they say goes before the text."""
    found = told(text, tlvs=tlvs)
    assert (found.message_ids, found.state) == (("a1",), state)


async def test_t20_by_data_sm(tmp_path: Path) -> None:
    """A receipt may come by data_sm, which has no text at all."""
    async with line(tmp_path) as one:
        message_id = await one.sent("a1")
        assert await one.tell_by_data_sm((ID, make_tlv(Tag.MESSAGE_STATE, 2))) == Status.ESME_ROK
        assert await one.state(message_id) == "delivered"


@pytest.mark.parametrize("esm_class", [0x04, 0x44, 0x08, 0x20, 0x24, 0x07])
def test_t21_esm_class_marks_a_receipt(esm_class: int) -> None:
    """Alone or with other bits."""
    assert isinstance(brought(receipt("a1"), esm_class=esm_class), Report)


@pytest.mark.parametrize("header", ["", "050003cc0101", "0605040b8423f0"])
def test_t21_a_receipt_behind_a_header(header: str) -> None:
    """It is read where it begins, whether there is the header that esm_class claims or not."""
    found = told(bytes.fromhex(header) + receipt("a1"), esm_class=0x44)
    assert (found.message_ids, found.state) == (("a1",), "DELIVERED")


@pytest.mark.parametrize("esm_class", [0x00, 0x03, 0x40, 0x80])
def test_t21_the_text_alone_marks_none(esm_class: int) -> None:
    """People write "id:1 stat:" too."""
    assert isinstance(brought(receipt("a1"), esm_class=esm_class), Inbound)


@pytest.mark.parametrize(
    ("text", "is_receipt"),
    [(receipt("a1"), True), (b"id:a1 stat:DELIVRD", True), (b"id: when? stat: please", False), (b"Hello", False)],
)
def test_t21_unless_the_carrier_is_known_to_mark_none(text: bytes, is_receipt: bool) -> None:
    """A setting for carriers that send receipts with esm_class 0: there must be an id and a word that is a state."""
    found = brought(text, esm_class=0, settings={"receipts_by_text": True})
    assert isinstance(found, Report if is_receipt else Inbound)


async def test_t21_a_text_that_looks_like_a_receipt_is_a_text(tmp_path: Path) -> None:
    """It reaches the account, and changes no message."""
    async with line(tmp_path) as one:
        message_id = await one.sent("a1")
        assert await one.tell(receipt("a1"), esm_class=0) == Status.ESME_ROK
        (text,) = await one.inbound()
        assert text.text.startswith("id:a1")
        assert await one.state(message_id) == "sent"


CODES = {
    "three octets": (b"\x03\x00\x1b", "027"),
    "three digits": (b"027", "027"),
    "zero in digits": (b"000", "000"),
    "an unknown network": (b"\xee\x00\x06", "006"),
    "two octets": (b"\x00\x06", "000"),
}


@pytest.mark.parametrize(("value", "error"), CODES.values(), ids=CODES)
def test_t22_network_error_code(value: bytes, error: str) -> None:
    """Binary or three ASCII digits, of any network; it counts where the text names no error."""
    tlvs = ((int(Tag.NETWORK_ERROR_CODE), value),)
    assert told(receipt("a1", "UNDELIV"), tlvs=tlvs).error == error
    assert told(receipt("a1", "UNDELIV", "001"), tlvs=tlvs).error == "001"


ADDRESSES = {
    "swapped": {"source": "12025550100", "dest": "447911123456"},
    "plus": {"source": "+447911123456", "dest": "+12025550100"},
    "00": {"source": "00447911123456", "dest": "12025550100"},
    "other numbers": {"source": "1", "dest": "shop"},
    "none": {"source": "", "dest": ""},
}


async def test_t23_addresses_need_not_be_ours(tmp_path: Path) -> None:
    """Swapped, with a plus, with 00, others, or none: the id decides."""
    async with line(tmp_path) as one:
        for number, addresses in enumerate(ADDRESSES.values()):
            message_id = await one.sent(f"a{number}")
            await one.tell(receipt(f"a{number}"), **addresses)
            assert await one.state(message_id) == "delivered", addresses


@pytest.mark.parametrize("name", ["swapped", "plus", "00"])
async def test_t23_written_otherwise_they_still_tell_the_phone(tmp_path: Path, name: str) -> None:
    """Where an address has to agree (a guess at the id's base) its last digits count."""
    async with line(tmp_path) as one:
        message_id = await one.sent("ff", phone=PHONE)
        await one.tell(receipt("255"), **ADDRESSES[name])
        assert await one.state(message_id) == "delivered"
