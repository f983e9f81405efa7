"""Media as pages have them: those that a form names, those of messages, and a file that a script brings as the octets
of a request. Pictures stand in pages where they are small; everything else is a download, and nothing runs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.limits import MEDIA_PER_MESSAGE
from whimbrel.domain.media import kind_of
from whimbrel.edges.console.forms import Form, Problem
from whimbrel.edges.console.request import Request
from whimbrel.products.media.keeping import Whose
from whimbrel.products.media.shapes import MediumView

SHOWN_MAX: Final = 1024 * 1024
"""Octets of a picture that stands in a page: it is read anew with each page."""
_OCTETS: Final = "application/octet-stream"
_URL: Final = ("http://", "https://")


class Attached(msgspec.Struct, frozen=True):
    """One that a form names; `medium` None: one at a URL, which is fetched when it is sent, or none that there is."""

    named: str
    medium: MediumView | None
    is_url: bool
    is_shown: bool


def whose(request: Request) -> Whose:
    """The media of the account that is shown."""
    principal = request.asked.principal
    return Whose(request.asked.acting_for or "", principal.test, principal.key_id)


def named(form: Form) -> tuple[str, ...]:
    """What a form names: what it carries and what was typed, each once, without what was taken away."""
    found = dict.fromkeys((*form.many("media"), *form.raw("add_media").split()))
    return tuple(each for each in found if each and each not in form.many("drop"))


def settled(form: Form) -> Form:
    """The form with all that it names as what it carries."""
    return form.plus({"media": named(form), "add_media": "", "drop": ()})


async def kept(request: Request, form: Form) -> Form:
    """The same where media have to be there before anything is sent: what a URL gives is kept, and has an id.
    WhimbrelError with the place of what cannot be had."""
    ids: list[str] = []
    for place, each in enumerate(named(form)):
        try:
            ids.append((await fetched(request, each)).id if each.startswith(_URL) else each)
        except WhimbrelError as error:
            pointer = FieldError(f"/media/{place}", error.detail, error.code)
            raise WhimbrelError(error.code, error.detail, errors=[pointer]) from error
    return form.plus({"media": tuple(ids), "add_media": "", "drop": ()})


async def kept_or_told(
    request: Request, form: Form, told: Callable[[WhimbrelError], Problem]
) -> tuple[Form, Problem | None]:
    """The same, or the form without its URLs and what is wrong with one of them, as `told` says it."""
    try:
        return await kept(request, form), None
    except WhimbrelError as error:
        return without_urls(form), told(error)


def without_urls(form: Form) -> Form:
    """The form with the media that are there."""
    ids = tuple(each for each in named(form) if not each.startswith(_URL))
    return form.plus({"media": ids, "add_media": "", "drop": ()})


async def fetched(request: Request, url: str) -> MediumView:
    """Keep what a URL gives."""
    if not request.api.may("createMedium"):
        raise WhimbrelError("forbidden", request.words("media.not_for_you"))
    await request.api("getMediaUsage")  # whoever may not do anything now is refused here
    return await request.there.media.fetch(whose(request), url)


async def attached(request: Request, form: Form) -> list[Attached]:
    """The same, to show it."""
    names = named(form)
    found = await some(request, names)
    return [
        Attached(each, found.get(each), each.startswith(_URL), each in found and is_shown(found[each]))
        for each in names
    ]


async def values(request: Request, form: Form) -> dict[str, Any]:
    """What the part of a form takes that holds media."""
    may_bring = request.asked.acting_for is not None and request.api.may("createMedium")
    usage = await request.api("getMediaUsage") if may_bring else None
    return {
        "attached": await attached(request, form),
        "most_media": MEDIA_PER_MESSAGE,
        "medium_bytes_max": usage.medium_bytes_max if usage is not None else 0,
    }


async def part(request: Request, form: Form, place: Mapping[str, Any], told: Problem | None = None) -> Response:
    """That part. `place`: where it is asked for, as its template has it."""
    shown = {"problem": told, **place, **await values(request, form)}
    response = request.part("media/attach.html", "attached", status=422 if told else 200, **shown)
    response.headers["hx-trigger-after-swap"] = "media-attached"
    return response


async def some(request: Request, medium_ids: Sequence[str]) -> Mapping[str, MediumView]:
    """Media by id, for whom may see them."""
    if not medium_ids or request.asked.acting_for is None or not request.api.may("getMedium"):
        return {}
    return await request.there.media.some(whose(request), list(dict.fromkeys(medium_ids)))


async def of_messages(request: Request, messages: Iterable[object]) -> Mapping[str, MediumView]:
    """Those that these have."""
    return await some(request, [medium_id for each in messages for medium_id in ids_of(each)])


def ids_of(message: object) -> tuple[str, ...]:
    """The ids of a message's media, as it was sent."""
    return getattr(message, "media", None) or ()


def is_shown(medium: MediumView) -> bool:
    """Whether it stands in pages as a picture."""
    return kind_of(medium.content_type).shown == "image" and medium.size <= SHOWN_MAX


async def bring(request: Request) -> Response:
    """Keep the file whose octets the body is, and say its id; its name stands in the address."""
    if not request.api.may("createMedium"):
        raise WhimbrelError("forbidden", request.words("media.not_for_you"))
    usage = await request.api("getMediaUsage")
    if request.http.headers.get("content-type") != _OCTETS:
        raise WhimbrelError("unsupported_media_type", f"Send the file as {_OCTETS}.")
    octets = bytearray()
    async for part in request.http.stream():
        octets += part
        if len(octets) > usage.medium_bytes_max:
            raise WhimbrelError("media_too_large", f"A medium has at most {usage.medium_bytes_max:,} octets.")
    made = await request.there.media.bring(whose(request), bytes(octets), request.query.text("name"))
    return Response(made.id, media_type="text/plain")


async def content(request: Request) -> Response:
    """The file: a picture as one, and everything else as a download."""
    path = {"id": request.path["id"]}
    medium = await request.api("getMedium", path=path)
    octets = await request.api("getMediumContent", path=path)
    shown = "inline" if kind_of(medium.content_type).shown == "image" else "attachment"
    headers = {
        "content-disposition": f'{shown}; filename="{medium.name}"',
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(octets, media_type=medium.content_type, headers=headers)
