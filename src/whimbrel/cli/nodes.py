"""`whimbrel nodes`: who runs, and who does what."""

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel.cli.client import Client
from whimbrel.cli.control import Place, carry_out
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart
from whimbrel.cli.say import guarded
from whimbrel.manage import nodes as nodes_of
from whimbrel.manage.nodes import NodeList


@guarded
def nodes(config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False) -> None:
    """The nodes of an installation: version, age, and what each does for all."""

    def ask(node: Client) -> NodeList:
        return msgspec.json.decode(node.call("GET", "/v1/nodes"), type=NodeList)

    found = carry_out(Place(config_file, data, None), nodes_of.find, ask)
    if as_json:
        typer.echo(msgspec.json.encode(found.data).decode())
        return
    table = Table("node", "version", "roles", "age", "carriers", "duties", "customers", "")
    for each in found.data:
        state = "draining" if each.draining else ""
        row = (",".join(each.roles), f"{each.age_s:.0f} s", ", ".join(each.carriers), ", ".join(each.duties))
        table.add_row(each.name, each.version, *row, str(each.customers), state)
    Console(soft_wrap=True).print(table)
