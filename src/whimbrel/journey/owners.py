"""Owners: this process among the others of its database, and what it does for all of them.

Theory of operation. A process has a row with a time until which it is alive, and renews it every BEAT_S; what it holds
is valid as long as the row is (`store/verbs/leases.py`). After each renewal it reads who is there and who has what, and
`domain/assignment.py` says who should have what: it takes what should be its own and is free, and hands over what
should be another's: the holder finishes what it has begun, then the lease is released, and the other one takes it.

Nobody waits for a process that is dead: its row runs out TERM_S after the last renewal, and the next look of any other
process takes what it had. Therefore a process submits nothing any more once SUBMIT_SHARE of the term has passed since
it *sent* its last renewal, by its own monotonic time: `may_submit` is asked right before octets are written, so that
one that was stopped and goes on finds out before it writes. One that finds its row gone, or could not renew it for the
whole term, gives up all that it had at once and joins anew under another id.

A process that has its database to itself holds everything, for ever: it renews nothing and reads nothing.

All leases are taken and released by one task, in rounds; what a holder does with a lease it gained or loses runs beside
it, for each lease one after the other.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from os import getpid
from socket import gethostname
from typing import Final, Protocol, Self

import msgspec

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.ids import NODE, Ids
from whimbrel.domain.assignment import KINDS, WORKER, Member, assign
from whimbrel.store import cluster
from whimbrel.store.interface import Lease, Node, Store

_log = logging.getLogger("whimbrel.owners")
BEAT_S: Final = 2.0
TERM_S: Final = 6.0
SUBMIT_SHARE: Final = 0.6
"""Of a term: a renewal may come late by 1.6 seconds before anything stops, and clocks may differ by 2.4 before two
nodes submit for one carrier."""
_TERM_US: Final = int(TERM_S * SECOND_US)
_SUBMIT_US: Final = int(TERM_S * SUBMIT_SHARE * SECOND_US)
_ROUND_S: Final = 3.0  # one round; a store that takes longer is asked again
_RETRY_S: Final = 0.5
_REST_S: Final = 0.05  # between rounds: one that is woken by many signals looks once
_FOR_EVER: Final = (1 << 62) - 1


class Holder(Protocol):
    """Does what leases of one kind are for."""

    async def gained(self, name: str, fence: int) -> None:
        """It is this process's from now on. What fails is tried again."""
        ...

    async def lost(self, name: str, *, gracefully: bool) -> None:
        """Stop. `gracefully`: the lease is still held, and is released when this comes back; otherwise another process
        may have it already. It may come without `gained`, or after one that was cancelled."""
        ...


class _Held(msgspec.Struct):
    """A lease of this process. `task`: what its holder is doing about it."""

    fence: int
    task: asyncio.Task[None]
    is_leaving: bool = False


class Identity(msgspec.Struct, frozen=True):
    """What others are told of this process."""

    name: str
    version: str
    roles: tuple[str, ...]

    @classmethod
    def of(cls, roles: Sequence[str], duties: Sequence[str]) -> Self:
        """Of this process. A worker names the duties that its version knows."""
        return cls(
            name=f"{gethostname()}:{getpid()}",
            version=version("whimbrel"),
            roles=(*roles, *(duties if WORKER in roles else ())),
        )


class Figures(msgspec.Struct, frozen=True):
    """How a process stands among the others. `leases`: how many it has of each kind; `renewed_s`: since the last
    renewal that succeeded was sent, 0 where none is needed."""

    nodes: int
    leases: Mapping[str, int]
    renewed_s: float


class Owners:
    """See the head of this file. `names`: all carriers and duties that there are; `alone`: no other process can use the
    database."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        identity: Callable[[], Identity],
        names: Callable[[], Collection[str]],
        alone: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._identity = identity
        self._names = names
        self.alone = alone
        self._node: Node | None = None
        self._renewed_us = 0  # monotonic, before the renewal was sent
        self._holders: dict[str, Holder] = {}
        self._held: dict[str, _Held] = {}
        self._gone: dict[str, asyncio.Task[None]] = {}  # what was lost, and is not wound up yet
        self._released: set[str] = set()  # handed over; to be released in the next round
        self._closed: set[str] = set()  # kinds of which nothing is taken any more
        self._wanted: set[str] = set()  # beside what is assigned
        self._runs_out_us = _FOR_EVER  # when the next of the others would be dead
        self._alive = 1  # nodes, as of the last look
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # What others ask.

    def figures(self) -> Figures:
        """As of now."""
        leases = Counter(dict.fromkeys(self._holders, 0))
        leases.update(name.partition(":")[0] for name in self._held)
        since_us = 0 if self.alone else self._clock.monotonic_us() - self._renewed_us
        return Figures(self._alive, leases, since_us / SECOND_US)

    @property
    def node_id(self) -> str:
        """The id of this process among the nodes; another one after it was taken for dead."""
        return self._node.id if self._node is not None else ""

    def hold(self, kind: str, holder: Holder) -> None:
        """Let `holder` do what leases of a kind are for (what stands before the colon). Before `start`."""
        self._holders[kind] = holder

    def fence(self, name: str) -> int:
        """The fence of a lease that this process has; 0: it has not."""
        held = self._held.get(name)
        return held.fence if held is not None else 0

    def may_submit(self, name: str) -> bool:
        """Whether octets may leave in the name of a lease, as of now."""
        return name in self._held and (self.alone or self._clock.monotonic_us() - self._renewed_us < _SUBMIT_US)

    def want(self, name: str) -> None:
        """Take a lease that is nobody's by assignment, as soon as it is free."""
        self._wanted.add(name)
        self._wake.set()

    def want_no_more(self, name: str) -> None:
        """Hand over a lease that was wanted."""
        self._wanted.discard(name)
        self._wake.set()

    def wake(self) -> None:
        """Names or nodes have changed."""
        self._wake.set()

    # Life.

    async def join(self) -> None:
        """Be a node, which has nothing yet."""
        if self.alone:
            await self._store.stand_alone()
        now, sent_us = self._clock.now_us(), self._clock.monotonic_us()
        until = _FOR_EVER if self.alone else now + _TERM_US
        who = self._identity()
        node = Node(self._ids.new(NODE), who.name, who.version, ",".join(who.roles), now, until, bool(self._closed))
        self._node = node  # if the answer is lost, the next renewal finds out: a row of nobody would be given a share
        await self._store.join(node)
        self._renewed_us = sent_us
        self._store.signals.send("leases")

    async def start(self) -> None:
        """Take what should be this process's, if anything, and renew. What was free is at work when this comes back."""
        self._store.signals.subscribe("leases", lambda _: self.wake())
        await self._share()
        self._task = asyncio.get_running_loop().create_task(self._run())  # what begins may take longer than a term
        await asyncio.gather(*(held.task for held in self._held.values()), return_exceptions=True)

    async def hand_over(self, kind: str) -> None:
        """Give up all leases of a kind, and take none again; others may have them at once."""
        self._closed.add(kind)
        self._wake.set()
        for name in self._of(kind):
            self._lose(name, gracefully=True)
        tasks = [held.task for name, held in self._held.items() if name.startswith(kind + ":")]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def leave(self) -> None:
        """Be a node no more. What is still held is free for others at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._node is not None:
            await self._store.leave(self._node.id)
            self._store.signals.send("leases")

    def _of(self, kind: str) -> list[str]:
        return [name for name in self._held if name.startswith(kind + ":")]

    # Rounds.

    async def _run(self) -> None:
        while True:
            wait_s = await self._round()
            await asyncio.sleep(_REST_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self._wake.clear()

    async def _round(self) -> float | None:
        """Renew when it is time, and look who should have what; how many seconds the next round may wait (None: until
        it is woken)."""
        try:
            async with asyncio.timeout(_ROUND_S):
                if not self.alone and not await self._renew():
                    await self._join_anew()
                await self._share()
        except Exception:
            _log.exception("leases could not be looked at; trying again", extra={"node": self.node_id})
            if not self.alone and self._clock.monotonic_us() - self._renewed_us >= _TERM_US:
                self._give_up("it could not renew its leases in time")
            return _RETRY_S
        if self.alone:
            return None
        due_s = BEAT_S - (self._clock.monotonic_us() - self._renewed_us) / SECOND_US
        return max(0.0, min(due_s, (self._runs_out_us - self._clock.now_us()) / SECOND_US))

    async def _renew(self) -> bool:
        """Whether this node is still alive."""
        assert self._node is not None
        sent_us = self._clock.monotonic_us()
        if sent_us - self._renewed_us < BEAT_S * SECOND_US:
            return True
        until = self._clock.now_us() + _TERM_US
        alive = await self._store.beat(self._node.id, alive_until=until, draining=bool(self._closed))
        if alive:
            self._renewed_us = sent_us
        return alive

    async def _join_anew(self) -> None:
        self._give_up("it was taken for dead")
        await self.join()
        _log.warning("joined anew", extra={"node": self.node_id})

    def _give_up(self, why: str) -> None:
        """Everything at once, however it is: others may have it."""
        if self._held:
            _log.error("this node gives up all that it holds: %s", why, extra={"leases": sorted(self._held)})
        for name in list(self._held):
            self._lose(name, gracefully=False)
        self._released.clear()

    async def _share(self) -> None:
        """Release what was handed over, take what is free, hand over what should be another's."""
        if self._node is None:
            return
        await self._release()
        now = self._clock.now_us()
        nodes = await cluster.nodes(self._store, now)
        self._runs_out_us = min([n.alive_until for n in nodes if n.id != self.node_id], default=_FOR_EVER)
        self._alive = len(nodes)
        found = [lease for kind in KINDS for lease in await cluster.leases(self._store, kind + ":")]
        if self._wanted:
            found += await cluster.leases_named(self._store, self._wanted)
        holders = _holders(nodes, found)
        self._believe(found)
        members = [Member(node.id, frozenset(node.roles.split(",")), self._drains(node)) for node in nodes]
        # duties that only others know count too: whoever left them out would come to another result than they do
        names = set(self._names()).union(*(member.roles for member in members))
        wanted = assign(members, names, holders) | dict.fromkeys(self._wanted, self.node_id)
        for name in list(self._held):
            if wanted.get(name) != self.node_id and self._may_leave(name):
                self._lose(name, gracefully=True)
        free = [name for name, node_id in wanted.items() if node_id == self.node_id and name not in holders]
        taken = await self._store.take_leases(self._takeable(free), self.node_id, now) if free else {}
        for name, fence in taken.items():
            self._gain(name, fence)

    def _may_leave(self, name: str) -> bool:
        """A node that stops gives up one kind after the other, in its own order."""
        return not self._closed or name.partition(":")[0] in self._closed

    def _drains(self, node: Node) -> bool:
        return bool(self._closed) if node.id == self.node_id else node.draining

    def _takeable(self, names: Collection[str]) -> list[str]:
        """Of these: not while it is still being wound up here, and none of a kind that is closed."""
        return [
            n for n in names if n not in self._gone and n not in self._held and n.partition(":")[0] not in self._closed
        ]

    def _believe(self, leases: Collection[Lease]) -> None:
        """What the rows say counts: what another has by now is lost; what a taking brought whose answer was lost is
        ours."""
        rows = {lease.name: lease for lease in leases}
        for name, held in list(self._held.items()):
            row = rows.get(name)
            if row is not None and (row.node_id, row.fence) != (self.node_id, held.fence):
                self._lose(name, gracefully=False)
        for name, row in rows.items():
            if row.node_id == self.node_id and name not in self._held and name not in self._gone:
                self._gain(name, row.fence)

    async def _release(self) -> None:
        released = sorted(self._released)
        if released:
            await self._store.release_leases(released, self.node_id)
            for name in released:
                self._held.pop(name, None)
                self._released.discard(name)
            self._store.signals.send("leases")

    # What holders do.

    def _gain(self, name: str, fence: int) -> None:
        task = asyncio.get_running_loop().create_task(self._begin(name, fence))
        self._held[name] = _Held(fence, task)

    async def _begin(self, name: str, fence: int) -> None:
        holder = self._holders.get(name.partition(":")[0])
        while holder is not None:
            try:
                await holder.gained(name, fence)
            except Exception:
                _log.exception("what was taken over could not be begun; trying again", extra={"lease": name})
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _lose(self, name: str, *, gracefully: bool) -> None:
        held = self._held[name]
        if gracefully and held.is_leaving:
            return
        task = asyncio.get_running_loop().create_task(self._end(name, held.task, gracefully=gracefully))
        if gracefully:
            held.is_leaving, held.task = True, task
            return
        del self._held[name]
        self._gone[name] = task
        task.add_done_callback(lambda _: self._gone.pop(name, None))

    async def _end(self, name: str, before: asyncio.Task[None], *, gracefully: bool) -> None:
        before.cancel()
        await asyncio.gather(before, return_exceptions=True)
        holder = self._holders.get(name.partition(":")[0])
        try:
            if holder is not None:
                await holder.lost(name, gracefully=gracefully)
        except Exception:
            _log.exception("what was given up did not end cleanly", extra={"lease": name})
        if gracefully and name in self._held:
            self._released.add(name)
        self._wake.set()


def _holders(nodes: Collection[Node], leases: Collection[Lease]) -> Mapping[str, str]:
    """Who has what, of those who are alive."""
    alive = {node.id for node in nodes}
    return {lease.name: lease.node_id for lease in leases if lease.node_id in alive}
