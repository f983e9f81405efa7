"""Names to addresses, for outgoing requests: every answer is vetted, and one bad address refuses the name.

A look-up blocks a thread, so a few threads bound how many run at once; those who ask for the same name at the same time
wait for one look-up. A vetted answer is used for NAMES_KEPT_S; a failure is not kept.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from whimbrel.net.addresses import Reach
from whimbrel.net.http_answer import NoAnswerError

NAMES_KEPT_S: Final = 10  # a vetted look-up is used so long
NAMES_KEPT: Final = 2048  # the oldest gives way
NAMES_AT_ONCE: Final = 8  # look-ups block a thread each; a few that hang must not stop the others

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
_Place = tuple[str, int]


class Names:
    """The resolver."""

    def __init__(self, reach: Reach, lookup: Lookup | None = None) -> None:
        """`lookup` gives the addresses of a name (host, port); the system's by default."""
        self._reach = reach
        self._lookup = lookup or self._ask_system
        self._threads = ThreadPoolExecutor(NAMES_AT_ONCE, "lookup")
        self._kept: dict[_Place, tuple[float, Sequence[str]]] = {}  # until when (of the loop's clock); the oldest first
        self._asking: dict[_Place, asyncio.Task[Sequence[str]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Where a connection to this host may be made, in the resolver's order, at least one. NoAnswerError: the name
        has no address, or one that must not be reached."""
        if is_literal(host):
            return self._vetted(host, [host])
        place = (host, port)
        kept = self._kept.get(place)
        if kept is not None and kept[0] > asyncio.get_running_loop().time():
            return kept[1]
        task = self._asking.get(place)
        if task is None:
            task = self._asking[place] = asyncio.ensure_future(self._ask(place))
            task.add_done_callback(_look_at)
        return await asyncio.shield(task)  # others may be waiting for it too

    def close(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, place: _Place) -> Sequence[str]:
        try:
            found = await self._lookup(*place)
        except (OSError, ValueError) as error:  # a name that is no name is a UnicodeError
            raise NoAnswerError("name_not_found", str(error) or type(error).__name__) from error
        finally:
            del self._asking[place]
        addresses = self._vetted(place[0], tuple(found))
        self._kept.pop(place, None)
        self._kept[place] = (asyncio.get_running_loop().time() + NAMES_KEPT_S, addresses)
        if len(self._kept) > NAMES_KEPT:
            del self._kept[next(iter(self._kept))]
        return addresses

    def _vetted(self, host: str, addresses: Sequence[str]) -> Sequence[str]:
        if not addresses:
            raise NoAnswerError("name_not_found", "the name has no address")
        if not all(self._reach.allows(address) for address in addresses):
            raise NoAnswerError("address_refused", f"{host} has an address that is not on the public internet")
        return addresses

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _getaddrinfo, host, port)
        return list(dict.fromkeys(found))


def is_literal(host: str) -> bool:
    """Whether a host is an address, or what a resolver might take for one (127.1)."""
    return ":" in host or host.replace(".", "").isdigit()


def _getaddrinfo(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(address[0]) for *_, address in found]


def _look_at(task: asyncio.Task[Sequence[str]]) -> None:
    """An error that nobody waits for any more is no news."""
    if not task.cancelled():
        task.exception()
