"""A command begins at once: it imports what it needs, and not the product.

A verb that asks a node imports nothing of one. One that can also change the database itself, while no node has it open,
imports the control plane when it does, and never what carries messages."""

import subprocess
import sys

import pytest

from tests.cli.product import command, environ
from tests.lite import with_schema
from whimbrel.cli.verbs import VERBS

HEAVY = (
    "whimbrel.app",
    "whimbrel.edges",
    "whimbrel.journey",
    "aiohttp",
    "argon2",
    "asyncpg",
    "jinja2",
    "openpyxl",
    "phonenumbers.carrierdata",
    "phonenumbers.geodata",
    "segno",
    "starlette",
    "uvicorn",
    "webauthn",
)
CLIENTS = (
    "campaign", "carrier", "consents", "contacts", "env", "flow", "hook", "inbound-url", "keyword", "link", "mailbox",
    "media", "number", "opt-outs", "pool", "registration", "schedule", "send", "sender-rule", "suppression",
    "tail", "template", "usage", "verify",
)  # fmt: skip
CONTROL = ("key", "nodes", "restored", "smpp", "streams", "user")
NODE = (
    "whimbrel.app",
    "whimbrel.carriers.smpp",
    "whimbrel.cells",
    "whimbrel.edges",
    "whimbrel.journey.accept",
    "whimbrel.journey.worker",
    "whimbrel.products",
    "aiokafka",
    "jinja2",
    "nats",
    "openpyxl",
    "phonenumbers.carrierdata",
    "phonenumbers.geodata",
    "segno",
    "starlette",
    "uvicorn",
    "webauthn",
)
MASTER_KEY = "00" * 32
LOOK = """
import sys
from whimbrel.cli.main import app
try:
    app(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_the_help_says_of_each_verb_what_the_verb_says():
    said = {name: " ".join(verb.help.split("\n\n")[0].split()) for name, verb in command().commands.items()}
    assert {verb.name: verb.help for verb in VERBS} == said


def loaded(*asked, **more):
    """The modules that are there when a command is done, and how it ended."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *map(str, asked)], capture_output=True, text=True, env=environ(**more)
    )
    *said, modules = done.stderr.splitlines()
    return {*modules.split()}, done.returncode, "\n".join(said)


@pytest.mark.parametrize("asked", [("--version",), ("--help",), *((name, "--help") for name in CLIENTS)], ids=" ".join)
def test_what_asks_a_node_does_not_bring_one_in(asked):
    modules, code, said = loaded(*asked)
    assert code == 0, said
    assert not {*HEAVY} & modules


@pytest.mark.parametrize("name", CONTROL)
def test_help_brings_in_neither_a_node_nor_the_control_plane(name):
    modules, code, said = loaded(name, "--help")
    assert code == 0, said
    assert not {*NODE, "whimbrel.control_plane", "asyncpg"} & modules


@pytest.mark.parametrize("asked", [("key", "create", "a", "--json"), ("nodes",), ("streams", "list"), ("user", "list")])
def test_what_changes_the_database_itself_brings_in_no_node(asked, tmp_path):
    with_schema(tmp_path / "whimbrel.db")
    modules, code, said = loaded(*asked, WHIMBREL_SERVER__DATA=str(tmp_path), WHIMBREL_MASTER_KEY=MASTER_KEY)
    assert code == 0, said
    assert "whimbrel.control_plane" in modules
    assert not {*NODE} & modules
