"""How the snapshots keep in step with the database: after each write of this process at once, and where other processes
write too, by the versions of the configuration.

Each kind has a version that every change raises in its own commit. A look reads the versions first and then the kinds
whose version is another, so what is loaded is never older than its version says. There is a look every second, at each
signal of another process, and wherever somebody asks for what is `current`: those who ask in the same moment share one.
A transaction that acts on the snapshots compares their versions, and does nothing when the database has others by now.

Reads run one after another, each after the commit that caused it: an older state never replaces a newer one. One that
fails cannot take its commit back: it is told in the log and tried again until it succeeds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final, get_args

from whimbrel.domain.model import ConfigKind
from whimbrel.store.interface import Store

KINDS: Final[tuple[ConfigKind, ...]] = get_args(ConfigKind)
_LOOK_S: Final = 1.0
_APART_S: Final = 0.002  # between two looks: under load hundreds of requests share one
_RETRY_S: Final = 1.0

_log = logging.getLogger("whimbrel.tables")


class Following:
    """`load` reads one kind anew and swaps its snapshot; `changed` is told of it then, and must not block or raise."""

    def __init__(
        self, store: Store, load: Callable[[ConfigKind], Awaitable[None]], changed: Callable[[ConfigKind], None]
    ) -> None:
        self._store = store
        self._load = load
        self._changed = changed
        self._is_alone = store.signals.is_alone
        self._versions: dict[str, int] = {}
        self._sum = 0  # of all but opt-outs
        self._turn = asyncio.Lock()
        self._coming: asyncio.Task[None] | None = None  # the look that has not read the versions yet
        self._looked_s = 0.0  # when the last look began
        self._known_s = 0.0  # when the last one began that succeeded
        self._wake = asyncio.Event()
        self._failed: set[ConfigKind] = set()
        self._catching_up: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read everything, and follow it where others may change it."""
        await self._read(KINDS)
        if not self._is_alone and self._watching is None:
            self._store.signals.subscribe("config", lambda _: self._wake.set())
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    def versions(self) -> tuple[int, int] | None:
        """Of what is loaded: the sum of all kinds but opt-outs, and that of the opt-outs. None when nobody else changes
        it."""
        return None if self._is_alone else (self._sum, self._versions.get("opt_outs", 0))

    @property
    def version(self) -> int | None:
        """The first of them."""
        return None if self._is_alone else self._sum

    def age_s(self) -> float:
        """Seconds since everything that is loaded is known to be in force; 0 when nobody else can change it."""
        return 0.0 if self._is_alone else asyncio.get_running_loop().time() - self._known_s

    async def stop(self) -> None:
        """Read nothing any more."""
        tasks = [task for task in (self._watching, self._catching_up, self._coming) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def refresh(self, kinds: Iterable[ConfigKind]) -> None:
        """This process changed these kinds, and that is committed. It does not raise."""
        wanted = tuple(kinds)
        self.tell(*wanted)
        try:
            await self._read(wanted)
        except Exception:
            _log.exception("a change could not be read; trying again", extra={"kinds": wanted})
            self._read_later(wanted)
        except asyncio.CancelledError:
            self._read_later(wanted)
            raise

    def tell(self, *kinds: ConfigKind) -> None:
        """The other processes hear of a change of ours, and the versions are looked at soon."""
        self._store.signals.send("config", ",".join(kinds))
        self._wake.set()

    async def current(self) -> None:
        """What was committed before this was called is loaded when it returns. Raises what the store raises."""
        if self._is_alone:
            return
        if self._coming is None:
            self._coming = asyncio.get_running_loop().create_task(self._look())
            self._coming.add_done_callback(_retrieve)
        await asyncio.shield(self._coming)

    # ---------------------------------------------------------------- parts of them

    async def _watch(self) -> None:
        is_told = False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.current()
                is_told = False
            except Exception as error:
                if not is_told:
                    _log.error("the configuration could not be looked at; trying again", extra={"error": str(error)})
                is_told = True
                await asyncio.sleep(_RETRY_S)

    async def _look(self) -> None:
        """A task of its own: whoever asked first may be cancelled, and the others wait for it all the same."""
        loop = asyncio.get_running_loop()
        rest_s = self._looked_s + _APART_S - loop.time()
        if rest_s > 0:
            await asyncio.sleep(rest_s)
        await self._read((), begin=self._begin)

    def _begin(self) -> None:
        self._coming = None  # who asks from now on needs the next one
        self._looked_s = asyncio.get_running_loop().time()

    async def _read(self, kinds: Iterable[ConfigKind], begin: Callable[[], None] = lambda: None) -> None:
        loaded: list[ConfigKind] = []
        try:
            async with self._turn:
                began_s = asyncio.get_running_loop().time()
                begin()
                versions = {} if self._is_alone else await self._store.versions()
                for kind in _wanted(kinds, versions, self._versions):
                    await self._load(kind)
                    loaded.append(kind)
                    self._keep(kind, versions)
                for kind_of_others in versions.keys() - set(KINDS):  # of a newer version of ours: it says nothing to us
                    self._keep(kind_of_others, versions)
                self._known_s = began_s
        finally:
            for kind in loaded:
                self._changed(kind)

    def _keep(self, kind: str, versions: Mapping[str, int]) -> None:
        if kind in versions:
            self._versions[kind] = versions[kind]
            self._sum = sum(version for kind, version in self._versions.items() if kind != "opt_outs")

    def _read_later(self, kinds: Iterable[ConfigKind]) -> None:
        self._failed.update(kinds)
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        while self._failed:
            await asyncio.sleep(_RETRY_S)
            for kind in sorted(self._failed):
                self._failed.discard(kind)  # before the read: what becomes stale during it is read again
                try:
                    await self._read((kind,))
                except Exception as error:
                    self._failed.add(kind)
                    _log.error("a change could still not be read", extra={"kind": kind, "error": str(error)})


def _retrieve(task: asyncio.Task[None]) -> None:
    """Its error is told to those who still wait for it; there may be nobody left."""
    if not task.cancelled():
        task.exception()


def _wanted(kinds: Iterable[ConfigKind], found: Mapping[str, int], loaded: Mapping[str, int]) -> list[ConfigKind]:
    """These, and those whose version is another than what is loaded."""
    asked = set(kinds)
    return [kind for kind in KINDS if kind in asked or found.get(kind) != loaded.get(kind)]
