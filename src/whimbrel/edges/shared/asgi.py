"""The few words of ASGI that edges speak, and one way to answer. Apart so that a raw handler needs no framework."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ABANDON = "whimbrel.abandon"  # a message of ours: the connection is closed, and the request has no answer
JSON_TYPE = (b"content-type", b"application/json")
PROBLEM_TYPE = (b"content-type", b"application/problem+json")


class ClientGone(Exception):
    """The client left before its request was whole: there is nobody to answer."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def called_by(scope: Scope, headers: Mapping[str, str], public_url: str) -> tuple[str, ...]:
    """What the caller may have called us by, for signatures that are made of it: proxies change scheme and host."""
    query = scope["query_string"].decode("latin-1")
    target = scope["path"] + (f"?{query}" if query else "")
    host = headers.get("x-forwarded-host") or headers.get("host", "")
    bases = dict.fromkeys(base for base in (public_url.rstrip("/"), f"https://{host}", f"http://{host}") if base)
    return tuple(base + target for base in bases)


async def respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def abandon(send: Send) -> None:
    """Close the connection without an answer."""
    await send({"type": ABANDON})
