"""/v1/opt-outs: numbers that an account, or one of its senders, pools or brands, must not text."""

from typing import Annotated

from msgspec import Meta

from whimbrel.edges.rest.files import CSV, file_pieces, send_csv, send_json
from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import exports, opt_outs
from whimbrel.manage.context import Page
from whimbrel.manage.number_files import FileTaken
from whimbrel.manage.opt_outs import NewOptOut, OfWhom, OptOutImport, OptOutsImported, OptOutView

_TAG = "opt-outs"
_BULK_MAX = 512 * 1024  # octets: 10,000 numbers


class OptOutQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, or whether one number has opted out."""

    number: Annotated[str | None, Meta(description="A number: answers with its opt-outs, or with none.")] = None


async def create(services: Services, call: Call[NoQuery, NewOptOut]) -> Answer:
    made = await opt_outs.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/opt-outs/{made.id}")


async def import_list(services: Services, call: Call[NoQuery, OptOutImport]) -> Answer:
    return Answer(await opt_outs.import_list(services.manage, call.actor, call.body, account_id=call.account_id))


async def find(services: Services, call: Call[OptOutQuery, None]) -> Answer:
    query = call.query
    if query.number is not None:
        return Answer(await opt_outs.of_number(services.manage, query.number, account_id=call.account_id))
    return Answer(await opt_outs.find(services.manage, account_id=call.account_id, paging=query.paging()))


async def export(services: Services, call: Call[NoQuery, None], headers: Headers, receive: Receive, send: Send) -> None:
    await exports.note(services.manage, call.actor, call.account_id, "opt_outs", ())
    pages = opt_outs.export(services.manage, account_id=call.account_id)
    await send_csv(pages, "opt-outs.csv", headers, send)


async def take_file(
    services: Services, call: Call[OfWhom, None], headers: Headers, receive: Receive, send: Send
) -> None:
    taken = await opt_outs.take_file(
        services.manage,
        call.actor,
        file_pieces(call, receive),
        account_id=call.account_id,
        of=call.query,
    )
    await send_json(taken, headers, send)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await opt_outs.get(services.manage, call.path["id"], account_id=call.account_id))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await opt_outs.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/opt-outs", name="createOptOut", tag=_TAG, summary="Record that a number opted out",
        description="Recording it again changes nothing. The number is kept as a keyed hash and a masked form only.",
        scope="opt_outs:write", live_only=True, handle=create, body=NewOptOut, answer=OptOutView, status=201,
        errors=("invalid_number",), example={"number": "+14155550123"},
    ),
    Operation(
        method="POST", path="/v1/opt-outs/batch", name="importOptOuts", tag=_TAG,
        summary="Record up to 10,000 numbers that opted out elsewhere",
        description="All of them or, when one is invalid, none.",
        scope="opt_outs:write", live_only=True, handle=import_list, body=OptOutImport, body_max=_BULK_MAX,
        answer=OptOutsImported, example={"numbers": ["+14155550123", "+447700900123"]},
    ),
    Operation(
        method="GET", path="/v1/opt-outs", name="listOptOuts", tag=_TAG, summary="List opt-outs",
        scope="opt_outs:read", handle=find, query=OptOutQuery, answer=Page[OptOutView], errors=("invalid_number",),
    ),
    Operation(
        method="GET", path="/v1/opt-outs/export", name="exportOptOuts", tag=_TAG, summary="Export opt-outs as CSV",
        description="Oldest first, with whole numbers, except of people who were erased and what was recorded before "
        "numbers were kept.",
        scope="opt_outs:read", stream=export, content_type=CSV,
    ),
    Operation(
        method="POST", path="/v1/opt-outs/import", name="importOptOutFile", tag=_TAG,
        summary="Record the numbers of a CSV file",
        description="A column `number`, or nothing but numbers. A thousand rows a commit; sent twice, the second time "
        "adds nothing.",
        scope="opt_outs:write", live_only=True, stream=take_file, query=OfWhom, octets=(CSV,), answer=FileTaken,
        errors=("import_unreadable", "body_too_large"),
    ),
    Operation(
        method="GET", path="/v1/opt-outs/{id}", name="getOptOut", tag=_TAG, summary="Read an opt-out",
        scope="opt_outs:read", handle=get, answer=OptOutView,
    ),
    Operation(
        method="DELETE", path="/v1/opt-outs/{id}", name="deleteOptOut", tag=_TAG,
        summary="The number opted in again",
        scope="opt_outs:write", live_only=True, handle=delete, status=204,
    ),
)  # fmt: skip
