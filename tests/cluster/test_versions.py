"""An upgrade without a stop, as docs/migrations.md says it: nodes of two versions on one database under load, the newer
one first on the old schema, the older one then on the new schema, and every message judged at the far ends.

The later version is a copy of the package with one more migration and a use of it.
"""

import asyncio
import re
import shutil
from pathlib import Path

import asyncpg
import pytest

from tests.faults.wire import call, until
from whimbrel.store.migrations import load

from .evidence import gather
from .load import Client
from .nodes import Node
from .oracle import judge
from .run import settle
from .scene import Scene, scene

NEXT = len(load("postgresql")) + 1
PLAIN = "-- name: message_delivered (distinct)\nUPDATE messages SET state"
REMARKED = (
    "-- name: message_delivered (distinct, since remarks)\nUPDATE messages SET remark = 'by the later one', state"
)
THROUGHPUT_PER_S = 200
SECONDS = 200  # at most
RATE_PER_S = 40


def add_migration(package: Path, number: int, name: str, sql: str) -> None:
    folder = package / "whimbrel" / "store" / "migrations" / "postgresql"
    (folder / f"{number:04}_{name}.sql").write_text(sql)


def add_a_use(package: Path) -> None:
    """A delivered message gets a remark, where the database has room for one."""
    file = package / "whimbrel" / "store" / "sql" / "outcomes.sql"
    text = file.read_text()
    start = text.index(PLAIN)
    end = text.index(";", start) + 1
    block = text[start:end]
    file.write_text(text[:end] + "\n\n" + block.replace(PLAIN, REMARKED) + text[end:])


async def remarks(its: Scene) -> set[str | None]:
    """Of delivered messages."""
    database = await asyncpg.connect(its.database)
    try:
        rows = await database.fetch("SELECT DISTINCT remark FROM messages WHERE state = 'delivered'")
        return {row[0] for row in rows}
    finally:
        await database.close()


async def asked(node: Node) -> tuple[int, str]:
    answer = await call(node.port, "GET", "/readyz")
    return answer.status, answer.body.decode()


@pytest.mark.ci
async def test_two_versions_work_side_by_side_on_either_schema(tmp_path: Path) -> None:
    async with scene(tmp_path, count=2, throughput_per_s=THROUGHPUT_PER_S, seed=5) as its:
        older, newer = its.nodes
        package = tmp_path / "newer"
        add_migration(
            package, NEXT, "remarks", "-- expand\n-- optional\nALTER TABLE messages ADD COLUMN remark text;\n"
        )
        add_a_use(package)
        await older.start()
        await newer.start(upgraded=True)
        client = Client(its.nodes, its.key, rate_per_s=RATE_PER_S, seconds=SECONDS, batch=5)
        sending = asyncio.create_task(client.run())
        await until(lambda: _sent(client, RATE_PER_S), 60, "the newer version works on the old schema")

        done = await newer.command("migrate", "plan", upgraded=True)
        assert done.code == 0 and len(re.findall(r"may stay \(.+ \(.+\), .+ \(.+\)\)", done.out)) == 1, done
        done = await newer.command("migrate", "apply", upgraded=True)
        assert done.code == 0 and f"applied {NEXT:04}_remarks" in done.out, done
        assert (await asked(older))[0] == (await asked(newer))[0] == 200
        before = len(client.log)
        await until(lambda: _sent(client, before + RATE_PER_S), 60, "both work on the new schema")

        assert await newer.stop() == 0
        await newer.start(upgraded=True)
        await until(lambda: _has_remarks(its), 60, "the newer version uses what is new")
        client.stop()
        await sending
        await settle(its)
        await _end_of_the_older_one(its, tmp_path)
        for node in its.nodes:
            if node.is_up:
                assert await node.stop() == 0
        verdict = judge(await gather(its, client, THROUGHPUT_PER_S))
    assert verdict.broken == []
    assert verdict.messages == len(client.log)


async def _sent(client: Client, count: int) -> bool:
    return sum(1 for sent in client.log if sent.id) >= count


async def _has_remarks(its: Scene) -> bool:
    return await remarks(its) == {None, "by the later one"}


async def _end_of_the_older_one(its: Scene, folder: Path) -> None:
    """A migration that older code does not run on waits for it to go, or ends it."""
    older, newer = its.nodes
    shutil.copytree(folder / "newer", folder / "newest")
    add_migration(folder / "newest", NEXT + 1, "strict", f"-- contract {NEXT}\nCREATE TABLE stricter (x bigint);\n")
    done = await newer.command("migrate", "apply", package=folder / "newest")
    assert done.code == 1 and f"{NEXT + 1:04}_strict" in done.err and " run now: stop those" in done.err, done
    done = await newer.command("migrate", "apply", "--force", package=folder / "newest")
    assert done.code == 0, done
    status, body = await asked(older)
    assert status == 503 and f"{NEXT + 1:04}_strict, which this version does not know" in body, body
    assert (await asked(newer))[0] == 200
    assert await older.stop() == 0
    refused = await older.command("serve")
    assert refused.code == 2 and "use a newer version" in refused.err, refused
