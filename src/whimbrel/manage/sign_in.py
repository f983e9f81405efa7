"""Signing in: a password or a link, then the second factor where there is one (an authenticator by RFC 6238, a passkey,
or a recovery code). Whoever fails five times is locked out for a while, which doubles with each further failure; a
wrong password, somebody who is locked out, and an address that nobody has fail in the same time and the same words.
"""

import asyncio
import re
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from whimbrel.base import limits
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.vault import Seal
from whimbrel.domain import totp
from whimbrel.domain.people import User
from whimbrel.manage import audit, sessions, sign_in_codes
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, commit
from whimbrel.manage.people_passwords import PeoplePasswords, check
from whimbrel.manage.sessions import From, Lasting, Opened, Visit
from whimbrel.manage.users import normal
from whimbrel.store.interface import Write

_SECRET: Final = re.compile(r"[A-Z2-7]{32}").fullmatch
_FREE_FAILURES: Final = 5
_LOCK_S: Final = 30
_LOCK_DOUBLINGS: Final = 7  # an hour
_REFUSED: Final = "The address or the password is wrong, or there were too many wrong ones: wait, or use a new link."
_WRONG_CODE: Final = "The code is wrong or was used before."


class SignIn:
    """Everything by which people prove who they are."""

    def __init__(self, ctx: Context, lasting: Lasting) -> None:
        self._ctx = ctx
        self.lasting = lasting
        self._passwords = PeoplePasswords(ctx.chance)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def with_password(self, email: str, password: str, where: From) -> Opened:
        """A session, of which the second factor may be missing still. WhimbrelError: unauthorized, rate_limited."""
        email = normal(email)
        async with self._turn(email):  # or many guesses at once would all come before the first failure
            return await self._with_password(email, password, where)

    def _turn(self, name: str) -> asyncio.Lock:
        return self._turns.setdefault(name, asyncio.Lock())

    async def _with_password(self, email: str, password: str, where: From) -> Opened:
        rows = await self._ctx.store.fetch(User, "user_by_email", email)
        user = rows[0] if rows else None
        may_try = user is not None and user.status != "disabled" and not self._left_us(user)
        right = await self._passwords.matches(password, user.password if user is not None and may_try else "")
        if user is None or not right:
            if user is not None and may_try:
                await self._fail(user, where)
            raise WhimbrelError("unauthorized", _REFUSED)
        if user.totp is not None:
            return await sessions.open_(self._ctx, user, "second", where, self.lasting)
        return await self._succeed(user, where, "password")

    async def with_link(self, code: str, where: From) -> Opened:
        """A session by a link that works once. WhimbrelError: unauthorized."""
        user_id = await sign_in_codes.take(self._ctx, code, "link")
        rows = await self._ctx.store.fetch(User, "user_by_id", user_id) if user_id else []
        if not rows or rows[0].status == "disabled":
            raise WhimbrelError("unauthorized", "The link was used before or is over: ask for a new one.")
        if rows[0].totp is not None:
            return await sessions.open_(self._ctx, rows[0], "second", where, self.lasting)
        return await self._succeed(rows[0], where, "link")

    async def with_code(self, visit: Visit, code: str, where: From) -> Opened:
        """The second factor: digits of the authenticator, or a recovery code. The session is another one then."""
        async with self._turn(visit.user.email):
            user = await self._again(visit.user)
            way = await self._code_is_right(user, code)
            if not way:
                await self._fail(user, where)
                raise WhimbrelError("unauthorized", _WRONG_CODE)
        await sessions.end(self._ctx, visit.session)
        return await self._succeed(visit.user, where, way)

    async def with_passkey(self, user: User, pending: Visit | None, where: From) -> Opened:
        """A session for whom a passkey has proved: it is both factors in one."""
        if user.status == "disabled":
            raise WhimbrelError("unauthorized", "This passkey does not sign in here.")
        if pending is not None:
            await sessions.end(self._ctx, pending.session)
        return await self._succeed(user, where, "passkey")

    async def confirm(self, visit: Visit, secret: str, where: From) -> None:
        """Prove once more who is there, by password or code, before something grave. WhimbrelError: unauthorized."""
        async with self._turn(visit.user.email):
            user = await self._again(visit.user)
            right = bool(user.password) and await self._passwords.matches(secret, user.password)
            if not right and not await self._code_is_right(user, secret):
                await self._fail(user, where)
                raise WhimbrelError("unauthorized", "The password or code is wrong.")
        await self.confirmed(visit)

    async def _again(self, user: User) -> User:
        """The person as of now, who is not locked out."""
        rows = await self._ctx.store.fetch(User, "user_by_id", user.id)
        if not rows or rows[0].status == "disabled":
            raise WhimbrelError("unauthorized", _REFUSED)
        self._check_lock(rows[0])
        return rows[0]

    async def confirmed(self, visit: Visit) -> None:
        """They have just proved who they are."""
        await self._ctx.store.write([Write("session_confirm", ((visit.session.id, self._ctx.clock.now_us()),))])

    def is_confirmed(self, visit: Visit) -> bool:
        """Whether they proved who they are a short while ago."""
        return self._ctx.clock.now_us() - visit.session.confirmed_at <= limits.CONFIRMED_S * SECOND_US

    async def set_password(self, visit: Visit, password: str) -> None:
        """A new password; all other sessions end. WhimbrelError: invalid_request."""
        checks = Checks()
        check(checks, password, "/password")
        checks.done()
        kept = await self._passwords.kept(password)
        user, now = visit.user, self._ctx.clock.now_us()
        entry = audit.entry(self._ctx, user.id, "user.password_set", user.id, user.account_id)
        writes = [
            Write("user_set_password", ((user.id, kept, "active", now),)),
            Write("sessions_end_others", ((user.id, visit.session.id),)),
            entry,
        ]
        await commit(self._ctx, writes)

    # ---- the authenticator

    def new_authenticator(self, user: User) -> tuple[str, str]:
        """A secret to show, and the address that authenticators read as a QR code. Nothing is kept yet."""
        secret = totp.new_secret(self._ctx.chance.octets(totp.SECRET_OCTETS))
        return secret, self.address_of(user, secret)

    def address_of(self, user: User, secret: str) -> str:
        """What authenticators read of a secret."""
        return totp.address(secret, issuer="Whimbrel", name=user.email)

    async def use_authenticator(self, visit: Visit, secret: str, code: str) -> tuple[str, ...]:
        """Ask for its codes from now on, when it gives the right one now; ten recovery codes, this once."""
        step = self._step_of(secret, code) if is_secret(secret) else None
        if step is None:
            raise WhimbrelError("invalid_request", "The code does not fit: is the clock of the phone right?")
        user, now = visit.user, self._ctx.clock.now_us()
        sealed = self._ctx.vault.seal(secret, Seal.of(Seal.USER_TOTP, user.id))
        codes, kept = sign_in_codes.recovery(self._ctx.chance, user.id)
        entry = audit.entry(self._ctx, user.id, "user.authenticator_set", user.id, user.account_id)
        writes = [
            Write("user_set_totp", ((user.id, sealed, now),)),
            Write("user_use_totp", ((user.id, step),)),
            *kept,
            entry,
        ]
        await commit(self._ctx, writes)
        return codes

    async def drop_authenticator(self, visit: Visit) -> None:
        """A password alone signs in again."""
        user, now = visit.user, self._ctx.clock.now_us()
        entry = audit.entry(self._ctx, user.id, "user.authenticator_removed", user.id, user.account_id)
        writes = [
            Write("user_set_totp", ((user.id, None, now),)),
            Write("sign_in_codes_delete", ((user.id, "recovery"),)),
            entry,
        ]
        await commit(self._ctx, writes)

    async def new_recovery_codes(self, visit: Visit) -> tuple[str, ...]:
        """Ten others in place of those that are left."""
        user = visit.user
        codes, kept = sign_in_codes.recovery(self._ctx.chance, user.id)
        entry = audit.entry(self._ctx, user.id, "user.recovery_codes_made", user.id, user.account_id)
        await commit(self._ctx, [*kept, entry])
        return codes

    async def recovery_codes_left(self, user: User) -> int:
        """How many were not used yet."""
        params = (user.id, "recovery", self._ctx.clock.now_us())
        (left,) = await self._ctx.store.fetch(int, "sign_in_codes_left", *params)
        return left

    async def _code_is_right(self, user: User, code: str) -> str:
        """How the code proves it: "authenticator", "recovery code", or not at all (empty). A code works once."""
        if user.totp is None:
            return ""
        secret = self._ctx.vault.open(user.totp, Seal.of(Seal.USER_TOTP, user.id))
        step = self._step_of(secret, code)
        if step is not None:
            (used,) = await self._ctx.store.write([Write("user_use_totp", ((user.id, step),))])
            return "authenticator" if used else ""
        return "recovery code" if await sign_in_codes.take(self._ctx, code, "recovery") == user.id else ""

    def _step_of(self, secret: str, code: str) -> int | None:
        """The time step that the digits are of; None when they are of none that is near."""
        return totp.step_of(secret, code, self._ctx.clock.now_us() // SECOND_US)

    # ---- lock-out

    def _left_us(self, user: User) -> int:
        return max(0, user.locked_until - self._ctx.clock.now_us())

    def _check_lock(self, user: User) -> None:
        left_us = self._left_us(user)
        if left_us > 0:
            detail = "Too many wrong passwords or codes. Wait, or sign in by a new link."
            raise WhimbrelError("rate_limited", detail, retry_after_s=-(-left_us // SECOND_US))

    async def _fail(self, user: User, where: From) -> None:
        failures = user.failures + 1
        locked_until = 0
        writes = []
        if failures >= _FREE_FAILURES:
            doublings = min(failures - _FREE_FAILURES, _LOCK_DOUBLINGS)
            locked_until = self._ctx.clock.now_us() + (_LOCK_S << doublings) * SECOND_US
            writes.append(
                audit.entry(self._ctx, user.id, "user.locked_out", user.id, user.account_id, address=where.address)
            )
        await commit(self._ctx, [Write("user_fail", ((user.id, locked_until),)), *writes])

    async def _succeed(self, user: User, where: From, way: str) -> Opened:
        entry = audit.entry(
            self._ctx, user.id, "user.signed_in", user.id, user.account_id, address=where.address, by=way
        )
        await commit(self._ctx, [Write("user_succeed", ((user.id, self._ctx.clock.now_us()),)), entry])
        fresh = msgspec.structs.replace(user, failures=0, locked_until=0)
        return await sessions.open_(self._ctx, fresh, "whole", where, self.lasting)


def is_secret(text: str) -> bool:
    """Whether it is shaped like the secrets that are made for authenticators."""
    return _SECRET(text) is not None
