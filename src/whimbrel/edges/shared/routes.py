"""The route table's words: an `Operation` says everything about one method of one path (who may, what goes in, what
comes out, what can go wrong), and both the router and the OpenAPI document are built from it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import BODY_MAX
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.auth import Principal
from whimbrel.edges.shared.services import Services

B = TypeVar("B")
Q = TypeVar("Q")

Access = Literal["public", "account", "operator", "any"]
"""Who may call: anyone; a key that acts for an account (its own, or by X-Account-Id); the operator; either."""

AccountHeader = Literal["taken", "needed", "refused"]
"""Whether `X-Account-Id` means something here, has to be there, or is refused because it means nothing."""


class NoAccount(WhimbrelError):
    """The operator asks for what is one account's and names none."""

    def __init__(self) -> None:
        super().__init__("invalid_parameter", "The operator names an account in the header `X-Account-Id`.")


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A route that takes no query parameters."""


def _always() -> None:
    """Where nobody waits for what comes."""


class Call(Generic[Q, B]):
    """One request, checked: who asks for whom, path parameters, query and body as values."""

    __slots__ = ("acting_for", "body", "headers", "path", "principal", "query", "request_id", "still")

    def __init__(
        self,
        *,
        principal: Principal,
        acting_for: str | None,
        path: Mapping[str, str],
        query: Q,
        body: B,
        headers: dict[bytes, bytes],
        request_id: str,
        still: Callable[[], object] = _always,
    ) -> None:
        self.principal = principal
        self.acting_for = acting_for
        self.path = path
        self.query = query
        self.body = body
        self.headers = headers
        self.request_id = request_id
        self.still = still
        """Raises what the caller would be answered now, where it may do this no more."""

    @property
    def account_id(self) -> str:
        """The account that the request is about."""
        if self.acting_for is None:
            raise NoAccount
        return self.acting_for

    @property
    def test(self) -> bool:
        """Whether a test key asks: it sees and makes test rows only."""
        return self.principal.test

    @property
    def within(self) -> str | None:
        """Whose things the caller may see: an account with its sub-accounts, or (None, the operator) all."""
        return self.principal.account_id

    @property
    def actor(self) -> str:
        """Who asks, for the audit log."""
        return self.principal.key_id


class Answer(msgspec.Struct, frozen=True):
    """What a handler answers: a value to encode as JSON (None: no content), or octets of another type. `status` None:
    the operation's own."""

    value: Any = None
    status: int | None = None
    location: str | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b"application/json"


Handle = Callable[[Services, Call[Any, Any]], Awaitable[Answer]]
Stream = Callable[[Services, Call[Any, Any], Headers, Receive, Send], Awaitable[None]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `handle` answers; an operation with `stream` sends by itself instead; one with neither is
    a hot route, which is answered before the router."""

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str  # as in OpenAPI: /v1/messages/{id}
    name: str  # operationId
    tag: str
    summary: str
    description: str = ""
    access: Access = "account"
    account_header: AccountHeader = "taken"
    scope: str = ""  # empty: any key; public operations have none
    live_only: bool = False  # a test key may not
    handle: Handle | None = None
    stream: Stream | None = None
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    octets: tuple[str, ...] = ()  # media types of a body that a stream reads itself, JSON of `body` beside them too
    body_max: int = BODY_MAX
    idempotent: bool = False  # honours Idempotency-Key
    answer: Any = None  # type of the answer's JSON; None: no content, or `content_type` says what
    content_type: str = "application/json"
    status: int = 200
    errors: tuple[str, ...] = ()  # codes beside those that every route of its kind may answer
    example: Any = None  # of the body
