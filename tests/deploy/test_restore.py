"""A restore to an earlier moment, as docs/production.md tells it: base backup, traffic, the moment, more traffic, the
end; then the log is replayed up to the moment, `whimbrel restored --doubt`, and a node is started. Judged by the
carriers' logs: nothing came to them twice.
"""

import asyncio
import json
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from tests.cli.product import whimbrel
from tests.cluster.evidence import read_line
from tests.cluster.load import Client
from tests.cluster.scene import Scene, scene
from tests.faults.wire import until
from tests.pg import Server

pytestmark = pytest.mark.ci
RATE_PER_S = 150  # more than the carriers take, so that texts wait
EACH_TAKES_PER_S = 20


@pytest.fixture
def archive():
    """A folder that the server may write to, whoever runs it."""
    folder = Path(tempfile.mkdtemp(prefix="whimbrel-archive-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def taken(its: Scene) -> Counter[tuple[str, str]]:
    """What the carriers took: number and words."""
    return sum((read_line(carrier.name, carrier.log).taken for carrier in its.carriers), Counter())


async def asked(url: str, query: str) -> list[tuple]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def archived(server: Server) -> None:
    """All of the log so far is in the archive."""
    ((file,),) = await asked(server.url, "SELECT pg_walfile_name(pg_switch_wal())")

    async def is_there() -> bool:
        ((last,),) = await asked(server.url, "SELECT last_archived_wal FROM pg_stat_archiver")
        return last is not None and last >= file

    await until(is_there, 60.0, "the log in the archive")


async def restored(backup: Server, archive: Path, moment: str) -> None:
    """The backup as it is when the log was replayed up to the moment."""
    data = Path(backup.data)
    (data / "standby.signal").unlink()
    (data / "recovery.signal").touch()
    (data / "postgresql.auto.conf").write_text("")
    backup.settings |= {
        "restore_command": f"cp {archive}/%f %p",
        "recovery_target_name": moment,
        "recovery_target_action": "promote",
    }
    await asyncio.to_thread(backup.start)

    async def is_open() -> bool:
        ((in_recovery,),) = await asked(backup.url, "SELECT pg_is_in_recovery()")
        return not in_recovery

    await until(is_open, 90.0, "the end of the recovery")


async def queued(its: Scene, client: Client, count: float) -> bool:
    """So many at least were acknowledged and have not come to the carriers."""
    return sum(1 for sent in client.log if sent.id) - taken(its).total() >= count


async def test_after_a_restore_nothing_is_sent_a_second_time(tmp_path, archive):
    settings = {"archive_mode": "on", "archive_command": f"cp %p {archive}/%f", "archive_timeout": "60s"}
    server = Server(durable=True, settings=settings)
    async with scene(tmp_path, count=1, throughput_per_s=EACH_TAKES_PER_S, seed=1, server=server) as its:
        backup = await asyncio.to_thread(lambda: Server(durable=True, copy_of=server))
        try:
            (node,) = its.nodes
            await node.start()
            client = Client(its.nodes, its.key, rate_per_s=RATE_PER_S, seconds=8, batch=10)
            load = asyncio.create_task(client.run())
            await until(lambda: queued(its, client, 1.5 * RATE_PER_S), 90.0, "a queue")
            await asked(server.url, "SELECT pg_create_restore_point('before')")
            before = taken(its)
            await load

            async def has_gone_on() -> bool:
                return taken(its).total() > before.total() + RATE_PER_S

            await until(has_gone_on, 90.0, "texts that are sent after the moment")
            await node.kill()
            await archived(server)
            await asyncio.to_thread(server.stop)
            sent = taken(its)

            await restored(backup, archive, "before")
            database = backup.url.replace("/postgres", its.database[its.database.rindex("/") :])
            environ = {**node.environ, "WHIMBREL_DATABASE": database}
            looked = await asyncio.to_thread(whimbrel, "restored", "--json", env=environ)
            assert looked.code == 0, looked.err

            async def nobody_lives() -> bool:
                return not await asked(database, f"SELECT 1 FROM nodes WHERE alive_until > {time.time_ns() // 1000}")

            await until(nobody_lives, 90.0, "the killed node's end, which the restored database has yet to see")
            waiting = sum(sum(q["by_class"].values()) for q in json.loads(looked.out)["standing"]["queued"])
            assert waiting > RATE_PER_S
            told = await asyncio.to_thread(whimbrel, "restored", env=environ)
            assert "would be sent when a node starts" in told.out
            ids = [row[0] for row in await asked(database, "SELECT recipient FROM messages WHERE state = 'queued'")]
            doubled = {f"+{dest}" for dest, _ in sent} & set(ids)
            assert doubled, "without more ado these would be sent twice"

            done = await asyncio.to_thread(whimbrel, "restored", "--doubt", "--json", env=environ)
            assert done.code == 0, done.err
            assert json.loads(done.out)["put_in_doubt"] == waiting
            node.environ["WHIMBREL_DATABASE"] = its.database = database
            await node.start()
            in_use = await asyncio.to_thread(whimbrel, "restored", "--doubt", env=environ)
            assert in_use.code == 1 and "stop all of them first" in in_use.err
            query = "SELECT count(*) FROM messages WHERE state IN ('scheduled', 'queued', 'sending')"

            async def nothing_waits() -> bool:
                return not (await asked(database, query))[0][0]

            await until(nothing_waits, 90.0, "nothing that waits to be sent")
            await asyncio.sleep(2.0)  # for what a mistake would send
            assert await node.stop() == 0
            assert [text for text, count in taken(its).items() if count > 1] == []
            states = dict(await asked(database, "SELECT state, count(*) FROM messages GROUP BY state"))
            assert set(states) <= {"in_doubt", "delivered", "sent"}, states
            assert states["in_doubt"] >= len(doubled), "their receipts came to the other database"
        finally:
            backup.remove()
