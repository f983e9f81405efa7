"""`whimbrel doctor carrier NAME`: has a running node test one of its carriers, and shows what was found."""

from typing import Any

import msgspec
import typer
from rich.console import Console

from whimbrel.cli import trace_lines
from whimbrel.cli.client import Client
from whimbrel.cli.say import fail

_TIMEOUT_S = 120.0
_MARKS = {
    "ok": "[green]ok[/]     ",
    "warning": "[yellow]warning[/]",
    "failed": "[red]error[/]  ",
    "skipped": "skipped",
}


def carrier_id(node: Client, name: str) -> str:
    """The id of a carrier by its name or its id."""
    found = msgspec.json.decode(node.call("GET", "/v1/carriers/health"))["data"]
    matching = [str(each["id"]) for each in found if name in (each["name"], each["id"])]
    if not matching:
        known = ", ".join(each["name"] for each in found) or "none"
        fail(f"no carrier is named {name}; there are: {known}", code=2)
    return matching[0]


def test(node: Client, name: str, request: dict[str, Any], *, as_json: bool) -> bool:
    """Whether every step passed."""
    octets = node.call("POST", f"/v1/carriers/{carrier_id(node, name)}/test", request, timeout_s=_TIMEOUT_S)
    found = msgspec.json.decode(octets)
    if as_json:
        typer.echo(octets.decode())
    else:
        _print(found)
    return bool(found["passed"])


def _print(found: dict[str, Any]) -> None:
    console = Console(soft_wrap=True)
    for step in found["steps"]:
        took = "" if step["took_ms"] is None else f" ({step['took_ms']:.1f} ms)"
        console.print(_MARKS[step["state"]], end="  ")
        console.print(f"{step['name']}: {step['said']}{took}", highlight=False, markup=False)
    typer.echo("")
    for entry in found["pdus"]:
        typer.echo(trace_lines.line(entry))
    if found["exchange"] is not None:
        _print_exchange(found["exchange"])
    for each in found["proposals"]:
        value = msgspec.json.encode(each["value"]).decode()
        typer.echo(f'\nproposed: "{each["setting"]}": {value}, because {each["why"]}')


def _print_exchange(exchange: dict[str, Any]) -> None:
    """A request over HTTP and its answer, as they stand on the wire."""
    typer.echo(f"->  {exchange['method']} {exchange['url']}")
    for header in exchange["headers"]:
        typer.echo(f"    {header}")
    if exchange["body"]:
        typer.echo(f"    {exchange['body']}")
    if exchange["status"] is not None:
        typer.echo(f"<-  {exchange['status']} {exchange['content_type']}")
        typer.echo(f"    {exchange['answer']}")
