"""`whimbrel policies`: when marketing may be sent, and how often. Over the API, with an account's key."""

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.manage.policies import PolicyView, RuleList
from whimbrel.manage.quiet_checks import QuietCheck

_PATH = "/v1/policies"

policies = typer.Typer(help="Quiet hours and caps of marketing: show, set, check, rules.", no_args_is_help=True)


@policies.command()
@guarded
def show(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Show the policy, and what holds."""
    _say(client(data).call("GET", _PATH), as_json)


@policies.command("set")
@guarded
def set_(
    file: Annotated[Path, typer.Argument(help="A policy as JSON, as docs/policies.md has it; - is standard input.")],
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Set the policy as a whole."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    try:
        body = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        fail(f"{file}: {error}")
    _say(client(data).call("PUT", _PATH, body), as_json)


@policies.command()
@guarded
def check(
    number: Annotated[str, typer.Argument(help="E.164.")],
    at: Annotated[str, typer.Option(help="A moment (RFC 3339) in place of now.")] = "",
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Show what holds for a number; 1 when marketing may not be sent to it."""
    query = urlencode({"to": number} | ({"at": at} if at else {}))
    answer = client(data).call("GET", f"{_PATH}/quiet-hours/check?{query}")
    found = msgspec.json.decode(answer, type=QuietCheck)
    if as_json:
        typer.echo(answer.decode())
    else:
        for name, value in _lines(found):
            typer.echo(f"{name:<12} {value}")
    if not found.allowed:
        raise typer.Exit(1)


@policies.command()
@guarded
def rules(data: DataFolder = DATA, as_json: Json = False) -> None:
    """List the rules of quiet hours with their sources."""
    answer = client(data).call("GET", f"{_PATH}/quiet-hours")
    if as_json:
        typer.echo(answer.decode())
        return
    table = Table("rule", "where", "hours", "on", "confidence", "source")
    for rule in msgspec.json.decode(answer, type=RuleList).data:
        hours = ", ".join(f"{day} {span}" for day, span in rule.hours.items())
        cap = f"; {rule.cap.max} in {rule.cap.hours} h" if rule.cap else ""
        table.add_row(rule.id, rule.title, hours + cap, "yes" if rule.enabled else "no", rule.confidence, rule.source)
    Console().print(table)


def _say(answer: bytes, as_json: bool) -> None:
    if as_json:
        typer.echo(answer.decode())
        return
    holds = msgspec.json.decode(answer, type=PolicyView).in_force
    lines: list[tuple[str, str]] = [("quiet hours", holds.quiet_hours), ("at a cap", holds.on_cap)]
    lines += [("own hours", ", ".join(f"{day} {span}" for day, span in hours.items())) for hours in holds.hours]
    lines += [("cap", f"{cap.max} in {cap.hours} h, by {cap.per}") for cap in holds.caps]
    lines.append(("consent", "needed" if holds.require_consent else "not needed"))
    for name, value in lines:
        typer.echo(f"{name:<12} {value}")


def _lines(found: QuietCheck) -> list[tuple[str, str]]:
    places = "any" if found.subdivisions is None else ", ".join(found.subdivisions)
    lines = [
        ("number", found.to),
        ("country", found.country),
        ("states", places),
        ("time zones", ", ".join(found.time_zones)),
        ("rules", ", ".join(found.rules) or "none"),
        ("allowed", "yes" if found.allowed else "no"),
    ]
    if not found.allowed:
        lines += [("because", f"{each.local_time} in {each.zone}; {each.rule}: {each.hours}") for each in found.reasons]
        lines.append(("next", found.next_at or "never within a year"))
    return lines
