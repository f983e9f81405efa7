"""All verbs of `whimbrel`."""

from importlib.metadata import version
from typing import Annotated

import typer

from whimbrel.cli.backup import backup
from whimbrel.cli.balance import balance
from whimbrel.cli.campaigns import campaign
from whimbrel.cli.carrier import carrier
from whimbrel.cli.cells import cells
from whimbrel.cli.consent import consents, opt_outs, suppression
from whimbrel.cli.contacts import contacts
from whimbrel.cli.copying import copy_installation
from whimbrel.cli.doctor import doctor
from whimbrel.cli.environment import env
from whimbrel.cli.flows import flow
from whimbrel.cli.hooks import hook
from whimbrel.cli.keys import key
from whimbrel.cli.links import link
from whimbrel.cli.lookup import lookup
from whimbrel.cli.mailboxes import mailbox
from whimbrel.cli.migrate import migrate
from whimbrel.cli.nodes import nodes
from whimbrel.cli.policies import policies
from whimbrel.cli.pools import keyword, pool
from whimbrel.cli.quickstart import quickstart
from whimbrel.cli.restored import restored
from whimbrel.cli.sandbox import sandbox
from whimbrel.cli.schedules import schedule
from whimbrel.cli.senders import number, registration, sender_rule
from whimbrel.cli.sending import send
from whimbrel.cli.serve import serve, simulator
from whimbrel.cli.settings import settings
from whimbrel.cli.smpp import smpp
from whimbrel.cli.streams import streams
from whimbrel.cli.tailing import tail
from whimbrel.cli.templates import template
from whimbrel.cli.usage import usage
from whimbrel.cli.users import user
from whimbrel.cli.verify import verify


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
    callback=whimbrel,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(quickstart)
app.command()(serve)
app.command(  # the simulator reads its options itself, --help too
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)(simulator)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})(
    sandbox
)
app.command()(send)
app.command()(tail)
app.command()(env)
app.command()(doctor)
app.command()(backup)
app.command("copy")(copy_installation)
app.command()(restored)
app.add_typer(balance, name="balance")
app.add_typer(carrier, name="carrier")
app.add_typer(cells, name="cells")
app.add_typer(campaign, name="campaign")
app.add_typer(consents, name="consents")
app.add_typer(contacts, name="contacts")
app.add_typer(flow, name="flow")
app.add_typer(hook, name="hook")
app.add_typer(mailbox, name="mailbox")
app.add_typer(number, name="number")
app.add_typer(registration, name="registration")
app.add_typer(sender_rule, name="sender-rule")
app.add_typer(keyword, name="keyword")
app.add_typer(pool, name="pool")
app.command()(nodes)
app.command()(lookup)
app.command()(settings)
app.add_typer(policies, name="policies")
app.add_typer(key, name="key")
app.add_typer(opt_outs, name="opt-outs")
app.add_typer(suppression, name="suppression")
app.add_typer(migrate, name="migrate")
app.add_typer(link, name="link")
app.add_typer(schedule, name="schedule")
app.add_typer(smpp, name="smpp")
app.add_typer(streams, name="streams")
app.add_typer(template, name="template")
app.command()(usage)
app.add_typer(user, name="user")
app.add_typer(verify, name="verify")


def main() -> None:
    """The console script."""
    app()
