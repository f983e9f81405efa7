"""/v1/contacts: people whom an account knows."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.edges.rest.paging import Cursor, Limit, Ordered, PageQuery
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging
from whimbrel.products.contacts import exporting, keeping, timeline
from whimbrel.products.contacts.keeping import Wanted
from whimbrel.products.contacts.shapes import (
    BatchAnswer,
    ContactBatch,
    ContactChange,
    ContactView,
    CountView,
    Merge,
    NewContact,
)
from whimbrel.products.contacts.timeline import TimelineItem

_TAG = "contacts"
_BATCH_MAX = 4 * 1024 * 1024
_EXAMPLE = {
    "number": "+14155550123",
    "name": "Ann Lee",
    "language": "en",
    "fields": {"plan": "pro"},
    "tags": ["vip"],
}


class WhichQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which contacts; together they narrow each other down."""

    filter: Annotated[str | None, Meta(description="A filter as segments have it.")] = None
    segment: Annotated[str | None, Meta(description="Id of a segment.")] = None
    tag: Annotated[str | None, Meta(description="Name or id of a tag.")] = None
    list: Annotated[str | None, Meta(description="Name or id of a list.")] = None
    search: Annotated[str | None, Meta(description="The beginning of a number, or a part of a name.")] = None

    def wanted(self) -> Wanted:
        """The same in the product's words."""
        return Wanted(self.filter, self.segment, self.tag, self.list, self.search)


class ContactsQuery(WhichQuery, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which contacts, and which page of them."""

    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT
    order: Ordered = "desc"


async def create(services: Services, call: Call[NoQuery, NewContact]) -> Answer:
    made = await keeping.create(services.manage, call.actor, call.body, account_id=call.account_id, test=call.test)
    return Answer(made, location=f"/v1/contacts/{made.id}")


async def put(services: Services, call: Call[NoQuery, NewContact]) -> Answer:
    made, is_new = await keeping.put(services.manage, call.body, account_id=call.account_id, test=call.test)
    return Answer(made, status=201 if is_new else 200, location=f"/v1/contacts/{made.id}")


async def put_many(services: Services, call: Call[NoQuery, ContactBatch]) -> Answer:
    return Answer(await keeping.put_many(services.manage, call.body, account_id=call.account_id, test=call.test))


async def find(services: Services, call: Call[ContactsQuery, None]) -> Answer:
    query = call.query
    paging = Paging(query.cursor, query.limit, query.order)
    found = await keeping.find(
        services.manage, query.wanted(), account_id=call.account_id, test=call.test, paging=paging
    )
    return Answer(found)


async def count(services: Services, call: Call[WhichQuery, None]) -> Answer:
    wanted = call.query.wanted()
    return Answer(CountView(await keeping.count(services.manage, wanted, account_id=call.account_id, test=call.test)))


async def export(
    services: Services, call: Call[WhichQuery, None], headers: Headers, receive: Receive, send: Send
) -> None:
    """A page of the file at a time: the next is read when the last one is written."""
    pages = await exporting.export(services.manage, call.query.wanted(), account_id=call.account_id, test=call.test)
    named = [
        *headers,
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="contacts.csv"'),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": named})
    async for octets in pages:
        await send({"type": "http.response.body", "body": octets, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keeping.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def update(services: Services, call: Call[NoQuery, ContactChange]) -> Answer:
    changed = await keeping.update(
        services.manage, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.erase(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


async def merge(services: Services, call: Call[NoQuery, Merge]) -> Answer:
    merged = await keeping.merge(services.manage, call.actor, call.body, account_id=call.account_id, test=call.test)
    return Answer(merged)


async def events(services: Services, call: Call[PageQuery, None]) -> Answer:
    found = await timeline.read(
        services.manage, call.path["id"], account_id=call.account_id, test=call.test, paging=call.query.paging()
    )
    return Answer(found)


OPERATIONS = (
    Operation(
        method="POST", path="/v1/contacts", name="createContact", tag=_TAG, summary="Create a contact",
        description="A number belongs to one contact. Tags that nobody had are made.",
        scope="contacts:write", handle=create, body=NewContact, answer=ContactView, status=201,
        errors=("contact_exists", "contact_limit", "conflict"), example=_EXAMPLE,
    ),
    Operation(
        method="PUT", path="/v1/contacts", name="putContact", tag=_TAG, summary="Create or change a contact by number",
        description="201 when it is new, 200 when the number was known: then what is given is put in.",
        scope="contacts:write", handle=put, body=NewContact, answer=ContactView,
        errors=("contact_limit", "conflict"), example=_EXAMPLE,
    ),
    Operation(
        method="POST", path="/v1/contacts/batch", name="putContacts", tag=_TAG,
        summary="Create or change up to 1,000 contacts by number",
        description="Each by itself: one that is wrong keeps the others from nothing. It may be sent again.",
        scope="contacts:write", handle=put_many, body=ContactBatch, answer=BatchAnswer, body_max=_BATCH_MAX,
        errors=("contact_limit", "conflict"), example={"contacts": [_EXAMPLE], "existing": "update"},
    ),
    Operation(
        method="GET", path="/v1/contacts", name="listContacts", tag=_TAG, summary="List contacts, newest first",
        scope="contacts:read", handle=find, query=ContactsQuery, answer=Page[ContactView],
        errors=("invalid_filter", "not_found"),
    ),
    Operation(
        method="GET", path="/v1/contacts/count", name="countContacts", tag=_TAG, summary="Count contacts",
        scope="contacts:read", handle=count, query=WhichQuery, answer=CountView,
        errors=("invalid_filter", "not_found"),
    ),
    Operation(
        method="GET", path="/v1/contacts/export", name="exportContacts", tag=_TAG, summary="Export contacts as CSV",
        description="Oldest first, with every field; the file can be imported again.",
        scope="contacts:read", stream=export, query=WhichQuery, content_type="text/csv",
        errors=("invalid_filter", "not_found"),
    ),
    Operation(
        method="POST", path="/v1/contacts/merge", name="mergeContacts", tag=_TAG, summary="Merge contacts into one",
        description="It keeps what it has and gets what it lacks, from the one changed last first; tags and lists of "
        "all; the other numbers are kept for its timeline.",
        scope="contacts:write", handle=merge, body=Merge, answer=ContactView, errors=("not_found",),
        example={"into": "CT…", "contacts": ["CT…"]},
    ),
    Operation(
        method="GET", path="/v1/contacts/{id}", name="getContact", tag=_TAG, summary="Read a contact",
        scope="contacts:read", handle=get, answer=ContactView,
    ),
    Operation(
        method="PATCH", path="/v1/contacts/{id}", name="updateContact", tag=_TAG, summary="Change a contact",
        scope="contacts:write", handle=update, body=ContactChange, answer=ContactView,
        errors=("contact_exists", "contact_limit", "conflict"), example={"fields": {"plan": "team"}, "tags": ["vip"]},
    ),
    Operation(
        method="DELETE", path="/v1/contacts/{id}", name="deleteContact", tag=_TAG, summary="Erase a contact",
        description="With its history. Messages stay, and are erased on their own; an opt-out holds on.",
        scope="contacts:write", handle=delete, status=204,
    ),
    Operation(
        method="GET", path="/v1/contacts/{id}/timeline", name="readTimelineOfContact", tag=_TAG,
        summary="Read what happened with a contact, newest first",
        description="Texts to and from its numbers, changes, opt-outs. A page may hold some more than `limit` where "
        "they happened at the same moment.",
        scope="contacts:read", handle=events, query=PageQuery, answer=Page[TimelineItem],
    ),
)  # fmt: skip
