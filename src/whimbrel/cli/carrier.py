"""`whimbrel carrier`: carriers, the dialects and providers that are known, and what a carrier's binds say."""

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from whimbrel.cli import carrier_verbs
from whimbrel.cli.carrier_trace import trace
from whimbrel.cli.options import Json
from whimbrel.cli.say import guarded
from whimbrel.domain.http_profiles import HTTP_PROFILES
from whimbrel.domain.profiles import PROFILES

carrier = typer.Typer(
    help="Carriers: list, show, create, update, pause, resume, delete, trace, and profiles to begin with.",
    no_args_is_help=True,
)
carrier.command("list")(carrier_verbs.list_carriers)
carrier.command("show")(carrier_verbs.show)
carrier.command("create")(carrier_verbs.create)
carrier.command("update")(carrier_verbs.update)
carrier.command("pause")(carrier_verbs.pause)
carrier.command("resume")(carrier_verbs.resume)
carrier.command("delete")(carrier_verbs.delete)
carrier.command("trace")(trace)


@carrier.command("profiles")
@guarded
def profiles(as_json: Json = False) -> None:
    """The profiles that a carrier's settings can begin with, and what each writes."""
    every = (*PROFILES.values(), *HTTP_PROFILES.values())
    if as_json:
        typer.echo(msgspec.json.encode(every).decode())
        return
    table = Table("kind", "profile", Column("why", ratio=1), Column("settings", ratio=1, overflow="fold"))
    for each in every:
        written = msgspec.json.encode(each.settings).decode() if each.settings else ""
        table.add_row(each.kind, each.name, each.why, written)
    Console().print(table)
