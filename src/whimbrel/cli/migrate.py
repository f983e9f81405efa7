"""`whimbrel migrate`: the database schema, looked at and brought up to date. `apply` needs the file for itself."""

import contextlib
import os
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel import config
from whimbrel.base.clock import SystemChance, SystemClock
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart, settings_of
from whimbrel.cli.say import fail, guarded
from whimbrel.store.migrations import label
from whimbrel.store.sqlite import schema

migrate = typer.Typer(help="The database schema: status, plan, apply.", no_args_is_help=True)


class State(msgspec.Struct, frozen=True):
    """A migration, and whether the database has it."""

    migration: str
    state: str  # applied, pending


@migrate.command("status")
@guarded
def status(config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False) -> None:
    """Which migrations are applied; exit code 1 when the database cannot be used as it is."""
    found = schema.status(str(settings_of(config_file, data).database_path()))
    rows = [State(label(each), "applied") for each in found.applied]
    rows += [State(label(each), "pending") for each in found.pending]
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
    else:
        table = Table("migration", "state")
        for row in rows:
            table.add_row(row.migration, row.state)
        Console().print(table)
    if found.problem:
        fail(found.problem)
    if found.pending:
        raise typer.Exit(1)


@migrate.command("plan")
@guarded
def plan(config_file: ConfigFile = None, data: OfQuickstart = None) -> None:
    """The SQL that `apply` would run."""
    for pending in schema.status(str(settings_of(config_file, data).database_path())).pending:
        typer.echo(f"-- {label(pending)}\n{pending.sql}")


@migrate.command("apply")
@guarded
def apply(config_file: ConfigFile = None, data: OfQuickstart = None) -> None:
    """Bring the schema up to date, making the database (and the master key) if there is none. Stop the node first."""
    settings = settings_of(config_file, data)
    path, folder = settings.database_path(), Path(settings.server.data)
    for place in (folder, path.parent):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists() and config.MASTER_KEY_ENV not in os.environ:
        _make_key(folder)
    applied = schema.apply(str(path), SystemClock())
    for each in applied:
        typer.echo(f"applied {label(each)}")
    if not applied:
        typer.echo("nothing to do: the schema is current")


def _make_key(folder: Path) -> None:
    """For a new database only: the secrets of an old one open with their own key and no other."""
    with contextlib.suppress(FileExistsError):
        config.create_master_key(folder, SystemChance())
        typer.echo(f"made {folder / config.MASTER_KEY_FILE}: keep a copy of it apart from those of the database")
