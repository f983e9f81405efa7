"""`whimbrel balance`: what an account may still spend, and money for it. Over the API, with the operator's key."""

from typing import Annotated

import msgspec
import typer

from whimbrel.base import money
from whimbrel.cli.client import client, operator_client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import fail, guarded
from whimbrel.manage.balance import BalanceView

Account = Annotated[
    str | None,
    typer.Option("--account", metavar="AC…", help="The account; without it that of the environment or the folder."),
]

balance = typer.Typer(help="Money of an account: show, top-up.", no_args_is_help=True)


@balance.command("show")
@guarded
def show(account: Account = None, data: DataFolder = DATA, as_json: Json = False) -> None:
    """What the account may still spend, what is on hold, what it has spent."""
    node = client(data) if account is None else operator_client(data, account)
    _print(node.call("GET", "/v1/balance"), as_json=as_json)


@balance.command("top-up")
@guarded
def top_up(
    amount: Annotated[str, typer.Argument(help="In the account's currency, such as 100.00.")],
    account: Account = None,
    note: Annotated[str, typer.Option(help="What the ledger says about it, such as an invoice.")] = "",
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Add money to an account."""
    try:
        money.from_text(amount)
    except ValueError as error:
        fail(f"{amount} is no amount ({error}): write it in the account's currency, such as 100.00", code=2)
    node = operator_client(data, account)
    _print(node.call("POST", "/v1/balance/top-up", {"amount": amount, "note": note}), as_json=as_json)


def _print(answer: bytes, *, as_json: bool) -> None:
    if as_json:
        typer.echo(answer.decode())
        return
    found = msgspec.json.decode(answer, type=BalanceView)
    currency = found.currency
    typer.echo(f"{found.account_id}  available {found.available} {currency}  on hold {found.held}  spent {found.spent}")
