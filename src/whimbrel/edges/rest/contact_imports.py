"""/v1/contact-imports: files that become contacts."""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.asgi import Headers, Receive, Send, respond
from whimbrel.edges.shared.bodies import body_pieces
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.contacts import imports
from whimbrel.products.contacts.imports import ImportPlan, ImportPreview, ImportView, NewImport

_TAG = "contacts"
_PLAN = {"columns": ["number", "name", None], "default_country": "DE", "existing": "update", "tags": ["fair 2027"]}
_encode = msgspec.json.Encoder().encode


class FileQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where this part of the file goes."""

    offset: Annotated[int, Meta(ge=0, description="Octets that have come before: `size` of the import.")] = 0


async def create(services: Services, call: Call[NoQuery, NewImport]) -> Answer:
    made = await imports.create(services.manage, call.actor, call.body, account_id=call.account_id, test=call.test)
    return Answer(made, location=f"/v1/contact-imports/{made.id}")


async def upload(
    services: Services, call: Call[FileQuery, None], headers: Headers, receive: Receive, send: Send
) -> None:
    """The body is stored as it comes, a piece a commit."""
    pieces: AsyncIterator[bytes] = body_pieces(
        receive, call.headers.get(b"content-length"), limits.IMPORT_BODY_MAX, limits.IMPORT_PIECE
    )
    grown = await imports.receive(
        services.manage, call.path["id"], call.query.offset, pieces, account_id=call.account_id, test=call.test
    )
    await respond(send, 200, [*headers, (b"content-type", b"application/json")], _encode(grown))


async def preview(services: Services, call: Call[NoQuery, ImportPlan]) -> Answer:
    shown = await imports.preview(
        services.manage, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(shown)


async def start(services: Services, call: Call[NoQuery, ImportPlan]) -> Answer:
    begun = await imports.start(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(begun)


async def cancel(services: Services, call: Call[NoQuery, None]) -> Answer:
    ended = await imports.cancel(
        services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test
    )
    return Answer(ended)


async def find(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    found = await imports.find(services.manage, account_id=call.account_id, test=call.test, paging=call.query.paging())
    return Answer(found)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await imports.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def errors(services: Services, call: Call[NoQuery, None], headers: Headers, receive: Receive, send: Send) -> None:
    """Rows that were not taken, a page at a time."""
    pieces = await imports.errors(services.manage, call.path["id"], account_id=call.account_id, test=call.test)
    named = [
        *headers,
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="errors.csv"'),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": named})
    async for octets in pieces:
        await send({"type": "http.response.body", "body": octets, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await imports.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id, test=call.test)
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/contact-imports", name="createContactImport", tag=_TAG,
        summary="Announce a file of contacts",
        scope="contacts:write", handle=create, body=NewImport, answer=ImportView, status=201,
        errors=("contact_limit",), example={"name": "fair.csv"},
    ),
    Operation(
        method="GET", path="/v1/contact-imports", name="listContactImports", tag=_TAG,
        summary="List imports, newest first",
        scope="contacts:read", handle=find, query=HistoryQuery, answer=Page[ImportView],
    ),
    Operation(
        method="GET", path="/v1/contact-imports/{id}", name="getContactImport", tag=_TAG,
        summary="Read how far an import has come",
        scope="contacts:read", handle=get, answer=ImportView,
    ),
    Operation(
        method="PUT", path="/v1/contact-imports/{id}/file", name="uploadContactImport", tag=_TAG,
        summary="Bring the file, whole or in parts",
        description="CSV, or a workbook of Excel, as it is. A request that breaks off goes on at the `size` that the "
        "import has then; so does a file that is larger than one body may be.",
        scope="contacts:write", stream=upload, query=FileQuery, octets=("text/csv", "application/octet-stream"),
        answer=ImportView, errors=("conflict", "body_too_large"),
    ),
    Operation(
        method="POST", path="/v1/contact-imports/{id}/preview", name="previewContactImport", tag=_TAG,
        summary="See how the file would be read",
        description="What is not given is found out from the file; `columns` of the answer are a proposal to begin "
        "with. Nothing is stored.",
        scope="contacts:read", handle=preview, body=ImportPlan, answer=ImportPreview, errors=("import_unreadable",),
        example={"default_country": "DE"},
    ),
    Operation(
        method="POST", path="/v1/contact-imports/{id}/start", name="startContactImport", tag=_TAG,
        summary="Begin an import",
        scope="contacts:write", handle=start, body=ImportPlan, answer=ImportView,
        errors=("conflict", "import_unreadable", "contact_limit"), example=_PLAN,
    ),
    Operation(
        method="POST", path="/v1/contact-imports/{id}/cancel", name="cancelContactImport", tag=_TAG,
        summary="Stop an import", description="What was stored stays.",
        scope="contacts:write", handle=cancel, answer=ImportView, errors=("conflict",),
    ),
    Operation(
        method="GET", path="/v1/contact-imports/{id}/errors", name="listErrorsOfContactImport", tag=_TAG,
        summary="Download the rows that were not taken",
        description="As CSV: the row of the file, the field, its value and what is wrong with it.",
        scope="contacts:read", stream=errors, content_type="text/csv",
    ),
    Operation(
        method="DELETE", path="/v1/contact-imports/{id}", name="deleteContactImport", tag=_TAG,
        summary="Forget an import that is over", description="Its contacts stay.",
        scope="contacts:write", handle=delete, status=204, errors=("conflict",),
    ),
)  # fmt: skip
