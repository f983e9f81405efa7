"""Many small lists become few large ones: while one list is being stored, the next one grows. This is how single
requests share a commit without waiting for a timer: a lone item goes at the end of the loop's turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")
_Taker = tuple[int, asyncio.Future[Any]]
_ALONE = -1  # in place of a number of items: one, whose taker is given the result itself and not a list


class Gatherer(Generic[In, Out]):
    """Collects items and hands them to `flush` as lists; `flush` answers with one result an item, in order.

    At most `overlap` lists are under way at once, so that making the next list ready overlaps with the commit of the
    one before. An exception of `flush` reaches everyone whose items were in that list.
    """

    def __init__(
        self, flush: Callable[[list[In]], Awaitable[Sequence[Out | Exception]]], *, limit: int = 500, overlap: int = 2
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._overlap = overlap
        self._items: list[In] = []
        self._takers: list[_Taker] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._armed = False
        self._handed_over: asyncio.Event = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._items and not self._under_way

    def add(self, items: Sequence[In]) -> "asyncio.Future[list[Out]]":
        """Queue items; the future brings their results in order."""
        future: asyncio.Future[list[Out]] = asyncio.get_running_loop().create_future()
        self._items.extend(items)
        self._queue((len(items), future))
        return future

    def put(self, item: In) -> "asyncio.Future[Out]":
        """Queue one item; the future brings its result, or raises it where the result is an exception."""
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._items.append(item)
        self._queue((_ALONE, future))
        return future

    def _queue(self, taker: _Taker) -> None:
        self._takers.append(taker)
        if not self._armed and len(self._under_way) < self._overlap:
            self._armed = True
            asyncio.get_running_loop().call_soon(self._launch)

    def _launch(self) -> None:
        self._armed = False
        if not self._takers or len(self._under_way) >= self._overlap:
            return
        items, takers = self._take()
        if not self._takers:
            self._handed_over.set()
        task = asyncio.get_running_loop().create_task(self._run(items, takers))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        if self._takers:
            self._launch()

    def _take(self) -> tuple[list[In], list[_Taker]]:
        if len(self._items) <= self._limit:
            items, takers = self._items, self._takers
            self._items, self._takers = [], []
            return items, takers
        count = taken = 0
        for size, _ in self._takers:
            if taken and count + abs(size) > self._limit:
                break
            count += abs(size)
            taken += 1
        items, takers = self._items[:count], self._takers[:taken]
        del self._items[:count], self._takers[:taken]
        return items, takers

    async def _run(self, items: list[In], takers: list[_Taker]) -> None:
        try:
            results = list(await self._flush(items))
        except Exception as error:
            for _, future in takers:
                if not future.done():
                    future.set_exception(error)
            return
        start = 0
        for size, future in takers:
            end = start + abs(size)
            if not future.done():
                _settle(future, results[start] if size == _ALONE else results[start:end])
            start = end

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if self._takers:
            self._launch()

    async def handed_over(self) -> None:
        """Wait until everything that was added so far is on its way to the store: what is handed over after this is
        stored after it."""
        if self._takers:
            self._handed_over.clear()
            await self._handed_over.wait()

    async def drain(self) -> None:
        """Wait until everything that was added is through."""
        while not self.idle:
            if self._under_way:
                await asyncio.wait(list(self._under_way))
            else:
                await asyncio.sleep(0)


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
