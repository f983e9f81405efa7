"""How a text is cut, by the wishes of every carrier of its route; told by what the SMSC got."""

from pathlib import Path

import pytest

from tests.journey.rig import Rig, rig
from whimbrel.codec import segments, udh

TURKISH = "Şöyle böyle değil, İstanbul'da çığlık çığlığa ığdır şalgamı içilir. " * 3
GREEK = "Ω and more"


async def told(r: Rig, text: str) -> tuple[str, int, list[tuple[int, int, bytes]]]:
    """Encoding, segments, and what the SMSC got: esm_class, data_coding, octets of each part in order."""
    (message_id,) = await r.send(r.draft(text=text))
    message = await r.settled(message_id, "delivered")
    got = [event for event in r.simulator.center.log.after(0, 1000)[1] if type(event).__name__ == "Submitted"]
    parts = [(event.esm_class, event.data_coding, bytes.fromhex(event.octets)) for event in got]
    return message.encoding, message.segments, sorted(parts, key=lambda part: part[2][:12])


async def test_a_long_turkish_text_goes_in_the_tables_of_its_language(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        encoding, count, parts = await told(r, TURKISH)
        assert (encoding, count) == ("gsm7", 2) and segments.measure(TURKISH).segments == 4
        assert [(esm, coding) for esm, coding, _ in parts] == [(0x40, 0)] * 2
        read = [udh.parse(octets) for _, _, octets in parts]
        shift = udh.shift_of(read[0].elements)
        assert shift.single == 1 or shift.locking == 1
        assert [udh.concat(one.elements).number for one in read] == [1, 2]
        assert segments.decode_parts([one.payload for one in read], 0, shift=shift) == TURKISH


async def test_a_carrier_without_national_languages_gets_ucs2(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(national_languages=False)
        encoding, count, parts = await told(r, TURKISH)
        assert (encoding, count) == ("ucs2", 4)
        assert "".join(udh.parse(octets).payload.decode("utf-16-be") for _, _, octets in parts) == TURKISH


async def test_one_carrier_of_the_route_decides_for_all(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        second = await r.add_carrier("second", system_id="other", national_languages=False, long_messages="udh16")
        await r.add_route(r.carrier_id, second, prefix="44", position=1)
        encoding, count, parts = await told(r, TURKISH)
        assert (encoding, count) == ("ucs2", 4)
        payloads = [udh.parse(octets).payload for _, _, octets in parts]
        assert max(map(len, payloads)) == 2 * segments.UCS2_PART_WIDE, "cut so that the other could mark it too"


@pytest.mark.parametrize(("alphabet", "encoding"), [("gsm7", "gsm7"), ("latin1", "ucs2"), ("ascii", "ucs2")])
async def test_what_a_carriers_alphabet_lacks_goes_as_ucs2(tmp_path: Path, alphabet: str, encoding: str) -> None:
    async with rig(tmp_path) as r:
        await r.seed(alphabet=alphabet)
        found, _, _ = await told(r, GREEK)
        assert found == encoding


async def test_explain_says_the_same(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        step = (await r.app.accept.explain(r.draft(text=TURKISH))).encoding
        assert (step.encoding, step.segments, step.languages) == ("gsm7", 2, ("turkish",))


async def test_too_many_segments_after_all_are_refused_before_anything_is_charged(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(national_languages=False)
        verdict = await r.verdict(r.draft(text=TURKISH, options={"max_parts": 3}))
        assert verdict.code == "too_many_parts"
        assert (await r.ledger())["hold"] == 0


async def test_binary_content_goes_as_it_is(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        data = bytes(range(200))
        (message_id,) = await r.send(r.draft(text="", data=data))
        message = await r.settled(message_id, "delivered")
        assert (message.encoding, message.segments, message.text) == ("binary", 2, data.hex())
        got = [event for event in r.simulator.center.log.after(0, 100)[1] if type(event).__name__ == "Submitted"]
        assert [event.data_coding for event in got] == [4, 4]
        assert b"".join(udh.parse(bytes.fromhex(event.octets)).payload for event in got) == data
