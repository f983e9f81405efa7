"""Files over the wire: CSV that is sent a page at a time, and CSV that is read as it comes."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from whimbrel.base import limits
from whimbrel.edges.shared.asgi import Headers, Receive, Send, respond
from whimbrel.edges.shared.bodies import body_pieces
from whimbrel.edges.shared.routes import Call

CSV = "text/csv"
_encode = msgspec.json.Encoder().encode


async def send_csv(pages: AsyncIterator[bytes], name: str, headers: Headers, send: Send) -> None:
    """A page of the file at a time: the next is read when the last one is written."""
    named = [
        *headers,
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": named})
    async for octets in pages:
        await send({"type": "http.response.body", "body": octets, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def file_pieces(call: Call[Any, Any], receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes."""
    return body_pieces(receive, call.headers.get(b"content-length"), limits.IMPORT_BODY_MAX, limits.IMPORT_PIECE)


async def send_json(value: Any, headers: Headers, send: Send, status: int = 200) -> None:
    """The answer to a file."""
    await respond(send, status, [*headers, (b"content-type", b"application/json")], _encode(value))
