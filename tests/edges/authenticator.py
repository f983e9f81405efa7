"""Somebody's authenticator: RFC 6238 from the text of the standard, written apart from the product's own code."""

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, unquote, urlsplit


def code(secret: str, at_s: float, *, digits: int = 6, step_s: int = 30, algorithm: str = "sha1") -> str:
    """The code at a time (RFC 6238 4.2, RFC 4226 5.3)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counted = hmac.new(key, int(at_s // step_s).to_bytes(8, "big"), getattr(hashlib, algorithm)).digest()
    offset = counted[-1] & 0x0F
    number = int.from_bytes(counted[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def scanned(uri: str, at_s: float) -> tuple[str, str]:
    """What it shows after it has read an address: whose codes these are, and one of them."""
    parts = urlsplit(uri)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    shown = code(
        asked["secret"],
        at_s,
        digits=int(asked.get("digits", 6)),
        step_s=int(asked.get("period", 30)),
        algorithm=asked.get("algorithm", "SHA1").lower(),
    )
    return unquote(parts.path.lstrip("/")), shown
