"""Reports of carriers that bring codes of Verify, beside the calls of hooks: without a key, signed with the
channel's secret.
"""

from typing import Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import HOOK_BODY_MAX
from whimbrel.domain.hook_signatures import Signed
from whimbrel.edges.shared.asgi import ClientGone, Headers, Receive, Scope, Send
from whimbrel.edges.shared.bodies import read_body
from whimbrel.edges.shared.door import Door, id_header
from whimbrel.edges.shared.services import Services

_PREFIX: Final = "/v1/verify/attempts/"
_SUFFIX: Final = "/report"
_encode = msgspec.json.Encoder().encode


class ReportsDoor:
    """An ASGI application for the one route."""

    def __init__(self, services: Services, door: Door) -> None:
        self._services = services
        self._door = door

    @staticmethod
    def takes(method: str, path: str) -> bool:
        """Whether it is a report."""
        return method == "POST" and path.startswith(_PREFIX) and path.endswith(_SUFFIX) and path.count("/") == 5

    async def knows(self, path: str) -> bool:
        """Whether the attempt is of this cell."""
        return await self._services.verify.reporting.known(_attempt(path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._door.request_id()
        answer: Headers = [id_header(request_id)]
        try:
            body = await self._answered(scope, receive)
            await self._door.send(send, 200, [*answer, (b"content-type", b"application/json")], body)
        except ClientGone:
            return
        except Exception as error:
            self._note(error)
            await self._door.refuse(error, request_id, answer, send)

    async def _answered(self, scope: Scope, receive: Receive) -> bytes:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        self._door.failures.check()
        length = headers.get("content-length")
        octets = await read_body(receive, length.encode() if length else None, HOOK_BODY_MAX)
        call = Signed(method="POST", urls=(), headers=headers, query={}, body=octets)
        return _encode(await self._services.verify.reporting.take(_attempt(scope["path"]), call))

    def _note(self, error: Exception) -> None:
        """Who guesses at signatures is turned away after a while, as who guesses at keys is."""
        if isinstance(error, WhimbrelError) and error.code in ("hook_signature", "not_found"):
            self._door.failures.note()


def _attempt(path: str) -> str:
    return path.removeprefix(_PREFIX).removesuffix(_SUFFIX)
