"""What media look like from outside."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments
from whimbrel.domain.media import Medium, Source


class MediumView(msgspec.Struct, frozen=True, kw_only=True):
    """A file; `GET …/content` gives its octets."""

    id: str
    account_id: str
    name: Annotated[str, Meta(description="For people; its ending is that of the type.")]
    content_type: Annotated[str, Meta(description="By the octets.")]
    size: Annotated[int, Meta(description="Octets.")]
    sha256: Annotated[str, Meta(description="Of the octets; an account has equal ones once.")]
    source: Annotated[Source, Meta(description="How it came.")]
    messages: Annotated[
        int, Meta(description=f"How many messages have it; {limits.MEDIA_USES_COUNTED:,} are so many or more.")
    ]
    test: bool
    created_at: str
    expires_at: Annotated[str, Meta(description="It goes then, unless it is brought or sent again.")]


class MediumUrl(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a file is that we fetch."""

    url: Annotated[str, Meta(max_length=limits.URL_MAX)]
    name: Annotated[str, Meta(max_length=limits.NAME_MAX, description="Empty: as the URL calls it.")] = ""


class MediaUsage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of its room an account uses, test media included."""

    bytes: int
    bytes_max: int
    count: int
    count_max: int
    medium_bytes_max: Annotated[int, Meta(description="Octets of one medium.")]
    content_types: tuple[str, ...]


def view(medium: Medium, messages: int) -> MediumView:
    """A medium as it stands, and how many messages have it."""
    return MediumView(
        id=medium.id,
        account_id=medium.account_id,
        name=medium.name,
        content_type=medium.content_type,
        size=medium.size,
        sha256=medium.sha256,
        source=medium.source,
        messages=messages,
        test=bool(medium.test),
        created_at=moments.to_text(medium.created_at),
        expires_at=moments.to_text(medium.expires_at),
    )
