"""`whimbrel user`: people who use the console, so that an installation gets its first one, and nobody is locked out for
good."""

from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from whimbrel.cli.client import Client
from whimbrel.cli.control import ACTOR, Place, carry_out
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart
from whimbrel.cli.say import guarded
from whimbrel.domain.people import RoleName
from whimbrel.manage import users
from whimbrel.manage.context import Page
from whimbrel.manage.users import UserInvited, UserView

Account = Annotated[
    str | None, typer.Option("--account", metavar="AC…", help="Whose people; without it those of the operator.")
]
UserId = Annotated[str, typer.Argument(metavar="US…", help="The person's id, as `user list` shows it.")]

user = typer.Typer(help="People who use the console: invite, list, make a new link, remove.", no_args_is_help=True)


@user.command("invite")
@guarded
def invite(
    email: Annotated[str, typer.Argument(help="What they sign in with.")],
    role: Annotated[RoleName, typer.Option(help="What they may do (docs/console.md).")] = "owner",
    name: Annotated[str, typer.Option(help="What they are called.")] = "",
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """Let somebody in. The link that is printed signs in once, within a week."""
    request = users.NewUser(email=email, role=role, name=name)

    def ask(node: Client) -> UserInvited:
        return msgspec.json.decode(node.call("POST", "/v1/users", request), type=UserInvited)

    place = Place(config_file, data, account)
    _tell(carry_out(place, lambda ctx: users.invite(ctx, ACTOR, request, account_id=account), ask), as_json)


@user.command("list")
@guarded
def list_users(
    account: Account = None, config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False
) -> None:
    """People, newest first."""

    def ask(node: Client) -> Page[UserView]:
        return msgspec.json.decode(node.call("GET", "/v1/users"), type=Page[UserView])

    found = carry_out(Place(config_file, data, account), lambda ctx: users.find(ctx, account_id=account), ask)
    if as_json:
        typer.echo(msgspec.json.encode(found.data).decode())
        return
    table = Table(Column("id", min_width=34), "email", "name", "role", "status", "last signed in")
    for each in found.data:
        table.add_row(each.id, each.email, each.name, each.role, each.status, each.signed_in_at or "never")
    Console(soft_wrap=True).print(table)


@user.command("link")
@guarded
def link(
    user_id: UserId,
    account: Account = None,
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
    as_json: Json = False,
) -> None:
    """A new link for somebody who lost theirs, or their password. A second factor is asked for all the same."""

    def ask(node: Client) -> UserInvited:
        return msgspec.json.decode(node.call("POST", f"/v1/users/{quote(user_id, safe='')}/link"), type=UserInvited)

    place = Place(config_file, data, account)
    _tell(carry_out(place, lambda ctx: users.reinvite(ctx, ACTOR, user_id, account_id=account), ask), as_json)


@user.command("remove")
@guarded
def remove(user_id: UserId, account: Account = None, config_file: ConfigFile = None, data: OfQuickstart = None) -> None:
    """Remove somebody with their sessions, at once."""

    def ask(node: Client) -> None:
        node.call("DELETE", f"/v1/users/{quote(user_id, safe='')}")

    carry_out(Place(config_file, data, account), lambda ctx: users.delete(ctx, ACTOR, user_id, account_id=account), ask)
    typer.echo(f"{user_id} is removed")


def _tell(made: UserInvited, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(made).decode())
        return
    typer.echo(f"{made.email} ({made.id}) signs in once, until {made.code_expires_at}, by this page of the console:")
    typer.echo(f"/console/link/{made.code}")
