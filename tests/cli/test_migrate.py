"""`whimbrel migrate` on PostgreSQL, and what serve, doctor and backup say of such a database."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cli.product import Done, invoke
from whimbrel.store.migrations import Migration, load, parse
from whimbrel.store.postgresql import schema

KEY = {"WHIMBREL_MASTER_KEY": "00" * 32}
NEXT = len(load("postgresql")) + 1
EXPAND = parse(NEXT, "wider", "-- expand\nCREATE TABLE wider (x bigint)")
CONTRACT = parse(NEXT + 1, "strict", "-- contract\nCREATE TABLE stricter (x bigint)")


def configure(folder: Path, url: str) -> Path:
    path = folder / "whimbrel.toml"
    path.write_text(f'database = "{url}"\n[server]\nport = 0\ndata = "{folder / "data"}"\n[smpp]\nport = 0\n')
    return path


async def run(*words: Any, **more: Any) -> Done:
    """In a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(invoke, *words, **more)


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> list[Migration]:
    """What this version brings beside its own migrations."""
    more: list[Migration] = []
    monkeypatch.setattr(schema, "load", lambda dialect: (*load(dialect), *more))
    return more


async def join(url: str) -> None:
    """A node that runs."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO nodes (id, name, version, started_at, alive_until, draining, roles) "
        "VALUES ('N', 'tern', '1.2', 0, 9000000000000000, 0, '')"
    )
    await connection.close()


async def test_from_an_empty_database_to_a_schema(empty_postgres: str, tmp_path: Path):
    config = configure(tmp_path, empty_postgres)
    pending = await run("migrate", "status", "--config", config)
    assert pending.code == 1 and "0001_first" in pending.out and "pending" in pending.out
    refused = await run("serve", "--config", config, env=KEY)
    assert refused.code == 2 and empty_postgres in refused.err and "run `whimbrel migrate apply`" in refused.err
    plan = await run("migrate", "plan", "--config", config)
    assert plan.code == 0 and "CREATE TABLE messages" in plan.out
    assert plan.out.startswith("-- Running nodes may stay.\n")

    applied = await run("migrate", "apply", "--config", config)
    assert applied.code == 0 and "applied 0001_first" in applied.out
    assert "secret.key" in applied.out and "every node needs the same one" in applied.out
    again = await run("migrate", "apply", "--config", config)
    assert again.out == "nothing to do: the schema is current\n"
    plan = await run("migrate", "plan", "--config", config)
    assert (plan.code, plan.out, plan.err) == (0, "", again.out)
    states = json.loads((await run("migrate", "status", "--json", "--config", config)).out)
    assert {each["state"] for each in states} == {"applied"}
    assert states[0] == {"migration": "0001_first", "state": "applied", "oldest_code": 1}
    found = {each["subject"]: each for each in json.loads((await run("doctor", "--config", config, "--json")).out)}
    assert found["store"]["state"] == "ok" and found["store"]["detail"] == f"{empty_postgres}, schema current"


async def test_running_nodes_may_stay_where_nothing_is_taken_from_them(
    postgres: str, tmp_path: Path, versions: list[Migration]
):
    config = configure(tmp_path, postgres)
    await join(postgres)
    versions.append(EXPAND)
    plan = await run("migrate", "plan", "--config", config)
    assert "Running nodes may stay (tern (1.2))." in plan.out
    assert f"{NEXT:04}_wider: nodes of older versions run on it" in plan.out
    assert (await run("migrate", "apply", "--config", config)).code == 0


async def test_what_running_nodes_do_not_run_on_waits_for_them_to_go(
    postgres: str, tmp_path: Path, versions: list[Migration]
):
    config = configure(tmp_path, postgres)
    await join(postgres)
    versions += [EXPAND, CONTRACT]
    plan = await run("migrate", "plan", "--config", config)
    assert f"Nodes that do not know {NEXT + 1:04}_strict must be stopped (tern (1.2))." in plan.out
    refused = await run("migrate", "apply", "--config", config)
    assert refused.code == 1 and f"{NEXT + 1:04}_strict" in refused.err and "tern (1.2) run now" in refused.err
    status = await run("migrate", "status", "--config", config)
    assert status.code == 1
    forced = await run("migrate", "apply", "--force", "--config", config)
    assert forced.code == 0 and f"applied {NEXT + 1:04}_strict" in forced.out
    versions.clear()
    older = await run("serve", "--config", config, env=KEY)
    assert older.code == 2 and "use a newer version" in older.err


async def test_an_older_version_and_an_optional_migration_are_told(
    postgres: str, tmp_path: Path, versions: list[Migration]
):
    config = configure(tmp_path, postgres)
    versions.append(parse(NEXT, "index", "-- expand\n-- optional\nCREATE INDEX i ON audit (actor)"))
    states = json.loads((await run("migrate", "status", "--json", "--config", config)).out)
    assert states[-1] == {"migration": f"{NEXT:04}_index", "state": "optional", "oldest_code": 0}
    found = {each["subject"]: each for each in json.loads((await run("doctor", "--config", config, "--json")).out)}
    assert found["store"]["state"] == "warning" and "works without" in found["store"]["detail"]
    assert (await run("migrate", "apply", "--config", config)).code == 0
    versions.clear()
    listed = await run("migrate", "status", "--json", "--config", config)
    assert listed.code == 0 and json.loads(listed.out)[-1]["state"] == "newer"


async def test_a_server_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path):
    config = configure(tmp_path, "postgresql://us:secret@127.0.0.1:1/x")
    for words in (("migrate", "status"), ("migrate", "plan"), ("migrate", "apply"), ("serve",)):
        done = await run(*words, "--config", config, env=KEY)
        assert done.code == 1 and "us:***@127.0.0.1:1/x cannot be reached" in done.err, done
        assert "secret" not in done.err


async def test_a_backup_of_postgresql_is_not_ours(postgres: str, tmp_path: Path):
    done = await run("backup", tmp_path / "copy.db", "--config", configure(tmp_path, postgres))
    assert done.code == 2 and "pg_dump" in done.err
