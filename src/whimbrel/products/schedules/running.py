"""The duty of schedules: what is due is sent, each part at each of its times once.

Texts of a part are stored under a key that is the part's own at that time; then the part goes on to its next one (or is
forgotten, where it is people of one time) with the counts of what became of it. A crash between the two finds the key
and its verdicts. Runs of a flow are stored in the commit that moves the part on. An audience becomes parts of people,
a page at a time, in the commit that moves its cursor: whoever is in one is in one only, and nobody is lost.

A time that is found late (nothing ran) is still sent within an hour; a later one is left out.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain.contacts import Contact
from whimbrel.domain.flow_expressions import ExpressionError
from whimbrel.domain.flows import Flow
from whimbrel.domain.model import Draft
from whimbrel.domain.schedules import DuePart, SchedulePart, ScheduleSpec
from whimbrel.journey.accept import Accept
from whimbrel.journey.looking import Looking
from whimbrel.journey.record import IdempotencyKey, replay
from whimbrel.manage.context import OLDEST, Context
from whimbrel.products.campaigns.audience import gone
from whimbrel.products.flows.rows import start_writes
from whimbrel.products.flows.starting import Beginning, Starter
from whimbrel.products.schedules import parts, runs
from whimbrel.products.schedules.audience import Audience, audience_of
from whimbrel.products.schedules.saying import draft_of, names_of
from whimbrel.store.interface import Verdict, Write

_READ: Final = 50
_PAGE: Final = 4 * limits.COMMIT_CHUNK
_IDLE_S: Final = 0.25
_AGAIN_US: Final = 5_000_000
_DOOR: Final = "schedule"
LATE: Final = "late"
DUPLICATE: Final = "duplicate"
NOT_IN_AUDIENCE: Final = "not_in_audience"
FLOW_INACTIVE: Final = "flow_inactive"
FLOW_REFUSED: Final = "flow_refused"
_log = logging.getLogger("whimbrel.schedules")


class _Person(msgspec.Struct, frozen=True, gc=False):
    """Somebody of a part. `key`: his own in the part."""

    phone: str
    key: str
    known: Mapping[str, Any] = {}
    contact: Contact | None = None


class Schedules(Looking):
    """Implements `journey.duties.Part`."""

    def __init__(self, ctx: Context, accept: Accept, starter: Starter, metrics: Metrics) -> None:
        super().__init__(_IDLE_S, _log, "schedules could not be looked at", clock=ctx.clock, chance=ctx.chance)
        self._ctx = ctx
        self._store = ctx.store
        self._clock = ctx.clock
        self._accept = accept
        self._starter = starter
        self._metrics = metrics

    async def look(self) -> None:
        """Everything that is due now."""
        while await self.take():
            pass

    async def take(self) -> int:
        """Send the parts that are due now, or a page of an audience; how many there were."""
        due = await self._store.fetch(DuePart, "schedule_parts_due", self._clock.now_us(), _READ)
        for part in due:
            try:
                await self._send(part, msgspec.json.decode(part.spec, type=ScheduleSpec))
            except WhimbrelError as error:
                if part.kind != "numbers" and gone(error):
                    await self._pause(part, error.code)
                else:
                    await self._later(part, error.code)
            except Exception:
                _log.exception("a schedule could not be sent; trying again", extra={"schedule_id": part.schedule_id})
                await self._later(part)
        return len(due)

    async def _later(self, part: DuePart, code: str = "") -> None:
        if code:
            about = {"schedule_id": part.schedule_id, "code": code}
            _log.warning("a schedule could not be sent; trying again", extra=about)
        row = (part.schedule_id, part.part, part.occurrence, self._clock.now_us() + _AGAIN_US)
        await self._store.write([Write("schedule_part_later", (row,))])

    async def _pause(self, part: DuePart, code: str) -> None:
        """What its audience is described with is gone: nobody can say whom it is for."""
        _log.warning("a schedule pauses", extra={"schedule_id": part.schedule_id, "code": code})
        now, about = self._clock.now_us(), (part.schedule_id,)
        rests = Write("schedules_rest", ((part.schedule_id, code, now),))
        event = (part.schedule_id, runs.PAUSED, runs.event_data(part, reason=code), now)
        writes = [Write("schedule_parts_rest", (about,)), Write("schedules_event", (event,))]
        await self._store.turn(rests, writes)

    async def _send(self, part: DuePart, spec: ScheduleSpec) -> None:
        if part.kind == "audience":
            await self._read(part, spec)
        elif spec.flow_id is not None:
            await self._begin(part, spec)
        else:
            await self._texts(part, spec)

    # audiences

    async def _read(self, part: DuePart, spec: ScheduleSpec) -> None:
        """A page of an audience becomes parts of people."""
        now = self._clock.now_us()
        if not part.cursor and parts.is_late(part, spec, now):
            _log.warning("a schedule's time was missed", extra={"schedule_id": part.schedule_id})
            await self._store.turn(parts.next_of(part, spec, part.skipped, now), self._after(part, {LATE: 0}, now))
            return
        audience = await self._audience(part, spec)
        found = await audience.page(part.cursor or OLDEST, now, _PAGE)
        numbers = await self._numbers(part)
        wanted = [each for each in found if each.number not in numbers]
        counts = {DUPLICATE: len(found) - len(wanted)} if len(wanted) < len(found) else {}
        (last,) = await self._store.fetch(int, "schedule_part_last", part.schedule_id)
        people = parts.people_parts(part, spec, wanted, last + 1)
        also = [parts.insert(people)] if people else []
        if len(found) == _PAGE:
            row = (part.schedule_id, part.part, part.occurrence, part.cursor, found[-1].id)
            guard = Write("schedule_part_read", (row,))
            also.append(runs.added(part, counts, now))
        else:
            guard = parts.next_of(part, spec, part.skipped, now)
            also += self._after(part, counts, now)
        if await self._store.turn(guard, also):
            self._count(counts)

    async def _audience(self, part: DuePart, spec: ScheduleSpec) -> Audience:
        return await audience_of(self._ctx, spec, account_id=part.account_id, test=part.test)

    async def _numbers(self, part: DuePart) -> frozenset[str]:
        """Those that the schedule names itself."""
        rows = await self._store.fetch(SchedulePart, "schedule_parts_of", part.account_id, part.schedule_id)
        return frozenset(number for row in rows if row.kind == "numbers" for number in row.recipients)

    async def _people(self, part: DuePart, spec: ScheduleSpec) -> list[_Person]:
        """Those of a part who are to get something; contacts as they are now."""
        if part.kind == "numbers":
            return [_Person(phone, f"{part.part}:{place}") for place, phone in enumerate(part.recipients)]
        audience = await self._audience(part, spec)
        describe = audience.described if spec.flow_id is not None else audience.values
        return [_Person(each.number, each.id, describe(each), each) for each in await audience.still(part.recipients)]

    # texts

    async def _texts(self, part: DuePart, spec: ScheduleSpec) -> None:
        name = f"{part.schedule_id}:{_place(part)}:{part.occurrence}:{parts.due_at(part)}"
        key = IdempotencyKey(part.account_id, _DOOR, name, name.encode())
        kept = await self._store.kept(key.account_id, key.door, key.key)
        now = self._clock.now_us()
        if kept:  # a crash came after its messages were stored
            counts = _counted(replay(kept, key))
        elif parts.is_late(part, spec, now):
            _log.warning("a schedule's time was missed", extra={"schedule_id": part.schedule_id})
            counts = Counter({LATE: len(part.recipients)})
        else:
            counts = await self._accepted(part, spec, key)
        await self._done(part, spec, counts, ())

    async def _accepted(self, part: DuePart, spec: ScheduleSpec, key: IdempotencyKey) -> Counter[str]:
        people = await self._people(part, spec)
        counts = Counter({NOT_IN_AUDIENCE: len(part.recipients) - len(people)})
        names = await names_of(self._store, part.account_id, spec)
        drafts: list[Draft] = []
        for each in people:
            language = None if each.contact is None else each.contact.language
            try:
                drafts.append(draft_of(part, spec, each.phone, known=each.known, language=language, names=names))
            except ExpressionError:
                counts["invalid_variable"] += 1
        if not drafts:
            return counts
        try:
            accepted = await self._accept.submit(drafts, key=key)
        except WhimbrelError as error:
            if not error.spec.permanent:
                raise
            return counts + Counter({error.code: len(drafts)})
        return counts + _counted(accepted.verdicts)

    # flows

    async def _begin(self, part: DuePart, spec: ScheduleSpec) -> None:
        now = self._clock.now_us()
        if parts.is_late(part, spec, now):
            _log.warning("a schedule's time was missed", extra={"schedule_id": part.schedule_id})
            await self._done(part, spec, Counter({LATE: len(part.recipients)}), ())
            return
        people = await self._people(part, spec)
        flows = await self._store.fetch(Flow, "flow_by_id", part.account_id, spec.flow_id)
        active = [flow for flow in flows if flow.status == "active"]
        counts = Counter({NOT_IN_AUDIENCE: len(part.recipients) - len(people)})
        if not active:
            await self._done(part, spec, counts + Counter({FLOW_INACTIVE: len(people)}), ())
            return
        begun = await self._starter.runs([_beginning(part, spec, active[0], each) for each in people])
        made = [run for run in begun if run is not None]
        counts += Counter({runs.ACCEPTED: len(made), FLOW_REFUSED: len(begun) - len(made)})
        if await self._done(part, spec, counts, start_writes(made) if made else ()):
            self._starter.told()

    # both

    async def _done(self, part: DuePart, spec: ScheduleSpec, counts: Counter[str], also: Sequence[Write]) -> bool:
        """The part goes on, or is over; False, and nothing is written, where somebody has changed the schedule."""
        now = self._clock.now_us()
        guard = parts.next_of(part, spec, part.skipped, now)
        if part.kind == "people":
            guard = Write("schedule_part_done", ((part.schedule_id, part.part, part.occurrence),))
        told = {code: count for code, count in counts.items() if count}
        written = await self._store.turn(guard, [*also, *self._after(part, told, now)])
        if written:
            self._count(told)
        return written

    def _after(self, part: DuePart, counts: Mapping[str, int], now: int) -> list[Write]:
        return [
            runs.added(part, counts, now),
            Write("schedules_ran", ((part.schedule_id, now),)),
            Write("schedules_ended", ((part.schedule_id, now),)),
            *runs.over(part, now),
        ]

    def _count(self, counts: Mapping[str, int]) -> None:
        for code, count in counts.items():
            result = "accepted" if code == runs.ACCEPTED else "left_out"
            self._metrics.schedule_recipients.labels(result).inc(count)


def _place(part: DuePart) -> str:
    """What a part is known by at one time: people are in one part of it only."""
    return part.recipients[0] if part.kind == "people" else str(part.part)


def _counted(verdicts: Sequence[Verdict]) -> Counter[str]:
    return Counter(verdict.code or runs.ACCEPTED for verdict in verdicts)


def _beginning(part: DuePart, spec: ScheduleSpec, flow: Flow, person: _Person) -> Beginning:
    trigger: dict[str, Any] = {"type": "schedule", "schedule_id": part.schedule_id, "at": part.occurrence}
    if person.contact is not None:
        trigger["contact"] = person.known
    return Beginning(
        flow=flow,
        phone=person.phone,
        origin=f"{part.schedule_id}:{part.occurrence}:{person.key}",
        trigger=trigger,
        variables=spec.variables,
        test=part.test,
        limited=False,
    )
