"""`whimbrel lookup`: what a number says about itself. Over the API, with an account's key."""

from typing import Annotated
from urllib.parse import quote, urlencode

import msgspec
import typer

from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded
from whimbrel.manage.lookups import LookupView


@guarded
def lookup(
    number: Annotated[str, typer.Argument(help="E.164, or as it is written in its country with --country.")],
    country: Annotated[str, typer.Option(help="Country of a number without a plus sign, such as GB.")] = "",
    region: Annotated[bool, typer.Option("--region", help="Name the region too, such as a city.")] = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Show what is known of a number; 1 when it is invalid."""
    query = urlencode({"country": country, "region": str(region).lower()})
    answer = client(data).call("GET", f"/v1/lookups/{quote(number, safe='')}?{query}")
    found = msgspec.json.decode(answer, type=LookupView)
    if as_json:
        typer.echo(answer.decode())
    else:
        for name, value in _lines(found):
            typer.echo(f"{name:<18} {value}")
    if not found.valid:
        raise typer.Exit(1)


def _lines(found: LookupView) -> list[tuple[str, str]]:
    lines = [
        ("number", found.number or found.input),
        ("valid", "yes" if found.valid else f"no: {', '.join(found.reasons)}"),
        ("national", found.national),
        ("international", found.international),
        ("country", found.country),
        ("region", found.region),
        ("type", found.type),
        ("original operator", found.original_operator),
        ("time zones", ", ".join(found.time_zones)),
        ("opted out", None if found.opted_out is None else "yes" if found.opted_out else "no"),
        ("last seen", found.last_seen_at),
    ]
    return [(name, value) for name, value in lines if value]
