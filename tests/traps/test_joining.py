"""Trap T56 where it happens: parts of long texts from phones, over several binds, across a restart, and missing."""

from pathlib import Path

from tests.journey.rig import SENDER, installation, simulated
from tests.traps.line import Line, line
from tests.traps.raw_smsc import RawSmsc, listening
from whimbrel.base.limits import INBOUND_PART_WAIT_S
from whimbrel.domain.model import Flag

_UDHI = 0x40
_FIRST, _SECOND = "447911000001", "447911000002"


def part(number: int, text: str, total: int = 2) -> bytes:
    return bytes((5, 0, 3, 7, total, number)) + text.encode("ascii")


async def test_t56_two_phones_with_one_reference_over_two_binds(tmp_path: Path) -> None:
    """A text is known by both numbers, its reference and its total, whichever bind brings a part; twice is once."""
    async with line(tmp_path, binds=2) as one:
        for connection, phone, octets in (
            (0, _FIRST, part(2, "world")),
            (1, _SECOND, part(1, "another ")),
            (1, _FIRST, part(2, "world")),
            (1, _FIRST, part(1, "hello ")),
            (0, _SECOND, part(2, "text")),
        ):
            assert await one.tell(octets, connection=connection, esm_class=_UDHI, source=phone) == 0
        found = await one.inbound(2)
        assert {(each.sender, each.text) for each in found} == {
            (f"+{_FIRST}", "hello world"),
            (f"+{_SECOND}", "another text"),
        }


async def test_t56_a_restart_between_the_parts_and_a_part_that_never_comes(tmp_path: Path) -> None:
    """What came is kept; what is missing is given up in time, and the text is delivered and marked."""
    async with listening(RawSmsc()) as smsc, simulated() as simulator:
        async with installation(tmp_path, simulator) as r:
            first = Line(r, smsc)
            r.account_id = await r.add_account("Acme", SENDER)
            await first.add("raw")
            assert await first.tell(part(1, "before and "), esm_class=_UDHI, source=_FIRST) == 0
            assert await first.tell(part(3, "the end", 3), esm_class=_UDHI, source=_SECOND) == 0
        account_id = r.account_id
        async with installation(tmp_path, simulator) as r:
            await r.bound()
            r.account_id = account_id
            second = Line(r, smsc)
            assert await second.tell(part(2, "after"), connection=-1, esm_class=_UDHI, source=_FIRST) == 0
            (whole,) = await second.inbound()
            assert (whole.sender, whole.text, whole.flags & Flag.PARTIAL) == (f"+{_FIRST}", "before and after", 0)
            r.clock.advance(INBOUND_PART_WAIT_S + 1)
            await r.app.sweep.flush_parts()
            (left,) = [each for each in await second.inbound(2) if each.sender == f"+{_SECOND}"]
            assert (left.text, left.flags & Flag.PARTIAL) == ("the end", Flag.PARTIAL)
