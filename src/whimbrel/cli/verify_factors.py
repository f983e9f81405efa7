"""`whimbrel verify factor` and `verify person`: authenticators of an application's people, asked of a running node with
the account's key. A secret is printed once, when it is made.
"""

from typing import Annotated, Any

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded
from whimbrel.cli.verify_services import ServiceId

factor = typer.Typer(help="Authenticators: enrol, confirm, check a code, list, delete.", no_args_is_help=True)
person = typer.Typer(help="People who have authenticators: list, show, unlock, delete.", no_args_is_help=True)
Identity = Annotated[str, typer.Argument(metavar="IDENTITY", help="What you call the person.")]
FactorId = Annotated[str, typer.Argument(metavar="YF…")]


@factor.command("create")
@guarded
def create(
    service_id: ServiceId,
    identity: Identity,
    name: Annotated[
        str, typer.Option(help="What the authenticator shows, such as an address; else the identity.")
    ] = "",
    secret: Annotated[str | None, typer.Option(help="In base32, that the person uses already.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Enrol an authenticator; its secret is shown once."""
    body: dict[str, Any] = {"name": name or identity}
    if secret is not None:
        body |= {"secret": secret, "verified": True}
    made = asking.told(client(data), "POST", _of(service_id, identity, "factors"), body)
    _print(made, as_json=as_json)


@factor.command("confirm")
@guarded
def confirm(service_id: ServiceId, identity: Identity, factor_id: FactorId, code: str, data: DataFolder = DATA) -> None:
    """Confirm a new one by its first code; 1 when that is wrong."""
    place = _of(service_id, identity, "factors", factor_id, "verify")
    found = asking.told(client(data), "POST", place, {"code": code})
    typer.echo("confirmed" if found["valid"] else "wrong code")
    if not found["valid"]:
        raise typer.Exit(1)


@factor.command("check")
@guarded
def check(
    service_id: ServiceId,
    identity: Identity,
    factor_id: FactorId,
    code: str,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Check a code, which works once; 1 when it is wrong."""
    body = {"factor_id": factor_id, "code": code}
    found = asking.told(client(data), "POST", _of(service_id, identity, "challenges"), body)
    lines = [("challenge", found["id"]), ("status", found["status"]), ("reason", found["reason"])]
    asking.show_one(found, lines, as_json=as_json)
    if found["status"] != "approved":
        raise typer.Exit(1)


@factor.command("list")
@guarded
def list_factors(service_id: ServiceId, identity: Identity, data: DataFolder = DATA, as_json: Json = False) -> None:
    """A person's authenticators, never with a secret."""
    found = asking.got(client(data), _of(service_id, identity, "factors"))["data"]
    rows = [(each["id"], each["name"], each["status"], each["created_at"][:19]) for each in found]
    asking.show(found, ("id", "name", "status", "made"), rows, as_json=as_json)


@factor.command("delete")
@guarded
def delete(service_id: ServiceId, identity: Identity, factor_id: FactorId, data: DataFolder = DATA) -> None:
    """Delete one, with its secret."""
    client(data).call("DELETE", _of(service_id, identity, "factors", factor_id))
    typer.echo(f"{factor_id} is deleted")


@person.command("list")
@guarded
def list_people(service_id: ServiceId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """The people of a service, newest first."""
    found = list(asking.every(client(data), asking.path("verify", "services", service_id, "entities")))
    rows = [(each["id"], each["identity"], each["created_at"][:19]) for each in found]
    asking.show(found, ("id", "identity", "made"), rows, as_json=as_json)


@person.command("show")
@guarded
def show(service_id: ServiceId, identity: Identity, data: DataFolder = DATA, as_json: Json = False) -> None:
    """A person, and how many wrong codes are counted."""
    _print_person(asking.got(client(data), _of(service_id, identity)), as_json=as_json)


@person.command("unlock")
@guarded
def unlock(service_id: ServiceId, identity: Identity, data: DataFolder = DATA, as_json: Json = False) -> None:
    """Forget wrong codes of somebody whom you know by other means."""
    _print_person(asking.told(client(data), "POST", _of(service_id, identity, "unlock")), as_json=as_json)


@person.command("delete")
@guarded
def forget(service_id: ServiceId, identity: Identity, data: DataFolder = DATA) -> None:
    """Forget a person with authenticators and challenges."""
    client(data).call("DELETE", _of(service_id, identity))
    typer.echo(f"{identity} is deleted")


def _of(service_id: str, identity: str, *more: str) -> str:
    return asking.path("verify", "services", service_id, "entities", identity, *more)


def _print(found: Any, *, as_json: bool) -> None:
    lines = [
        ("factor", found["id"]),
        ("name", found["name"]),
        ("status", found["status"]),
        ("secret", found["secret"]),
        ("address", found["uri"]),
    ]
    asking.show_one(found, lines, as_json=as_json)


def _print_person(found: Any, *, as_json: bool) -> None:
    guesses = found["guesses"]
    lines = [
        ("identity", found["identity"]),
        ("wrong codes", guesses["failures"]),
        ("again from", guesses["retry_at"]),
        ("locked", "yes" if guesses["locked"] else "no"),
    ]
    asking.show_one(found, lines, as_json=as_json)
