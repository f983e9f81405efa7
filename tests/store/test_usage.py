"""Figures of usage: what the log tells is added up once, whoever follows it and however often they begin again."""

from collections import Counter

import pytest
from store_samples import (
    ACCOUNT,
    CARRIER,
    CREDIT,
    NOW,
    OTHER_ACCOUNT,
    PRICE,
    SECOND,
    SPARE,
    claim,
    message,
    submit,
    top_up,
)

from whimbrel.domain.model import Message
from whimbrel.domain.usage import ALL, DAY_US, HOUR_US, Summed, delivery_rate, percentile_ms
from whimbrel.journey.follower import cursor
from whimbrel.journey.usage import CURSOR, Usage
from whimbrel.store.interface import Answer, Ending, InboundRow, ReceiptRow, Write
from whimbrel.store.store import SqlStore

COUNTS = (
    "accepted", "sent", "delivered", "undelivered", "failed", "expired", "rejected", "canceled", "unknown", "in_doubt",
    "received", "segments",
)  # fmt: skip
THIS_HOUR = NOW // HOUR_US * HOUR_US
NUMBER = "+4915112345678"
BY = {"time": 0, "account": 0, "direction": 0, "class": 0, "country": 0, "carrier": 0}
FIRST = (-(2**62), "", "", "", "", "", "")


async def followed(store: SqlStore) -> Usage:
    """The follower has seen all that there is."""
    follower = Usage(store)
    await follower._find()
    while await follower.follow():
        pass
    return follower


async def figures(
    store: SqlStore, *by: str, account_id: str = ACCOUNT, hours: int = 1, of: tuple[str, ...] = ("", "", "", "")
) -> list[Summed]:
    wanted = [int(name in by) for name in BY]
    params = (0, hours, 0, 2**62, *wanted, *of, *FIRST, 100)
    if "account" in by:
        return await store.report(None, Summed, "usage_page_of_accounts", *params)
    return await store.report(None, Summed, "usage_page", *params, account_id)


def told(row: Summed) -> dict[str, int]:
    """What is not 0."""
    return {name: value for name in COUNTS if (value := getattr(row, name))}


async def sent(store: SqlStore, key: str, *, carrier: str = CARRIER, **changes: object) -> Message:
    """A message that the carrier took, under this id of its own."""
    made = message(**{"recipient": NUMBER, "price_micros": PRICE, "held_micros": PRICE, **changes})
    await submit(store, made)
    await answered(store, made, "accepted", key=key, carrier=carrier)
    return made


async def answered(
    store: SqlStore, made: Message, kind: str, *, key: str | None = None, carrier: str = CARRIER
) -> None:
    ((position, *_),) = await claim(store, made, carrier=carrier)
    reason = None if kind == "accepted" else "link_lost" if kind == "in_doubt" else "blocked_by_carrier"
    said = Answer(
        position,
        made.id,
        carrier,
        kind,
        NOW + SECOND,
        carrier_message_id=key,
        carrier_key=key,
        tail_hash=99,
        reason=reason,
    )
    await store.record_answers([said])


async def reported(store: SqlStore, key: str, state: str, *, after_s: float = 3, carrier: str = CARRIER) -> None:
    at = NOW + int(after_s * SECOND)
    row = ReceiptRow(carrier, (key,), state, True, None, state.upper()[:7], "000", (99,), at)
    assert await store.record_receipts([row]) == ["applied"]


async def ended(store: SqlStore, made: Message, state: str, reason: str, *, charge: bool = False) -> None:
    assert await store.finish([Ending(made.id, (made.state, "in_doubt", "sent"), state, reason, NOW, charge)]) == [True]


async def test_what_becomes_of_messages_is_counted_by_country_carrier_and_class(store: SqlStore) -> None:
    await store.write(top_up(OTHER_ACCOUNT, CREDIT))
    await sent(store, "k1")
    await reported(store, "k1", "delivered", after_s=0.2)
    await sent(store, "k2", recipient="+12025550123", message_class="otp", segments=2)
    await reported(store, "k2", "undelivered")
    await sent(store, "k3", carrier=SPARE, account_id=OTHER_ACCOUNT)
    refused = message(recipient=NUMBER, price_micros=PRICE, held_micros=PRICE)
    canceled = message(recipient=NUMBER, scheduled_for=NOW + HOUR_US)
    await submit(store, refused, canceled)
    await answered(store, refused, "refused")
    await ended(store, canceled, "canceled", "canceled")
    await followed(store)

    by_country = {(row.country, row.carrier_id): row for row in await figures(store, "country", "carrier")}
    assert {key: told(row) for key, row in by_country.items()} == {
        ("DE", ""): {"accepted": 3, "canceled": 1},
        ("DE", CARRIER): {"sent": 1, "delivered": 1, "failed": 1, "segments": 1},
        ("US", ""): {"accepted": 1},
        ("US", CARRIER): {"sent": 1, "undelivered": 1, "segments": 2},
    }
    assert delivery_rate(by_country["DE", CARRIER]) == 0.5
    assert {row.message_class: row.accepted for row in await figures(store, "class")} == {"otp": 1, "transactional": 3}
    (all_of_it,) = await figures(store, "time")
    assert (all_of_it.starts_at, all_of_it.currency, all_of_it.charged_micros) == (THIS_HOUR, "EUR", 2 * PRICE)
    assert all_of_it.took == (1, *[0] * 11)
    assert percentile_ms(all_of_it.took, 0.5) == 125
    (by_day,) = await figures(store, "time", hours=24)
    assert (by_day.starts_at, told(by_day)) == (NOW // DAY_US * DAY_US, told(all_of_it))
    (everybody,) = await figures(store, account_id=ALL)
    assert (told(everybody)["accepted"], told(everybody)["sent"]) == (5, 3)
    assert {row.account_id: row.sent for row in await figures(store, "account")} == {ACCOUNT: 2, OTHER_ACCOUNT: 1}
    (of_us,) = await figures(store, of=("", "", "US", ""))
    assert told(of_us) == {"accepted": 1, "sent": 1, "undelivered": 1, "segments": 2}


async def test_the_money_is_what_the_ledger_charged(store: SqlStore) -> None:
    await sent(store, "k1")
    doubtful = message(price_micros=PRICE, held_micros=PRICE)
    await submit(store, doubtful)
    await answered(store, doubtful, "in_doubt")
    await followed(store)  # nothing is charged yet
    await ended(store, doubtful, "unknown", "unknown_outcome", charge=True)
    refused = message(price_micros=PRICE, held_micros=PRICE)
    await submit(store, refused)
    await answered(store, refused, "refused")
    await reported(store, "k1", "delivered")
    await followed(store)
    (row,) = await figures(store)
    assert row.charged_micros == 2 * PRICE
    assert told(row) == {
        "accepted": 3, "sent": 1, "delivered": 1, "failed": 1, "unknown": 1, "in_doubt": 1, "segments": 2
    }  # fmt: skip


async def test_a_late_receipt_corrects_the_figures_of_the_messages_own_hour(store: SqlStore) -> None:
    made = await sent(store, "k1")
    await ended(store, made, "unknown", "receipt_missing")
    await followed(store)
    (before,) = await figures(store)
    assert told(before) == {"accepted": 1, "sent": 1, "unknown": 1, "segments": 1}
    await reported(store, "k1", "delivered", after_s=7200)
    await followed(store)
    (after,) = await figures(store, "time")
    assert told(after) == {"accepted": 1, "sent": 1, "delivered": 1, "segments": 1}
    assert (after.starts_at, after.charged_micros, sum(after.took)) == (THIS_HOUR, PRICE, 0)
    assert [told(row) for row in await figures(store, "carrier")] == [
        {"accepted": 1},
        {"sent": 1, "delivered": 1, "segments": 1},
    ]


async def test_a_phones_text_counts_for_its_country(store: SqlStore) -> None:
    base = message()
    row = InboundRow(
        message_id=base.id, carrier_id=CARRIER, session="s", fingerprint=1, account_id=ACCOUNT, test=False,
        source="+4915112345678", destination="+12025550100", source_hash=31, destination_hash=12, text="Hello",
        encoding="gsm7", at=NOW, opt_out_id="OO" + base.id[2:], masked="", octets=b"Hello",
    )  # fmt: skip
    assert await store.record_inbound([row]) == ["stored"]
    await followed(store)
    (found,) = await figures(store, "direction", "country", "carrier")
    assert (found.direction, found.country, found.carrier_id) == ("in", "DE", CARRIER)
    assert told(found) == {"received": 1, "segments": 1}


async def test_who_begins_again_or_wakes_up_late_counts_nothing_twice(store: SqlStore) -> None:
    """Killed before the commit, after it, and frozen while another went on."""
    await sent(store, "k1")
    frozen = Usage(store)
    await frozen._find()
    killed = Usage(store)
    await killed._find()
    await killed._take(killed._position)  # read, and never written
    await followed(store)
    await followed(store)
    await reported(store, "k1", "delivered")
    await followed(store)
    while await frozen.follow():
        pass
    (row,) = await figures(store)
    assert told(row) == {"accepted": 1, "sent": 1, "delivered": 1, "segments": 1}
    assert await cursor(store, CURSOR) == await store.last_position()


async def test_small_stretches_tell_the_same_as_one(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whimbrel.journey.usage._STRETCH", 2)
    for number in range(5):
        await sent(store, f"k{number}")
        await reported(store, f"k{number}", "delivered", after_s=number)
    follower = Usage(store)
    follower._limit = 2
    await follower._find()
    while await follower.follow():
        pass
    (row,) = await figures(store)
    assert told(row) == {"accepted": 5, "sent": 5, "delivered": 5, "segments": 5}
    assert row.charged_micros == 5 * PRICE
    assert Counter(dict(enumerate(row.took))) == Counter({0: 1, 2: 1, 3: 1, 4: 1, 5: 1})


async def test_old_hours_go_and_their_days_stay(store: SqlStore) -> None:
    key = ("out", "otp", "US", "", "EUR")
    rows = [(ACCOUNT, 0, hours, n * hours * HOUR_US, *key, *[1] * 26) for hours in (1, 24) for n in range(3)]
    assert await store.write([Write("usage_add", tuple(rows))]) == [6]
    assert await store.purge({"usage_hours": 2 * HOUR_US, "usage_days": DAY_US}, 100) == 3
    assert [row.starts_at // HOUR_US for row in await figures(store, "time")] == [2]
    assert [row.starts_at // DAY_US for row in await figures(store, "time", hours=24)] == [2, 1]
