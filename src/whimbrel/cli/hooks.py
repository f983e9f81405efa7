"""`whimbrel hook`: hooks of an account, asked of a running node with the account's key."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

hook = typer.Typer(help="Hooks: list, make, change, try, and what came of their calls.", no_args_is_help=True)
HookId = Annotated[str, typer.Argument(metavar="HK…")]


@hook.command("list")
@guarded
def list_hooks(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Hooks, newest first."""
    found = asking.got(client(data), "/v1/hooks")["data"]
    rows = [(each["id"], each["name"], each["preset"], each["status"], str(len(each["rules"]))) for each in found]
    asking.show(found, ("id", "name", "preset", "status", "rules"), rows, as_json=as_json)


@hook.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    preset: Annotated[str, typer.Option(help="Who calls: shopify, stripe, github, …, generic.")] = "generic",
    secret: Annotated[str | None, typer.Option(help="The sender's; without it one is made.")] = None,
    to: Annotated[str, typer.Option(help="Numbers to text where events have none.")] = "",
    data: DataFolder = DATA,
) -> None:
    """Make a hook with the rules that its sender is known for; says its address and secret."""
    node = client(data)
    known = {each["name"]: each for each in asking.got(node, "/v1/hooks/presets")["data"]}
    if preset not in known:
        fail(f"there is no preset {preset}; there are {', '.join(known)}", code=2)
    rules = [each | {"to": [*each["to"], *([to] if to else [])]} for each in known[preset]["rules"]]
    body = {"name": name, "preset": preset, "secret": secret, "rules": [each for each in rules if each["to"]]}
    made = msgspec.json.decode(node.call("POST", "/v1/hooks", body))
    typer.echo(f"{made['id']} {made['name']}: {made['url'] if made['url'][:4] == 'http' else node.url + made['url']}")
    typer.echo(f"secret: {made['secret']}")


@hook.command("show")
@guarded
def show(hook_id: HookId, data: DataFolder = DATA) -> None:
    """A hook as JSON: its signing, mapping and rules."""
    typer.echo(msgspec.json.format(client(data).call("GET", _path(hook_id))).decode())


@hook.command("put")
@guarded
def put(
    hook_id: HookId,
    file: Annotated[Path, typer.Argument(help="JSON with what is to change, such as rules.")],
    data: DataFolder = DATA,
) -> None:
    """Change a hook by a JSON file: name, status, auth, mapping, rules, default_country, keep_days."""
    try:
        change = msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{file}: {error}", code=2)
    made = msgspec.json.decode(client(data).call("PATCH", _path(hook_id), change))
    typer.echo(f"{made['id']} {made['name']}: {len(made['rules'])} rules, {made['status']}")


@hook.command("try")
@guarded
def try_call(
    hook_id: HookId,
    file: Annotated[Path, typer.Argument(help="The body of a call.")],
    content_type: Annotated[str, typer.Option(help="What the body is.")] = "application/json",
    header: Annotated[list[str], typer.Option(help="Another header, `name: value`.")] = [],  # noqa: B006
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Say what a call would lead to; nothing is sent."""
    try:
        body = file.read_text()
    except (OSError, ValueError) as error:
        fail(f"{file}: {error}", code=2)
    headers = {"content-type": content_type}
    headers |= {name.strip(): value.strip() for name, _, value in (each.partition(":") for each in header)}
    tried = msgspec.json.decode(client(data).call("POST", f"{_path(hook_id)}/try", {"body": body, "headers": headers}))
    rows = [
        (each["event_type"], each["rule"], each["verdict"], each["to"] or "", each["text"] or each["detail"])
        for each in tried["outcomes"]
    ] or [("", "", tried["verdict"], "", tried["detail"])]
    asking.show(tried, ("event", "rule", "verdict", "to", "text"), rows, as_json=as_json)


@hook.command("calls")
@guarded
def calls(
    hook_id: HookId,
    verdict: Annotated[str | None, typer.Option(help="Only those that ended so, such as no_number.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The newest calls, and what came of them."""
    of = "" if verdict is None else f"&verdict={quote(verdict, safe='')}"
    found = asking.got(client(data), f"{_path(hook_id)}/calls?limit=50{of}")["data"]
    rows = [
        (each["id"], each["received_at"][:19], each["verdict"], str(each["sent"]), each["detail"]) for each in found
    ]
    asking.show(found, ("id", "received", "verdict", "sent", "detail"), rows, as_json=as_json)


@hook.command("replay")
@guarded
def replay(
    hook_id: HookId,
    call_id: Annotated[str, typer.Argument(metavar="HC…")],
    again: Annotated[bool, typer.Option("--again", help="Send also what was sent for before.")] = False,
    data: DataFolder = DATA,
) -> None:
    """Take a call again, by the rules of now."""
    path = f"{_path(hook_id)}/calls/{quote(call_id, safe='')}/replay"
    done = msgspec.json.decode(client(data).call("POST", path, {"again": again}))
    typer.echo(f"{done['call_id']}: {done['verdict']}, {done['sent']} sent")


@hook.command("rotate")
@guarded
def rotate(
    hook_id: HookId,
    secret: Annotated[str | None, typer.Option(help="The sender's; without it one is made.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Set another secret; the one before holds for 24 hours."""
    made = msgspec.json.decode(client(data).call("POST", f"{_path(hook_id)}/rotate", {"secret": secret}))
    typer.echo(f"secret: {made['secret']}")


@hook.command("delete")
@guarded
def delete(hook_id: HookId, data: DataFolder = DATA) -> None:
    """Delete a hook with its log."""
    client(data).call("DELETE", _path(hook_id))
    typer.echo(f"{hook_id} is deleted")


def _path(hook_id: str) -> str:
    return asking.path("hooks", hook_id)
