"""`whimbrel brand`: groups of senders that a STOP may reach, asked of a running node with the account's key."""

from typing import Annotated, Any

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import Client, client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded

brand = typer.Typer(help="Brands: list, create, rename, senders, delete.", no_args_is_help=True)
BrandId = Annotated[str, typer.Argument(metavar="BN…", help="The brand.")]
Name = Annotated[str, typer.Argument(help="As its texts call it.")]
Senders = Annotated[list[str], typer.Argument(metavar="SENDER…", help="All that are of it.")]


@brand.command("list")
@guarded
def list_brands(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Brands with their senders."""
    found = asking.got(client(data), "/v1/brands")["data"]
    rows = [(each["id"], each["name"], ", ".join(each["senders"])) for each in found]
    asking.show(found, ("id", "name", "senders"), rows, as_json=as_json)


@brand.command("create")
@guarded
def create(
    name: Name,
    senders: Annotated[list[str] | None, typer.Argument(metavar="SENDER…", help="Senders of the account.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Make a brand of some senders."""
    made = asking.told(client(data), "POST", "/v1/brands", {"name": name, "senders": senders or []})
    typer.echo(made["id"])


@brand.command("rename")
@guarded
def rename(brand_id: BrandId, name: Name, data: DataFolder = DATA) -> None:
    """Give a brand another name."""
    _put(client(data), brand_id, name=name)


@brand.command("senders")
@guarded
def set_senders(brand_id: BrandId, senders: Senders, data: DataFolder = DATA) -> None:
    """Say which senders are of a brand: all of them."""
    _put(client(data), brand_id, senders=senders)


@brand.command("delete")
@guarded
def delete(brand_id: BrandId, data: DataFolder = DATA) -> None:
    """Delete a brand; who opted out of it is kept, and counts no more."""
    client(data).call("DELETE", asking.path("brands", brand_id))
    typer.echo(f"{brand_id} is deleted")


def _put(node: Client, brand_id: str, **changed: Any) -> None:
    place = asking.path("brands", brand_id)
    known = asking.got(node, place)
    found = asking.told(node, "PUT", place, {"name": known["name"], "senders": known["senders"]} | changed)
    typer.echo(f"{found['id']} {found['name']}: {', '.join(found['senders']) or 'no senders'}")
