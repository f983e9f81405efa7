"""The pages about using the product: their examples run as they stand, their tables say what the code says."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.product import COMMAND, command, environ, quickstart, started, until
from whimbrel.domain.states import STATES
from whimbrel_sandbox.settings import option_names

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# A refusal or a failing command of an example fails the test; the reader's curl shows it.
PRELUDE = """set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body "$@"; }
"""


def blocks(page, mark):
    """The examples of a page that carry a mark, one after the other."""
    text = (DOCS / page).read_text("utf-8")
    found = re.findall(rf"^<!-- {re.escape(mark)} -->\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no example marked {mark}"
    return found


def run(script, folder):
    """What a script prints, in a folder in which `.venv` is there as in a clone."""
    env = environ(PATH=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin")
    command = ["bash", "-c", PRELUDE + script]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A quickstart of their own: the examples change balances and webhooks."""
    folder = tmp_path_factory.mktemp("docs")
    with quickstart(folder) as node:
        node.bound()  # or a phone has nobody to write to
        (folder / "whimbrel-data").symlink_to(node.folder)
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        yield folder


SHOWN = {
    "quickstart.md": ("delivered", "absent_subscriber", "invalid_destination", '"verdict":"accepted"', "1000024."),
    "messages.md": ("idempotent-replayed: true", '"canceled"', '"accepted":2,"rejected":1'),
    "templates.md": ("Bestellung 8F3K (24,90 €) kommt am 1. Dez.", '"version":1', "de: 1 segment(s) of gsm7"),
    "webhooks.md": ('"secret":"whsec_',),
    "cli.md": ("2 accepted, 0 refused",),
    "verify.md": ('"valid":true', '"status":"approved"'),
    "media.md": ('"content_type":"image/png"',),
    "hooks.md": ('"verdict":"sent","sent":1',),
    "flows.md": ('"outcome":"answered"', '"step":"thanks"'),
    "smpp-server.md": ('"system_id":"orders"', "3 sent, 3 accepted", "3 matched"),
}


@pytest.mark.parametrize(("page", "shown"), SHOWN.items())
def test_the_examples_of_a_page_run_from_top_to_bottom(home, page, shown):
    printed = run('eval "$(whimbrel env)"\n' + "\n".join(blocks(page, "run")), home)
    assert [words for words in shown if words not in printed] == [], printed


def test_the_receiver_of_webhooks_takes_what_is_genuine(home, tmp_path):
    (code,) = blocks("webhooks.md", "file: receiver.py")
    (tmp_path / "receiver.py").write_text(code)
    made = run(
        'eval "$(whimbrel env)"\ncurl "$WHIMBREL_URL/v1/webhooks" -H "Authorization: Bearer $WHIMBREL_API_KEY" '
        "-H 'Content-Type: application/json' -d '{\"url\": \"http://127.0.0.1:8099/\"}'",
        home,
    )
    secret = re.search(r'"secret":"(whsec_[^"]+)"', made)[1]
    with started(tmp_path, sys.executable, tmp_path / "receiver.py", "8099", secret) as receiver:
        run('whimbrel send +14155550123 "Hello" --wait', home)
        until(lambda: "message.delivered SM" in receiver.out, within_s=120, what="the receiver heard of it")
        assert "Traceback" not in receiver.err


@pytest.mark.ci
def test_operation_from_nothing_to_an_upgrade(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [str(each.getsockname()[1]) for each in (listener, other)]
    script = "\n".join(blocks("operations.md", "serve")).replace("8080", ports[0]).replace("2775", ports[1])
    whole = f"""trap 'kill $(jobs -p) 2>&- || true' EXIT
{script}
until curl "$url/readyz"; do sleep 0.2; done
kill %1; wait %1"""
    run(whole, tmp_path)
    assert list(tmp_path.glob("backup-*.db")) and (tmp_path / "before-upgrade.db").exists()
    assert (tmp_path / "whimbrel.log").read_text().count('"message": "stopped"') == 2


def rows(page, mark):
    """The rows of the table between two marks, backquotes removed."""
    text = (DOCS / page).read_text("utf-8").partition(f"<!-- {mark} -->")[2].partition(f"<!-- /{mark} -->")[0]
    lines = [line.strip("|").replace("`", "") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def test_every_verb_and_every_option_is_documented():
    documented = {row[0]: set(row[2].split()) for row in rows("cli.md", "verbs")}
    assert documented == dict(verbs(command(), ""))


def verbs(command, name):
    """Every verb with its options (long names)."""
    for child_name, child in getattr(command, "commands", {}).items():
        yield from verbs(child, f"{name} {child_name}".strip())
    if not hasattr(command, "commands"):
        options = {option for parameter in command.params for option in parameter.opts}
        yield name, {option for option in options if option.startswith("--")} - {"--help"}


@pytest.mark.parametrize("command", [(*COMMAND, "simulator"), (sys.executable, "-m", "whimbrel_sandbox")])
@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_the_help_of_the_simulator_says_what_its_page_says(command, asked):
    """Every option with its default and its meaning, in the same words."""
    done = subprocess.run([*command, asked], capture_output=True, text=True, timeout=60, env=environ(COLUMNS="80"))
    assert done.returncode == 0 and done.stdout.startswith("Usage: ")
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    shown = " ".join(done.stdout.split())
    text = (DOCS / "sandbox.md").read_text("utf-8").replace("`", "")
    documented = re.findall(r"^\| (--[a-z][a-z-]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert {option for option, _, _ in documented} == set(option_names())
    wanted = [f"{option} {meaning} [{default}]" for option, default, meaning in documented]
    assert [words for words in wanted if words not in shown] == []


def test_every_state_is_documented():
    documented = [tuple(row) for row in rows("messages.md", "states")]
    assert documented == [(s.name, "yes" if s.final else "no", s.meaning) for s in STATES.values()]
