"""The duty of schedules: what is due is sent, each part at each of its times once: its texts, or the runs of its flow,
are stored in the commit that moves the part on to its next time.

A time that is found late (nothing ran) is still sent within an hour; a later one is left out.
"""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.flow_expressions import ExpressionError
from whimbrel.domain.flows import Flow
from whimbrel.domain.recurrence import first
from whimbrel.domain.schedules import DuePart, ScheduleSpec
from whimbrel.journey.accept import Accept
from whimbrel.journey.looking import Looking
from whimbrel.journey.record import IdempotencyKey
from whimbrel.manage.context import Context
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.products.schedules.saying import draft_of
from whimbrel.store.interface import Write

_READ: Final = 50
_IDLE_S: Final = 0.25
_AGAIN_US: Final = 5_000_000
_LATE_US: Final = 3600 * 1_000_000
_log = logging.getLogger("whimbrel.schedules")


class Schedules(Looking):
    """Implements `journey.duties.Part`."""

    def __init__(self, ctx: Context, accept: Accept, starter: Starter) -> None:
        super().__init__(_IDLE_S, _log, "schedules could not be looked at")
        self._store = ctx.store
        self._clock = ctx.clock
        self._accept = accept
        self._starter = starter

    async def look(self) -> None:
        """Everything that is due now."""
        while await self.take() == _READ:
            pass

    async def take(self) -> int:
        """Send the parts that are due now; how many there were."""
        parts = await self._store.fetch(DuePart, "schedule_parts_due", self._clock.now_us(), _READ)
        for part in parts:
            try:
                await self._send(part)
            except Exception:
                _log.exception("a schedule could not be sent; trying again", extra={"schedule_id": part.schedule_id})
                row = (part.schedule_id, part.part, part.occurrence, self._clock.now_us() + _AGAIN_US)
                await self._store.write([Write("schedule_part_later", (row,))])
        return len(parts)

    async def _send(self, part: DuePart) -> None:
        now = self._clock.now_us()
        spec = msgspec.json.decode(part.spec, type=ScheduleSpec)
        moved = self._moved_on(part, spec, now)
        if now - part.due_at > _LATE_US:
            _log.warning("a schedule's time was missed", extra={"schedule_id": part.schedule_id})
            await self._store.write(moved)
            return
        ran = [*moved, Write("schedules_ran", ((part.schedule_id, now),))]
        if not part.recipients:  # all were erased
            await self._store.write(ran)
        elif spec.flow_id is not None:
            await self._begin(part, spec, ran)
        else:
            await self._texts(part, spec, ran)

    def _moved_on(self, part: DuePart, spec: ScheduleSpec, now: int) -> list[Write]:
        after_us = max(part.due_at, now - _LATE_US)
        comes = first(spec.starts_at, spec.rrule, part.zone, after_us=after_us, skipped=part.skipped)
        local, at = ("", None) if comes is None else (comes.local, comes.at)
        writes = [Write("schedule_part_next", ((part.schedule_id, part.part, part.occurrence, local, at),))]
        return writes if comes is not None else [*writes, Write("schedules_ended", ((part.schedule_id, now),))]

    async def _texts(self, part: DuePart, spec: ScheduleSpec, ran: Sequence[Write]) -> None:
        try:
            drafts = [draft_of(part, spec, phone) for phone in part.recipients]
        except ExpressionError:
            _log.warning("a schedule's text has no value", extra={"schedule_id": part.schedule_id})
            await self._store.write(ran)
            return
        name = f"{part.schedule_id}:{part.part}:{part.occurrence}"
        key = IdempotencyKey(part.account_id, "schedule", name, name.encode())
        try:
            accepted = await self._accept.submit(drafts, key=key, also=ran)
        except WhimbrelError as error:
            if not error.spec.permanent:
                raise
            _log.warning("a schedule was refused", extra={"schedule_id": part.schedule_id, "code": error.code})
            await self._store.write(ran)
            return
        if not any(verdict.id for verdict in accepted.verdicts):
            about = {"schedule_id": part.schedule_id, "code": accepted.verdicts[0].code}
            _log.warning("all of a schedule's texts were refused", extra=about)
            await self._store.write(ran)  # nothing was stored

    async def _begin(self, part: DuePart, spec: ScheduleSpec, ran: Sequence[Write]) -> None:
        flows = await self._store.fetch(Flow, "flow_by_id", part.account_id, spec.flow_id)
        active = [flow for flow in flows if flow.status == "active"]
        beginnings = [
            Beginning(
                flow=flow,
                phone=phone,
                origin=f"{part.schedule_id}:{part.occurrence}:{part.part}:{place}",
                trigger={"type": "schedule", "schedule_id": part.schedule_id, "at": part.occurrence},
                variables=spec.variables,
                test=part.test,
                limited=False,
            )
            for flow in active
            for place, phone in enumerate(part.recipients)
        ]
        await self._starter.start(beginnings, also=ran)
