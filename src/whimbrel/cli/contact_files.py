"""Files of contacts on the command line: brought in pieces and followed until they are contacts, and taken out."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from whimbrel.cli import asking
from whimbrel.cli.client import Client, client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

_PIECE: Final = 8 * 1024 * 1024
_LOOK_S: Final = 0.5
_OVER: Final = ("done", "canceled", "failed")


@guarded
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, or a workbook of Excel.")],
    column: Annotated[
        list[str], typer.Option(metavar="NAME", help="What each column is, in order; - leaves one out.")
    ] = [],  # noqa: B006
    country: Annotated[str | None, typer.Option(help="Of numbers without a calling code, such as DE.")] = None,
    existing: Annotated[str, typer.Option(help="Numbers that are known: update, skip or replace.")] = "update",
    duplicates: Annotated[str, typer.Option(help="Which row of the file counts for a number: first or last.")] = "last",
    dates: Annotated[str, typer.Option(help="How days are written: iso, dmy or mdy.")] = "iso",
    tag: Annotated[list[str], typer.Option(help="To put on all; once for each.")] = [],  # noqa: B006
    put_list: Annotated[list[str], typer.Option("--list", help="That all come on; once for each.")] = [],  # noqa: B006
    start_flows: Annotated[
        bool, typer.Option("--start-flows", help="Let flows begin that wait for contacts added or tagged.")
    ] = False,
    look: Annotated[bool, typer.Option("--preview", help="Say what would become of the first rows, and stop.")] = False,
    errors: Annotated[Path | None, typer.Option(help="Where rows that were not taken are written.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Import a file, and follow it to its end; 1 when it failed."""
    node = client(data)
    plan: dict[str, Any] = {"existing": existing, "duplicates": duplicates, "dates": dates}
    plan |= {"tags": tag, "lists": put_list, "default_country": country, "start_flows": start_flows}
    if column:
        plan["columns"] = [None if each == "-" else each for each in column]
    place = _bring(node, file)
    if look:
        _preview(asking.told(node, "POST", f"{place}/preview", plan), as_json=as_json)
        node.call("POST", f"{place}/cancel")
        return
    asking.told(node, "POST", f"{place}/start", plan)
    found = _follow(node, place, shows=not as_json and sys.stderr.isatty())
    if errors is not None and found["failed"]:
        node.save(f"{place}/errors", errors)
    _print(found, as_json=as_json)
    if found["status"] != "done":
        raise typer.Exit(1)


@guarded
def label_segment(
    segment_id: Annotated[str, typer.Argument(metavar="SG…")],
    on_list: Annotated[str | None, typer.Option("--list", help="A list, by name or id.")] = None,
    tag: Annotated[str | None, typer.Option(help="A tag.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="They lose it.")] = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Put everybody of a segment on a list, or tag them; 1 when it failed."""
    node = client(data)
    body = {"list": on_list, "tag": tag, "action": "remove" if remove else "add"}
    made = asking.told(node, "POST", asking.path("segments", segment_id, "label"), body)
    place = asking.path("contact-imports", made["id"])
    found = _follow(node, place, shows=not as_json and sys.stderr.isatty())
    _print(found, as_json=as_json)
    if found["status"] != "done":
        raise typer.Exit(1)


@guarded
def imports(
    most: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 20,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The newest imports, and how far they are."""
    found = list(asking.every(client(data), "/v1/contact-imports", most=most))[:most]
    rows = [
        (each["id"], each["name"], each["status"], str(each["rows"]), str(each["created"]), str(each["updated"]),
         str(each["failed"]), each["created_at"][:19])
        for each in found
    ]  # fmt: skip
    heads = ("id", "file", "status", "rows", "new", "changed", "failed", "at")
    asking.show(found, heads, rows, as_json=as_json)


@guarded
def export(
    file: Annotated[Path, typer.Argument(help="Where the CSV is written; - is the terminal.")],
    filter: Annotated[str | None, typer.Option(help="A filter as segments have it.")] = None,
    segment: Annotated[str | None, typer.Option(metavar="SG…", help="Only those of this segment.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    on_list: Annotated[str | None, typer.Option("--list", help="Only those on this list.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Write contacts to a file that can be imported again."""
    query = {"filter": filter, "segment": segment, "tag": tag, "list": on_list}
    client(data).save(asking.asked("/v1/contacts/export", **query), None if str(file) == "-" else file)


def _bring(node: Client, file: Path) -> str:
    """Announce the file and bring it; where the import is."""
    try:
        with file.open("rb") as octets:
            made = asking.told(node, "POST", "/v1/contact-imports", {"name": file.name[-120:]})
            place, size = asking.path("contact-imports", made["id"]), 0
            while piece := octets.read(_PIECE):
                node.call("PUT", f"{place}/file?offset={size}", piece, Content_Type="application/octet-stream")
                size += len(piece)
    except OSError as error:
        fail(f"{file}: {error.strerror or error}", code=2)
    return place


def _follow(node: Client, place: str, *, shows: bool) -> Any:
    """Look until it is over; on a terminal with a bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, disable=not shows, transient=True) as progress:
        bar = progress.add_task("rows", total=None)
        while True:
            found = asking.got(node, place)
            progress.update(bar, total=found["rows"] or None, completed=found["done"])
            if found["status"] in _OVER:
                return found
            time.sleep(_LOOK_S)


def _preview(found: Any, *, as_json: bool) -> None:
    if not as_json:
        typer.echo("columns: " + ", ".join(each or "-" for each in found["columns"]))
    rows = [(str(each["row"]), each["number"] or "", each["outcome"], each["problem"]) for each in found["rows"]]
    asking.show(found, ("row", "number", "becomes", "problem"), rows, as_json=as_json)


def _print(found: Any, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    figures = ", ".join(f"{found[name]} {name}" for name in ("created", "updated", "skipped", "duplicates", "failed"))
    typer.echo(f"{found['id']} {found['status']}: {figures}{' (' + found['reason'] + ')' if found['reason'] else ''}")
