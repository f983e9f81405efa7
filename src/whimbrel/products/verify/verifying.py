"""What doors do with verifications: start (which is also to send again), check, cancel, approve, read.

Everything that is counted is decided on the row of the number in the account and written only where the version that
was seen still stands (`NumberState`): of two nodes that decide at once the second decides again. A code is made of the
verification's id and the master key when it is needed, and stored nowhere; a caller's own code is kept sealed.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain import verify as rules
from whimbrel.domain.verify import (
    APPROVED,
    CANCELED,
    EXPIRED,
    PENDING,
    SPENT,
    NumberState,
    SendAttempt,
    ServiceSettings,
    Verification,
    VerifyService,
)
from whimbrel.domain.verify_channels import SMS
from whimbrel.journey.accept import Accept, Still, Superseded
from whimbrel.manage.context import Context
from whimbrel.products.verify import services, writes
from whimbrel.products.verify.channels import AccountOf, Channel, Channels, Handed, Sms
from whimbrel.products.verify.codes import is_right
from whimbrel.products.verify.ending import KeptAfter, VerifyEnding
from whimbrel.products.verify.factors import Factors
from whimbrel.products.verify.guard import Guard
from whimbrel.products.verify.handing import Handing
from whimbrel.products.verify.rates import Counted, Rates
from whimbrel.products.verify.recipients import Recipient, known_recipient, recipient_of
from whimbrel.products.verify.reporting import Reporting
from whimbrel.products.verify.sending import Bringing, Sending
from whimbrel.products.verify.starting import (
    Start,
    again,
    check_counts,
    check_number,
    check_request,
    chosen,
    made_of,
    seconds,
)
from whimbrel.products.verify.views import details_of
from whimbrel.products.verify.ways import Ways

_NO_WAYS: Final[Ways] = {}
_TURNS_MAX: Final = 50  # decisions on one number that others overtook, one after the other
_METADATA_MAX: Final = limits.METADATA_MAX


class Checked(msgspec.Struct, frozen=True):
    """What a check found: the verification as it stands now."""

    verification: Verification
    valid: bool


class Verify:
    """Verifications of all accounts. `ways`: channels beside SMS. `ending` is a duty of one node."""

    def __init__(
        self,
        ctx: Context,
        accept: Accept,
        metrics: Metrics,
        kept_after: KeptAfter,
        *,
        account_of: AccountOf,
        ways: Ways = _NO_WAYS,
    ) -> None:
        self.ctx = ctx
        channels: dict[str, Channel] = {SMS: Sms(accept)}
        self._sending = Sending(ctx, channels, metrics)
        self.ending = VerifyEnding(
            self.expire,
            ctx.store,
            ctx.clock,
            kept_after,
            lambda wake: Handing(ctx, self._sending, ways, metrics, account_of=account_of, wake=wake),
        )
        channels |= {name: Handed(ctx.store, account_of, way, self.ending.wake) for name, way in ways.items()}
        self.channels: Channels = channels
        self.reporting = Reporting(ctx, metrics, ways, self.ending.wake)
        self._metrics = metrics
        self.guard = Guard(ctx, metrics)
        self._rates = Rates(ctx)
        self.factors = Factors(ctx, metrics)

    # start

    async def start(
        self, account_id: str, service_id: str, request: Start, *, test: bool, still: Still | None = None
    ) -> Verification:
        """Send a code to a number or an address, or the same one again while its verification is pending.

        WhimbrelError: not_found (the service), invalid_number, invalid_request, verify_custom_code_refused,
        verify_channel_unknown, verify_country_refused, verify_line_refused, verify_blocked, verify_failed_too_often,
        verify_too_many_sends, verify_too_soon, verify_sends_spent, verify_checks_spent, verify_rate_limited, and what
        accept refuses a message with."""
        service = await services.existing(self.ctx, service_id, account_id)
        settings = services.settings_of(service)
        recipient = recipient_of(request.to)
        check_request(request, settings)
        if recipient.number is not None:
            check_number(recipient.number, settings)
        buckets = await self._rates.of(account_id, service_id, request.rate_keys)
        for _ in range(_TURNS_MAX):
            try:
                return await self._start(service, settings, recipient, request, test=test, buckets=buckets, still=still)
            except Superseded:
                continue
        raise WhimbrelError("overloaded", retry_after_s=1)

    async def _start(
        self,
        service: VerifyService,
        settings: ServiceSettings,
        recipient: Recipient,
        request: Start,
        *,
        test: bool,
        buckets: Sequence[Counted],
        still: Still | None,
    ) -> Verification:
        ctx, now = self.ctx, self.ctx.clock.now_us()
        number_hash = recipient.hashed(ctx.vault)
        state = await self._state(service.account_id, test, number_hash)
        newest = await self._newest(service, test, number_hash)
        pending = newest if newest is not None and newest.status == PENDING and newest.expires_at > now else None
        channels = chosen(request, settings, self.channels, recipient, pending)
        check_counts(state, settings, pending, now)
        if pending is None:
            if recipient.number is not None:
                await self.guard.check(service, settings, recipient.number, number_hash, test=test)
            made = made_of(ctx, service, settings, recipient, request, channels=channels, test=test, now=now)
        else:
            made = again(ctx, pending, request, now)
        await self._rates.check(buckets, now)
        brought = await self._sending.bring(
            Bringing(
                made=made,
                service=service,
                settings=settings,
                channels=channels,
                now=now,
                turn=writes.turn(made, rules.sent(state, now), now),
                further=self._rates.taken(buckets, now),
                is_new=pending is None,
                still=still,
            )
        )
        if brought.row is None:
            raise brought.error or WhimbrelError("verify_channel_unknown")
        self._metrics.verifications.labels("started" if pending is None else "sent_again").inc()
        return brought.row

    # check

    async def check(self, account_id: str, service_id: str, code: str, *, test: bool, place: str) -> Checked:
        """Whether this is the code; `place` is a verification's id or a number. The answer comes at a multiple of
        `VERIFY_TICK_S`, whatever was found.

        WhimbrelError: not_found (also when it has ended), verify_checks_spent, verify_failed_too_often."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            return await self._checked(account_id, service_id, code, test=test, place=place)
        finally:
            spent = loop.time() - begun
            await asyncio.sleep(limits.VERIFY_TICK_S - spent % limits.VERIFY_TICK_S)

    async def _checked(self, account_id: str, service_id: str, code: str, *, test: bool, place: str) -> Checked:
        await services.existing(self.ctx, service_id, account_id)
        for _ in range(_TURNS_MAX):
            now = self.ctx.clock.now_us()
            state, row = await self._seen(account_id, service_id, place, test=test)
            if row is None:
                await self.ctx.store.turn(writes.nobody(account_id, test, state, now), ())
                raise WhimbrelError("not_found")
            wait = rules.failed_wait(state, now)
            if wait:
                raise WhimbrelError("verify_failed_too_often", retry_after_s=wait)
            if row.status == SPENT and row.expires_at > now:
                raise WhimbrelError("verify_checks_spent", retry_after_s=seconds(row.expires_at - now))
            right = is_right(self.ctx.vault, row, code)
            if row.status != PENDING or row.expires_at <= now:
                await self.ctx.store.turn(writes.turn(row, rules.guessed(state, now, right=None), now), ())
                raise WhimbrelError("not_found")
            after_check = self._after_check(row, now, is_right=right)
            turn = writes.turn(row, rules.guessed(state, now, right=right), now)
            if await self.ctx.store.turn(turn, writes.changed(after_check)):
                self._metrics.verifications.labels("approved" if right else "wrong_code").inc()
                return Checked(after_check, right)
        raise WhimbrelError("overloaded", retry_after_s=1)

    def _after_check(self, row: Verification, now: int, *, is_right: bool) -> Verification:
        if is_right:
            return writes.ended(row, APPROVED, now)
        checks = row.checks + 1
        counted = msgspec.structs.replace(row, checks=checks, updated_at=now)
        return writes.ended(counted, SPENT, now) if checks >= details_of(row).max_checks else counted

    # end

    async def cancel(self, account_id: str, service_id: str, place: str, *, test: bool) -> Verification:
        """Call it off. WhimbrelError: not_found, verify_not_pending."""
        return await self._end(account_id, service_id, place, CANCELED, test=test)

    async def approve(self, account_id: str, service_id: str, place: str, *, test: bool) -> Verification:
        """The caller knows by other means. WhimbrelError: not_found, verify_not_pending."""
        return await self._end(account_id, service_id, place, APPROVED, test=test)

    async def _end(
        self, account_id: str, service_id: str, place: str, status: rules.Status, *, test: bool
    ) -> Verification:
        await services.existing(self.ctx, service_id, account_id)
        for _ in range(_TURNS_MAX):
            now = self.ctx.clock.now_us()
            state, row = await self._seen(account_id, service_id, place, test=test)
            if row is None:
                raise WhimbrelError("not_found")
            if row.status != PENDING or row.expires_at <= now:
                raise WhimbrelError("verify_not_pending")
            after_end = writes.ended(row, status, now)
            right = True if status == APPROVED else None
            turn = writes.turn(row, rules.guessed(state, now, right=right), now)
            if await self.ctx.store.turn(turn, writes.changed(after_end)):
                self._metrics.verifications.labels(status).inc()
                return after_end
        raise WhimbrelError("overloaded", retry_after_s=1)

    async def expire(self, limit: int) -> int:
        """End those whose time is over; how many were found. One that somebody else changes meanwhile comes again."""
        now = self.ctx.clock.now_us()
        rows = await self.ctx.store.fetch(Verification, "verifications_overdue", now, limit)
        for each in rows:
            state, row = await self._seen(each.account_id, each.service_id, each.id, test=each.test)
            if row is None or row.status != PENDING:
                continue
            turn = writes.turn(row, rules.guessed(state, now, right=None), now)
            if await self.ctx.store.turn(turn, writes.changed(writes.ended(row, EXPIRED, now))):
                self._metrics.verifications.labels(EXPIRED).inc()
        return len(rows)

    # read

    async def get(self, account_id: str, service_id: str, place: str, *, test: bool) -> Verification:
        """One, by its id or (the newest) by its number; not_found."""
        await services.existing(self.ctx, service_id, account_id)
        row = await self._row(account_id, service_id, place, test=test)
        if row is None:
            raise WhimbrelError("not_found")
        return row

    async def attempts_of(self, row: Verification) -> list[SendAttempt]:
        """The attempts of a verification, oldest first."""
        return await self.ctx.store.fetch(SendAttempt, "verify_attempts_of", row.account_id, row.id)

    async def _seen(
        self, account_id: str, service_id: str, place: str, *, test: bool
    ) -> tuple[NumberState, Verification | None]:
        """What is counted of the number, and the verification as it stood then or later: whatever changes it moves the
        version on, so what is decided on an older row is never written."""
        found = await self._row(account_id, service_id, place, test=test)
        state = await self._state(account_id, test, 0 if found is None else found.number_hash)
        return state, None if found is None else await self._row(account_id, service_id, found.id, test=test)

    async def _row(self, account_id: str, service_id: str, place: str, *, test: bool) -> Verification | None:
        store = self.ctx.store
        if ids.is_id(place, ids.VERIFICATION):
            rows = await store.fetch(Verification, "verification_by_id", account_id, int(test), service_id, place)
        else:
            recipient = known_recipient(place)
            hashed = 0 if recipient is None else recipient.hashed(self.ctx.vault)
            rows = await store.fetch(Verification, "verification_of_number", account_id, int(test), service_id, hashed)
        return rows[0] if rows else None

    async def _newest(self, service: VerifyService, test: bool, number_hash: int) -> Verification | None:
        rows = await self.ctx.store.fetch(
            Verification, "verification_of_number", service.account_id, int(test), service.id, number_hash
        )
        return rows[0] if rows else None

    async def _state(self, account_id: str, test: bool, number_hash: int) -> NumberState:
        rows = await self.ctx.store.fetch(NumberState, "verify_number", account_id, int(test), number_hash)
        return rows[0] if rows else NumberState()
