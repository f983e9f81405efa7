"""`whimbrel flow`: flows of an account, asked of a running node with the account's key."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

_PAGE: Final = 1000

flow = typer.Typer(help="Flows: list, check, put, install, run, and what runs did.", no_args_is_help=True)


@flow.command("list")
@guarded
def list_flows(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Flows, newest first."""
    found = asking.got(client(data), f"/v1/flows?limit={_PAGE}")["data"]
    rows = [(each["id"], each["name"], each["status"], str(each["version"]), each["trigger"]["type"]) for each in found]
    asking.show(found, ("id", "name", "status", "version", "begins with"), rows, as_json=as_json)


@flow.command("check")
@guarded
def check(file: Annotated[Path, typer.Argument(help="A flow's document, JSON.")], data: DataFolder = DATA) -> None:
    """Say everything that is wrong with a document; 1 when something is."""
    verdict = msgspec.json.decode(client(data).call("POST", "/v1/flows/check", {"document": _read(file)}))
    for each in verdict["errors"]:
        typer.echo(f"{each['pointer'] or '/'}: {each['detail']}")
    if not verdict["valid"]:
        raise typer.Exit(1)
    typer.echo("the document is right")


@flow.command("put")
@guarded
def put(
    name: Annotated[str, typer.Argument(help="The flow's name.")],
    file: Annotated[Path, typer.Argument(help="Its document, JSON.")],
    data: DataFolder = DATA,
) -> None:
    """Keep a document: a new flow, or a new version of the one with this name."""
    node, document = client(data), _read(file)
    found = [each for each in asking.got(node, f"/v1/flows?limit={_PAGE}")["data"] if each["name"] == name]
    if found:
        answer = node.call("PATCH", f"/v1/flows/{found[0]['id']}", {"document": document})
    else:
        answer = node.call("POST", "/v1/flows", {"name": name, "document": document})
    made = msgspec.json.decode(answer)
    typer.echo(f"{made['id']} {made['name']}: version {made['version']}, {made['status']}")


@flow.command("install")
@guarded
def install(
    ready_made: Annotated[str | None, typer.Argument(help="Its name; without one, all are listed.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Keep a copy of a flow that comes with Whimbrel, paused."""
    node = client(data)
    if ready_made is None:
        for each in asking.got(node, "/v1/flows/ready-made")["data"]:
            typer.echo(f"{each['name']}: {each['title']}")
        return
    request = {"ready_made": ready_made, "name": name}
    made = msgspec.json.decode(node.call("POST", "/v1/flows/ready-made", request))
    typer.echo(f"{made['id']} {made['name']}: {made['status']}; write your texts into it, then activate it")


@flow.command("status")
@guarded
def set_status(
    flow_id: Annotated[str, typer.Argument(metavar="FW…")],
    status: Annotated[str, typer.Argument(help="active or paused.")],
    data: DataFolder = DATA,
) -> None:
    """Let a flow begin runs, or no more."""
    made = msgspec.json.decode(client(data).call("PATCH", asking.path("flows", flow_id), {"status": status}))
    typer.echo(f"{made['id']} {made['name']}: {made['status']}")


@flow.command("show")
@guarded
def show(
    flow_id: Annotated[str, typer.Argument(metavar="FW…")],
    version: Annotated[int | None, typer.Option(help="An earlier one; else the one that is used.")] = None,
    data: DataFolder = DATA,
) -> None:
    """A flow's document, as `flow put` takes it."""
    node, place = client(data), asking.path("flows", flow_id)
    if version is None:
        found = asking.got(node, place)["document"]
    else:
        kept = {each["version"]: each["document"] for each in asking.every(node, f"{place}/versions")}
        found = kept.get(version) or fail(f"there is no version {version}")
    typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())


@flow.command("delete")
@guarded
def delete(flow_id: Annotated[str, typer.Argument(metavar="FW…")], data: DataFolder = DATA) -> None:
    """Delete a flow; runs of it that are under way are stopped."""
    client(data).call("DELETE", asking.path("flows", flow_id))
    typer.echo(f"{flow_id} is deleted")


@flow.command("run")
@guarded
def run(
    flow_id: Annotated[str, typer.Argument(metavar="FW…")],
    phone: Annotated[str, typer.Argument(help="In E.164; empty: none.")] = "",
    variables: Annotated[str, typer.Option(help="A JSON object.")] = "{}",
    skip_waits: Annotated[
        bool, typer.Option("--skip-waits", help="Time does not pass for it; test keys only.")
    ] = False,
    data: DataFolder = DATA,
) -> None:
    """Begin a run for a phone."""
    try:
        given = msgspec.json.decode(variables)
    except msgspec.DecodeError as error:
        fail(f"--variables is no JSON: {error}", code=2)
    body = {"phone": phone, "variables": given, "skip_waits": skip_waits}
    made = msgspec.json.decode(client(data).call("POST", asking.path("flows", flow_id) + "/runs", body))
    typer.echo(made["id"])


@flow.command("runs")
@guarded
def runs(
    flow_id: Annotated[str | None, typer.Argument(metavar="FW…", help="Of one flow; without it of all.")] = None,
    state: Annotated[str | None, typer.Option(help="Only these: running, finished, failed or stopped.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 50,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The newest runs."""
    wanted = {"flow_id": flow_id, "state": state}
    found = list(asking.every(client(data), asking.path("flow-runs"), wanted, most))
    rows = [
        (each["id"], each["state"], each["step"] or "", str(each["steps"]), each["started_at"][:19]) for each in found
    ]
    asking.show(found, ("id", "state", "step", "steps", "started"), rows, as_json=as_json)


@flow.command("steps")
@guarded
def steps(
    run_id: Annotated[str, typer.Argument(metavar="FR…")], data: DataFolder = DATA, as_json: Json = False
) -> None:
    """What a run did, in order."""
    found = asking.got(client(data), f"{asking.path('flow-runs', run_id)}/steps?limit={_PAGE}")["data"]
    names = ("step", "kind", "outcome", "detail", "message_id", "at")
    rows = [(str(each["seq"]), *(str(each[name] or "") for name in names)) for each in found]
    asking.show(found, ("", *names), rows, as_json=as_json)


@flow.command("stop")
@guarded
def stop(run_id: Annotated[str, typer.Argument(metavar="FR…")], data: DataFolder = DATA) -> None:
    """End a run; it sends nothing from then on."""
    found = asking.told(client(data), "POST", asking.path("flow-runs", run_id, "stop"))
    typer.echo(f"{found['id']}: {found['state']}")


@flow.command("skip")
@guarded
def skip(run_id: Annotated[str, typer.Argument(metavar="FR…")], data: DataFolder = DATA) -> None:
    """End the wait that a test run is in, as if nobody had answered in time."""
    found = asking.told(client(data), "POST", asking.path("flow-runs", run_id, "skip"))
    typer.echo(f"{found['id']}: {found['step'] or found['state']}")


def _read(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{file} cannot be read: {error}", code=2)
