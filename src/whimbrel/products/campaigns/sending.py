"""The duty of campaigns: one node takes the turns of those that run. A turn reads whom the cursor stands before, and
hands at most a list over to accept, in whose commit each recipient gets his row; then the cursor moves on.

Nobody is written to twice: a number has one row in a campaign, by a unique key, in the commit of its message; a turn is
taken only by whoever counts it; and who was looked at already is found by his row when a crash left the cursor behind.
Nobody is lost: the cursor moves after the rows are there. At most `CAMPAIGN_AHEAD` of its messages wait in queues, so
that pausing and canceling are one short commit, and the others are nowhere but in the audience.
"""

import asyncio
import logging
from typing import Final

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain.campaigns import Campaign, CampaignSpec, Figures, opens_at, winner
from whimbrel.journey.accept import Accept
from whimbrel.journey.looking import Looking
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.products.campaigns import turns
from whimbrel.products.campaigns.audience import gone
from whimbrel.products.campaigns.running import Run, open_run
from whimbrel.store.interface import Write

_IDLE_S: Final = 0.25
_TICK_S: Final = 0.02
_READ: Final = 200
_CLEAR: Final = 500
_AGAIN_S: Final = 5.0
_PAUSES: Final = frozenset({"account_suspended", "account_closed", "insufficient_balance"})
_BETWEEN: Final = frozenset({"moving", "moved", "arriving"})
_DELETED: Final = (
    "campaign_numbers_delete",
    "campaign_refusals_delete",
    "campaign_figures_delete",
    "campaign_minutes_delete",
    "campaign_delete",
)
_log = logging.getLogger("whimbrel.campaigns")


class Campaigns(Looking):
    """Implements `journey.duties.Part`."""

    def __init__(self, ctx: Context, accept: Accept, tables: Tables, metrics: Metrics) -> None:
        super().__init__(_IDLE_S, _log, "campaigns could not be looked at", clock=ctx.clock, chance=ctx.chance)
        self._ctx = ctx
        self._store = ctx.store
        self._clock = ctx.clock
        self._accept = accept
        self._tables = tables
        self._metrics = metrics
        self._runs: dict[str, Run] = {}
        self._again: dict[str, int] = {}  # by campaign when it is tried again after trouble, monotonic

    async def start(self) -> None:
        """Begin anew: what another node did meanwhile is not known here, and is not made up for."""
        self._runs.clear()
        self._again.clear()
        await super().start()

    async def look(self) -> None:
        """Turns of all that run, until none has anything to do."""
        busy = True
        while busy:
            clearing = await self._clear()
            busy = await self.take() or clearing
            await asyncio.sleep(_TICK_S)

    async def take(self) -> bool:
        """A turn of each campaign that is due; whether any runs. None waits behind those that have no room."""
        now, place = self._clock.now_us(), (0, "")
        running: set[str] = set()
        busy = False
        while True:
            rows = await self._store.fetch(Campaign, "campaigns_due", now, *place, _READ)
            due = [row for row in rows if self._again.get(row.id, 0) <= self._clock.monotonic_us()]
            running.update(row.id for row in due)
            busy = any(await asyncio.gather(*(self._turn(row) for row in due))) or busy
            if len(rows) < _READ:
                break
            place = (rows[-1].due_at or 0, rows[-1].id)
        self._runs = {id_: run for id_, run in self._runs.items() if id_ in running}
        return busy

    async def _turn(self, row: Campaign) -> bool:
        """Whether there may be more to do soon. Trouble with one does not hold up the others."""
        try:
            return await self._taken(row)
        except WhimbrelError as error:
            if gone(error) or error.code in _PAUSES or error.spec.permanent:
                await self._pause(row, error.code)
                return False
            _log.warning("a campaign could not go on; trying again", extra={"campaign_id": row.id, "code": error.code})
        except Exception:
            _log.exception("a campaign could not go on; trying again", extra={"campaign_id": row.id})
        self._runs.pop(row.id, None)
        self._again[row.id] = self._clock.monotonic_us() + int(_AGAIN_S * 1_000_000)
        return False

    async def _taken(self, row: Campaign) -> bool:
        account = self._tables.accounts.get(row.account_id)
        if account is None or account.status in _BETWEEN:
            return False  # in the cell that it goes to it goes on
        if account.status != "active":
            await self._pause(row, "account_suspended")
            return False
        if row.status == "scheduled":
            return await self._begin(row)
        if row.phase == "wait":
            return await self._decide(row)
        run = self._runs.get(row.id)
        if run is None or run.step != row.step:  # somebody has changed it: what was read ahead may not hold
            if await self._store.campaigns.unpark(row.id, self._clock.now_us()):
                return True  # more of it waited for it than one commit lets go
            run = self._runs[row.id] = await open_run(self._ctx, row, self._accept, self._metrics, before=run)
        return await self._send(row, run)

    async def _begin(self, row: Campaign) -> bool:
        now = self._clock.now_us()
        begun = Write("campaigns_begin", ((row.id, row.step, now),))
        return await self._store.turn(begun, [turns.event(row, turns.STARTED, now)])

    async def _send(self, row: Campaign, run: Run) -> bool:
        now = self._clock.now_us()
        way = run.ways[row.pass_no]
        begins = max(way.at, opens_at(run.spec.windows, now, way.zone))
        if begins > now:
            await self._store.write([Write("campaigns_wait", ((row.id, row.step, begins),))])
            return False
        outcome = await run.take(row)
        if outcome == "spent":
            await self._pause(row, "insufficient_balance")
        elif outcome == "over":
            await self._end_of_way(row, run)
        return outcome in ("more", "over")

    async def _end_of_way(self, row: Campaign, run: Run) -> None:
        """The next zones, the wait for the sample's outcome, or the end."""
        now = self._clock.now_us()
        step = run.step
        if row.pass_no + 1 < len(run.ways):
            moved = (row.id, step, row.pass_no + 1, "", run.last_id, 0, 0, 0, 0, now)
            await self._store.write([Write("campaigns_advance", (moved,))])
        elif row.phase == "sample" and run.spec.trial is not None:
            decided_at = now + run.spec.trial.wait_s * 1_000_000
            await self._store.write([Write("campaigns_phase", ((row.id, step, "wait", decided_at, now),))])
        else:
            over = Write("campaigns_finish", ((row.id, step, now),))
            await self._store.turn(over, [turns.event(row, turns.FINISHED, now)])
        self._runs.pop(row.id, None)

    async def _decide(self, row: Campaign) -> bool:
        """The sample has had its time."""
        spec = msgspec.json.decode(row.spec, type=CampaignSpec)
        figures = await self._store.fetch(Figures, "campaign_figures_of", row.account_id, row.id)
        assert spec.trial is not None
        best = winner(figures, spec.trial, len(spec.variants))
        if best is None:
            await self._pause(row, "no_winner")
            return False
        name, now = spec.variants[best].name, self._clock.now_us()
        won = Write("campaigns_won", ((row.id, row.step, name, now),))
        return await self._store.turn(won, [turns.event(row, turns.DECIDED, now, variant=name)])

    async def _pause(self, row: Campaign, reason: str) -> None:
        now = self._clock.now_us()
        _log.warning("a campaign pauses", extra={"campaign_id": row.id, "code": reason})
        self._runs.pop(row.id, None)
        also = [turns.event(row, turns.PAUSED, now, reason=reason)]
        await self._store.campaigns.pause(turns.pause(row, reason, now), also, row.id, now)

    async def _clear(self) -> bool:
        """Some of what is left of each that was paused, canceled or deleted goes; whether there may be more. One that
        has much of it holds up nobody's turn."""
        more = False
        for row in await self._store.fetch(Campaign, "campaigns_to_clear", limits.PAGE_DEFAULT):
            account = self._tables.accounts.get(row.account_id)
            if account is None or account.status not in _BETWEEN:
                more = await self._cleared_some(row) or more
        return more

    async def _cleared_some(self, row: Campaign) -> bool:
        """A commit's worth of one; whether there may be more."""
        now, rows = self._clock.now_us(), self._store.campaigns
        if row.status == "paused":
            found = await rows.park(row.id, now, _CLEAR)
        else:  # it may be deleted before all that waited was taken back
            found = await rows.clear(row.id, now, _CLEAR) if row.status == "canceled" else 0
        if not found and row.clearing == 1:
            await self._store.write([Write("campaigns_cleared", ((row.id, row.step),))])
        elif not found:
            found = (await self._store.write([Write("campaign_recipients_delete", ((row.id, _CLEAR),))]))[0]
            if not found:
                await self._store.write([Write(name, ((row.id,),)) for name in _DELETED])
        return found > 0
