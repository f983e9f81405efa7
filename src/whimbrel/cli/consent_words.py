"""`whimbrel consent-words` and `consent-texts`: what is read as STOP, START or HELP, and what it is answered, asked of
a running node with the account's or the operator's key.
"""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from whimbrel.cli import asking
from whimbrel.cli.client import Client, client, stored
from whimbrel.cli.client import operator as operators_client
from whimbrel.cli.options import DATA, DataFolder, Json
from whimbrel.cli.say import guarded
from whimbrel.manage.credentials import Credentials

words = typer.Typer(help="Words of STOP, START, HELP and JOIN: list, add, remove.", no_args_is_help=True)
texts = typer.Typer(
    help="Texts that answer them, by language and brand: list, preview, set, remove.", no_args_is_help=True
)
Operator = Annotated[bool, typer.Option("--operator", help="The operator's, which hold for every account.")]
Language = Annotated[str, typer.Option(help="Such as de.")]


@words.command("list")
@guarded
def list_words(
    kind: Annotated[str, typer.Option(help="stop, start, help or join alone.")] = "",
    language: Annotated[str, typer.Option(help="Of this language alone.")] = "",
    own: Annotated[bool, typer.Option("--own", help="Without the product's.")] = False,
    operator: Operator = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """The product's words, and those that were added or switched off."""
    found = [
        each
        for each in asking.got(_node(data, operator), "/v1/consent-words")["data"]
        if kind in ("", each["kind"]) and language in ("", each["language"]) and not (own and each["id"] is None)
    ]
    rows = [
        (each["id"] or "", each["kind"], each["language"], each["level"], each["word"], _state(each)) for each in found
    ]
    asking.show(found, ("id", "kind", "language", "level", "word", "whose"), rows, as_json=as_json)


def _state(word: Any) -> str:
    return str(word["origin"]) if word["enabled"] else f"{word['origin']}: off"


@words.command("add")
@guarded
def add_word(
    kind: Annotated[str, typer.Argument(help="stop, start, help or join.")],
    word: Annotated[str, typer.Argument(help="Case, accents and punctuation never count.")],
    language: Language = "en",
    level: Annotated[str, typer.Option(help="whole, first or phrase.")] = "whole",
    off: Annotated[bool, typer.Option("--off", help="The product's word means nothing.")] = False,
    wording: Annotated[str, typer.Option(help="What is promised where a word of join is read.")] = "",
    operator: Operator = False,
    data: DataFolder = DATA,
) -> None:
    """Add a word, or switch one of the product's off."""
    body = {"kind": kind, "word": word, "language": language, "level": level, "enabled": not off, "wording": wording}
    typer.echo(asking.told(_node(data, operator), "POST", "/v1/consent-words", body)["id"])


@words.command("remove")
@guarded
def remove_word(
    word_id: Annotated[str, typer.Argument(help="Its id, as list shows it.")],
    operator: Operator = False,
    data: DataFolder = DATA,
) -> None:
    """Take an own word away; the product's holds again."""
    _node(data, operator).call("DELETE", asking.path("consent-words", word_id))
    typer.echo("It is removed.")


@texts.command("list")
@guarded
def list_texts(operator: Operator = False, data: DataFolder = DATA, as_json: Json = False) -> None:
    """Texts in place of the product's."""
    found = asking.got(_node(data, operator), "/v1/consent-texts")["data"]
    rows = [
        (each["id"], each["kind"], each["language"], each["brand"] or "", each["origin"], each["text"])
        for each in found
    ]
    asking.show(found, ("id", "kind", "language", "brand", "whose", "text"), rows, as_json=as_json)


@texts.command("preview")
@guarded
def preview(
    language: Language = "en",
    brand: Annotated[str | None, typer.Option(metavar="BN…", help="In the name of this brand.")] = None,
    operator: Operator = False,
    data: DataFolder = DATA,
    as_json: Json = False,
) -> None:
    """Show what STOP, START and HELP are answered in a language."""
    query = urlencode({"language": language} | ({"brand": brand} if brand else {}))
    found = asking.got(_node(data, operator), f"/v1/consent-texts/preview?{query}")["data"]
    rows = [(each["kind"], each["origin"], each["text"]) for each in found]
    asking.show(found, ("kind", "whose", "text"), rows, as_json=as_json)


@texts.command("set")
@guarded
def set_text(
    kind: Annotated[str, typer.Argument(help="stop, start or help.")],
    text: Annotated[str, typer.Argument(help="One segment; {name} stands for the brand's or account's name.")],
    language: Annotated[str, typer.Option(help="Such as de; *: every language that has none of its own.")] = "*",
    brand: Annotated[str | None, typer.Option(metavar="BN…", help="For this brand alone.")] = None,
    operator: Operator = False,
    data: DataFolder = DATA,
) -> None:
    """Set the text that answers a word."""
    body = {"kind": kind, "text": text, "language": language} | ({"brand": brand} if brand else {})
    typer.echo(asking.told(_node(data, operator), "PUT", "/v1/consent-texts", body)["id"])


@texts.command("remove")
@guarded
def remove_text(
    text_id: Annotated[str, typer.Argument(help="Its id, as list shows it.")],
    operator: Operator = False,
    data: DataFolder = DATA,
) -> None:
    """Take a text away: the next one that fits is sent."""
    _node(data, operator).call("DELETE", asking.path("consent-texts", text_id))
    typer.echo("It is removed.")


def _node(data: Path, of_operator: bool) -> Client:
    return operators_client(stored(data) or Credentials(), None, data) if of_operator else client(data)
