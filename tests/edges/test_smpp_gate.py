"""Who may bind: the table of refusals, what strangers learn, the lock-out, what is remembered."""

import asyncio
import logging
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import msgspec
import pytest

from whimbrel.base import limits
from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.codec.smpp.statuses import Status
from whimbrel.domain.customers import CustomerBounds, CustomerSettings
from whimbrel.domain.model import Account, SmppCredential
from whimbrel.edges.smpp import gate
from whimbrel.edges.smpp.gate import Admitted, Gate, Refused
from whimbrel.manage import passwords

DOCS = Path(__file__).parents[2] / "docs" / "smpp-server.md"
PASSWORD = "correct-horse"
HOME = "203.0.113.7"
KEPT = passwords.stored(PASSWORD, SeededChance(1))
WRONG = Status.ESME_RINVPASWD
FAILED = Status.ESME_RBINDFAIL


def credential(system_id="acme", *, status="active", account_id="AC1", password=KEPT, **settings):
    chosen = msgspec.json.encode(CustomerSettings(**settings)).decode()
    return SmppCredential(f"SC-{system_id}", account_id, False, "Office", system_id, password, status, chosen, 1, 1)


class Door:
    """A gate with tables that a test changes, and every password that it was made to verify."""

    def __init__(self, *credentials, bounds=None, matches=passwords.matches):
        self.clock, self.metrics = ManualClock(), Metrics()
        self.tables = SimpleNamespace(
            smpp_credentials={each.system_id: each for each in credentials},
            accounts={"AC1": account(), "AC2": account("AC2", status="suspended")},
            current=self._look,
        )
        self.looked = lambda: None
        self.verified: list[tuple[str, str]] = []
        self._matches = matches
        self.bound: dict[str, int] = {}
        self.gate = Gate(
            directory=self.tables,
            vault=Vault(bytes(32), SeededChance(1)),
            clock=self.clock,
            metrics=self.metrics,
            bounds=bounds or CustomerBounds(),
            matches=self._verify,
        )

    async def _look(self):
        self.looked()

    def _verify(self, password, kept):
        self.verified.append((password, kept))
        return self._matches(password, kept)

    async def bind(self, system_id="acme", password=PASSWORD, address=HOME):
        """What is told: True, or the status and the reason."""
        binds_now = lambda credential_id: self.bound.get(credential_id, 0)  # noqa: E731
        found = await self.gate.admit(system_id, password, address, binds_now=binds_now)
        return True if isinstance(found, Admitted) else (found.status, found.reason)

    def change(self, **fields):
        self.tables.smpp_credentials["acme"] = msgspec.structs.replace(self.tables.smpp_credentials["acme"], **fields)


def account(account_id="AC1", *, status="active"):
    values = dict.fromkeys(Account.__struct_fields__, "")
    return Account(**values | {"id": account_id, "status": status})


NET = {"allow_addresses": ("198.51.100.0/24", "2001:db8::/32")}
REFUSALS = [
    pytest.param({}, {"system_id": "nobody"}, (WRONG, "unknown"), id="a system_id of nobody"),
    pytest.param({}, {"system_id": "ACME"}, (WRONG, "unknown"), id="in capitals"),
    pytest.param({}, {"password": "wrong-horse"}, (WRONG, "password"), id="a wrong password"),
    pytest.param({}, {"password": ""}, (WRONG, "password"), id="no password"),
    pytest.param({}, {"password": "pässword"}, (WRONG, "password"), id="a password that is not ASCII"),
    pytest.param(NET, {}, (WRONG, "address"), id="an address that is not on the list"),
    pytest.param(NET, {"address": "2001:db9::1"}, (WRONG, "address"), id="an IPv6 address that is not on the list"),
    pytest.param(NET, {"address": "198.51.100.9"}, True, id="an address on the list"),
    pytest.param(NET, {"address": "::ffff:198.51.100.9"}, True, id="the same as IPv6 shows it"),
    pytest.param(NET, {"address": "2001:db8::1%eth0"}, True, id="an IPv6 address on the list"),
    pytest.param(NET, {"address": ""}, (WRONG, "address"), id="no address"),
    pytest.param({}, {"address": ""}, True, id="no address where every address will do"),
    pytest.param({"status": "suspended"}, {}, (FAILED, "suspended"), id="suspended"),
    pytest.param({"status": "suspended"}, {"password": "x"}, (WRONG, "password"), id="suspended, to strangers"),
    pytest.param({"account_id": "AC2"}, {}, (FAILED, "account"), id="of an account that is suspended"),
    pytest.param({"account_id": "AC2"}, {"password": "x"}, (WRONG, "password"), id="of such an account, to strangers"),
    pytest.param({"account_id": "AC3"}, {}, (FAILED, "account"), id="of no account"),
    pytest.param({"binds_max": 4}, {}, True, id="under its number of binds"),
    pytest.param({"binds_max": 3}, {}, (FAILED, "too_many_binds"), id="at its number of binds"),
    pytest.param({}, {}, True, id="as it should be"),
]


@pytest.mark.parametrize(("fields", "asked", "told"), REFUSALS)
async def test_refusals(fields, asked, told):
    door = Door(credential(**fields))
    door.bound = {"SC-acme": 3}
    for _ in range(2):
        assert await door.bind(**asked) == told
    reasons = {
        sample.labels["reason"]: sample.value
        for sample in door.metrics.smpp_binds_refused.collect()[0].samples
        if sample.name.endswith("_total")
    }
    assert reasons == ({} if told is True else {told[1]: 2})


async def test_what_another_node_changed_a_moment_ago_holds():
    door = Door(credential())
    assert await door.bind() is True
    door.looked = lambda: door.change(status="suspended")
    assert await door.bind() == (FAILED, "suspended")


async def test_without_a_store_what_was_known_last_holds(caplog):
    def away():
        raise OSError

    door = Door(credential())
    door.looked = away
    assert await door.bind() is True
    assert "known last" in caplog.text


def test_every_refusal_is_documented_with_its_status():
    rows = re.findall(r"^\| [^|]+ \| `(ESME_\w+)` \| `(\w+)` \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert sorted((reason, Status[status]) for status, reason in rows) == sorted(
        (reason, gate.STATUS_OF[reason]) for reason in get_args(gate.Reason)
    )


async def test_who_is_admitted_learns_what_holds():
    door = Door(credential(binds_max=8, window=7), bounds=CustomerBounds(binds_max=5, throughput_per_s=50))
    found = await door.gate.admit("acme", PASSWORD, HOME, binds_now=lambda _: 0)
    assert isinstance(found, Admitted)
    assert (found.credential.id, found.account.id, found.address) == ("SC-acme", "AC1", HOME)
    assert (found.settings.binds_max, found.settings.throughput_per_s, found.settings.window) == (5, 50, 7)


@pytest.mark.parametrize(
    ("chosen", "holds"), [((0, 0), (5, 50)), ((3, 20), (3, 20)), ((5, 50), (5, 50)), ((9, 90), (5, 50))]
)
async def test_what_is_left_open_and_what_is_beyond_the_bounds_become_the_bounds(chosen, holds):
    made = credential(binds_max=chosen[0], throughput_per_s=chosen[1])
    door = Door(made, bounds=CustomerBounds(binds_max=5, throughput_per_s=50))
    found = await door.gate.admit("acme", PASSWORD, HOME, binds_now=lambda _: 0)
    assert isinstance(found, Admitted)
    assert (found.settings.binds_max, found.settings.throughput_per_s) == holds


@pytest.mark.parametrize(
    "asked", [{"system_id": "nobody"}, {"password": "wrong-horse"}, {"address": "192.0.2.1"}], ids=str
)
async def test_strangers_are_told_the_same_after_the_same_work(asked):
    """The right password too costs a verification where it is of no use, remembered or not."""
    door = Door(credential(allow_addresses=("203.0.113.0/24",)))
    await door.bind()
    door.verified.clear()
    assert (await door.bind(**asked))[0] is WRONG
    assert len(door.verified) == 1


async def test_a_thousand_customers_come_back_at_once():
    """With passwords that were verified once. The bound is generous: it takes some tens of milliseconds."""
    door = Door(*(credential(f"customer-{n}") for n in range(1000)), matches=lambda password, kept: True)
    every = [f"customer-{n}" for n in range(1000)]
    assert await asyncio.gather(*map(door.bind, every)) == [True] * 1000
    assert len(door.verified) == 1000
    began = time.process_time()
    assert await asyncio.gather(*map(door.bind, every)) == [True] * 1000
    assert time.process_time() - began < 0.5
    assert len(door.verified) == 1000


async def test_binds_that_come_together_are_verified_once_or_twice_and_two_at_a_time():
    busy, most = 0, 0

    def slow(password, kept):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        time.sleep(0.002)  # a thread that computes
        busy -= 1
        return True

    door = Door(credential(), credential("other"), matches=slow)
    told = await asyncio.gather(*(door.bind(name) for name in ("acme", "other") * 20))
    assert told == [True] * 40
    assert most <= 2
    assert len(door.verified) <= 4


async def test_a_wrong_password_is_never_remembered_and_does_not_displace_the_right_one():
    door = Door(credential())
    assert await door.bind() is True
    assert [await door.bind(password="wrong-horse") for _ in range(2)] == [(WRONG, "password")] * 2
    assert await door.bind() is True
    assert [password for password, _ in door.verified] == [PASSWORD, "wrong-horse", "wrong-horse"]


async def test_a_rotated_password_is_forgotten():
    door = Door(credential())
    assert await door.bind() is True
    door.change(password=passwords.stored("battery-staple", SeededChance(2)))
    assert await door.bind() == (WRONG, "password")
    assert await door.bind(password="battery-staple") is True


async def test_what_changes_during_the_verification_counts():
    changes = {}

    def slow(password, kept):
        door.change(**changes)
        return True

    door = Door(credential(), matches=slow)
    changes = {"status": "suspended"}
    assert await door.bind() == (FAILED, "suspended")
    changes = {"status": "active", "password": passwords.stored("battery-staple", SeededChance(2))}
    door.gate._right.clear()
    assert await door.bind() == (WRONG, "password")


async def test_one_system_id_is_locked_out_at_one_address_for_the_rest_of_the_minute():
    door = Door(credential(), credential("other"))
    for _ in range(limits.SMPP_FAILED_BINDS_MAX):
        assert await door.bind(password="guess") == (WRONG, "password")
        door.clock.advance(1)
    verified = len(door.verified)
    assert await door.bind() == (FAILED, "locked_out")
    assert await door.bind(password="guess") == (FAILED, "locked_out")
    assert len(door.verified) == verified
    assert await door.bind(address="203.0.113.8") is True
    assert await door.bind("other") is True
    door.clock.advance(limits.FAILED_CREDENTIALS_WINDOW_S - limits.SMPP_FAILED_BINDS_MAX - 1)
    assert await door.bind() == (FAILED, "locked_out")
    door.clock.advance(1)
    assert await door.bind() is True


async def test_who_is_refused_time_and_again_waits_for_its_answer_and_leaves_the_log_alone(caplog):
    caplog.set_level(logging.INFO, "whimbrel.smpp")
    door = Door(credential(status="suspended"))
    most = limits.SMPP_FAILED_BINDS_MAX

    async def waits() -> float:
        return (await door.gate.admit("acme", PASSWORD, HOME, binds_now=lambda _: 0)).wait_s

    assert [await waits() for _ in range(most)] == [0.0] * most
    assert [await waits() for _ in range(5)] == [1.0] * 5
    assert sum(record.message == "a bind was refused" for record in caplog.records) == most
    (metric,) = door.metrics.smpp_binds_refused.collect()
    assert [sample.value for sample in metric.samples if sample.name.endswith("_total")] == [most + 5]
    door.clock.advance(limits.FAILED_CREDENTIALS_WINDOW_S)
    assert await waits() == 0.0
    door.change(status="active")
    assert await door.bind() is True


async def test_a_system_id_of_nobody_is_locked_out_alike():
    door = Door(credential())
    told = [await door.bind("nobody") for _ in range(limits.SMPP_FAILED_BINDS_MAX + 1)]
    assert told == [(WRONG, "unknown")] * limits.SMPP_FAILED_BINDS_MAX + [(FAILED, "locked_out")]


async def test_an_address_that_tries_many_is_locked_out_save_for_who_was_known():
    door = Door(credential(), credential("other"))
    assert await door.bind() is True
    for number in range(limits.SMPP_FAILED_BINDS_PER_ADDRESS):
        assert await door.bind(f"guess-{number}") == (WRONG, "unknown")
    verified = len(door.verified)
    assert await door.bind("guess") == (FAILED, "locked_out")
    assert await door.bind("other") == (FAILED, "locked_out")
    assert await door.bind() is True
    assert len(door.verified) == verified
    assert await door.bind("other", address="192.0.2.1") is True


async def test_guesses_at_a_remembered_password_from_a_locked_address_lock_it_out_too():
    door = Door(credential())
    assert await door.bind() is True
    for number in range(limits.SMPP_FAILED_BINDS_PER_ADDRESS):
        await door.bind(f"guess-{number}")
    for _ in range(limits.SMPP_FAILED_BINDS_MAX):
        assert await door.bind(password="guess") == (FAILED, "locked_out")
    assert await door.bind() == (FAILED, "locked_out")


async def test_guesses_that_come_together_are_no_more_than_guesses_one_by_one():
    door = Door(credential())
    told = await asyncio.gather(*(door.bind(password=f"guess-{n}") for n in range(100)))
    assert set(told) == {(WRONG, "password"), (FAILED, "locked_out")}
    assert len(door.verified) <= limits.SMPP_FAILED_BINDS_MAX + 1


async def test_who_hangs_up_while_its_password_is_verified_has_had_its_guess():
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(password, kept):
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        return False

    door = Door(credential(), matches=slow)
    try:
        for _ in range(limits.SMPP_FAILED_BINDS_MAX):
            begun.clear()
            bind = asyncio.ensure_future(door.bind(password="guess"))
            await begun.wait()
            bind.cancel()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await bind
            go_on.clear()
    finally:
        go_on.set()
    assert await door.bind(password="guess") == (FAILED, "locked_out")


async def test_a_burst_of_one_customer_does_not_lock_out_its_neighbours():
    """A hundred binds at once count as the ten that are looked at, and not for the address."""
    door = Door(credential(), credential("other"))
    await asyncio.gather(*(door.bind(password="wrong-horse") for _ in range(100)))
    assert await door.bind() == (FAILED, "locked_out")
    assert await door.bind("other") is True


async def test_what_is_remembered_is_bounded_by_the_credentials_that_there_are():
    door = Door(matches=lambda password, kept: True)
    for number in range(50):
        door.tables.smpp_credentials = {"acme": credential(), str(number): credential(str(number))}
        assert await door.bind(str(number)) is True
    assert len(door.gate._right) <= 2


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({"name": "Branch", "updated_at": 2}, True),
        ({"status": "suspended"}, False),
        ({"password": "$argon2id$another"}, False),
        ({"id": "SC-another"}, False),
        ({"account_id": "AC2"}, False),
        ({"account_id": "AC3"}, False),
        ({"settings": '{"allow_addresses":["203.0.113.0/24"]}'}, True),
        ({"settings": '{"allow_addresses":["192.0.2.0/24"]}'}, False),
    ],
)
async def test_a_bind_stays_as_long_as_it_would_be_admitted(fields, stays):
    door = Door(credential())
    found = await door.gate.admit("acme", PASSWORD, HOME, binds_now=lambda _: 0)
    assert isinstance(found, Admitted)
    door.change(**fields)
    assert (door.gate.current(found) is not None) is stays


async def test_a_bind_has_the_settings_of_now():
    door = Door(credential())
    found = await door.gate.admit("acme", PASSWORD, HOME, binds_now=lambda _: 0)
    assert isinstance(found, Admitted)
    door.change(settings='{"window":3,"binds_max":1}')
    now = door.gate.current(found)
    assert now is not None
    assert (now.settings.window, now.settings.binds_max, now.settings.throughput_per_s) == (3, 1, 10_000)
    door.tables.smpp_credentials.clear()
    assert door.gate.current(found) is None
    assert isinstance(await door.gate.admit("acme", PASSWORD, HOME, binds_now=lambda _: 0), Refused)
