"""`whimbrel verify limit`: limits of starts by a key of one's own, asked of a running node with the account's key."""

from typing import Annotated, Any

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.cli.verify_services import ServiceId

limit = typer.Typer(help="Limits of starts by a key of your own, such as an address.", no_args_is_help=True)
LimitId = Annotated[str, typer.Argument(metavar="RK…")]
Buckets = Annotated[
    list[str] | None,
    typer.Option(
        "--bucket", metavar="MAX/SECONDS", help="So many starts of a key in so many seconds; may be repeated."
    ),
]


@limit.command("list")
@guarded
def list_limits(service_id: ServiceId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """Limits of a service with their buckets."""
    place = asking.asked(asking.path("verify", "rate-limits"), service_id=service_id)
    found = asking.got(client(data), place)["data"]
    rows = [(each["id"], each["name"], _said(each), each["description"]) for each in found]
    asking.show(found, ("id", "name", "buckets", "description"), rows, as_json=as_json)


@limit.command("create")
@guarded
def create(
    service_id: ServiceId,
    name: Annotated[str, typer.Argument(help="By which starts give the key, such as address.")],
    buckets: Buckets = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Make a limit; starts that bring a key of its name count."""
    body = {"service_id": service_id, "name": name, "description": description, "buckets": _buckets(buckets)}
    _print(asking.told(client(data), "POST", asking.path("verify", "rate-limits"), body), as_json=as_json)


@limit.command("update")
@guarded
def update(
    limit_id: LimitId,
    buckets: Buckets = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Change a limit; buckets that are given replace all of them."""
    wanted = {"description": description, "buckets": _buckets(buckets) or None}
    body = {name: value for name, value in wanted.items() if value is not None}
    _print(asking.told(client(data), "PATCH", asking.path("verify", "rate-limits", limit_id), body), as_json=as_json)


@limit.command("delete")
@guarded
def delete(limit_id: LimitId, data: DataFolder = DATA) -> None:
    """Delete a limit; starts may bring a key of its name no more."""
    client(data).call("DELETE", asking.path("verify", "rate-limits", limit_id))
    typer.echo(f"{limit_id} is deleted")


def keys_of(given: list[str] | None) -> dict[str, str]:
    """NAME=VALUE of each key that a start brings."""
    found: dict[str, str] = {}
    for each in given or ():
        name, sign, value = each.partition("=")
        if not sign:
            fail(f"--rate-key takes NAME=VALUE, such as address=192.0.2.7, not {each}", code=2)
        found[name] = value
    return found


def _buckets(given: list[str] | None) -> list[dict[str, int]]:
    found = []
    for each in given or ():
        most, _, seconds = each.partition("/")
        if not (most.isdecimal() and seconds.isdecimal()):
            fail(f"--bucket takes MAX/SECONDS, such as 5/3600, not {each}", code=2)
        found.append({"max": int(most), "interval_s": int(seconds)})
    return found


def _said(found: Any) -> str:
    return ", ".join(f"{each['max']}/{each['interval_s']}" for each in found["buckets"])


def _print(found: Any, *, as_json: bool) -> None:
    lines = [(name, found[name]) for name in ("id", "service_id", "name", "description")]
    asking.show_one(found, [*lines, ("buckets", _said(found))], as_json=as_json)
