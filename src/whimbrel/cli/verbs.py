"""What `whimbrel` can be told to do: each verb with the module that does it and its line of the help. A module is
imported when its verb is called: all of them together bring in the whole product, and a command would take a second to
begin.
"""

from importlib import import_module
from typing import Any, Final

import msgspec
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Verb(msgspec.Struct, frozen=True):
    """`of`: the file of this folder and the name in it, a function or a Typer of further verbs. `help`: its first line,
    as the verb itself has it. `reads_itself`: it is given all that follows, `--help` too."""

    name: str
    of: str
    help: str
    reads_itself: bool = False


VERBS: Final = (
    Verb(
        "quickstart",
        "quickstart:quickstart",
        "Start everything on this machine: API, SMPP, worker, and pretend phones to send to.",
    ),
    Verb(
        "serve",
        "serve:serve",
        "Run a node until SIGTERM; stops gracefully. Logs go to stderr, one JSON object a line.",
    ),
    Verb(
        "simulator",
        "sandbox:smsc",
        "Run the SMSC simulator; `whimbrel simulator --help` lists its options.",
        reads_itself=True,
    ),
    Verb(
        "sandbox",
        "sandbox:sandbox",
        "Run the SMSC simulator, or with `esme HOST:PORT` its client, which loads and misuses SMPP servers.",
        reads_itself=True,
    ),
    Verb("send", "sending:send", "Send a text, or one to each line of a file."),
    Verb("tail", "tailing:tail", "Show events as they happen; goes on by itself after a break."),
    Verb("env", "environment:env", 'Print address and keys for a shell: eval "$(whimbrel env)".'),
    Verb(
        "doctor",
        "doctor:doctor",
        "Check everything that can be checked from here, or test a carrier; exit code 1 when something is "
        "wrong.",
    ),
    Verb(
        "backup",
        "backup:backup",
        "Copy the database as it is at this moment; the node may run. The master key is not in it.",
    ),
    Verb(
        "copy",
        "copying:copy_installation",
        "Copy an installation into another database, where it goes on after an interruption; exit code 1 "
        "unless all counts and sums agree. Nodes must be stopped. --config or --data lead to the master key.",
    ),
    Verb(
        "restored",
        "restored:restored",
        "Show what a restored database believes to be waiting; with --doubt, keep it from being sent a second "
        "time. For a database that was restored to an earlier moment, before any node is started on it.",
    ),
    Verb("nodes", "nodes:nodes", "The nodes of an installation: version, age, and what each does for all."),
    Verb("lookup", "lookup:lookup", "Show what is known of a number; 1 when it is invalid."),
    Verb(
        "settings",
        "settings:settings",
        "Every setting with its value, its origin and its default; passwords are masked.",
    ),
    Verb("usage", "usage:usage", "Show what was sent, what became of it and what it cost."),
    Verb("balance", "balance:balance", "Money of an account: show, top-up."),
    Verb(
        "carrier",
        "carrier:carrier",
        "Carriers: list, show, create, update, pause, resume, delete, trace, and profiles to begin with.",
    ),
    Verb("brand", "brands:brand", "Brands: list, create, rename, senders, delete."),
    Verb("cells", "cells:cells", "Cells: list, move accounts."),
    Verb(
        "campaign",
        "campaigns:campaign",
        "Campaigns: list, show, create from a file, estimate, test, approve, start, pause, resume, cancel, "
        "winner, results, recipients, delete.",
    ),
    Verb("consent-words", "consent_words:words", "Words of STOP, START, HELP and JOIN: list, add, remove."),
    Verb(
        "consent-texts",
        "consent_words:texts",
        "Texts that answer them, by language and brand: list, preview, set, remove.",
    ),
    Verb(
        "conversation",
        "conversations:conversation",
        "Conversations: list, show, answer, assign, tag, note, close, reopen.",
    ),
    Verb("consents", "consent:consents", "The ledger of consent: list, record, ask, import, export."),
    Verb(
        "contacts",
        "contacts:contacts",
        "Contacts: list, get, add, update, delete, merge, import, export, and what they are chosen by.",
    ),
    Verb("flow", "flows:flow", "Flows: list, check, put, install, run, and what runs did."),
    Verb("hook", "hooks:hook", "Hooks: list, make, change, try, and what came of their calls."),
    Verb("mailbox", "mailboxes:mailbox", "Mailboxes: list, make, change, and what came of their mails."),
    Verb("sender", "numbers:sender", "Senders: list, give to an account, approve, defaults, take away."),
    Verb("number", "numbers:number", "Numbers: list, show, give to an account, approve, change, files."),
    Verb(
        "registration",
        "senders:registration",
        "Registrations of senders: answer, bring papers, submit, decide, forget.",
    ),
    Verb("sender-rule", "senders:sender_rule", "What countries say about senders: list, add, switch, delete."),
    Verb(
        "inbound-url", "inbound_urls:inbound_url", "Where inbound texts are posted and answered: list, set, delete."
    ),
    Verb("keyword", "pools:keyword", "Keywords with answers: list, make, delete."),
    Verb("pool", "pools:pool", "Sender pools: list, make, change, members and how they do."),
    Verb("policies", "policies:policies", "Quiet hours and caps of marketing: show, set, check, rules."),
    Verb("key", "keys:key", "API keys of an account or of the operator: create, list, revoke."),
    Verb("opt-outs", "consent:opt_outs", "Opt-outs: list, add, remove, import, export."),
    Verb("suppression", "consent:suppression", "Lists of numbers that are not texted."),
    Verb("media", "media:media", "Pictures and other files: list, add, get, delete, how much room."),
    Verb("migrate", "migrate:migrate", "The database schema: status, plan, apply."),
    Verb("link", "links:link", "Short links: list, make, see who opened them, change, end, delete."),
    Verb(
        "schedule",
        "schedules:schedule",
        "Schedules: list, show, create, pause, resume, skip a time, next times, what came of them, delete.",
    ),
    Verb("smpp", "smpp:smpp", "What customers bind with over SMPP: create, list, show, update, rotate, trace, delete."),
    Verb("streams", "streams:streams", "Streams of events to brokers: list, rewind."),
    Verb("template", "templates:template", "Texts with variables: list, show, put, preview, publish, approve."),
    Verb("user", "users:user", "People who use the console: invite, list, make a new link, remove."),
    Verb("verify", "verify:verify", "Verify: services, codes, authenticators, reports, and what the guard blocks."),
)  # fmt: skip


class _Named(TyperCommand):
    """A verb by its name and its help alone."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(verb.name, help=verb.help)
        self._verb = verb

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **more: Any) -> Any:
        """Here it begins to be called."""
        return loaded(self._verb).make_context(info_name, args, parent, **more)


class Verbs(TyperGroup):
    """All of them."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more | {"commands": {verb.name: _Named(verb) for verb in VERBS}})


def loaded(verb: Verb) -> Any:
    """The verb itself, as Typer makes it."""
    module, _, name = verb.of.partition(":")
    found = getattr(import_module(f"whimbrel.cli.{module}"), name)
    parent = typer.Typer()
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=verb.name)
    else:
        itself = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
        parent.command(verb.name, context_settings=itself if verb.reads_itself else None)(found)
    return get_group(parent).commands[verb.name]
