"""The section of the settings about media. Apart from `sections`, which is long."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """Pictures and other media (docs/media.md)."""

    max_bytes: Annotated[
        int,
        Meta(ge=64 * 1024, le=limits.MEDIUM_MAX, description="Octets of one medium: 5 MiB, as carriers take them."),
    ] = 5 * 1024 * 1024
    account_bytes: Annotated[
        int, Meta(ge=0, le=1 << 50, description="Octets of all media of one account; 0: it may have none.")
    ] = 1024 * 1024 * 1024
    account_count: Annotated[int, Meta(ge=0, le=1_000_000, description="Media of one account.")] = 10_000
    keep_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="Days that a medium is kept after it came, or was last sent in a message."),
    ] = 90
    fetch_timeout_s: Annotated[
        int,
        Meta(ge=1, le=60, description="Seconds that fetching one medium from its URL may take, redirects included."),
    ] = 8
    fetches: Annotated[int, Meta(ge=1, le=100, description="Media that one process fetches at the same time.")] = 8
