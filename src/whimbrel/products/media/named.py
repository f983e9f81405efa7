"""Media that stand in what is sent later, by id: they are there when it is kept, and stay until it is over (the
statement `media_over`).
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.base.limits import MEDIA_PER_MESSAGE
from whimbrel.domain.media import Medium
from whimbrel.manage.context import Context

MediaIds = Annotated[
    tuple[str, ...],
    Meta(max_length=MEDIA_PER_MESSAGE, description="Ids of media that were brought; each text gets a link to them."),
]


async def check_media(ctx: Context, named: Sequence[str], *, account_id: str, test: bool) -> None:
    """WhimbrelError media_not_found, with the place of each that is not there."""
    if not named:
        return
    rows = await ctx.store.fetch(Medium, "media_by_ids", account_id, int(test), list(named))
    there = {row.id for row in rows}
    code = "media_not_found"
    gone = [place for place, each in enumerate(named) if each not in there]
    errors = [FieldError(f"/media/{place}", CATALOGUE[code].title, code) for place in gone]
    if errors:
        raise WhimbrelError(code, errors=errors)
