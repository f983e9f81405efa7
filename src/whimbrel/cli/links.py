"""`whimbrel link`: short links and who opened them, asked of a running node with the account's key."""

from typing import Annotated, Final

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded

link = typer.Typer(help="Short links: list, make, see who opened them, change, end, delete.", no_args_is_help=True)
LinkId = Annotated[str, typer.Argument(metavar="LK…")]
_OVER: Final = "2000-01-01T00:00:00Z"


@link.command("list")
@guarded
def list_links(
    message: Annotated[str | None, typer.Option(metavar="SM…", help="Only those in this message.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Links with their clicks, newest first."""
    place = asking.path("messages", message, "links") if message else asking.path("links")
    node = client(data)
    found = asking.got(node, place)["data"] if message else list(asking.every(node, place, {}))
    rows = [
        (each["id"], each["short_url"], each["url"], str(each["clicks"]["people"]), str(each["clicks"]["others"]))
        for each in found
    ]
    asking.show(found, ("id", "link", "leads to", "people", "others"), rows, as_json=as_json)


@link.command("create")
@guarded
def create(
    url: Annotated[str, typer.Argument(help="Where it leads.")],
    name: Annotated[str, typer.Option(help="For people.")] = "",
    group: Annotated[str, typer.Option(help="What its clicks are counted for.")] = "",
    ends: Annotated[str | None, typer.Option(help="When it ends, in RFC 3339.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Make a link that stands in no message."""
    body = {"url": url, "name": name, "group_id": group, "expires_at": ends}
    made = asking.told(client(data), "POST", asking.path("links"), body)
    typer.echo(f"{made['id']} {made['short_url']}")


@link.command("show")
@guarded
def show(link_id: LinkId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """A link and the newest clicks on it."""
    node = client(data)
    found = asking.got(node, asking.path("links", link_id))
    clicks = asking.got(node, asking.path("links", link_id, "clicks"))["data"]
    if not as_json:
        figures = found["clicks"]
        typer.echo(f"{found['short_url']} leads to {found['url']} ({found['status']})")
        typer.echo(f"{figures['people']} by people, {figures['others']} by others, {found['conversions']} conversions")
    rows = [(each["at"], each["kind"], each["reason"], each["agent"], each["country"]) for each in clicks]
    asking.show({"link": found, "clicks": clicks}, ("at", "kind", "reason", "agent", "country"), rows, as_json=as_json)


@link.command("change")
@guarded
def change(
    link_id: LinkId, url: Annotated[str, typer.Argument(help="Where it leads from now on.")], data: DataFolder = DATA
) -> None:
    """Let a link lead elsewhere."""
    made = asking.told(client(data), "PATCH", asking.path("links", link_id), {"url": url})
    typer.echo(f"{made['short_url']} leads to {made['url']}")


@link.command("end")
@guarded
def end(link_id: LinkId, data: DataFolder = DATA) -> None:
    """End a link; its figures stay."""
    made = asking.told(client(data), "PATCH", asking.path("links", link_id), {"expires_at": _OVER})
    typer.echo(f"{made['short_url']} is over")


@link.command("delete")
@guarded
def delete(link_id: LinkId, data: DataFolder = DATA) -> None:
    """Delete a link with its clicks."""
    client(data).call("DELETE", asking.path("links", link_id))
    typer.echo(f"{link_id} is deleted")
