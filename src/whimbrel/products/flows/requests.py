"""Requests of flows to other systems: by the HTTP client that keeps private networks out of reach, at least once, with
an `Idempotency-Key` that is the same at each try.
"""

from typing import Any, Final

import msgspec

from whimbrel.base.limits import FLOW_DEPTH_MAX
from whimbrel.domain.flow_effects import Outbound
from whimbrel.net.http import Failure, HttpClient

DEPTH_HEADER: Final = "whimbrel-flow-depth"
"""How deep flows have started each other: whoever starts one in answer to a request sends it on."""
_BODY_MAX: Final = 8 * 1024
"""Octets of an answer that a run keeps: more than that is no answer to a question."""


def depth_of(value: bytes | None) -> int:
    """How deep a run is that is started with this header."""
    if value is None:
        return 0
    return int(value) if value.isdigit() and len(value) < 3 else FLOW_DEPTH_MAX + 1


async def ask(client: HttpClient, request: Outbound, depth: int) -> dict[str, Any]:
    """`status` and `body` (JSON where it is that), or `error` where there was no answer."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers |= {"idempotency-key": request.key, DEPTH_HEADER: str(depth + 1)}
    if request.method == "GET":
        answer = await client.get(request.url, headers, timeout_s=request.timeout_s)
    else:
        headers.setdefault("content-type", "application/json")
        body = b"" if request.body is None else msgspec.json.encode(request.body)
        answer = await client.post(request.url, body, headers, timeout_s=request.timeout_s)
    if isinstance(answer, Failure):
        return {"status": None, "error": answer.reason, "body": None}
    return {"status": answer.status, "body": _read(answer.body[:_BODY_MAX])}


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")
