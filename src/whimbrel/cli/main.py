"""The command line: `whimbrel` and what it has besides its verbs (`verbs.py`)."""

from importlib.metadata import version
from typing import Annotated

import typer

from whimbrel.cli.verbs import Verbs


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"whimbrel {version('whimbrel')}")
        raise typer.Exit


def whimbrel(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Whimbrel: an SMS API that you run yourself."""


app = typer.Typer(
    cls=Verbs,
    callback=whimbrel,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The console script."""
    app()
