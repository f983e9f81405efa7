"""The snapshots: what they hold after a load, how they are swapped, and that nothing committed meanwhile is lost. The
store here is a table of rows whose reads a test can hold up."""

import asyncio
from typing import Any

import pytest

from whimbrel.base.clock import SeededChance
from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.model import Account, Carrier, Key, Price, Route, Sender, SmppCredential, Webhook
from whimbrel.domain.numbers import normalise
from whimbrel.journey import following as module
from whimbrel.journey.following import KINDS
from whimbrel.journey.tables import Tables
from whimbrel.store.signals import LocalSignals

VAULT = Vault(bytes(32), SeededChance(1))
NUMBER = normalise("+447400123456")
CREDENTIAL = SmppCredential("SC1", "AC1", False, "Shop", "shop", "$argon2id$", "active", "{}", 1, 1)


class Rows:
    """Reads of the store: rows by statement, each given as they are when the read begins; `hold` keeps reads of a
    statement from answering."""

    signals = LocalSignals()

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.reads: list[str] = []

    async def fetch(self, row: Any, statement: str, *params: Any) -> list[Any]:
        self.reads.append(statement)
        found = [row(*columns) if isinstance(columns, tuple) else columns for columns in self.rows.get(statement, ())]
        if statement in self.held:
            await self.held[statement].wait()
        return found

    def hold(self, statement: str) -> asyncio.Event:
        return self.held.setdefault(statement, asyncio.Event())


def account(id_, parent=None, status="active"):
    token = VAULT.seal(f"token of {id_}", Seal.of(Seal.ACCOUNT_TOKEN, id_))
    secret = VAULT.seal(f"secret of {id_}", Seal.of(Seal.ACCOUNT_CALLBACK, id_))
    return Account(id_, parent, id_, status, "USD", 0, token, secret, 1, 1)


def sender(id_, account_id, value, kind, default=False):
    return Sender(id_, account_id, value, kind, default, (), None, "POST", None, 1, 1)


def carrier(id_, status="active"):
    sealed = VAULT.seal(f"password of {id_}", Seal.of(Seal.CARRIER_PASSWORD, id_))
    return Carrier(id_, id_, "smpp", status, False, '{"host":"localhost","port":2776}', sealed, 1, 1)


def webhook(id_, account_id):
    sealed = VAULT.seal("new", Seal.of(Seal.WEBHOOK_SECRET, id_))
    old = VAULT.seal("old", Seal.of(Seal.WEBHOOK_SECRET, id_))
    return Webhook(id_, account_id, False, "https://x", ("*",), "", sealed, old, 100, "active", None, 0, 0, 1, 1)


@pytest.fixture
def rows():
    return Rows()


@pytest.fixture
def tables(rows):
    return Tables(rows, VAULT)


async def test_everything_is_read_once_at_start(rows, tables):
    key = Key("KE1", "AC1", "k", "wk_", b"digest", "live", (), 1, "active", 1, None, None)
    rows.rows = {
        "accounts_all": [account("AC1")],
        "keys_active": [key],
        "senders_all": [
            sender("PN1", "AC1", "+447400123456", "long_code"),
            sender("PN2", "AC1", "ACME", "alphanumeric"),
        ],
        "carriers_all": [carrier("CR1")],
        "routes_all": [Route("RT1", 1, "44", "", None, ("CR1",), True, 1, 1)],
        "prices_all": [Price("PR1", None, "44", 40_000, "USD", 1, 1)],
        "opt_outs_after": [("AC1", 7), ("AC1", 8), ("AC2", 7)],
        "webhooks_all": [webhook("WH1", "AC1")],
        "smpp_credentials_all": [CREDENTIAL],
    }
    await tables.load()
    assert tables.smpp_credentials == {"shop": CREDENTIAL}
    assert len(rows.reads) == len(set(rows.reads))
    assert set(rows.rows) <= set(rows.reads)
    assert tables.keys == {b"digest": key}
    assert tables.senders["AC1"].choose("ACME", "GB").id == "PN2"
    assert {value: found.id for value, found in tables.senders_by_value.items()} == {"447400123456": "PN1"}
    assert tables.router.candidates(NUMBER, "AC1", False).carriers == ("CR1",)
    assert tables.prices.price("AC1", NUMBER.digits, 2)[0] == 80_000
    assert tables.opt_outs == {"AC1": {7, 8}, "AC2": {7}}
    assert [hook.id for hook in tables.webhooks["AC1"]] == ["WH1"]


@pytest.mark.parametrize(
    ("own", "parent", "holds"),
    [
        ("active", "active", "active"),
        ("active", "suspended", "suspended"),
        ("active", "closed", "closed"),
        ("suspended", "active", "suspended"),
        ("suspended", "closed", "suspended"),
        ("closed", "suspended", "closed"),
    ],
)
async def test_the_status_that_holds_for_a_sub_account(rows, tables, own, parent, holds):
    rows.rows["accounts_all"] = [account("AC2", parent="AC1", status=own), account("AC1", status=parent)]
    await tables.refresh("accounts")
    assert tables.accounts["AC2"].status == holds
    assert tables.accounts["AC1"].status == parent


@pytest.mark.parametrize("kind", KINDS)
async def test_subscribers_hear_of_their_kind_only_and_after_the_swap(rows, tables, kind):
    heard = []
    for other in KINDS:
        tables.subscribe(other, lambda other=other: heard.append(other))
    await tables.refresh(kind)
    assert heard == [kind]


async def test_a_subscriber_sees_the_new_snapshot(rows, tables):
    seen = []
    tables.subscribe("carriers", lambda: seen.append(set(tables.carriers)))
    for ids in (["CR1"], ["CR1", "CR2"], []):
        rows.rows["carriers_all"] = [carrier(id_) for id_ in ids]
        await tables.refresh("carriers")
    assert seen == [{"CR1"}, {"CR1", "CR2"}, set()]


async def test_the_router_follows_carriers_and_routes_each_alone(rows, tables):
    rows.rows["carriers_all"] = [carrier("CR1"), carrier("CR2", "paused")]
    await tables.refresh("carriers")
    rows.rows["routes_all"] = [Route("RT1", 1, "", "", None, ("CR2", "CR1"), True, 1, 1)]
    await tables.refresh("routes")
    assert tables.router.candidates(NUMBER, "AC1", False).carriers == ("CR1",)
    rows.rows["carriers_all"] = [carrier("CR1", "paused"), carrier("CR2")]
    await tables.refresh("carriers")
    assert tables.router.candidates(NUMBER, "AC1", False).carriers == ("CR2",)


async def test_a_snapshot_in_use_does_not_change(rows, tables):
    rows.rows["carriers_all"] = [carrier("CR1")]
    await tables.refresh("carriers")
    held = tables.carriers
    rows.rows["carriers_all"] = []
    await tables.refresh("carriers")
    assert set(held) == {"CR1"}
    assert tables.carriers == {}


async def test_an_older_read_never_replaces_a_newer_state(rows, tables):
    """The first refresh reads and is held up; the second, for a later commit, must end last."""
    gate = rows.hold("carriers_all")
    rows.rows["carriers_all"] = [carrier("CR1")]
    first = asyncio.ensure_future(tables.refresh("carriers"))
    await turns()
    rows.rows["carriers_all"] = [carrier("CR1"), carrier("CR2")]
    second = asyncio.ensure_future(tables.refresh("carriers"))
    await turns()
    gate.set()
    await asyncio.gather(first, second)
    assert set(tables.carriers) == {"CR1", "CR2"}


async def turns(count: int = 5) -> None:
    """Let what is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_stops_that_come_during_a_read_are_kept(rows, tables):
    rows.rows["opt_outs_after"] = [("AC1", 1), ("AC1", 2)]
    await tables.load()
    gate = rows.hold("opt_outs_after")
    reading = asyncio.ensure_future(tables.refresh("opt_outs"))
    await turns()
    tables.opt_outs_added("AC1", [3])
    tables.opt_outs_removed("AC1", [1])
    tables.opt_outs_added("AC2", [9])
    assert tables.opt_outs == {"AC1": {2, 3}, "AC2": {9}}
    gate.set()
    await reading
    assert tables.opt_outs == {"AC1": {2, 3}, "AC2": {9}}


async def test_a_read_that_fails_keeps_the_old_snapshot(rows, tables):
    rows.rows["opt_outs_after"] = [("AC1", 1)]
    await tables.load()
    rows.rows["opt_outs_after"] = [("one column",)]
    await tables.refresh("opt_outs")
    tables.opt_outs_added("AC1", [2])
    assert tables.opt_outs == {"AC1": {1, 2}}
    await tables.stop()


async def test_a_load_that_fails_is_told(rows, tables):
    rows.rows["opt_outs_after"] = [("one column",)]
    with pytest.raises(TypeError):
        await tables.load()


@pytest.fixture
def soon(monkeypatch):
    """No time between the tries."""
    monkeypatch.setattr(module, "_RETRY_S", 0)


async def test_a_read_that_fails_after_its_commit_is_tried_until_it_succeeds(rows, tables, soon):
    changes = []
    tables.subscribe("carriers", lambda: changes.append(set(tables.carriers)))
    rows.rows["carriers_all"] = [("one column",)]
    await tables.refresh("carriers", "routes")
    rows.rows["keys_active"] = [("one column",)]
    await tables.refresh("keys")
    await turns(50)
    assert (tables.carriers, changes) == ({}, [])
    assert rows.reads.count("carriers_all") > 3
    rows.rows = {"carriers_all": [carrier("CR1")]}
    await turns(50)
    assert set(tables.carriers) == {"CR1"}
    assert changes[-1] == {"CR1"}
    asked = len(rows.reads)
    await turns(50)
    assert len(rows.reads) == asked
    rows.rows["carriers_all"] = [("one column",)]
    await tables.refresh("carriers")
    rows.rows["carriers_all"] = []
    await turns(50)
    assert tables.carriers == {}


async def test_a_read_that_is_cancelled_is_made_up_for(rows, tables, soon):
    gate = rows.hold("carriers_all")
    rows.rows["carriers_all"] = [carrier("CR1")]
    reading = asyncio.ensure_future(tables.refresh("carriers"))
    await turns()
    reading.cancel()
    gate.set()
    await asyncio.gather(reading, return_exceptions=True)
    await turns(50)
    assert set(tables.carriers) == {"CR1"}


async def test_a_stop_ends_the_tries(rows, tables, soon):
    rows.rows["carriers_all"] = [("one column",)]
    await tables.refresh("carriers")
    await tables.stop()
    asked = len(rows.reads)
    await turns(50)
    assert len(rows.reads) == asked


async def test_secrets_open_with_the_context_of_their_row(rows, tables):
    rows.rows = {"accounts_all": [account("AC1")], "carriers_all": [carrier("CR1")]}
    await tables.refresh("accounts", "carriers")
    assert tables.auth_token("AC1") == "token of AC1"
    assert tables.callback_secret("AC1") == "secret of AC1"
    assert tables.carrier_password(tables.carriers["CR1"]) == "password of CR1"
    with pytest.raises(KeyError):
        tables.auth_token("AC2")


@pytest.mark.parametrize(("now", "secrets"), [(99, ("new", "old")), (100, ("new",)), (101, ("new",))])
async def test_the_old_secret_signs_until_its_time(tables, now, secrets):
    assert tables.webhook_secrets(webhook("WH1", "AC1"), now) == secrets
