"""Versions of the configuration: every change raises its kind's in its own commit, and what was decided with older ones
does nothing. Both dialects."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest
from store_samples import CARRIER, NOW, SECOND, events, message, state, submit

from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Vault
from whimbrel.domain.model import ConfigKind, OptOut
from whimbrel.journey.tables import Tables
from whimbrel.manage import (
    accounts,
    carriers,
    keys,
    opt_outs,
    prices,
    routes,
    senders,
    smpp_credentials,
    webhooks,
)
from whimbrel.manage.context import Context
from whimbrel.products.templates import keeping, versions
from whimbrel.products.templates.shapes import NewTemplate, TemplateChange
from whimbrel.store.interface import Basis, Claim, Deliveries, Idempotency, Store, Submission, Write
from whimbrel.store.rows import to_columns

NUMBERS = [f"+1202555{number:04d}" for number in range(100, 130)]


@pytest.fixture
def ctx(store: Store) -> Context:
    clock, chance = ManualClock(NOW), SeededChance(1)
    vault = Vault(bytes(32), chance)
    ids = Ids(clock, chance)
    return Context(store=store, tables=Tables(store, vault), vault=vault, clock=clock, chance=chance, ids=ids)


class Changes:
    """Which kinds have another version than at the last look."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, int] = {}

    async def since(self) -> list[str]:
        before, self._seen = self._seen, dict(await self._store.versions())
        assert all(self._seen[kind] >= version for kind, version in before.items())
        return sorted(kind for kind, version in self._seen.items() if before.get(kind) != version)


async def test_every_verb_of_the_control_plane_raises_what_it_changes(store: Store, ctx: Context) -> None:
    changes = Changes(store)
    assert await changes.since() == sorted(get_args(ConfigKind))

    async def does(kinds: list[str], verb: Awaitable[Any]) -> Any:
        made = await verb
        assert await changes.since() == sorted(kinds)
        return made

    account = (await does(["accounts"], accounts.create(ctx, "me", accounts.NewAccount(name="A")))).id
    await does(["accounts"], accounts.suspend(ctx, "me", account))
    await does(["accounts"], accounts.activate(ctx, "me", account))
    await does(["accounts"], accounts.rotate_token(ctx, "me", account))
    await does(["accounts"], accounts.rotate_callback_secret(ctx, "me", account))
    request = keys.NewKey(name="k", scopes=("messages:read",))
    key = await does(["keys"], keys.create(ctx, "me", request, account_id=account))
    await does(["keys"], keys.revoke(ctx, "me", key.id, account_id=account))
    sender = await does(["senders"], senders.create(ctx, "me", senders.NewSender(value="ACME"), account_id=account))
    # PostgreSQL tells of a statement that found no row too
    also = ["pools"] if store._executor.dialect == "postgresql" else []
    await does([*also, "senders"], senders.delete(ctx, "me", sender.id, account_id=account))
    settings = {"host": "127.0.0.1", "port": 2775, "system_id": "w"}
    new = carriers.NewCarrier(name="c", settings=settings, password="secret")
    carrier = (await does(["carriers"], carriers.create(ctx, "me", new))).id
    await does(["carriers"], carriers.pause(ctx, "me", carrier))
    route = await does(["routes"], routes.create(ctx, "me", routes.NewRoute(carriers=(carrier,))))
    await does(["routes"], routes.update(ctx, "me", route.id, routes.RouteChange(enabled=False)))
    await does(["routes"], routes.delete(ctx, "me", route.id))
    await does(["carriers"], carriers.delete(ctx, "me", carrier))
    price = await does(["prices"], prices.put(ctx, "me", prices.NewPrice(prefix="1", price="0.01")))
    await does(["prices"], prices.delete(ctx, "me", price.id))
    hook = webhooks.NewWebhook(url="https://example.com/", events=("*",))
    of = {"account_id": account, "test": False}
    webhook = (await does(["webhooks"], webhooks.create(ctx, "me", hook, **of))).id
    await does(["webhooks"], webhooks.rotate(ctx, "me", webhook, **of))
    await does(["webhooks"], webhooks.disable(ctx, "me", webhook, **of))
    await does([], store.record_deliveries(Deliveries(cursors=((webhook, 7),))))
    await does(["webhooks"], webhooks.delete(ctx, "me", webhook, **of))
    new_credential = smpp_credentials.NewSmppCredential(name="s", system_id="shop", password="s3cret-8")
    credential = (await does(["smpp_credentials"], smpp_credentials.create(ctx, "me", new_credential, **of))).id
    await does(["smpp_credentials"], smpp_credentials.delete(ctx, "me", credential, **of))
    new_template = NewTemplate(name="t", texts={"en": "Hi {{name}}"})
    template = (await does(["templates"], keeping.create(ctx, "me", new_template, account_id=account))).id
    draft = TemplateChange(texts={"en": "Hello {{name}}"})
    await does([], keeping.update(ctx, "me", template, draft, account_id=account))
    await does(["templates"], versions.publish(ctx, "me", template, account_id=account))
    rejection = versions.Decision("me", of_operator=True, approval="rejected", reason="no")
    await does(["templates"], versions.decide(ctx, rejection, template, "1", account_id=account))
    await does(["templates"], keeping.set_status(ctx, "me", template, "archived", account_id=account))
    await does(["templates"], keeping.delete(ctx, "me", template, account_id=account))
    new_import = opt_outs.OptOutImport(numbers=tuple(NUMBERS))
    await does(["opt_outs"], opt_outs.import_list(ctx, "me", new_import, account_id=account))
    await does([], opt_outs.import_list(ctx, "me", new_import, account_id=account))


def opt_out(number_hash: int) -> OptOut:
    return OptOut(f"OO{number_hash:032x}", "AC1", number_hash, "+1***", "api", NOW)


async def add(store: Store, *hashes: int) -> None:
    await store.write([Write("opt_out_record", tuple(to_columns(opt_out(each)) for each in hashes))])


async def remove(store: Store, *hashes: int) -> None:
    await store.write([Write("opt_out_delete", tuple(("AC1", each) for each in hashes))])


async def test_who_opted_out_and_in_again_is_told_in_order_from_any_position(store: Store) -> None:
    start = await store.opt_out_changes(None)
    assert start.changes is None
    await add(store, 1, 2)
    first = await store.opt_out_changes(start.position)
    assert first.changes is not None
    assert sorted(first.changes) == [("AC1", 1, True), ("AC1", 2, True)]
    await remove(store, 1)
    await add(store, 1, 2)  # the second has opted out already
    await remove(store, 1)
    later = await store.opt_out_changes(first.position)
    assert later.changes == [("AC1", 1, False), ("AC1", 1, True), ("AC1", 1, False)]
    assert (await store.opt_out_changes(later.position)).changes == []


async def test_what_was_purged_is_not_missed(store: Store) -> None:
    start = await store.opt_out_changes(None)
    for number_hash in range(5):
        await add(store, number_hash)
    between = (await store.opt_out_changes(start.position)).position
    await add(store, 9)
    assert await store.purge({"opt_out_changes": 2 * 2**60}, 3) == 3
    assert (await store.opt_out_changes(start.position)).changes is None
    assert (await store.opt_out_changes(between)).changes == [("AC1", 9, True)]
    assert await store.purge({"opt_out_changes": 2 * 2**60}, 100) == 2
    last = await store.opt_out_changes(between)
    assert last.changes == [("AC1", 9, True)]  # the newest stays, so that all others know what they missed
    assert await store.purge({"opt_out_changes": 2 * 2**60}, 100) == 0
    assert (await store.opt_out_changes(last.position + 10)).changes is None  # an older copy of the database


async def basis(store: Store) -> Basis:
    """What is decided on now."""
    position = (await store.opt_out_changes(None)).position
    versions = dict(await store.versions())
    opt_outs = versions.pop("opt_outs")
    return Basis(sum(versions.values()), opt_outs, position)


async def change_price(store: Store, ctx: Context) -> None:
    await prices.put(ctx, "me", prices.NewPrice(prefix="1", price="0.01"))


async def recipient_stops(store: Store, ctx: Context) -> None:
    await add(store, 1, 2, 11, 3)


async def another_stops(store: Store, ctx: Context) -> None:
    await add(store, 1, 2, 3)


async def another_starts(store: Store, ctx: Context) -> None:
    await add(store, 1)
    await remove(store, 1)


async def too_much_changes(store: Store, ctx: Context) -> None:
    await add(store, 1)
    await add(store, 2)
    await store.purge({"opt_out_changes": 2 * 2**60}, 100)


CHANGES = [
    (change_price, True),
    (recipient_stops, True),
    (another_stops, False),
    (another_starts, True),  # whoever was refused for it may be sent to
    (too_much_changes, True),  # who knows what was among it
]
Change = Callable[[Store, Context], Awaitable[None]]


@pytest.mark.parametrize(("change", "matters"), CHANGES)
async def test_accept_stores_nothing_that_was_planned_with_what_has_changed(
    store: Store, ctx: Context, change: Change, matters: bool
) -> None:
    one, now = message(account_id="AC1", recipient_hash=11, price_micros=0), await basis(store)
    key = Idempotency("AC1", "rest", "k", b"f", 0, 1, NOW, ())
    further = Write("audit_insert", (("AU1", None, "me", "x", "", "{}", NOW),))
    submission = Submission((one,), key, (further,))
    await change(store, ctx)
    (stored,) = await store.accept([submission], now)
    assert stored.stale == matters
    assert len(await store.messages([one.id])) == len(await store.kept("AC1", "rest", "k")) == (0 if matters else 1)
    if matters:
        (again,) = await store.accept([submission], await basis(store))
        assert not again.stale
        assert await state(store, one) == "queued"
    (repeated,) = await store.accept([Submission((message(),), key)], None)
    assert repeated.key_taken and not repeated.stale


@pytest.mark.parametrize(("change", "matters"), CHANGES)
async def test_a_claim_that_was_decided_with_what_has_changed_is_none(
    store: Store, ctx: Context, change: Change, matters: bool
) -> None:
    one = message(account_id="AC1", recipient_hash=11, price_micros=0)
    await submit(store, one)
    now = await basis(store)
    await change(store, ctx)
    claims, recipients = [Claim(one.id, CARRIER, 1, 99, NOW + SECOND)], [("AC1", 11)]
    claimed = await store.claim(claims, now, recipients)
    assert (claimed is None) == matters
    assert len(await events(store, one)) == (1 if matters else 2)
    if matters:
        claimed = await store.claim(claims, await basis(store), recipients)
    assert claimed is not None and len(claimed[0]) == 1
    assert await state(store, one) == "sending"


async def test_changes_at_once_are_all_seen_whatever_the_order_of_their_commits(store: Store) -> None:
    """A reader that looks all the time never passes a change that commits late."""
    position, told = (await store.opt_out_changes(None)).position, dict[int, bool]()
    writing: list[Awaitable[None]] = [add(store, number_hash) for number_hash in range(200)]
    done = asyncio.gather(*writing)
    apply: Callable[[list[tuple[str, int, bool]]], None] = lambda found: told.update((h, s) for _, h, s in found)  # noqa: E731
    while not done.done():
        found = await store.opt_out_changes(position)
        assert found.changes is not None
        apply(found.changes)
        position = found.position
    await done
    last = await store.opt_out_changes(position)
    assert last.changes is not None
    apply(last.changes)
    assert told == dict.fromkeys(range(200), True)
