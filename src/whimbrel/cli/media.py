"""`whimbrel media`: pictures and other files to send, asked of a running node with the account's key."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

media = typer.Typer(help="Pictures and other files: list, add, get, delete, how much room.", no_args_is_help=True)
MediumId = Annotated[str, typer.Argument(metavar="ME…")]
_FETCHED_S = 120  # the node fetches before it answers; `media.fetch_timeout_s` is 20 s by default and may be more
_OCTETS = "application/octet-stream"


@media.command("list")
@guarded
def list_media(
    content_type: Annotated[str | None, typer.Option("--type", help="Only these, such as image/png.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Media, newest first, with how many messages have each."""
    found = list(asking.every(client(data), asking.path("media"), {"content_type": content_type}))
    rows = [
        (each["id"], each["name"], each["content_type"], f"{each['size']:,}", str(each["messages"]), each["expires_at"])
        for each in found
    ]
    asking.show(found, ("id", "name", "type", "octets", "messages", "expires"), rows, as_json=as_json)


@media.command("add")
@guarded
def add(
    what: Annotated[str, typer.Argument(metavar="FILE|URL", help="A file, - for standard input, or where it is.")],
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Bring a file, or let the node fetch it; one that the account has already is that one."""
    node = client(data)
    if "://" in what:
        answer = node.call("POST", asking.path("media"), {"url": what, "name": name or ""}, timeout_s=_FETCHED_S)
    else:
        octets = _read(what)
        place = asking.asked(asking.path("media"), name=name or ("" if what == "-" else Path(what).name))
        answer = node.call("POST", place, octets, timeout_s=_FETCHED_S, Content_Type=_OCTETS)
    made: dict[str, Any] = msgspec.json.decode(answer)
    typer.echo(answer.decode() if as_json else f"{made['id']} {made['content_type']} {made['size']:,} octets")


@media.command("get")
@guarded
def get(
    medium_id: MediumId,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Where to; its own name by default, - is the terminal."),
    ] = None,
    data: DataFolder = DATA,
) -> None:
    """Write a medium's octets into a file."""
    node = client(data)
    to = file or Path(asking.got(node, asking.path("media", medium_id))["name"])
    if file is None and to.exists():
        fail(f"{to} is there already; name another with --file")
    is_terminal = str(to) == "-"
    node.save(asking.path("media", medium_id, "content"), None if is_terminal else to)
    if not is_terminal:
        typer.echo(to)


@media.command("delete")
@guarded
def delete(medium_id: MediumId, data: DataFolder = DATA) -> None:
    """Delete a medium, also where messages have it."""
    client(data).call("DELETE", asking.path("media", medium_id))
    typer.echo(f"{medium_id} is deleted")


@media.command("usage")
@guarded
def usage(data: DataFolder = DATA, as_json: Json = False) -> None:
    """How much room media take, and what is allowed."""
    found = asking.got(client(data), asking.path("media", "usage"))
    lines = (
        ("octets", f"{found['bytes']:,} of {found['bytes_max']:,}"),
        ("media", f"{found['count']:,} of {found['count_max']:,}"),
        ("one may have", f"{found['medium_bytes_max']:,} octets"),
        ("types", ", ".join(found["content_types"])),
    )
    asking.show_one(found, lines, as_json=as_json)


def _read(what: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if what == "-" else Path(what).read_bytes()
    except OSError as error:
        fail(f"{what}: {error.strerror or error}", code=2)
