"""A receiver of webhooks at a free port of this machine: keeps what came, answers as it is told."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web


class Post(msgspec.Struct, frozen=True):
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


class Sink:
    """What came, and how the next ones are answered: `answers` one after the other, then 204."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: deque[int] = deque()
        self.always: dict[str, int] = {}  # by path
        self.retry_after = ""
        self.held = asyncio.Event()  # paths that begin with /slow wait for this
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Keep the request, answer it."""
        seen = {name.lower(): value for name, value in request.headers.items()}
        self.posts.append(Post(request.path, seen, await request.read()))
        if request.path.startswith("/slow"):
            await self.held.wait()
        if request.path in self.always:
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return web.Response(status=self.always[request.path], headers=headers)
        return web.Response(status=self.answers.popleft() if self.answers else 204)

    def types(self, path: str = "/") -> list[str]:
        """Types of the events that came at a path, in order."""
        return [post.json["type"] for post in self.posts if post.path == path]

    def seen(self, message_id: str, path: str = "/") -> list[str]:
        """The same, of one message."""
        return [p.json["type"] for p in self.posts if p.path == path and p.json.get("message_id") == message_id]


@asynccontextmanager
async def listening() -> AsyncIterator[Sink]:
    """A sink that listens until the end of the block."""
    sink = Sink()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", sink.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    sink.url = f"http://{host}:{port}"
    try:
        yield sink
    finally:
        sink.held.set()
        await runner.cleanup()
