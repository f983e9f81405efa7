"""Explain says what accept does: for any draft the same refusal, route, carriers, price, segments and times."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journey.rig import ACTOR, Rig, rig
from whimbrel.base import money
from whimbrel.base.moments import to_text
from whimbrel.domain.model import Draft
from whimbrel.manage import numbers, opt_outs, senders

HELD = "+12025550111"  # by the second carrier of a route
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
GOOD_NUMBERS = ["+447911123456", "447911123456", "+447911123457", "+14155550123", "+15005550006", "+491512345678"]
ODD_NUMBERS = ["", "+33612345678", "+4479111", "12345", "+1234567890123456789", "nobody", "+49 151 23456789"]
GOOD_TEXTS = ["Hello", "x" * 160, "x" * 161, "x" * 1530, "€" * 81, "ж" * 70, "ж" * 71, "🙂" * 36, "“quoted” – dash"]
ODD_TEXTS = ["", " ", "x" * 1531, "x" * 1600, "x" * 1601, "🙂" * 400, "a\x00b", "\ud800"]


def mostly(good: list[Any], odd: list[Any]) -> st.SearchStrategy[Any]:
    """One draft has seven fields that may be refused: most of them have to be good, or none is ever accepted."""
    return st.integers(0, 9).flatmap(lambda draw: st.sampled_from(odd if draw == 9 else good))


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "smart": st.booleans(),
        "max_parts": mostly([5, 10], [1, 2]),
        "max_price_micros": mostly([100_000, 300_000], [0, 9_999, 10_000]),
        "on_doubt": st.sampled_from(["report", "retry_once"]),
    },
)
MORE = st.fixed_dictionaries(
    {
        "recipient": mostly(GOOD_NUMBERS, ODD_NUMBERS),
        "text": st.one_of(mostly(GOOD_TEXTS, ODD_TEXTS), st.text(min_size=1, max_size=300)),
        "test": st.booleans(),
        "sender": mostly([None, "+12025550100", HELD, "Acme"], ["ACME", "Other", "12345", "+12025550199"]),
        "message_class": mostly(["otp", "transactional", "marketing"], ["news"]),
        "validity_s": mostly([None, 5, 60, 604_800], [0, 4, 604_801]),
        "options": OPTIONS,
        "ahead_us": mostly([None, -30_000_000, 0, HOUR_US, 365 * DAY_US], [-HOUR_US, 400 * DAY_US]),
    }
)


async def several(r: Rig) -> None:
    """An installation with something to decide: routes, prices, senders, an opt-out, live-only carriers."""
    await r.seed()
    live_only = await r.add_carrier("live only", sandbox=False)
    await r.add_route(live_only, r.carrier_id, prefix="44", position=1)
    await r.add_route(await r.add_carrier("live only too", sandbox=False), prefix="49", position=1)
    await r.set_price("0.03", "44")
    await r.set_price("0.0075", "447911123457")
    await senders.create(r.app.manage, ACTOR, senders.NewSender(value="Acme"), account_id=r.account_id)
    held = numbers.NewNumber(number=HELD, carrier_id=r.carrier_id)
    await numbers.create(r.app.manage, ACTOR, held, account_id=r.account_id)
    await opt_outs.create(r.app.manage, ACTOR, opt_outs.NewOptOut(number="+33612345678"), account_id=r.account_id)


async def agree(r: Rig, draft: Draft) -> str:
    """Both verdicts of one draft; the code of the refusal, or nothing."""
    explained = await r.app.accept.explain(draft)
    verdict = await r.verdict(draft)
    if verdict.code is not None:
        assert explained.refusal is not None
        refusal = explained.refusal
        assert (refusal.code, refusal.detail, refusal.pointer) == (verdict.code, verdict.detail, verdict.pointer)
        return verdict.code
    assert (explained.verdict, explained.refusal) == ("accepted", None)
    message = await r.message(verdict.id or "")
    assert explained.encoding is not None and explained.routing is not None
    told = (explained.to, explained.sender, explained.encoding.text, explained.encoding.encoding)
    assert told == (message.recipient, message.sender, message.text, message.encoding)
    assert explained.encoding.segments == message.segments == verdict.segments
    assert (explained.routing.route_id, " ".join(explained.routing.carriers)) == (message.route_id, message.candidates)
    price = explained.price
    assert (price.price if price else None) == (None if draft.test else money.to_text(message.price_micros))
    if draft.send_at_us is not None and draft.send_at_us > message.created_at:
        assert (explained.send_at, explained.expires_at) == (to_text(message.due_at), to_text(message.expires_at))
    return ""


def test_explain_equals_accept(tmp_path_factory: Any) -> None:
    """One installation for all drafts: nothing that is accepted changes what is decided next."""
    folder: Path = tmp_path_factory.mktemp("explain")
    verdicts: Counter[str] = Counter()
    with asyncio.Runner() as runner:
        context = rig(folder)
        r = runner.run(context.__aenter__())
        try:
            runner.run(several(r))

            @settings(max_examples=300, deadline=None, derandomize=True)
            @given(MORE)
            def every_draft(more: dict[str, Any]) -> None:
                given_ = dict(more)
                ahead_us = given_.pop("ahead_us")
                at = None if ahead_us is None else r.clock.now_us() + ahead_us
                verdicts[runner.run(agree(r, r.draft(**given_, send_at_us=at)))] += 1

            every_draft()
            assert verdicts[""] > 30, verdicts
            assert len(verdicts) > 6, verdicts
        finally:
            runner.run(context.__aexit__(None, None, None))
