"""`whimbrel carrier`: what the installation knows of carriers without asking one."""

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel.cli.options import Json
from whimbrel.cli.say import guarded
from whimbrel.domain.profiles import PROFILES

carrier = typer.Typer(help="Carriers: the dialects to begin with.", no_args_is_help=True)


@carrier.callback()
def _carrier() -> None:
    """Keeps `profiles` a verb of its own, although it is the only one."""


@carrier.command("profiles")
@guarded
def profiles(as_json: Json = False) -> None:
    """The profiles that a carrier's settings can begin with, and what each writes."""
    if as_json:
        typer.echo(msgspec.json.encode(tuple(PROFILES.values())).decode())
        return
    table = Table("profile", "why", "settings")
    for each in PROFILES.values():
        table.add_row(each.name, each.why, msgspec.json.encode(each.settings).decode() if each.settings else "")
    Console().print(table)
