"""`whimbrel carrier trace NAME`: what a carrier's binds say and hear, as it happens or as it was recorded."""

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from whimbrel.cli import trace_lines
from whimbrel.cli.client import Client, operator, stored
from whimbrel.cli.doctor_carrier import carrier_id
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded
from whimbrel.manage.credentials import Credentials

_LOOK_S = 0.5


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
    if off:
        node.call("DELETE", path)
        return
    if not _read(node, path, 0)["enabled"]:
        node.call("POST", path, {"enabled": True, "seconds": seconds})
    shown = 0
    while True:
        found = _read(node, path, shown)
        for entry in found["data"]:
            typer.echo(msgspec.json.encode(entry).decode() if as_json else trace_lines.line(entry))
            shown = entry["number"]
        if not follow or not found["enabled"]:
            return
        time.sleep(_LOOK_S)


def _node(data: Path) -> Client:
    return operator(stored(data) or Credentials(), None, data)


def _read(node: Client, path: str, after: int) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(node.call("GET", f"{path}?limit=1000&after={after}"))
    return found
