"""What it costs to ask whether a number may be texted: `python -m bench screening [--numbers N]`. A database has an
account with a million opt-outs; they are loaded as a node loads them at its start. Beside them stand the operator's
list of as many numbers and as many who consented, so that a marketing message needs five look-ups. Then messages are
asked about in lists as accept gets them, and the processor's time is taken.
"""

import argparse
import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import apsw
import msgspec
from tests.lite import with_schema

from bench.processes import write_results
from whimbrel.base.clock import SystemChance, SystemClock
from whimbrel.base.vault import Vault
from whimbrel.domain.model import Draft, MessageClass, Sender
from whimbrel.domain.number_set import NumberSet
from whimbrel.domain.permission import Permissions, SuppressionList, consent_set
from whimbrel.domain.policies import Policy, PolicyBook
from whimbrel.domain.senders import SenderBook
from whimbrel.journey.opted_out import OptedOut
from whimbrel.journey.permit import permit
from whimbrel.journey.plan import Plan
from whimbrel.journey.screen import screen
from whimbrel.store.sqlite.executor import SqliteExecutor
from whimbrel.store.store import SqlStore

_ACCOUNT = "AC1"
_SENDER = "+447700900100"
_LIST = 256  # messages that accept plans at once
_LISTS = 40
_PERMIT_MAX_US = 10.0
_OCTETS_MAX = 16.0
_GROWN_MAX = 32.0  # octets for each, with what the read of them leaves behind


class Measured(msgspec.Struct, frozen=True):
    """One figure in its unit, and the most that it may be (0: it is only told)."""

    what: str
    value: float
    unit: str
    most: float


def fill(path: str, hashes: Sequence[int]) -> None:
    """Their opt-outs, as if they had said STOP."""
    connection = apsw.Connection(path)
    with connection:
        connection.executemany(
            "INSERT INTO opt_outs (id, account_id, number_hash, masked, source, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            ((f"OO{place:032x}", _ACCOUNT, each, "+44•••", "keyword", place) for place, each in enumerate(hashes)),
        )
    connection.close()


async def loaded(path: str) -> tuple[OptedOut, float, float]:
    """Who opted out, as a node has it, with the seconds and MiB that it took."""
    store = SqlStore(SqliteExecutor(path))
    await store.start()
    opted_out = OptedOut(store)
    before, began = _rss_mib(), time.monotonic()
    await opted_out.load()
    took, grown = time.monotonic() - began, _rss_mib() - before
    await store.stop()
    return opted_out, took, grown


def _rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def _drafts(chance: random.Random, message_class: MessageClass) -> list[Draft]:
    numbers = [f"+4474{chance.randrange(10**8):08d}" for _ in range(_LIST)]
    return [Draft(_ACCOUNT, False, "rest", number, "Hello", message_class=message_class) for number in numbers]


def _screened(drafts: Sequence[Draft], vault: Vault, clock: SystemClock) -> tuple[list[Plan], float]:
    """The plans of a list, with the microseconds of each that the other steps of screening took."""
    book = SenderBook([Sender("PN1", _ACCOUNT, _SENDER, "long_code", True, (), None, "POST", None, 0, 0)])
    plans = [Plan(draft, clock.now_us()) for draft in drafts]
    began = time.thread_time()
    screen(plans, senders={_ACCOUNT: book}, vault=vault)
    return plans, (time.thread_time() - began) / len(plans) * 1e6


def asked(numbers: int, folder: Path) -> list[Measured]:
    """All figures."""
    chance, clock = random.Random(1), SystemClock()
    vault = Vault(bytes(32), SystemChance())
    path = with_schema(folder / "whimbrel.db")
    fill(str(path), [chance.getrandbits(63) for _ in range(numbers)])
    opted_out, took, grown = asyncio.run(loaded(str(path)))
    sets = {name: NumberSet(hashes) for name, hashes in opted_out.numbers.items()}
    sets["SL1"] = NumberSet(chance.getrandbits(63) for _ in range(numbers))
    consented = sets[consent_set(_ACCOUNT, "marketing")] = NumberSet(chance.getrandbits(63) for _ in range(numbers))
    permissions = Permissions(
        lambda: sets,
        lambda scope: vault.fingerprint(scope.encode()),
        lists=[SuppressionList("SL1", None, "register", "", ("marketing",), 0, 0)],
        policies=PolicyBook({_ACCOUNT: Policy(require_consent=True)}),
    )
    found = [
        Measured(f"to load {numbers:,} opt-outs", took, "s", 0),
        Measured("of memory for them, as the process grew", grown, "MiB", _GROWN_MAX * numbers / 2**20),
        Measured("of memory for each in the sets", _octets(sets, numbers), "B", _OCTETS_MAX),
    ]
    classes: tuple[MessageClass, ...] = ("transactional", "marketing")
    for name in classes:
        others, permitted = [], []
        for _ in range(_LISTS):
            plans, other = _screened(_drafts(chance, name), vault, clock)
            for plan in plans:
                consented.add(plan.recipient_hash)
            began = time.thread_time()
            permit(plans, permissions)
            permitted.append((time.thread_time() - began) / len(plans) * 1e6)
            others.append(other)
            assert not any(plan.refusal for plan in plans)
        found.append(Measured(f"to ask for a {name} message", _middle(permitted), "us", _PERMIT_MAX_US))
        found.append(Measured(f"for the rest of screening a {name} message", _middle(others), "us", 0))
    return found


def _octets(sets: dict[str, NumberSet], numbers: int) -> float:
    return sum(each.octets() for each in sets.values()) / len(sets) / numbers


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main(arguments: list[str]) -> int:
    """Measure, and say whether everything is within its bounds."""
    parser = argparse.ArgumentParser(prog="python -m bench screening", description=__doc__)
    parser.add_argument("--numbers", type=int, default=1_000_000, help="of each set")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="whimbrel-screening-") as folder:
        measured = asked(chosen.numbers, Path(folder))
    for each in measured:
        over = " over" if each.most and each.value > each.most else ""
        print(f"{each.value:9.2f} {each.unit:4} {each.what}{over}")
    print(f"written to {write_results('screening-', measured)}")
    return 0 if all(not each.most or each.value <= each.most for each in measured) else 1
