"""Templates and what is made of them in the store, on both dialects."""

import pytest
from store_samples import ACCOUNT, NOW, message, submit

from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Vault
from whimbrel.journey.tables import Tables
from whimbrel.journey.templates import Loaded, Unusable
from whimbrel.manage import accounts
from whimbrel.manage.context import Context, Paging
from whimbrel.products.templates import keeping, versions
from whimbrel.products.templates.shapes import NewTemplate, TemplateChange
from whimbrel.store.interface import Search, Store


@pytest.fixture
def ctx(store: Store) -> Context:
    clock, chance = ManualClock(NOW), SeededChance(1)
    vault = Vault(bytes(32), chance)
    return Context(
        store=store,
        tables=Tables(store, vault),
        vault=vault,
        clock=clock,
        chance=chance,
        ids=Ids(clock, chance),
        template_approval="account",
    )


async def test_what_a_reference_means_follows_what_is_approved(store: Store, ctx: Context) -> None:
    account = (await accounts.create(ctx, "me", accounts.NewAccount(name="A"))).id
    other = (await accounts.create(ctx, "me", accounts.NewAccount(name="B"))).id
    row = await keeping.create(ctx, "me", NewTemplate(name="t", texts={"en": "1"}), account_id=account)
    refs = [(account, ref) for ref in ("t", "t@1", "t@2", row.id, f"{row.id}@2")] + [(other, "t"), (other, row.id)]

    async def means() -> list[int | str]:
        ctx.tables.templates.clear()  # type: ignore[attr-defined]
        found = await ctx.tables.templates.take(refs)  # type: ignore[attr-defined]
        return [each.version if isinstance(each, Loaded) else each.code for each in (found[ref] for ref in refs)]

    unknown, unapproved = "template_not_found", "template_not_approved"
    assert await means() == [unapproved, unknown, unknown, unapproved, unknown, unknown, unknown]
    await versions.publish(ctx, "me", row.id, account_id=account)
    await keeping.update(ctx, "me", row.id, TemplateChange(texts={"en": "2"}), account_id=account)
    await versions.publish(ctx, "me", row.id, account_id=account)
    assert await means() == [unapproved] * 5 + [unknown] * 2
    waiting = await versions.pending(ctx, account_id=None, paging=Paging(None, 1))
    assert [each.version for each in waiting.data] == [1]
    rest = await versions.pending(ctx, account_id=account, paging=Paging(waiting.next_cursor, 5))
    assert [each.version for each in rest.data] == [2]  # published in the same moment of this clock
    for number in ("1", "2"):
        await versions.decide(ctx, versions.Decision("me", False, "approved"), "t", number, account_id=account)
    assert await means() == [2, 1, 2, 2, 2, unknown, unknown]
    await versions.decide(ctx, versions.Decision("me", False, "rejected", "no"), "t", "2", account_id=account)
    assert await means() == [1, 1, unapproved, 1, unapproved, unknown, unknown]
    await keeping.set_status(ctx, "me", "t", "archived", account_id=account)
    assert await means() == [unknown] * 7
    events = [(each.seq, each.type) for each in await store.events_after(0, 100) if each.subject_id == row.id]
    assert [kind.partition(".")[2] for _, kind in events] == [
        "created", "published", "published", "approved", "approved", "rejected", "archived",
    ]  # fmt: skip
    assert len({seq for seq, _ in events}) == len(events)
    assert isinstance((await ctx.tables.templates.take([refs[0]]))[refs[0]], Unusable)  # type: ignore[attr-defined]


async def test_what_was_decided_on_what_has_changed_since_is_not_written(store: Store, ctx: Context) -> None:
    """Another node has the same store and a lock of its own."""
    account = (await accounts.create(ctx, "me", accounts.NewAccount(name="A"))).id
    row = await keeping.create(ctx, "me", NewTemplate(name="t", texts={"en": "1"}), account_id=account)
    await keeping.set_status(ctx, "other", "t", "archived", account_id=account)
    with pytest.raises(WhimbrelError) as refused:
        await keeping.change_row(ctx, row, keeping.told(ctx, "me", row, "template.published"))
    assert refused.value.code == "conflict"
    assert [each.type for each in await store.events_after(0, 100)] == ["template.created", "template.archived"]


async def test_messages_are_found_by_the_template_that_made_them(store: Store) -> None:
    made = '{"template":{"id":"TP1","name":"left","version":%d,"language":"en"}}'
    first, second, plain = message(options=made % 1), message(options=made % 2), message()
    await submit(store, first, second, plain)

    async def found(*template: str | None) -> list[str]:
        search = Search(ACCOUNT, False, template=template)  # type: ignore[arg-type]
        return [each.id for each in await store.search(search, 10)]

    assert await found("left", None) == await found("TP1", None) == [second.id, first.id]
    assert await found("left", "1") == [first.id]
    assert await found("left", "3") == await found("other", None) == []
