"""The pumping guard: who earns by texts to numbers has codes sent to many numbers of one operator, and enters none.
Each start of a verification is looked at by the numbers before it, which share all but the last digits with it; what
looks like pumping is blocked for a while, and the block is told with its reason.

It may let a few pass that start at the same moment (what must hold exactly is counted on the number's own row), and a
block can be lifted, a number put on the safe list, or the guard of a service switched off.
"""

from typing import Final

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain import verify as rules
from whimbrel.domain.numbers import Number, is_sandbox
from whimbrel.domain.verify import SLOT_US, Block, SafeNumber, ServiceSettings, VerifyService
from whimbrel.manage.context import Context
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

NEIGHBOURS: Final = "neighbouring_numbers"
VELOCITY: Final = "velocity"
CONVERSION: Final = "low_conversion"
NEW_COUNTRY: Final = "new_country"

_DAY_US: Final = 24 * 3600 * SECOND_US
_LOOKED_BACK_US: Final = 31 * _DAY_US  # of blocks: how often these numbers were blocked before, and what was lifted
_HOUR_SLOTS: Final = 6
_PROVEN_KEPT: Final = 100_000  # countries of accounts
_encode = msgspec.json.Encoder().encode


class Suspicion(msgspec.Struct, frozen=True):
    """Why numbers that begin so are blocked, and the counts that say it."""

    reason: str
    value: str
    evidence: dict[str, int | float]


class _Counted(msgspec.Struct, frozen=True):
    starts: int
    approvals: int


class _Approved(msgspec.Struct, frozen=True):
    approvals: int


class _Begun(msgspec.Struct, frozen=True):
    starts: int


class _Recipient(msgspec.Struct, frozen=True):
    recipient: str


class _Facts(msgspec.Struct, frozen=True):
    """What the events of a block tell: its beginning of numbers has no number's last digits."""

    block_id: str
    reason: str
    country: str
    ends_at: int


class Guard:
    """Asked before each start of a verification."""

    def __init__(self, ctx: Context, metrics: Metrics) -> None:
        self._ctx = ctx
        self._metrics = metrics
        self._proven: set[tuple[str, bool, str]] = set()

    async def check(
        self, service: VerifyService, settings: ServiceSettings, number: Number, number_hash: int, *, test: bool
    ) -> None:
        """`verify_blocked` for numbers that are blocked, or from now on are. The sandbox's numbers cost nobody
        anything."""
        if not settings.guard or is_sandbox(number.e164):
            return
        now, account_id = self._ctx.clock.now_us(), service.account_id
        blocks = await self.blocks_of(account_id, number, test=test, since=now - _LOOKED_BACK_US)
        active = [block for block in blocks if block.lifted_at is None and block.ends_at > now]
        quiet = {block.value for block in blocks if block.quiet_until > now}
        found = None if active else await self._suspicion(account_id, number, test=test, now=now, quiet=quiet)
        if not active and found is None and number.country not in quiet:
            most = settings.new_country_per_hour
            found = await self._new_country(account_id, number.country, most, test=test, now=now)
        if not active and found is None:
            return
        if await self.is_safe(account_id, number_hash):
            return
        if found is not None:
            known = sum(block.value == found.value for block in blocks)
            active = [await self._block(account_id, number, found, test=test, now=now, known=known)]
        wait = max(block.ends_at for block in active) - now
        raise WhimbrelError("verify_blocked", retry_after_s=max(1, -(-wait // SECOND_US)))

    async def blocks_of(self, account_id: str, number: Number, *, test: bool, since: int) -> list[Block]:
        """What has blocked a number since then (UTC microseconds), newest first, also what is over."""
        values, first = [*_values(number), number.country], ids.floor_id(ids.VERIFY_BLOCK, since)
        return await self._ctx.store.fetch(Block, "verify_blocks_of", account_id, int(test), values, first)

    async def is_safe(self, account_id: str, number_hash: int) -> bool:
        """Whether a number always passes."""
        return bool(await self._ctx.store.fetch(SafeNumber, "verify_safe_by_hash", account_id, number_hash))

    async def _suspicion(
        self, account_id: str, number: Number, *, test: bool, now: int, quiet: set[str]
    ) -> Suspicion | None:
        block, prefix = _values(number)
        if block not in quiet:
            run = await self._run(account_id, number, block, test=test, now=now)
            if run >= limits.VERIFY_RUN_MAX:
                return Suspicion(NEIGHBOURS, block, {"numbers_in_a_row": run})
        if prefix in quiet:
            return None
        ago = _Counted, "verify_counted", account_id, int(test), prefix
        (recent,) = await self._ctx.store.fetch(*ago, now // SLOT_US - 1)
        if recent.starts >= limits.VERIFY_VELOCITY_MAX and recent.approvals * 2 < recent.starts:
            return Suspicion(VELOCITY, prefix, {"starts": recent.starts, "approvals": recent.approvals})
        (day,) = await self._ctx.store.fetch(*ago, (now - _DAY_US) // SLOT_US)
        old = _Counted(day.starts - recent.starts, day.approvals - recent.approvals)  # those that had their time
        _, best = rules.wilson(old.approvals, old.starts)
        if old.starts >= limits.VERIFY_SAMPLE_MIN and best < limits.VERIFY_CONVERSION_MIN:
            facts: dict[str, int | float] = {"starts": old.starts, "approvals": old.approvals}
            return Suspicion(CONVERSION, prefix, {**facts, "conversion_at_most": round(best, 3)})
        return None

    async def _new_country(self, account_id: str, country: str, most: int, *, test: bool, now: int) -> Suspicion | None:
        """In a country where hardly anybody has confirmed a code yet, so many may be begun in an hour. Those that
        are proven are remembered: they cost nothing."""
        place = (account_id, test, country)
        if not most or not country or place in self._proven:
            return None
        about = (account_id, int(test), country)
        least = limits.VERIFY_COUNTRY_PROVEN
        rows = await self._ctx.store.fetch(_Approved, "verify_country_approvals", *about, least)
        approvals = sum(row.approvals for row in rows)
        if approvals >= least:
            if len(self._proven) >= _PROVEN_KEPT:
                self._proven.clear()
            self._proven.add(place)
            return None
        (hour,) = await self._ctx.store.fetch(_Begun, "verify_country_starts", *about, now // SLOT_US - _HOUR_SLOTS + 1)
        if hour.starts < most:
            return None
        return Suspicion(NEW_COUNTRY, country, {"starts": hour.starts, "approvals": approvals})

    async def _run(self, account_id: str, number: Number, block: str, *, test: bool, now: int) -> int:
        """The longest run of neighbours among a hundred numbers of the last ten minutes, with this one."""
        first = ids.floor_id(ids.VERIFICATION, now - SLOT_US)
        ends = (f"+{block}00", f"+{block}99")
        rows = await self._ctx.store.fetch(_Recipient, "verifications_between", account_id, int(test), *ends, first)
        return rules.neighbours([*(row.recipient for row in rows), number.e164])

    async def _block(
        self, account_id: str, number: Number, found: Suspicion, *, test: bool, now: int, known: int
    ) -> Block:
        is_country = found.reason == NEW_COUNTRY  # where the next ones may prove it
        lasts_s = limits.VERIFY_BLOCK_AGAIN_S if known and not is_country else limits.VERIFY_BLOCK_S
        block = Block(
            id=self._ctx.ids.new(ids.VERIFY_BLOCK),
            account_id=account_id,
            test=test,
            kind="country" if is_country else "prefix",
            value=found.value,
            country=number.country,
            reason=found.reason,
            evidence=_encode(found.evidence).decode(),
            seq=1,
            created_at=now,
            ends_at=now + lasts_s * SECOND_US,
            lifted_at=None,
            lifted_by=None,
            quiet_until=0,
        )
        await self._ctx.store.write(
            [Write("verify_block_insert", (to_columns(block),)), told(block, "verify.blocked", now)]
        )
        self._metrics.verify_blocks.labels(found.reason).inc()
        return block


def told(block: Block, kind: str, at: int) -> Write:
    """The event of a block."""
    facts = _encode(_Facts(block.id, block.reason, block.country, block.ends_at)).decode()
    return Write("event_insert", ((block.account_id, int(block.test), block.id, block.seq, kind, facts, 0, at),))


def _values(number: Number) -> tuple[str, str]:
    """What numbers are blocked by: a hundred of them, and ten thousand."""
    return number.digits[:-2], rules.prefix_of(number.digits)
