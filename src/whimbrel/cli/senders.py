"""`whimbrel registration` and `whimbrel sender-rule`: registrations of senders, and what countries say about them,
asked of a running node.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from whimbrel.cli import asking
from whimbrel.cli.asking import path
from whimbrel.cli.client import client, operator, operator_client, stored
from whimbrel.cli.numbers import paper
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.manage.credentials import Credentials

registration = typer.Typer(
    help="Registrations of senders: answer, bring papers, submit, decide, forget.", no_args_is_help=True
)
sender_rule = typer.Typer(help="What countries say about senders: list, add, switch, delete.", no_args_is_help=True)

Account = Annotated[str | None, typer.Option(metavar="AC…", help="The account; the folder's own by default.")]
RegistrationId = Annotated[str, typer.Argument(metavar="RG…")]
RuleId = Annotated[str, typer.Argument(metavar="RULE", help="Its id, such as list-2022-fr.")]
JsonFile = Annotated[Path, typer.Argument(help="A JSON file.")]


@registration.command("regimes")
@guarded
def list_regimes(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Ways to register; as JSON with all their questions."""
    found = asking.got(client(data), "/v1/registration-regimes")["data"]
    rows = [(each["id"], each["title"], " ".join(each["countries"]), " ".join(each["kinds"])) for each in found]
    asking.show(found, ("regime", "title", "countries", "senders"), rows, as_json=as_json)


@registration.command("list")
@guarded
def list_registrations(
    state: Annotated[str | None, typer.Option(help="Only those that stand so.")] = None,
    regime: Annotated[str | None, typer.Option(help="Only those of this regime.")] = None,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The account's registrations, newest first."""
    found = list(asking.every(client(data), "/v1/registrations", {"state": state, "regime": regime}))
    rows = [(each["id"], each["name"], each["regime"], " ".join(each["countries"]), each["state"]) for each in found]
    asking.show(found, ("id", "name", "regime", "countries", "state"), rows, as_json=as_json)


@registration.command("create")
@guarded
def create(file: JsonFile, data: DataFolder = DATA) -> None:
    """Begin a registration by a JSON file; says what is missing."""
    _tell(asking.told(client(data), "POST", "/v1/registrations", _read(file)))


@registration.command("show")
@guarded
def show(registration_id: RegistrationId, data: DataFolder = DATA) -> None:
    """A registration as JSON."""
    typer.echo(msgspec.json.format(client(data).call("GET", path("registrations", registration_id))).decode())


@registration.command("put")
@guarded
def put(registration_id: RegistrationId, file: JsonFile, data: DataFolder = DATA) -> None:
    """Change a registration by a JSON file; says what is missing."""
    _tell(asking.told(client(data), "PATCH", path("registrations", registration_id), _read(file)))


@registration.command("attach")
@guarded
def attach(
    registration_id: RegistrationId,
    file: Annotated[Path, typer.Argument(help="A PDF, PNG, JPEG or text.")],
    purpose: Annotated[str, typer.Option(help="Which of the regime's papers it is.")] = "",
    data: DataFolder = DATA,
) -> None:
    """Bring a paper of a registration."""
    body = paper(file) | {"purpose": purpose}
    made = asking.told(client(data), "POST", path("registrations", registration_id, "documents"), body)
    typer.echo(f"{made['id']} {made['name']}: {made['size']:,} octets")


@registration.command("submit")
@guarded
def submit(registration_id: RegistrationId, data: DataFolder = DATA) -> None:
    """Hand a registration to the operator."""
    _tell(asking.told(client(data), "POST", path("registrations", registration_id, "submit")))


@registration.command("approve")
@guarded
def approve(
    registration_id: RegistrationId,
    decision: Annotated[Path | None, typer.Option(help="JSON: what is entered, such as trust_score.")] = None,
    days: Annotated[int | None, typer.Option(help="Days until it expires.")] = None,
    account: Account = None,
    data: DataFolder = DATA,
) -> None:
    """Approve a registration, with the operator's key."""
    body = {"decision": {} if decision is None else _read(decision), "valid_days": days}
    _tell(asking.told(operator_client(data, account), "POST", path("registrations", registration_id, "approve"), body))


@registration.command("reject")
@guarded
def reject(
    registration_id: RegistrationId,
    reason: Annotated[str, typer.Argument(help="Why not, for the account to read.")],
    account: Account = None,
    data: DataFolder = DATA,
) -> None:
    """Reject a registration, or take its approval back."""
    node = operator_client(data, account)
    _tell(asking.told(node, "POST", path("registrations", registration_id, "reject"), {"reason": reason}))


@registration.command("delete")
@guarded
def delete(registration_id: RegistrationId, data: DataFolder = DATA) -> None:
    """Forget a registration with its papers; its senders count as registered by it no more."""
    client(data).call("DELETE", path("registrations", registration_id))
    typer.echo(f"{registration_id} is deleted")


@sender_rule.command("list")
@guarded
def list_rules(
    country: Annotated[str | None, typer.Option(help="Of this country only.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Only what the operator wrote or switched.")] = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Rules by country, the one that counts most first."""
    place = asking.asked("/v1/sender-rules", country=country, own="true" if own else None)
    found = asking.got(client(data), place)["data"]
    rows = [
        (each["id"], each["country"], " ".join(each["kinds"]), each["verdict"], _stands(each), each["as_of"],
         each["confidence"], each["by"])
        for each in found
    ]  # fmt: skip
    heads = ("rule", "country", "senders", "verdict", "in force", "as of", "confidence", "by")
    asking.show(found, heads, rows, as_json=as_json)


@sender_rule.command("put")
@guarded
def put_rule(rule_id: RuleId, file: JsonFile, data: DataFolder = DATA) -> None:
    """Add a rule by a JSON file, or put it in the place of another."""
    _tell_rule(asking.told(_operator(data), "PUT", path("sender-rules", rule_id), _read(file)))


@sender_rule.command("switch")
@guarded
def switch(
    rule_id: RuleId,
    on: Annotated[bool, typer.Option("--on/--off", help="Whether it holds.")] = True,
    data: DataFolder = DATA,
) -> None:
    """Let a rule hold, or not."""
    _tell_rule(asking.told(_operator(data), "PATCH", path("sender-rules", rule_id), {"enabled": on}))


@sender_rule.command("delete")
@guarded
def delete_rule(rule_id: RuleId, data: DataFolder = DATA) -> None:
    """Take an operator's rule away; one of ours holds again."""
    _operator(data).call("DELETE", path("sender-rules", rule_id))
    typer.echo(f"{rule_id} is deleted")


def _operator(data: Path) -> Any:
    return operator(stored(data) or Credentials(), None, data)


def _read(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{file}: {error}", code=2)


def _tell(found: Any) -> None:
    lacking = ", ".join(each["field"] for each in found["missing"])
    typer.echo(f"{found['id']} {found['name']}: {found['state']}{f', missing: {lacking}' if lacking else ''}")


def _tell_rule(rule: Any) -> None:
    says = f', says "{rule["notice"]}"' if rule["notice"] else ""
    typer.echo(f"{rule['id']} {rule['country']}: {rule['verdict']}{says}, {_stands(rule)}")


def _stands(rule: Any) -> str:
    if not rule["enabled"]:
        return "off"
    return "now" if rule["in_force"] else f"{rule['since'] or ''} to {rule['until'] or ''}"
