"""Contacts of imports begin flows. An import that was begun with `start_flows` writes, in the commit of each stretch of
its rows, a page of those that are new and of those that got labels; here page after page becomes runs, in the commit
that removes it. So no page is lost, none is taken twice, and a million rows are a queue of pages.

The next page waits until the engine has caught up, so that what begins otherwise is not kept waiting behind a file;
accounts take turns.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US
from whimbrel.domain.contacts import ContactStart, StartPage
from whimbrel.domain.flows import Flow, FlowRun
from whimbrel.journey.looking import Looking
from whimbrel.manage.context import Context
from whimbrel.products.flows.contacts import ADDED, TAGGED, Origin, People, added, people, tagged
from whimbrel.products.flows.rows import start_writes
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.store.interface import Write

_IDLE_S: Final = 0.5
_BEHIND_US: Final = SECOND_US
"""Runs that have been due for so long say that the engine has enough to do."""
_log = logging.getLogger("whimbrel.flows")


class Imported(Looking):
    """Implements `journey.duties.Part`. `is_active`: whether an account is served here now."""

    def __init__(self, ctx: Context, starter: Starter, is_active: Callable[[str], bool]) -> None:
        super().__init__(_IDLE_S, _log, "pages of imports could not be taken", clock=ctx.clock, chance=ctx.chance)
        self._ctx = ctx
        self._starter = starter
        self._is_active = is_active
        self._after = ""
        """The account of the page before."""
        self._took = False
        """Whether a page was taken since the accounts were begun with."""

    async def look(self) -> None:
        """Take all pages that the engine is ready for; what is left stands in the store."""
        while await self.take():
            pass

    async def take(self) -> bool:
        """Take a page of the next account that has one; whether there may be more."""
        store = self._ctx.store
        rows = await store.fetch(ContactStart, "contact_start_next", self._after)
        if not rows:
            again, self._after, self._took = self._took, "", False
            return again
        if await store.fetch(FlowRun, "flow_runs_due", self._ctx.clock.now_us() - _BEHIND_US, 1):
            return False
        (page,) = rows
        self._after = page.account_id
        if self._is_active(page.account_id):
            await self._begin(page)
            self._took = True
        return True

    async def _begin(self, page: ContactStart) -> None:
        runs = await self._starter.runs(await self._beginnings(page))
        made = [run for run in runs if run is not None]
        taken = Write("contact_start_take", ((page.account_id, page.import_id, page.position),))
        if await self._ctx.store.turn(taken, start_writes(made) if made else ()):
            self._starter.told()
        else:
            _log.warning("a page of an import was taken by another node", extra={"import_id": page.import_id})

    async def _beginnings(self, page: ContactStart) -> list[Beginning]:
        held = msgspec.json.decode(page.contacts, type=StartPage)
        flows = {kind: await self._flows(page, kind) for kind in (ADDED, TAGGED)}
        if not flows[ADDED] and not flows[TAGGED]:
            return []
        told = await people(self._ctx, (page.account_id, page.test), {*held.created, *held.labels})
        origin: Origin = {"source": "import", "import_id": page.import_id}
        found = [
            added(flow, told.contacts[contact_id], told, origin)
            for contact_id in held.created
            if contact_id in told.contacts
            for flow in flows[ADDED]
        ]
        return found + _tagged(page, held, told, flows[TAGGED], origin)

    async def _flows(self, page: ContactStart, kind: str) -> list[Flow]:
        """Of the account, that were active when the rows came."""
        found = await self._ctx.store.fetch(Flow, "flows_of_kind", kind)
        return [flow for flow in found if flow.account_id == page.account_id and flow.active_from <= page.at]


def _tagged(
    page: ContactStart, held: StartPage, told: People, flows: Sequence[Flow], origin: Origin
) -> list[Beginning]:
    found = [
        tagged(
            flow,
            told.contacts[contact_id],
            told,
            [told.by_number[number] for number in numbers if number in told.by_number],
            origin=origin,
            key=f"{page.import_id}:{contact_id}",
        )
        for contact_id, numbers in held.labels.items()
        if contact_id in told.contacts
        for flow in flows
    ]
    return [each for each in found if each is not None]
