"""`whimbrel copy`: an installation from one database into another one, of either dialect. What is secret in it stays
sealed, so both have the same master key; whether ours opens it is tried before anything is copied.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from cryptography.exceptions import InvalidTag
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table as Printed
from rich.text import Text

from whimbrel import master_key
from whimbrel.base.clock import SECOND_US, SystemChance, SystemClock
from whimbrel.base.vault import Seal, Vault
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart, settings_of
from whimbrel.cli.say import fail, guarded, warn
from whimbrel.store.copying.run import Line, Source, Target, Watch, copy
from whimbrel.store.copying.tables import TABLES
from whimbrel.store.postgresql import copying as postgresql
from whimbrel.store.sqlite import copying as sqlite

_SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = "postgresql://"
_INTERRUPTED: Final = 130
_TELL_EVERY_US: Final = 5 * SECOND_US
_SEALED_MAX: Final = 1_000  # rows of each table that are tried
_SEALS: Final = (
    ("accounts", "auth_token", Seal.ACCOUNT_TOKEN),
    ("accounts", "callback_secret", Seal.ACCOUNT_CALLBACK),
    ("carriers", "password", Seal.CARRIER_PASSWORD),
    ("webhooks", "secret", Seal.WEBHOOK_SECRET),
)

From = Annotated[str, typer.Option("--from", metavar="URL", help="What is copied: sqlite:///… or postgresql://…")]
To = Annotated[str, typer.Option("--to", metavar="URL", help="An empty database: sqlite:///… or postgresql://…")]
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="AC…", help="Only this account, with what belongs to the installation."),
]


class Compared(msgspec.Struct, frozen=True):
    """A table on both sides; `agrees` is about sums too."""

    table: str
    source_rows: int
    target_rows: int
    agrees: bool


@guarded
def copy_installation(
    source: From,
    target: To,
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """Copy an installation into another database, where it goes on after an interruption; exit code 1 unless all
    counts and sums agree. Nodes must be stopped. --config or --data lead to the master key."""
    if source == target:
        fail("--from and --to are the same", code=2)
    for url in (source, target):
        if not url.startswith((_SQLITE, _POSTGRESQL)):
            fail(f"{url}: expected {_SQLITE}… or {_POSTGRESQL}…", code=2)
    vault = _vault(source, config_file, data)
    try:
        lines = asyncio.run(_copy(source, target, account, vault))
    except KeyboardInterrupt:
        fail("interrupted: the same command goes on where this one stopped", code=_INTERRUPTED)
    compared = [Compared(line.table, _rows(line.source), _rows(line.target), line.agrees) for line in lines]
    if as_json:
        typer.echo(msgspec.json.encode(compared).decode())
    else:
        _print(compared)
    if not all(each.agrees for each in compared):
        fail("the copy does not agree with its source: empty the target and copy again. No node starts on it.")


async def _copy(source: str, target: str, account: str | None, vault: Vault | None) -> list[Line]:
    clock, console = SystemClock(), Console(stderr=True)
    async with AsyncExitStack() as stack:
        read: Source
        filled: Target
        if source.startswith(_SQLITE):
            read = stack.enter_context(sqlite.source(_path(source)))
        else:
            read = await stack.enter_async_context(postgresql.source(source))
        await _try_key(read, vault)
        if account is not None:
            await _check_account(read, account)
        if target.startswith(_SQLITE):
            filled = stack.enter_context(sqlite.target(_path(target), clock))
        else:
            filled = await stack.enter_async_context(postgresql.target(target, clock, warn))
        watch = stack.enter_context(_watch(console))
        return await copy(read, filled, account, watch)


def _path(url: str) -> str:
    return str(Path(url.removeprefix(_SQLITE)).absolute())


# ---------------------------------------------------------------- before


def _vault(source: str, config_file: Path | None, data: Path | None) -> Vault | None:
    """Of the settings' master key; without settings of the key beside a SQLite file. None where there is no key."""
    folder = Path(settings_of(config_file, data).server.data)
    if config_file is None and data is None and source.startswith(_SQLITE):
        folder = Path(_path(source)).parent
    if not master_key.exists(folder, os.environ):
        return None
    return Vault(master_key.load(folder, os.environ), SystemChance())


async def _try_key(source: Source, vault: Vault | None) -> None:
    """What is copied sealed has to be opened by somebody: whoever has another key finds out now."""
    if vault is None:
        warn("no master key was found, so it was not tried: the nodes of the copy need the key of the source's nodes")
        return
    tables = {table.name: table for table in TABLES}
    tried = 0
    for name, column, seal in _SEALS:
        rows = await source.page(tables[name], ("id", column), None, account_id=None, limit=_SEALED_MAX)
        for owner, sealed in rows:
            try:
                vault.open(sealed, Seal.of(seal, owner))
            except InvalidTag:
                fail(f"{name}, {owner}: our master key does not open its secret; name the source's key by --config, "
                     f"--data or {master_key.ENV}", code=2)  # fmt: skip
            tried += 1
    typer.echo(
        f"the master key opens the secrets of the source ({tried} tried); the copy's nodes need it too", err=True
    )


async def _check_account(source: Source, account: str) -> None:
    accounts = next(table for table in TABLES if table.name == "accounts")
    if not await source.page(accounts, ("id",), None, account_id=account, limit=1):
        fail(f"there is no account {account}", code=2)


# ---------------------------------------------------------------- meanwhile


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


class _Bar:
    """For people who watch."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("counting", total=None)

    def begins(self, rows: int, done: int) -> None:
        self._progress.update(self._task, total=rows, completed=done)

    def copied(self, table: str, rows: int) -> None:
        self._progress.update(self._task, advance=rows, description=table)

    def counts(self) -> None:
        self._progress.update(self._task, description="comparing")


class _Lines:
    """For files: a line every few seconds."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._rows = self._done = self._ours = 0
        self._began = self._told = clock.monotonic_us()

    def begins(self, rows: int, done: int) -> None:
        self._rows, self._done = rows, done
        self._began = self._told = self._clock.monotonic_us()
        typer.echo(f"{rows:,} rows to copy" + (f", {done:,} of them done by an earlier run" if done else ""), err=True)

    def copied(self, table: str, rows: int) -> None:
        self._done += rows
        self._ours += rows
        now = self._clock.monotonic_us()
        if now - self._told < _TELL_EVERY_US:
            return
        self._told = now
        rate = self._ours * SECOND_US / (now - self._began)
        left_s = (self._rows - self._done) / rate if rate else 0.0
        typer.echo(f"{table}: {self._done:,} of {self._rows:,} rows, {rate:,.0f}/s, {left_s:,.0f} s left", err=True)

    def counts(self) -> None:
        typer.echo(f"{self._done:,} rows are copied; comparing", err=True)


@contextmanager
def _watch(console: Console) -> Iterator[Watch]:
    if not console.is_terminal:
        yield _Lines(SystemClock())
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress)


# ---------------------------------------------------------------- afterwards


def _rows(totals: Any) -> int:
    return sum(group[0] for group in totals.values())


def _print(compared: list[Compared]) -> None:
    printed = Printed("table", "source", "copy", "counts and sums")
    for each in compared:
        if each.source_rows or each.target_rows:
            words = "agree" if each.agrees else "differ"
            printed.add_row(each.table, f"{each.source_rows:,}", f"{each.target_rows:,}", words)
    Console().print(printed)
