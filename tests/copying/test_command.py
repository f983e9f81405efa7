"""`whimbrel copy` as a user has it: killed in the middle and run again, what it says, and what it refuses."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.console import Console

from tests.cli.product import COMMAND, invoke, started, until, whimbrel
from tests.copying.ends import ask
from tests.copying.installation import ACCOUNTS, MASTER_KEY, make
from whimbrel.cli import copying

BOOKS = "SELECT debit, credit, COUNT(*), CAST(SUM(amount_micros) AS bigint) FROM ledger GROUP BY 1, 2 ORDER BY 1, 2"
BALANCES = "SELECT account_id, available, held, spent FROM balances ORDER BY 1"
STATES = """SELECT direction, state, COUNT(*), CAST(SUM(held_micros) AS bigint), CAST(SUM(charged_micros) AS bigint)
    FROM messages GROUP BY 1, 2 ORDER BY 1, 2"""
LOG = "SELECT type, COUNT(*), MIN(position), MAX(position), CAST(SUM(seq) AS bigint) FROM events GROUP BY 1 ORDER BY 1"
TIMELINES = """SELECT COUNT(*) FROM (SELECT subject_id, COUNT(*) AS events, MAX(seq) AS last FROM events GROUP BY 1)
    AS t WHERE events <> last"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the master key of what is copied."""
    path = tmp_path / "data"
    path.mkdir()
    (path / "secret.key").write_text(MASTER_KEY.hex())
    (path / "secret.key").chmod(0o600)
    return path


@pytest.fixture
def small(folder: Path) -> str:
    """A URL of 500 messages."""
    asyncio.run(make(folder / "whimbrel.db", 500))
    return f"sqlite:///{folder}/whimbrel.db"


@pytest.mark.parametrize(("count", "times"), [(20_000, 1), pytest.param(100_000, 3, marks=pytest.mark.ci)])
async def test_a_copy_that_is_killed_goes_on_and_agrees(
    count: int, times: int, folder: Path, postgres: str, tmp_path: Path
):
    path = folder / "whimbrel.db"
    await make(path, count, times)
    command = ("copy", "--from", f"sqlite:///{path}", "--to", postgres)
    holding = await asyncpg.connect(postgres)
    async with holding.transaction():
        await holding.execute("LOCK TABLE queue IN SHARE MODE")  # comes after messages: it does not end before that
        with started(tmp_path / "streams", *COMMAND, *command) as running:
            await asyncio.to_thread(until, lambda: _is_copying(postgres), within_s=300, what="messages go over")
            running.process.kill()
            running.process.wait()
    await holding.close()
    config = tmp_path / "whimbrel.toml"
    config.write_text(f'database = "{postgres}"\n[server]\nport = 0\ndata = "{folder}"\n[smpp]\nport = 0\n')
    for verb in (("serve",), ("migrate", "status")):
        refused = await asyncio.to_thread(invoke, *verb, "--config", config)
        assert refused.code != 0 and "half copied" in refused.err, refused.err

    done = await asyncio.to_thread(whimbrel, *command, "--json", within_s=1200)
    assert done.code == 0, done.err
    assert "done by an earlier run" in done.err
    compared = {each["table"]: each for each in json.loads(done.out)}
    assert all(each["agrees"] for each in compared.values())
    assert compared["messages"]["target_rows"] >= count * times
    for sql in (BOOKS, BALANCES, STATES, LOG, TIMELINES):
        assert await ask(postgres, sql) == await ask(str(path), sql)
    assert (await ask(postgres, TIMELINES)) == [(0,)]
    ready = await asyncio.to_thread(invoke, "migrate", "status", "--config", config)
    assert ready.code == 0, ready.err


def _is_copying(url: str) -> bool:
    """Whether some of the messages are over."""
    there = asyncio.run(ask(url, "SELECT to_regclass('copying')"))
    return there != [(None,)] and bool(asyncio.run(ask(url, "SELECT 1 FROM copying WHERE name = 'messages'")))


def test_what_it_says(small: str, tmp_path: Path):
    target = f"sqlite:///{tmp_path}/copy.db"
    done = invoke("copy", "--from", small, "--to", target)
    assert done.code == 0, done.err
    assert "the master key opens the secrets of the source (9 tried)" in done.err
    assert "rows to copy" in done.err and "rows are copied; comparing" in done.err
    assert "messages" in done.out and "agree" in done.out and "differ" not in done.out
    again = invoke("copy", "--from", small, "--to", target)
    assert again.code == 1 and "has data of its own (accounts)" in again.err


def test_another_master_key_is_found_out_before_anything_is_copied(small: str, folder: Path, tmp_path: Path):
    (folder / "secret.key").write_text("11" * 32)
    done = invoke("copy", "--from", small, "--to", f"sqlite:///{tmp_path}/copy.db")
    assert done.code == 2 and "our master key does not open its secret" in done.err
    assert not (tmp_path / "copy.db").exists()
    key = invoke("copy", "--from", small, "--to", f"sqlite:///{tmp_path}/copy.db",
                 env={"WHIMBREL_MASTER_KEY": MASTER_KEY.hex()})  # fmt: skip
    assert key.code == 0, key.err


def test_without_a_master_key_it_says_so(small: str, folder: Path, tmp_path: Path):
    (folder / "secret.key").unlink()
    done = invoke("copy", "--from", small, "--to", f"sqlite:///{tmp_path}/copy.db")
    assert done.code == 0 and "no master key was found" in done.err


def test_what_it_refuses(small: str, tmp_path: Path):
    target = f"sqlite:///{tmp_path}/copy.db"
    same = invoke("copy", "--from", small, "--to", small)
    assert same.code == 2 and "are the same" in same.err
    odd = invoke("copy", "--from", small, "--to", "mysql://x")
    assert odd.code == 2 and "mysql://x: expected sqlite:///" in odd.err
    nobody = invoke("copy", "--from", small, "--to", target, "--account", "AC" + "9" * 32)
    assert nobody.code == 2 and "there is no account AC999" in nobody.err
    assert not (tmp_path / "copy.db").exists()
    away = invoke("copy", "--from", small, "--to", "postgresql://us:secret@127.0.0.1:1/x")
    assert away.code == 1 and "us:***@127.0.0.1:1/x cannot be reached" in away.err
    one = invoke("copy", "--from", small, "--to", target, "--account", ACCOUNTS[0], "--json")
    assert one.code == 0, one.err
    assert {each["table"]: each["target_rows"] for each in json.loads(one.out)}["accounts"] == 1


def test_what_does_not_agree_ends_in_an_error(small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def settle(target: Any) -> None:
        target._connection.execute("DELETE FROM balances")

    monkeypatch.setattr(copying.sqlite.SqliteTarget, "settle", settle)
    done = invoke("copy", "--from", small, "--to", f"sqlite:///{tmp_path}/copy.db")
    assert done.code == 1 and "does not agree with its source" in done.err
    assert [line for line in done.out.splitlines() if "differ" in line and "balances" in line]


def test_whoever_watches_sees_a_bar_with_rate_and_time_left():
    shown = io.StringIO()
    with copying._watch(Console(force_terminal=True, width=120, file=shown)) as watch:
        watch.begins(10_000, 2_000)
        watch.copied("messages", 3_000)
        watch.counts()
    assert "5000/10000" in shown.getvalue() and "/s" in shown.getvalue() and "comparing" in shown.getvalue()
