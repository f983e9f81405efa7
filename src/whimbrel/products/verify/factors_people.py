"""The people of an account's application: who they are, what is counted of their wrong codes, and the turns in which
their factors change.
"""

from collections.abc import Sequence

from whimbrel.base import ids
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain import factors as rules
from whimbrel.domain.factors import Entity, Factor, Guesses, is_identity
from whimbrel.manage import audit
from whimbrel.manage.context import Context, Paging, after
from whimbrel.products.verify import factors_writes as writes
from whimbrel.products.verify import services
from whimbrel.products.verify.factors_writes import Owner
from whimbrel.store.interface import Write

TURNS_MAX = 50
"""Decisions on one person that others overtook, one after the other."""


class People:
    """The people of all services."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def owner(self, account_id: str, service_id: str, identity: str, *, test: bool) -> Owner:
        """Whose guesses are counted. `invalid_request` for what can be no identity."""
        if not is_identity(identity):
            detail = "must be 1 to 64 letters, digits or . _ ~ @ : + = - and begin with a letter or digit"
            raise WhimbrelError("invalid_request", errors=[FieldError("/identity", detail)])
        hashed = self._ctx.vault.fingerprint(b"entity", service_id.encode(), identity.encode())
        return Owner(account_id, test, hashed)

    async def guesses(self, owner: Owner) -> Guesses:
        """What is counted."""
        place = (owner.account_id, int(owner.test), owner.hashed)
        rows = await self._ctx.store.fetch(Guesses, "verify_guesses", *place)
        return rows[0] if rows else Guesses()

    async def take(self, owner: Owner, state: Guesses, also: Sequence[Write]) -> bool:
        """Write, where nobody else has decided meanwhile."""
        return await self._ctx.store.turn(writes.turn(owner, state, self._ctx.clock.now_us()), also)

    async def known(self, account_id: str, service_id: str, identity: str, *, test: bool) -> Entity:
        """The person; not_found, also where the service is not the account's."""
        await services.existing(self._ctx, service_id, account_id)
        found = await self.maybe(account_id, service_id, identity, test=test)
        if found is None:
            raise WhimbrelError("not_found")
        return found

    async def maybe(self, account_id: str, service_id: str, identity: str, *, test: bool) -> Entity | None:
        """The person, where known."""
        place = (account_id, int(test), service_id, identity)
        rows = await self._ctx.store.fetch(Entity, "verify_entity_by_identity", *place)
        return rows[0] if rows else None

    async def add(self, account_id: str, service_id: str, identity: str, *, test: bool) -> Entity:
        """A person without factors. WhimbrelError: not_found (the service), invalid_request, conflict when known."""
        await services.existing(self._ctx, service_id, account_id)
        owner = self.owner(account_id, service_id, identity, test=test)
        for _ in range(TURNS_MAX):
            state = await self.guesses(owner)
            if await self.maybe(account_id, service_id, identity, test=test) is not None:
                raise WhimbrelError("conflict", "The person is known.")
            now = self._ctx.clock.now_us()
            new = Entity(self._ctx.ids.new(ids.VERIFY_ENTITY), account_id, test, service_id, identity, now, now)
            if await self.take(owner, rules.kept(state), (writes.person(new),)):
                return new
        raise WhimbrelError("overloaded", retry_after_s=1)

    async def find(self, account_id: str, service_id: str, paging: Paging, *, test: bool) -> list[Entity]:
        """A page of a service's, newest first, and one more."""
        await services.existing(self._ctx, service_id, account_id)
        place = (account_id, int(test), service_id, after(paging), paging.limit + 1)
        return await self._ctx.store.fetch(Entity, "verify_entities_page", *place)

    async def factors_of(self, person: Entity) -> list[Factor]:
        """A person's factors, newest first."""
        return await self._ctx.store.fetch(Factor, "verify_factors_of", person.account_id, person.id)

    async def delete(self, account_id: str, service_id: str, identity: str, *, test: bool) -> int:
        """Forget a person with factors and challenges; how many factors. What is counted of wrong codes stays, as a
        keyed hash: whoever is made again is not given new guesses."""
        owner = self.owner(account_id, service_id, identity, test=test)
        for _ in range(TURNS_MAX):
            state = await self.guesses(owner)
            person = await self.known(account_id, service_id, identity, test=test)
            rows, now = await self.factors_of(person), self._ctx.clock.now_us()
            told = [write for row in rows for write in writes.deleted(row, now)]
            if await self.take(owner, rules.kept(state), (*told, *writes.erased(account_id, (person.id,)))):
                return len(rows)
        raise WhimbrelError("overloaded", retry_after_s=1)

    async def unlock(
        self, actor: str, account_id: str, service_id: str, identity: str, *, test: bool
    ) -> tuple[Entity, Guesses]:
        """Forget the wrong codes of somebody whom the caller knows by other means."""
        owner = self.owner(account_id, service_id, identity, test=test)
        for _ in range(TURNS_MAX):
            state = await self.guesses(owner)
            person = await self.known(account_id, service_id, identity, test=test)
            after_unlock = rules.passed(state)
            entry = audit.entry(self._ctx, actor, "verify_entity.unlocked", person.id, account_id)
            if await self.take(owner, after_unlock, (entry,)):
                return person, after_unlock
        raise WhimbrelError("overloaded", retry_after_s=1)
