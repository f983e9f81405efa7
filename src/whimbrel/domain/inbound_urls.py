"""Where an inbound text is posted: the number's own URL goes before that of a pool that it is in, and that before the
account's. A pool may turn that round for its numbers (Twilio's services do).
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Format = Literal["event", "twilio"]
Method = Literal["POST", "GET"]


class InboundUrl(msgspec.Struct, frozen=True, gc=False):
    """Column order of the `inbound_urls` table. `format`: our JSON, or Twilio's form."""

    owner_id: str
    account_id: str
    url: str
    method: Method
    fallback_url: str | None
    fallback_method: Method
    format: Format
    updated_at: int


def chosen(
    own: InboundUrl | None,
    pools: Iterable[tuple[str, bool]],
    account_id: str,
    urls: Mapping[str, InboundUrl],
) -> InboundUrl | None:
    """The URL for a text to a number. `own`: the number's; `pools`: ids of those that it is in, the oldest first, and
    whether the number's own goes before theirs."""
    of_pools = [(urls[pool_id], first) for pool_id, first in pools if pool_id in urls]
    for url, is_own_first in of_pools:
        if own is None or not is_own_first:
            return url
    return own or urls.get(account_id)
