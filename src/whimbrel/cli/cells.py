"""`whimbrel cells`: what a node sees of the cells, and moving an account from one to another. A running node is asked,
with the operator's key: it is connected to all of them.
"""

import time
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel.cli.client import Client, operator, stored
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.edges.rest.cells import CellList, MoveList, NewMove
from whimbrel.edges.shared.services import MoveStatus
from whimbrel.manage.credentials import Credentials

cells = typer.Typer(help="Cells: list, move accounts.", no_args_is_help=True)
_LOOK_S: Final = 1.0
_DONE: Final = {"cleared": "it has moved", "moved": "it has moved", "returned": "it stays"}


@cells.command("list")
@guarded
def list_cells(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Each cell: whether it can be reached, its accounts, its nodes."""
    found = msgspec.json.decode(_node(data).call("GET", "/v1/cells"), type=CellList)
    if as_json:
        typer.echo(msgspec.json.encode(found.data).decode())
        return
    if not found.data:
        fail("this installation has one cell (docs/cells.md)")
    table = Table("cell", "", "reachable", "accounts", "nodes", "share", "lag ms")
    for each in found.data:
        marks = ", ".join(word for word, holds in (("home", each.home), ("leads", each.leads)) if holds)
        lag = "" if each.lag_s is None else f"{1000 * each.lag_s:.1f}"
        counts = ["?" if count is None else str(count) for count in (each.accounts, each.nodes)]
        table.add_row(each.name, marks, "yes" if each.reachable else "no", *counts, str(each.share), lag)
    Console(soft_wrap=True).print(table)


@cells.command("move")
@guarded
def move(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id, AC…; sub-accounts go with it.")],
    to: Annotated[str, typer.Option(help="The cell where it is to live; the one that it comes from calls it off.")],
    lost: Annotated[bool, typer.Option("--lost", help="To call off: the cell where it went is gone for good.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it has moved; it goes on without.")] = True,
    data: DataFolder = DATA,
) -> None:
    """Move an account to another cell."""
    node = _node(data)
    path = f"/v1/accounts/{quote(account, safe='')}/move"
    begun = msgspec.json.decode(node.call("POST", path, NewMove(to, lost)), type=MoveStatus)
    typer.echo(f"{account} {'moves to' if begun.cell == to else 'is to stay in'} {to}")
    while wait:
        moves = msgspec.json.decode(node.call("GET", path), type=MoveList).data
        stays = msgspec.structs.replace(begun, state="returned", waits_for="")
        now = next((each for each in moves if each.started_at == begun.started_at), stays)
        if now.state in _DONE:
            typer.echo(_DONE[now.state])
            return
        typer.echo(f"{now.state}{now.waits_for and f': waits for {now.waits_for}'}", err=True)
        time.sleep(_LOOK_S)


def _node(data: DataFolder) -> Client:
    return operator(stored(data) or Credentials(), None, data)
