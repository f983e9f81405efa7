"""What can go wrong with the store itself, in words for the operator. Never for a verb's verdict: those are results."""

import asyncio

from whimbrel.base.errors import Unanswerable, Unavailable


class StoreError(Unavailable):
    """The store cannot do its work; the message says what to do."""


class StoreBusy(StoreError):
    """Another process owns the database."""


class Overtaken(Exception):
    """Another node changed, between two statements of a script, what the first one went by: the script runs again, and
    sees it. Not for callers."""


class SchemaError(StoreError):
    """The database's schema is not the one that this version works with."""


class StoreStopped(StoreError):
    """The store was stopped before the work was done; nothing of it was stored."""


class CommitFailed(StoreError):
    """The commit did not become durable (disk full, I/O error): nothing of the whole group was stored."""


class CommitUnknown(StoreError, Unanswerable):
    """The connection was lost during the commit, and the server that could tell what became of it is gone (another one
    was promoted) or has crashed, or the commit does not end: the group may or may not have been stored. `over`: set
    when that can be read; None where it can at once."""

    def __init__(self, message: str, over: asyncio.Event | None = None) -> None:
        super().__init__(message)
        self._over = over

    async def decided(self) -> None:
        """From now on the database says whether the group was stored."""
        if self._over is not None:
            await self._over.wait()
