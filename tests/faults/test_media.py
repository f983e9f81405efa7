"""A node that dies between fetching a medium and storing it, or between storing it and accepting its message: there is
no message without its media, and nothing but a medium that expires; the same request again is accepted once.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.net.http_rig import answer_of, sink

from .processes import Node, simulator
from .wire import call

pytestmark = pytest.mark.ci
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100)


@pytest.mark.parametrize(("fault", "left"), [("media.after_fetch", 0), ("accept.before_commit", 1)])
async def test_a_message_is_there_with_its_media_or_not_at_all(tmp_path: Path, fault: str, left: int) -> None:
    async with simulator(tmp_path / "sim.log") as address, sink(answer_of("200 OK", body=PNG)) as server:
        (tmp_path / "node").mkdir()
        node = Node(tmp_path / "node", address["smpp_port"])
        body = {"to": "+447400123456", "text": "Look:", "media": [f"http://127.0.0.1:{server.port}/a.png"]}

        async def asked(method: str, path: str, body: Any = None, **more: str) -> Any:
            return await call(node.port, method, path, body, node.credentials()["api_key"], **more)

        process = await node.start(fault)
        with pytest.raises((OSError, EOFError, ConnectionError)):
            await asked("POST", "/v1/messages", body)
        await process.wait()
        await node.start()
        assert (await asked("GET", "/v1/messages")).json()["data"] == []
        kept = (await asked("GET", "/v1/media")).json()["data"]
        assert [(each["messages"], each["expires_at"] > each["created_at"]) for each in kept] == [(0, True)] * left
        again = await asked("POST", "/v1/messages", body)
        assert again.status == 202
        (medium,) = (await asked("GET", "/v1/media")).json()["data"]
        assert (again.json()["media"], medium["messages"]) == ([medium["id"]], 1)
        assert (await asked("GET", f"/v1/media/{medium['id']}/content")).body == PNG
        await node.stop()
