"""`whimbrel verify service`: services of Verify, asked of a running node with the account's key."""

from typing import Annotated, Any, Final

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.domain.verify import ServiceSettings

service = typer.Typer(help="Services: how codes are made, and what the texts call you.", no_args_is_help=True)
ServiceId = Annotated[str, typer.Argument(metavar="VA…")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of docs/verify.md; may be repeated."),
]
_DEFAULTS: Final = ServiceSettings()


@service.command("list")
@guarded
def list_services(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Services, newest first."""
    found = list(asking.every(client(data), asking.path("verify", "services")))
    rows = [(each["id"], each["name"], *_code_of(each["settings"])) for each in found]
    asking.show(found, ("id", "name", "code", "holds", "countries"), rows, as_json=as_json)


@service.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="What the texts call you.")],
    settings: Set = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Make a service."""
    body = {"name": name, "settings": _settings(settings)}
    _print(asking.told(client(data), "POST", asking.path("verify", "services"), body), as_json=as_json)


@service.command("show")
@guarded
def show(service_id: ServiceId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """A service with all of its settings."""
    _print(asking.got(client(data), asking.path("verify", "services", service_id)), as_json=as_json)


@service.command("update")
@guarded
def update(
    service_id: ServiceId,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    settings: Set = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Change a service; verifications under way go on as they began."""
    body: dict[str, Any] = {"settings": _settings(settings)}
    if name is not None:
        body["name"] = name
    _print(asking.told(client(data), "PATCH", asking.path("verify", "services", service_id), body), as_json=as_json)


@service.command("delete")
@guarded
def delete(service_id: ServiceId, data: DataFolder = DATA) -> None:
    """Delete a service; its verifications can be checked no more."""
    client(data).call("DELETE", asking.path("verify", "services", service_id))
    typer.echo(f"{service_id} is deleted")


def _code_of(settings: Any) -> tuple[str, str, str]:
    code = f"{settings['code_length']} {settings['alphabet']}"
    return code, f"{settings['ttl_s']} s", " ".join(settings["countries"]) or "all"


def _settings(given: list[str] | None) -> dict[str, Any]:
    """NAME=VALUE: a list with commas where the setting is one, a word where it is text, else JSON."""
    found: dict[str, Any] = {}
    for each in given or ():
        name, sign, text = each.partition("=")
        if not sign:
            fail(f"--set takes NAME=VALUE, such as code_length=8, not {each}", code=2)
        found[name] = _value(getattr(_DEFAULTS, name, None), text)
    return found


def _value(default: object, text: str) -> Any:
    if isinstance(default, tuple):
        return [item.strip() for item in text.split(",") if item.strip()]
    if isinstance(default, str):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _print(found: Any, *, as_json: bool) -> None:
    settings = [(name, _written(value)) for name, value in found["settings"].items()]
    asking.show_one(found, [("id", found["id"]), ("name", found["name"]), *settings], as_json=as_json)


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
