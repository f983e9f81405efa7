"""Each shipped profile against a simulator that plays the dialect it is for: texts arrive as they were written,
receipts are matched, and what the phone answers is read.
"""

from pathlib import Path

import pytest

from tests.journey.rig import Rig, on_databases, rig, until
from whimbrel.domain.profiles import PROFILES

PHONE = "+447911123456"
SHORT, LONG = "£5 @ {home}", "Grüße, @you: " + "word " * 60
ANSWER = "Grüße {an} @alle"

PLAYED = {
    # profile: the scenario of the simulator that it is for
    "standard": None,
    "smpp-3.3": "smpp33,id_hex_then_decimal",
    "smpp-5.0": "smpp50",
    "hex-dec": "id_hex_then_decimal",
    "dec-hex": "id_decimal_then_hex",
    "vonage": "id_hex_then_decimal",
    "clickatell": "bind_lingers",
    "yo": "stat_zero",
    "vibes": "alphabet_ascii",
    "hollatags": None,
    "india-dlt": None,
    "latin1": "alphabet_latin1",
    "ascii": "alphabet_ascii",
    "packed": "alphabet_packed",
    "payload": "inbound_payload",
    "sar": "inbound_sar",
    "one-receipt": "receipt_last_part",
    "unmarked-receipts": "esm_class_00",
    "no-validity": "times_refused",
    "smppsim": "times_absolute",
    "smscsim": "id_hex_then_decimal",
}
WITHOUT_IT = ("yo", "unmarked-receipts", "no-validity", "smppsim", "latin1", "packed")


async def there(r: Rig) -> None:
    """A short text and a long one arrive and are reported."""
    ids = await r.send(r.draft(PHONE, SHORT), r.draft(PHONE, LONG))
    await r.all_settled(ids, "delivered")
    assert sorted(text.text for text in r.phone(PHONE)) == sorted([SHORT, LONG])


@on_databases(tuple(PROFILES), on_both=("standard", "hex-dec", "payload", "sar", "one-receipt", "latin1"))
async def test_the_dialect_that_a_profile_is_for(tmp_path: Path, case: str) -> None:
    scenario = PLAYED[case]
    async with rig(tmp_path, sandbox={"scenario": scenario} if scenario else None) as r:
        await r.seed(profile=case)
        await r.bound()
        await there(r)
        for answer in (ANSWER, ANSWER * 12):
            r.say(PHONE, answer)
        assert sorted(text.text for text in await r.inbound(2)) == sorted([ANSWER, ANSWER * 12])


@pytest.mark.parametrize("name", WITHOUT_IT)
async def test_without_the_profile_it_goes_wrong(tmp_path: Path, name: str) -> None:
    """Which shows that the simulator plays the dialect, and that the profile is what helps."""
    async with rig(tmp_path, sandbox={"scenario": PLAYED[name]}) as r:
        await r.seed()
        await r.bound()
        (message_id,) = await r.send(r.draft(PHONE, SHORT))
        await r.settled(message_id, "sent", "delivered", "failed")
        if name in ("latin1", "packed"):
            texts = await until(lambda: r.phone(PHONE))
            assert texts[0].text != SHORT
        else:
            await until(lambda: r.submits() or r.sim_log())
            assert (await r.message(message_id)).state in ("sent", "failed")


async def test_parameters_reach_the_carrier_by_the_names_of_its_profile(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed(profile="india-dlt")
        assert r.app.tables.tlv_names == {"pe_id": "0x1400", "template_id": "0x1401", "tm_id": "0x1402"}
