"""Media that a message names by ids and URLs: what stands at the doors before accept. It is made sure of, and fetched,
before the message is accepted, so that a message that was accepted has its media.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import MEDIA_URLS_PER_BATCH
from whimbrel.domain.links import FOR_MEDIA
from whimbrel.domain.model import Draft
from whimbrel.edges.shared.services import Services
from whimbrel.journey.accept import Accepted, Still
from whimbrel.journey.record import IdempotencyKey
from whimbrel.products.media.keeping import Whose
from whimbrel.store.interface import Verdict, Write

_SCHEMES: Final = ("http://", "https://")


def naming(draft: Draft, media: Sequence[str]) -> Draft:
    """The draft with these media, as they were named."""
    options = msgspec.structs.replace(draft.options, media=tuple(media))
    return msgspec.structs.replace(draft, options=options, links=draft.links or FOR_MEDIA)


async def resolved(services: Services, draft: Draft, actor: str) -> Draft:
    """The draft with the ids of its media. WhimbrelError as `Media.resolve` raises it."""
    whose = Whose(draft.account_id, draft.test, actor)
    return naming(draft, await services.media.resolve(whose, draft.options.media))


async def all_resolved(services: Services, made: Sequence[Draft | Verdict], actor: str) -> list[Draft | Verdict]:
    """The same for a batch; equal media are looked for once. What cannot be sent gets a verdict."""
    known: dict[tuple[str, ...], Draft | Verdict] = {}
    urls: set[str] = set()
    found: list[Draft | Verdict] = []
    for each in made:
        if isinstance(each, Verdict) or not each.options.media:
            found.append(each)
            continue
        named = each.options.media
        urls.update(url for url in named if url.startswith(_SCHEMES))
        if named not in known:
            known[named] = await _verdict(services, each, actor) if len(urls) <= MEDIA_URLS_PER_BATCH else _too_many()
        first = known[named]
        found.append(first if isinstance(first, Verdict) else naming(each, first.options.media))
    return found


async def _verdict(services: Services, draft: Draft, actor: str) -> Draft | Verdict:
    try:
        return await resolved(services, draft, actor)
    except WhimbrelError as error:
        pointer = error.errors[0].pointer if error.errors else "/media"
        return Verdict(code=error.code, detail=error.detail or error.spec.title, pointer=pointer)


def _too_many() -> Verdict:
    detail = f"A batch names at most {MEDIA_URLS_PER_BATCH} URLs of media: bring them first, and name their ids."
    return Verdict(code="too_many_media", detail=detail, pointer="/media")


async def submitted(
    services: Services,
    draft: Draft,
    actor: str,
    key: IdempotencyKey | None,
    still: Still | None,
    *,
    also: Sequence[Write] = (),
) -> Accepted:
    """Accept a message with media. One that was accepted before under its key needs them no more. `also`: written in
    the same commit."""
    if key is None or not await services.store.kept(key.account_id, key.door, key.key):
        draft = await resolved(services, draft, actor)
    return await services.accept.submit((draft,), key=key, also=also, still=still)


async def of_batch(
    services: Services, made: list[Draft | Verdict], actor: str, key: IdempotencyKey | None
) -> list[Draft | Verdict]:
    """The drafts of a batch with the ids of their media."""
    if not any(isinstance(each, Draft) and each.options.media for each in made):
        return made
    if key is not None and await services.store.kept(key.account_id, key.door, key.key):
        return made
    return await all_resolved(services, made, actor)
