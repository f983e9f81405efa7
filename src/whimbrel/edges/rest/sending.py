"""POST /v1/messages and POST /v1/messages/batch: raw ASGI, found by exact path before any router, because these two
carry the load. Every step is one of `Door`, so they refuse exactly as the other routes do.

Nothing after the commit may turn into a 5xx: clients would send the texts again. Should rendering fail, the answer is
the bare ids.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

import msgspec

from whimbrel.base import limits, moments, money
from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.domain.callbacks import MessageView
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
from whimbrel.edges.shared.asgi import JSON_TYPE, ASGIApp, ClientGone, Headers, Receive, Scope, Send
from whimbrel.edges.shared.auth import Principal
from whimbrel.edges.shared.bodies import JsonBody, check_json, read_body
from whimbrel.edges.shared.door import Door, id_header
from whimbrel.edges.shared.idempotency import HEADER, REPLAYED, idempotency_key
from whimbrel.edges.shared.services import Services
from whimbrel.journey.accept import Accepted
from whimbrel.store.interface import Verdict

_log = logging.getLogger("whimbrel.edges")
SCOPE = "messages:write"
_DOOR = "rest"
_TURN = 500  # messages of a batch that are prepared before the event loop gets a turn
_encode = msgspec.json.Encoder().encode
_price = lru_cache(maxsize=4096)(money.to_text)  # a price list has few prices


class Sending:
    """The two hot routes."""

    def __init__(self, door: Door, services: Services) -> None:
        self._door = door
        self._accept = services.accept
        self._reach = services.manage.reach
        self._message = JsonBody(NewMessage, members_of_message)
        self._batch = JsonBody(NewBatch, members_of_batch)

    def routes(self) -> dict[tuple[str, str], ASGIApp]:
        """Exact method and path to handler."""
        return {
            ("POST", "/v1/messages"): self._guarded(self._send_one),
            ("POST", "/v1/messages/batch"): self._guarded(self._send_batch),
        }

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
        principal, account_id = self._admit(request, scope, answer)
        octets = await read_body(receive, request.get(b"content-length"), limits.BODY_MAX)
        new = self._message.decode(octets)
        made = draft(new, account_id, principal.test, reach=self._reach)
        if isinstance(made, Verdict):
            raise refusal(made)
        key = idempotency_key(request.get(HEADER), account_id=account_id, door=_DOOR, test=principal.test, request=new)
        accepted = await self._accept.submit((made,), key=key)
        verdict = accepted.verdicts[0]
        if verdict.id is None:
            raise refusal(verdict)
        if accepted.replayed:
            answer.append(REPLAYED)
        answer.append(JSON_TYPE)
        answer.append((b"location", b"/v1/messages/" + verdict.id.encode()))
        await self._door.send(send, 202, answer, _rendered(_one_body, made, verdict))

    async def _send_batch(self, scope: Scope, receive: Receive, send: Send, answer: Headers) -> None:
        request = dict(scope["headers"])
        principal, account_id = self._admit(request, scope, answer)
        octets = await read_body(receive, request.get(b"content-length"), limits.BATCH_BODY_MAX)
        batch = self._batch.decode(octets)
        if not batch.messages:
            raise WhimbrelError("batch_empty", errors=[FieldError("/messages", "There is no message.")])
        if len(batch.messages) > limits.BATCH_MAX:
            raise WhimbrelError("batch_too_large", f"There are {len(batch.messages):,} messages.")
        key = idempotency_key(
            request.get(HEADER), account_id=account_id, door=_DOOR, test=principal.test, request=batch
        )
        made = await self._drafts(batch, account_id, principal.test)
        good = [each for each in made if isinstance(each, Draft)]
        accepted = await self._accept.submit(good, key=key) if good else Accepted([])
        if accepted.replayed:
            answer.append(REPLAYED)
        answer.append(JSON_TYPE)
        body = _rendered(_batch_body, made, _merged(made, accepted.verdicts))
        await self._door.send(send, 202, answer, body)

    async def _drafts(self, batch: NewBatch, account_id: str, test: bool) -> list[Draft | Verdict]:
        made: list[Draft | Verdict] = []
        for start in range(0, len(batch.messages), _TURN):
            part = batch.messages[start : start + _TURN]
            made += [draft(new, account_id, test, reach=self._reach, defaults=batch.defaults) for new in part]
            await asyncio.sleep(0)
        return made

    def _admit(self, request: dict[bytes, bytes], scope: Scope, answer: Headers) -> tuple[Principal, str]:
        principal = self._door.admit(request, answer)
        if not principal.may(SCOPE):
            raise WhimbrelError("forbidden", f"The key lacks the scope `{SCOPE}`.")
        account_id = self._door.acting_for(principal, request)
        if account_id is None:
            raise WhimbrelError("invalid_parameter", "The operator names an account in the header `X-Account-Id`.")
        if scope["query_string"]:
            raise WhimbrelError("invalid_parameter", "This route takes no query parameters.")
        check_json(request)
        return principal, account_id


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


def _rendered(render: Callable[..., bytes], made: Draft | Sequence[Draft | Verdict], verdicts: object) -> bytes:
    """The answer's body; the bare ids if rendering fails, because the messages are stored."""
    try:
        return render(made, verdicts)
    except Exception:
        _log.exception("an accepted message could not be rendered")
        return _encode(verdicts)


def _one_body(made: Draft, verdict: Verdict) -> bytes:
    assert verdict.id is not None
    options = made.options
    number = normalise(made.recipient)
    created_at = moments.to_text(verdict.created_at)
    view = MessageView(
        id=verdict.id,
        account_id=made.account_id,
        status=verdict.state,
        direction="out",
        to=number.e164 if number else made.recipient,
        sender=verdict.sender,
        text=_sent_text(made.text, verdict.replaced) if verdict.replaced else made.text,
        segments=verdict.segments,
        encoding=verdict.encoding,
        price=_price(verdict.price_micros),
        currency=verdict.currency,
        message_class=made.message_class,
        created_at=created_at,
        send_at=moments.to_text(verdict.due_at) if verdict.due_at > verdict.created_at else None,
        expires_at=moments.to_text(verdict.expires_at),
        sent_at=None,
        final_at=None,
        updated_at=created_at,
        reason=None,
        metadata=options.metadata,
        tags=options.tags,
        test=made.test,
        possible_duplicate=False,
        in_doubt=False,
        corrected=False,
        partial=False,
        carrier_id=None,
        route_id=verdict.route_id,
        callback_url=options.callback_url,
        on_doubt=options.on_doubt,
        replaced=verdict.replaced,
        reply_to=None,
    )
    return _encode(view)


def _sent_text(text: str, replaced: Sequence[tuple[int, str, str]]) -> str:
    """The text as it goes on the air: positions are those of the text as it was sent in."""
    parts, done = [], 0
    for position, original, replacement in replaced:
        parts += [text[done:position], replacement]
        done = position + len(original)
    return "".join([*parts, text[done:]])


def _batch_body(made: Sequence[Draft | Verdict], verdicts: Sequence[Verdict]) -> bytes:
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
            )
        )
    return _encode(BatchView(rows, accepted, len(rows) - accepted))


def _refused(verdict: Verdict, place: int) -> BatchItem:
    assert verdict.code is not None
    spec = CATALOGUE[verdict.code]
    pointer = f"/messages/{place}{verdict.pointer}"
    return BatchItem(error=BatchError(spec.code, spec.title, verdict.detail or spec.title, pointer))
