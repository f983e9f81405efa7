"""Clicks begin flows: a person opened a short link that stood in a text. What previewers and bots open is not told of,
and begins nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from whimbrel.domain.callbacks import message_options
from whimbrel.domain.flow_documents import LinkTrigger
from whimbrel.domain.flows import Flow
from whimbrel.domain.links import CLICKED, Link
from whimbrel.domain.model import Event, Message
from whimbrel.products.flows.outcomes import Outcomes, depths_of
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.store.interface import Store

_KIND: Final = "link_clicked"
_read_trigger = msgspec.json.Decoder(LinkTrigger).decode


class _Clicked(msgspec.Struct, frozen=True):
    """The data of `link.clicked`."""

    link_id: str = ""
    message_id: str | None = None
    group_id: str | None = None
    first: int = 0


class _Click(msgspec.Struct, frozen=True):
    """One click, with what it was on."""

    event: Event
    told: _Clicked
    link: Link
    message: Message


class LinkClicks(Outcomes):
    """Clicks on links of texts; one whose text is gone has no phone, and begins nothing."""

    def __init__(self, store: Store, starter: Starter) -> None:
        super().__init__(store, starter, _KIND, (CLICKED,))

    async def _beginnings(self, events: Sequence[Event], flows: Sequence[Flow]) -> list[Beginning]:
        clicks = await self._clicks(events)
        pairs = [(click, flow) for click in clicks for flow in flows if _wants(flow, click)]
        depths = await depths_of(self._store, [click.message for click, _ in pairs])
        return [_beginning(click, flow, depths.get(click.message.id, 0)) for click, flow in pairs]

    async def _clicks(self, events: Sequence[Event]) -> list[_Click]:
        told = {event.position: msgspec.json.decode(event.data, type=_Clicked) for event in events}
        found = await self._store.messages([each.message_id for each in told.values() if each.message_id is not None])
        messages = {message.id: message for message in found}
        links = await self._links(events, told)
        return [
            _Click(event, said, links[said.link_id], messages[said.message_id])
            for event in events
            for said in (told[event.position],)
            if said.link_id in links and said.message_id is not None and said.message_id in messages
        ]

    async def _links(self, events: Sequence[Event], told: dict[int, _Clicked]) -> dict[str, Link]:
        wanted: dict[tuple[str, bool], set[str]] = defaultdict(set)
        for event in events:
            wanted[event.account_id, event.test].add(told[event.position].link_id)
        links: dict[str, Link] = {}
        for (account_id, test), ids in wanted.items():
            rows = await self._store.fetch(Link, "links_by_ids", account_id, int(test), sorted(ids))
            links |= {row.id: row for row in rows}
        return links


def _wants(flow: Flow, click: _Click) -> bool:
    if flow.account_id != click.event.account_id or click.event.created_at < flow.active_from:
        return False
    trigger = _read_trigger(flow.starter)
    return (not trigger.targets or click.link.target.startswith(trigger.targets)) and (
        trigger.tag is None or trigger.tag in message_options(click.message).tags
    )


def _beginning(click: _Click, flow: Flow, depth: int) -> Beginning:
    options = message_options(click.message)
    trigger: dict[str, Any] = {
        "type": _KIND,
        "link_id": click.link.id,
        "name": click.link.name,
        "target": click.link.target,
        "first": bool(click.told.first),
        "group_id": click.told.group_id,
        "message_id": click.message.id,
        "tags": list(options.tags),
        "metadata": options.metadata or {},
    }
    return Beginning(
        flow=flow,
        phone=click.message.recipient,
        number=click.message.sender,
        origin=f"{click.event.subject_id}:{click.event.seq}",
        trigger=trigger,
        test=click.event.test,
        depth=depth,
        message_id=click.message.id,
    )
