"""Reports of carriers that speak HTTP: whether a call was answered or a chat message arrived. A report is signed with
the channel's secret, as we sign what we post. What was not delivered is taken by the duty that hands codes over, which
takes the next channel at once.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain import hook_signatures, states
from whimbrel.domain import verify_channels as chains
from whimbrel.domain.hook_signatures import Auth, Signed
from whimbrel.domain.verify import SendAttempt
from whimbrel.manage.context import Context
from whimbrel.products.verify import writes
from whimbrel.products.verify.ways import Ways

_AUTH = Auth(kind="standard_webhooks")
_TURNS_MAX = 20


class ChannelReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a call or a chat message."""

    status: Literal["delivered", "undelivered"]
    reason: Annotated[
        str, Meta(pattern="^[a-z0-9_]{0,64}$", description="A short word, such as `busy`; never a number or a text.")
    ] = ""


class ReportTaken(msgspec.Struct, frozen=True):
    """How the attempt stands."""

    id: str
    state: str


_decode = msgspec.json.Decoder(ChannelReport).decode


class Reporting:
    """Takes reports of what `ways` carried. `wake`: something is to be done at once."""

    def __init__(self, ctx: Context, metrics: Metrics, ways: Ways, wake: Callable[[], None]) -> None:
        self._ctx = ctx
        self._metrics = metrics
        self._ways = ways
        self._wake = wake

    async def known(self, attempt_id: str) -> bool:
        """Whether the attempt is here."""
        return await self._row(attempt_id) is not None

    async def take(self, attempt_id: str, call: Signed) -> ReportTaken:
        """Believe a report, and note it where nothing else is known. WhimbrelError: not_found, hook_signature,
        invalid_request."""
        row = await self._row(attempt_id)
        way = None if row is None else self._ways.get(row.channel)
        if row is None or way is None or not way.report_secret:
            raise WhimbrelError("not_found")
        problem = hook_signatures.problem(_AUTH, (way.report_secret,), call, self._ctx.clock.now_us())
        if problem is not None:
            raise WhimbrelError("hook_signature", f"Not signed with the secret of the channel: {problem}.")
        try:
            report = _decode(call.body)
        except msgspec.MsgspecError as error:
            raise WhimbrelError("invalid_request", f"The report cannot be read: {error}.") from None
        for _ in range(_TURNS_MAX):
            state = chains.reported(row.state, delivered=report.status == "delivered")
            if state is None or await self._note(row, state, report.reason):
                return ReportTaken(row.id, state or row.state)
            row = await self._row(attempt_id)
            if row is None:
                raise WhimbrelError("not_found")
        raise WhimbrelError("overloaded", retry_after_s=1)

    async def _note(self, row: SendAttempt, state: str, reason: str) -> bool:
        """False: it has changed meanwhile."""
        is_bad = state != states.DELIVERED
        due_at = self._ctx.clock.now_us() if is_bad else None
        after = msgspec.structs.replace(row, seq=row.seq + 1, state=state, reason=reason, due_at=due_at)
        if not await self._ctx.store.turn(writes.moved(after), (writes.failed(after),) if is_bad else ()):
            return False
        self._metrics.verify_sends.labels(row.channel, state).inc()
        if is_bad:
            self._wake()
        return True

    async def _row(self, attempt_id: str) -> SendAttempt | None:
        rows = await self._ctx.store.fetch(SendAttempt, "verify_attempt_any", attempt_id)
        return rows[0] if rows else None
