"""Calls of carriers over HTTP: receipts, and texts from phones. Any node with the API takes them, whichever works the
carrier: receipts of texts that it does not know are parked, as over SMPP (`journey/strays.py` asks the other cells).

A call is answered 200 when all that was read of it is stored, 503 when it could not be stored and is to come again, and
400 when nothing of it can be read: the operator sees why in the log and the metric. A call without anything in it is
how providers try an address before they take it, and is answered 200.
"""

import hmac
import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import HOOK_BODY_MAX
from whimbrel.carriers import http_intake
from whimbrel.domain.carrier_kinds import settings_of
from whimbrel.domain.http_dialect import CALLS, HttpSettings
from whimbrel.domain.http_reports import (
    Brought,
    CallError,
    HttpReceipt,
    HttpText,
    call_of,
    is_signed_by_twilio,
    receipts_in,
    texts_in,
)
from whimbrel.domain.model import Carrier
from whimbrel.edges.providers.media import with_media
from whimbrel.edges.shared.asgi import ClientGone, Headers, Receive, Scope, Send, called_by
from whimbrel.edges.shared.bodies import read_body
from whimbrel.edges.shared.door import Door, id_header
from whimbrel.edges.shared.services import Services

_log = logging.getLogger("whimbrel.providers")
_RETRY_S: Final = 5
_TOLD_EVERY_US: Final = 60 * SECOND_US
_KINDS: Final = ("receipts", "inbound")
_METHODS: Final = b"GET, HEAD, POST"
_ID_MAX: Final = 64


class _Call(msgspec.Struct, frozen=True):
    """A call whose address is right."""

    carrier: Carrier
    settings: HttpSettings
    kind: str


class ProvidersDoor:
    """An ASGI application for the two routes."""

    def __init__(self, services: Services, door: Door) -> None:
        self._services = services
        self._door = door
        self._seldom = _Seldom(services.clock)

    @staticmethod
    def takes(path: str) -> bool:
        """Whether it is a call, right or wrong."""
        return path.startswith(CALLS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._door.request_id()
        answer: Headers = [id_header(request_id)]
        try:
            if scope["method"] not in ("GET", "HEAD", "POST"):
                answer.append((b"allow", _METHODS))
                raise WhimbrelError("method_not_allowed")
            await self._take(await self._call(scope["path"]), scope, receive)
            await self._door.send(send, 200, answer, b"")
        except ClientGone:
            return
        except Exception as error:
            await self._door.refuse(error, request_id, answer, send)

    async def _call(self, path: str) -> _Call:
        """What the address says. One that is wrong is answered as what is not there, and after some of them nothing
        from that network is looked at; who has the right one is let in all the same."""
        carrier_id, _, rest = path.removeprefix(CALLS).partition("/")
        token, _, kind = rest.partition("/")
        await self._services.tables.current()
        carrier = self._services.tables.carriers.get(carrier_id)
        settings = settings_of(carrier) if carrier is not None else None
        version = settings.callback_version if isinstance(settings, HttpSettings) else 0
        expected = self._services.vault.call_token(carrier_id, version)
        is_right = hmac.compare_digest(expected.encode(), token.encode("utf-8", "surrogateescape"))
        if carrier is None or not isinstance(settings, HttpSettings) or not is_right or kind not in _KINDS:
            failures = self._door.failures
            failures.check_hook(carrier_id[:_ID_MAX])
            failures.note_hook(carrier_id[:_ID_MAX])
            raise WhimbrelError("not_found")
        return _Call(carrier, settings, kind)

    async def _take(self, call: _Call, scope: Scope, receive: Receive) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        if headers.get("content-encoding", "identity") != "identity":
            raise WhimbrelError("unsupported_media_type", "Send the body without Content-Encoding.")
        length = headers.get("content-length")
        body = await read_body(receive, length.encode() if length else None, HOOK_BODY_MAX)
        if scope["method"] == "HEAD" or not (body or scope["query_string"]):
            self._count(call, "empty")
            return
        content_type = headers.get("content-type", "")
        if call.settings.check == "twilio":
            self._check_signature(call, scope, headers, content_type, body)
        brought = self._read(call, scope["query_string"].decode("latin-1"), content_type, body)
        try:
            await self._store(call, brought)
        except Exception as error:
            self._tell(call, "not_stored", "what a provider brought could not be stored; it keeps it", str(error))
            raise WhimbrelError("overloaded", "It is not stored; bring it again.", retry_after_s=_RETRY_S) from error
        self._count(call, "partly" if brought.problems else "taken")

    def _check_signature(
        self, call: _Call, scope: Scope, headers: Mapping[str, str], content_type: str, body: bytes
    ) -> None:
        password = self._services.tables.carrier_password(call.carrier)
        urls = called_by(scope, headers, self._services.public_url)
        if is_signed_by_twilio(password, headers.get("x-twilio-signature", ""), urls, content_type, body):
            return
        self._tell(call, "unsigned", "a provider's call is not signed with the carrier's password", "")
        raise WhimbrelError("hook_signature", "X-Twilio-Signature is not made with the carrier's password.")

    def _read(
        self, call: _Call, query: str, content_type: str, body: bytes
    ) -> Brought[HttpReceipt] | Brought[HttpText]:
        """hook_body when there is nothing in it that can be read."""
        try:
            value = call_of(query, content_type, body)
            brought = (receipts_in if call.kind == "receipts" else texts_in)(call.settings, value)
            if brought.problems and not brought.items:
                raise CallError(brought.problems[0])
        except CallError as error:
            self._tell(call, "unreadable", "a provider's call cannot be read", str(error))
            raise WhimbrelError("hook_body", f"Nothing of it can be read: {error}.") from None
        if brought.problems:
            self._tell(call, "", "some of a provider's call cannot be read; the rest is taken", brought.problems[0])
        return brought

    async def _store(self, call: _Call, brought: Brought[HttpReceipt] | Brought[HttpText]) -> None:
        receipts = [each for each in brought.items if isinstance(each, HttpReceipt)]
        texts = [each for each in brought.items if isinstance(each, HttpText)]
        if receipts:
            await self._services.take_receipts(call.carrier.id, http_intake.reports(call.settings.message_id, receipts))
        if texts:
            texts = await with_media(self._services, call.carrier, call.settings, texts)
            await self._services.take_inbound(call.carrier.id, http_intake.inbound(texts))

    def _count(self, call: _Call, result: str) -> None:
        self._services.metrics.provider_calls.labels(call.carrier.id, call.kind, result).inc()

    def _tell(self, call: _Call, result: str, words: str, problem: str) -> None:
        """Count it, and log it once a minute: a provider whose calls are wrong makes as many of them as texts."""
        if result:
            self._count(call, result)
        if self._seldom.is_due(f"{call.carrier.id} {call.kind} {words}"):
            _log.warning(words, extra={"carrier_id": call.carrier.id, "kind": call.kind, "problem": problem})


class _Seldom:
    """What was told within a minute. Its keys are carriers with what can go wrong with them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, int] = {}

    def is_due(self, key: str) -> bool:
        """Whether it is to be told now."""
        now = self._clock.monotonic_us()
        if now - self._told.get(key, -_TOLD_EVERY_US) < _TOLD_EVERY_US:
            return False
        self._told[key] = now
        return True
