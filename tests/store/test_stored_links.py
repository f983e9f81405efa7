"""Links in the store: those of a text come and go with their message, clicks are counted once each."""

from typing import Any

import msgspec
from store_samples import ACCOUNT, IDS, NOW, message

from whimbrel.base.limits import LINK_CLICKS_KEPT
from whimbrel.domain.links import Click, Conversion, Figures, Link
from whimbrel.domain.model import Event
from whimbrel.store.interface import Submission, Write
from whimbrel.store.links import ClickRow
from whimbrel.store.store import SqlStore


def a_link(code: str, message_id: str | None = None, **changes: Any) -> Link:
    link = Link(
        IDS.new("LK"), code, ACCOUNT, False, message_id, "https://a.example", "https://l.example", "", "CM1", "a", NOW,
        NOW + 5,
    )  # fmt: skip
    return msgspec.structs.replace(link, **changes)


def click(link: Link, kind: Any = "person", *, every: bool = False) -> ClickRow:
    made = Click(IDS.new("LC"), link.id, ACCOUNT, False, kind, "", "", "", "", False, NOW)
    return ClickRow(made, every)


async def stored(store: SqlStore, *links: Link) -> None:
    ids = sorted({link.message_id for link in links if link.message_id})
    await store.accept([Submission(tuple(message(id=id_) for id_ in ids), links=links)])


async def read(store: SqlStore, link: Link) -> Link:
    (found,) = await store.fetch(Link, "links_by_ids", ACCOUNT, 0, [link.id])
    return found


async def events(store: SqlStore, subject: str) -> list[tuple[int, str]]:
    return [(e.seq, e.type) for e in await store.fetch(Event, "events_of_subject", ACCOUNT, subject)]


async def test_a_code_that_is_taken_lets_nothing_be_stored(store: SqlStore):
    first, second = IDS.new("SM"), IDS.new("SM")
    await stored(store, a_link("abcdefgh", first))
    (answer,) = await store.accept([Submission((message(id=second),), links=(a_link("abcdefgh", second),))])
    assert answer.stale
    assert await store.messages([second]) == []


async def test_links_of_a_message_that_is_not_paid_for_are_not_stored(store: SqlStore):
    poor, rich = message(id=IDS.new("SM"), price_micros=10**12), message(id=IDS.new("SM"))
    links = (a_link("aaaaaaaa", poor.id), a_link("bbbbbbbb", rich.id))
    (answer,) = await store.accept([Submission((poor, rich), links=links)])
    assert answer.uncovered == (poor.id,)
    assert set(await store.links.by_codes(["aaaaaaaa", "bbbbbbbb"])) == {"bbbbbbbb"}


async def test_the_first_click_by_a_person_is_told_of_once(store: SqlStore):
    message_id = IDS.new("SM")
    link, other = a_link("abcdefgh", message_id), a_link("abcdefgj", message_id)
    await stored(store, link, other)
    assert await store.links.clicked([click(link, "previewer"), click(link), click(link)]) == 3
    assert await store.links.clicked([click(link), click(other)]) == 2
    assert await store.links.clicked([click(a_link("none1111"))]) == 0
    found = await read(store, link)
    assert (found.people, found.bots, found.first_click_at) == (3, 1, NOW)
    told = [kind for _, kind in await events(store, message_id)]
    assert told.count("link.clicked") == 2
    assert [seq for seq, _ in await events(store, message_id)] == [1, 2, 3]
    (sent,) = await store.messages([message_id])
    assert sent.seq == 3
    (figures,) = await store.fetch(Figures, "link_figures_of", ACCOUNT, 0, "CM1")
    assert (figures.recipients, figures.people, figures.bots) == (1, 4, 1)
    clicks = await store.fetch(Click, "link_clicks_page", ACCOUNT, link.id, "~", 10)
    assert sorted((each.kind, each.first) for each in clicks) == [
        ("person", False), ("person", False), ("person", True), ("previewer", False),
    ]  # fmt: skip


async def test_a_link_without_a_message_numbers_its_own_events(store: SqlStore):
    link = a_link("abcdefgh", group_id="")
    await store.write([_insert(link)])
    await store.links.clicked([click(link, every=True), click(link, every=True), click(link, "bot", every=True)])
    assert await events(store, link.id) == [(1, "link.clicked"), (2, "link.clicked")]
    order = Conversion(link.id, "order", "7", ACCOUNT, False, "", 5, "EUR", NOW)
    assert await store.links.converted([order, order]) == [True, False]
    assert await store.links.converted([order]) == [False]
    assert (await events(store, link.id))[-1] == (3, "link.converted")
    assert (await read(store, link)).conversions == 1


async def test_of_very_many_clicks_the_first_have_rows(store: SqlStore):
    link = a_link("abcdefgh", group_id="", people=LINK_CLICKS_KEPT - 1, first_click_at=NOW)
    await store.write([_insert(link)])
    await store.links.clicked([click(link), click(link)])
    assert (await read(store, link)).people == LINK_CLICKS_KEPT + 1
    assert len(await store.fetch(Click, "link_clicks_page", ACCOUNT, link.id, "~", 10)) == 1


async def test_links_go_with_their_message_and_when_they_are_old(store: SqlStore):
    message_id = IDS.new("SM")
    link, old = a_link("abcdefgh", message_id), a_link("abcdefgj")
    await stored(store, link)
    await store.write([_insert(old)])
    await store.links.clicked([click(link), click(old)])
    await store.purge({"links": NOW + 5, "link_clicks": NOW, "link_conversions": NOW}, 10)
    assert len(await store.links.by_codes(["abcdefgh", "abcdefgj"])) == 2
    await store.purge({"links": NOW + 6, "link_clicks": NOW + 1}, 10)
    assert await store.links.by_codes(["abcdefgh", "abcdefgj"]) == {}
    assert await store.fetch(Click, "link_clicks_page", ACCOUNT, old.id, "~", 10) == []


def _insert(link: Link) -> Any:
    from_row = msgspec.structs.astuple(link)
    return Write("link_insert", (tuple(int(v) if isinstance(v, bool) else v for v in from_row),))
