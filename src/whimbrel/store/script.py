"""Transaction scripts: a verb of the store written once, for every dialect.

A script is a generator. It yields steps (named statements with their parameters), is sent back what each step gave,
and returns the verb's result. It never sees a driver, a thread or an event loop: an executor runs it from the first
step to the last inside one transaction, together with other scripts (group commit). A script has to be a function of
its arguments and of the rows it is sent, because an executor may run it again from the start.

    def verb(ids: Sequence[str]) -> Script[int]:
        rows: Rows = yield Query("messages_by_ids", (list(ids),))
        changed: int = yield Many("deadline_delete", [(row[0],) for row in rows])
        return changed
"""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar

import msgspec

from whimbrel.domain.audience_sql import Condition
from whimbrel.store.migrations import Dialect
from whimbrel.store.signals import Signals

T = TypeVar("T")
P = ParamSpec("P")
Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = list[Row]


class Query(msgspec.Struct, frozen=True, gc=False):
    """One statement; gives its rows (also those of RETURNING). A list among the parameters stands for `= ANY($n)`."""

    statement: str
    params: Row = ()


class One(msgspec.Struct, frozen=True, gc=False):
    """One statement; gives the number of rows that it changed."""

    statement: str
    params: Row = ()


class Many(msgspec.Struct, frozen=True, gc=False):
    """One statement for each row of parameters; gives the number of rows that they changed in all."""

    statement: str
    rows: Sequence[Row]


class Each(msgspec.Struct, frozen=True, gc=False):
    """One statement for each row of parameters; gives the rows that RETURNING gave, of all of them, in order."""

    statement: str
    rows: Sequence[Row]


class Where(msgspec.Struct, frozen=True, gc=False):
    """A read with a condition that a pure compiler made (`domain/audience_sql.py`), in place of the `(1 = 1)` that the
    statement has; gives its rows. The condition's own parameters come after the statement's."""

    statement: str
    params: Row
    condition: Condition


Step: TypeAlias = Query | One | Many | Each | Where
Script: TypeAlias = Generator[Step, Any, T]


class Executor(Protocol):
    """Runs scripts on one dialect. `write` returns when the commit is durable."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def signals(self) -> Signals:
        """To and from the other processes of this database."""
        ...

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def write(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `verb(...)` in a transaction that may hold other scripts too; its failure undoes it alone."""
        ...

    def read(self, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `verb(...)`, which only reads. Each step sees what was committed when it began."""
        ...

    def report(
        self, account_id: str | None, verb: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """A read that may take long and may see what was true a moment ago (a replica). With an account it sees no
        rows of others, where the dialect can see to that."""
        ...

    def hanging_s(self) -> float:
        """For how long a commit that is under way has not ended; the longest, 0 where none is."""
        ...

    async def tend(self, before_us: Mapping[str, int]) -> Mapping[str, int]:
        """What a dialect has to do now and then beside statements: partitions made, and those of which every row is
        older than the time given for its kind dropped. What fails is told in the log and tried again. Gives what is
        left to be deleted row by row, as `verbs.sweep.purge` takes it."""
        ...

    async def backup(self, path: str) -> None:
        """Write a consistent copy of the whole database to a new file (or what the dialect has for it)."""
        ...
