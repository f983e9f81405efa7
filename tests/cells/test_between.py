"""What goes between cells while nothing moves: receipts that came over a bind of the wrong cell, and what belongs to
the installation.
"""

import pytest

from tests.cells import account as samples
from tests.cells.account import ACTOR, Cell
from whimbrel.base.clock import SeededChance
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.carriers.interface import Inbound, NotNow
from whimbrel.journey import strays
from whimbrel.journey.copies import Copies
from whimbrel.journey.inbound import InboundTexts
from whimbrel.journey.strays import Strays
from whimbrel.manage import carriers, consent_words, keys, policies, prices, routes, suppression
from whimbrel.manage.scopes import OPERATOR
from whimbrel.products import erasing

NUMBERS = ("+447911123451", "+447911123452", "+447911123453")


class Down:
    """A cell that fails when it is asked."""

    async def record_known_receipts(self, receipts):
        raise ConnectionError


async def parked(cell: Cell) -> int:
    return len(await cell.rows("SELECT 1 FROM parked_receipts"))


async def test_a_receipt_over_a_bind_of_the_wrong_cell_is_brought_to_the_right_one(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    assert await samples.receipt(us, "id1") == "parked"
    assert await samples.receipt(us, "nobodys") == "parked"
    metrics = Metrics()
    looking = Strays(
        store=us.store,
        clock=us.clock,
        chance=SeededChance(1),
        metrics=metrics,
        others=lambda: {"asia": Down(), "eu": eu.store},
    )
    assert await looking.look() == 0  # it may have overtaken an answer of this cell
    us.clock.advance(1.5)
    assert await looking.look() == 1
    (row,) = await eu.rows("SELECT state FROM messages WHERE id = $1", account.messages["sent"].id)
    assert row["state"] == "delivered"
    assert await parked(us) == 1
    assert metrics.receipts.labels(samples.CARRIER, "elsewhere")._value.get() == 1


async def test_who_did_not_know_a_receipt_is_asked_again_later(cells):
    eu, us = cells
    assert await samples.receipt(us, "id1") == "parked"
    looking = Strays(
        store=us.store, clock=us.clock, chance=SeededChance(1), metrics=Metrics(), others=lambda: {"eu": eu.store}
    )
    us.clock.advance(1.5)
    assert await looking.look() == 0
    account = await samples.furnish(eu)  # its answer is stored only now
    us.clock.advance(1.5)
    assert await looking.look() == 0, "not before its time"
    us.clock.advance(10.0)
    assert await looking.look() == 1
    (row,) = await eu.rows("SELECT state FROM messages WHERE id = $1", account.messages["sent"].id)
    assert row["state"] == "delivered"


async def test_a_receipt_that_was_brought_before_a_crash_is_not_counted_twice(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    assert await samples.receipt(eu, "id1") == "applied"
    before = await samples.held(eu, account)
    assert await samples.receipt(us, "id1") == "parked"
    us.clock.advance(1.5)
    assert (
        await Strays(
            store=us.store, clock=us.clock, chance=SeededChance(1), metrics=Metrics(), others=lambda: {"eu": eu.store}
        ).look()
        == 1
    )
    after = await samples.held(eu, account)
    assert after["messages"] == before["messages"]
    assert await parked(us) == 0


async def test_a_receipt_that_came_before_its_text_is_applied_when_that_has_arrived(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    await samples.answer(eu, account.messages["sending"].id, "id9")
    await samples.follow(eu)
    await eu.moves.depart(account.id, "us", samples.NAMES, eu.clock.now_us())
    eu.clock.advance(60.0)
    assert await samples.receipt(us, "id1") == "parked"  # over a bind of the new cell, which has not got it yet
    await eu.rows("UPDATE webhooks SET cursor = (SELECT MAX(position) FROM events)")
    assert not await samples.mover(eu, us).look()
    metrics = Metrics()
    us.clock.advance(1.5)
    assert (
        await Strays(
            store=us.store, clock=us.clock, chance=SeededChance(1), metrics=metrics, others=lambda: {"eu": eu.store}
        ).look()
        == 1
    )
    (row,) = await us.rows("SELECT state FROM messages WHERE id = $1", account.messages["sent"].id)
    assert row["state"] == "delivered"
    assert metrics.receipts.labels(samples.CARRIER, "applied")._value.get() == 1


async def test_a_stray_is_not_taken_for_a_later_text_that_has_the_same_id(cells):
    eu, us = cells
    assert await samples.receipt(us, "id1") == "parked"
    us.clock.advance(300.0)
    account = await samples.furnish(eu)
    assert (
        await Strays(
            store=us.store, clock=us.clock, chance=SeededChance(1), metrics=Metrics(), others=lambda: {"eu": eu.store}
        ).look()
        == 0
    )
    (row,) = await eu.rows("SELECT state FROM messages WHERE id = $1", account.messages["sent"].id)
    assert row["state"] == "sent"


async def test_a_cell_that_was_away_is_asked_when_it_is_back(cells):
    eu, us = cells
    account = await samples.furnish(eu)
    assert await samples.receipt(us, "id1") == "parked"
    reachable = {"asia": Down()}
    looking = Strays(
        store=us.store, clock=us.clock, chance=SeededChance(1), metrics=Metrics(), others=lambda: reachable
    )
    us.clock.advance(86_400.0)
    assert await looking.look() == 0
    reachable["eu"] = eu.store
    assert await looking.look() == 1
    (row,) = await eu.rows("SELECT state FROM messages WHERE id = $1", account.messages["sent"].id)
    assert row["state"] == "delivered"


class Asked:
    """A cell that knows nothing, and notes what it is asked about."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def record_known_receipts(self, receipts):
        self.keys += [receipt.keys[0] for receipt in receipts]
        return ["parked"] * len(receipts)


async def test_each_receipt_is_asked_about_once_at_each_age_however_many_wait(cells, monkeypatch):
    monkeypatch.setattr(strays, "_PAGE", 2)
    _, us = cells
    for number in range(5):
        assert await samples.receipt(us, f"k{number}") == "parked"
    other = Asked()
    looking = Strays(
        store=us.store, clock=us.clock, chance=SeededChance(1), metrics=Metrics(), others=lambda: {"eu": other}
    )
    us.clock.advance(1.5)
    for _ in range(3):
        assert await looking.look() == 0
    assert sorted(other.keys) == [f"k{number}" for number in range(5)]
    us.clock.advance(10.0)
    await looking.look()
    await looking.look()
    assert len(other.keys) == 10
    us.clock.advance(7_200.0)  # several ages at once: one question
    await looking.look()
    await looking.look()
    assert len(other.keys) == 15


async def furnish(leading: Cell) -> None:
    ctx = leading.manage
    await keys.create(ctx, ACTOR, keys.NewKey(name="op", scopes=(OPERATOR,)), account_id=None)
    settings = {"host": "smsc.example.com", "port": 2775, "system_id": "whimbrel"}
    made = await carriers.create(ctx, ACTOR, carriers.NewCarrier(name="one", settings=settings, password="secret"))
    await routes.create(ctx, ACTOR, routes.NewRoute(carriers=(made.id,)))
    await routes.create(ctx, ACTOR, routes.NewRoute(carriers=(made.id,), prefix="44", position=1))
    await prices.put(ctx, ACTOR, prices.NewPrice(prefix="", price="0.01"))


async def decide(leading: Cell) -> str:
    """What the operator says of consent and quiet hours; the id of his list."""
    ctx = leading.manage
    await policies.put(ctx, ACTOR, policies.NewPolicy(require_consent=True), account_id=None)
    rule = policies.NewRule(title="Germany", country="DE", hours={"every": "08:00-20:00"}, source="Our lawyer")
    await policies.put_rule(ctx, ACTOR, "DE-OWN", rule)
    await consent_words.add_word(ctx, ACTOR, consent_words.NewConsentWord(kind="stop", word="basta"), account_id=None)
    text = consent_words.NewConsentText(kind="help", text="{name}: call us")
    await consent_words.put_text(ctx, ACTOR, text, account_id=None)
    new = suppression.NewSuppressionList(name="complaints", classes=("marketing", "transactional"))
    made = await suppression.create(ctx, ACTOR, new, account_id=None)
    numbers = suppression.NewNumbers(numbers=NUMBERS, reason="They sued")
    await suppression.add(ctx, ACTOR, made.id, numbers, account_id=None)
    return made.id


async def installation(cell: Cell) -> list[list[str]]:
    """Everything that belongs to it."""
    tables = (
        "carriers",
        "routes",
        "prices",
        "quiet_rules",
        *(
            f"{table} WHERE account_id IS NULL"
            for table in ("keys", "policies", "consent_words", "consent_texts", "suppression_lists", "suppressions")
        ),
    )
    return [[repr(row) for row in await cell.rows(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in tables]


async def test_the_other_cells_become_like_the_leading_one(cells):
    eu, us = cells
    copies = Copies(store=us.store, tables=us.tables, leading=lambda: eu.store)
    assert not await copies.look(), "nobody has set up the leading cell yet"
    await furnish(eu)
    assert await copies.look()
    assert await installation(us) == await installation(eu)
    assert us.tables.prices.price("", "44", 1)[0] == 10_000
    assert not await copies.look(), "alike"
    (route, *_) = (await routes.find(eu.manage)).data
    await routes.delete(eu.manage, ACTOR, route.id)
    (price,) = (await prices.find(eu.manage)).data
    await prices.delete(eu.manage, ACTOR, price.id)
    await prices.put(eu.manage, ACTOR, prices.NewPrice(prefix="", price="0.02"))  # another row of the same prefix
    (key,) = (await keys.find(eu.manage, account_id=None)).data
    await keys.create(eu.manage, ACTOR, keys.NewKey(name="op 2", scopes=(OPERATOR,)), account_id=None)
    await keys.revoke(eu.manage, ACTOR, key.id, account_id=None)
    assert await copies.look()
    assert await installation(us) == await installation(eu)
    assert len(us.tables.keys) == 1, "a revoked key is none"


def listed(cell: Cell, list_id: str) -> list[bool]:
    """Which of the numbers are on a list, by what is in memory."""
    found = cell.tables.opt_outs.get(list_id, ())
    return [cell.manage.vault.number_hash(number) in found for number in NUMBERS]


async def test_what_the_operator_says_of_consent_and_quiet_hours_holds_in_every_cell(cells):
    eu, us = cells
    copies = Copies(store=us.store, tables=us.tables, leading=lambda: eu.store)
    await furnish(eu)
    list_id = await decide(eu)
    assert await copies.look() and not await copies.look()
    assert await installation(us) == await installation(eu)
    assert us.tables.policies.of("AC1").require_consent and listed(us, list_id) == [True, True, True]
    assert [word.plain for word in us.tables.consent.words.of("AC1")] == ["basta"]
    await suppression.remove(eu.manage, ACTOR, list_id, NUMBERS[0], account_id=None)
    await policies.delete_rule(eu.manage, ACTOR, "DE-OWN")
    assert await copies.look()
    assert await installation(us) == await installation(eu) and listed(us, list_id) == [False, True, True]
    await eu.rows("DELETE FROM opt_out_changes")  # as when this cell was away for longer than they are kept
    await suppression.remove(eu.manage, ACTOR, list_id, NUMBERS[1], account_id=None)
    again = suppression.NewNumbers(numbers=NUMBERS[:1])
    await suppression.add(eu.manage, ACTOR, list_id, again, account_id=None)
    await us.rows("DELETE FROM suppressions WHERE number = $1", NUMBERS[2])
    assert await Copies(store=us.store, tables=us.tables, leading=lambda: eu.store).look()
    assert await installation(us) == await installation(eu) and listed(us, list_id) == [True, False, True]
    await copies.look()
    for number in (NUMBERS[2], NUMBERS[0]):
        asked = erasing.NewErasure(number=number)
        assert (await erasing.erase(eu.manage, ACTOR, asked, account_id=None, test=False)).consents == 1
        assert await copies.look() and not await copies.look()
        assert await installation(us) == await installation(eu) and listed(us, list_id) == [True, False, True]
        assert number not in repr(await us.rows("SELECT * FROM suppressions"))
        await eu.rows("UPDATE suppressions SET number = $1 WHERE number IS NULL", "+1")
        await us.rows("UPDATE suppressions SET number = $1 WHERE number IS NULL", "+1")
    await eu.rows("UPDATE suppressions SET number = NULL")
    await eu.rows("DELETE FROM opt_out_changes")
    assert await Copies(store=us.store, tables=us.tables, leading=lambda: eu.store).look(), "erased while it was away"
    assert await installation(us) == await installation(eu)
    await suppression.delete(eu.manage, ACTOR, list_id, account_id=None)
    assert await copies.look()
    assert await installation(us) == await installation(eu) and await us.rows("SELECT 1 FROM suppressions") == []


async def test_two_lists_may_change_names_with_each_other(cells):
    eu, us = cells
    copies = Copies(store=us.store, tables=us.tables, leading=lambda: eu.store)
    await furnish(eu)
    one = await decide(eu)
    new = suppression.NewSuppressionList(name="register", classes=("marketing",))
    two = await suppression.create(eu.manage, ACTOR, new, account_id=None)
    assert await copies.look()
    for list_id, name in ((one, "other"), (two.id, "complaints"), (one, "register")):
        await suppression.put(
            eu.manage, ACTOR, list_id, suppression.NewSuppressionList(name=name, classes=("otp",)), account_id=None
        )
    assert await copies.look()
    assert await installation(us) == await installation(eu) and listed(us, one) == [True, True, True]


async def test_what_an_account_has_is_its_cells_own(cells):
    eu, us = cells
    await furnish(eu)
    await decide(eu)
    account = await samples.furnish(us)
    before = await samples.held(us, account)
    assert await Copies(store=us.store, tables=us.tables, leading=lambda: eu.store).look()
    assert await samples.held(us, account) == before


async def test_a_leading_cell_that_is_empty_or_away_changes_nothing(cells):
    eu, us = cells
    await furnish(us)
    before = await installation(us)
    for leading in (lambda: eu.store, lambda: None):
        assert not await Copies(store=us.store, tables=us.tables, leading=leading).look()
    assert await installation(us) == before


async def test_what_another_cell_changes_is_refused(cells):
    _, us = cells
    ctx = type(us.manage)(
        **{name: getattr(us.manage, name) for name in us.manage.__struct_fields__} | {"leading": "eu"}
    )
    for attempt in (
        prices.put(ctx, ACTOR, prices.NewPrice(prefix="", price="0.01")),
        keys.create(ctx, ACTOR, keys.NewKey(name="op", scopes=(OPERATOR,)), account_id=None),
        policies.put(ctx, ACTOR, policies.NewPolicy(), account_id=None),
        suppression.create(
            ctx, ACTOR, suppression.NewSuppressionList(name="register", classes=("otp",)), account_id=None
        ),
    ):
        with pytest.raises(WhimbrelError) as refused:
            await attempt
        assert refused.value.code == "conflict"
        assert "the cell that leads, eu" in refused.value.detail


class OneIsDown:
    """The other cells: a number of theirs cannot be reached now, all others are nobody's."""

    def inbound_of(self, number):
        if number == "12025550999":
            raise WhimbrelError("cell_unavailable")

    def unknown(self):
        return frozenset()


async def test_a_text_to_a_cell_that_is_down_holds_up_nobody_elses(cells):
    eu, _ = cells
    account = await samples.furnish(eu)
    ctx = eu.manage
    taking = InboundTexts(
        store=eu.store, tables=eu.tables, clock=eu.clock, ids=ctx.ids, vault=ctx.vault, metrics=Metrics(),
        spoken=lambda: None, others=OneIsDown(),
    )  # fmt: skip
    texts = [Inbound("+447911123456", to, b"STOP", 0, 0, 1, 1, "s") for to in ("+12025550999", samples.NUMBER)]
    with pytest.raises(NotNow) as refused:
        await taking.take(samples.CARRIER, texts)
    assert refused.value.texts == texts[:1]
    assert await eu.rows("SELECT 1 FROM messages WHERE text = 'STOP' AND account_id = $1", account.id)
