"""`whimbrel sender` and `whimbrel number`: what stands as the sender of an account's messages, asked of a running node.
The account changes what is its own, the operator gives, approves and takes away.
"""

import base64
import mimetypes
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.asking import path
from whimbrel.cli.client import client, operator_client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

sender = typer.Typer(help="Senders: list, give to an account, approve, defaults, take away.", no_args_is_help=True)
number = typer.Typer(help="Numbers: list, show, give to an account, approve, change, files.", no_args_is_help=True)

Account = Annotated[str | None, typer.Option(metavar="AC…", help="The account; the folder's own by default.")]
SenderId = Annotated[str, typer.Argument(metavar="PN…")]
Approval = Annotated[str, typer.Option(help="approved, pending or rejected.")]
Only = Annotated[str | None, typer.Option(help="Only those that stand so: approved, pending, rejected.")]
Kind = Annotated[str | None, typer.Option(help="alphanumeric, long_code, toll_free or short_code.")]
Reason = Annotated[str, typer.Option(help="Why, for the account to read.")]
Default = Annotated[bool | None, typer.Option("--default/--no-default", help="Taken where a message names no sender.")]
Countries = Annotated[list[str] | None, typer.Option("--country", help="The default there only; again for each.")]


@sender.command("list")
@guarded
def list_senders(kind: Kind = None, approval: Only = None, data: DataFolder = DATA, as_json: Json = False) -> None:
    """The account's senders, newest first."""
    found = list(asking.every(client(data), "/v1/senders", {"kind": kind, "approval": approval}))
    rows = [(each["id"], each["value"], each["kind"], _default(each), each["approval"]) for each in found]
    asking.show(found, ("id", "sender", "kind", "default", "approval"), rows, as_json=as_json)


@sender.command("add")
@guarded
def add_sender(
    value: Annotated[str, typer.Argument(metavar="SENDER", help="A name, a number or a short code.")],
    default: Default = None,
    country: Countries = None,
    approval: Approval = "approved",
    allow_name: Annotated[bool, typer.Option("--allow-name", help="Also a name that reads as another's.")] = False,
    account: Account = None,
    data: DataFolder = DATA,
) -> None:
    """Give an account a sender, with the operator's key."""
    body = {"value": value, "is_default": bool(default), "countries": country or [], "approval": approval,
            "allow_name": allow_name}  # fmt: skip
    _tell(asking.told(operator_client(data, account), "POST", "/v1/senders", body))


@sender.command("assign")
@guarded
def assign_sender(
    sender_id: SenderId,
    approval: Approval = "",
    reason: Reason = "",
    account: Account = None,
    data: DataFolder = DATA,
) -> None:
    """Say whether a sender may be used, with the operator's key."""
    body = _given(approval=approval, approval_reason=reason)
    _tell(asking.told(operator_client(data, account), "PATCH", path("senders", sender_id, "assignment"), body))


@sender.command("change")
@guarded
def change_sender(
    sender_id: SenderId, default: Default = None, country: Countries = None, data: DataFolder = DATA
) -> None:
    """Make a sender the default, or not any more."""
    _tell(asking.told(client(data), "PATCH", path("senders", sender_id), _defaults(default, country)))


@sender.command("delete")
@guarded
def delete_sender(sender_id: SenderId, account: Account = None, data: DataFolder = DATA) -> None:
    """Take a sender away; what was accepted with it is still sent."""
    operator_client(data, account).call("DELETE", path("senders", sender_id))
    typer.echo(f"{sender_id} is deleted")


@number.command("list")
@guarded
def list_numbers(
    kind: Kind = None,
    approval: Only = None,
    country: Annotated[str | None, typer.Option(help="Of this country only.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The account's numbers, newest first."""
    query = {"kind": kind, "approval": approval, "country": country}
    found = list(asking.every(client(data), "/v1/numbers", query))
    rows = [
        (each["id"], each["number"], each["label"], each["country"], " ".join(each["capabilities"]), each["approval"],
         str(each["limits"]["per_minute"] or ""), str(each["limits"]["per_day"] or ""))
        for each in found
    ]  # fmt: skip
    heads = ("id", "number", "label", "country", "can", "approval", "a minute", "a day")
    asking.show(found, heads, rows, as_json=as_json)


@number.command("show")
@guarded
def show_number(number_id: SenderId, data: DataFolder = DATA) -> None:
    """A number as JSON."""
    typer.echo(msgspec.json.format(client(data).call("GET", path("numbers", number_id))).decode())


@number.command("add")
@guarded
def add_number(
    value: Annotated[str, typer.Argument(metavar="NUMBER", help="E.164, or the digits of a short code.")],
    label: Annotated[str, typer.Option(help="What the account calls it.")] = "",
    country: Annotated[str, typer.Option(help="Of a short code.")] = "",
    can: Annotated[list[str] | None, typer.Option(help="sms, mms, voice, inbound; again for each.")] = None,
    approval: Approval = "approved",
    account: Account = None,
    data: DataFolder = DATA,
) -> None:
    """Give an account a number, with the operator's key."""
    body = {"number": value, "label": label, "country": country, "capabilities": can or ["sms", "inbound"],
            "approval": approval}  # fmt: skip
    _tell(asking.told(operator_client(data, account), "POST", "/v1/numbers", body))


@number.command("assign")
@guarded
def assign_number(
    number_id: SenderId,
    approval: Approval = "",
    reason: Reason = "",
    can: Annotated[list[str] | None, typer.Option(help="sms, mms, voice, inbound; again for each.")] = None,
    carrier: Annotated[str, typer.Option(metavar="CR…", help="Who holds it.")] = "",
    per_minute: Annotated[int | None, typer.Option(help="Texts a minute, at most; 0 takes the limit away.")] = None,
    per_day: Annotated[int | None, typer.Option(help="Segments a day, at most; 0 takes the limit away.")] = None,
    account: Account = None,
    data: DataFolder = DATA,
) -> None:
    """Say whether a number may be used, what it can do, and how much."""
    body = _given(approval=approval, approval_reason=reason, capabilities=can, carrier_id=carrier)
    body |= {
        name: value or None
        for name, value in {"per_minute": per_minute, "per_day": per_day}.items()
        if value is not None
    }
    _tell(asking.told(operator_client(data, account), "PATCH", path("numbers", number_id, "assignment"), body))


@number.command("change")
@guarded
def change_number(
    number_id: SenderId,
    label: Annotated[str | None, typer.Option(help="What the account calls it.")] = None,
    default: Default = None,
    country: Countries = None,
    sms_url: Annotated[str | None, typer.Option(help="Where answers are posted; empty: nowhere.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Change what a number is called, whether it is the default, and where answers go."""
    body = _defaults(default, country)
    body |= {} if label is None else {"label": label}
    body |= {} if sms_url is None else {"sms_url": sms_url or None}
    _tell(asking.told(client(data), "PATCH", path("numbers", number_id), body))


@number.command("attach")
@guarded
def attach(
    number_id: SenderId,
    file: Annotated[Path, typer.Argument(help="A PDF, PNG, JPEG or text.")],
    data: DataFolder = DATA,
) -> None:
    """Keep a file with a number."""
    made = asking.told(client(data), "POST", path("numbers", number_id, "documents"), paper(file))
    typer.echo(f"{made['id']} {made['name']}: {made['size']:,} octets")


@number.command("files")
@guarded
def files(number_id: SenderId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """The files of a number."""
    found = asking.got(client(data), path("numbers", number_id, "documents"))["data"]
    rows = [(each["id"], each["name"], each["content_type"], f"{each['size']:,}") for each in found]
    asking.show(found, ("id", "file", "kind", "octets"), rows, as_json=as_json)


@number.command("delete")
@guarded
def delete_number(number_id: SenderId, account: Account = None, data: DataFolder = DATA) -> None:
    """Take a number away; what was accepted with it is still sent."""
    operator_client(data, account).call("DELETE", path("numbers", number_id))
    typer.echo(f"{number_id} is deleted")


def paper(file: Path) -> dict[str, str]:
    """A file as requests bring it."""
    try:
        octets = base64.b64encode(file.read_bytes()).decode()
    except OSError as error:
        fail(f"{file}: {error}", code=2)
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return {"name": file.name, "content_type": kind, "data": octets}


def _given(**said: Any) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value}


def _defaults(default: bool | None, countries: list[str] | None) -> dict[str, Any]:
    said: dict[str, Any] = {} if default is None else {"is_default": default}
    if countries is not None or default is False:
        said["countries"] = countries or []
    return said


def _default(found: Any) -> str:
    return (" ".join(found["countries"]) or "yes") if found["is_default"] else ""


def _tell(found: Any) -> None:
    typer.echo(f"{found['id']} {found.get('value') or found['number']}: {found['approval']}")
