"""Which phones changed, and who waits to hear of it.

Apart from the phones because whoever looks at them live must not ask again and again: a look waits until something
happens, then takes all that has happened since, so that any number of texts costs a few looks a second.
"""

import asyncio
from collections.abc import Collection

from whimbrel_sandbox.recent import Recent


class Changes:
    """Counts changes by name; a name is that of a phone, or of a sender that texted one."""

    def __init__(self, names: int) -> None:
        self.now = 0
        self._last: Recent[str, int] = Recent(names)
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._is_closed = False

    def note(self, *names: str) -> None:
        """Something happened to these."""
        self.now += 1
        for name in names:
            self._last.put(name, self.now)
            if name in self._waiting:
                _wake(self._waiting[name])

    def last(self, name: str) -> int:
        """The number of its latest change; 0 when it had none, or none that is remembered."""
        return self._last.get(name) or 0

    def since(self, number: int, names: Collection[str]) -> list[str]:
        """Those of these names that changed after change `number`: all of them when it is one that has not been, as
        after a restart."""
        return [name for name in names if number > self.now or self.last(name) > number]

    async def after(self, number: int, names: Collection[str], wait_s: float) -> list[str]:
        """The same; while there are none it waits up to `wait_s` for the first."""
        changed = self.since(number, names)
        if changed or self._is_closed:
            return changed
        future = asyncio.get_running_loop().create_future()
        for name in names:
            self._waiting.setdefault(name, set()).add(future)
        try:
            await asyncio.wait((future,), timeout=wait_s)
        finally:
            self._forget(future, names)
        return self.since(number, names)

    def close(self) -> None:
        """Nobody waits any more."""
        self._is_closed = True
        for futures in self._waiting.values():
            _wake(futures)

    def _forget(self, future: "asyncio.Future[None]", names: Collection[str]) -> None:
        for name in names:
            self._waiting[name].discard(future)
            if not self._waiting[name]:
                del self._waiting[name]


def _wake(futures: "set[asyncio.Future[None]]") -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
