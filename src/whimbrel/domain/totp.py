"""Codes of authenticators by time (TOTP, RFC 6238): of which step of time a code is, what a secret may be, and the
address by which an authenticator learns one. Whoever checks a code keeps the step that was used and takes later ones
only: a code is accepted once (RFC 6238 5.2).
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any, Final, Literal

import msgspec
import pyotp

Algorithm = Literal["sha1", "sha256", "sha512"]

SECRET_OCTETS: Final = 20  # of those made here: RFC 4226 4, R6
SECRET_OCTETS_MIN: Final = 10  # of those brought along: what authenticators have of older systems
SECRET_OCTETS_MAX: Final = 64  # the block of SHA-512; more is hashed before it is used (RFC 2104 2)
STEP_S_MIN: Final = 15
STEP_S_MAX: Final = 120  # NIST SP 800-63B-4 3.1.4.1: a new code at least every two minutes
DIGITS_MIN: Final = 6
DIGITS_MAX: Final = 8
SKEW_MAX: Final = 2
_DIGESTS: Final[dict[str, Any]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}


class _Codes(pyotp.TOTP):
    min_secret_length_bits = 8 * SECRET_OCTETS_MIN


class Manner(msgspec.Struct, frozen=True):
    """How codes are made of a secret. `skew`: steps that a clock may be early or late."""

    algorithm: Algorithm = "sha1"
    digits: int = 6
    step_s: int = 30
    skew: int = 1


USUAL: Final = Manner()
"""What every authenticator knows."""


def new_secret(octets: bytes) -> str:
    """Random octets as authenticators write a secret (base32)."""
    return base64.b32encode(octets).decode().rstrip("=")


def tidied(secret: str) -> str | None:
    """A secret that somebody brings, without the spaces, the small letters and the padding that it may have; None when
    it is no base32, too short or too long."""
    plain = "".join(secret.split()).replace("-", "").upper().rstrip("=")
    try:
        octets = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        return None
    return plain if SECRET_OCTETS_MIN <= len(octets) <= SECRET_OCTETS_MAX else None


def step_of(secret: str, code: str, now_s: int, manner: Manner = USUAL) -> int | None:
    """The step of time (counted since 1970) that a code is of; None when it is of none that is near. Every step is
    compared, each in constant time: how long it takes tells nothing."""
    codes, given = _codes(secret, manner), "".join(code.split()).encode()
    current, found = now_s // manner.step_s, None
    for step in range(max(0, current - manner.skew), current + manner.skew + 1):
        if hmac.compare_digest(given, codes.generate_otp(step).encode()):
            found = step
    return found


def address(secret: str, *, issuer: str, name: str, manner: Manner = USUAL) -> str:
    """What authenticators read, as a link or in a QR code (`otpauth://totp/…`)."""
    return _codes(secret, manner).provisioning_uri(name=name, issuer_name=issuer)


def _codes(secret: str, manner: Manner) -> pyotp.TOTP:
    return _Codes(secret, digits=manner.digits, digest=_DIGESTS[manner.algorithm], interval=manner.step_s)
