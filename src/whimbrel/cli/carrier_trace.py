"""`whimbrel carrier trace NAME`: what a carrier's binds say and hear, as it happens or as it was recorded."""

from pathlib import Path
from typing import Annotated

import typer

from whimbrel.cli import trace_lines
from whimbrel.cli.client import Client, operator, stored
from whimbrel.cli.doctor_carrier import carrier_id
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded
from whimbrel.manage.credentials import Credentials


@guarded
def trace(
    name: Annotated[str, typer.Argument(help="The carrier's name or id.")],
    follow: Annotated[bool, typer.Option("--follow", help="Go on showing until the recording ends.")] = False,
    seconds: Annotated[int, typer.Option(help="How long to record, at most 3600.")] = 600,
    off: Annotated[bool, typer.Option("--off", help="End the recording and forget it.")] = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Record a carrier's binds and show their PDUs, numbers and texts masked."""
    node = _node(data)
    path = f"/v1/carriers/{carrier_id(node, name)}/trace"
    trace_lines.show(node, path, follow=follow, seconds=seconds, off=off, as_json=as_json)


def _node(data: Path) -> Client:
    return operator(stored(data) or Credentials(), None, data)
