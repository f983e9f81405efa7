"""`whimbrel carrier list`, `show`, `create`, `update`, `pause`, `resume` and `delete`: carriers, asked of a node
with the operator's key. Settings are given one by one; a secret never stands among the words of a command."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import Client, operator, stored
from whimbrel.cli.doctor_carrier import carrier_id
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.domain.carrier_kinds import KINDS
from whimbrel.manage.credentials import Credentials

_VARIABLE: Final = "WHIMBREL_CARRIER_PASSWORD"


def _is_text(kind: Any) -> bool:
    """Whether a setting of this type is a text: any, or one of a closed list."""
    if get_origin(kind) is Union:
        return all(map(_is_text, get_args(kind)))
    return kind is str or (get_origin(kind) is Literal and all(isinstance(each, str) for each in get_args(kind)))


_TEXTS: Final = frozenset(
    {each.name for kind in KINDS.values() for each in msgspec.structs.fields(kind) if _is_text(each.type)}
)
"""Settings whose value is a text, also where it looks like a number."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="The carrier's name or id.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting; lists and tables in JSON; may be repeated."),
]
Field = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="Over HTTP: a field of the request; may be repeated."),
]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="Holds its password; - is stdin.")
]
FirstPasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help=f"Holds its password; - is stdin. Or {_VARIABLE}."),
]


@guarded
def list_carriers(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Carriers, and how each is doing."""
    found = asking.got(_node(data), "/v1/carriers/health")["data"]
    rows = [(each["id"], each["name"], each["kind"], *_doing(each)) for each in found]
    asking.show(found, ("id", "name", "kind", "state", "in flight", "waiting", "last error"), rows, as_json=as_json)


def _doing(carrier: dict[str, Any]) -> tuple[str, str, str, str]:
    health = carrier["health"]
    if health is None:
        return carrier["status"], "", "", ""
    flight = f"{health['in_flight']}/{health['window']}"
    return health["state"], flight, str(health["waiting"]), health["last_error"] or ""


@guarded
def show(name: Name, data: DataFolder = DATA) -> None:
    """A carrier as JSON: its settings and, over HTTP, the addresses that its provider calls."""
    node = _node(data)
    typer.echo(msgspec.json.format(node.call("GET", _path(node, name))).decode())


@guarded
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    kind: Annotated[str, typer.Option(help="smpp or http.")] = "smpp",
    profile: Annotated[str, typer.Option(help="What its settings begin with; `carrier profiles` lists them.")] = "",
    settings: Set = None,
    field: Field = None,
    password_file: FirstPasswordFile = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="It takes test traffic.")] = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Make a carrier. Over HTTP it says what its provider has to call."""
    chosen = _settings(settings, field) | ({"profile": profile} if profile else {})
    password = _first_password(password_file)
    body = {"name": name, "kind": kind, "settings": chosen, "sandbox": sandbox, "password": password}
    node = _node(data)
    _print(node, asking.told(node, "POST", "/v1/carriers", body), as_json=as_json)


@guarded
def update(
    name: Name,
    settings: Set = None,
    field: Field = None,
    password_file: PasswordFile = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Change settings or the password; what is not named stays. Fields are put into those that it has."""
    node = _node(data)
    path = _path(node, name)
    chosen = _settings(settings, field)
    if field:
        chosen["fields"] = asking.got(node, path)["settings"].get("fields", {}) | chosen["fields"]
    body = {"settings": chosen} | ({"password": _password(password_file)} if password_file else {})
    _print(node, asking.told(node, "PATCH", path, body), as_json=as_json)


@guarded
def pause(name: Name, data: DataFolder = DATA) -> None:
    """Nothing goes to it any more; routes go on to their next carrier."""
    _set_status(name, "pause", data)


@guarded
def resume(name: Name, data: DataFolder = DATA) -> None:
    """It takes texts again."""
    _set_status(name, "resume", data)


@guarded
def delete(name: Name, data: DataFolder = DATA) -> None:
    """Delete a carrier that no route names."""
    node = _node(data)
    node.call("DELETE", _path(node, name))
    typer.echo(f"{name} is deleted")


def _set_status(name: str, act: str, data: Path) -> None:
    node = _node(data)
    found = asking.told(node, "POST", f"{_path(node, name)}/{act}")
    typer.echo(f"{found['id']} {found['name']}: {found['status']}")


def _node(data: Path) -> Client:
    return operator(stored(data) or Credentials(), None, data)


def _path(node: Client, name: str) -> str:
    return f"/v1/carriers/{carrier_id(node, name)}"


def _settings(given: list[str] | None, fields: list[str] | None) -> dict[str, Any]:
    chosen = dict(_pair("--set", each) for each in given or ())
    if fields:
        chosen["fields"] = dict(_pair("--field", each) for each in fields)
    return chosen


def _pair(option: str, given: str) -> tuple[str, Any]:
    """NAME=VALUE: JSON where it can be read as such and the setting is no text, or else a word."""
    name, sign, text = given.partition("=")
    if not sign or not name:
        fail(f"{option} takes NAME=VALUE, such as window=50, not {given}", code=2)
    if option == "--set" and name in _TEXTS:
        return name, text
    try:
        return name, msgspec.json.decode(text)
    except msgspec.DecodeError:
        return name, text


def _first_password(file: Path | None) -> str:
    """That of a new carrier. One that is there gets another from a file only: the variable may be left over."""
    return os.environ.get(_VARIABLE, "") if file is None else _password(file)


def _password(file: Path) -> str:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, ValueError) as error:
        fail(f"{file}: {error}", code=2)
    password = text.rstrip("\r\n")
    if not password:
        fail(f"{file} holds no password", code=2)
    return password


def _print(node: Client, made: dict[str, Any], *, as_json: bool) -> None:
    calls = {name: made[name] for name in ("receipts_url", "inbound_url") if made[name]}
    calls = {name: url if url.startswith("http") else node.url + url for name, url in calls.items()}
    lines = [("id", made["id"]), ("name", made["name"]), ("kind", made["kind"]), ("status", made["status"])]
    asking.show_one(made, [*lines, *((name.removesuffix("_url") + " at", url) for name, url in calls.items())],
                    as_json=as_json)  # fmt: skip
