"""A command begins at once: it imports what it needs, and not the product."""

import subprocess
import sys

import pytest

from tests.cli.product import command, environ
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
    "campaign", "carrier", "consents", "contacts", "env", "flow", "hook", "keyword", "link", "mailbox", "media",
    "number", "opt-outs", "pool", "registration", "schedule", "send", "sender-rule", "suppression", "tail", "template",
    "usage", "verify",
)  # fmt: skip
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


@pytest.mark.parametrize("asked", [("--version",), ("--help",), *((name, "--help") for name in CLIENTS)], ids=" ".join)
def test_what_asks_a_node_does_not_bring_one_in(asked):
    done = subprocess.run([sys.executable, "-c", LOOK, *asked], capture_output=True, text=True, env=environ())
    assert done.returncode == 0, done.stderr
    assert not {*HEAVY} & {*done.stderr.split()}
