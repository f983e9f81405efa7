"""What is written of a campaign's turns, each guarded by the number of the one before, so that of two nodes that
believe to have it one writes nothing.
"""

from typing import Any, Final

import msgspec

from whimbrel.domain.campaigns import Campaign
from whimbrel.store.interface import Write

CREATED: Final = "campaign.created"
APPROVED: Final = "campaign.approved"
SCHEDULED: Final = "campaign.scheduled"
STARTED: Final = "campaign.started"
PAUSED: Final = "campaign.paused"
RESUMED: Final = "campaign.resumed"
DECIDED: Final = "campaign.decided"
FINISHED: Final = "campaign.finished"
CANCELED: Final = "campaign.canceled"


def event(row: Campaign, kind: str, at: int, **more: Any) -> Write:
    """An event with the number that the campaign has after the change before it in the same commit."""
    data = {"campaign_id": row.id, "test": row.test} | more
    return Write("campaigns_event", ((row.id, kind, msgspec.json.encode(data).decode(), at),))


def hold(row: Campaign) -> Write:
    """The condition of a list of its messages."""
    return Write("campaigns_hold", ((row.id, row.step),))


def pause(row: Campaign, reason: str, at: int) -> Write:
    """It rests."""
    return Write("campaigns_pause", ((row.id, reason, at),))
