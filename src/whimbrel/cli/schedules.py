"""`whimbrel schedule`: texts and flows at a time, asked of a running node with the account's key."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.cli.templates import values_of

schedule = typer.Typer(
    help="Schedules: list, show, create, pause, resume, skip a time, next times, what came of them, delete.",
    no_args_is_help=True,
)
ScheduleId = Annotated[str, typer.Argument(metavar="SD…")]
At = Annotated[str, typer.Option("--at", help="The first time by the clocks of the zone: 2027-01-04T09:00.")]
Zone = Annotated[str, typer.Option(help="Such as Europe/Berlin, or recipient.")]
Rule = Annotated[str | None, typer.Option("--rule", help="Again and again (RFC 5545): FREQ=WEEKLY;BYDAY=MO.")]
To = Annotated[list[str] | None, typer.Option(help="A number, or several with commas; may be repeated.")]
NumberFile = Annotated[Path | None, typer.Option(help="A file with numbers, by lines or commas.")]
Text = Annotated[str | None, typer.Option(help="What is sent.")]
Template = Annotated[str | None, typer.Option(help="Or a template, NAME or NAME@VERSION.")]
FlowId = Annotated[str | None, typer.Option(metavar="FW…", help="Or a flow that begins for each phone.")]
Var = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable; may be repeated.")]
Language = Annotated[str | None, typer.Option(help="Of the template.")]
Sender = Annotated[str | None, typer.Option(help="One of the account's.")]
MediaIds = Annotated[list[str] | None, typer.Option("--media", metavar="ME…", help="A medium; may be repeated.")]
MessageClass = Annotated[str | None, typer.Option("--class", help="otp, transactional or marketing.")]
_BETWEEN: Final = re.compile(r"[\s,;]+")


@schedule.command("list")
@guarded
def list_schedules(
    status: Annotated[str | None, typer.Option(help="Only these: active, paused or finished.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Schedules, newest first."""
    found = list(asking.every(client(data), asking.path("schedules"), {"status": status}))
    rows = [
        (each["id"], each["name"], each["status"], each["starts_at"], each["zone"], each["rrule"] or "once",
         str(each["recipients"]), "yes" if _people(each["audience"]) else "")
        for each in found
    ]  # fmt: skip
    heads = ("id", "name", "status", "starts at", "zone", "rule", "numbers", "contacts")
    asking.show(found, heads, rows, as_json=as_json)


@schedule.command("show")
@guarded
def show(schedule_id: ScheduleId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """A schedule: when, what and to whom."""
    _print(asking.got(client(data), asking.path("schedules", schedule_id)), as_json=as_json)


@schedule.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    starts_at: At,
    to: To = None,
    file: NumberFile = None,
    lists: Annotated[list[str] | None, typer.Option("--list", help="Contacts of a list; may be repeated.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="Contacts with a tag; may be repeated.")] = None,
    segments: Annotated[
        list[str] | None, typer.Option("--segment", metavar="SG…", help="Of a segment; may be repeated.")
    ] = None,
    chosen: Annotated[str | None, typer.Option("--filter", help="Contacts by a filter, as segments have it.")] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="All contacts.")] = False,
    without_lists: Annotated[
        list[str] | None, typer.Option("--not-list", help="But nobody of this list; may be repeated.")
    ] = None,
    without_tags: Annotated[
        list[str] | None, typer.Option("--not-tag", help="But nobody with this tag; may be repeated.")
    ] = None,
    without_segments: Annotated[
        list[str] | None, typer.Option("--not-segment", metavar="SG…", help="But nobody of this segment.")
    ] = None,
    text: Text = None,
    template: Template = None,
    flow: FlowId = None,
    var: Var = None,
    language: Language = None,
    zone: Zone = "UTC",
    rrule: Rule = None,
    sender: Sender = None,
    media: MediaIds = None,
    message_class: MessageClass = None,
    shorten_links: Annotated[bool, typer.Option("--shorten-links", help="Make every address a short link.")] = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Keep a schedule of a text, a template or a flow."""
    if sum(each is not None for each in (text, template, flow)) != 1:
        fail("give one of --text, --template and --flow", code=2)
    wanted: dict[str, Any] = {
        "rrule": rrule, "text": text, "template": template, "flow_id": flow, "language": language, "sender": sender,
        "class": message_class, "variables": values_of(var) or None, "shorten_links": shorten_links or None,
        "media": media or None,
        "audience": _group(everybody=everybody, lists=lists, tags=tags, segments=segments, filter=chosen),
        "exclude": _group(lists=without_lists, tags=without_tags, segments=without_segments),
    }  # fmt: skip
    body: dict[str, Any] = {"name": name, "starts_at": starts_at, "zone": zone, "recipients": _numbers(to, file)}
    body |= {each: value for each, value in wanted.items() if value is not None}
    _print(asking.told(client(data), "POST", asking.path("schedules"), body), as_json=as_json)


@schedule.command("update")
@guarded
def update(
    schedule_id: ScheduleId,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    starts_at: Annotated[str | None, typer.Option("--at", help="The first time by the clocks of the zone.")] = None,
    zone: Annotated[str | None, typer.Option(help="Such as Europe/Berlin, or recipient.")] = None,
    rrule: Annotated[str | None, typer.Option("--rule", help="Another rule; empty: once.")] = None,
    to: To = None,
    file: NumberFile = None,
    text: Text = None,
    template: Template = None,
    flow: FlowId = None,
    var: Var = None,
    language: Language = None,
    sender: Annotated[str | None, typer.Option(help="Empty: the account's default for each country.")] = None,
    media: MediaIds = None,
    message_class: MessageClass = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Change all times from now on; what is not given stays, numbers that are given replace all of them."""
    wanted: dict[str, Any] = {
        "name": name, "starts_at": starts_at, "zone": zone, "rrule": rrule, "text": text, "template": template,
        "flow_id": flow, "language": language, "sender": sender, "class": message_class,
        "variables": values_of(var) or None, "recipients": _numbers(to, file) or None,
        "media": media or None,
    }  # fmt: skip
    body = {each: value for each, value in wanted.items() if value is not None}
    body |= {"sender": None} if sender == "" else {}
    if not body:
        fail("say what is to be different", code=2)
    _print(asking.told(client(data), "PATCH", asking.path("schedules", schedule_id), body), as_json=as_json)


@schedule.command("preview")
@guarded
def preview(
    starts_at: At,
    zone: Zone = "UTC",
    rrule: Rule = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 10,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """When one would run that is not kept yet."""
    body = {"starts_at": starts_at, "zone": zone, "rrule": rrule, "count": most}
    found = asking.told(client(data), "POST", asking.path("schedules", "preview"), body)["data"]
    asking.show(found, ("local", "utc"), [(each["local"], each["at"]) for each in found], as_json=as_json)


@schedule.command("pause")
@guarded
def pause(schedule_id: ScheduleId, data: DataFolder = DATA) -> None:
    """Let its times pass."""
    _set(schedule_id, "paused", data)


@schedule.command("resume")
@guarded
def resume(schedule_id: ScheduleId, data: DataFolder = DATA) -> None:
    """Let it go on; what it missed is not made up for."""
    _set(schedule_id, "active", data)


@schedule.command("skip")
@guarded
def skip(
    schedule_id: ScheduleId,
    occurrence: Annotated[str | None, typer.Argument(metavar="TIME", help="As `schedule next` shows it.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Leave one time out; without TIME the next one."""
    place = asking.path("schedules", schedule_id, "skip")
    found = asking.told(client(data), "POST", place, {"occurrence": occurrence})
    typer.echo(f"{found['id']} leaves out: {', '.join(found['skipped'])}")


@schedule.command("next")
@guarded
def coming(
    schedule_id: ScheduleId,
    most: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 10,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Its next times."""
    found = asking.got(client(data), asking.asked(asking.path("schedules", schedule_id, "next"), limit=most))["data"]
    rows = [(each["local"], each["at"], str(each["people"])) for each in found]
    asking.show(found, ("local", "utc", "people now"), rows, as_json=as_json)


@schedule.command("runs")
@guarded
def runs(schedule_id: ScheduleId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """What came of its times, the newest first."""
    found = list(asking.every(client(data), asking.path("schedules", schedule_id, "runs")))
    rows = [
        (each["occurrence"], str(each["accepted"]), ", ".join(f"{x['code']} {x['count']}" for x in each["left_out"]))
        for each in found
    ]
    asking.show(found, ("local", "accepted", "left out"), rows, as_json=as_json)


@schedule.command("delete")
@guarded
def delete(schedule_id: ScheduleId, data: DataFolder = DATA) -> None:
    """Delete a schedule with its recipients."""
    client(data).call("DELETE", asking.path("schedules", schedule_id))
    typer.echo(f"{schedule_id} is deleted")


def _set(schedule_id: str, status: str, data: Path) -> None:
    found = asking.told(client(data), "PATCH", asking.path("schedules", schedule_id), {"status": status})
    typer.echo(f"{found['id']} {found['name']}: {found['status']}")


def _group(**wanted: Any) -> dict[str, Any] | None:
    """People, as far as any are named."""
    return {name: value for name, value in wanted.items() if value} or None


def _people(group: dict[str, Any]) -> str:
    """A group in a line."""
    said = ["everybody"] if group["everybody"] else []
    said += [f"{kind} {each}" for kind in ("lists", "tags", "segments") for each in group[kind]]
    return ", ".join([*said, *([group["filter"]] if group["filter"] else [])])


def _numbers(to: list[str] | None, file: Path | None) -> list[str]:
    given = list(to or ())
    if file is not None:
        try:
            given.append(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            fail(f"{file} cannot be read: {error}", code=2)
    return [number for each in given for number in _BETWEEN.split(each) if number]


def _print(found: Any, *, as_json: bool) -> None:
    lines = [
        ("id", found["id"]),
        ("name", found["name"]),
        ("status", found["status"]),
        ("starts at", f"{found['starts_at']} {found['zone']}"),
        ("rule", found["rrule"] or "once"),
        ("numbers", found["recipients"]),
        ("contacts", _people(found["audience"])),
        ("but not", _people(found["exclude"])),
        ("text", found["text"]),
        ("template", found["template"]),
        ("flow", found["flow_id"]),
        ("sender", found["sender"]),
        ("class", found["class"]),
        ("left out", ", ".join(found["skipped"])),
        ("rests for", found["reason"]),
        ("ran last", found["last_at"]),
    ]
    asking.show_one(found, lines, as_json=as_json)
