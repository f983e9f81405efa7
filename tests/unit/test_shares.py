"""Shares of cells: however binds and rates are shared out, all cells together never have more than the carrier grants,
and no cell comes out with a limit that would mean none."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.carrier_kinds import KINDS, settings_of
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.model import Carrier
from whimbrel.domain.shares import allot, carrier_of_cell, of_cell

NAMES = st.sampled_from(["asia", "eu", "us", "uk"])
WEIGHTS = st.dictionaries(NAMES, st.integers(0, 1000), min_size=1)


def shared(settings, weights):
    return {name: held for name in ("asia", "eu", "us", "uk") if (held := of_cell(settings, name, weights)) is not None}


@given(WEIGHTS, WEIGHTS | st.just({}), st.integers(1, 64), st.integers(0, 300))
def test_all_cells_together_have_what_the_carrier_grants_and_no_more(weights, own, binds, throughput):
    settings = CarrierSettings("smsc", 2775, binds=binds, throughput_per_s=throughput, cells=own)
    cells = shared(settings, weights)
    whole = binds if any((own or weights).values()) else 0
    assert sum(cell.binds for cell in cells.values()) == whole
    assert sum(cell.throughput_per_s for cell in cells.values()) == (throughput if whole else 0)
    assert all(cell.binds >= 1 for cell in cells.values())
    assert all(cell.throughput_per_s >= 1 for cell in cells.values()) or throughput == 0
    assert all((own or weights).get(name, 0) > 0 for name in cells)
    assert all(cell.window == settings.window for cell in cells.values())


@given(st.dictionaries(NAMES, st.integers(1, 1000), min_size=1), st.integers(4, 10_000))
def test_who_weighs_more_has_no_less(weights, total):
    parts = allot(total, weights)
    by_weight = sorted(weights, key=lambda name: weights[name])
    assert all(
        parts[less] <= parts[more] or weights[less] == weights[more] for less, more in itertools.pairwise(by_weight)
    )


@pytest.mark.parametrize(
    ("binds", "throughput", "own", "weights", "expected"),
    [
        (4, 100, {}, {"eu": 1, "us": 1}, {"eu": (2, 50), "us": (2, 50)}),
        (4, 100, {}, {"eu": 3, "us": 1}, {"eu": (3, 75), "us": (1, 25)}),  # 1 each, and 3/4 of the others
        (3, 0, {}, {"eu": 1, "us": 1}, {"eu": (2, 0), "us": (1, 0)}),
        (1, 100, {}, {"eu": 1, "us": 2}, {"us": (1, 100)}),  # a bind cannot be halved
        (4, 1, {}, {"eu": 2, "us": 1}, {"eu": (4, 1)}),  # a limit of 0 would be none
        (4, 100, {"us": 1}, {"eu": 1, "us": 1}, {"us": (4, 100)}),  # pinned to one cell
        (4, 100, {}, {"eu": 1, "us": 0}, {"eu": (4, 100)}),
        (4, 100, {}, {"eu": 0}, {}),
    ],
)
def test_shares(binds, throughput, own, weights, expected):
    settings = CarrierSettings("smsc", 2775, binds=binds, throughput_per_s=throughput, cells=own)
    assert {name: (s.binds, s.throughput_per_s) for name, s in shared(settings, weights).items()} == expected


@pytest.mark.parametrize(
    ("window", "throughput", "own", "weights", "expected"),
    [
        (20, 100, {}, {"eu": 3, "us": 1}, {"eu": (15, 75), "us": (5, 25)}),
        (1, 100, {}, {"eu": 1, "us": 2}, {"us": (1, 100)}),
        (20, 0, {"us": 1}, {"eu": 1, "us": 1}, {"us": (20, 0)}),
    ],
)
def test_over_http_the_window_is_shared_out(window, throughput, own, weights, expected):
    settings = HttpSettings("https://api.example/", window=window, throughput_per_s=throughput, cells=own)
    assert {name: (s.window, s.throughput_per_s) for name, s in shared(settings, weights).items()} == expected


@pytest.mark.parametrize("settings", [CarrierSettings("smsc", 2775, binds=4), HttpSettings("https://api.example/")])
def test_a_carrier_of_a_cell_is_of_its_kind(settings):
    kind = next(kind for kind, made in KINDS.items() if isinstance(settings, made))
    carrier = Carrier("CR1", "tern", kind, "active", False, msgspec.json.encode(settings).decode(), b"", 0, 0)
    assert settings_of(carrier) == settings
    assert carrier_of_cell(carrier, "eu", {"eu": 1}) is carrier
    half = carrier_of_cell(carrier, "eu", {"eu": 1, "us": 1})
    assert settings_of(half) == of_cell(settings, "eu", {"eu": 1, "us": 1})
    assert settings_of(half) != settings
    assert carrier_of_cell(carrier, "asia", {"eu": 1}).status == "paused"
