"""/v1/media: pictures and other files that are sent in messages."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.media import kind_of
from whimbrel.edges.rest.files import send_json
from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.bodies import JsonBody, check_json, read_body
from whimbrel.edges.shared.multipart import file_in, is_multipart
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.media.keeping import Whose
from whimbrel.products.media.shapes import MediaUsage, MediumUrl, MediumView

_TAG = "media"
_FORM_MAX = 64 * 1024  # octets of a form beside its file
_TYPES = ("application/octet-stream", "multipart/form-data")
_url = JsonBody(MediumUrl)


class NameQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What the file is called, where the body is the file alone."""

    name: Annotated[str, Meta(max_length=limits.NAME_MAX, description="For people; without it, `media`.")] = ""


class MediaQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which media."""

    content_type: Annotated[str | None, Meta(description="Only those of this type, such as image/png.")] = None


def whose(call: Call[Any, Any]) -> Whose:
    """Whose media a request is about."""
    return Whose(call.account_id, call.test, call.actor)


async def create(
    services: Services, call: Call[NameQuery, None], headers: Headers, receive: Receive, send: Send
) -> None:
    """The file as the body, in a form, or where it is to be fetched from."""
    declared = call.headers.get(b"content-type", b"")
    body = await read_body(receive, call.headers.get(b"content-length"), services.media.bytes_max + _FORM_MAX)
    if declared.partition(b";")[0].strip().lower() == b"application/json":
        check_json(call.headers)
        wanted = _url.decode(body)
        made = await services.media.fetch(whose(call), wanted.url, wanted.name)
    else:
        octets, name = file_in(body, declared) if is_multipart(declared) else (body, "")
        made = await services.media.bring(whose(call), octets, call.query.name or name)
    await send_json(made, [*headers, (b"location", f"/v1/media/{made.id}".encode())], send, 201)


async def find(services: Services, call: Call[MediaQuery, None]) -> Answer:
    return Answer(await services.media.find(whose(call), call.query.paging(), call.query.content_type))


async def usage(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await services.media.usage(whose(call)))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await services.media.get(whose(call), call.path["id"]))


async def content(services: Services, call: Call[NoQuery, None]) -> Answer:
    medium, octets = await services.media.content(whose(call), call.path["id"])
    shown = "inline" if kind_of(medium.content_type).shown else "attachment"
    named = (
        (b"content-disposition", f'{shown}; filename="{medium.name}"'.encode()),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"private, no-store"),
    )
    return Answer(octets, headers=named, content_type=medium.content_type.encode())


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await services.media.delete(whose(call), call.path["id"])
    return Answer()


async def of_message(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(Page(await services.media.of_message(whose(call), call.path["id"])))


async def take_away(services: Services, call: Call[NoQuery, None]) -> Answer:
    await services.media.take_away(whose(call), call.path["id"], call.path["medium"])
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/media", name="createMedium", tag=_TAG, summary="Bring a picture or another file",
        description="The file as the body (any content type), as the one file of a form, or as JSON with its `url` and "
        "perhaps a `name`: then it is fetched now. What it is, is read from its octets. One that the account has "
        "already is that one, kept for longer.",
        scope="media:write", stream=create, query=NameQuery, octets=_TYPES, body=MediumUrl,
        answer=MediumView, status=201, example={"url": "https://shop.example/cat.png"},
        errors=("media_type_refused", "media_too_large", "body_too_large", "media_limit", "invalid_media_url",
                "media_not_fetched", "invalid_multipart"),
    ),
    Operation(
        method="GET", path="/v1/media", name="listMedia", tag=_TAG, summary="List media, newest first",
        scope="media:read", handle=find, query=MediaQuery, answer=Page[MediumView],
    ),
    Operation(
        method="GET", path="/v1/media/usage", name="getMediaUsage", tag=_TAG,
        summary="Read how much room media take, and what is allowed",
        scope="media:read", handle=usage, answer=MediaUsage,
    ),
    Operation(
        method="GET", path="/v1/media/{id}", name="getMedium", tag=_TAG, summary="Read what a medium is",
        scope="media:read", handle=get, answer=MediumView,
    ),
    Operation(
        method="GET", path="/v1/media/{id}/content", name="getMediumContent", tag=_TAG, summary="Download a medium",
        description="With its own content type, and headers that keep a browser from running anything in it.",
        scope="media:read", handle=content, content_type="application/octet-stream",
    ),
    Operation(
        method="DELETE", path="/v1/media/{id}", name="deleteMedium", tag=_TAG, summary="Delete a medium at once",
        description="Also where messages have it: links to it say that it is gone.",
        scope="media:write", handle=delete, status=204,
    ),
    Operation(
        method="GET", path="/v1/messages/{id}/media", name="listMessageMedia", tag=_TAG,
        summary="List the media of a message",
        scope="media:read", handle=of_message, answer=Page[MediumView],
    ),
    Operation(
        method="DELETE", path="/v1/messages/{id}/media/{medium}", name="deleteMessageMedium", tag=_TAG,
        summary="Take a medium from a message",
        description="It is deleted where no other message has it.",
        scope="media:write", handle=take_away, status=204,
    ),
)  # fmt: skip
