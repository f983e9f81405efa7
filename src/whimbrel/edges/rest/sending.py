"""POST /v1/messages and POST /v1/messages/batch: raw ASGI, found by exact path before any router, because these two
carry the load. Every step is one of `Door`, so they refuse exactly as the other routes do.

Nothing after the commit may turn into a 5xx: clients would send the texts again. Should rendering fail, the answer is
the bare ids.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET

from whimbrel.base import limits, moments, money
from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.domain.callbacks import MessageView, with_wire
from whimbrel.domain.model import Door as DoorName
from whimbrel.domain.model import Draft
from whimbrel.domain.numbers import normalise
from whimbrel.edges.rest.drafts import draft
from whimbrel.edges.rest.shapes import (
    BatchError,
    BatchItem,
    BatchView,
    NewBatch,
    NewMessage,
    members_of_batch,
    members_of_message,
)
from whimbrel.edges.shared import media
from whimbrel.edges.shared.asgi import JSON_TYPE, ASGIApp, ClientGone, Headers, Receive, Scope, Send
from whimbrel.edges.shared.auth import ACCOUNT_HEADER, Principal
from whimbrel.edges.shared.bodies import JsonBody, check_json, check_size, read_body
from whimbrel.edges.shared.door import Door, check_scope, id_header
from whimbrel.edges.shared.exchange import DirectTable, Exchange
from whimbrel.edges.shared.idempotency import HEADER, REPLAYED, idempotency_key
from whimbrel.edges.shared.inside import Asked
from whimbrel.edges.shared.ratelimit import rate_headers, too_many
from whimbrel.edges.shared.services import Services
from whimbrel.journey.accept import Accepted, Still
from whimbrel.store.interface import Verdict

_log = logging.getLogger("whimbrel.edges")
SCOPE = "messages:write"
_DOOR: Final = "rest"
_TURN = 500  # messages of a batch that are prepared before the event loop gets a turn
_encode = msgspec.json.Encoder().encode
_moment = lru_cache(maxsize=256)(moments.to_text)  # messages that were accepted together share theirs
_price = lru_cache(maxsize=4096)(money.to_text)  # a price list has few prices
_Outcome = list[Verdict] | Accepted | None  # of one message, without a key and with one
_Submitted = asyncio.Future[list[Verdict] | None] | asyncio.Future[Accepted]


class Sending:
    """The two hot routes."""

    def __init__(self, door: Door, services: Services) -> None:
        self._door = door
        self._services = services
        self._accept = services.accept
        self._reach = services.manage.reach
        self._tables = services.tables
        self._message = JsonBody(NewMessage, members_of_message)
        self._batch = JsonBody(NewBatch, members_of_batch)

    def routes(self) -> dict[tuple[str, str], ASGIApp]:
        """Exact method and path to handler."""
        return {
            ("POST", "/v1/messages"): self._guarded(self._send_one),
            ("POST", "/v1/messages/batch"): self._guarded(self._send_batch),
        }

    def direct(self) -> DirectTable:
        """The one that most requests are for, by method and target: it is also taken directly."""
        return {(b"POST", b"/v1/messages"): self._take_one}

    async def inside_one(self, asked: Asked, octets: bytes, request: dict[bytes, bytes]) -> MessageView:
        """One message for a door that knows already who asks."""
        account_id = _sender(asked)
        made, submitted = self._submitted(octets, request, asked, self._door.still_active(account_id))
        verdict, _ = _accepted(await submitted)
        return _one_view(made, verdict)

    async def inside_batch(self, asked: Asked, octets: bytes, request: dict[bytes, bytes]) -> BatchView:
        """The same for a batch."""
        account_id = _sender(asked)
        made, accepted = await self._batched(octets, request, asked, self._door.still_active(account_id))
        return _batch_view(made, _merged(made, accepted.verdicts))

    def _take_one(self, exchange: Exchange) -> None:
        _Direct(self, exchange).begin()

    def _guarded(self, handle: Callable[[Scope, Receive, Send, Headers], Awaitable[None]]) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            request_id = self._door.request_id()
            answer: Headers = [id_header(request_id)]
            try:
                await handle(scope, receive, send, answer)
            except ClientGone:
                return
            except Exception as error:
                await self._door.refuse(error, request_id, answer, send)

        return guarded

    async def _send_one(self, scope: Scope, receive: Receive, send: Send, answer: Headers) -> None:
        request = dict(scope["headers"])
        principal = await self._door.admit(request, answer)
        account_id = self._account(principal, request, scope["query_string"])
        octets = await read_body(receive, request.get(b"content-length"), limits.BODY_MAX)
        asked = Asked(principal, account_id, _DOOR)
        made, submitted = self._submitted(octets, request, asked, self._still(request))
        verdict, replayed = _accepted(await submitted)
        if replayed:
            answer.append(REPLAYED)
        assert verdict.id is not None
        answer.append(JSON_TYPE)
        answer.append((b"location", b"/v1/messages/" + verdict.id.encode()))
        await self._door.send(send, 202, answer, _rendered(_one_view, made, verdict))

    def _submitted(
        self, octets: bytes, request: dict[bytes, bytes], asked: Asked, still: Still | None
    ) -> tuple[Draft, "_Submitted"]:
        """The draft of a message's body, and what accept will say to it."""
        account_id, test, door = _sender(asked), asked.principal.test, asked.door
        new = self._message.decode(octets)
        made = draft(new, account_id, test, door, reach=self._reach, tlv_names=self._tables.tlv_names)
        if isinstance(made, Verdict):
            raise refusal(made)
        sent = request.get(HEADER)
        key = None if sent is None else idempotency_key(sent, account_id=account_id, door=door, test=test, request=new)
        if made.options.media:
            waiting = media.submitted(self._services, made, asked.principal.key_id, key, still)
            return made, asyncio.ensure_future(waiting)
        if key is None:
            return made, self._accept.submit_one(made, still)
        return made, asyncio.ensure_future(self._accept.submit((made,), key=key, still=still))

    def _still(self, request: dict[bytes, bytes]) -> Still | None:
        return self._door.still(SCOPE, request.get(b"authorization"), request.get(ACCOUNT_HEADER))

    async def _send_batch(self, scope: Scope, receive: Receive, send: Send, answer: Headers) -> None:
        request = dict(scope["headers"])
        principal = await self._door.admit(request, answer)
        account_id = self._account(principal, request, scope["query_string"])
        octets = await read_body(receive, request.get(b"content-length"), limits.BATCH_BODY_MAX)
        asked = Asked(principal, account_id, _DOOR)
        made, accepted = await self._batched(octets, request, asked, self._still(request))
        if accepted.replayed:
            answer.append(REPLAYED)
        answer.append(JSON_TYPE)
        body = _rendered(_batch_view, made, _merged(made, accepted.verdicts))
        await self._door.send(send, 202, answer, body)

    async def _batched(
        self, octets: bytes, request: dict[bytes, bytes], asked: Asked, still: Still | None
    ) -> tuple[list[Draft | Verdict], Accepted]:
        """The drafts of a batch's body, and what accept says to those that are good."""
        account_id, test, door = _sender(asked), asked.principal.test, asked.door
        batch = self._batch.decode(octets)
        if not batch.messages:
            raise WhimbrelError("batch_empty", errors=[FieldError("/messages", "There is no message.")])
        if len(batch.messages) > limits.BATCH_MAX:
            raise WhimbrelError("batch_too_large", f"There are {len(batch.messages):,} messages.")
        key = idempotency_key(request.get(HEADER), account_id=account_id, door=door, test=test, request=batch)
        made = await self._drafts(batch, account_id, test, door)
        made = await media.of_batch(self._services, made, asked.principal.key_id, key)
        good = [each for each in made if isinstance(each, Draft)]
        return made, await self._accept.submit(good, key=key, still=still) if good else Accepted([])

    async def _drafts(self, batch: NewBatch, account_id: str, test: bool, door: DoorName) -> list[Draft | Verdict]:
        made: list[Draft | Verdict] = []
        names = self._tables.tlv_names
        for start in range(0, len(batch.messages), _TURN):
            part = batch.messages[start : start + _TURN]
            made += [
                draft(new, account_id, test, door, reach=self._reach, tlv_names=names, defaults=batch.defaults)
                for new in part
            ]
            await asyncio.sleep(0)
        return made

    def _account(self, principal: Principal, request: dict[bytes, bytes], query: bytes) -> str:
        """The account that sends, if the principal may and the request is of the right form."""
        check_scope(principal, SCOPE)
        account_id = self._door.acting_for(principal, request)
        if account_id is None:
            raise WhimbrelError("invalid_parameter", "The operator names an account in the header `X-Account-Id`.")
        if query:
            raise WhimbrelError("invalid_parameter", "This route takes no query parameters.")
        check_json(request)
        return account_id


class _Direct:
    """One message on the direct way: the steps of `_send_one` in their order, up to accept and from there."""

    __slots__ = ("_door", "_exchange", "_limit", "_made", "_remaining", "_request_id", "_sending")

    def __init__(self, sending: Sending, exchange: Exchange) -> None:
        self._sending = sending
        self._door = sending._door
        self._exchange = exchange
        self._request_id = self._door.request_id()
        self._limit: int | None = None  # until it is known who asks

    def begin(self) -> None:
        """Up to accept."""
        exchange = self._exchange
        try:
            submitted = self._submit(exchange.headers, exchange.body)
        except Exception as error:
            self._refuse(error)
        else:
            exchange.after(submitted, self._end)

    def _submit(self, request: dict[bytes, bytes], octets: bytes) -> "_Submitted":
        door = self._door
        door.failures.come_from(self._exchange.client)
        principal = door.principal(request)
        granted, self._remaining = door.take(principal)
        self._limit = principal.rate_per_s
        if not granted:
            raise too_many()
        account_id = self._sending._account(principal, request, b"")
        check_size(octets, limits.BODY_MAX)
        asked = Asked(principal, account_id, _DOOR)
        self._made, submitted = self._sending._submitted(octets, request, asked, self._sending._still(request))
        return submitted

    def _end(self, submitted: "_Submitted") -> None:
        try:
            verdict, replayed = _accepted(submitted.result())
        except Exception as error:
            self._refuse(error)
            return
        body = _rendered(_one_view, self._made, verdict)
        replay = "idempotent-replayed: true\r\n" if replayed else ""
        head = (
            f"x-request-id: {self._request_id}\r\nratelimit-limit: {self._limit}\r\n"
            f"ratelimit-remaining: {self._remaining}\r\nratelimit-reset: 1\r\n{replay}"
            f"content-type: application/json\r\nlocation: /v1/messages/{verdict.id}\r\n"
            f"content-length: {len(body)}\r\n"
        )
        self._door.count(202)
        self._exchange.write(202, head.encode(), body)

    def _refuse(self, error: Exception) -> None:
        if self._door.leaves_unanswered(error, self._request_id):
            self._exchange.abandon()
            return
        status, headers, body = self._door.refusal(error, self._request_id)
        told = [] if self._limit is None else rate_headers(self._limit, self._remaining)
        length = (b"content-length", b"%d" % len(body))
        self._door.count(status)
        self._exchange.answer(status, [id_header(self._request_id), *told, *headers, length], body)


def _sender(asked: Asked) -> str:
    """The account that sends."""
    if asked.acting_for is None:
        raise WhimbrelError("invalid_parameter", "Choose an account: the operator sends for one of them.")
    return asked.acting_for


def _accepted(outcome: "_Outcome") -> tuple[Verdict, bool]:
    """The verdict on one message, and whether it is of an earlier request; a refusal is raised."""
    assert outcome is not None, "without a key nobody else can have it"
    verdicts, replayed = (outcome, False) if isinstance(outcome, list) else (outcome.verdicts, outcome.replayed)
    if verdicts[0].id is None:
        raise refusal(verdicts[0])
    return verdicts[0], replayed


def _merged(made: Sequence[Draft | Verdict], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Accept's verdicts and this door's own, in the order of the request."""
    if len(made) == len(verdicts):
        return list(verdicts)
    following = iter(verdicts)
    return [each if isinstance(each, Verdict) else next(following) for each in made]


def refusal(verdict: Verdict) -> WhimbrelError:
    """A message's refusal as an error with a pointer."""
    assert verdict.code is not None
    detail = verdict.detail or CATALOGUE[verdict.code].title
    field = (FieldError(verdict.pointer, detail, verdict.code),) if verdict.pointer else ()
    return WhimbrelError(verdict.code, detail, errors=field)


# ---------------------------------------------------------------- after the commit


def _rendered(
    show: Callable[..., MessageView | BatchView], made: Draft | Sequence[Draft | Verdict], verdicts: object
) -> bytes:
    """The answer's body; the bare ids if rendering fails, because the messages are stored."""
    try:
        return _encode(show(made, verdicts))
    except Exception:
        _log.exception("an accepted message could not be rendered")
        return _encode(verdicts)


def _one_view(made: Draft, verdict: Verdict) -> MessageView:
    assert verdict.id is not None
    options = made.options
    number = normalise(made.recipient)
    created_at = _moment(verdict.created_at)
    view = MessageView(
        verdict.id,
        made.account_id,
        verdict.state,  # status
        "out",  # direction
        number.e164 if number else made.recipient,  # to
        verdict.sender,
        _sent_text(_text(made, verdict), verdict.replaced) if verdict.replaced else _text(made, verdict),
        verdict.segments,
        verdict.encoding,
        _price(verdict.price_micros),  # price
        verdict.currency,
        verdict.message_class or made.message_class,
        created_at,
        _moment(verdict.due_at) if verdict.due_at > verdict.created_at else None,  # send_at
        _moment(verdict.expires_at),  # expires_at
        None,  # sent_at
        None,  # final_at
        created_at,  # updated_at
        None,  # reason
        options.metadata,
        options.tags,
        made.test,
        False,  # possible_duplicate
        False,  # in_doubt
        False,  # corrected
        False,  # partial
        None,  # carrier_id
        verdict.route_id,
        options.callback_url,
        options.on_doubt,
        verdict.replaced,
        None,  # reply_to
    )
    if options.pool_id is not None:
        view = msgspec.structs.replace(view, pool=options.pool_id)
    if verdict.template is not None:
        view = msgspec.structs.replace(view, template=verdict.template)
    if verdict.media:
        view = msgspec.structs.replace(view, media=verdict.media)
    if verdict.warnings:
        view = msgspec.structs.replace(view, warnings=verdict.warnings)
    if options.wire is not None or made.data is not None:
        view = with_wire(view, options.wire, None if made.data is None else made.data.hex())
    return view


def _text(made: Draft, verdict: Verdict) -> str:
    """The text that was sent in, or that a template made."""
    return made.text if verdict.text is None else verdict.text


def _sent_text(text: str, replaced: Sequence[tuple[int, str, str]]) -> str:
    """The text as it goes on the air: positions are those of the text as it was sent in."""
    parts, done = [], 0
    for position, original, replacement in replaced:
        parts += [text[done:position], replacement]
        done = position + len(original)
    return "".join([*parts, text[done:]])


def _batch_view(made: Sequence[Draft | Verdict], verdicts: Sequence[Verdict]) -> BatchView:
    rows: list[BatchItem] = []
    accepted = 0
    for place, (each, verdict) in enumerate(zip(made, verdicts, strict=True)):
        if verdict.id is None or not isinstance(each, Draft):
            rows.append(_refused(verdict, place))
            continue
        accepted += 1
        rows.append(
            BatchItem(
                verdict.id,
                verdict.state,
                each.recipient,
                verdict.sender,
                verdict.segments,
                verdict.encoding,
                _price(verdict.price_micros),
                verdict.currency,
                warnings=verdict.warnings or UNSET,
            )
        )
    return BatchView(rows, accepted, len(rows) - accepted)


def _refused(verdict: Verdict, place: int) -> BatchItem:
    assert verdict.code is not None
    spec = CATALOGUE[verdict.code]
    pointer = f"/messages/{place}{verdict.pointer}"
    return BatchItem(error=BatchError(spec.code, spec.title, verdict.detail or spec.title, pointer))
