"""`whimbrel mailbox`: mailboxes of an account, asked of a running node with the account's key."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded

mailbox = typer.Typer(help="Mailboxes: list, make, change, and what came of their mails.", no_args_is_help=True)
MailboxId = Annotated[str, typer.Argument(metavar="MB…")]


@mailbox.command("list")
@guarded
def list_mailboxes(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Mailboxes, newest first."""
    found = asking.got(client(data), "/v1/mailboxes")["data"]
    rows = [
        (each["id"], each["name"], each["status"], each["address"] or each["tag"], " ".join(each["senders"]))
        for each in found
    ]
    asking.show(found, ("id", "name", "status", "address", "senders"), rows, as_json=as_json)


@mailbox.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    senders: Annotated[list[str], typer.Argument(help="Whose mail it takes: addresses, or @ and a domain.")],
    auth: Annotated[str, typer.Option(help="What proves a sender: any, dkim, spf, or none.")] = "any",
    subject: Annotated[bool, typer.Option("--subject", help="Put the subject before the text.")] = False,
    machines: Annotated[bool, typer.Option("--machines", help="Take mail of machines too, such as alarms.")] = False,
    data: DataFolder = DATA,
) -> None:
    """Make a mailbox; says its address."""
    body = {"name": name, "senders": senders, "auth": auth, "subject": subject, "machines": machines}
    made = msgspec.json.decode(client(data).call("POST", "/v1/mailboxes", body))
    typer.echo(f"{made['id']} {made['name']}: {made['address'] or 'set mailbox.domain to open the door'}")


@mailbox.command("show")
@guarded
def show(mailbox_id: MailboxId, data: DataFolder = DATA) -> None:
    """A mailbox as JSON."""
    typer.echo(msgspec.json.format(client(data).call("GET", _path(mailbox_id))).decode())


@mailbox.command("put")
@guarded
def put(
    mailbox_id: MailboxId,
    file: Annotated[Path, typer.Argument(help="JSON with what is to change, such as senders.")],
    data: DataFolder = DATA,
) -> None:
    """Change a mailbox by a JSON file."""
    try:
        change = msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{file}: {error}", code=2)
    made = msgspec.json.decode(client(data).call("PATCH", _path(mailbox_id), change))
    typer.echo(f"{made['id']} {made['name']}: {made['status']}, {len(made['senders'])} senders")


@mailbox.command("log")
@guarded
def log(
    mailbox_id: MailboxId,
    state: Annotated[str | None, typer.Option(help="Only mails that stand so: sent, refused, pending, failed.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The newest mails, and what became of them."""
    of = "" if state is None else f"&state={quote(state, safe='')}"
    found = asking.got(client(data), f"{_path(mailbox_id)}/log?limit=50{of}")["data"]
    rows = [
        (
            each["id"],
            each["created_at"][:19],
            each["kind"],
            each["state"],
            each["address"] or "",
            each["phone"],
            each["reason"] or each["detail"],
        )
        for each in found
    ]
    asking.show(found, ("id", "at", "kind", "state", "address", "phone", "reason"), rows, as_json=as_json)


@mailbox.command("delete")
@guarded
def delete(mailbox_id: MailboxId, data: DataFolder = DATA) -> None:
    """Delete a mailbox with its log."""
    client(data).call("DELETE", _path(mailbox_id))
    typer.echo(f"{mailbox_id} is deleted")


def _path(mailbox_id: str) -> str:
    return asking.path("mailboxes", mailbox_id)
