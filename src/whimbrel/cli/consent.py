"""`whimbrel opt-outs`, `consents` and `suppression`: who is not texted, and who agreed to what, asked of a running node
with the account's key.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.client import Client, client, stored
from whimbrel.cli.client import operator as operators_client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded
from whimbrel.manage.credentials import Credentials

opt_outs = typer.Typer(help="Opt-outs: list, add, remove, import, export.", no_args_is_help=True)
consents = typer.Typer(help="The ledger of consent: list, record, ask, import, export.", no_args_is_help=True)
suppression = typer.Typer(help="Lists of numbers that are not texted.", no_args_is_help=True)

_IMPORT_S = 600.0
Number = Annotated[str, typer.Argument(help="E.164.")]
File = Annotated[Path, typer.Argument(help="CSV with a column `number`, or nothing but numbers.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where the file is written; else to the terminal.")]
Most = Annotated[int, typer.Option("--limit", min=1, help="So many at most.")]
OfSender = Annotated[str | None, typer.Option(help="Of this sender alone.")]
OfPool = Annotated[str | None, typer.Option(metavar="MG…", help="Of the senders of this pool alone.")]
OfBrand = Annotated[str | None, typer.Option(metavar="BN…", help="Of this brand alone.")]
Purpose = Annotated[str, typer.Option(help="What for.")]
Wording = Annotated[str, typer.Option(help="What was shown.")]
ListId = Annotated[str, typer.Argument(metavar="SL…", help="The list.")]
Operator = Annotated[bool, typer.Option("--operator", help="The operator's, which hold for every account.")]


@opt_outs.command("list")
@guarded
def list_opt_outs(
    number: Annotated[str | None, typer.Option(help="Those of one number.")] = None,
    most: Most = 50,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Opt-outs, newest first."""
    found = list(asking.every(client(data), "/v1/opt-outs", {"number": number}, most))[:most]
    rows = [
        (r["id"], r["number"], r["sender"] or r["pool"] or r["brand"] or r["scope"], r["source"], r["created_at"][:19])
        for r in found
    ]
    asking.show(found, ("id", "number", "of", "how", "since"), rows, as_json=as_json)


@opt_outs.command("add")
@guarded
def add_opt_out(
    number: Number,
    sender: OfSender = None,
    pool: OfPool = None,
    brand: OfBrand = None,
    data: DataFolder = DATA,
) -> None:
    """Record that a number opted out."""
    body = {"number": number} | _given(sender=sender, pool=pool, brand=brand)
    typer.echo(asking.told(client(data), "POST", "/v1/opt-outs", body)["id"])


@opt_outs.command("remove")
@guarded
def remove_opt_out(id_: Annotated[str, typer.Argument(metavar="OO…")], data: DataFolder = DATA) -> None:
    """The number opted in again."""
    client(data).call("DELETE", asking.path("opt-outs", id_))
    typer.echo("It may be texted again.")


@opt_outs.command("import")
@guarded
def import_opt_outs(
    file: File,
    sender: OfSender = None,
    pool: OfPool = None,
    brand: OfBrand = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Record the numbers of a file; sent twice, the second time adds nothing."""
    place = asking.asked("/v1/opt-outs/import", sender=sender, pool=pool, brand=brand)
    _bring(client(data), place, file, as_json=as_json)


@opt_outs.command("export")
@guarded
def export_opt_outs(out: Out = None, data: DataFolder = DATA) -> None:
    """All of them as CSV."""
    client(data).save("/v1/opt-outs/export", out)


@consents.command("list")
@guarded
def list_consents(
    number: Annotated[str | None, typer.Option(help="Those of one number.")] = None,
    action: Annotated[str | None, typer.Option(help="grant or revoke.")] = None,
    most: Most = 50,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Records of the ledger, newest first."""
    found = list(asking.every(client(data), "/v1/consents", {"number": number, "action": action}, most))[:most]
    rows = [(r["id"], r["number"], r["action"], r["purpose"], r["source"], r["at"][:19]) for r in found]
    asking.show(found, ("id", "number", "what", "purpose", "where", "said"), rows, as_json=as_json)


@consents.command("record")
@guarded
def record(
    number: Number,
    revoke: Annotated[bool, typer.Option("--revoke", help="It was taken back.")] = False,
    purpose: Purpose = "marketing",
    source: Annotated[str, typer.Option(help="web_form, paper, voice, api, import or other.")] = "api",
    wording: Wording = "",
    data: DataFolder = DATA,
) -> None:
    """Record that somebody agreed."""
    body = {"number": number, "action": "revoke" if revoke else "grant", "purpose": purpose}
    answer = asking.told(client(data), "POST", "/v1/consents", body | {"source": source, "wording": wording})
    typer.echo(answer["id"])


@consents.command("ask")
@guarded
def ask(
    number: Number,
    sender: Annotated[str | None, typer.Option(help="A number or short code of the account.")] = None,
    purpose: Purpose = "marketing",
    text: Annotated[str, typer.Option(help="In place of ours, with the words YES and STOP.")] = "",
    data: DataFolder = DATA,
) -> None:
    """Ask for consent by text: a YES grants."""
    body = {"number": number, "purpose": purpose, "text": text} | _given(sender=sender)
    answer = asking.told(client(data), "POST", "/v1/consents/requests", body)
    typer.echo(f"{answer['id']}: {answer['wording']}")


@consents.command("import")
@guarded
def import_consents(
    file: File,
    purpose: Purpose = "marketing",
    wording: Wording = "",
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Record the rows of a file; sent twice, the second time adds nothing."""
    place = asking.asked("/v1/consents/import", purpose=purpose, wording=wording)
    _bring(client(data), place, file, as_json=as_json)


@consents.command("export")
@guarded
def export_consents(out: Out = None, data: DataFolder = DATA) -> None:
    """The whole ledger as CSV."""
    client(data).save("/v1/consents/export", out)


@suppression.command("list")
@guarded
def list_lists(operator: Operator = False, data: DataFolder = DATA, as_json: Json = False) -> None:
    """The lists that hold."""
    found = asking.got(_node(data, operator), "/v1/suppression-lists")["data"]
    rows = [(r["id"], r["name"], ", ".join(r["classes"]), r["account_id"] or "operator", r["reason"]) for r in found]
    asking.show(found, ("id", "name", "for", "whose", "why"), rows, as_json=as_json)


@suppression.command("create")
@guarded
def create_list(
    name: Annotated[str, typer.Argument()],
    reason: Annotated[str, typer.Option(help="Why its numbers are not texted.")] = "",
    classes: Annotated[list[str], typer.Option("--class", help="Of messages; once for each.")] = ["marketing"],  # noqa: B006
    operator: Operator = False,
    data: DataFolder = DATA,
) -> None:
    """Make a list."""
    body = {"name": name, "reason": reason, "classes": classes}
    typer.echo(asking.told(_node(data, operator), "POST", "/v1/suppression-lists", body)["id"])


@suppression.command("add")
@guarded
def add_numbers(
    list_id: ListId,
    numbers: Annotated[list[str], typer.Argument(help="E.164.")],
    operator: Operator = False,
    data: DataFolder = DATA,
) -> None:
    """Put numbers on a list."""
    place = asking.path("suppression-lists", list_id, "numbers")
    answer = asking.told(_node(data, operator), "POST", place, {"numbers": numbers})
    typer.echo(f"{answer['created']} new, {answer['known']} known")


@suppression.command("import")
@guarded
def import_numbers(
    list_id: ListId, file: File, operator: Operator = False, data: DataFolder = DATA, as_json: Json = False
) -> None:
    """Put the numbers of a file on a list."""
    place = asking.path("suppression-lists", list_id, "import")
    _bring(_node(data, operator), place, file, as_json=as_json)


@suppression.command("export")
@guarded
def export_numbers(list_id: ListId, operator: Operator = False, out: Out = None, data: DataFolder = DATA) -> None:
    """A list as CSV."""
    _node(data, operator).save(asking.path("suppression-lists", list_id, "export"), out)


@suppression.command("delete")
@guarded
def delete_list(list_id: ListId, operator: Operator = False, data: DataFolder = DATA) -> None:
    """Delete a list with its numbers."""
    _node(data, operator).call("DELETE", asking.path("suppression-lists", list_id))
    typer.echo("It is deleted.")


def _node(data: Path, of_operator: bool) -> Client:
    return operators_client(stored(data) or Credentials(), None, data) if of_operator else client(data)


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _bring(node: Client, place: str, file: Path, *, as_json: bool) -> None:
    octets = file.read_bytes()
    answer = node.call("POST", place, octets, timeout_s=_IMPORT_S, Content_Type="text/csv")
    found: dict[str, Any] = msgspec.json.decode(answer)
    lines = [(name, found[name]) for name in ("rows", "created", "known", "failed")]
    lines += [(f"row {each['row']}", each["problem"]) for each in found["errors"]]
    asking.show_one(found, lines, as_json=as_json)
