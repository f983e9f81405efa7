"""`whimbrel key`: keys on the machine itself, for the first operator key and for emergencies. The node must be stopped
(the database has one owner); with a running node use the API.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel import config
from whimbrel.app import App
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart, settings_of
from whimbrel.cli.say import fail, guarded
from whimbrel.manage import keys, scopes
from whimbrel.manage.context import Context
from whimbrel.store.errors import StoreBusy

T = TypeVar("T")
ACTOR = "cli"
Account = Annotated[
    str | None, typer.Option("--account", metavar="AC…", help="The key's account; without it the operator's keys.")
]
Mode = Literal["live", "test"]

key = typer.Typer(help="API keys of an account or of the operator: create, list, revoke.", no_args_is_help=True)


def with_context(file: Path | None, data: Path | None, act: Callable[[Context], Awaitable[T]]) -> T:
    """Open the store, act, close."""
    settings = settings_of(file, data)
    app = App(settings, config.master_key(Path(settings.server.data), os.environ))

    async def acting() -> T:
        try:
            await app.open()
            return await act(app.manage)
        finally:
            await app.stop()

    try:
        return asyncio.run(acting())
    except StoreBusy as error:
        fail(f"{error} While the node runs, keys are made over its API: /v1/keys")


@key.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    account: Account = None,
    mode: Annotated[Mode, typer.Option(help="Test keys send to the sandbox only.")] = "live",
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope; may be repeated. By default all that such a key can have.")
    ] = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once."""
    granted = tuple(scope or (scopes.ACCOUNT_SCOPES if account else (scopes.OPERATOR,)))
    request = keys.NewKey(name=name, mode=mode, scopes=granted)
    made = with_context(config_file, data, lambda ctx: keys.create(ctx, ACTOR, request, account_id=account))
    typer.echo(msgspec.json.encode(made).decode() if as_json else made.key)


@key.command("list")
@guarded
def list_keys(
    account: Account = None, config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False
) -> None:
    """Keys, newest first."""
    found = with_context(config_file, data, lambda ctx: keys.find(ctx, account_id=account))
    if as_json:
        typer.echo(msgspec.json.encode(found.data).decode())
        return
    table = Table("id", "name", "key", "mode", "status", "scopes")
    for each in found.data:
        table.add_row(each.id, each.name, f"{each.hint}…", each.mode, each.status, " ".join(each.scopes))
    Console().print(table)


@key.command("revoke")
@guarded
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KE…", help="The key's id, as `key list` shows it.")],
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
) -> None:
    """Revoke a key at once."""
    revoked = with_context(config_file, data, lambda ctx: keys.revoke(ctx, ACTOR, key_id, account_id=account))
    typer.echo(f"{revoked.id} is revoked")
