"""Contacts begin flows: when one is made, and when one gets a tag or comes on a list. What requests and
flows did is told by events, and followed here; what an import did stands in pages (`imported`).

A flow begins once for a contact that is new, however that is told.
"""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.domain.contact_values import fields_of
from whimbrel.domain.contacts import Contact, Label, contact_of
from whimbrel.domain.flow_documents import ContactTaggedTrigger
from whimbrel.domain.flows import Flow
from whimbrel.domain.model import Event
from whimbrel.manage.context import Context
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.flows.outcomes import Outcomes, run_depths
from whimbrel.products.flows.starting import Beginning, Starter

ADDED: Final = "contact_added"
TAGGED: Final = "contact_tagged"
_read_trigger = msgspec.json.Decoder(ContactTaggedTrigger).decode
Whose = tuple[str, bool]  # account and mode
Origin = Mapping[str, Any]
"""What `trigger` says of where it came from."""
REQUEST: Final[Origin] = {"source": "request"}


class _Told(msgspec.Struct, frozen=True):
    """The data of an event. `flow_run`: of the run whose step it was."""

    labels: tuple[str, ...] = ()
    flow_run: str | None = None

    @property
    def origin(self) -> Origin:
        """A request, or a step of a flow."""
        return REQUEST if self.flow_run is None else {"source": "flow", "run_id": self.flow_run}


class People:
    """Contacts of one account and mode, with what they are described with."""

    def __init__(self, about: Known, contacts: Iterable[Contact]) -> None:
        self.about = about
        self.contacts = {contact.id: contact for contact in contacts}
        self.labels = {label.id: label for label in about.labels.values()}
        self.by_number = {label.number: label for label in about.labels.values()}

    def described(self, contact: Contact) -> dict[str, Any]:
        """What steps see as `trigger.contact`."""
        return {
            "id": contact.id,
            "name": contact.name,
            "language": contact.language,
            "time_zone": contact.zone,
            "country": contact.country,
            "fields": fields_of(contact, self.about.fields),
            "tags": list(self.about.names(contact, "tag")),
            "lists": list(self.about.names(contact, "list")),
        }


async def people(ctx: Context, whose: Whose, ids: Iterable[str]) -> People:
    """Those of them that are there."""
    account_id, test = whose
    wanted = sorted(set(ids))
    rows = await ctx.store.fetch(contact_of, "contacts_of_ids", account_id, int(test), wanted)
    return People(await known(ctx, account_id, test), rows)


def added(flow: Flow, contact: Contact, told: People, origin: Origin) -> Beginning:
    """A contact is new."""
    trigger = {"type": ADDED, **origin, "contact": told.described(contact)}
    return Beginning(flow=flow, phone=contact.number, origin=contact.id, trigger=trigger, test=contact.test)


def tagged(
    flow: Flow, contact: Contact, told: People, labels: Sequence[Label], *, origin: Origin, key: str
) -> Beginning | None:
    """A contact got labels; None where they are not those that the flow waits for."""
    wanted = _read_trigger(flow.starter)
    if (wanted.tags or wanted.lists) and not any(_is_meant(label, wanted) for label in labels):
        return None
    gained = {kind: sorted(each.name for each in labels if each.kind == kind) for kind in ("tag", "list")}
    trigger = {"type": TAGGED, **origin, "tags": gained["tag"], "lists": gained["list"]}
    trigger["contact"] = told.described(contact)
    return Beginning(flow=flow, phone=contact.number, origin=key, trigger=trigger, test=contact.test)


def _is_meant(label: Label, wanted: ContactTaggedTrigger) -> bool:
    names = wanted.tags if label.kind == "tag" else wanted.lists
    return label.name in names or label.id in names


class _ContactEvents(Outcomes):
    """Events of contacts of one type."""

    def __init__(self, ctx: Context, starter: Starter, kind: str, event_type: str) -> None:
        super().__init__(ctx.store, starter, kind, (event_type,))
        self._ctx = ctx

    async def _beginnings(self, events: Sequence[Event], flows: Sequence[Flow]) -> list[Beginning]:
        by_owner: dict[Whose, list[Event]] = defaultdict(list)
        for event in events:
            by_owner[event.account_id, event.test].append(event)
        found: list[Beginning] = []
        data = {event.position: msgspec.json.decode(event.data, type=_Told) for event in events}
        depths = await run_depths(self._store, (each.flow_run for each in data.values()))
        for whose, theirs in by_owner.items():
            told = await people(self._ctx, whose, (event.subject_id for event in theirs))
            found += [
                msgspec.structs.replace(beginning, depth=depths.get(data[event.position].flow_run or "", -1) + 1)
                for event in theirs
                if event.subject_id in told.contacts
                for flow in flows
                if flow.account_id == event.account_id and event.created_at >= flow.active_from
                for beginning in self._begun(event, data[event.position], told, flow)
            ]
        return found

    @abstractmethod
    def _begun(self, event: Event, data: _Told, told: People, flow: Flow) -> list[Beginning]:
        """What an event begins of one flow."""


class ContactsAdded(_ContactEvents):
    """Contacts that requests and flows made."""

    def __init__(self, ctx: Context, starter: Starter) -> None:
        super().__init__(ctx, starter, ADDED, "contact.created")

    def _begun(self, event: Event, data: _Told, told: People, flow: Flow) -> list[Beginning]:
        return [added(flow, told.contacts[event.subject_id], told, data.origin)]


class ContactsTagged(_ContactEvents):
    """Labels that requests and flows put on."""

    def __init__(self, ctx: Context, starter: Starter) -> None:
        super().__init__(ctx, starter, TAGGED, "contact.tagged")

    def _begun(self, event: Event, data: _Told, told: People, flow: Flow) -> list[Beginning]:
        labels = [told.labels[each] for each in data.labels if each in told.labels]
        key = f"{event.subject_id}:{event.seq}"
        beginning = tagged(flow, told.contacts[event.subject_id], told, labels, origin=data.origin, key=key)
        return [] if beginning is None else [beginning]
