"""`whimbrel key`: keys on the machine itself, for the first operator key and for emergencies. The node must be stopped
(the database has one owner); with a running node use the API.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel import config
from whimbrel.app import App
from whimbrel.cli.say import guarded
from whimbrel.cli.serve import ConfigFile, settings_of
from whimbrel.manage import keys, scopes
from whimbrel.manage.context import Context

T = TypeVar("T")
ACTOR = "cli"
Account = Annotated[str | None, typer.Option("--account", help="Account id; without it the operator's.")]

key = typer.Typer(help="API keys of an account or of the operator.", no_args_is_help=True)


def with_context(config_file: Path | None, act: Callable[[Context], Awaitable[T]]) -> T:
    """Open the store, act, close."""
    settings = settings_of(config_file)
    app = App(settings, config.master_key(Path(settings.server.data), os.environ))

    async def acting() -> T:
        try:
            await app.open()
            return await act(app.manage)
        finally:
            await app.stop()

    return asyncio.run(acting())


@key.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    account: Account = None,
    mode: Annotated[str, typer.Option(help="live or test.")] = "live",
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope; may be repeated. Default: all of an account.")
    ] = None,
    config_file: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Make a key. It is shown once."""
    granted = tuple(scope or (scopes.ACCOUNT_SCOPES if account else (scopes.OPERATOR,)))
    request = keys.NewKey(name=name, mode="test" if mode == "test" else "live", scopes=granted)
    made = with_context(config_file, lambda ctx: keys.create(ctx, ACTOR, request, account_id=account))
    typer.echo(msgspec.json.encode(made).decode() if as_json else made.key)


@key.command("list")
@guarded
def list_keys(account: Account = None, config_file: ConfigFile = None) -> None:
    """Keys, newest first."""
    found = with_context(config_file, lambda ctx: keys.find(ctx, account_id=account))
    table = Table("id", "name", "key", "mode", "status", "scopes")
    for each in found.data:
        table.add_row(each.id, each.name, f"{each.hint}…", each.mode, each.status, " ".join(each.scopes))
    Console().print(table)


@key.command("revoke")
@guarded
def revoke(
    key_id: Annotated[str, typer.Argument(help="KE…")], account: Account = None, config_file: ConfigFile = None
) -> None:
    """Revoke a key at once."""
    revoked = with_context(config_file, lambda ctx: keys.revoke(ctx, ACTOR, key_id, account_id=account))
    typer.echo(f"{revoked.id} is revoked")
