"""`whimbrel inbound-url`: where inbound texts of an account are posted and answered, asked of a running node with the
account's key.
"""

from typing import Annotated

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded

inbound_url = typer.Typer(help="Where inbound texts are posted and answered: list, set, delete.", no_args_is_help=True)
Of = Annotated[str, typer.Argument(metavar="OF", help="A sender's or a pool's id, or account.")]


@inbound_url.command("list")
@guarded
def list_urls(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Where texts to a number, a pool, or the account are posted."""
    found = asking.got(client(data), "/v1/inbound-urls")["data"]
    rows = [(each["of"], each["format"], each["method"], each["url"], each["fallback_url"] or "") for each in found]
    asking.show(found, ("of", "format", "method", "url", "fallback"), rows, as_json=as_json)


@inbound_url.command("set")
@guarded
def set_url(
    of: Of,
    url: Annotated[str, typer.Argument(help="Where texts are posted.")],
    fallback: Annotated[str, typer.Option(help="Asked where the first gives no answer that can be used.")] = "",
    twilio: Annotated[bool, typer.Option("--twilio", help="A form, answered by TwiML, and not our JSON.")] = False,
    get: Annotated[bool, typer.Option("--get", help="Both are asked with GET; with --twilio only.")] = False,
    data: DataFolder = DATA,
) -> None:
    """Say where texts are posted; what was said of the same before goes."""
    method = "GET" if get else "POST"
    body = {"url": url, "method": method, "format": "twilio" if twilio else "event", "fallback_method": method}
    body |= {"fallback_url": fallback} if fallback else {}
    made = asking.told(client(data), "PUT", asking.path("inbound-urls", of), body)
    typer.echo(f"{made['of']}: {made['url']}")


@inbound_url.command("delete")
@guarded
def delete_url(of: Of, data: DataFolder = DATA) -> None:
    """Post texts there no more."""
    client(data).call("DELETE", asking.path("inbound-urls", of))
    typer.echo(f"{of} is deleted")
