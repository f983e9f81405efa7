"""T01 to T13: which message a receipt is about, and when it comes. The ids are those that people met in the wild."""

from pathlib import Path

import pytest

from tests.traps.line import line, receipt
from whimbrel.base.limits import PARKED_RECEIPT_TTL_S, PART_RECEIPTS_WAIT_S, RECEIPT_DEADLINE_S, VALIDITY_MAX_S
from whimbrel.codec.smpp.fields import make_tlv
from whimbrel.codec.smpp.tables import Status, Tag
from whimbrel.domain.model import Flag
from whimbrel.domain.receipts import carrier_key, carrier_keys

LONG = "word " * 80  # three segments
TEN_MINUTES_S = 600


BASES = {
    # base, id of the response, id of the receipt: whether they are one message
    "auto, the same": ("auto", "7", "7", True),
    "auto, hex and decimal": ("auto", "39f99dd5", "0972660181", True),
    "auto, decimal and hex": ("auto", "972660181", "39F99DD5", True),
    "auto, another number": ("auto", "39f99dd5", "0972660182", False),
    "hex_dec": ("hex_dec", "39f99dd5", "0972660181", True),
    "hex_dec, digits only": ("hex_dec", "10", "0000000016", True),
    "hex_dec goes one way": ("hex_dec", "16", "10", False),
    "dec_hex": ("dec_hex", "0972660181", "39F99DD5", True),
    "dec_hex, digits only": ("dec_hex", "16", "10", True),
    "dec_hex goes one way": ("dec_hex", "10", "16", False),
    "same": ("same", "39f99dd5", "39f99dd5", True),
    "same converts nothing": ("same", "39f99dd5", "972660181", False),
    "same is exact": ("same", "aB7", "Ab7", False),
}


@pytest.mark.parametrize(("base", "answer", "told", "is_one"), BASES.values(), ids=BASES)
async def test_t01_id_bases(tmp_path: Path, base: str, answer: str, told: str, is_one: bool) -> None:
    """Response and receipt may write the id in different bases; a setting says which, and `auto` tries both."""
    async with line(tmp_path, message_id=base) as one:
        message_id = await one.sent(answer)
        assert await one.tell(receipt(told)) == Status.ESME_ROK
        assert await one.state(message_id) == ("delivered" if is_one else "sent")


async def test_t01_a_guess_at_the_base_is_not_believed_about_another_number(tmp_path: Path) -> None:
    """ "16" in decimal may be "10" in hex only when the receipt is about the same phone."""
    async with line(tmp_path) as one:
        message_id = await one.sent("10")
        await one.tell(receipt("16"), source="447000000001")
        assert await one.state(message_id) == "sent"
        await one.tell(receipt("16"))
        assert await one.state(message_id) == "delivered"


PADDED = [
    ("0e999f21-ab12-4c00-9d3f-5f5f0c8a4b11", "E999F21-AB12-4C00-9D3F-5F5F0C8A4B11"),
    ("04062581-1111-4c00-9d3f-5f5f0c8a4b11", "4062581-1111-4c00-9d3f-5f5f0c8a4b11"),
    ("7042", "0000007042"),
    ("ffffffffffffffff01", "4722366482869645213441"),  # more than 64 bits
    ("9" * 64, "9" * 64),  # as long as an id may be
]


async def test_t02_padding_and_length(tmp_path: Path) -> None:
    """Zeros on the left, ids of more than 64 bits, UUIDs and the longest ids are matched; the id is kept as it came."""
    async with line(tmp_path) as one:
        for answer, told in PADDED:
            message_id = await one.sent(answer)
            await one.tell(receipt(told))
            assert await one.state(message_id) == "delivered", told
            assert (await one.r.attempts(message_id))[0].carrier_message_id == answer


async def test_t03_case(tmp_path: Path) -> None:
    """Ids that differ in case only are one."""
    async with line(tmp_path) as one:
        message_id = await one.sent("4d19c83c")
        await one.tell(receipt("4D19C83C"))
        assert await one.state(message_id) == "delivered"


@pytest.mark.parametrize(("text_id", "tlv_id"), [("0000436949", "6aad5"), ("0416342074", "18d0e03a")])
async def test_t04_the_parameter_goes_before_the_text(tmp_path: Path, text_id: str, tlv_id: str) -> None:
    """receipted_message_id wins, the text's id is the second candidate."""
    async with line(tmp_path, message_id="same") as one:
        by_tlv, by_text = await one.sent(tlv_id), await one.sent(text_id)
        await one.tell(receipt(text_id), tlvs=(make_tlv(Tag.RECEIPTED_MESSAGE_ID, tlv_id),))
        assert [await one.state(message_id) for message_id in (by_tlv, by_text)] == ["delivered", "sent"]
        await one.tell(receipt(text_id), tlvs=(make_tlv(Tag.RECEIPTED_MESSAGE_ID, "nobody"),))
        assert await one.state(by_text) == "delivered"


@pytest.mark.parametrize("tail", [b"", b"\0"], ids=["without NUL", "with NUL"])
async def test_t05_a_trailing_nul_is_no_part_of_the_id(tmp_path: Path, tail: bytes) -> None:
    """receipted_message_id and a receipt in message_payload may end in NUL or not."""
    async with line(tmp_path, message_id="same") as one:
        first, second = await one.sent("a1"), await one.sent("a2")
        state = make_tlv(Tag.MESSAGE_STATE, 2)
        await one.tell(tlvs=((int(Tag.RECEIPTED_MESSAGE_ID), b"a1" + tail), state))
        assert await one.state(first) == "delivered"
        await one.tell(tlvs=((int(Tag.MESSAGE_PAYLOAD), b"id:a2 stat:DELIVRD" + tail),))
        assert await one.state(second) == "delivered"


async def test_t06_a_receipt_before_the_response(tmp_path: Path) -> None:
    """It is acknowledged at once, kept for ten minutes at least, and matched when the response comes."""
    async with line(tmp_path, response_timeout_s=60) as one:
        one.answers.append(None)
        message_id = await one.give()
        assert await one.tell(receipt("a1")) == Status.ESME_ROK
        assert await one.state(message_id) == "sending"
        one.r.clock.advance(TEN_MINUTES_S)
        await one.r.app.sweep.purge()
        one.answer("a1")
        await one.r.settled(message_id, "delivered")
        assert PARKED_RECEIPT_TTL_S >= TEN_MINUTES_S


async def test_t07_a_receipt_on_another_bind(tmp_path: Path) -> None:
    """Receipts are matched by the carrier's account, not by the connection that brings them."""
    async with line(tmp_path, binds=2) as one:
        message_id = await one.sent("a1")
        taken_by = one.smsc.connections.index(one.submits[0][0])
        await one.tell(receipt("a1"), connection=1 - taken_by)
        assert await one.state(message_id) == "delivered"


async def test_t08_an_id_that_is_used_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The newest message with it is meant, and the log says so; ids of another carrier are other ids."""
    async with line(tmp_path) as one:
        other = await one.add("other")
        await one.r.add_route(other, prefix="1", position=1)
        old, new = await one.sent("a1"), await one.sent("a1")
        elsewhere = await one.sent("a1", phone="+12025550147")
        await one.tell(receipt("a1"))
        assert [await one.state(each) for each in (old, new, elsewhere)] == ["sent", "delivered", "sent"]
        assert [record.getMessage() for record in caplog.records if record.name == "whimbrel.receipt"] == [
            "ids of a carrier are used again"
        ]


async def test_t09_receipts_only_move_forward(tmp_path: Path) -> None:
    """Intermediate words, repetitions and words after the final one are acknowledged; the state never goes back."""
    async with line(tmp_path) as one:
        message_id = await one.sent("a1")
        said = []
        for stat in ("ENROUTE", "ACCEPTD", "BUFFRED", "DELIVRD", "DELIVRD", "ENROUTE", "UNDELIV"):
            assert await one.tell(receipt("a1", stat)) == Status.ESME_ROK
            said.append(await one.state(message_id))
        assert said == ["sent"] * 3 + ["delivered"] * 4
        assert (await one.told(message_id)).count("delivered") == 1


async def test_t09_a_late_final_receipt_corrects_what_we_gave_up(tmp_path: Path) -> None:
    """After our own deadline it still counts, and is flagged."""
    async with line(tmp_path) as one:
        message_id = await one.sent("a1")
        one.r.clock.advance(VALIDITY_MAX_S + RECEIPT_DEADLINE_S + 60)
        while await one.r.app.sweep.miss_receipts():
            pass
        await one.r.app.sweep.give_up()
        assert await one.state(message_id) == "unknown"
        await one.tell(receipt("a1"))
        message = await one.r.message(message_id)
        assert (message.state, message.flags & Flag.CORRECTED) == ("delivered", Flag.CORRECTED)


async def test_t10_ids_are_known_for_validity_and_three_days(tmp_path: Path) -> None:
    """A receipt that comes just before the deadline finds its message as it was."""
    async with line(tmp_path) as one:
        message_id = await one.sent("a1")
        one.r.clock.advance(VALIDITY_MAX_S + RECEIPT_DEADLINE_S - 60)
        while await one.r.app.sweep.miss_receipts():
            pass
        await one.r.app.sweep.give_up()
        await one.r.app.sweep.purge()
        await one.tell(receipt("a1"))
        message = await one.r.message(message_id)
        assert (message.state, message.flags & Flag.CORRECTED) == ("delivered", 0)
        assert RECEIPT_DEADLINE_S >= 3 * 24 * 3600


async def test_t11_a_temporary_error_keeps_the_wish_for_a_receipt(tmp_path: Path) -> None:
    """Told to wait, then taken: each try asks, and the receipt is matched."""
    async with line(tmp_path) as one:
        one.answers.extend([int(Status.ESME_RTHROTTLED), int(Status.ESME_RMSGQFUL), "a1"])
        message_id = await one.give()
        await one.r.settled(message_id, "sent")
        assert [pdu.body.registered_delivery for _, pdu in one.submits] == [1, 1, 1]
        await one.tell(receipt("a1"))
        assert await one.state(message_id) == "delivered"


ASKED = {"all": [1, 1, 1], "first": [1, 0, 0], "last": [0, 0, 1], "none": [0, 0, 0]}


@pytest.mark.parametrize("receipts_on", ASKED)
async def test_t12_which_parts_ask(tmp_path: Path, receipts_on: str) -> None:
    """A setting says which parts of a long text ask for a receipt."""
    async with line(tmp_path, receipts_on=receipts_on) as one:
        await one.sent("a1", "a2", "a3", text=LONG)
        assert [pdu.body.registered_delivery for _, pdu in one.submits] == ASKED[receipts_on]


@pytest.mark.parametrize("told", ["a1", "a2", "a3"])
@pytest.mark.parametrize("receipts_on", ["first", "last"])
async def test_t12_one_receipt_is_enough_where_one_was_asked_for(tmp_path: Path, receipts_on: str, told: str) -> None:
    """Whichever part it names, it is about the message, and the others are not waited for."""
    async with line(tmp_path, receipts_on=receipts_on) as one:
        message_id = await one.sent("a1", "a2", "a3", text=LONG)
        await one.tell(receipt(told))
        assert await one.state(message_id) == "delivered"


async def test_t12_a_carrier_that_reports_one_part_of_those_that_asked(tmp_path: Path) -> None:
    """The others are waited for, but not for days; a part that failed fails the message at once."""
    async with line(tmp_path) as one:
        quiet, failing = [await one.sent(*ids, text=LONG) for ids in (("a1", "a2", "a3"), ("b1", "b2", "b3"))]
        await one.tell(receipt("a2"))
        await one.tell(receipt("b2"))
        await one.tell(receipt("b1", "UNDELIV", "001"))
        assert [await one.state(each) for each in (quiet, failing)] == ["sent", "undelivered"]
        one.r.clock.advance(PART_RECEIPTS_WAIT_S + 1)
        await one.r.app.sweep.give_up()
        assert await one.state(quiet) == "delivered"


async def test_t13_receipts_that_nobody_asked_for(tmp_path: Path) -> None:
    """They are acknowledged, and told to nobody: of an id that we do not know, and of a submit that was refused."""
    async with line(tmp_path) as one:
        one.answers.append(int(Status.ESME_RINVDSTADR))
        refused = await one.give()
        await one.r.settled(refused, "failed")
        before = await one.r.app.store.last_position()
        assert await one.tell(receipt("feed1234")) == Status.ESME_ROK
        assert await one.tell(receipt("", "REJECTD")) == Status.ESME_ROK
        assert await one.tell(b"nothing of a receipt") == Status.ESME_ROK
        assert await one.r.app.store.last_position() == before
        assert await one.state(refused) == "failed"


async def test_t13_a_receipt_where_none_was_asked_for_is_taken_all_the_same(tmp_path: Path) -> None:
    """What the carrier says about a message that we know is worth knowing."""
    async with line(tmp_path, receipts_on="none") as one:
        message_id = await one.sent("a1")
        assert one.submits[0][1].body.registered_delivery == 0
        assert await one.tell(receipt("a1")) == Status.ESME_ROK
        assert await one.state(message_id) == "delivered"


def test_t02_keys_have_no_end() -> None:
    """Any id has a key, at most 65 octets of it are read as a number, and a rule of one way guesses nothing."""
    for base in ("auto", "same", "hex_dec", "dec_hex"):
        for message_id in ("", "0", "0" * 65, "f" * 65, "f" * 66, "\0", " 7 ", "١٢", "-"):
            key = carrier_key(message_id, base)
            assert len(key) <= 80
            assert base == "auto" or len(carrier_keys((message_id,), base)) <= 1
