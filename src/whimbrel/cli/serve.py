"""`whimbrel serve`, `simulator` and `migrate`: a node in production, the SMSC to test against, the schema."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from whimbrel import config
from whimbrel.app import App
from whimbrel.base.clock import SystemClock
from whimbrel.cli.running import run
from whimbrel.cli.say import fail, guarded
from whimbrel.store.sqlite import schema
from whimbrel_sandbox import __main__ as sandbox

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file; docs/settings.md lists what it may hold.")
]


def settings_of(file: Path | None) -> config.Settings:
    """The settings of a command: its file, and the environment over it."""
    return config.load(file, os.environ)


@guarded
def serve(config_file: ConfigFile = None) -> None:
    """Run a node until SIGTERM; stops gracefully."""
    settings = settings_of(config_file)
    path = settings.database_path()
    status = schema.status(str(path))
    if not status.current:
        fail(f"the database {path} is not up to date; run: whimbrel migrate apply", code=2)

    async def started(app: App) -> None:
        if app.server is not None:
            typer.echo(f"listening on http://{settings.server.host}:{app.server.port}", err=True)

    run(settings, config.master_key(Path(settings.server.data), os.environ), started)


def simulator(context: typer.Context) -> None:
    """Run the SMSC simulator; options as `--name value` (docs/sandbox.md lists them)."""
    sys.exit(sandbox.main(context.args))


migrate = typer.Typer(help="The database schema: status, plan, apply.", no_args_is_help=True)


@migrate.command("status")
@guarded
def migrate_status(config_file: ConfigFile = None) -> None:
    """Which migrations are applied."""
    found = schema.status(str(settings_of(config_file).database_path()))
    table = Table("migration", "state")
    for each in found.applied:
        table.add_row(f"{each.number:04d} {each.name}", "applied")
    for pending in found.pending:
        table.add_row(f"{pending.number:04d} {pending.name}", "pending")
    Console().print(table)


@migrate.command("plan")
@guarded
def migrate_plan(config_file: ConfigFile = None) -> None:
    """The SQL that `apply` would run."""
    for pending in schema.status(str(settings_of(config_file).database_path())).pending:
        typer.echo(pending.sql)


@migrate.command("apply")
@guarded
def migrate_apply(config_file: ConfigFile = None) -> None:
    """Bring the schema up to date."""
    settings = settings_of(config_file)
    path = settings.database_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    applied = schema.apply(str(path), SystemClock())
    for each in applied:
        typer.echo(f"applied {each.number:04d} {each.name}")
    if not applied:
        typer.echo("nothing to do: the schema is current")
