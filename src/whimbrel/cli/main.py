"""All verbs of `whimbrel`."""

import typer

from whimbrel.cli.client import send, tail
from whimbrel.cli.doctor import doctor
from whimbrel.cli.keys import key
from whimbrel.cli.quickstart import quickstart
from whimbrel.cli.serve import migrate, serve, simulator

app = typer.Typer(
    help="Whimbrel: an SMS API that you run yourself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(quickstart)
app.command()(serve)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(simulator)
app.command()(send)
app.command()(tail)
app.command()(doctor)
app.add_typer(migrate, name="migrate")
app.add_typer(key, name="key")


def main() -> None:
    """The console script."""
    app()
