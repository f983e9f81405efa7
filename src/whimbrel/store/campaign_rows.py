"""Campaigns over an executor: each verb is one transaction script."""

from collections.abc import Sequence

from whimbrel.store.script import Executor
from whimbrel.store.values import Write
from whimbrel.store.verbs import campaigns


class SqlCampaignRows:
    """Implements `campaigns.CampaignRows`."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def pause(self, only: Write, also: Sequence[Write], campaign_id: str, at: int) -> bool:
        """What waits of it leaves the queues, and waits for it."""
        return await self._executor.write(campaigns.pause_campaign, only, also, campaign_id, at)

    async def park(self, campaign_id: str, at: int, limit: int) -> int:
        """Some of what is still queued of one that is paused leaves the queues; how many there were."""
        return await self._executor.write(campaigns.park_campaign, campaign_id, at, limit)

    async def resume(self, only: Write, also: Sequence[Write], campaign_id: str, at: int) -> bool:
        """What waited for it falls due."""
        return await self._executor.write(campaigns.resume_campaign, only, also, campaign_id, at)

    async def unpark(self, campaign_id: str, at: int) -> int:
        """Some of what waited for it falls due; how many there were."""
        return await self._executor.write(campaigns.unpark_campaign, campaign_id, at)

    async def cancel(self, only: Write, also: Sequence[Write], campaign_id: str, at: int) -> bool:
        """What waits of it is canceled."""
        return await self._executor.write(campaigns.cancel_campaign, only, also, campaign_id, at)

    async def clear(self, campaign_id: str, at: int, limit: int) -> int:
        """Cancel some of what waits of it; how many there were."""
        return await self._executor.write(campaigns.clear_campaign, campaign_id, at, limit)
