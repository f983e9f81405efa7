"""Work that waits for a connection: one call of a verb and the future that its caller awaits."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from whimbrel.store.errors import StoreError, StoreStopped
from whimbrel.store.script import Script


class Job(msgspec.Struct, eq=False):
    """One call of a verb. `account_id`: whose rows it may see; all when it is None."""

    future: asyncio.Future[Any]
    verb: Callable[..., Script[Any]]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    account_id: str | None = None

    def script(self) -> Script[Any]:
        return self.verb(*self.args, **self.kwargs)

    def answer(self, result: Any) -> None:
        """Hand the result over; a waiter that was cancelled wants none, and the work is done all the same."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Jobs:
    """What waits for the connections of one line."""

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._some = asyncio.Event()
        self._closed = False
        self._refusal: StoreError | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(
        self,
        verb: Callable[..., Script[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        account_id: str | None = None,
    ) -> asyncio.Future[Any]:
        """To be called on the event loop."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StoreStopped("the store is stopped"))
        elif self._refusal is not None:
            future.set_exception(self._refusal)
        else:
            self._waiting.append(Job(future, verb, args, kwargs, account_id))
            self._some.set()
        return future

    def close(self) -> None:
        """No more jobs; those that wait are still done."""
        self._closed = True
        self._some.set()

    async def take(self, limit: int) -> list[Job]:
        """Wait for a job, then take those that wait, at most `limit`. Empty: the end."""
        while not self._waiting and not self._closed:
            self._some.clear()
            await self._some.wait()
        count = min(limit, len(self._waiting))
        return [self._waiting.popleft() for _ in range(count)]

    def refuse(self, error: StoreError | None) -> None:
        """Those that wait fail with this error, and so do those that come until it is None again."""
        self._refusal = error
        if error is not None:
            self.drop(error)

    def drop(self, error: BaseException) -> None:
        """Nobody is left to do them."""
        while self._waiting:
            self._waiting.popleft().fail(error)
