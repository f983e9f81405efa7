"""`whimbrel migrate`: the database schema, looked at and brought up to date. On PostgreSQL nodes may run meanwhile,
where the migrations allow it; a SQLite file must be free.
"""

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel import config, master_key
from whimbrel.base.clock import SystemChance
from whimbrel.cli import database
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart, settings_of
from whimbrel.cli.say import fail, guarded
from whimbrel.store.migrations import Applied, Migration, SchemaStatus, label

migrate = typer.Typer(help="The database schema: status, plan, apply.", no_args_is_help=True)

_NOTHING: Final = "nothing to do: the schema is current"

Force = Annotated[
    bool, typer.Option("--force", help="Also while nodes run, what those of older versions do not run on.")
]


class State(msgspec.Struct, frozen=True):
    """A migration, and whether the database has it. `oldest_code`: code whose newest migration is older than this one
    does not run on it; 0: all code does."""

    migration: str
    state: str  # applied, newer (than this version), optional (pending, and done without), pending
    oldest_code: int


@migrate.command("status")
@guarded
def status(config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False) -> None:
    """Which migrations are applied; exit code 1 when some are not, or when the database cannot be used as it is."""
    settings = settings_of(config_file, data)
    found = database.status(settings)
    states = _states(found)
    if as_json:
        typer.echo(msgspec.json.encode(states).decode())
    else:
        table = Table("migration", "state", "nodes of older versions")
        for each in states:
            table.add_row(each.migration, each.state, _older(each.oldest_code))
        Console().print(table)
    if found.problem:
        fail(found.problem)
    if found.pending:
        raise typer.Exit(1)


@migrate.command("plan")
@guarded
def plan(config_file: ConfigFile = None, data: OfQuickstart = None) -> None:
    """The SQL that `apply` would run, and whether running nodes may stay."""
    settings = settings_of(config_file, data)
    found = database.status(settings)
    if found.problem:
        fail(found.problem)
    if found.pending:
        typer.echo(f"-- {_verdict(settings, found)}")
    else:
        typer.echo(_NOTHING, err=True)
    for pending in found.pending:
        typer.echo(f"\n-- {label(pending)}: nodes of older versions {_older(pending.oldest)}\n{pending.sql}")


@migrate.command("apply")
@guarded
def apply(config_file: ConfigFile = None, data: OfQuickstart = None, force: Force = False) -> None:
    """Bring the schema up to date, making the tables (and the master key) where there are none. Stop a node on SQLite
    first; on PostgreSQL `plan` says whether nodes may run."""
    settings = settings_of(config_file, data)
    folder = Path(settings.server.data)
    if settings.is_sqlite:
        for place in (folder, settings.database_path().parent):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = database.status(settings)
    contracts, nodes = _contracts(found), database.running(settings)
    if contracts and nodes and not force:
        fail(
            f"{', '.join(map(label, contracts))}: nodes of older versions do not run on it, and {', '.join(nodes)} "
            "run now: stop those that do not know it, or add --force when all of them do."
        )
    if not found.applied and not master_key.exists(folder, os.environ):
        _make_key(folder, settings.is_sqlite)
    applied = database.apply(settings, lambda words: typer.echo(words, err=True))
    for each in applied:
        typer.echo(f"applied {label(each)}")
    if not applied:
        typer.echo(_NOTHING)


def _states(found: SchemaStatus) -> list[State]:
    newer = {row.number for row in found.newer}
    rows: list[tuple[Migration | Applied, str]] = [
        (each, "newer" if each.number in newer else "applied") for each in found.applied
    ]
    rows += [(each, "optional" if each.optional else "pending") for each in found.pending]
    return [State(label(each), state, each.oldest) for each, state in rows]


def _older(oldest: int) -> str:
    return f"run on it from {oldest:04} on" if oldest else "run on it"


def _contracts(found: SchemaStatus) -> list[Migration]:
    """What is pending and older code does not run on. The first ones make a database: nobody runs on it before."""
    return [migration for migration in found.pending if migration.oldest and found.applied]


def _verdict(settings: config.Settings, found: SchemaStatus) -> str:
    if settings.is_sqlite:
        return "A node that uses the file must be stopped."
    contracts, nodes = _contracts(found), database.running(settings)
    names = f" ({', '.join(nodes)})" if nodes else ""
    if contracts:
        return f"Nodes that do not know {', '.join(map(label, contracts))} must be stopped{names}."
    return f"Running nodes may stay{names}."


def _make_key(folder: Path, is_sqlite: bool) -> None:
    """For a new database only: the secrets of an old one open with their own key and no other."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    master_key.create(folder, SystemChance())
    advice = "keep a copy of it apart from those of the database"
    more = "" if is_sqlite else "; every node needs the same one"
    typer.echo(f"made {folder / master_key.FILE}: {advice}{more}")
