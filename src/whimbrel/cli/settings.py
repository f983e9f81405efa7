"""`whimbrel settings`: what a node would run with here, and where each setting came from."""

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from whimbrel import installed
from whimbrel.cli.options import ConfigFile, Json, OfQuickstart, settings_of
from whimbrel.cli.say import guarded


@guarded
def settings(config_file: ConfigFile = None, data: OfQuickstart = None, as_json: Json = False) -> None:
    """Every setting with its value, its origin and its default; passwords are masked."""
    found = installed.views(settings_of(config_file, data))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    table = Table("setting", "value", "from", "default")
    for each in found:
        table.add_row(each.name, _text(each.value), each.source.replace("_", " "), _text(each.default))
    Console(soft_wrap=True).print(table)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
