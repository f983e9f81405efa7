"""The store over an executor: each verb of `interface.Store` is one transaction script. One class for every dialect."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from whimbrel.domain.contacts import ContactWrite
from whimbrel.domain.events import Interest
from whimbrel.domain.frequency import Send
from whimbrel.domain.model import Event, Message
from whimbrel.store import reads
from whimbrel.store.campaign_rows import SqlCampaignRows
from whimbrel.store.campaigns import CampaignRows
from whimbrel.store.contacts import TRIES, ContactRows, ContactScope
from whimbrel.store.errors import StoreError
from whimbrel.store.interface import (
    FRONT,
    Answer,
    Basis,
    Claim,
    ContactTurn,
    Deliveries,
    Due,
    Ending,
    EventsPart,
    InboundRow,
    Kept,
    Moved,
    News,
    Node,
    OptOutChanges,
    Owed,
    PutOff,
    Ranks,
    ReceiptRow,
    RunChange,
    Search,
    Stored,
    Submission,
    Turn,
    Waiting,
    Write,
)
from whimbrel.store.links import LinkRows
from whimbrel.store.media import MediaRows
from whimbrel.store.migrations import Applied, Dialect, SchemaStatus, compare, load, require_usable
from whimbrel.store.rows import builder
from whimbrel.store.script import Executor
from whimbrel.store.signals import Signals
from whimbrel.store.verbs import (
    accept,
    answers,
    claim,
    configuration,
    deliveries,
    erase,
    finish,
    flows,
    frequency,
    inbound,
    leases,
    owners,
    put_off,
    receipts,
    sweep,
    turn,
    turns,
    write,
)

Row = TypeVar("Row")
HANGS_S: Final = 3.0
"""A commit that takes longer hangs: the disk or a synchronous standby does not answer."""


class SqlStore:
    """Implements `interface.Store`."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._migrations = load(executor.dialect)
        self.signals: Signals = executor.signals
        self.contacts: ContactRows = ContactRows(executor)
        self.campaigns: CampaignRows = SqlCampaignRows(executor)
        self.links: LinkRows = LinkRows(executor)
        self.media: MediaRows = MediaRows(executor)

    async def start(self) -> None:
        """Open the database; raises StoreError (with what to do) when it cannot be used."""
        await self._executor.start()
        await self.signals.start()

    async def stop(self) -> None:
        """Finish what was handed in and close."""
        await self.signals.stop()
        await self._executor.stop()

    async def ping(self) -> None:
        """Both ways answer: a commit of nothing, and a read. StoreError when a commit hangs; SchemaError when somebody
        has brought the schema to where this version does not run on it."""
        hanging_s = self._executor.hanging_s()
        if hanging_s > HANGS_S:
            raise StoreError(f"a commit has not ended for {hanging_s:.0f} s")
        await self._executor.write(reads.nothing)
        require_usable(compare(self._migrations, await self.fetch(Applied, "schema_applied")))

    async def schema(self) -> tuple[Dialect, SchemaStatus]:
        """Which database it is, and where its schema stands."""
        return self._executor.dialect, compare(self._migrations, await self.fetch(Applied, "schema_applied"))

    async def backup(self, path: str) -> None:
        """A consistent copy in a new file, made while the store works."""
        await self._executor.backup(path)

    # the control plane

    async def fetch(self, row: Callable[..., Row], statement: str, *params: Any) -> list[Row]:
        """Rows of a named read, each as `row(*columns)`; a struct's booleans and tuples are what they say."""
        return await self._executor.read(reads.fetch, builder(row), statement, params)

    async def report(self, account_id: str | None, row: Callable[..., Row], statement: str, *params: Any) -> list[Row]:
        return await self._executor.report(account_id, reads.fetch, builder(row), statement, params)

    async def write(self, writes: Sequence[Write]) -> list[int]:
        """Named writes in one commit; the number of rows that each changed."""
        return await self._executor.write(write.write, writes)

    async def unless_alone(self, user_id: str, account_id: str, role: str, writes: Sequence[Write]) -> bool:
        return await self._executor.write(owners.unless_alone, user_id, account_id, role, writes)

    async def turn(self, only: Write, also: Sequence[Write], further: Sequence[Write] = ()) -> bool:
        return await self._executor.write(turn.turn, only, also, further)

    # the journey

    async def accept(self, submissions: Sequence[Submission], basis: Basis | None = None) -> list[Stored]:
        return await self._executor.write(accept.accept, submissions, basis)

    async def kept(self, account_id: str, door: str, key: str) -> list[Kept]:
        return await self.fetch(Kept, "idempotency_kept", account_id, door, key)

    async def waiting(self, lane: str, limit: int, ranks: Ranks = FRONT) -> list[Waiting]:
        return await self._executor.read(reads.waiting, lane, limit, ranks)

    async def queued(self, lane: str, limit: int, ranks: Ranks = FRONT) -> list[str]:
        return await self._executor.read(reads.queued, lane, limit, ranks)

    async def waiting_of(self, ids: Sequence[str]) -> list[Waiting]:
        return await self._executor.read(reads.waiting_of, ids)

    async def claim(
        self, claims: Sequence[Claim], basis: Basis | None = None, recipients: Sequence[tuple[str, int]] = ()
    ) -> list[tuple[int, ...]] | None:
        return await self._executor.write(claim.claim, claims, basis, recipients)

    async def claim_in_turn(
        self,
        in_turn: Sequence[tuple[Turn, Sequence[Claim]]],
        basis: Basis | None = None,
        recipients: Sequence[tuple[str, int]] = (),
    ) -> list[list[tuple[int, ...]] | None] | None:
        return await self._executor.write(turns.claim_in_turn, in_turn, basis, recipients)

    async def finish(self, endings: Sequence[Ending]) -> list[bool]:
        return await self._executor.write(finish.finish, endings)

    async def redact(self, message_ids: Sequence[str], at: int, *, everything: bool = False) -> None:
        await self._executor.write(erase.redact, message_ids, at, everything)

    async def delete_messages(self, message_ids: Sequence[str]) -> None:
        await self._executor.write(erase.delete_messages, message_ids)

    async def record_answers(self, rows: Sequence[Answer]) -> list[str]:
        return await self._executor.write(answers.record_answers, rows)

    async def record_receipts(self, rows: Sequence[ReceiptRow]) -> list[str]:
        return await self._executor.write(receipts.record_receipts, rows)

    async def record_known_receipts(self, rows: Sequence[ReceiptRow]) -> list[str]:
        return await self._executor.write(receipts.record_known, rows)

    async def record_inbound(self, rows: Sequence[InboundRow]) -> list[str]:
        return await self._executor.write(inbound.record_inbound, rows)

    # nodes

    async def join(self, node: Node) -> None:
        await self._executor.write(leases.join, node)

    async def beat(self, node_id: str, *, alive_until: int, draining: bool) -> bool:
        return await self._executor.write(leases.beat, node_id, alive_until, draining)

    async def leave(self, node_id: str) -> None:
        await self._executor.write(leases.leave, node_id)

    async def take_leases(self, names: Sequence[str], node_id: str, now: int) -> dict[str, int]:
        return await self._executor.write(leases.take, names, node_id, now)

    async def release_leases(self, names: Sequence[str], node_id: str) -> None:
        await self._executor.write(leases.release, names, node_id)

    async def take_seat(self, credential_id: str, node_id: str, own: int, binds_max: int) -> bool:
        return await self._executor.write(leases.take_seat, credential_id, node_id, own, binds_max)

    async def stand_alone(self) -> None:
        await self._executor.write(leases.alone)

    # configuration

    async def versions(self) -> Mapping[str, int]:
        return await self._executor.read(configuration.versions)

    async def opt_out_changes(self, after: int | None) -> OptOutChanges:
        return await self._executor.read(configuration.opt_out_changes, after)

    # sweep

    async def due(self, now: int, limit: int, after: int = 0) -> list[Message]:
        return await self._executor.read(reads.due, now, limit, after)

    async def enqueue(self, due: Sequence[Due]) -> None:
        await self._executor.write(sweep.enqueue, due)

    async def put_off(self, items: Sequence[PutOff]) -> int:
        return await self._executor.write(put_off.put_off, items)

    async def move_counted(self, moves: Sequence[Moved]) -> None:
        await self._executor.write(frequency.move, moves)

    async def counted(
        self, keys: Collection[tuple[str, int, int]]
    ) -> dict[tuple[str, int, int], tuple[int, list[Send]]]:
        return await self._executor.read(frequency.frequency_of, keys)

    async def expired(self, now: int, limit: int, after: int = 0) -> list[str]:
        return await self._executor.read(reads.expired, now, limit, after)

    async def unanswered(self, carrier_id: str | None = None) -> list[Owed]:
        return await self.fetch(Owed, "attempts_unanswered", carrier_id)

    async def overdue(self, now: int, limit: int, after: int = 0) -> list[Message]:
        return await self._executor.read(reads.overdue, now, limit, after)

    async def flush_parts(self, now: int) -> int:
        return await self._executor.write(inbound.flush_parts, now)

    async def purge(self, before_us: dict[str, int], limit: int) -> int:
        left = await self._executor.tend(before_us)
        return await self._executor.write(sweep.purge, left, limit)

    # notify

    async def news(
        self, position: int, limit: int, interests: Sequence[Interest], *, callbacks_only: bool = False
    ) -> News:
        return await self._executor.read(reads.news, position, limit, interests, callbacks_only)

    async def events_after(self, position: int, limit: int, *, callbacks_only: bool = False) -> list[Event]:
        return await self._executor.read(reads.events_after, position, limit, callbacks_only)

    async def account_events(self, interest: Interest, position: int, limit: int) -> EventsPart:
        return await self._executor.read(reads.account_events, interest, position, limit)

    async def last_position(self) -> int:
        return await self._executor.read(reads.last_position)

    async def messages(self, ids: Sequence[str]) -> list[Message]:
        return await self._executor.read(reads.messages, ids)

    async def search(self, search: Search, limit: int) -> list[Message]:
        return await self._executor.report(search.account_id, reads.search, search, limit)

    async def record_deliveries(self, batch: Deliveries) -> None:
        await self._executor.write(deliveries.record_deliveries, batch)

    async def advance(self, name: str, start: int, end: int, also: Sequence[Write]) -> bool:
        return await self._executor.write(deliveries.advance, name, start, end, also)

    # flows

    async def advance_flow_runs(self, changes: Sequence[RunChange]) -> list[bool]:
        return await self._executor.write(flows.advance_flow_runs, changes)

    async def advance_flow_run_with_contact(
        self, change: RunChange, scope: ContactScope, wanted: ContactWrite
    ) -> ContactTurn:
        for _ in range(TRIES):
            done = await self._executor.write(flows.advance_flow_run_with_contact, change, scope, wanted)
            if done is not None:
                return done
        raise StoreError("others make the same contact at the same time")
