"""`whimbrel streams`: the streams of events to brokers that the settings name."""

from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel.cli.client import Client
from whimbrel.cli.control import ACTOR, Place, carry_out
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart
from whimbrel.cli.say import guarded
from whimbrel.manage import streams as streams_of
from whimbrel.manage.streams import Rewind, StreamList, StreamView

streams = typer.Typer(help="Streams of events to brokers: list, rewind.", no_args_is_help=True)


@streams.command("list")
@guarded
def list_streams(config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False) -> None:
    """How each stream is doing."""

    def ask(node: Client) -> StreamList:
        return msgspec.json.decode(node.call("GET", "/v1/streams"), type=StreamList)

    found = carry_out(Place(config_file, data, None), streams_of.find, ask)
    if as_json:
        typer.echo(msgspec.json.encode(found.data).decode())
        return
    table = Table("stream", "to", "node", "state", "lag s", "caught up at", "gaps", "error")
    for each in found.data:
        caught_up = (each.caught_up_at or "")[:19]
        told = (each.state, f"{each.lag_s:.1f}", caught_up, str(each.gaps), each.error or "")
        table.add_row(each.name, each.to, each.node or "", *told)
    Console(soft_wrap=True).print(table)


@streams.command("rewind")
@guarded
def rewind(
    name: Annotated[str, typer.Argument(help="The stream's name in the settings.")],
    to: Annotated[str, typer.Option(help="From when on, such as 2027-01-15T08:00:00Z.")],
    config_file: ConfigFile = None,
    data: OfQuickstart = None,
) -> None:
    """Publish events again from a moment on."""
    request = Rewind(to=to)

    def ask(node: Client) -> StreamView:
        path = f"/v1/streams/{quote(name, safe='')}/rewind"
        return msgspec.json.decode(node.call("POST", path, request), type=StreamView)

    place = Place(config_file, data, None)
    carry_out(place, lambda ctx: streams_of.rewind(ctx, ACTOR, name, request), ask)
    typer.echo(f"{name} publishes again from {to} on")
