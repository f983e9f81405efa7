"""Media that a message names by ids and URLs: what stands at the doors before accept. It is made sure of, and fetched,
before the message is accepted, so that a message that was accepted has its media.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import MEDIA_URLS_PER_BATCH
from whimbrel.domain.links import FOR_MEDIA
from whimbrel.domain.model import Draft, Objection
from whimbrel.edges.shared.services import Services
from whimbrel.journey.accept import Accepted, Still
from whimbrel.journey.record import IdempotencyKey
from whimbrel.products.media.keeping import Whose
from whimbrel.store.interface import Verdict, Write

_SCHEMES: Final = ("http://", "https://")
_TOO_MANY: Final = Objection(
    "too_many_media",
    f"A batch names at most {MEDIA_URLS_PER_BATCH} URLs of media: bring them first, and name their ids.",
    "/media",
)


def naming(draft: Draft, media: Sequence[str]) -> Draft:
    """The draft with these media, as they were named."""
    options = msgspec.structs.replace(draft.options, media=tuple(media))
    return msgspec.structs.replace(draft, options=options, links=draft.links or FOR_MEDIA)


async def resolved(services: Services, draft: Draft, actor: str) -> Draft:
    """The draft with the ids of its media. WhimbrelError as `Media.resolve` raises it."""
    whose = Whose(draft.account_id, draft.test, actor)
    return naming(draft, await services.media.resolve(whose, draft.options.media))


async def all_resolved(services: Services, made: Sequence[Draft | Verdict], actor: str) -> list[Draft | Verdict]:
    """The same for a batch; equal media are looked for once. What cannot be sent stays in its place with what is to be
    said of it: a request that comes again may find other media, and its verdicts are kept by their places."""
    known: dict[tuple[str, ...], Draft] = {}
    urls: set[str] = set()
    found: list[Draft | Verdict] = []
    for each in made:
        if isinstance(each, Verdict) or not each.options.media:
            found.append(each)
            continue
        named = each.options.media
        urls.update(url for url in named if url.startswith(_SCHEMES))
        if named not in known:
            is_allowed = len(urls) <= MEDIA_URLS_PER_BATCH
            known[named] = await _looked(services, each, actor) if is_allowed else _objected(each, _TOO_MANY)
        first = known[named]
        found.append(_objected(each, first.objection) if first.objection else naming(each, first.options.media))
    return found


async def _looked(services: Services, draft: Draft, actor: str) -> Draft:
    try:
        return await resolved(services, draft, actor)
    except WhimbrelError as error:
        pointer = error.errors[0].pointer if error.errors else "/media"
        return _objected(draft, Objection(error.code, error.detail or error.spec.title, pointer))


def _objected(draft: Draft, objection: Objection) -> Draft:
    return msgspec.structs.replace(draft, objection=objection, links=draft.links or FOR_MEDIA)


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
    """The drafts of a batch with the ids of their media, unless all of it was accepted before."""
    if not any(isinstance(each, Draft) and each.options.media for each in made):
        return made
    kept = [] if key is None else await services.store.kept(key.account_id, key.door, key.key)
    if kept and len(kept) == kept[0].chunks:
        return made
    return await all_resolved(services, made, actor)
