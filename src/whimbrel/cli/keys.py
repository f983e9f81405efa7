"""`whimbrel key`: API keys of an account or of the operator."""

from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from whimbrel.cli.client import Client
from whimbrel.cli.control import ACTOR, Place, carry_out
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart
from whimbrel.cli.say import guarded
from whimbrel.manage import keys, scopes
from whimbrel.manage.context import Page

Account = Annotated[
    str | None, typer.Option("--account", metavar="AC…", help="The key's account; without it the operator's keys.")
]
Mode = Literal["live", "test"]

key = typer.Typer(help="API keys of an account or of the operator: create, list, revoke.", no_args_is_help=True)


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

    def ask(node: Client) -> keys.KeyCreated:
        return msgspec.json.decode(node.call("POST", "/v1/keys", request), type=keys.KeyCreated)

    place = Place(config_file, data, account)
    made = carry_out(place, lambda ctx: keys.create(ctx, ACTOR, request, account_id=account), ask)
    typer.echo(msgspec.json.encode(made).decode() if as_json else made.key)


@key.command("list")
@guarded
def list_keys(
    account: Account = None, config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False
) -> None:
    """Keys, newest first."""

    def ask(node: Client) -> Page[keys.KeyView]:
        return msgspec.json.decode(node.call("GET", "/v1/keys"), type=Page[keys.KeyView])

    found = carry_out(Place(config_file, data, account), lambda ctx: keys.find(ctx, account_id=account), ask)
    if as_json:
        typer.echo(msgspec.json.encode(found.data).decode())
        return
    table = Table(Column("id", min_width=34), "name", "key", "mode", "status", "scopes")
    for each in found.data:
        table.add_row(each.id, each.name, f"{each.hint}…", each.mode, each.status, " ".join(each.scopes))
    Console(soft_wrap=True).print(table)


@key.command("revoke")
@guarded
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KE…", help="The key's id, as `key list` shows it.")],
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
) -> None:
    """Revoke a key at once."""

    def ask(node: Client) -> keys.KeyView:
        return msgspec.json.decode(node.call("DELETE", f"/v1/keys/{quote(key_id, safe='')}"), type=keys.KeyView)

    place = Place(config_file, data, account)
    revoked = carry_out(place, lambda ctx: keys.revoke(ctx, ACTOR, key_id, account_id=account), ask)
    typer.echo(f"{revoked.id} is revoked")
