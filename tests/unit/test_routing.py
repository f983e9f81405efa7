"""Routing: tables of verdicts, and that the remembered answer is the explained one."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whimbrel.domain import routing
from whimbrel.domain.model import Carrier, Route
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.routing import Considered, Router


def _carrier(name: str, status: Literal["active", "paused"] = "active", *, sandbox: bool = False) -> Carrier:
    return Carrier(name, name, "smpp", status, sandbox, "{}", b"", 0, 0)


def _route(
    name: str,
    position: int,
    *carriers: str,
    prefix: str = "",
    country: str = "",
    account_id: str | None = None,
    enabled: bool = True,
) -> Route:
    return Route(name, position, prefix, country, account_id, carriers, enabled, 0, 0)


def _number(text: str) -> Number:
    number = normalise(text)
    assert number is not None
    return number


BRITISH = _number("+447400123456")
GUERNSEY = _number("+447781123456")
AMERICAN = _number("+12015550123")
SANDBOX = _number("+15005550006")

A, B = _carrier("CRA"), _carrier("CRB")
PAUSED = _carrier("CRP", "paused")
SAND = _carrier("CRS", sandbox=True)
SAND_PAUSED = _carrier("CRT", "paused", sandbox=True)
CARRIERS = (A, B, PAUSED, SAND, SAND_PAUSED)

Verdict = tuple[str | None, tuple[str, ...]]
NOWHERE: Verdict = (None, ())


@pytest.mark.parametrize(
    ("routes", "number", "account_id", "test", "expected"),
    [
        # the first by position wins, whatever the length of its prefix
        (
            (_route("R2", 2, "CRA", prefix="447"), _route("R1", 1, "CRB", prefix="44")),
            BRITISH,
            "AC1",
            False,
            ("R1", ("CRB",)),
        ),
        ((_route("R2", 1, "CRA"), _route("R1", 1, "CRB")), BRITISH, "AC1", False, ("R1", ("CRB",))),
        ((_route("R1", 1, "CRB", "CRA"),), BRITISH, "AC1", False, ("R1", ("CRB", "CRA"))),
        ((_route("R1", 1, "CRB", "CRA", "CRB"),), BRITISH, "AC1", False, ("R1", ("CRB", "CRA"))),
        # prefix, country, account
        ((_route("R1", 1, "CRA", prefix="1"),), BRITISH, "AC1", False, NOWHERE),
        ((_route("R1", 1, "CRA", country="GB"),), BRITISH, "AC1", False, ("R1", ("CRA",))),
        ((_route("R1", 1, "CRA", country="GB"),), GUERNSEY, "AC1", False, NOWHERE),
        ((_route("R1", 1, "CRA", prefix="44", country="GG"),), GUERNSEY, "AC1", False, ("R1", ("CRA",))),
        ((_route("R1", 1, "CRA", account_id="AC1"), _route("R2", 2, "CRB")), BRITISH, "AC1", False, ("R1", ("CRA",))),
        ((_route("R1", 1, "CRA", account_id="AC1"), _route("R2", 2, "CRB")), BRITISH, "AC2", False, ("R2", ("CRB",))),
        ((_route("R1", 1, "CRA", enabled=False), _route("R2", 2, "CRB")), BRITISH, "AC1", False, ("R2", ("CRB",))),
        # carriers that are paused or gone do not count
        ((_route("R1", 1, "CRP", "CRA"),), BRITISH, "AC1", False, ("R1", ("CRA",))),
        ((_route("R1", 1, "CRP"), _route("R2", 2, "CRB")), BRITISH, "AC1", False, ("R2", ("CRB",))),
        ((_route("R1", 1, "CRX"),), BRITISH, "AC1", False, NOWHERE),
        ((_route("R1", 1),), BRITISH, "AC1", False, NOWHERE),
        ((), BRITISH, "AC1", False, NOWHERE),
        # live traffic may use a sandbox carrier, if a route says so
        ((_route("R1", 1, "CRS"),), BRITISH, "AC1", False, ("R1", ("CRS",))),
        # test traffic and sandbox numbers: sandbox carriers only
        ((_route("R1", 1, "CRA", "CRS"),), BRITISH, "AC1", True, ("R1", ("CRS",))),
        ((_route("R1", 1, "CRA"), _route("R2", 2, "CRS")), BRITISH, "AC1", True, ("R2", ("CRS",))),
        ((_route("R1", 1, "CRA"),), BRITISH, "AC1", True, (None, ("CRS",))),
        ((), AMERICAN, "AC1", True, (None, ("CRS",))),
        ((_route("R1", 1, "CRA"),), SANDBOX, "AC1", False, (None, ("CRS",))),
        ((_route("R1", 1, "CRA"),), AMERICAN, "AC1", False, ("R1", ("CRA",))),
    ],
)
def test_verdicts(routes: tuple[Route, ...], number: Number, account_id: str, test: bool, expected: Verdict) -> None:
    router = Router(routes, CARRIERS)
    assert router.pick(number, account_id, test) == expected
    assert router.pick(number, account_id, test) == expected  # remembered
    decision = router.candidates(number, account_id, test)
    assert (decision.route_id, decision.carriers) == expected


def test_without_an_active_sandbox_carrier_test_traffic_goes_nowhere() -> None:
    router = Router([_route("R1", 1, "CRA")], [A, SAND_PAUSED])
    assert router.pick(BRITISH, "AC1", True) == NOWHERE
    assert router.pick(SANDBOX, "AC1", False) == NOWHERE


def test_the_evidence() -> None:
    routes = [
        _route("R1", 1, "CRA", enabled=False),
        _route("R2", 2, "CRA", account_id="AC2"),
        _route("R3", 3, "CRA", country="FR"),
        _route("R4", 4, "CRA", prefix="1"),
        _route("R5", 5, "CRX", "CRP"),
        _route("R6", 6, "CRP", "CRA"),
        _route("R7", 7, "CRB"),
    ]
    decision = Router(routes, CARRIERS).candidates(BRITISH, "AC1", False)
    assert decision.considered == (
        Considered("R1", None, "passed", "disabled"),
        Considered("R2", None, "passed", "other_account"),
        Considered("R3", None, "passed", "other_country"),
        Considered("R4", None, "passed", "other_prefix"),
        Considered("R5", "CRX", "passed", "unknown_carrier"),
        Considered("R5", "CRP", "passed", "paused"),
        Considered("R6", "CRP", "passed", "paused"),
        Considered("R6", "CRA", "taken", "matches"),
        Considered("R7", None, "passed", "earlier_route"),
    )


def test_the_evidence_of_test_traffic() -> None:
    decision = Router([_route("R1", 1, "CRA")], [A, SAND, SAND_PAUSED]).candidates(BRITISH, "AC1", True)
    assert decision.considered == (
        Considered("R1", "CRA", "passed", "not_sandbox"),
        Considered(None, "CRA", "passed", "not_sandbox"),
        Considered(None, "CRS", "taken", "sandbox_without_route"),
        Considered(None, "CRT", "passed", "paused"),
    )


@pytest.mark.parametrize(
    ("carriers", "holder", "expected"),
    [
        (("CRA", "CRB"), "CRB", ("CRB", "CRA")),
        (("CRA", "CRB"), "CRA", ("CRA", "CRB")),
        (("CRA", "CRB"), None, ("CRA", "CRB")),
        (("CRA", "CRB"), "CRX", ("CRA", "CRB")),  # one that the route does not have
        (("CRA", "CRP"), "CRP", ("CRA",)),  # one that is paused
        (("CRA", "CRS", "CRB"), "CRB", ("CRB", "CRA", "CRS")),  # the others stay in the route's order
    ],
)
def test_the_carrier_that_holds_the_number_comes_first(
    carriers: tuple[str, ...], holder: str | None, expected: tuple[str, ...]
) -> None:
    router = Router([_route("R1", 1, *carriers)], CARRIERS)
    assert router.pick(BRITISH, "AC1", False, holder) == ("R1", expected)
    decision = router.candidates(BRITISH, "AC1", False, holder)
    assert decision.carriers == expected
    holds = [look.carrier_id for look in decision.considered if look.reason == "holds_number"]
    assert holds == ([holder] if holder in expected else [])
    assert router.pick(BRITISH, "AC1", False)[1] == tuple(each for each in carriers if each != "CRP"), "nobody else's"


def test_a_holder_takes_no_route_and_no_test_traffic() -> None:
    router = Router([_route("R1", 1, "CRA"), _route("R2", 2, "CRB")], CARRIERS)
    assert router.pick(BRITISH, "AC1", False, "CRB") == ("R1", ("CRA",))
    assert router.pick(BRITISH, "AC1", True, "CRB") == (None, ("CRS",))


def test_answers_beyond_what_is_remembered_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MEMO_MAX", 1)
    router = Router([_route("R1", 1, "CRA", country="GB"), _route("R2", 2, "CRB")], CARRIERS)
    for _ in range(2):
        assert router.pick(BRITISH, "AC1", False) == ("R1", ("CRA",))
        assert router.pick(AMERICAN, "AC1", False) == ("R2", ("CRB",))


ROUTES = st.builds(
    lambda number, position, carriers, prefix, country, account_id, enabled: _route(
        f"R{number}", position, *carriers, prefix=prefix, country=country, account_id=account_id, enabled=enabled
    ),
    st.integers(0, 99),
    st.integers(0, 3),
    st.lists(st.sampled_from(["CRA", "CRB", "CRP", "CRS", "CRT", "CRX"]), max_size=3),
    st.sampled_from(["", "4", "44", "447", "447400", "1", "1500555", "15005550", "150055500061"]),
    st.sampled_from(["", "", "GB", "US", "GG"]),
    st.sampled_from([None, None, "AC1", "AC2"]),
    st.booleans(),
)
ASKS = st.tuples(
    st.sampled_from([BRITISH, GUERNSEY, AMERICAN, SANDBOX, _number("+441212345678"), _number("+15005556000")]),
    st.sampled_from(["AC1", "AC2", "AC3"]),
    st.booleans(),
)


@settings(max_examples=300)
@given(st.lists(ROUTES, max_size=8), st.lists(ASKS, min_size=1, max_size=12))
def test_the_remembered_answer_is_the_explained_one(routes: list[Route], asks: list[tuple[Number, str, bool]]) -> None:
    router = Router(routes, CARRIERS)
    for number, account_id, test in asks:
        decision = router.candidates(number, account_id, test)
        assert router.pick(number, account_id, test) == (decision.route_id, decision.carriers)
