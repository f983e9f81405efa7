"""Every scenario of links, binds and submits against the whole product: whatever the carrier does, nothing is sent
twice, nothing is lost from sight, and once it behaves again the next text is delivered.
"""

import contextlib
from pathlib import Path

from tests.journey.rig import on_databases, rig
from whimbrel_sandbox.scenarios.conduct import Where
from whimbrel_sandbox.scenarios.table import SCENARIOS
from whimbrel_sandbox.stage import Staging

MISCONDUCT = [each.name for each in SCENARIOS if each.where in (Where.LINK, Where.BIND, Where.SUBMIT)]
PHONES = ("+447911123401", "+447911123402", "+447911123403")
QUICK = {"response_timeout_s": 0.3, "bind_timeout_s": 0.3, "window": 2}
PAIRS = ("no_transceiver", "needs_pair")
ON_BOTH = (
    "black_hole", "flapping", "resetting", "half_open", "bind_refused", "bind_dropped", "needs_pair", "submits_only",
    "link_reset", "response_length_huge", "response_twice", "response_id_empty", "refused", "refused_yet_delivered",
    "response_slow", "rate_limited", "window_limited",
)  # fmt: skip
"""Each way in which the store hears of it: no bind, no answer, a lost link, a refusal, no id, a wish for less."""
TOLD = ("delivered", "undelivered", "expired", "failed", "in_doubt", "sent", "unknown")


@on_databases(MISCONDUCT, on_both=ON_BOTH)
async def test_a_carrier_that_does_wrong_costs_no_text_and_no_carrier(tmp_path: Path, case: str) -> None:
    async with rig(tmp_path, sandbox={"scenario": case}) as r:
        await r.seed(**QUICK, bind_mode="pair" if case in PAIRS else "transceiver")
        ids = await r.send(*[r.draft(phone) for phone in PHONES])
        with contextlib.suppress(TimeoutError):  # some never take a bind, or take seconds for it
            await r.all_settled(ids, *TOLD, within_s=0.4)
        r.simulator.center.restage(Staging(scenarios=[]), None)
        (last,) = await r.send(r.draft("+447911123404"))
        await r.settled(last, "delivered", within_s=60)
        await r.all_settled(ids, *TOLD)
        for phone in (*PHONES, "+447911123404"):
            assert len(r.phone(phone)) <= 1, f"{phone} got it twice"
