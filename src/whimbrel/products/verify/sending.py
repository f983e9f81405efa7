"""Sending: a code is brought by the first of several channels that takes it. A start and the next channel after one
that failed are the same to it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain.verify import SendAttempt, ServiceSettings, Verification, VerifyService
from whimbrel.domain.verify_channels import QUEUED, REFUSED, SENT, chain_of, following, next_look
from whimbrel.journey.accept import Still
from whimbrel.manage.context import Context
from whimbrel.products.verify import writes
from whimbrel.products.verify.channels import Channels, Order
from whimbrel.products.verify.codes import code as code_of
from whimbrel.products.verify.views import details_of
from whimbrel.store.interface import Write

_OF_THE_CHANNEL: Final = frozenset(
    {
        "no_route", "no_price", "no_sender", "invalid_sender", "sender_not_allowed", "pool_without_senders",
        "insufficient_balance", "price_over_max", "verify_line_refused",
    }
)  # fmt: skip
"""Refusals after which another channel is tried. Others are of the account or the recipient, such as an opt-out."""
TEST: Final = "test"
"""The reference of what a test key sends by a channel beside SMS: it goes nowhere."""


class Bringing(msgspec.Struct, frozen=True, kw_only=True):
    """A code that goes out. `made` is the verification as it is to stand, its channel apart; `channels` are tried in
    their order. `turn` and `further`: conditions of the commit; `before`: its other writes."""

    made: Verification
    service: VerifyService
    settings: ServiceSettings
    channels: tuple[str, ...]
    now: int
    turn: Write
    further: tuple[Write, ...] = ()
    before: tuple[Write, ...] = ()
    reason: str = ""  # why it is not the first channel
    is_new: bool = False
    still: Still | None = None


class Brought(msgspec.Struct, frozen=True):
    """`row` None: no channel took it, and nothing is stored; `refused` are the attempts then, and `error` is what the
    first one said."""

    row: Verification | None
    refused: tuple[SendAttempt, ...] = ()
    error: WhimbrelError | None = None


class Sending:
    """Brings codes by these channels."""

    def __init__(self, ctx: Context, channels: Channels, metrics: Metrics) -> None:
        self.channels = channels
        self._ctx = ctx
        self._metrics = metrics

    async def bring(self, job: Bringing) -> Brought:
        """WhimbrelError where no channel is to blame; Superseded."""
        refused: list[SendAttempt] = []
        first: WhimbrelError | None = None
        for name in job.channels:
            made = msgspec.structs.replace(job.made, channel=name)
            try:
                await self._send(job, made, refused)
            except WhimbrelError as error:
                if error.code not in _OF_THE_CHANNEL:
                    raise
                first = first or error
                refused.append(self._refused(made, job.now, error.code))
                self._metrics.verify_sends.labels(name, REFUSED).inc()
                continue
            self._metrics.verify_sends.labels(name, "accepted").inc()
            return Brought(made)
        return Brought(None, tuple(refused), first)

    async def _send(self, job: Bringing, made: Verification, refused: Sequence[SendAttempt]) -> None:
        attempt, details = self._attempt(made, job.now), details_of(made)
        told = (writes.fell_back(made, job.reason),) if job.reason else ()
        order = Order(
            verification=made,
            settings=job.settings,
            service=details.name or job.service.name,
            code=code_of(self._ctx.vault, made),
            message_id=attempt.message_id or "",
            validity_s=max(limits.VALIDITY_MIN_S, (made.expires_at - job.now) // SECOND_US),
            app_hash=details.app_hash,
            only=(job.turn, *job.further),
            also=(*job.before, *told, *writes.refused(refused), *writes.sent(made, attempt, is_new=job.is_new)),
            still=job.still,
        )
        await self.channels[made.channel].send(order)

    def _attempt(self, made: Verification, now: int) -> SendAttempt:
        has_message = self.channels[made.channel].has_message
        row = writes.attempt(made, self._ctx.ids.new(ids.VERIFY_ATTEMPT), now)
        if has_message:
            has_next = bool(following(chain_of(made, details_of(made)), made.channel))
            due_at = next_look(now, now, has_next=has_next)
            return msgspec.structs.replace(row, message_id=self._ctx.ids.new(ids.MESSAGE), due_at=due_at)
        if made.test:
            return msgspec.structs.replace(row, state=SENT, reference=TEST)
        return msgspec.structs.replace(row, state=QUEUED, due_at=now)

    def _refused(self, made: Verification, now: int, code: str) -> SendAttempt:
        row = writes.attempt(made, self._ctx.ids.new(ids.VERIFY_ATTEMPT), now)
        return msgspec.structs.replace(row, state=REFUSED, reason=code, moved_on=REFUSED)
