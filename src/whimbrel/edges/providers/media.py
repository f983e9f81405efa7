"""Media that come with texts from phones. They are fetched and kept before the text is stored, within the time that the
settings give a fetch, and what could not be had stays in the text as its URL: nothing that came is lost.
"""

import asyncio
import logging
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import MEDIA_PER_MESSAGE
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.http_reports import HttpText
from whimbrel.domain.model import Carrier
from whimbrel.edges.shared.services import Services
from whimbrel.journey.inbound import international
from whimbrel.products.media.fetching import origin_of

_log = logging.getLogger("whimbrel.providers")
_NONE: Final[Mapping[str, str]] = {}


async def with_media(
    services: Services, carrier: Carrier, settings: HttpSettings, texts: Sequence[HttpText]
) -> list[HttpText]:
    """The texts with what came with them kept by the accounts of the numbers that they are to."""
    if not any(text.media for text in texts):
        return [*texts]
    return [*await asyncio.gather(*(_kept(services, carrier, settings, text) for text in texts))]


async def _kept(services: Services, carrier: Carrier, settings: HttpSettings, text: HttpText) -> HttpText:
    owner = services.tables.senders_by_value.get(international(text.destination).lstrip("+"))
    if owner is None or not text.media:
        return text
    wanted, over = text.media[:MEDIA_PER_MESSAGE], text.media[MEDIA_PER_MESSAGE:]
    password = services.tables.carrier_password(carrier)
    fetched = await asyncio.gather(
        *(services.media.received(owner.account_id, url, _headers(settings, password, url)) for url in wanted),
        return_exceptions=True,
    )
    kept: list[tuple[str, str]] = []
    left: list[str] = []
    for url, found in zip(wanted, fetched, strict=True):
        if isinstance(found, WhimbrelError):
            _log.warning("a medium of a text was not kept", extra={"carrier_id": carrier.id, "error": found.code})
            left.append(url)
        elif isinstance(found, BaseException):
            raise found
        else:
            kept.append((found.id, found.content_type))
    return msgspec.structs.replace(text, media=(*left, *over), kept=tuple(kept))


def _headers(settings: HttpSettings, password: str, url: str) -> Mapping[str, str]:
    """What says who we are, to the provider's own host and to no other."""
    if not settings.inbound_media_auth or settings.auth == "none" or origin_of(url) != origin_of(settings.url):
        return _NONE
    if settings.auth == "bearer":
        return {"Authorization": f"Bearer {password}"}
    pair = f"{settings.username}:{password}".encode()
    return {"Authorization": f"Basic {b64encode(pair).decode()}"}
