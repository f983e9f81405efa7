"""Repeated requests. Some SDKs send a POST again by themselves when no answer came, or a 5xx did, and a text must not
go out twice for that. A request that carries a key is told by it; for an account that chose so (`dedupe_s`), a POST
whose octets equal those of one less than so many seconds ago is that one.

Without a key, the key is a digest of the octets and the number of the span of `dedupe_s` seconds in which it came. A
repetition may come just after a border, so the span before is looked at first, and what stands there counts when it is
young enough. Equal requests wait for each other, so that the second sees what the first stored.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.domain.model import Draft
from whimbrel.edges.shared import idempotency
from whimbrel.edges.twilio.forms import Form
from whimbrel.edges.twilio.routes import Request
from whimbrel.journey.accept import Accept, Accepted
from whimbrel.journey.record import IdempotencyKey
from whimbrel.store.interface import Kept, Store, Verdict

DOOR: Final = "twilio"
_TWILIOS_HEADER: Final = b"i-twilio-idempotency-token"
_DIGEST: Final = 16
_verdicts = msgspec.json.Decoder(list[Verdict]).decode


class Repeats:
    """Hands drafts to accept, each once."""

    def __init__(self, *, accept: Accept, store: Store, clock: Clock) -> None:
        self._accept = accept
        self._store = store
        self._clock = clock
        self._under_way: dict[bytes, asyncio.Event] = {}

    async def keyed(self, request: Request, made: Draft, form: Form, sent: bytes) -> Accepted:
        """Accept under the key that the request carries: `Idempotency-Key`, or the header that some clients of Twilio
        send in its place."""
        key = idempotency.idempotency_key(
            sent, account_id=request.account_id, door=DOOR, test=request.test, request=form
        )
        return await self._accept.submit((made,), key=key, still=request.still)

    async def is_known(self, request: Request, form: Form) -> bool:
        """Whether the request was accepted before under the key that it carries."""
        sent = sent_key(request)
        if sent is None:
            return False
        key = idempotency.idempotency_key(
            sent, account_id=request.account_id, door=DOOR, test=request.test, request=form
        )
        return bool(key and await self._store.kept(key.account_id, key.door, key.key))

    async def equal(self, request: Request, made: Draft, octets: bytes, dedupe_s: int) -> Accepted:
        """Accept, unless octets equal to these came within `dedupe_s` seconds; then as it was then."""
        scope = f"{request.account_id}{int(request.test)}".encode()
        digest = hashlib.blake2b(scope + octets, digest_size=_DIGEST).digest()
        async with self._alone(digest):
            now = self._clock.now_us()
            span = now // (dedupe_s * SECOND_US)
            before = _key(request, digest, span - 1)
            kept = await self._store.kept(before.account_id, before.door, before.key)
            found = _younger(kept, digest, now - dedupe_s * SECOND_US)
            if found is not None:
                return Accepted(found, replayed=True)
            return await self._accept.submit((made,), key=_key(request, digest, span), still=request.still)

    @asynccontextmanager
    async def _alone(self, digest: bytes) -> AsyncIterator[None]:
        while (other := self._under_way.get(digest)) is not None:
            await other.wait()
        done = self._under_way[digest] = asyncio.Event()
        try:
            yield
        finally:
            del self._under_way[digest]
            done.set()


def sent_key(request: Request) -> bytes | None:
    """The key that a request carries."""
    return request.headers.get(idempotency.HEADER) or request.headers.get(_TWILIOS_HEADER)


def _key(request: Request, digest: bytes, span: int) -> IdempotencyKey:
    """A door of its own: a client's key can never mean a digest."""
    door = f"{DOOR}-equal-test" if request.test else f"{DOOR}-equal"
    return IdempotencyKey(request.account_id, door, f"{digest.hex()}.{span}", digest)


def _younger(kept: Sequence[Kept], digest: bytes, than_us: int) -> list[Verdict] | None:
    for chunk in kept:
        verdicts = _verdicts(chunk.verdicts)
        if chunk.fingerprint == digest and verdicts and verdicts[0].created_at > than_us:
            return verdicts
    return None
