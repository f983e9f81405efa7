"""What became of recipients: follows the event log, and writes states and figures in the commit that moves its cursor.
Where no campaign has ever begun it passes over the log.

A text from a phone is an answer to the campaign that wrote to it last, within a week; one that says STOP is an opt-out
instead. Both count once for a recipient, and so do clicks.
"""

from typing import Final

import msgspec

from whimbrel.domain.campaign_figures import Sums, Told
from whimbrel.domain.campaigns import Recipient
from whimbrel.domain.links import CLICKED
from whimbrel.domain.model import Flag
from whimbrel.journey.follower import Follower, Taken, stretch
from whimbrel.store.interface import Store, Write

CURSOR: Final = "campaigns"
_STRETCH: Final = 4_000
_EVERY_S: Final = 0.5
_DAY_US: Final = 24 * 3600 * 1_000_000
_ANSWERS_US: Final = 7 * _DAY_US
_BEGUN_US: Final = 60 * _DAY_US  # campaigns that began earlier are not looked at: few take longer
_MARKS: Final = {
    "answered": "campaign_recipient_answered",
    "opted_out": "campaign_recipient_opted_out",
    "clicked": "campaign_recipient_clicked",
    "converted": "campaign_recipient_converted",
}


class _Any(msgspec.Struct, frozen=True, gc=False):
    id: str


class _Heard(msgspec.Struct, frozen=True, gc=False):
    """Columns of `campaign_heard`."""

    account_id: str
    test: int
    number_hash: int
    flags: int
    created_at: int


class _Touch(msgspec.Struct, frozen=True, gc=False):
    """Columns of `campaign_clicks`."""

    type: str
    data: str
    created_at: int


class _Clicked(msgspec.Struct, frozen=True):
    """The data of such an event."""

    message_id: str | None = None


class CampaignFigures(Follower):
    """Keeps recipients and figures up with the log."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, CURSOR, limit=_STRETCH, idle_s=_EVERY_S)
        self._any = False

    async def _take(self, position: int) -> Taken:
        new = await stretch(self._store, position, _STRETCH)
        if not new.count:
            return Taken(0, position)
        self._any = self._any or bool(await self._store.fetch(_Any, "campaigns_any"))
        if not self._any:
            return Taken(new.count, new.end)
        sums = Sums()
        sums.tell(await self._store.fetch(Told, "campaign_told", position, new.end))
        writes = [
            Write("campaign_states_follow", ((position, new.end),)),
            *await self._heard(position, new.end, sums),
            *await self._opened(position, new.end, sums),
        ]
        added = (Write("campaign_figures_add", sums.rows()), Write("campaign_minutes_add", sums.minutes()))
        return Taken(new.count, new.end, (*writes, *(each for each in added if each.rows)))

    async def _heard(self, position: int, end: int, sums: Sums) -> list[Write]:
        """Answers and opt-outs."""
        found: dict[tuple[str, str], int] = {}
        for heard in await self._store.fetch(_Heard, "campaign_heard", position, end):
            at = heard.created_at
            about = (heard.account_id, heard.test, heard.number_hash, at - _BEGUN_US, at - _ANSWERS_US)
            for recipient in await self._store.fetch(Recipient, "campaign_recipient_of_phone", *about):
                stopped = heard.flags & Flag.KEYWORD_STOP
                name = "opted_out" if stopped else "answered"
                before = recipient.opted_out_at if stopped else recipient.answered_at
                if before is None and (name, recipient.id) not in found:
                    found[name, recipient.id] = heard.created_at
                    sums.person(recipient, heard.created_at, name)
        return _marked(found)

    async def _opened(self, position: int, end: int, sums: Sums) -> list[Write]:
        """Clicks by people, and what came of them."""
        touches = await self._store.fetch(_Touch, "campaign_clicks", position, end)
        told = [(each, msgspec.json.decode(each.data, type=_Clicked).message_id) for each in touches]
        ids = sorted({message_id for _, message_id in told if message_id is not None})
        rows = await self._store.fetch(Recipient, "campaign_recipients_of", ids) if ids else []
        recipients = {row.id: row for row in rows}
        found: dict[tuple[str, str], int] = {}
        for touch, message_id in told:
            recipient = recipients.get(message_id or "")
            name = "clicked" if touch.type == CLICKED else "converted"
            if recipient is None or (name, recipient.id) in found:
                continue
            if (recipient.clicked_at if name == "clicked" else recipient.converted_at) is None:
                found[name, recipient.id] = touch.created_at
                sums.person(recipient, touch.created_at, name)
        return _marked(found)


def _marked(found: dict[tuple[str, str], int]) -> list[Write]:
    """The first time of each: by what was done, and the recipient."""
    return [
        Write(statement, rows)
        for wanted, statement in _MARKS.items()
        if (rows := tuple((id_, at) for (name, id_), at in found.items() if name == wanted))
    ]
