"""record_clicks, record_conversions: what happened to short links, many in one commit: rows of the log, the figures of
links and of their groups, and the events. Whoever counts a link has its row until he commits, so that one click is the
first, on however many nodes they come.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base.ids import EVENT_SEQ_MAX
from whimbrel.base.limits import LINK_CLICKS_KEPT
from whimbrel.domain.links import CLICKED, CONVERTED, Click, Conversion, Figures
from whimbrel.store.script import Each, Many, One, Query, Row, Rows, Script
from whimbrel.store.verbs.events import event_data

_as_row = msgspec.structs.astuple
_PERSON: Final = "person"


class ClickRow(msgspec.Struct, frozen=True, gc=False):
    """A click to be counted; whether it is the first is found out then. `every`: each one by a person is told of."""

    click: Click
    every: bool = False


class _Link(msgspec.Struct, gc=False):
    """Columns of `links_to_click`."""

    id: str
    account_id: str
    test: int
    message_id: str | None
    group_id: str
    variant: str
    people: int
    bots: int
    first_click_at: int | None
    last_click_at: int | None
    seq: int


class _Told(msgspec.Struct, frozen=True, gc=False):
    """Something to tell of a link."""

    link: _Link
    kind: str
    at: int
    facts: dict[str, str | int | None]


def by_codes(codes: Sequence[str]) -> Script[Rows]:
    """Links that have one of these codes."""
    rows: Rows = yield Query("links_by_codes", (list(codes),))
    return rows


def record_clicks(rows: Sequence[ClickRow]) -> Script[int]:
    """How many are of links that there are. Of a link with very many clicks only the first ones have rows."""
    links = yield from _links({row.click.link_id for row in rows})
    known = [row for row in rows if row.click.link_id in links]
    if not known:
        return 0
    figures = yield from _recipients(known, links)
    clicks: list[Click] = []
    told: list[_Told] = []
    for row in known:
        link = links[row.click.link_id]
        click = _counted(row.click, link)
        if link.people + link.bots <= LINK_CLICKS_KEPT:
            clicks.append(click)
        if click.first or (row.every and click.kind == _PERSON):
            told.append(_Told(link, CLICKED, click.at, {"click_id": click.id, "first": int(click.first)}))
        if link.group_id:
            figures[_group(link)]["people" if click.kind == _PERSON else "bots"] += 1
    yield from _tell(told)
    yield Many("link_clicked", [_figures_of(links[id_]) for id_ in sorted(links)])
    if clicks:
        yield Many("link_click_insert", [_as_row(click) for click in clicks])
    yield from _add(figures)
    return len(known)


def record_conversions(rows: Sequence[Conversion]) -> Script[list[bool]]:
    """Whether each is new: of one link, name and reference there is one."""
    links = yield from _links({row.link_id for row in rows})
    figures: _Groups = defaultdict(Counter)
    new: list[bool] = []
    told: list[_Told] = []
    for row in rows:
        link = links.get(row.link_id)
        stored: int = (yield One("link_conversion_insert", _as_row(row))) if link is not None else 0
        new.append(stored > 0)
        if link is not None and stored:
            told.append(_Told(link, CONVERTED, row.at, {"click_id": row.click_id or None, "name": row.name}))
            if link.group_id:
                figures[_group(link)]["conversions"] += 1
    yield from _tell(told)
    counts = Counter(each.link.id for each in told)
    if counts:
        yield Many("link_converted", [(id_, counts[id_], links[id_].seq) for id_ in sorted(counts)])
    yield from _add(figures)
    return new


_Groups = defaultdict[tuple[str, str, str, int], Counter[str]]


def _links(ids: set[str]) -> Script[dict[str, _Link]]:
    rows: Rows = yield Query("links_to_click", (sorted(ids),))
    return {row[0]: _Link(*row) for row in rows}


def _group(link: _Link) -> tuple[str, str, str, int]:
    return (link.group_id, link.variant, link.account_id, link.test)


def _recipients(rows: Sequence[ClickRow], links: dict[str, _Link]) -> Script[_Groups]:
    """For each group the messages of which a person opens a link for the first time now."""
    figures: _Groups = defaultdict(Counter)
    opening: dict[str, _Link] = {}
    for row in rows:
        link = links[row.click.link_id]
        if row.click.kind == _PERSON and link.group_id and link.message_id and not link.people:
            opening.setdefault(link.message_id, link)
    if opening:
        opened: Rows = yield Query("links_opened_of", (sorted(opening),))
        for message_id in opening.keys() - {columns[0] for columns in opened}:
            figures[_group(opening[message_id])]["recipients"] += 1
    return figures


def _counted(click: Click, link: _Link) -> Click:
    """The click as it is stored, with the link's figures moved on."""
    if click.kind != _PERSON:
        link.bots += 1
        return click
    first = link.people == 0
    link.people += 1
    link.first_click_at = click.at if first else link.first_click_at
    link.last_click_at = max(click.at, link.last_click_at or 0)
    return msgspec.structs.replace(click, first=first)


def _figures_of(link: _Link) -> Row:
    return (link.id, link.people, link.bots, link.first_click_at, link.last_click_at, link.seq)


def _tell(told: Sequence[_Told]) -> Script[None]:
    """Events: of the message, in its order, or of the link itself where it has none (any more)."""
    if not told:
        return
    counts = Counter(each.link.message_id for each in told if each.link.message_id is not None)
    numbers: dict[str, int] = {}
    if counts:
        rows: Rows = yield Each("message_seq", [(id_, counts[id_]) for id_ in sorted(counts)])
        numbers = {row[0]: row[3] - counts[row[0]] for row in rows}
    events: list[Row] = []
    for each in told:
        link, subject = each.link, each.link.id
        if link.message_id in numbers:
            assert link.message_id is not None
            subject = link.message_id
            seq = numbers[subject] = numbers[subject] + 1
        else:
            seq = link.seq = link.seq + 1
        if seq <= EVENT_SEQ_MAX:
            data = event_data(link_id=link.id, message_id=link.message_id, group_id=link.group_id or None, **each.facts)
            events.append((link.account_id, link.test, subject, seq, each.kind, data, 0, each.at))
    if events:
        yield Many("event_insert", events)


def _add(figures: _Groups) -> Script[None]:
    if figures:
        yield Many("link_figures_add", [_as_row(_figures(key, figures[key])) for key in sorted(figures)])


def _figures(key: tuple[str, str, str, int], counts: Counter[str]) -> Figures:
    group_id, variant, account_id, test = key
    names = ("recipients", "people", "bots", "conversions")
    return Figures(account_id, bool(test), group_id, variant, *(counts[name] for name in names))
