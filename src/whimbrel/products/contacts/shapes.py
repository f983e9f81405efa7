"""Contacts as requests and answers show them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments
from whimbrel.domain.contact_values import fields_of
from whimbrel.domain.contacts import Contact, FieldKind, Outcome
from whimbrel.products.contacts.known import Known

Number = Annotated[str, Meta(description="In E.164.")]
Fields = Annotated[dict[str, Any], Meta(description="Declared fields by name; null clears one.")]
Names = Annotated[tuple[str, ...], Meta(max_length=limits.CONTACT_LABELS_MAX)]
Tags = Annotated[Names, Meta(description="Put on; one that nobody had is made.")]
Lists = Annotated[Names, Meta(description="By name or id; they must be there.")]
Language = Annotated[str | None, Meta(description="Such as `de` or `pt-BR` (BCP 47).")]
TimeZone = Annotated[str | None, Meta(description="An IANA zone, such as `Europe/Berlin`.")]


class NewContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person. What is not given stays as it is where the number is known already."""

    number: Number
    name: str | None = None
    language: Language = None
    time_zone: TimeZone = None
    fields: Fields = {}
    tags: Tags = ()
    lists: Lists = ()


class ContactChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not given stays, an empty text clears."""

    number: str | None = None
    name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    fields: Fields = {}
    tags: Tags = ()
    lists: Lists = ()
    remove_tags: Names = ()
    remove_lists: Names = ()


class ContactBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many of them."""

    contacts: Annotated[tuple[NewContact, ...], Meta(min_length=1, max_length=limits.CONTACTS_BATCH_MAX)]
    existing: Annotated[
        Literal["update", "skip", "replace"],
        Meta(description="What becomes of numbers that are known: what is given is put in, nothing, or all anew."),
    ] = "update"


class BatchItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one, in the order of the request."""

    id: str | None
    outcome: Outcome | Literal["refused"]
    errors: tuple[dict[str, str], ...] = ()


class BatchAnswer(msgspec.Struct, frozen=True):
    """What became of them."""

    data: tuple[BatchItem, ...]
    created: int
    updated: int
    refused: int


class Merge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contacts that are the same person."""

    into: Annotated[str, Meta(description="The one that stays, with its number.")]
    contacts: Annotated[
        tuple[str, ...], Meta(min_length=1, max_length=limits.CONTACT_MERGE_MAX, description="Those that go.")
    ]


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    """A person whom the account knows."""

    id: str
    account_id: str
    test: bool
    number: str
    other_numbers: Annotated[tuple[str, ...], Meta(description="Of contacts that were merged into this one.")]
    name: str
    language: str | None
    time_zone: str | None
    country: str
    fields: dict[str, Any]
    tags: tuple[str, ...]
    lists: tuple[str, ...]
    created_at: str
    updated_at: str
    last_sent_at: Annotated[str | None, Meta(description="When a text last went out to its number, by any sender.")]
    last_received_at: Annotated[str | None, Meta(description="When its last text came.")]
    last_clicked_at: Annotated[str | None, Meta(description="When it last opened a short link.")]
    opted_out_at: Annotated[str | None, Meta(description="Since when it has opted out of all senders.")]


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """A field that contacts have."""

    id: str
    name: str
    kind: FieldKind
    choices: tuple[str, ...]
    created_at: str


class LabelView(msgspec.Struct, frozen=True, kw_only=True):
    """A tag or a list. `members` is counted where one is read."""

    id: str
    name: str
    description: str
    members: int | None
    created_at: str


class SegmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A filter under a name."""

    id: str
    name: str
    filter: str
    created_at: str
    updated_at: str


class CountView(msgspec.Struct, frozen=True):
    """How many contacts there are."""

    count: int


class SegmentPreview(msgspec.Struct, frozen=True):
    """How many contacts a filter holds for, and the newest of them."""

    count: int
    contacts: tuple[ContactView, ...]


def view(contact: Contact, known: Known) -> ContactView:
    """A contact as answers show it."""
    return ContactView(
        id=contact.id,
        account_id=contact.account_id,
        test=contact.test,
        number=contact.number,
        other_numbers=tuple(contact.also.split()),
        name=contact.name,
        language=contact.language,
        time_zone=contact.zone,
        country=contact.country,
        fields=fields_of(contact, known.fields),
        tags=known.names(contact, "tag"),
        lists=known.names(contact, "list"),
        created_at=moments.to_text(contact.created_at),
        updated_at=moments.to_text(contact.updated_at),
        last_sent_at=_at(contact.last_sent_at),
        last_received_at=_at(contact.last_received_at),
        last_clicked_at=_at(contact.last_clicked_at),
        opted_out_at=_at(contact.opted_out_at),
    )


def _at(moment: int | None) -> str | None:
    return None if moment is None else moments.to_text(moment)
