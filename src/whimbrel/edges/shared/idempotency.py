"""The header `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): its form, and the fingerprint by which
another body under the same key is told. The scope is account and door; test and live traffic are doors of their own.
"""

import hashlib
from typing import Any

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import IDEMPOTENCY_KEY_MAX
from whimbrel.journey.record import IdempotencyKey

HEADER = b"idempotency-key"
REPLAYED = (b"idempotent-replayed", b"true")
_DIGEST = 16
_canonical = msgspec.json.Encoder(order="deterministic").encode


def idempotency_key(
    sent: bytes | None, *, account_id: str, door: str, test: bool, request: Any
) -> IdempotencyKey | None:
    """The key of a request, None when it has none; WhimbrelError invalid_idempotency_key. `request` is the decoded
    body: white space and the order of members make no other request."""
    if sent is None:
        return None
    if not 0 < len(sent) <= IDEMPOTENCY_KEY_MAX or not _visible(sent):
        raise WhimbrelError("invalid_idempotency_key")
    octets = type(request).__name__.encode() + b"\x00" + _canonical(request)
    fingerprint = hashlib.blake2b(octets, digest_size=_DIGEST).digest()
    return IdempotencyKey(account_id, f"{door}-test" if test else door, sent.decode("ascii"), fingerprint)


def _visible(sent: bytes) -> bool:
    """Visible ASCII and inner spaces (RFC 9110 5.5)."""
    return sent.isascii() and sent.decode("ascii").isprintable() and sent.strip() == sent
