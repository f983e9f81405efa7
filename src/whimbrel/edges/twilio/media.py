"""The media of a message in Twilio's form: `Media.json` lists them, `Media/ME….json` tells of one, without the ending
it gives the file, and DELETE takes one from the message.
"""

import msgspec

from whimbrel.base import ids
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.moments import from_text, to_rfc2822
from whimbrel.domain.media import kind_of
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import listing, shapes
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.products.media.keeping import Whose
from whimbrel.products.media.shapes import MediumView

_encode = msgspec.json.Encoder().encode


class MessageMedia:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._media = services.media

    async def find(self, request: Request) -> Reply:
        """All of a message."""
        found = await self._media.of_message(_whose(request), request.sid)
        size = listing.turn(listing.query_of(request)).size
        here = listing.uri(request.path, {}, size, 0)
        records = tuple(_record(each, request.sid) for each in found)
        last = max(0, len(records) - 1)
        return Reply(
            _encode(shapes.MediaPage(first_page_uri=here, page_size=size, uri=here, media_list=records, end=last))
        )

    async def fetch(self, request: Request) -> Reply:
        """What one is."""
        return Reply(_encode(_record(await self._one(request), request.sid)))

    async def content(self, request: Request) -> Reply:
        """The file."""
        medium, octets = await self._media.content(_whose(request), (await self._one(request)).id)
        shown = "inline" if kind_of(medium.content_type).shown else "attachment"
        headers = (
            (b"content-disposition", f'{shown}; filename="{medium.name}"'.encode()),
            (b"content-security-policy", b"default-src 'none'; sandbox"),
            (b"x-content-type-options", b"nosniff"),
        )
        return Reply(octets, 200, headers, (b"content-type", medium.content_type.encode()))

    async def delete(self, request: Request) -> Reply:
        """Take one from the message."""
        await self._media.take_away(_whose(request), request.sid, _medium_id(request))
        return Reply(b"", 204)

    async def _one(self, request: Request) -> MediumView:
        medium_id = _medium_id(request)
        for each in await self._media.of_message(_whose(request), request.sid):
            if each.id == medium_id:
                return each
        raise WhimbrelError("not_found")


def _whose(request: Request) -> Whose:
    return Whose(request.account_id, request.test, request.principal.key_id)


def _medium_id(request: Request) -> str:
    """The id at the end of the path."""
    return request.path.rpartition("/")[2].removesuffix(".json")[: len(ids.MEDIUM) + 32]


def _record(medium: MediumView, message_id: str) -> shapes.MediaRecord:
    created = to_rfc2822(from_text(medium.created_at))
    return shapes.MediaRecord(
        account_sid=medium.account_id,
        content_type=medium.content_type,
        date_created=created,
        date_updated=created,
        parent_sid=message_id,
        sid=medium.id,
        uri=f"{shapes.message_uri(medium.account_id, message_id)}/Media/{medium.id}.json",
    )
