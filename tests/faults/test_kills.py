"""Real processes, killed: at each named point, at random, and asked to stop under load. `make test` plays one round of
some points, `make ci` twenty of each (WHIMBREL_FAULT_ROUNDS). A round counts only if the node died at its point with at
least 50 messages in flight; one that does not is played again with another seed.
"""

import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from whimbrel.base.faults import POINTS

from .rounds import (
    HITS,
    HITS_OVER_HTTP,
    Played,
    Scenario,
    at_point,
    at_point_over_http,
    by_signal,
    by_signal_over_http,
    play,
)

SOME = ("accept.after_commit", "carrier.after_write")
"""For `make test`."""
_MANY_FROM = 100  # seeds of the long run
_TRIES = 6  # seeds for one counted round
_TRY_STEP = 10_000


def _rounds(default: int) -> int:
    return int(os.environ.get("WHIMBREL_FAULT_ROUNDS", default))


async def _clean(scenario: Scenario, folder: Path) -> Played:
    """Play; whether the round counts or not, nothing may be broken. The logs stay only where something is."""
    where = folder / f"{scenario.name}-{scenario.seed}"
    where.mkdir()
    played = await play(scenario, where)
    assert played.verdict.broken == [], f"{scenario.name}, seed {scenario.seed}; the logs are in {where}"
    stopped = [death for death in played.deaths if death.status >= 0]
    assert all(death.status == 0 for death in stopped), f"seed {scenario.seed} stopped with {stopped}"
    shutil.rmtree(where)
    return played


async def _counted(make: Callable[[int], Scenario], seed: int, folder: Path) -> Played:
    """The first round that counts, from this seed on."""
    for attempt in range(_TRIES):
        played = await _clean(make(seed + attempt * _TRY_STEP), folder)
        if played.counts:
            return played
    pytest.fail(f"{played.scenario.name}: {_TRIES} seeds, none of which ended it under load")


def test_every_kill_point_has_its_rounds():
    """Those of a move between cells have theirs in tests/cells, those of media in test_media."""
    assert set(HITS) == {point for point in POINTS if not point.startswith(("move.", "media."))}


@pytest.mark.slow
@pytest.mark.parametrize("point", SOME)
async def test_a_kill_loses_and_doubles_nothing(point: str, rounds: list[Played], tmp_path: Path):
    for seed in range(1, 1 + _rounds(1)):
        rounds.append(await _counted(partial(at_point, point), seed, tmp_path))


@pytest.mark.ci
@pytest.mark.parametrize("point", HITS)
async def test_many_kills_lose_and_double_nothing(point: str, rounds: list[Played], tmp_path: Path):
    mine = [await _counted(partial(at_point, point), _MANY_FROM + number, tmp_path) for number in range(_rounds(20))]
    rounds += mine
    # what the point is there to show has happened: otherwise the rounds prove nothing
    assert sum(played.verdict.retold for played in mine) > 0
    if point in {"accept.after_commit", "smpp.after_commit"}:
        assert sum(played.verdict.replayed for played in mine) > 0
    if point in {"worker.after_attempt", "carrier.after_write", "carrier.after_answer"}:
        assert sum(played.verdict.doubted for played in mine) > 0


@pytest.mark.ci
@pytest.mark.parametrize("point", HITS_OVER_HTTP)
async def test_many_kills_lose_and_double_nothing_over_http(point: str, rounds: list[Played], tmp_path: Path):
    make = partial(at_point_over_http, point)
    mine = [await _counted(make, _MANY_FROM + number, tmp_path) for number in range(_rounds(5))]
    rounds += mine
    if point in {"worker.after_attempt", "carrier.after_write", "carrier.after_answer"}:
        assert sum(played.verdict.doubted for played in mine) > 0


@pytest.mark.ci
async def test_kills_and_stops_at_random_lose_and_double_nothing_over_http(rounds: list[Played], tmp_path: Path):
    """The carrier is asked to stop as one over SMPP is: requests under way are waited for."""
    for number in range(_rounds(3)):
        make = partial(by_signal_over_http, "SIGKILL at random, carrier over HTTP", signal.SIGKILL, deaths=3)
        rounds.append(await _counted(make, _MANY_FROM + number, tmp_path))
        make = partial(by_signal_over_http, "SIGTERM under load, carrier over HTTP", signal.SIGTERM, deaths=1)
        rounds.append(await _counted(make, _MANY_FROM + number, tmp_path))
        assert rounds[-1].verdict.doubted == 0


async def _at_random(seed: int, folder: Path) -> Played:
    return await _counted(partial(by_signal, "SIGKILL at random", signal.SIGKILL, deaths=3), seed, folder)


@pytest.mark.slow
async def test_kills_at_random_lose_and_double_nothing(rounds: list[Played], tmp_path: Path):
    """One round is three kills."""
    rounds.append(await _at_random(1, tmp_path))


@pytest.mark.ci
async def test_many_kills_at_random_lose_and_double_nothing(rounds: list[Played], tmp_path: Path):
    for number in range(_rounds(20)):
        rounds.append(await _at_random(_MANY_FROM + number, tmp_path))


async def _stopped(name: str, seed: int, folder: Path, *, over_smpp: bool) -> Played:
    make = partial(by_signal, name, signal.SIGTERM, deaths=1, over_smpp=over_smpp)
    played = await _counted(make, seed, folder)
    assert played.deaths[0].took_s <= 30
    assert played.verdict.doubted == 0
    return played


@pytest.mark.slow
async def test_a_graceful_stop_under_load_leaves_nothing_in_doubt(rounds: list[Played], tmp_path: Path):
    rounds.append(await _stopped("SIGTERM under load", 1, tmp_path, over_smpp=False))


@pytest.mark.ci
@pytest.mark.parametrize(("name", "over_smpp"), [("SIGTERM under load", False), ("SIGTERM under load over SMPP", True)])
async def test_many_graceful_stops_leave_nothing_in_doubt(
    name: str, over_smpp: bool, rounds: list[Played], tmp_path: Path
):
    for number in range(_rounds(20)):
        rounds.append(await _stopped(name, _MANY_FROM + number, tmp_path, over_smpp=over_smpp))
