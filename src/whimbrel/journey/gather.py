"""Many small lists become few large ones: while one list is being stored, the next one grows. This is how single
requests share a commit without waiting for a timer: a lone item goes at the end of the loop's turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class Gatherer(Generic[In, Out]):
    """Collects items and hands them to `flush` as lists; `flush` answers with one result an item, in order.

    At most `overlap` lists are under way at once, so that making the next list ready overlaps with the commit of the
    one before. An exception of `flush` reaches everyone whose items were in that list.
    """

    def __init__(
        self, flush: Callable[[list[In]], Awaitable[Sequence[Out]]], *, limit: int = 500, overlap: int = 2
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._overlap = overlap
        self._items: list[In] = []
        self._takers: list[tuple[int, asyncio.Future[list[Out]]]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._armed = False
        self._handed_over: asyncio.Event = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._items and not self._under_way

    def add(self, items: Sequence[In]) -> "asyncio.Future[list[Out]]":
        """Queue items; the future brings their results in order."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Out]] = loop.create_future()
        self._items.extend(items)
        self._takers.append((len(items), future))
        if not self._armed and len(self._under_way) < self._overlap:
            self._armed = True
            loop.call_soon(self._launch)
        return future

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

    def _take(self) -> tuple[list[In], list[tuple[int, "asyncio.Future[list[Out]]"]]]:
        if len(self._items) <= self._limit:
            items, takers = self._items, self._takers
            self._items, self._takers = [], []
            return items, takers
        count = taken = 0
        for size, _ in self._takers:
            if taken and count + size > self._limit:
                break
            count += size
            taken += 1
        items, takers = self._items[:count], self._takers[:taken]
        del self._items[:count], self._takers[:taken]
        return items, takers

    async def _run(self, items: list[In], takers: list[tuple[int, "asyncio.Future[list[Out]]"]]) -> None:
        try:
            results = list(await self._flush(items))
        except Exception as error:
            for _, future in takers:
                if not future.done():
                    future.set_exception(error)
            return
        start = 0
        for size, future in takers:
            if not future.done():
                future.set_result(results[start : start + size])
            start += size

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
