"""Signatures of the webhooks that we send: Standard Webhooks and Twilio's. Pure octets; who signs with which secret is
decided in the journey.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from whimbrel.codec.errors import CodecError

SECRET_PREFIX = "whsec_"  # noqa: S105 - Standard Webhooks 1.0.0, "Signature scheme": how a symmetric secret begins
SECRET_MIN_OCTETS = 24
SECRET_MAX_OCTETS = 64  # one block of SHA-256: a longer key would be hashed first

_INNER_PAD, _OUTER_PAD = bytes(octet ^ 0x36 for octet in range(256)), bytes(octet ^ 0x5C for octet in range(256))


class SecretError(CodecError):
    """A webhook secret that is not `whsec_` and base64 of 24 to 64 octets."""


def encode_secret(key: bytes) -> str:
    """The text form of a signing key."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


@lru_cache(maxsize=1024)
def decode_secret(secret: str) -> bytes:
    """The signing key of its text form; SecretError for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretError("the secret is not base64") from None
    if not SECRET_MIN_OCTETS <= len(key) <= SECRET_MAX_OCTETS:
        raise SecretError(f"the secret has {len(key)} octets, not {SECRET_MIN_OCTETS} to {SECRET_MAX_OCTETS}")
    return key


def standard_webhook(secrets: Iterable[str], message_id: str, at_s: int, body: bytes) -> str:
    """The value of `webhook-signature`: one `v1,…` for each secret, the newest first, separated by spaces, so that a
    receiver may change its secret at any time during a rotation. `at_s` is the time of this try."""
    signed = b"%b.%d.%b" % (message_id.encode(), at_s, body)
    return " ".join([f"v1,{_b64(_hmac_sha256(secret, signed))}" for secret in secrets])


def _hmac_sha256(secret: str, signed: bytes) -> bytes:
    inner_begun, outer_begun = _keyed(secret)
    inner, outer = inner_begun.copy(), outer_begun.copy()
    inner.update(signed)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=1024)
def _keyed(secret: str) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The two hashes of an HMAC (RFC 2104, 2), each begun with the padded key. A webhook's secret signs every event:
    what depends on the key alone is half of hmac.digest's time."""
    key = decode_secret(secret).ljust(SECRET_MAX_OCTETS, b"\0")
    return hashlib.sha256(key.translate(_INNER_PAD)), hashlib.sha256(key.translate(_OUTER_PAD))


def twilio(auth_token: str, url: str, params: Sequence[tuple[str, str]] = ()) -> str:
    """The value of `X-Twilio-Signature` for a form (or, without params, for a GET): the whole URL with its query, then
    each name and value, sorted by name; of a repeated name each different value once, sorted."""
    signed = as_received(url) + "".join(name + value for name, value in sorted(set(params)))
    return _b64(hmac.digest(auth_token.encode(), signed.encode(), "sha1"))


@lru_cache(maxsize=1024)
def as_received(url: str) -> str:
    """The URL that a receiver puts together again from the request: with a path, and without the fragment (where Twilio
    takes its connection overrides), which is not sent."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path or "/", fragment=""))


def _b64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode("ascii")
