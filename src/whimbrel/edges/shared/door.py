"""What happens to every request of the REST door before and after its handler: who asks, how often, for whom, query,
body; then the answer, or the refusal as problem details. Routing itself is Starlette's; one Starlette route stands for
a path, and its methods are told apart here, so that a 405 names them all.
"""

import copy
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.routing import Route

from whimbrel.base.errors import FieldError, Unanswerable, Unavailable, WhimbrelError, public
from whimbrel.base.ids import REQUEST
from whimbrel.base.metrics import Metrics, Tally
from whimbrel.domain.active import check_active
from whimbrel.edges.shared.asgi import ClientGone, Headers, Receive, Scope, Send, abandon, respond
from whimbrel.edges.shared.auth import ACCOUNT_HEADER, Authenticator, Principal
from whimbrel.edges.shared.bodies import JsonBody, check_json, read_body
from whimbrel.edges.shared.failures import Failures
from whimbrel.edges.shared.paths import Paths
from whimbrel.edges.shared.problems import invalid_query, problem_answer
from whimbrel.edges.shared.ratelimit import RateLimiter, rate_headers, too_many
from whimbrel.edges.shared.routes import Answer, Call, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.journey.accept import Still

_log = logging.getLogger("whimbrel.edges")
NO_ANSWER: Final = 0  # in place of a status
_NOBODY = Principal(None, "", False, frozenset(), 0)
_encode = msgspec.json.Encoder().encode


class Door:
    """Checks and answers requests; one for all REST routes."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.failures = Failures(services.clock)
        self._authenticator = Authenticator(
            directory=services.tables,
            vault=services.vault,
            clock=services.clock,
            failures=self.failures,
            elsewhere=services.elsewhere,
            unsure=services.unsure,
        )
        self._limiter = RateLimiter(services.clock)
        self._ids = services.ids
        self._answers = _Answers(services.metrics, "rest")

    def named(self, name: str) -> "Door":
        """This door under another name: the same keys and the same rate of each, answers counted apart."""
        other = copy.copy(self)
        other._answers = _Answers(self.services.metrics, name)
        return other

    # ---- the steps; hot routes call them one by one

    def request_id(self) -> str:
        """A new id for this request, told in `X-Request-Id` and in every problem."""
        return self._ids.new(REQUEST)

    async def admit(self, request: dict[bytes, bytes], answer: Headers) -> Principal:
        """Who asks as of now, if the key has requests left; adds the RateLimit headers to the answer's."""
        await self.services.tables.current()
        principal = self.principal(request)
        granted, remaining = self.take(principal)
        answer += rate_headers(principal.rate_per_s, remaining)
        if not granted:
            raise too_many()
        return principal

    def principal(self, request: dict[bytes, bytes]) -> Principal:
        """Who asks."""
        return self._authenticator.principal(request.get(b"authorization"))

    def take(self, principal: Principal) -> tuple[bool, int]:
        """Whether the key has a request left, and how many after this one."""
        return self._limiter.take(principal.key_id, principal.rate_per_s)

    def acting_for(self, principal: Principal, request: dict[bytes, bytes]) -> str | None:
        """The account that the request is about."""
        return self._authenticator.acting_for(principal, request.get(ACCOUNT_HEADER))

    def still(self, scope: str, authorization: bytes | None, wanted: bytes | None) -> Still | None:
        """For accept, which calls it when the configuration has changed since this request was let in: raises what the
        request is answered now. `wanted`: the account that it is about, where it named one. None where no other process
        changes anything."""
        if self.services.tables.basis is None:
            return None
        return partial(self.let_in, scope, authorization, wanted)

    def still_active(self, account_id: str) -> Still | None:
        """The same for a door that knows already who asks: it is looked at that the account may send still."""
        if self.services.tables.basis is None:
            return None
        return lambda: check_active(self.services.tables.accounts.get(account_id))

    def let_in(self, scope: str, authorization: bytes | None, wanted: bytes | None) -> None:
        """Raises what a request that was let in before would be answered now; counts nothing."""
        principal = self._authenticator.again(authorization)
        check_scope(principal, scope)
        self._authenticator.acting_for(principal, wanted)

    async def refuse(self, error: Exception, request_id: str, answer: Headers, send: Send) -> None:
        """Answer with problem details, or not at all where nobody knows what to say."""
        if self.leaves_unanswered(error, request_id):
            await abandon(send)
            return
        status, headers, body = self.refusal(error, request_id)
        await self.send(send, status, answer + headers, body)

    def refusal(self, error: Exception, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers and body of such an answer. Anything but a WhimbrelError is ours, and logged once."""
        return problem_answer(self.told(error, request_id), request_id)

    def told(self, error: Exception, request_id: str) -> WhimbrelError:
        """What is told of an error. The store says itself what is wrong with it, and not for each request."""
        if not isinstance(error, WhimbrelError | Unavailable):
            _log.error("a request failed", exc_info=error, extra={"request_id": request_id})
        return public(error)

    async def turn_away(self, error: Exception, send: Send) -> None:
        """Answer a request that no door of a cell can take."""
        request_id = self.request_id()
        await self.refuse(error, request_id, [id_header(request_id)], send)

    def leaves_unanswered(self, error: Exception, request_id: str) -> bool:
        """Whether the request gets no answer: an error would say that nothing was stored, and nobody knows that."""
        if not isinstance(error, Unanswerable):
            return False
        _log.error("a request has no answer", extra={"request_id": request_id, "error": str(error)})
        self._answers.count(NO_ANSWER)
        return True

    async def send(self, send: Send, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer and count it."""
        self.count(status)
        await respond(send, status, headers, body)

    def count(self, status: int) -> None:
        """An answer of this status is given."""
        self._answers.count(status)

    # ---- ordinary routes

    def router(self, operations: Sequence[Operation]) -> Paths:
        """The application of these operations; what it does not know is 404 in problem details."""
        paths: dict[str, list[Operation]] = {}
        for operation in operations:
            paths.setdefault(operation.path, []).append(operation)
        return Paths({path: partial(self._route, path, paths[path]) for path in paths}, self.not_found)

    def _route(self, path: str, operations: Sequence[Operation]) -> Route:
        return Route(path, _Path(self, operations))

    async def not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer on a path that nobody knows."""
        if scope["type"] == "http":
            request_id = self.request_id()
            await self.refuse(WhimbrelError("not_found"), request_id, [id_header(request_id)], send)


class _Answers:
    """Counts answers by status without a look-up of labels each."""

    def __init__(self, metrics: Metrics, door: str) -> None:
        self._metrics = metrics
        self._door = door
        self._tallies: dict[int, Tally] = {}

    def count(self, status: int) -> None:
        tally = self._tallies.get(status)
        if tally is None:
            counter = self._metrics.requests.labels(self._door, str(status) if status else "none")
            tally = self._tallies[status] = self._metrics.tally(counter)
        tally.count += 1


def id_header(request_id: str) -> tuple[bytes, bytes]:
    """The header that tells a request's id."""
    return (b"x-request-id", request_id.encode())


class _Path:
    """All methods of one path."""

    def __init__(self, door: Door, operations: Sequence[Operation]) -> None:
        self._door = door
        self._methods: dict[str, _Endpoint] = {
            each.method: _Endpoint(door, each) for each in operations if each.handle or each.stream
        }
        reading = next((each for each in operations if each.method == "GET" and each.handle), None)
        if reading is not None:
            self._methods["HEAD"] = _Endpoint(door, reading)
        self._allow = ", ".join(sorted(each.method for each in operations)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._door.request_id()
        answer: Headers = [id_header(request_id)]
        try:
            endpoint = self._methods.get(scope["method"])
            if endpoint is None:
                answer.append((b"allow", self._allow))
                raise WhimbrelError("method_not_allowed")
            await endpoint.answer(scope, receive, send, request_id, answer)
        except ClientGone:
            return
        except Exception as error:
            await self._door.refuse(error, request_id, answer, send)


class _Endpoint:
    """One operation, ready to be called."""

    def __init__(self, door: Door, operation: Operation) -> None:
        self._door = door
        self._operation = operation
        self._body = JsonBody(operation.body) if operation.body and not operation.octets else None

    async def answer(self, scope: Scope, receive: Receive, send: Send, request_id: str, answer: Headers) -> None:
        """Check, handle, answer; a refusal is raised."""
        call = await self._call(scope, receive, request_id, answer)
        if self._operation.stream is not None:
            await self._operation.stream(self._door.services, call, answer, receive, send)
            return
        assert self._operation.handle is not None
        given = await self._operation.handle(self._door.services, call)
        status = given.status or self._operation.status
        await self._door.send(send, status, answer + _headers_of(given), _body_of(given))

    async def _call(self, scope: Scope, receive: Receive, request_id: str, answer: Headers) -> Call[Any, Any]:
        operation, request = self._operation, dict(scope["headers"])
        principal, acting_for = _NOBODY, None
        still = partial(self._door.let_in, operation.scope, request.get(b"authorization"), request.get(ACCOUNT_HEADER))
        if operation.access != "public":
            principal = await self._door.admit(request, answer)
            check_may(principal, operation)
            _check_header(operation, request)
            acting_for = self._door.acting_for(principal, request)
        query = _decode_query(scope["query_string"], operation.query)
        body = None
        if self._body is not None:
            check_json(request)
            octets = await read_body(receive, request.get(b"content-length"), operation.body_max)
            body = self._body.decode(octets)
        return Call(
            principal=principal,
            acting_for=acting_for,
            path=scope.get("path_params", {}),
            query=query,
            body=body,
            headers=request,
            request_id=request_id,
            still=still,
        )


def check_may(principal: Principal, operation: Operation) -> None:
    """Raises forbidden or test_mode when the principal may not do this at all."""
    if operation.access == "operator" and principal.account_id is not None:
        raise WhimbrelError("forbidden", "Only the operator's key may do this.")
    if operation.live_only and principal.test:
        raise WhimbrelError("test_mode")
    if operation.scope:
        check_scope(principal, operation.scope)


def check_scope(principal: Principal, scope: str) -> None:
    """Raises forbidden when the principal may not do this."""
    if not principal.may(scope):
        raise WhimbrelError("forbidden", f"The key lacks the scope `{scope}`.")


def _check_header(operation: Operation, request: dict[bytes, bytes]) -> None:
    """Who names an account means that account only: where that cannot be, nothing is done for all of them instead."""
    if operation.account_header == "refused" and ACCOUNT_HEADER in request:
        detail = "`X-Account-Id` means nothing on this route: leave it away."
        raise WhimbrelError("invalid_parameter", detail, errors=[FieldError("X-Account-Id", detail)])


def _decode_query(query_string: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Parameters as a value; unknown, repeated and malformed ones are refused by name."""
    values: dict[str, str] = {}
    if query_string:
        try:
            pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError:
            raise WhimbrelError("invalid_parameter", "The query string is not percent-encoded UTF-8.") from None
        for name, value in pairs:
            if name in values:
                field = FieldError(name, f"The parameter `{name}` stands twice.", "repeated")
                raise WhimbrelError("invalid_parameter", field.detail, errors=[field])
            values[name] = value
    return decode_values(values, kind)


def decode_values(values: dict[str, str], kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Texts of query parameters as a value; invalid_parameter."""
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_query(error, kind) from None


def _headers_of(given: Answer) -> Headers:
    headers: Headers = list(given.headers)
    if given.value is not None:
        headers.append((b"content-type", given.content_type))
    if given.location is not None:
        headers.append((b"location", given.location.encode()))
    return headers


def _body_of(given: Answer) -> bytes:
    if given.value is None:
        return b""
    return given.value if isinstance(given.value, bytes) else _encode(given.value)
