"""`whimbrel pool` and `whimbrel keyword`: sender pools and keywords of an account, asked of a running node with the
account's key.
"""

from typing import Annotated, Any

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded

pool = typer.Typer(help="Sender pools: list, make, change, members and how they do.", no_args_is_help=True)
keyword = typer.Typer(help="Keywords with answers: list, make, delete.", no_args_is_help=True)
PoolId = Annotated[str, typer.Argument(metavar="MG…")]
SenderOf = Annotated[str, typer.Argument(metavar="SENDER", help="A sender of the account, by value or id.")]
KeywordId = Annotated[str, typer.Argument(metavar="KW…")]


@pool.command("list")
@guarded
def list_pools(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Pools, newest first."""
    found = list(asking.every(client(data), "/v1/pools"))
    rows = [
        (each["id"], each["name"], "yes" if each["is_default"] else "", " ".join(m["sender"] for m in each["members"]))
        for each in found
    ]
    asking.show(found, ("id", "name", "default", "senders"), rows, as_json=as_json)


@pool.command("create")
@guarded
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    senders: Annotated[list[str], typer.Argument(help="Senders of the account, by value or id.")],
    default: Annotated[bool, typer.Option("--default", help="It stands where a message names no sender.")] = False,
    data: DataFolder = DATA,
) -> None:
    """Make a pool."""
    body = {"name": name, "senders": senders, "is_default": default}
    made = asking.told(client(data), "POST", "/v1/pools", body)
    typer.echo(f"{made['id']} {made['name']}: {len(made['members'])} senders")


@pool.command("show")
@guarded
def show(pool_id: PoolId, data: DataFolder = DATA, as_json: Json = False) -> None:
    """Members of a pool, and how each does."""
    found = asking.got(client(data), asking.path("pools", pool_id))
    asking.show(found, ("sender", "weight", "per min", "a day", "queue s", "share", "state"),
                [_row(each) for each in found["members"]], as_json=as_json)  # fmt: skip


@pool.command("change")
@guarded
def change(
    pool_id: PoolId,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    default: Annotated[bool | None, typer.Option("--default/--no-default", help="Where a message names none.")] = None,
    sticky: Annotated[bool | None, typer.Option("--sticky/--no-sticky", help="Recipients keep their sender.")] = None,
    area: Annotated[bool | None, typer.Option("--area/--no-area", help="Numbers of the area code first.")] = None,
    names: Annotated[bool | None, typer.Option("--names/--no-names", help="A name first, where it may write.")] = None,
    fallback: Annotated[str | None, typer.Option(help="Where no member can write; empty: nobody.")] = None,
    queue_max: Annotated[int | None, typer.Option(help="Seconds of work that may wait for a number.")] = None,
    validity: Annotated[int | None, typer.Option(help="Seconds, of messages that do not say; 0: none.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Change a pool; what is not named stays."""
    said = {"name": name, "is_default": default, "sticky": sticky, "match_area": area, "names_first": names,
            "queue_max_s": queue_max}  # fmt: skip
    body: dict[str, Any] = {field: value for field, value in said.items() if value is not None}
    body |= {} if fallback is None else {"fallback": fallback or None}
    body |= {} if validity is None else {"validity": validity or None}
    made = asking.told(client(data), "PATCH", asking.path("pools", pool_id), body)
    typer.echo(f"{made['id']} {made['name']}: {len(made['members'])} senders")


@pool.command("add")
@guarded
def add(
    pool_id: PoolId,
    sender: SenderOf,
    weight: Annotated[int, typer.Option(help="Its share beside the others.")] = 1,
    rate: Annotated[int, typer.Option(help="Segments a minute; 0 is no limit.")] = 0,
    cap: Annotated[int, typer.Option(help="Segments of a day; 0 is no limit.")] = 0,
    country: Annotated[list[str] | None, typer.Option(help="Writes to these countries only.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Put a sender into a pool, or change what it is there."""
    body = {"weight": weight, "rate_per_min": rate, "daily_cap": cap, "countries": country or []}
    made = asking.told(client(data), "PUT", asking.path("pools", pool_id, "members", sender), body)
    typer.echo(f"{made['name']}: {len(made['members'])} senders")


@pool.command("remove")
@guarded
def remove(pool_id: PoolId, sender: SenderOf, data: DataFolder = DATA) -> None:
    """Take a sender out of a pool."""
    client(data).call("DELETE", asking.path("pools", pool_id, "members", sender))
    typer.echo(f"{sender} is out of {pool_id}")


@pool.command("delete")
@guarded
def delete(pool_id: PoolId, data: DataFolder = DATA) -> None:
    """Delete a pool; its senders stay."""
    client(data).call("DELETE", asking.path("pools", pool_id))
    typer.echo(f"{pool_id} is deleted")


@keyword.command("list")
@guarded
def list_keywords(data: DataFolder = DATA, as_json: Json = False) -> None:
    """Keywords, newest first."""
    found = list(asking.every(client(data), "/v1/keywords"))
    rows = [
        (
            each["id"],
            each["name"],
            " ".join(each["words"]),
            each["of"],
            str(each["uses"]),
            "on" if each["enabled"] else "off",
        )
        for each in found
    ]
    asking.show(found, ("id", "name", "words", "of", "uses", "state"), rows, as_json=as_json)


@keyword.command("create")
@guarded
def create_keyword(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    word: Annotated[list[str], typer.Option(help="What is texted; may stand several times.")],
    answer: Annotated[str, typer.Option(help="What is answered.")],
    language: Annotated[str, typer.Option(help="The language of the answer.")] = "en",
    of: Annotated[str, typer.Option(help="A sender's or a pool's id, or account.")] = "account",
    first: Annotated[bool, typer.Option("--first", help="A text may go on behind the word.")] = False,
    data: DataFolder = DATA,
) -> None:
    """Keep a keyword with its answer."""
    body = {
        "name": name,
        "words": word,
        "of": of,
        "match": "first" if first else "whole",
        "answers": {language: answer},
        "language": language,
    }
    made = asking.told(client(data), "POST", "/v1/keywords", body)
    typer.echo(f"{made['id']} {made['name']}: {' '.join(made['words'])}")


@keyword.command("delete")
@guarded
def delete_keyword(keyword_id: KeywordId, data: DataFolder = DATA) -> None:
    """Delete a keyword."""
    client(data).call("DELETE", asking.path("keywords", keyword_id))
    typer.echo(f"{keyword_id} is deleted")


def _row(member: Any) -> tuple[str, ...]:
    health = member["health"]
    return (
        member["sender"],
        str(member["weight"]),
        str(member["rate_per_min"] or ""),
        str(member["daily_cap"] or ""),
        str(health["queue_s"]),
        f"{health['share']:.0%}",
        "sick" if health["sick"] else "well",
    )
