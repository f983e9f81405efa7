"""`whimbrel verify blocks`, `lift` and `verify safe`: what the pumping guard holds up, and whom it always lets pass."""

from typing import Annotated

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded

safe = typer.Typer(help="The safe list: numbers that the guard always lets pass.", no_args_is_help=True)


@guarded
def blocks(data: DataFolder = DATA, as_json: Json = False) -> None:
    """What the pumping guard blocked, also what has ended."""
    found = list(asking.every(client(data), asking.path("verify", "blocks")))
    rows = [
        (each["id"], f"+{each['value']}…", each["country"], each["reason"], "holds" if each["active"] else "ended",
         (each["lifted_at"] or each["ends_at"])[:19])
        for each in found
    ]  # fmt: skip
    asking.show(found, ("id", "numbers", "country", "reason", "state", "until"), rows, as_json=as_json)


@guarded
def lift(
    block_id: Annotated[str, typer.Argument(metavar="VB…")],
    quiet_s: Annotated[int, typer.Option(help="The same numbers are not blocked again for so many seconds.")] = 86_400,
    data: DataFolder = DATA,
) -> None:
    """End a block."""
    found = asking.told(client(data), "POST", asking.path("verify", "blocks", block_id, "lift"), {"quiet_s": quiet_s})
    until = f"; quiet until {found['quiet_until'][:19]}" if found["quiet_until"] else ""
    typer.echo(f"{found['id']}: +{found['value']}… is sent codes again{until}")


@safe.command("list")
@guarded
def list_safe(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Numbers that always pass, masked: they are kept as keyed hashes."""
    found = list(asking.every(client(data), asking.path("verify", "safe-list")))
    rows = [(each["id"], each["number"], each["created_at"][:19]) for each in found]
    asking.show(found, ("id", "number", "since"), rows, as_json=as_json)


@safe.command("add")
@guarded
def add(number: Annotated[str, typer.Argument(help="In E.164.")], data: DataFolder = DATA) -> None:
    """Let a number always pass."""
    found = asking.told(client(data), "POST", asking.path("verify", "safe-list"), {"number": number})
    typer.echo(f"{found['id']}: {found['number']} always passes")


@safe.command("remove")
@guarded
def remove(
    number: Annotated[str, typer.Argument(metavar="NUMBER|ID", help="As it was added, or its id.")],
    data: DataFolder = DATA,
) -> None:
    """Take a number off the list."""
    client(data).call("DELETE", asking.path("verify", "safe-list", number))
    typer.echo("it is on the list no more")
