"""`whimbrel campaign`: texts to many, asked of a running node with the account's key."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

campaign = typer.Typer(
    help="Campaigns: list, show, create from a file, estimate, test, approve, start, pause, resume, cancel, winner, "
    "results, recipients, delete.",
    no_args_is_help=True,
)
CampaignId = Annotated[str, typer.Argument(metavar="CM…")]


@campaign.command("list")
@guarded
def list_campaigns(
    status: Annotated[str | None, typer.Option(help="Only these, such as running.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Campaigns, newest first."""
    found = list(asking.every(client(data), asking.path("campaigns"), {"status": status}))
    rows = [
        (each["id"], each["name"], _status(each), each["reason"] or "", str(each["progress"]["accepted"]))
        for each in found
    ]
    asking.show(found, ("id", "name", "status", "reason", "accepted"), rows, as_json=as_json)


@campaign.command("show")
@guarded
def show(campaign_id: CampaignId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """A campaign: what, to whom, when, and how far it is."""
    _print(asking.got(client(data), asking.path("campaigns", campaign_id)), as_json=as_json)


@campaign.command("create")
@guarded
def create(
    file: Annotated[
        Path, typer.Argument(help="A JSON document as POST /v1/campaigns takes it; - reads it from stdin.")
    ],
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Make a draft of a document."""
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        body = msgspec.json.decode(text)
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{file} cannot be read: {error}", code=2)
    _print(asking.told(client(data), "POST", asking.path("campaigns"), body), as_json=as_json)


@campaign.command("estimate")
@guarded
def estimate(campaign_id: CampaignId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """What it would do, if it were started now."""
    found = asking.got(client(data), asking.path("campaigns", campaign_id, "estimate"))
    lines = [
        ("recipients", f"{found['recipients']} of {found['audience']}"),
        ("segments", found["segments"]),
        ("cost", f"{found['cost']} {found['currency']}"),
        ("seconds", found["seconds"]),
        *((each["code"], each["count"]) for each in found["left_out"]),
    ]
    asking.show_one(found, lines, as_json=as_json)


@campaign.command("test")
@guarded
def send_test(
    campaign_id: CampaignId,
    to: Annotated[list[str], typer.Argument(metavar="NUMBER…", help="Numbers of your own.")],
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Send its texts to numbers of your own."""
    found = asking.told(client(data), "POST", asking.path("campaigns", campaign_id, "test"), {"to": to})["data"]
    rows = [(each["to"], each["variant"], each.get("message_id") or each.get("code") or "") for each in found]
    asking.show(found, ("to", "variant", "message"), rows, as_json=as_json)


@campaign.command("approve")
@guarded
def approve(campaign_id: CampaignId, data: DataFolder = DATA) -> None:
    """Approve what somebody else wrote."""
    _steer(campaign_id, "approve", data)


@campaign.command("start")
@guarded
def start(campaign_id: CampaignId, data: DataFolder = DATA) -> None:
    """At once, or when its time comes."""
    _steer(campaign_id, "start", data)


@campaign.command("pause")
@guarded
def pause(campaign_id: CampaignId, data: DataFolder = DATA) -> None:
    """What waits of it waits for it."""
    _steer(campaign_id, "pause", data)


@campaign.command("resume")
@guarded
def resume(campaign_id: CampaignId, data: DataFolder = DATA) -> None:
    """Let it go on where it stood."""
    _steer(campaign_id, "resume", data)


@campaign.command("cancel")
@guarded
def cancel(campaign_id: CampaignId, data: DataFolder = DATA) -> None:
    """End it; what waits is canceled."""
    _steer(campaign_id, "cancel", data)


@campaign.command("winner")
@guarded
def choose(
    campaign_id: CampaignId,
    variant: Annotated[str, typer.Argument(help="The variant that the others get.")],
    data: DataFolder = DATA,
) -> None:
    """Choose the variant that the others get."""
    _steer(campaign_id, "winner", data, {"variant": variant})


@campaign.command("results")
@guarded
def results(campaign_id: CampaignId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """What it has brought so far, in all and by variant."""
    found = asking.got(client(data), asking.path("campaigns", campaign_id, "results"))
    names = ("accepted", "sent", "delivered", "clicked", "answered", "opted_out", "cost")
    parts = [("all", found["total"]), *((each["key"], each["counts"]) for each in found["variants"])]
    rows = [(key, *(str(counts[name]) for name in names)) for key, counts in parts]
    asking.show(found, ("variant", *names), rows, as_json=as_json)


@campaign.command("recipients")
@guarded
def recipients(
    campaign_id: CampaignId,
    activity: Annotated[
        str | None, typer.Option(help="Those who did this: clicked, answered, opted_out or converted.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="Those who got nothing for this, such as opted_out.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Who was looked at, and what became of each; newest first."""
    about = {"activity": activity, "code": code}
    found = list(asking.every(client(data), asking.path("campaigns", campaign_id, "recipients"), about))
    names = ("message_id", "contact_id", "variant", "country", "status", "code")
    rows = [tuple(each[name] or "" for name in names) for each in found]
    asking.show(found, names, rows, as_json=as_json)


@campaign.command("delete")
@guarded
def delete(campaign_id: CampaignId, data: DataFolder = DATA) -> None:
    """Delete a draft, or one that is over, with its results."""
    client(data).call("DELETE", asking.path("campaigns", campaign_id))
    typer.echo(f"{campaign_id} is deleted")


def _steer(campaign_id: str, verb: str, data: Path, body: Any = None) -> None:
    found = asking.told(client(data), "POST", asking.path("campaigns", campaign_id, verb), body)
    typer.echo(f"{found['id']} {found['name']}: {found['status']}")


def _status(found: Any) -> str:
    sends_out = found["status"] == "finished" and found["waiting"]
    return "finished, sending out" if sends_out else str(found["status"])


def _print(found: Any, *, as_json: bool) -> None:
    progress = found["progress"]
    lines = [
        ("id", found["id"]),
        ("name", found["name"]),
        ("status", f"{_status(found)} {found['reason'] or ''}".strip()),
        ("phase", found["phase"]),
        *((f"text {each['name']}", each["text"] or each["template"]) for each in found["variants"]),
        ("at", f"{found['schedule']['at'] or 'at once'} {found['schedule']['zone']}"),
        ("looked at", progress["looked_at"]),
        ("accepted", progress["accepted"]),
        ("refused", progress["refused"]),
        ("left out", progress["left_out"]),
        ("won", found["won"]),
        ("author", found["author"]),
        ("approved by", found["approved_by"]),
    ]
    asking.show_one(found, lines, as_json=as_json)
