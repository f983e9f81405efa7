"""What a message carries beyond its text, from the draft to the octets of every part, and back from a phone."""

from pathlib import Path

from tests.traps.line import PHONE, line
from whimbrel.codec import udh
from whimbrel.domain.callbacks import message_view
from whimbrel.domain.wire import Wire

PORTS = "05041583158a"
WIRE = Wire(tlvs=((0x1400, b"1101".hex()), (0x1500, "00ff")), message_class=0, header=PORTS)
LONG = "word " * 80


async def test_every_part_bears_it(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        one.answers.extend(["a1", "a2", "a3"])
        (message_id,) = await one.r.send(one.r.draft(PHONE, LONG, options={"wire": WIRE}))
        message = await one.r.settled(message_id, "sent")
        assert message.segments == 3
        text = b""
        for number, (_, pdu) in enumerate(one.submits, start=1):
            parsed = udh.parse(pdu.body.short_message)
            place = udh.concat(parsed.elements)
            assert place is not None
            assert (place.number, place.total) == (number, 3)
            assert parsed.elements[1] == udh.Element(0x05, bytes.fromhex(PORTS[4:]))
            assert (pdu.body.data_coding, pdu.tlvs) == (0x10, ((0x1400, b"1101"), (0x1500, b"\0\xff")))
            text += parsed.payload
        assert text == LONG.encode()


async def test_octets_leave_as_they_came_in(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        one.answers.append("a1")
        (message_id,) = await one.r.send(one.r.draft(PHONE, "", data=b"\0\xff", options={"wire": Wire(header=PORTS)}))
        await one.r.settled(message_id, "sent")
        body = one.submits[0][1].body
        assert (body.data_coding, body.esm_class, body.short_message.hex()) == (4, 0x40, "06" + PORTS + "00ff")


async def test_what_a_text_from_a_phone_brings_is_told(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await one.tell(b"Hi", esm_class=0, tlvs=((0x1400, b"1101"), (0x1500, b"\0\xff"), (0x0426, b"\1")))
        (found,) = await one.inbound()
        view = message_view(found)
        assert (view.text, view.tlvs) == ("Hi", {"entity_id": "1101", "0x1500": {"hex": "00ff"}})
