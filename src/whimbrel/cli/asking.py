"""What verbs share that ask a running node and print a table: paths, answers, all pages of a list."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from whimbrel.cli.client import Client

_PAGE: Final = 1000
_MOST: Final = 100_000
_IDS: Final = frozenset({"id", "message_id", "verification"})
_ID_LENGTH: Final = 34


def path(*parts: str) -> str:
    """`/v1/…` of parts of which each may hold any character."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def asked(place: str, **query: str | int | None) -> str:
    """The same with a query; what is None or empty is left out."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{place}?{urlencode(given)}" if given else place


def got(node: Client, place: str) -> Any:
    """What a GET answers."""
    return msgspec.json.decode(node.call("GET", place))


def told(node: Client, method: str, place: str, body: Any = None) -> Any:
    """What a request answers that changes something."""
    return msgspec.json.decode(node.call(method, place, body))


def every(node: Client, place: str, query: Mapping[str, str | None] = {}, most: int = _MOST) -> Iterator[Any]:
    """The rows of a list, page after page, and at most so many."""
    cursor: str | None = None
    while most > 0:
        found = got(node, asked(place, **query, limit=min(_PAGE, most), cursor=cursor))
        yield from found["data"]
        most -= len(found["data"])
        cursor = found["next_cursor"]
        if cursor is None:
            return


def show(found: Any, heads: Sequence[str], rows: Sequence[Sequence[str]], *, as_json: bool) -> None:
    """A list as a table, or as JSON."""
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    columns = (Column(head, min_width=_ID_LENGTH) if head in _IDS else Column(head, overflow="fold") for head in heads)
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    Console(soft_wrap=True).print(table)


def show_one(found: Any, lines: Sequence[tuple[str, Any]], *, as_json: bool) -> None:
    """One thing with a line for each of its facts, those left out that it has not; or as JSON."""
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for name, value in lines:
        if value not in (None, "", []):
            typer.echo(f"{name:<16} {value}")
