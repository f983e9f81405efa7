"""What of campaigns has to change with their messages in one commit. Apart from `Store`, because nothing of the journey
asks for it.
"""

from collections.abc import Sequence
from typing import Protocol

from whimbrel.store.values import Write


class CampaignRows(Protocol):
    """Campaigns of all accounts. `only` is the change of the campaign's own row: where it changes none, nothing is
    written, and False is the answer."""

    async def pause(self, only: Write, also: Sequence[Write], campaign_id: str, at: int) -> bool:
        """What waits of it leaves the queues, and waits for it."""
        ...

    async def park(self, campaign_id: str, at: int, limit: int) -> int:
        """Some of what is still queued of one that is paused leaves the queues; how many there were."""
        ...

    async def resume(self, only: Write, also: Sequence[Write], campaign_id: str, at: int) -> bool:
        """What waited for it falls due."""
        ...

    async def unpark(self, campaign_id: str, at: int) -> int:
        """Some of what waited for it falls due; how many there were."""
        ...

    async def cancel(self, only: Write, also: Sequence[Write], campaign_id: str, at: int) -> bool:
        """What waits of it is canceled."""
        ...

    async def clear(self, campaign_id: str, at: int, limit: int) -> int:
        """Cancel some of what waits of it; how many there were."""
        ...
