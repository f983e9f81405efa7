"""Passwords of people: argon2id with the second parameters that RFC 9106 (4) recommends: three passes over 64 MiB. Few
are verified at once, so that a flood of guesses takes neither the memory nor the cores that texts need.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from whimbrel.base import limits
from whimbrel.base.clock import Chance
from whimbrel.base.errors import WhimbrelError
from whimbrel.manage import passwords
from whimbrel.manage.checks import Checks
from whimbrel.manage.passwords import Cost

SHORTEST: Final = 10
OF_PEOPLE: Final = Cost(passes=3, memory_kib=64 * 1024, lanes=4, octets=32)
_AT_ONCE: Final = 2
_HERE_MAX: Final = 40  # at work or waiting: some seconds

NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""What no password matches, at the cost of one that might: for addresses that nobody has."""


class PeoplePasswords:
    """Makes and verifies what is kept of people's passwords, a few at a time and off the event loop."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._here = 0

    async def kept(self, password: str) -> str:
        """What is kept of a password."""
        async with self._turn():
            return await asyncio.to_thread(passwords.stored, password, self._chance, OF_PEOPLE)

    async def matches(self, password: str, kept: str) -> bool:
        """Whether `kept` is of this password; where nothing is kept it takes as long and is False."""
        async with self._turn():
            return await asyncio.to_thread(passwords.matches, password, kept or NOBODY)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """A place among the few. WhimbrelError overloaded: so many wait that guesses would hold everybody up."""
        if self._here >= _HERE_MAX:
            raise WhimbrelError("overloaded", retry_after_s=1)
        self._here += 1
        try:
            async with self._room:
                yield
        finally:
            self._here -= 1


def check(checks: Checks, password: str, pointer: str) -> None:
    """Note what is wrong with a new password. Length is all that counts (NIST SP 800-63B 3.1.1.2)."""
    checks.require(len(password) >= SHORTEST, pointer, f"must have at least {SHORTEST} characters")
    checks.require(
        len(password.encode()) <= limits.PASSWORD_MAX, pointer, f"must have at most {limits.PASSWORD_MAX} octets"
    )
