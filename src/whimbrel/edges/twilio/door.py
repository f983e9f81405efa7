"""The Twilio door, put together: which path is which resource, who may, what is answered. Paths are few and are told
apart by their shape, without a router, because every message of this door comes through here; those of products
(Verify, Lookup) come after, each a pattern.

Every answer that is no success, a 404 and a 500 too, is in Twilio's form: the SDKs read its `code` as a number.
"""

import base64
import binascii
import re
from typing import Final

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared.asgi import ClientGone, Headers, Receive, Scope, Send, abandon
from whimbrel.edges.shared.auth import ACCOUNT_HEADER
from whimbrel.edges.shared.door import Door, check_scope, id_header
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import services as messaging
from whimbrel.edges.twilio.accounts import Accounts
from whimbrel.edges.twilio.lookups import Lookups
from whimbrel.edges.twilio.media import MessageMedia
from whimbrel.edges.twilio.messages import Messages
from whimbrel.edges.twilio.numbers import Numbers
from whimbrel.edges.twilio.problems import problem_answer
from whimbrel.edges.twilio.routes import ROOT, Operation, Operations, Place, Product, Reply, Request
from whimbrel.edges.twilio.sending import Sending
from whimbrel.edges.twilio.usage import Usage
from whimbrel.edges.twilio.verify import table as verify

PREFIXES: Final = ("/2010-04-01/", "/v2/", "/v1/PhoneNumbers/", "/v1/Services")
_OF_2010: Final = PREFIXES[0]
_ACCOUNT_END: Final = len(ROOT) + 34  # a sid is two letters and 32 hexadecimal digits
_OF_MESSAGE: Final = re.compile(r"/Messages/((?:SM|MM)[0-9a-f]{32})(\.json|/Media\.json)").fullmatch
_OF_MEDIUM: Final = re.compile(r"/Messages/((?:SM|MM)[0-9a-f]{32})/Media/ME[0-9a-f]{32}(\.json|)").fullmatch
_OF_NUMBER: Final = re.compile(r"/IncomingPhoneNumbers/(PN[0-9a-f]{32})\.json").fullmatch
_BASIC: Final = b"basic "
_KEY: Final = b"wk_"


class TwilioDoor:
    """The ASGI application of all paths that begin with one of `PREFIXES`. `door` holds the keys, their rates, and
    counts."""

    def __init__(self, services: Services, door: Door) -> None:
        self._door = door
        self._public_url = services.public_url.rstrip("/")
        accounts, messages, sending = Accounts(services), Messages(services), Sending(services)
        phone_numbers, media = Numbers(services), MessageMedia(services)
        self._of_number = phone_numbers.of_number()
        read, write = "messages:read", "messages:write"
        self._by_end: dict[str, Operations] = {
            "/Messages.json": {"POST": Operation(write, sending.create), "GET": Operation(read, messages.find)},
            ".json": {"GET": Operation("accounts:read", accounts.fetch)},
            "/Balance.json": {"GET": Operation("balance:read", accounts.balance)},
            **Usage(services).by_end(),
            **phone_numbers.by_end(),
        }
        self._of_message: dict[str, Operations] = {
            ".json": {
                "GET": Operation(read, messages.fetch),
                "POST": Operation(write, messages.update),
                "DELETE": Operation(write, messages.delete),
            },
            "/Media.json": {"GET": Operation(read, media.find)},
        }
        self._of_medium: dict[str, Operations] = {
            ".json": {"GET": Operation(read, media.fetch), "DELETE": Operation(write, media.delete)},
            "": {"GET": Operation(read, media.content)},
        }
        self._products: tuple[Product, ...] = (
            *verify.products(services),
            *Lookups(services).products,
            *messaging.products(services),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._door.request_id()
        answer: Headers = [id_header(request_id)]
        try:
            reply = await self._reply(scope, receive, answer)
        except ClientGone:
            return
        except Exception as error:
            await self._refuse(error, request_id, answer, scope, send)
            return
        if reply.body:
            answer.append(reply.content_type)
        answer += reply.headers
        await self._door.send(send, reply.status, answer, reply.body)

    async def turn_away(self, error: Exception, scope: Scope, send: Send) -> None:
        """Answer a request that no door of a cell can take."""
        request_id = self._door.request_id()
        await self._refuse(error, request_id, [id_header(request_id)], scope, send)

    async def _reply(self, scope: Scope, receive: Receive, answer: Headers) -> Reply:
        path: str = scope["path"]
        place = self._place(path)
        operation = place.operations.get("GET" if scope["method"] == "HEAD" else scope["method"])
        if operation is None:
            answer.append((b"allow", ", ".join(sorted(place.operations)).encode()))
            raise WhimbrelError("method_not_allowed")
        headers = _with_key(dict(scope["headers"]))
        principal = await self._door.admit(headers, answer)
        check_scope(principal, operation.scope)
        account_id = place.account_id
        named = headers if account_id is None else {ACCOUNT_HEADER: account_id.encode()}
        account_id = self._door.acting_for(principal, named)
        if account_id is None:
            raise WhimbrelError("invalid_parameter", "The operator names an account in the header `X-Account-Id`.")
        request = Request(
            principal=principal,
            account_id=account_id,
            sid=place.sid,
            names=place.names,
            base_url=self._base_url(scope) if place.account_id is None else "",
            path=path,
            query_string=scope["query_string"],
            headers=headers,
            receive=receive,
            still=self._door.still(operation.scope, headers.get(b"authorization"), account_id.encode()),
        )
        return await operation.handle(request)

    def _place(self, path: str) -> Place:
        if path.startswith(ROOT):
            account_id, end = path[len(ROOT) : _ACCOUNT_END], path[_ACCOUNT_END:]
            operations = self._by_end.get(end)
            if operations is not None:
                return Place(operations, account_id)
            found = _OF_MESSAGE(end)
            if found is not None:
                return Place(self._of_message[found[2]], account_id, found[1])
            found = _OF_MEDIUM(end)
            if found is not None:
                return Place(self._of_medium[found[2]], account_id, found[1])
            found = _OF_NUMBER(end)
            if found is not None:
                return Place(self._of_number, account_id, found[1])
        elif not path.startswith(_OF_2010):
            for each in self._products:
                matched = each.pattern.fullmatch(path)
                if matched is not None:
                    return Place(each.operations, None, names=matched.groups())
        raise WhimbrelError("not_found")

    async def _refuse(self, error: Exception, request_id: str, answer: Headers, scope: Scope, send: Send) -> None:
        if self._door.leaves_unanswered(error, request_id):
            await abandon(send)
            return
        told = self._door.told(error, request_id)
        status, headers, body = problem_answer(told, request_id, self._base_url(scope), scope["path"])
        await self._door.send(send, status, answer + headers, body)

    def _base_url(self, scope: Scope) -> str:
        """Where this server is found: as the operator says, or as the client found it."""
        if self._public_url:
            return self._public_url
        host = dict(scope["headers"]).get(b"host", b"localhost")
        return f"{scope['scheme']}://{host.decode('latin-1')}"


def _with_key(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """SDKs know Basic only. A password that is an API key (`wk_…`) stands for itself, whatever the user name is: the
    key alone says who asks."""
    authorization = headers.get(b"authorization", b"")
    if authorization[:6].lower() != _BASIC:
        return headers
    try:
        password = base64.b64decode(authorization[6:].strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return headers
    if password.startswith(_KEY):
        headers[b"authorization"] = b"Bearer " + password
    return headers
