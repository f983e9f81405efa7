"""Which member of a pool writes: a table of situations, and what holds in all of them."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.model import Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.pools import (
    Choice,
    Member,
    OpenPool,
    Pool,
    PoolSettings,
    Standing,
    Wish,
    draw_of,
    opened,
)
from whimbrel.domain.turns import Limits

BOSTON, NEW_YORK, LONDON, SHORT, NAME = "+16175550101", "+12125550101", "+447911123400", "12345", "ACME"
KINDS = {SHORT: "short_code", NAME: "alphanumeric"}
PHONES = {
    "boston": "+16175550199", "seattle": "+12065550199", "london": "+447911123456", "paris": "+33612345678"
}  # fmt: skip


def sender(place: int, value: str) -> Sender:
    id_ = f"PN{place:032x}"
    return Sender(id_, "AC1", value, KINDS.get(value, "long_code"), False, (), None, "POST", None, 1, 1)  # type: ignore[arg-type]


def member(place: int, **more: Any) -> Member:
    fields = {"weight": 1, "rate_per_min": 0, "daily_cap": 0, "countries": (), "created_at": 1} | more
    return Member(pool_id="MG1", sender_id=f"PN{place:032x}", account_id="AC1", **fields)


def made(*values: str, members: dict[str, dict[str, Any]] | None = None, **settings: Any) -> OpenPool:
    """A pool of these senders; PN1 is the first."""
    senders = [sender(place, value) for place, value in enumerate(values, 1)]
    rows = [member(place, **(members or {}).get(value, {})) for place, value in enumerate(values, 1)]
    pool = Pool("MG1", "AC1", "main", False, msgspec.json.encode(PoolSettings(**settings)).decode(), 1, 1)
    return OpenPool(pool, rows, {s.id: s for s in senders})


def wish(phone: str, draw: int = 7, sticky: str | None = None, patience_s: float = 3600, segments: int = 1) -> Wish:
    number = normalise(PHONES.get(phone, phone))
    assert number is not None
    return Wish(number, draw, patience_s, sticky, segments)


def no_names_in_us(sender: Sender, country: str) -> bool:
    return sender.kind != "alphanumeric" or country != "US"


@pytest.mark.parametrize(
    ("values", "phone", "settings", "value", "reason"),
    [
        ((BOSTON, NEW_YORK, LONDON), "boston", {}, BOSTON, "area_code"),
        ((BOSTON, LONDON), "seattle", {}, BOSTON, "country"),
        ((BOSTON, LONDON), "london", {}, LONDON, "country"),
        ((BOSTON,), "paris", {}, BOSTON, "any"),
        ((BOSTON, NAME), "paris", {}, NAME, "name"),
        ((BOSTON, NAME), "boston", {}, BOSTON, "area_code"),  # names may not write there
        ((LONDON, NAME), "london", {"names_first": False}, LONDON, "country"),
        ((BOSTON, NEW_YORK), "boston", {"match_area": False}, None, "country"),
    ],
)
def test_tiers(values: tuple[str, ...], phone: str, settings: dict[str, Any], value: str | None, reason: str):
    found = made(*values, **settings).choose(wish(phone), {}, no_names_in_us)
    assert isinstance(found, Choice)
    assert found.reason == reason
    assert value in (None, found.sender.value)


def test_countries_of_a_member_narrow_it_and_put_it_first():
    pool = made(BOSTON, SHORT, members={SHORT: {"countries": ("US",)}})
    assert pool.choose(wish("seattle", draw=1), {}) != "pool_without_senders"
    found = {pool.choose(wish("paris", draw), {}).sender.value for draw in range(50)}  # type: ignore[union-attr]
    assert found == {BOSTON}


@pytest.mark.parametrize(
    ("standing", "verdict"),
    [
        (Standing(work_s=5_000), "pool_busy"),  # longer than the message may wait
        (Standing(left_today=0), "pool_busy"),
        (Standing(left_today=1), "taken"),
        (Standing(work_s=3_000), "taken"),
        (Standing(delivered=1, blocked=99), "taken"),  # sick, and nobody else
    ],
)
def test_a_lone_member(standing: Standing, verdict: str):
    pool = made(BOSTON)
    found = pool.choose(wish("boston"), {f"PN{1:032x}": standing})
    assert (found if isinstance(found, str) else "taken") == verdict
    before = pool.choose(wish("boston", sticky=f"PN{1:032x}"), {f"PN{1:032x}": standing})
    assert (before if isinstance(before, str) else "taken") == verdict


def test_who_is_full_or_sick_is_passed_over():
    pool = made(BOSTON, LONDON)
    for standing in (Standing(work_s=20_000), Standing(left_today=0), Standing(delivered=5, blocked=95)):
        found = pool.choose(wish("boston"), {f"PN{1:032x}": standing})
        assert isinstance(found, Choice) and found.sender.value == LONDON


def test_a_stand_in_for_a_busy_one_is_not_remembered():
    pool = made(BOSTON, LONDON)
    found = pool.choose(wish("boston", sticky=f"PN{1:032x}"), {f"PN{1:032x}": Standing(work_s=20_000)})
    assert isinstance(found, Choice)
    assert (found.sender.value, found.is_new) == (LONDON, False)


def test_the_fallback_writes_where_no_member_may():
    def only_names(sender: Sender, country: str) -> bool:
        return sender.kind == "alphanumeric"

    pool = made(BOSTON, NAME, members={NAME: {"countries": ("GB",)}}, fallback=f"PN{2:032x}")
    found = pool.choose(wish("paris"), {}, only_names)
    assert isinstance(found, Choice) and (found.sender.value, found.reason) == (NAME, "fallback")
    assert made(BOSTON).choose(wish("paris"), {}, only_names) == "pool_without_senders"
    assert made().choose(wish("paris"), {}) == "pool_without_senders"


def test_shares_follow_weights_and_a_lesser_health_lowers_them():
    pool = made(BOSTON, NEW_YORK, members={BOSTON: {"weight": 3}})
    draws = [draw_of(7, turn) for turn in range(1, 4_001)]

    def share(standings: dict[str, Standing]) -> float:
        found = Counter(pool.choose(wish("seattle", draw), standings).sender.value for draw in draws)  # type: ignore[union-attr]
        return found[BOSTON] / len(draws)

    assert share({}) == pytest.approx(0.75, abs=0.03)
    assert share({f"PN{1:032x}": Standing(delivered=70, blocked=30)}) == pytest.approx(0.595, abs=0.04)


MEMBERS = st.lists(st.sampled_from([BOSTON, NEW_YORK, LONDON, SHORT, NAME]), min_size=1, max_size=5, unique=True)
STANDINGS = st.builds(
    Standing,
    work_s=st.floats(0, 20_000),
    left_today=st.one_of(st.none(), st.integers(0, 3)),
    delivered=st.integers(0, 100),
    blocked=st.integers(0, 100),
)


@given(
    values=MEMBERS,
    phone=st.sampled_from(sorted(PHONES)),
    draw=st.integers(0, 2**63 - 1),
    weights=st.lists(st.integers(0, 5), min_size=5, max_size=5),
    others=st.lists(STANDINGS, min_size=5, max_size=5),
    data=st.data(),
)
def test_sticky_stays_sticky(
    values: list[str], phone: str, draw: int, weights: list[int], others: list[Standing], data: Any
):
    """Whoever wrote before writes again, however the others do and whoever else comes, while he himself can."""
    first = made(*values).choose(wish(phone, draw), {})
    assert isinstance(first, Choice)
    more = data.draw(MEMBERS)
    together = [*values, *(value for value in more if value not in values)]
    pool = made(
        *together, members={value: {"weight": weight} for value, weight in zip(together, weights, strict=False)}
    )
    standings = {f"PN{place:032x}": told for place, told in enumerate(others, 1)}
    own = standings[first.sender.id] = msgspec.structs.replace(
        standings.get(first.sender.id, Standing()), work_s=0.0, left_today=None
    )
    again = pool.choose(wish(phone, data.draw(st.integers(0, 2**63 - 1)), sticky=first.sender.id), standings)
    assert isinstance(again, Choice), own
    assert (again.sender.id, again.reason) == (first.sender.id, "sticky")


@given(values=MEMBERS, phone=st.sampled_from(sorted(PHONES)), draw=st.integers(0, 2**63 - 1), gone=st.integers(0, 4))
def test_a_member_that_goes_moves_only_its_own(values: list[str], phone: str, draw: int, gone: int):
    whole = made(*values)
    before = whole.choose(wish(phone, draw), {})
    assert isinstance(before, Choice)
    left = OpenPool(
        whole.pool, [member(p) for p in range(1, len(values) + 1) if p != gone + 1],
        {seat.sender.id: seat.sender for seat in whole.seats},
    )  # fmt: skip
    after = left.choose(wish(phone, draw), {})
    if before.sender.id != f"PN{gone + 1:032x}":
        assert isinstance(after, Choice) and after.sender.id == before.sender.id


@given(values=MEMBERS, phone=st.sampled_from(sorted(PHONES)), told=st.lists(STANDINGS, min_size=5, max_size=5))
def test_looks_say_what_choose_did(values: list[str], phone: str, told: list[Standing]):
    pool = made(*values)
    standings = {f"PN{place:032x}": each for place, each in enumerate(told, 1)}
    found, looks = pool.choose(wish(phone), standings), pool.looks(wish(phone), standings)
    usable = {look.sender.id for look in looks if not look.objection}
    if usable:
        assert isinstance(found, Choice) and found.sender.id in usable
    elif isinstance(found, str):
        assert not any(look.objection == "sick" for look in looks)


def test_limits_of_a_number_are_the_strictest_of_its_pools_and_strangers_are_no_members():
    rows = [member(1, rate_per_min=60), msgspec.structs.replace(member(1, rate_per_min=90, daily_cap=5), pool_id="MG2")]
    stranger = msgspec.structs.replace(member(1), account_id="AC2", pool_id="MG3")
    pools = [Pool(f"MG{n}", "AC1", f"p{n}", n == 2, "{}", 1, 1) for n in (1, 2)]
    books, limits, pools_of = opened([*pools, Pool("MG3", "AC2", "x", True, "{}", 1, 1)], [*rows, stranger],
                                     [sender(1, BOSTON)])  # fmt: skip
    assert limits == {f"PN{1:032x}": Limits(60, 5)}
    assert pools_of == {f"PN{1:032x}": ("MG1", "MG2")}
    book = books["AC1"]
    assert book.default is not None and book.default.pool.id == "MG2"
    assert (book.get("MG1"), book.get("MG3")) == (book.named("p1"), None)
    assert books["AC2"].default is not None and books["AC2"].default.seats == ()
