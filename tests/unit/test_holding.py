"""What waits in a queue and may not be sent just now: of any list, at any minute around the borders of hours, each
message is kept, put off or ended, once; those that are kept stay in their order; nothing is put off into a quiet hour
or beyond its end, and what is no marketing is never touched.
"""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.model import PRIORITY
from whimbrel.domain.numbers import normalise
from whimbrel.domain.policies import Policy, PolicyBook
from whimbrel.domain.quiet_hours import MINUTE_US, QuietHours
from whimbrel.domain.quiet_rules import RuleBook
from whimbrel.journey.holding import AHEAD_US, Holding

PHONES = {"+33612345678": "hours", "+447911123456": "none", "+12025550123": "hours"}
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
NIGHTFALL_US = int(datetime(2027, 3, 2, 19, 0, tzinfo=UTC).timestamp()) * 1_000_000  # 20:00 in Paris, 14:00 in New York
RULES = QuietHours(RuleBook())

MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(sorted(PRIORITY)),
        st.sampled_from(sorted(PHONES)),
        st.sampled_from(["{}", '{"quiet_hours":"wait"}', '{"quiet_hours":"refuse"}', '{"quiet_hours":"off"}']),
        st.one_of(st.integers(-HOUR_US, HOUR_US), st.integers(0, 3 * DAY_US)),  # its end, from now
    ),
    max_size=12,
)


class Kept:
    """A store that keeps what it is told."""

    def __init__(self) -> None:
        self.put_off_: list[Any] = []
        self.ended: list[Any] = []

    async def put_off(self, items: Any) -> None:
        self.put_off_ += items

    async def finish(self, items: Any) -> None:
        self.ended += items


async def nothing() -> None:
    """Tables that are current."""


def waiting(messages: list[tuple[str, str, str, int]], now: int) -> list[Any]:
    """As they stand in the queue: by class."""
    rows = [
        SimpleNamespace(
            id=f"SM{place}", account_id="AC1", priority=PRIORITY[kind], recipient=phone, recipient_hash=place,
            sender="Acme", options=options, expires_at=now + end, due_at=now, flags=0,
        )
        for place, (kind, phone, options, end) in enumerate(messages)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row.priority)


@given(
    messages=MESSAGES,
    now=st.integers(-DAY_US, DAY_US).map(lambda us: NIGHTFALL_US + us)
    | st.integers(-2 * MINUTE_US, 2 * MINUTE_US).map(lambda us: NIGHTFALL_US + us),
    asked=st.sampled_from(["wait", "refuse", "off"]),
)
def test_each_is_kept_put_off_or_ended(messages: list[tuple[str, str, str, int]], now: int, asked: Any):
    store = Kept()
    book = PolicyBook({"AC1": Policy(quiet_hours=asked)})
    tables = SimpleNamespace(policies=book, quiet_hours=RULES, current=nothing)
    counted = SimpleNamespace(put_off=SimpleNamespace(labels=lambda reason: SimpleNamespace(inc=lambda: None)))
    clock = SimpleNamespace(now_us=lambda: now)
    holding = Holding(store, tables, clock, SimpleNamespace(number_hash=hash), counted)  # type: ignore[arg-type]
    queue = waiting(messages, now)
    kept, any_held = asyncio.run(holding.again(queue))

    by_id = {row.id: row for row in queue}
    held = [each.message_id for each in (*store.put_off_, *store.ended)]
    assert sorted([*held, *(row.id for row in kept)]) == sorted(by_id)
    assert kept == [row for row in queue if row.id not in set(held)]
    assert any_held == bool(held)
    for message_id in held:
        row = by_id[message_id]
        assert row.priority == PRIORITY["marketing"] and row.expires_at > now
        assert not is_open(row, now) or not is_open(row, now + AHEAD_US)
    for each in store.put_off_:
        row = by_id[each.message_id]
        assert now < each.due_at < row.expires_at
        assert is_open(row, each.due_at) and wish(row, asked) == "wait"
    for each in store.ended:
        refused = wish(by_id[each.message_id], asked) == "refuse"
        assert (each.new_state, each.reason) == ("rejected" if refused else "expired", "quiet_hours")
    for row in kept:
        if row.priority == PRIORITY["marketing"] and row.expires_at > now and wish(row, asked) != "off":
            assert is_open(row, now), "what is sent now is sent at an hour that allows it"


def wish(row: Any, asked: str) -> str:
    """What is to become of it: its own wish, else the account's."""
    return str(next((each for each in ("wait", "refuse", "off") if f'"{each}"' in row.options), asked))


def is_open(row: Any, at: int) -> bool:
    """Whether the hours of its recipient allow it."""
    number = normalise(row.recipient)
    assert number is not None
    calendar = RULES.calendar(number)
    return calendar is None or calendar.is_open(at)
