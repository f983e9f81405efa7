"""docs/production.md: everything that it names exists: commands and their options, settings, routes, metrics, words of
the log, PostgreSQL's own settings and views; and the examples of configuration are ones that the programs take.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import yaml

from tests.cli.product import command
from tests.house.code import ROOT, SOURCE
from tests.house.test_docs import exported_metrics
from tests.pg import as_user
from tests.ports import free_port
from whimbrel import config, master_key
from whimbrel.edges.rest.door import table

DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "production.md").read_text("utf-8")
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
TICKS = re.compile(r"`([^`\n]+)`")
PROSE = BLOCK.sub("", PAGE)
OF_CLIENTS = ("WHIMBREL_URL", "WHIMBREL_OPERATOR_KEY")


def blocks(language: str) -> list[str]:
    return [body for found, body in BLOCK.findall(PAGE) if found == language]


def commands() -> Iterator[list[str]]:
    """Every `whimbrel …` of the page, as words."""
    for text in [*TICKS.findall(PROSE), *(line for body in blocks("sh") for line in body.splitlines())]:
        for found in re.findall(r"(?:^|[;|&] *)(whimbrel [^|;>]+)", re.sub(r" #.*", "", text).strip()):
            yield shlex.split(found)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_commands_and_their_options_exist(words):
    found = command()
    for word in words[1:]:
        if word.startswith("--"):
            assert any(word in parameter.opts for parameter in found.params), f"{found.name} has no {word}"
        elif word in getattr(found, "commands", {}):
            found = found.commands[word]
    assert found is not command()
    assert not getattr(found, "commands", None), f"{found.name} wants a verb more"


def test_it_names_commands_at_all():
    assert {"restored", "migrate", "doctor", "streams"} <= {words[1] for words in commands()}


def test_settings_exist():
    known = {setting.name for setting in config.describe()}
    sections = {name.partition(".")[0] for name in known if "." in name}
    named = [word for text in TICKS.findall(PROSE) for word in re.findall(r"^(\w+\.\w+)(?: = .*)?$", text)]
    meant = [name for name in named if name.partition(".")[0] in sections]
    assert len(meant) >= 5
    assert [name for name in meant if name not in known] == []
    variables = set(re.findall(r"\bWHIMBREL_\w+", PAGE)) - {master_key.ENV, *OF_CLIENTS}
    assert variables <= {setting.env for setting in config.describe()}
    assert all(name in (SOURCE / "whimbrel/cli/client.py").read_text("utf-8") for name in OF_CLIENTS)


def test_a_shell_reads_the_file_of_the_unit_as_systemd_does(tmp_path):
    """Both take one pair of quotes away."""
    (line,) = re.findall(r"(?m)^echo '(WHIMBREL_DATABASE=.*)' \\$", PAGE)
    file = tmp_path / "environment"
    file.write_text(line + "\n", "utf-8")
    script = f'set -a; . {file}; printf %s "$WHIMBREL_DATABASE"'
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, env={})
    assert done.stdout == line.split("=", 1)[1].strip('"'), done.stderr
    config.load(None, {"WHIMBREL_DATABASE": done.stdout})


@pytest.mark.parametrize("body", blocks("toml"))
def test_examples_of_settings_can_be_used(body, tmp_path):
    file = tmp_path / "whimbrel.toml"
    file.write_text('database = "postgresql://whimbrel@10.0.0.11/whimbrel"\n' + body, "utf-8")
    config.load(file, {})


def test_routes_exist():
    known = {(operation.method, operation.path) for operation in table(streams_per_account=1)}
    named = {tuple(found) for found in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)`", PROSE)}
    named |= {("GET", path) for path in re.findall(r"`(/(?:healthz|readyz|metrics))`", PROSE)}
    assert len(named) >= 5
    assert named - known == set()


def test_metrics_exist():
    known = {name for name, *_ in exported_metrics()}
    named = set(re.findall(r"`(whimbrel_[a-z_]+)`", PROSE))
    assert len(named) >= 5
    assert named - known == set()


def test_files_exist():
    named = set(re.findall(r"\b((?:deploy|tests)/[\w./-]+\w)", PAGE))
    assert len(named) >= 10
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    shipped = {f"deploy/{path.name}" for path in DEPLOY.iterdir() if path.name != "secret.key"}
    assert shipped - named == set(), "the page says what each file is for"


def test_words_of_the_log_are_said_somewhere():
    """What the page tells to look for in the log stands in the code."""
    code = " ".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    named = re.findall(r"\blog(?: \(|: | says:?\s)`([^`]+)`", PROSE)
    assert len(named) >= 4
    foreign = {"nothing was stored: could not extend file"}  # the second half is PostgreSQL's
    assert [words for words in named if words not in code and words not in foreign] == []


async def test_the_sql_of_the_page_can_be_run(postgres_server, empty_postgres):
    """All of it, as an administrator; what would change the server is prepared only."""
    connection = await asyncpg.connect(empty_postgres)
    try:
        for body in blocks("sql"):
            for statement in filter(str.strip, body.split(";")):
                if statement.split()[0] == "SELECT" and "pg_reload_conf" not in statement:
                    await connection.fetch(statement)
                else:
                    await connection.execute(f"DO $x$ BEGIN IF false THEN EXECUTE $y${statement}$y$; END IF; END $x$")
        settings = {row[0] for row in await connection.fetch("SELECT name FROM pg_settings")}
    finally:
        await connection.close()
    patroni = yaml.safe_load((DEPLOY / "patroni.yaml").read_text("utf-8"))
    given = set(patroni["bootstrap"]["dcs"]["postgresql"]["parameters"]) | set(patroni["postgresql"]["parameters"])
    given |= {line.split(" = ")[0] for body in blocks("ini") for line in body.split() if line.startswith("recovery_")}
    assert given - settings == set()


# ---------------------------------------------------------------- with the programs themselves


@pytest.mark.ci
def test_patroni_takes_its_file(tmp_path):
    """But for what is true on this machine only: its addresses, and that nobody answers for etcd."""
    programs = next(Path("/usr/lib/postgresql").glob("*/bin"))
    text = re.sub(r"10\.0\.0\.\d+", "127.0.0.1", (DEPLOY / "patroni.yaml").read_text("utf-8"))
    text = text.replace("/usr/lib/postgresql/18/bin", str(programs)).replace("/var/lib/postgresql/18", str(tmp_path))
    file = tmp_path / "patroni.yaml"
    file.write_text(text, "utf-8")
    done = subprocess.run(["patroni", "--validate-config", file], capture_output=True, text=True)
    known = r"must not contain|is not reachable|bootstrap\.pg_hba +is not defined|is already in use"
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if line and not re.search(known, line)]
    assert complaints == []


@pytest.mark.ci
def test_pgbouncer_takes_its_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pgbouncer")
    text = (DEPLOY / "pgbouncer.ini").read_text("utf-8")
    text = re.sub(r"listen_addr = .*", "listen_addr = 127.0.0.1", text).replace("6432", str(free_port()))
    text = re.sub(r"server_tls_(ca_file|sslmode) = .*\n", "", text)
    users = Path("/tmp") / f"{folder.name}-{os.getpid()}.users"  # noqa: S108 - it has to be read by another user
    ini = users.with_suffix(".ini")
    try:
        users.write_text('"reports" "x"\n', "utf-8")
        ini.write_text(text.replace("/etc/pgbouncer/userlist.txt", str(users)), "utf-8")
        said = ""
        with subprocess.Popen(["/usr/sbin/pgbouncer", ini], stderr=subprocess.PIPE, text=True, **as_user()) as process:
            assert process.stderr is not None
            for line in process.stderr:
                said += line
                if "process up" in line:
                    process.terminate()
    finally:
        users.unlink()
        ini.unlink(missing_ok=True)
    assert "process up" in said
    assert not re.search(r"ERROR|WARNING|FATAL", said), said
