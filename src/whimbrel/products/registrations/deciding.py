"""What the operator says to registrations, and what time says: approved, rejected, expired."""

import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec

from whimbrel.base.clock import DAY_US
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.registrations import Registration, regimes, wrong_answers
from whimbrel.journey.looking import Looking
from whimbrel.manage.context import Context
from whimbrel.products.registrations.keeping import existing, store
from whimbrel.products.registrations.shapes import Approved, Rejected

ACTOR: Final = "whimbrel"
_IDLE_S: Final = 30.0
_ONCE: Final = 100  # that are ended in one look
_log = logging.getLogger("whimbrel.registrations")


async def approve(
    ctx: Context, actor: str, registration_id: str, request: Approved, *, account_id: str
) -> Registration:
    """It holds from now on. What was approved may be approved again, with other facts. WhimbrelError: not_found,
    conflict, invalid_request."""
    row = await existing(ctx, registration_id, account_id)
    if row.state in ("draft", "rejected"):
        raise WhimbrelError("conflict", f"It is {row.state}: it is submitted first.")
    regime = regimes()[row.regime]
    problems = wrong_answers(regime.decision, request.decision)
    if problems:
        raise WhimbrelError(
            "invalid_request", errors=[FieldError(f"/decision/{each.field}", each.detail) for each in problems]
        )
    now = ctx.clock.now_us()
    days = request.valid_days or regime.valid_days
    changed = msgspec.structs.replace(
        row,
        state="approved",
        reason="",
        decision=msgspec.json.encode({k: v for k, v in request.decision.items() if v is not None}).decode(),
        decided_at=now,
        expires_at=now + days * DAY_US if days else None,
    )
    return await store(ctx, actor, row, changed, "approved", **_of_brand(request.decision))


async def reject(ctx: Context, actor: str, registration_id: str, request: Rejected, *, account_id: str) -> Registration:
    """Not so, or no more. WhimbrelError: not_found, conflict."""
    row = await existing(ctx, registration_id, account_id)
    if row.state in ("draft", "rejected"):
        raise WhimbrelError("conflict", f"It is {row.state}.")
    now = ctx.clock.now_us()
    changed = msgspec.structs.replace(row, state="rejected", reason=request.reason, decided_at=now, expires_at=None)
    return await store(ctx, actor, row, changed, "rejected")


class Expiring(Looking):
    """The duty that ends approvals whose time is over. Implements `journey.duties.Part`. What is decided with them ends
    at the moment itself (`SenderBook`); this says so. `is_active`: whether an account is served here now."""

    def __init__(self, ctx: Context, is_active: Callable[[str], bool]) -> None:
        super().__init__(_IDLE_S, _log, "registrations could not be ended", clock=ctx.clock, chance=ctx.chance)
        self._ctx = ctx
        self._is_active = is_active

    async def look(self) -> None:
        """End what is over as of now."""
        ctx = self._ctx
        for registration_id, account_id in await ctx.store.fetch(
            _pair, "registrations_over", ctx.clock.now_us(), _ONCE
        ):
            if self._is_active(account_id):
                await self._end(registration_id, account_id)

    async def _end(self, registration_id: str, account_id: str) -> None:
        try:
            row = await existing(self._ctx, registration_id, account_id)
            await store(self._ctx, ACTOR, row, msgspec.structs.replace(row, state="expired"), "expired")
        except WhimbrelError:
            _log.info("a registration was changed while it expired", extra={"registration": registration_id})


def _pair(registration_id: str, account_id: str) -> tuple[str, str]:
    return registration_id, account_id


def _of_brand(decision: dict[str, Any]) -> dict[str, Any]:
    """What an event says of the decision."""
    return {name: decision[name] for name in ("trust_score", "throughput_class") if decision.get(name) is not None}
