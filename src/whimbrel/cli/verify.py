"""`whimbrel verify`: codes that prove that a phone is somebody's, asked of a running node with the account's key."""

from typing import Annotated, Any

import typer

from whimbrel.base import moments
from whimbrel.base.clock import DAY_US, SystemClock
from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded
from whimbrel.cli.verify_factors import factor, person
from whimbrel.cli.verify_guard import blocks, lift, safe
from whimbrel.cli.verify_limits import keys_of, limit
from whimbrel.cli.verify_services import ServiceId, service

verify = typer.Typer(
    help="Verify: services, codes, authenticators, reports, and what the guard blocks.", no_args_is_help=True
)
verify.add_typer(service, name="service")
verify.add_typer(factor, name="factor")
verify.add_typer(person, name="person")
verify.add_typer(limit, name="limit")
verify.add_typer(safe, name="safe")
Place = Annotated[str, typer.Argument(metavar="VE…|NUMBER", help="A verification, or the newest one of a number.")]


@verify.command("start")
@guarded
def start(
    service_id: ServiceId,
    to: Annotated[str, typer.Argument(metavar="NUMBER", help="In E.164.")],
    channel: Annotated[str | None, typer.Option(help="By what the code is brought; else the service's.")] = None,
    language: Annotated[str | None, typer.Option(help="Of the text, such as de.")] = None,
    code: Annotated[str | None, typer.Option(help="One of your own, where the service takes them.")] = None,
    rate_key: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A key of a limit; may be repeated.")
    ] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Send a code, or the same one again while it is waited for."""
    keys = keys_of(rate_key) or None
    body = {"to": to, "channel": channel, "language": language, "custom_code": code, "rate_keys": keys}
    place = asking.path("verify", "services", service_id, "verifications")
    made = asking.told(client(data), "POST", place, {name: value for name, value in body.items() if value is not None})
    _print(made, as_json=as_json)


@verify.command("check")
@guarded
def check(service_id: ServiceId, place: Place, code: str, data: DataFolder = DATA, as_json: Json = False) -> None:
    """Check a code; 1 when it is wrong."""
    about = {"id": place} if place.startswith("VE") else {"to": place}
    where = asking.path("verify", "services", service_id, "verifications", "check")
    found = asking.told(client(data), "POST", where, {"code": code, **about})
    lines = [
        ("verification", found["verification_id"]),
        ("valid", "yes" if found["valid"] else "no"),
        ("status", found["status"]),
        ("guesses left", found["checks_left"] if found["status"] == "pending" else None),
    ]
    asking.show_one(found, lines, as_json=as_json)
    if not found["valid"]:
        raise typer.Exit(1)


@verify.command("cancel")
@guarded
def cancel(service_id: ServiceId, place: Place, data: DataFolder = DATA, as_json: Json = False) -> None:
    """Call a verification off."""
    _print(asking.told(client(data), "POST", _of(service_id, place, "cancel")), as_json=as_json)


@verify.command("approve")
@guarded
def approve(service_id: ServiceId, place: Place, data: DataFolder = DATA, as_json: Json = False) -> None:
    """Approve without a code, where you know by other means."""
    _print(asking.told(client(data), "POST", _of(service_id, place, "approve")), as_json=as_json)


@verify.command("show")
@guarded
def show(service_id: ServiceId, place: Place, data: DataFolder = DATA, as_json: Json = False) -> None:
    """How a verification stands."""
    _print(asking.got(client(data), _of(service_id, place)), as_json=as_json)


@verify.command("attempts")
@guarded
def attempts(service_id: ServiceId, place: Place, data: DataFolder = DATA, as_json: Json = False) -> None:
    """The texts, mails and calls of a verification, each with how far it is."""
    where = asking.path("verify", "services", service_id, "verifications", place, "attempts")
    found = asking.got(client(data), where)["data"]
    names = ("channel", "state", "reason", "moved_on")
    rows = [(each["id"], *(each[name] for name in names), each["message_id"] or "") for each in found]
    asking.show(found, ("id", "channel", "state", "reason", "moved on", "message_id"), rows, as_json=as_json)


@verify.command("list")
@guarded
def list_verifications(
    service_id: ServiceId,
    to: Annotated[str | None, typer.Option(help="Only those of this number.")] = None,
    status: Annotated[str | None, typer.Option(help="Only those that stand so, such as pending.")] = None,
    country: Annotated[str | None, typer.Option(help="Only to this country, such as GB.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 50,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The newest verifications, never with a code."""
    place = asking.path("verify", "services", service_id, "verifications")
    found = list(asking.every(client(data), place, {"to": to, "status": status, "country": country}, most))[:most]
    rows = [
        (each["id"], each["to"], each["status"], each["country"], str(each["sends"]), str(each["checks"]),
         each["created_at"][:19])
        for each in found
    ]  # fmt: skip
    asking.show(found, ("id", "to", "status", "country", "texts", "wrong", "began"), rows, as_json=as_json)


@verify.command("report")
@guarded
def report(
    service_id: Annotated[str | None, typer.Option("--service", metavar="VA…", help="Only this one's.")] = None,
    country: Annotated[str | None, typer.Option(help="By the beginnings of this country's numbers.")] = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="Of the last so many days.")] = 30,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """How many codes came back, by country."""
    since = moments.to_text(SystemClock().now_us() - days * DAY_US)
    query = {"created_from": since, "country": country and country.upper(), "service_id": service_id}
    found = asking.got(client(data), asking.asked(asking.path("verify", "attempts", "summary"), **query))
    shown = [*(found["prefixes"] if country else found["countries"]), found["total"]]
    rows = [
        (_name_of(each), str(each["starts"]), str(each["sends"]), str(each["approvals"]), f"{100 * each['rate']:.1f} %")
        for each in shown
    ]
    heads = ("prefix" if country else "country", "began", "texts", "approved", "conversion")
    asking.show(found, heads, rows, as_json=as_json)


verify.command("blocks")(blocks)
verify.command("lift")(lift)


def _of(service_id: str, place: str, *more: str) -> str:
    return asking.path("verify", "services", service_id, "verifications", place, *more)


def _name_of(row: Any) -> str:
    return f"+{row['prefix']}…" if row["prefix"] else row["country"] or "all"


def _print(found: Any, *, as_json: bool) -> None:
    is_pending = found["status"] == "pending"
    lines = [
        ("verification", found["id"]),
        ("to", found["to"]),
        ("status", found["status"]),
        ("channel", found["channel"]),
        ("texts", found["sends"]),
        ("wrong codes", found["checks"]),
        ("holds until", found["expires_at"] if is_pending else None),
        ("again from", found["resend_at"]),
        ("ended", found["ended_at"]),
    ]
    asking.show_one(found, lines, as_json=as_json)
