"""What customers' binds are owed: the rows, the follower that writes them, and what a crash leaves of both."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from store_samples import ACCOUNT, HOUR, NOT_NULL, NOW, OTHER_ACCOUNT, SECOND, message, positions, submit, top_up

from whimbrel.domain.customer_receipts import Parcel
from whimbrel.domain.customers import CustomerSettings
from whimbrel.domain.model import Flag, Message, Options, SmppCredential
from whimbrel.domain.wire import Origin
from whimbrel.journey import owed as module
from whimbrel.journey.owed import CURSOR, Owed
from whimbrel.store.errors import CommitUnknown
from whimbrel.store.interface import Ending, InboundRow, Write
from whimbrel.store.owed import waiting
from whimbrel.store.rows import to_columns
from whimbrel.store.store import SqlStore

ONE, TWO, TEST, OTHERS = "SC1", "SC2", "SC3", "SC4"
ALL, FAILURES = 1, 2


class Position(msgspec.Struct, frozen=True):
    position: int


class Tables(SimpleNamespace):
    """The credentials, and whom their changes are told."""

    def __init__(self, *credentials: SmppCredential) -> None:
        super().__init__(smpp_credentials={row.id: row for row in credentials}, accounts={}, told=[])

    def subscribe(self, kind: str, changed: Any) -> None:
        self.told.append(changed)

    def become(self, *credentials: SmppCredential) -> None:
        self.smpp_credentials = {row.id: row for row in credentials}
        for changed in self.told:
            changed()


def credential(id_: str = ONE, *, account: str = ACCOUNT, test: bool = False, at: int = NOW, **settings: Any):
    chosen = msgspec.json.encode(CustomerSettings(**settings)).decode()
    return SmppCredential(id_, account, test, id_, id_, "", "active", chosen, at, at)


CUSTOMERS = (
    credential(ONE),
    credential(TWO, inbound=False),
    credential(TEST, test=True),
    credential(OTHERS, account=OTHER_ACCOUNT),
)


@pytest.fixture
async def tables() -> Tables:
    return Tables(*CUSTOMERS)


@pytest.fixture
async def owed(store: SqlStore, tables: Tables) -> Owed:
    """The follower; a test takes its steps itself."""
    return await begun(store, tables)


async def begun(store: SqlStore, tables: Tables) -> Owed:
    """As `start` leaves it, without its task."""
    follower = Owed(store, tables)
    await follower.start()
    await follower.stop()
    return follower


async def catch_up(follower: Owed) -> None:
    while await follower.follow():
        pass


def came(credential_id: str = ONE, registered: int = ALL, **changes: Any) -> Message:
    """A message that came over a bind."""
    origin = Origin(credential_id, registered, (5, 0, "Acme"), (1, 1, "447700900123"))
    options = msgspec.json.encode(Options(origin=origin)).decode()
    return message(flags=Flag.ORIGIN, options=options, **changes)


async def end(store: SqlStore, *ended: Message, state: str = "failed", reason: str = "carrier_rejected") -> None:
    await store.finish([Ending(each.id, ("queued",), state, reason, NOW + SECOND) for each in ended])


def text(account: str = ACCOUNT, *, at: int = NOW, test: bool = False) -> InboundRow:
    id_ = message().id
    return InboundRow(
        id_, "CR1", id_, hash(id_) & 0xFFFF, account, test, "+447700900123", "+12025550100", 21, 22, "Hi", "gsm7", at
    )


async def page(store: SqlStore, credential_id: str = ONE, after: int = 0, limit: int = 100) -> list[Parcel]:
    return await store.fetch(Parcel, "smpp_owed_page", credential_id, after, limit)


async def kinds(store: SqlStore, credential_id: str = ONE) -> list[tuple[str, str]]:
    return [(row.message_id, row.kind.removeprefix("message.")) for row in await page(store, credential_id)]


async def cursor(store: SqlStore) -> int:
    rows = await store.fetch(Position, "cursor_by_name", CURSOR)
    return rows[0].position if rows else 0


# ---------------------------------------------------------------- who is owed what


async def test_a_receipt_is_owed_to_the_credential_that_brought_the_message(store: SqlStore, owed: Owed):
    sent = came()
    await submit(store, sent, message())
    await catch_up(owed)
    assert await kinds(store) == []
    await end(store, sent)
    await catch_up(owed)
    (row,) = await page(store)
    assert (row.message_id, row.kind, row.at) == (sent.id, "message.failed", NOW + SECOND)
    assert msgspec.json.decode(row.data)["reason"] == "carrier_rejected"
    assert (row.text, row.recipient, row.segments, row.options) == (sent.text, sent.recipient, 1, sent.options)
    assert await page(store, TWO) == await page(store, TEST) == await page(store, OTHERS) == []


async def test_only_what_was_asked_for_is_owed(store: SqlStore, owed: Owed):
    silent, failures = came(registered=0), came(registered=FAILURES)
    await submit(store, silent, failures)
    await end(store, silent, failures)
    await catch_up(owed)
    assert await kinds(store) == [(failures.id, "failed")]


async def test_messages_of_other_doors_are_owed_to_nobody(store: SqlStore, owed: Owed):
    plain = message()
    await submit(store, plain)
    await end(store, plain)
    await catch_up(owed)
    assert await kinds(store) == []


async def test_a_test_credential_is_owed_test_traffic_only(store: SqlStore, owed: Owed):
    mine, strange = came(TEST, test=True), came(TEST)
    await submit(store, mine, strange)
    await end(store, mine, strange)
    await store.record_inbound([text(), text(test=True)])
    await catch_up(owed)
    assert [kind for _, kind in await kinds(store, TEST)] == ["failed", "received"]
    assert [kind for _, kind in await kinds(store, ONE)] == ["received"]


async def test_a_text_is_owed_once_to_each_credential_of_its_account_that_takes_texts(store: SqlStore, tables: Tables):
    tables.become(credential(ONE), credential(TWO, inbound=False), credential("SC5"), CUSTOMERS[3])
    owed = await begun(store, tables)
    row = text()
    await store.record_inbound([row])
    await catch_up(owed)
    expected = [(row.message_id, "received")]
    assert await kinds(store, ONE) == await kinds(store, "SC5") == expected
    assert await kinds(store, TWO) == await kinds(store, OTHERS) == []


async def test_what_phones_wrote_before_a_credential_was_made_is_not_its_own(store: SqlStore, tables: Tables):
    tables.become(credential(at=NOW + HOUR))
    owed = await begun(store, tables)
    early, late = text(at=NOW + HOUR - 1), text(at=NOW + HOUR)
    await store.record_inbound([early, late])
    await catch_up(owed)
    assert [id_ for id_, _ in await kinds(store)] == [late.message_id]


# ---------------------------------------------------------------- the cursor


async def test_without_a_credential_the_log_is_not_read(store: SqlStore, tables: Tables, monkeypatch):
    tables.become()
    owed = await begun(store, tables)
    sent = came()
    await submit(store, sent)

    async def unread(*_: Any) -> None:
        raise AssertionError("the log was read")

    with monkeypatch.context() as patch:
        patch.setattr(store, "fetch", unread)
        await catch_up(owed)
    tables.become(*CUSTOMERS)
    await end(store, sent)
    await catch_up(owed)
    assert await kinds(store) == [(sent.id, "failed")]


async def test_rows_and_cursor_are_one_commit(store: SqlStore, tables: Tables, owed: Owed, monkeypatch):
    """A kill before the commit leaves neither, one after it both: a new follower makes each row once."""
    sent = [came() for _ in range(5)]
    await submit(store, *sent)
    await end(store, *sent)
    real = store.advance

    async def killed(name: str, start: int, end: int, also: Sequence[Write]) -> bool:
        broken = Write("cursor_set", (("other", None),))
        return await real(name, start, end, (*also, broken))

    with monkeypatch.context() as patch:
        patch.setattr(store, "advance", killed)
        with pytest.raises(Exception, match=NOT_NULL):
            await owed.follow()
    assert (await kinds(store), await cursor(store)) == ([], 0)
    await catch_up(await begun(store, tables))
    expected = [(each.id, "failed") for each in sent]
    assert await kinds(store) == expected
    await catch_up(await begun(store, tables))
    assert await kinds(store) == expected


async def test_a_list_that_is_taken_twice_owes_nothing_twice(store: SqlStore, tables: Tables, owed: Owed):
    sent = came()
    await submit(store, sent)
    await end(store, sent)
    await catch_up(owed)
    again = await begun(store, tables)
    again._position = 0
    await catch_up(again)
    assert await kinds(store) == [(sent.id, "failed")]


async def test_a_node_that_was_frozen_with_a_list_owes_nothing_that_was_delivered_meanwhile(
    store: SqlStore, tables: Tables, owed: Owed, monkeypatch
):
    sent, later = came(), came()
    await submit(store, sent, later)
    await end(store, sent)
    taken = await owed._take(owed._position)
    await catch_up(await begun(store, tables))
    (row,) = await page(store)
    await store.write([Write("smpp_owed_delete", ((ONE, row.position),))])

    async def frozen(position: int) -> Any:
        return taken

    with monkeypatch.context() as patch:
        patch.setattr(owed, "_take", frozen)
        await owed.follow()
    assert await kinds(store) == []
    await end(store, later)
    await catch_up(owed)
    assert await kinds(store) == [(later.id, "failed")], "it goes on where the other one stopped"


async def test_what_was_written_and_never_heard_of_is_not_owed_again(store: SqlStore, owed: Owed, monkeypatch):
    sent = came()
    await submit(store, sent)
    await end(store, sent)
    advance = store.advance

    async def unknown(*taken: Any) -> bool:
        await advance(*taken)
        raise CommitUnknown("it may or may not have been stored")

    with monkeypatch.context() as patch:
        patch.setattr(store, "advance", unknown)
        with pytest.raises(CommitUnknown):
            await owed.follow()
    (row,) = await page(store)
    await store.write([Write("smpp_owed_delete", ((ONE, row.position),))])
    await catch_up(owed)
    assert await kinds(store) == []


async def test_long_stretches_of_others_are_passed_over_and_the_cursor_follows_now_and_then(
    store: SqlStore, owed: Owed, monkeypatch
):
    monkeypatch.setattr(module, "EVENTS_SCAN_MAX", 10)
    monkeypatch.setattr(module, "_SAVE_EVERY", 25)
    rows = [(OTHER_ACCOUNT, 0, f"OO{n:032x}", 1, "opt_out.created", "{}", 0, NOW) for n in range(47)]
    await store.write([Write("event_insert", tuple(rows))])
    sent = came()
    await submit(store, sent)
    await catch_up(owed)
    assert await cursor(store) == (await positions(store))[29]
    await end(store, sent)
    await catch_up(owed)
    assert await kinds(store) == [(sent.id, "failed")]
    assert await cursor(store) == (await positions(store))[48]


async def test_who_is_deleted_while_a_list_is_under_way_is_owed_nothing(
    store: SqlStore, tables: Tables, owed: Owed, monkeypatch
):
    sent = came()
    await submit(store, sent)
    await end(store, sent)
    advance = store.advance

    async def after_the_delete(*taken: Any) -> bool:
        await store.write([Write("smpp_owed_drop", ((ONE,),))])
        tables.become(credential(TWO, inbound=False))
        return await advance(*taken)

    monkeypatch.setattr(store, "advance", after_the_delete)
    await catch_up(owed)
    assert await page(store) == []


async def test_a_full_list_is_followed_by_the_next(store: SqlStore, owed: Owed):
    owed._limit = 3
    sent = [came() for _ in range(7)]
    await submit(store, *sent)
    await end(store, *sent)
    await catch_up(owed)
    assert [id_ for id_, _ in await kinds(store)] == [each.id for each in sent]


async def test_who_is_owed_more_is_told_after_the_commit(store: SqlStore, owed: Owed):
    told: list[set[str]] = []
    owed.subscribe(lambda ids: told.append(set(ids)))
    sent, others = came(), came(OTHERS, account_id=OTHER_ACCOUNT)
    await store.write(top_up(OTHER_ACCOUNT, 10**9))
    await submit(store, sent, others)
    await catch_up(owed)
    assert told == []
    await end(store, sent, others)
    await catch_up(owed)
    assert told == [{ONE, OTHERS}]


# ---------------------------------------------------------------- the rows


def owed_rows(count: int, credential_id: str = ONE, *, at: int = NOW, first: int = 1) -> Write:
    rows = [(credential_id, first + n, f"SM{n:032x}", "message.delivered", "{}", at) for n in range(count)]
    return Write("smpp_owed_insert", tuple(rows))


async def test_pages_follow_each_other_in_order(store: SqlStore):
    await store.write([owed_rows(5), owed_rows(2, TWO, first=3)])
    first = await page(store, limit=3)
    assert [row.position for row in first] == [1, 2, 3]
    assert [row.position for row in await page(store, after=3, limit=3)] == [4, 5]
    assert first[0].options is None


async def test_rows_go_by_key(store: SqlStore):
    await store.write([owed_rows(150), owed_rows(3, TWO)])
    taken = tuple((ONE, position) for position in range(1, 150))
    assert await store.write([Write("smpp_owed_delete", (*taken, (TWO, 2), (TWO, 99)))]) == [150]
    assert [row.position for row in await page(store)] == [150]
    assert [row.position for row in await page(store, TWO)] == [1, 3]
    assert await store.write([Write("smpp_owed_drop", ((TWO,),))]) == [2]


def made(*credentials: SmppCredential) -> Write:
    """The credentials in the store."""
    return Write("smpp_credential_insert", tuple(to_columns(each) for each in credentials))


async def test_how_much_is_owed(store: SqlStore, monkeypatch):
    await store.write([made(credential(ONE), credential(TWO), credential(TEST))])
    await store.write([owed_rows(5, at=NOW + SECOND), owed_rows(4, TWO)])
    found = await waiting(store, [ONE, TEST, "SC of nobody"])
    assert {each.credential_id: (each.count, each.oldest_at) for each in found.values()} == {
        ONE: (5, NOW + SECOND),
        TEST: (0, None),
    }
    monkeypatch.setattr("whimbrel.store.owed.COUNTED_MAX", 3)
    assert (await waiting(store, [ONE]))[ONE].count == 3
    assert [row.position for row in await store.fetch(Position, "smpp_owed_total", 100)] == [9]


async def test_rows_go_with_their_retention_as_their_events_do(store: SqlStore):
    await store.write([made(credential(ONE))])
    sent = message()
    await submit(store, sent)
    await end(store, sent)
    first, last = await positions(store)
    rows = [(ONE, place, sent.id, "message.delivered", "{}", NOW) for place in (first, last, last + 1)]
    await store.write([Write("smpp_owed_insert", tuple(rows))])
    assert await store.purge({"owed": NOW + 1}, 100) == 0  # the first event is there still
    await store.purge({"events": NOW + 72 * HOUR}, 100)
    assert await store.purge({"owed": NOW}, 100) == 0
    assert await store.purge({"owed": NOW + 1}, 100) == 1
    assert [row.position for row in await page(store)] == [last, last + 1]
