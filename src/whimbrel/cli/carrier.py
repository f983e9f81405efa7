"""`whimbrel carrier`: the dialects that are known, and what a carrier's binds say."""

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from whimbrel.cli.carrier_trace import trace
from whimbrel.cli.options import Json
from whimbrel.cli.say import guarded
from whimbrel.domain.profiles import PROFILES

carrier = typer.Typer(help="Carriers: the dialects to begin with, and what is said to one.", no_args_is_help=True)
carrier.command("trace")(trace)


@carrier.command("profiles")
@guarded
def profiles(as_json: Json = False) -> None:
    """The profiles that a carrier's settings can begin with, and what each writes."""
    if as_json:
        typer.echo(msgspec.json.encode(tuple(PROFILES.values())).decode())
        return
    table = Table("profile", Column("why", ratio=1), Column("settings", ratio=1, overflow="fold"))
    for each in PROFILES.values():
        table.add_row(each.name, each.why, msgspec.json.encode(each.settings).decode() if each.settings else "")
    Console().print(table)
