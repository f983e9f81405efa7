"""Handing over: what attempts wait for, done by a duty of one node.

A code for a channel beside SMS waits in its attempt as `queued`. Before it is handed over the attempt is committed as
`sending`, with the time by which an answer has to be known: a process that dies in between leaves an attempt in doubt,
and none that is sent twice. The message of a text is looked at now and then. When an attempt is known to have brought
nothing, or nothing is known to be delivered after a while, the next channel of the verification brings the same code;
where none is left and nobody can have the code, the verification has failed.

Decisions are written where the number's version still stands, as all that is decided of verifications.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from whimbrel.base import limits
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain import states
from whimbrel.domain import verify as rules
from whimbrel.domain import verify_channels as chains
from whimbrel.domain.model import Message
from whimbrel.domain.verify import FAILED, PENDING, NumberState, SendAttempt, Verification, VerifyService
from whimbrel.domain.verify_channels import CANCELED, IN_DOUBT, QUEUED, REFUSED, SENDING, SENT, TIMED_OUT
from whimbrel.journey.accept import Superseded
from whimbrel.manage.context import Context
from whimbrel.products.verify import services, writes
from whimbrel.products.verify.channels import AccountOf
from whimbrel.products.verify.codes import code as code_of
from whimbrel.products.verify.sending import Bringing, Sending
from whimbrel.products.verify.views import details_of
from whimbrel.products.verify.ways import Outcome, Parcel, Way, Ways
from whimbrel.store.interface import Write

_log = logging.getLogger("whimbrel.verify")
_MARGIN_S: Final = 2  # after a way's own time
_POSTPONED_US: Final = 5 * SECOND_US  # an account that is suspended, or moves to another cell
_TURNS_MAX: Final = 50
_STOP_S: Final = 2.0  # that what is being handed over may still take when the node stops
_BAD: Final = frozenset({states.UNDELIVERED, states.EXPIRED, states.FAILED, states.REJECTED, states.CANCELED})
_CRASHED: Final = "crash"

replace = msgspec.structs.replace


class Handing:
    """`look` is called by the duty, once a second and whenever `wake` was."""

    def __init__(
        self,
        ctx: Context,
        sending: Sending,
        ways: Ways,
        metrics: Metrics,
        *,
        account_of: AccountOf,
        wake: Callable[[], None],
    ) -> None:
        self._ctx = ctx
        self._sending = sending
        self._ways = ways
        self._account_of = account_of
        self._metrics = metrics
        self._wake = wake
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Get the ways ready."""
        for way in set(self._ways.values()):
            await way.start()

    async def stop(self) -> None:
        """What is under way may end; what does not in time is in doubt."""
        tasks = list(self._under_way.values())
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for way in set(self._ways.values()):
            await way.stop()

    async def look(self, limit: int) -> bool:
        """Do what is due of so many attempts; whether there may be more."""
        now = self._ctx.clock.now_us()
        rows = await self._ctx.store.fetch(SendAttempt, "verify_attempts_due", now, limit)
        if not rows:
            return False
        verifications = await self._verifications(rows)
        messages = await self._messages(rows)
        later: list[Write] = []
        left = 0
        for row in rows:
            verification = verifications.get(row.verification_id)
            is_over = verification is None or verification.status != PENDING or verification.expires_at <= now
            if not is_over and self._holds_back(row.account_id):
                later.append(writes.moved(replace(row, seq=row.seq + 1, due_at=now + _POSTPONED_US)))
            elif not is_over and row.state == QUEUED and row.channel in self._ways:
                left += not self._begin(row)
            else:
                later += await self._decided(row, None if is_over else verification, messages, now)
        if later:
            await self._ctx.store.write(later)
        return len(rows) == limit and left < len(rows)

    async def _verifications(self, rows: Sequence[SendAttempt]) -> dict[str, Verification]:
        wanted = sorted({row.verification_id for row in rows})
        found = await self._ctx.store.fetch(Verification, "verifications_by_ids", wanted)
        return {row.id: row for row in found}

    async def _messages(self, rows: Sequence[SendAttempt]) -> dict[str, Message]:
        wanted = [row.message_id for row in rows if row.message_id is not None]
        return {message.id: message for message in await self._ctx.store.messages(wanted)} if wanted else {}

    def _holds_back(self, account_id: str) -> bool:
        account = self._account_of(account_id)
        return account is None or account.status != "active"

    # by ways

    def _begin(self, row: SendAttempt) -> bool:
        """False where too many are under way: it stays due."""
        if row.id in self._under_way:
            return True
        if len(self._under_way) >= limits.VERIFY_HANDED_MAX:
            return False
        task = asyncio.get_running_loop().create_task(self._hand_over(row))
        self._under_way[row.id] = task
        task.add_done_callback(partial(self._ended, row.id))
        return True

    def _ended(self, attempt_id: str, task: asyncio.Task[None]) -> None:
        del self._under_way[attempt_id]
        if not task.cancelled() and task.exception() is not None:
            _log.error("a code could not be handed over", exc_info=task.exception())
        self._wake()

    async def _hand_over(self, row: SendAttempt) -> None:
        way, now = self._ways[row.channel], self._ctx.clock.now_us()
        verification = (await self._verifications([row])).get(row.verification_id)
        parcel = None if verification is None else await self._parcel(row, verification, now)
        if parcel is None:
            await self._ctx.store.write([writes.moved(replace(row, seq=row.seq + 1, state=CANCELED, due_at=None))])
            return
        known_by = now + int((way.timeout_s + _MARGIN_S) * SECOND_US)
        claimed = replace(row, seq=row.seq + 1, state=SENDING, tries=row.tries + 1, due_at=known_by)
        if not await self._ctx.store.turn(writes.moved(claimed), ()):
            return
        outcome = await _carried(way, parcel)
        assert verification is not None
        await self._record(claimed, verification, outcome)

    async def _parcel(self, row: SendAttempt, verification: Verification, now: int) -> Parcel | None:
        """None where the code is of no use any more."""
        found = await self._ctx.store.fetch(
            VerifyService, "verify_service_by_id", verification.account_id, verification.service_id
        )
        if not found or verification.status != PENDING or verification.expires_at <= now:
            return None
        details, settings = details_of(verification), services.settings_of(found[0])
        return Parcel(
            attempt_id=row.id,
            verification_id=verification.id,
            account_id=row.account_id,
            service_id=row.service_id,
            service=details.name or found[0].name,
            channel=row.channel,
            to=verification.recipient,
            language=verification.language,
            code=code_of(self._ctx.vault, verification),
            warns=settings.do_not_share,
            expires_in_s=(verification.expires_at - now) // SECOND_US,
            at_us=now,
        )

    async def _record(self, row: SendAttempt, verification: Verification, outcome: Outcome) -> None:
        """What a way said, unless the attempt is in doubt by now."""
        now, has_next = self._ctx.clock.now_us(), bool(_left(row, verification))
        after = replace(row, seq=row.seq + 1, state=outcome.state, reason=outcome.reason, reference=outcome.reference)
        also: tuple[Write, ...] = ()
        if outcome.state == REFUSED:
            again_at = chains.retry_at(row.tries, now) if outcome.is_temporary and not has_next else None
            after = replace(after, due_at=again_at or now, state=QUEUED if again_at else REFUSED)
            also = () if again_at else (writes.failed(after),)
            _log.warning("a channel did not take a code", extra={"channel": row.channel, "reason": outcome.reason})
        else:
            after = replace(after, due_at=self._fallback_at(row, verification, now) if has_next else None)
            also = (writes.doubted(after, now),) if outcome.state == IN_DOUBT else ()
        if not await self._ctx.store.turn(writes.moved(after), also):
            return
        self._metrics.verify_sends.labels(row.channel, "again" if after.state == QUEUED else after.state).inc()

    def _fallback_at(self, row: SendAttempt, verification: Verification, now: int) -> int:
        return max(now, chains.fallback_at(row, details_of(verification)))

    # what became of them

    async def _decided(
        self, row: SendAttempt, verification: Verification | None, messages: Mapping[str, Message], now: int
    ) -> list[Write]:
        """What is to be written of an attempt that is due; `verification` None: it is over. The next channel is taken
        in a commit of its own."""
        after = replace(row, seq=row.seq + 1, due_at=None)
        if row.state == SENDING:
            known = replace(after, state=IN_DOUBT, reason=_CRASHED)
            self._metrics.verify_sends.labels(row.channel, IN_DOUBT).inc()
            if verification is not None and _left(row, verification):
                known = replace(known, due_at=self._fallback_at(row, verification, now))
            return [writes.moved(known), writes.doubted(known, now)]
        if verification is None:
            return [writes.moved(replace(after, state=CANCELED if row.state == QUEUED else row.state))]
        if row.state == QUEUED:  # its channel is not set up any more
            row = replace(row, state=REFUSED, reason="verify_channel_unknown")
        if row.message_id is not None:
            return await self._text_decided(row, verification, messages.get(row.message_id), now)
        await self._go_on(row, row.state if chains.is_not_brought(row.state) else TIMED_OUT)
        return []

    async def _text_decided(
        self, row: SendAttempt, verification: Verification, message: Message | None, now: int
    ) -> list[Write]:
        """A text goes by its message."""
        after = replace(row, seq=row.seq + 1, due_at=None)
        if message is None or message.state == states.DELIVERED:
            return [writes.moved(replace(after, state="" if message is None else message.state))]
        if message.state in _BAD:
            self._metrics.verify_sends.labels(row.channel, message.state).inc()
            await self._go_on(replace(row, state=message.state, reason=message.reason or ""), message.state)
            return []
        has_next, fallback_at = bool(_left(row, verification)), chains.fallback_at(row, details_of(verification))
        if has_next and fallback_at <= now:
            await self._go_on(row, TIMED_OUT)
            return []
        due_at = chains.next_look(row.created_at, now, has_next=has_next)
        return [writes.moved(replace(after, due_at=min(due_at, fallback_at) if has_next else due_at))]

    # the next channel

    async def _go_on(self, row: SendAttempt, reason: str) -> None:
        """Take the next channel, where there is one and the newest attempt is this."""
        for _ in range(_TURNS_MAX):
            try:
                if await self._gone_on(row, reason):
                    return
            except Superseded:
                continue
            except WhimbrelError as error:
                _log.warning("the next channel was not taken", extra={"channel": row.channel, "reason": error.code})
                await self._rest(row, self._ctx.clock.now_us() + _POSTPONED_US)
                return
        _log.error("too many decide on one number at once", extra={"verification_id": row.verification_id})

    async def _gone_on(self, row: SendAttempt, reason: str) -> bool:
        """False: it is to be decided anew."""
        store, now = self._ctx.store, self._ctx.clock.now_us()
        found = (await self._verifications([row])).get(row.verification_id)
        if found is None:
            return await self._rest(row)
        state = await self._state(found)
        verification = (await self._verifications([row]))[row.verification_id]
        attempts = await store.fetch(SendAttempt, "verify_attempts_of", row.account_id, row.verification_id)
        newest = [each for each in attempts if not _was_never_sent(each)][-1:]
        if verification.status != PENDING or not newest or newest[0].id != row.id:
            return await self._rest(row)
        left, details = _left(row, verification), details_of(verification)
        service = await services.existing(self._ctx, row.service_id, row.account_id)
        settings = services.settings_of(service)
        if not left:
            return await self._end(row, verification, attempts, state)
        is_spent = verification.sends >= details.max_sends
        if is_spent or rules.send_wait(state, now, settings.sends_per_hour, settings.sends_per_day):
            return await self._rest(row)
        sends = verification.sends + 1
        made = replace(
            verification,
            channel=left[0],
            sends=sends,
            seq=verification.seq + 1,
            updated_at=now,
            next_send_at=rules.next_send(now, sends),
        )
        ended = replace(row, seq=row.seq + 1, moved_on=reason, due_at=None)
        brought = await self._sending.bring(
            Bringing(
                made=made,
                service=service,
                settings=settings,
                channels=left,
                now=now,
                turn=writes.turn(made, rules.sent(state, now), now),
                before=(writes.moved(ended), *self._counted(row)),
                reason=reason,
            )
        )
        if brought.row is None:
            return await self._end(row, verification, [*attempts, *brought.refused], state, brought.refused)
        self._metrics.verify_fallbacks.labels(row.channel, reason).inc()
        return True

    async def _end(
        self,
        row: SendAttempt,
        verification: Verification,
        attempts: Sequence[SendAttempt],
        state: NumberState,
        refused: Sequence[SendAttempt] = (),
    ) -> bool:
        """No channel is left: the verification has failed when nobody can have the code."""
        now = self._ctx.clock.now_us()
        ended = replace(row, seq=row.seq + 1, due_at=None)
        also = (writes.moved(ended), *self._counted(row), *writes.refused(refused))
        messages = await self._messages(attempts)
        known = (row.state if each.id == row.id else _state_of(each, messages) for each in attempts)
        turn = writes.turn(verification, rules.guessed(state, now, right=None), now)
        if not all(map(chains.is_not_brought, known)):
            return await self._ctx.store.turn(turn, also)
        failed = writes.ended(verification, FAILED, now)
        if not await self._ctx.store.turn(turn, (*also, *writes.changed(failed))):
            return False
        self._metrics.verifications.labels(FAILED).inc()
        return True

    def _counted(self, row: SendAttempt) -> tuple[Write, ...]:
        """A text that is known to have failed; what ways refused was counted as they said so."""
        return (writes.failed(row),) if row.state in _BAD and row.message_id is not None else ()

    async def _rest(self, row: SendAttempt, due_at: int | None = None) -> bool:
        await self._ctx.store.write([writes.moved(replace(row, seq=row.seq + 1, due_at=due_at))])
        return True

    async def _state(self, row: Verification) -> NumberState:
        place = (row.account_id, int(row.test), row.number_hash)
        rows = await self._ctx.store.fetch(NumberState, "verify_number", *place)
        return rows[0] if rows else NumberState()


async def _carried(way: Way, parcel: Parcel) -> Outcome:
    """A way that fails in a manner of its own may have sent it."""
    try:
        return await way.carry(parcel)
    except Exception:
        _log.exception("a channel failed", extra={"channel": parcel.channel})
        return Outcome("in_doubt", "error")


def _left(row: SendAttempt, verification: Verification) -> tuple[str, ...]:
    """The channels after that of an attempt."""
    return chains.following(chains.chain_of(verification, details_of(verification)), row.channel)


def _was_never_sent(row: SendAttempt) -> bool:
    """Its channel refused it before anything was stored."""
    return row.state == REFUSED and not row.tries and row.message_id is None


def _state_of(row: SendAttempt, messages: Mapping[str, Message]) -> str:
    """An attempt's own state, or that of its message."""
    message = messages.get(row.message_id or "")
    return row.state or (message.state if message is not None else SENT)
