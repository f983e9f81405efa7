"""`whimbrel template`: texts with variables, kept as JSON files beside the code that names them."""

import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from whimbrel.cli.client import Client, Refused, Unreachable, client, operator_client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

_PATH = "/v1/templates"
Name = Annotated[str, typer.Argument(help="The template's name or id.")]
Number = Annotated[int, typer.Argument(min=1, help="The number of the version.")]
Operator = Annotated[
    str | None, typer.Option("--account", metavar="AC…", help="Act as the operator, for this account.")
]
Values = Annotated[
    list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A variable's value; may be repeated.")
]

template = typer.Typer(help="Texts with variables: list, show, put, preview, publish, approve.", no_args_is_help=True)


class Shown(msgspec.Struct, frozen=True):
    """What we read of a template."""

    id: str
    name: str
    status: str
    draft: bool
    version: int | None
    approval: str | None
    live_version: int | None
    texts: dict[str, str]


class Version(msgspec.Struct, frozen=True):
    """What we read of a version."""

    version: int
    live: bool
    approval: str
    reason: str | None
    created_at: str


class Text(msgspec.Struct, frozen=True):
    """What we read of a preview."""

    language: str
    text: str
    encoding: str
    segments: int
    price: str | None
    currency: str | None
    problem: str | None


class Texts(msgspec.Struct, frozen=True):
    """All of it."""

    data: tuple[Text, ...]


class _Page(msgspec.Struct, frozen=True):
    data: tuple[msgspec.Raw, ...]
    next_cursor: str | None = None


@template.command("list")
@guarded
def list_templates(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Templates, by name."""
    node = client(data)
    rows = _all(node, _PATH)
    if as_json:
        typer.echo(b"[" + b",".join(rows) + b"]")
        return
    table = Table(Column("name"), "status", "version", "in use", "languages")
    for row in rows:
        each = msgspec.json.decode(row, type=Shown)
        state = "draft" if each.draft else (each.approval or "")
        version = f"{each.version or '-'} {state}".strip()
        table.add_row(each.name, each.status, version, str(each.live_version or "-"), " ".join(each.texts))
    Console(soft_wrap=True).print(table)


@template.command("show")
@guarded
def show(name: Name, data: DataFolder = DATA) -> None:
    """A template as JSON: its draft, or the newest version."""
    typer.echo(client(data).call("GET", _at(name)))


@template.command("put")
@guarded
def put(
    file: Annotated[Path, typer.Argument(metavar="JSON", help="What POST /v1/templates takes; - for standard input.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish it at once.")] = False,
    data: DataFolder = DATA,
) -> None:
    """Make a template of a file, or change the one of its name."""
    wanted = _read(file)
    node = client(data)
    try:
        node.ask("GET", _at(str(wanted.get("name"))))
    except Refused as error:
        if error.status != 404:
            fail(str(error), document=error.document)
        typer.echo(node.call("POST", _PATH, wanted | {"publish": publish}))
        return
    except Unreachable as error:
        fail(str(error), name="unreachable")
    changed = {name: value for name, value in wanted.items() if name not in {"name", "publish"}}
    answer = node.call("PATCH", _at(wanted["name"]), changed)
    if publish and msgspec.json.decode(answer, type=Shown).draft:
        answer = node.call("POST", f"{_at(wanted['name'])}/publish")
    typer.echo(answer)


@template.command("preview")
@guarded
def preview(
    name: Annotated[str, typer.Argument(help="The template's name or id, with @ and a number for a version.")],
    var: Values = None,
    language: Annotated[str | None, typer.Option(help="Of one text; without it all are shown.")] = None,
    to: Annotated[str | None, typer.Option(help="A number, for the price.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The texts for sample values, with segments and price."""
    asked = {"template": name, "variables": values_of(var), "language": language, "to": to}
    answer = client(data).call("POST", f"{_PATH}/preview", asked)
    if as_json:
        typer.echo(answer)
        return
    for each in msgspec.json.decode(answer, type=Texts).data:
        price = f", {each.price} {each.currency}" if each.price else ""
        typer.echo(f"{each.language}: {each.segments} segment(s) of {each.encoding}{price}\n{each.text}")
        if each.problem:
            typer.echo(f"  {each.problem}", err=True)


@template.command("publish")
@guarded
def publish_draft(name: Name, data: DataFolder = DATA) -> None:
    """Make the draft the next version."""
    found = msgspec.json.decode(client(data).call("POST", f"{_at(name)}/publish"), type=Shown)
    typer.echo(f"{found.name}@{found.version} {found.approval}")


@template.command("versions")
@guarded
def versions(name: Name, data: DataFolder = DATA, as_json: Json = False) -> None:
    """What was published, newest first."""
    rows = _all(client(data), f"{_at(name)}/versions")
    if as_json:
        typer.echo(b"[" + b",".join(rows) + b"]")
        return
    table = Table("version", "state", "published", "reason")
    for row in rows:
        each = msgspec.json.decode(row, type=Version)
        table.add_row(str(each.version), "in use" if each.live else each.approval, each.created_at, each.reason or "")
    Console(soft_wrap=True).print(table)


@template.command("approve")
@guarded
def approve(name: Name, number: Number, account: Operator = None, data: DataFolder = DATA) -> None:
    """Let messages be made of a version."""
    _node(data, account).call("POST", f"{_at(name)}/versions/{number}/approve")
    typer.echo(f"{name}@{number} approved")


@template.command("reject")
@guarded
def reject(
    name: Name,
    number: Number,
    reason: Annotated[str, typer.Argument(help="Why, for who published it.")],
    account: Operator = None,
    data: DataFolder = DATA,
) -> None:
    """Let no message be made of a version."""
    _node(data, account).call("POST", f"{_at(name)}/versions/{number}/reject", {"reason": reason})
    typer.echo(f"{name}@{number} rejected")


@template.command("archive")
@guarded
def archive(name: Name, data: DataFolder = DATA) -> None:
    """Let no message be made of a template."""
    client(data).call("POST", f"{_at(name)}/archive")
    typer.echo(f"{name} archived")


@template.command("restore")
@guarded
def restore(name: Name, data: DataFolder = DATA) -> None:
    """Bring an archived template back."""
    client(data).call("POST", f"{_at(name)}/restore")
    typer.echo(f"{name} active")


@template.command("delete")
@guarded
def delete(name: Name, data: DataFolder = DATA) -> None:
    """Forget a template that was never published, or is archived."""
    client(data).call("DELETE", _at(name))
    typer.echo(f"{name} deleted")


def values_of(given: list[str] | None) -> dict[str, str]:
    """Variables as the command line has them; ends the command where one has no value."""
    found: dict[str, str] = {}
    for each in given or ():
        name, is_there, value = each.partition("=")
        if not name or not is_there:
            fail(f"{each} is no NAME=VALUE", code=2)
        found[name] = value
    return found


def _node(data: Path, account: str | None) -> Client:
    return operator_client(data, account) if account else client(data)


def _at(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"


def _all(node: Client, path: str) -> list[bytes]:
    """The rows of all pages."""
    rows: list[bytes] = []
    cursor = ""
    while True:
        page = msgspec.json.decode(node.call("GET", f"{path}?limit=100{cursor}"), type=_Page)
        rows += [bytes(row) for row in page.data]
        if page.next_cursor is None:
            return rows
        cursor = f"&cursor={quote(page.next_cursor, safe='')}"


def _read(file: Path) -> dict[str, Any]:
    octets = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return msgspec.json.decode(octets, type=dict[str, Any])
    except msgspec.DecodeError as error:
        fail(f"{file} is no JSON object: {error}", code=2)
