"""`whimbrel smpp`: what customers bind with over SMPP. Credentials for live traffic; those for test traffic are made
over the API with a test key.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
import typer
from msgspec import UNSET
from rich.console import Console
from rich.table import Column, Table

from whimbrel.cli import trace_lines
from whimbrel.cli.client import Client, operator, stored
from whimbrel.cli.control import ACTOR, Place, carry_out
from whimbrel.cli.options import DATA, ConfigFile, DataFolder, Json, OfQuickstart
from whimbrel.cli.say import fail, guarded
from whimbrel.domain.customers import CustomerSettings
from whimbrel.manage import smpp_credentials
from whimbrel.manage.checks import merged
from whimbrel.manage.context import Page
from whimbrel.manage.credentials import Credentials
from whimbrel.manage.smpp_credentials import (
    NewPassword,
    NewSmppCredential,
    SmppCredentialChange,
    SmppCredentialCreated,
    SmppCredentialView,
)

_PATH = "/v1/smpp-credentials"
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="AC…", help="The account; without it that of the environment or the folder."),
]
Id = Annotated[str, typer.Argument(metavar="SC…", help="The credential's id, as `smpp list` shows it.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of docs/smpp-server.md; may be repeated."),
]

smpp = typer.Typer(
    help="What customers bind with over SMPP: create, list, show, update, rotate, trace, delete.", no_args_is_help=True
)


@smpp.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="Who binds with it.")],
    system_id: Annotated[str | None, typer.Option(help="Made when it is absent.")] = None,
    settings: Set = None,
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """Make a credential. Its password is shown once."""
    chosen = merged("{}", _settings(settings), CustomerSettings, "an SMPP credential")
    request = NewSmppCredential(name=name, system_id=system_id, settings=chosen)

    def ask(node: Client) -> SmppCredentialCreated:
        return msgspec.json.decode(node.call("POST", _PATH, request), type=SmppCredentialCreated)

    place, owner = _place(config_file, data, account)
    made = carry_out(place, lambda ctx: smpp_credentials.create(ctx, ACTOR, request, account_id=owner, test=False), ask)
    _print_secret(made, as_json=as_json)


@smpp.command("list")
@guarded
def list_credentials(
    account: Account = None, config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False
) -> None:
    """Credentials, newest first."""

    def ask(node: Client) -> Page[SmppCredentialView]:
        return msgspec.json.decode(node.call("GET", _PATH), type=Page[SmppCredentialView])

    place, owner = _place(config_file, data, account)
    found = carry_out(place, lambda ctx: smpp_credentials.find(ctx, account_id=owner, test=False), ask)
    if as_json:
        typer.echo(msgspec.json.encode(found.data).decode())
        return
    table = Table(Column("id", min_width=34), "name", "system_id", "status", "binds", "owed")
    for each in found.data:
        table.add_row(each.id, each.name, each.system_id, each.status, str(each.binds), str(each.owed))
    Console(soft_wrap=True).print(table)


@smpp.command("show")
@guarded
def show(
    credential_id: Id,
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """One credential with its settings."""

    def ask(node: Client) -> SmppCredentialView:
        return msgspec.json.decode(node.call("GET", _of(credential_id)), type=SmppCredentialView)

    place, owner = _place(config_file, data, account)
    found = carry_out(place, lambda ctx: smpp_credentials.get(ctx, credential_id, account_id=owner, test=False), ask)
    _print(found, as_json=as_json)


@smpp.command("update")
@guarded
def update(
    credential_id: Id,
    name: Annotated[str | None, typer.Option(help="Who binds with it.")] = None,
    status: Annotated[
        Literal["active", "suspended"] | None, typer.Option(help="One that is suspended cannot bind.")
    ] = None,
    settings: Set = None,
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """Change a credential; it holds at once, also for binds that are up."""
    change = SmppCredentialChange(
        name=UNSET if name is None else name,
        status=UNSET if status is None else status,
        settings=_settings(settings) or UNSET,
    )

    def ask(node: Client) -> SmppCredentialView:
        return msgspec.json.decode(node.call("PATCH", _of(credential_id), change), type=SmppCredentialView)

    place, owner = _place(config_file, data, account)
    changed = carry_out(
        place,
        lambda ctx: smpp_credentials.update(ctx, ACTOR, credential_id, change, account_id=owner, test=False),
        ask,
    )
    _print(changed, as_json=as_json)


@smpp.command("rotate")
@guarded
def rotate(
    credential_id: Id,
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """Make a new password, shown once. The old one holds no more, and its binds are closed."""
    request = NewPassword()

    def ask(node: Client) -> SmppCredentialCreated:
        path = f"{_of(credential_id)}/rotate-password"
        return msgspec.json.decode(node.call("POST", path, request), type=SmppCredentialCreated)

    place, owner = _place(config_file, data, account)
    changed = carry_out(
        place,
        lambda ctx: smpp_credentials.rotate(ctx, ACTOR, credential_id, request, account_id=owner, test=False),
        ask,
    )
    _print_secret(changed, as_json=as_json)


@smpp.command("delete")
@guarded
def delete(
    credential_id: Id,
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
) -> None:
    """Delete a credential with what waits for its binds, which are closed."""

    def ask(node: Client) -> None:
        node.call("DELETE", _of(credential_id))

    place, owner = _place(config_file, data, account)
    carry_out(place, lambda ctx: smpp_credentials.delete(ctx, ACTOR, credential_id, account_id=owner, test=False), ask)
    typer.echo(f"{credential_id} is deleted")


@smpp.command("trace")
@guarded
def trace(
    credential_id: Id,
    follow: Annotated[bool, typer.Option("--follow", help="Go on showing until the recording ends.")] = False,
    seconds: Annotated[int, typer.Option(help="How long to record, at most 3600.")] = 600,
    off: Annotated[bool, typer.Option("--off", help="End the recording and forget it.")] = False,
    account: Account = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Record its binds and show their PDUs, numbers and texts masked; by a node that runs."""
    _, owner = _place(None, data, account)
    node = operator(stored(data) or Credentials(), owner, data)
    trace_lines.show(node, f"{_of(credential_id)}/trace", follow=follow, seconds=seconds, off=off, as_json=as_json)


# ---------------------------------------------------------------- parts of them


def _place(config_file: Path | None, data: Path | None, account: str | None) -> tuple[Place, str]:
    """Where, and whose."""
    found = stored(data) if data is not None else None
    owner = account or os.environ.get("WHIMBREL_ACCOUNT_SID") or (found.account_sid if found else "")
    if not owner:
        fail("which account? Name it with --account AC…, or in WHIMBREL_ACCOUNT_SID", code=2)
    return Place(config_file, data, owner), owner


def _of(credential_id: str) -> str:
    return f"{_PATH}/{quote(credential_id, safe='')}"


def _settings(given: list[str] | None) -> dict[str, Any]:
    """NAME=VALUE: a list with commas where the setting is one, JSON where it can be read as such, or else a word."""
    found: dict[str, Any] = {}
    for each in given or ():
        name, sign, text = each.partition("=")
        if not sign:
            fail(f"--set takes NAME=VALUE, such as window=50, not {each}", code=2)
        found[name] = _value(name, text)
    return found


def _value(name: str, text: str) -> Any:
    if isinstance(getattr(CustomerSettings(), name, None), tuple):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _print_secret(made: SmppCredentialCreated, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(made).decode())
    else:
        typer.echo(f"id {made.id}\nsystem_id {made.system_id}\npassword {made.password}")


def _print(found: SmppCredentialView, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    shown = msgspec.to_builtins(found)
    for name, value in {**shown, **shown.pop("settings")}.items():
        if name != "settings":
            typer.echo(f"{name:<20} {msgspec.json.encode(value).decode()}")
