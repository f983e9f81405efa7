"""What doors do with factors: make one (its secret is told once), confirm it by its first code, ask for codes
afterwards. Which person, what is counted of wrong codes and what stands in the rows is decided together, and written
only where nobody else has decided on the person meanwhile (`Guesses`).

A code is compared with those of all steps of time that are near, in constant time. A step that was used is kept with
the factor, and later ones alone are accepted, so a code works once, also at two nodes at the same moment.
"""

from typing import Any

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Seal
from whimbrel.domain import factors as rules
from whimbrel.domain import totp
from whimbrel.domain.factors import (
    APPROVED,
    DENIED,
    PENDING,
    TOTP,
    UNVERIFIED,
    USED_BEFORE,
    VERIFIED,
    WRONG_CODE,
    Challenge,
    Details,
    Entity,
    Factor,
    Guesses,
    Reason,
)
from whimbrel.domain.totp import Algorithm, Manner
from whimbrel.domain.verify import ServiceSettings, VerifyService
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Paging, after
from whimbrel.products.verify import factors_writes as writes
from whimbrel.products.verify import services
from whimbrel.products.verify.factors_people import TURNS_MAX, People
from whimbrel.products.verify.factors_views import details_of
from whimbrel.store.interface import Write


class FactorOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A factor as a caller asks for it; what is None is as the service says. `verified`: the person uses this secret
    already, elsewhere, so no first code is asked for."""

    name: str
    secret: str | None = None
    verified: bool = False
    algorithm: Algorithm = "sha1"
    code_length: int | None = None
    step_s: int | None = None
    skew: int | None = None
    metadata: dict[str, Any] | None = None


class MadeFactor(msgspec.Struct, frozen=True):
    """A factor that was just made, with its secret."""

    factor: Factor
    secret: str
    issuer: str


class Confirmed(msgspec.Struct, frozen=True):
    """What became of a first code."""

    factor: Factor
    valid: bool


class Factors:
    """Factors and challenges of all accounts. `place` is always the service's id and the person's identity."""

    def __init__(self, ctx: Context, metrics: Metrics) -> None:
        self._ctx = ctx
        self._metrics = metrics
        self.people = People(ctx)

    # factors

    async def create(
        self, account_id: str, service_id: str, identity: str, order: FactorOrder, *, test: bool
    ) -> MadeFactor:
        """WhimbrelError: not_found (the service), invalid_request, too_many_factors."""
        service = await services.existing(self._ctx, service_id, account_id)
        settings = services.settings_of(service)
        owner = self.people.owner(account_id, service_id, identity, test=test)
        secret = _checked(self._ctx, order, settings)
        for _ in range(TURNS_MAX):
            state = await self.people.guesses(owner)
            known = await self.people.maybe(account_id, service_id, identity, test=test)
            if known is not None and len(await self.people.factors_of(known)) >= limits.VERIFY_FACTORS_PER_PERSON:
                raise WhimbrelError("too_many_factors")
            now = self._ctx.clock.now_us()
            new = Entity(self._ctx.ids.new(ids.VERIFY_ENTITY), account_id, test, service_id, identity, now, now)
            row = self._made(known or new, order, settings, secret, now)
            if await self.people.take(owner, rules.kept(state), writes.created(row, None if known else new)):
                self._count("created")
                return MadeFactor(row, secret, issuer_of(service, settings))
        raise WhimbrelError("overloaded", retry_after_s=1)

    def _made(self, person: Entity, order: FactorOrder, settings: ServiceSettings, secret: str, now: int) -> Factor:
        id_ = self._ctx.ids.new(ids.VERIFY_FACTOR)
        details = Details(manner_of(order, settings), order.metadata)
        return Factor(
            id=id_,
            account_id=person.account_id,
            test=person.test,
            service_id=person.service_id,
            entity_id=person.id,
            kind=TOTP,
            name=order.name,
            status=VERIFIED if order.verified else UNVERIFIED,
            secret=self._ctx.vault.seal(secret, Seal.of(Seal.FACTOR_SECRET, id_)),
            details=msgspec.json.encode(details).decode(),
            last_step=0,
            seq=2 if order.verified else 1,
            created_at=now,
            updated_at=now,
            verified_at=now if order.verified else None,
        )

    async def get(self, person: Entity, factor_id: str) -> Factor:
        """One of a person's; not_found."""
        place = (person.account_id, int(person.test), person.id, factor_id)
        rows = await self._ctx.store.fetch(Factor, "verify_factor_by_id", *place)
        if not rows:
            raise WhimbrelError("not_found")
        return rows[0]

    async def rename(self, person: Entity, factor_id: str, name: str) -> Factor:
        """WhimbrelError: not_found, invalid_request."""
        checks = Checks()
        checks.text(name, "/name")
        checks.done()
        row, now = await self.get(person, factor_id), self._ctx.clock.now_us()
        await self._ctx.store.write([Write("verify_factor_rename", ((row.id, name, now),))])
        return msgspec.structs.replace(row, name=name, updated_at=now)

    async def delete(self, person: Entity, factor_id: str) -> None:
        """A factor goes, with its secret. What is counted of wrong codes stays."""
        owner = self.people.owner(person.account_id, person.service_id, person.identity, test=person.test)
        for _ in range(TURNS_MAX):
            state = await self.people.guesses(owner)
            row = await self.get(person, factor_id)
            gone = writes.deleted(row, self._ctx.clock.now_us())
            if await self.people.take(owner, rules.kept(state), gone):
                self._count("deleted")
                return
        raise WhimbrelError("overloaded", retry_after_s=1)

    async def forget(self, account_id: str, service_id: str, identity: str, *, test: bool) -> None:
        """A person goes, with factors and challenges. WhimbrelError: not_found."""
        count = await self.people.delete(account_id, service_id, identity, test=test)
        self._metrics.verify_factors.labels("deleted").inc(count)

    async def confirm(self, person: Entity, factor_id: str, code: str) -> Confirmed:
        """A new factor's first code. The right one does not forget wrong ones, or whoever guesses would make a new
        factor in between.

        WhimbrelError: not_found (also of one that nobody has confirmed for a day), conflict when it is confirmed,
        verify_factor_waits, verify_factor_locked."""
        owner = self.people.owner(person.account_id, person.service_id, person.identity, test=person.test)
        for _ in range(TURNS_MAX):
            state, now = await self.people.guesses(owner), self._ctx.clock.now_us()
            row = await self.get(person, factor_id)
            if row.status == VERIFIED:
                raise WhimbrelError("conflict", "The factor is verified.")
            if row.created_at + limits.VERIFY_FACTOR_CONFIRM_S * SECOND_US <= now:
                raise WhimbrelError("not_found")
            check_may_guess(state, now)
            step, reason = self._looked_at(row, code, now)
            if reason:
                if await self.people.take(owner, rules.failed(state, now), ()):
                    self._count("wrong_code")
                    return Confirmed(row, False)
                continue
            confirmed = msgspec.structs.replace(
                row, status=VERIFIED, last_step=step, seq=row.seq + 1, updated_at=now, verified_at=now
            )
            also = (writes.changed(confirmed), writes.event(confirmed, "factor.verified"))
            if await self.people.take(owner, rules.kept(state), also):
                self._count("verified")
                return Confirmed(confirmed, True)
        raise WhimbrelError("overloaded", retry_after_s=1)

    # challenges

    async def ask(
        self, person: Entity, factor_id: str, *, metadata: Any = None, lasts_s: int | None = None
    ) -> Challenge:
        """A challenge that waits for its code. WhimbrelError: not_found, verify_factor_unverified, invalid_request."""
        row = self._asked(await self._verified(person, factor_id), metadata, lasts_s)
        await self._ctx.store.write([writes.stored(row)])
        return row

    async def challenge(
        self,
        person: Entity,
        factor_id: str,
        code: str,
        *,
        metadata: Any = None,
        lasts_s: int | None = None,
        final: bool = True,
    ) -> Challenge:
        """Whether this is a code of the factor: a challenge that is made and answered at once. `final`: a wrong code
        denies it; else it goes on waiting for the right one.

        WhimbrelError: not_found, invalid_request, verify_factor_unverified, verify_factor_waits,
        verify_factor_locked."""
        asked = self._asked(await self._verified(person, factor_id), metadata, lasts_s)
        return await self._answer(person, asked, code, is_new=True, final=final)

    async def answer(self, person: Entity, challenge_id: str, code: str, *, final: bool = True) -> Challenge:
        """The code of a challenge that waits for it. WhimbrelError: as of `challenge`, and verify_challenge_ended."""
        return await self._answer(person, await self.one(person, challenge_id), code, is_new=False, final=final)

    async def _answer(self, person: Entity, asked: Challenge, code: str, *, is_new: bool, final: bool) -> Challenge:
        owner = self.people.owner(person.account_id, person.service_id, person.identity, test=person.test)
        for _ in range(TURNS_MAX):
            state, now = await self.people.guesses(owner), self._ctx.clock.now_us()
            factor = await self._verified(person, asked.factor_id)
            waiting = asked if is_new else await self.one(person, asked.id)
            if rules.status_at(waiting, now) != PENDING:
                raise WhimbrelError("verify_challenge_ended")
            check_may_guess(state, now)
            step, reason = self._looked_at(factor, code, now)
            answered = msgspec.structs.replace(
                waiting,
                status=(DENIED if final else PENDING) if reason else APPROVED,
                reason=reason,
                seq=waiting.seq + 1,
                updated_at=now,
                responded_at=now if final or not reason else None,
            )
            also = writes.answered(answered, is_new=is_new)
            if not reason:
                also = (*also, writes.changed(msgspec.structs.replace(factor, last_step=step, updated_at=now)))
            if await self.people.take(owner, rules.failed(state, now) if reason else rules.passed(state), also):
                self._metrics.verify_challenges.labels(reason or APPROVED).inc()
                return answered
        raise WhimbrelError("overloaded", retry_after_s=1)

    async def one(self, person: Entity, challenge_id: str) -> Challenge:
        """One of a person's; not_found."""
        place = (person.account_id, int(person.test), person.id, challenge_id)
        rows = await self._ctx.store.fetch(Challenge, "verify_challenge_by_id", *place)
        if not rows:
            raise WhimbrelError("not_found")
        return rows[0]

    async def challenges(
        self, person: Entity, paging: Paging, *, factor_id: str = "", status: str = ""
    ) -> list[Challenge]:
        """A page of a person's, and one more; those only of one factor or with one status, where they are given."""
        statement = paging.of("verify_challenges_page", "verify_challenges_page_oldest")
        about = (person.account_id, person.id, factor_id, status, self._ctx.clock.now_us())
        return await self._ctx.store.fetch(Challenge, statement, *about, after(paging), paging.limit + 1)

    async def _verified(self, person: Entity, factor_id: str) -> Factor:
        row = await self.get(person, factor_id)
        if row.status != VERIFIED:
            raise WhimbrelError("verify_factor_unverified")
        return row

    def _asked(self, factor: Factor, metadata: Any, lasts_s: int | None) -> Challenge:
        checks, now = Checks(), self._ctx.clock.now_us()
        check_metadata(checks, metadata)
        checks.done()
        return Challenge(
            id=self._ctx.ids.new(ids.VERIFY_CHALLENGE),
            account_id=factor.account_id,
            test=factor.test,
            service_id=factor.service_id,
            entity_id=factor.entity_id,
            factor_id=factor.id,
            status=PENDING,
            reason="",
            metadata=msgspec.json.encode(metadata).decode(),
            seq=0,
            created_at=now,
            updated_at=now,
            expires_at=now + (lasts_s or limits.VERIFY_CHALLENGE_S) * SECOND_US,
            responded_at=None,
        )

    def _looked_at(self, row: Factor, code: str, now: int) -> tuple[int, Reason]:
        """The step that a code is of, and (empty where it is right) what is wrong with it."""
        secret = self._ctx.vault.open(row.secret, Seal.of(Seal.FACTOR_SECRET, row.id))
        step = totp.step_of(secret, code, now // SECOND_US, details_of(row).manner)
        if step is None:
            return 0, WRONG_CODE
        return step, "" if step > row.last_step else USED_BEFORE

    def _count(self, result: str) -> None:
        self._metrics.verify_factors.labels(result).inc()


def issuer_of(service: VerifyService, settings: ServiceSettings) -> str:
    """Whose codes an authenticator says that these are."""
    return settings.totp_issuer or service.name


def manner_of(order: FactorOrder, settings: ServiceSettings) -> Manner:
    """How the factor's codes are made."""
    return Manner(
        algorithm=order.algorithm,
        digits=settings.totp_code_length if order.code_length is None else order.code_length,
        step_s=settings.totp_step_s if order.step_s is None else order.step_s,
        skew=settings.totp_skew if order.skew is None else order.skew,
    )


def check_may_guess(state: Guesses, now: int) -> None:
    """`verify_factor_locked`, `verify_factor_waits`: then no code is looked at, also not the right one."""
    if rules.is_locked(state):
        raise WhimbrelError("verify_factor_locked")
    wait = rules.wait_s(state, now)
    if wait:
        raise WhimbrelError("verify_factor_waits", retry_after_s=wait)


def check_metadata(checks: Checks, metadata: Any) -> None:
    """Not too much of it."""
    size = len(msgspec.json.encode(metadata))
    checks.require(size <= limits.METADATA_MAX, "/metadata", f"must have at most {limits.METADATA_MAX:,} octets")


def _checked(ctx: Context, order: FactorOrder, settings: ServiceSettings) -> str:
    """The secret, brought or made; `invalid_request`."""
    checks, manner = Checks(), manner_of(order, settings)
    checks.text(order.name, "/name")
    check_metadata(checks, order.metadata)

    def between(value: int, least: int, most: int, pointer: str) -> None:
        checks.require(least <= value <= most, pointer, f"must be {least} to {most}")

    between(manner.digits, totp.DIGITS_MIN, totp.DIGITS_MAX, "/code_length")
    between(manner.step_s, totp.STEP_S_MIN, totp.STEP_S_MAX, "/step_s")
    between(manner.skew, 0, totp.SKEW_MAX, "/skew")
    least, most = totp.SECRET_OCTETS_MIN, totp.SECRET_OCTETS_MAX
    made = totp.new_secret(ctx.chance.octets(totp.SECRET_OCTETS))
    secret = made if order.secret is None else totp.tidied(order.secret)
    checks.require(secret is not None, "/secret", f"must be base32 of {least} to {most} octets")
    checks.require(not order.verified or order.secret is not None, "/verified", "is for a secret that you bring")
    checks.done()
    return secret or ""
