"""Calls of hooks: read within bounds, handed to the product with all that a signature may be made of, answered in the
form that their sender understands.
"""

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import HOOK_BODY_MAX
from whimbrel.edges.shared.asgi import ClientGone, Headers, Receive, Scope, Send, called_by
from whimbrel.edges.shared.bodies import read_body
from whimbrel.edges.shared.door import Door, id_header
from whimbrel.edges.shared.services import Services
from whimbrel.products.hooks.receiving import Request

PREFIX: Final = "/v1/hooks/HK"
_BASE: Final = "/v1/hooks/"
_QUERY_MAX: Final = 64
_ACK: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
"""What Salesforce takes for a yes (SOAP API Developer Guide, "Outbound Messaging": notificationsResponse)."""
_encode = msgspec.json.Encoder().encode


class HooksDoor:
    """An ASGI application for the one route."""

    def __init__(self, services: Services, door: Door) -> None:
        self._services = services
        self._door = door

    @staticmethod
    def takes(method: str, path: str) -> bool:
        """Whether it is a call, and not a request about a hook."""
        return method == "POST" and path.startswith(PREFIX) and "/" not in path[len(_BASE) :]

    async def knows(self, path: str) -> bool:
        """Whether the hook is of this cell."""
        return await self._services.hooks.known(path[len(_BASE) :])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._door.request_id()
        answer: Headers = [id_header(request_id)]
        try:
            body, kind = await self._answered(scope, receive)
            await self._door.send(send, 200, [*answer, (b"content-type", kind)], body)
        except ClientGone:
            return
        except Exception as error:
            self._note(error, scope["path"][len(_BASE) :])
            await self._door.refuse(error, request_id, answer, send)

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[bytes, bytes]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        if headers.get("content-encoding", "identity") != "identity":
            raise WhimbrelError("unsupported_media_type", "Send the body without Content-Encoding.")
        self._door.failures.check_hook(scope["path"][len(_BASE) :])
        await self._services.tables.current()
        length = headers.get("content-length")
        octets = await read_body(receive, length.encode() if length else None, HOOK_BODY_MAX)
        request = Request(
            hook_id=scope["path"][len(_BASE) :],
            method=scope["method"],
            urls=called_by(scope, headers, self._services.public_url),
            headers=headers,
            query=_query(scope),
            body=octets,
        )
        receipt = await self._services.hooks.receive(request)
        if receipt.reply == "salesforce":
            return _ACK, b"text/xml; charset=utf-8"
        return _encode(receipt), b"application/json"

    def _note(self, error: Exception, hook_id: str) -> None:
        """Who guesses at signatures is turned away from this hook after a while."""
        if isinstance(error, WhimbrelError) and error.code in ("hook_signature", "not_found"):
            self._door.failures.note_hook(hook_id)


def _query(scope: Scope) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_QUERY_MAX
        )
    except ValueError:
        raise WhimbrelError("invalid_parameter", "The query string is not percent-encoded UTF-8.") from None
    return dict(pairs)
