"""What takes back what somebody has just done: the opposite operation, kept in a cookie of the browser for two
minutes. It is signed for the session, so nobody can plant another one; and it is no part of an address, where logs
would keep it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec

LASTS_S: Final = 120
_COOKIE_MAX: Final = 3500  # octets: browsers keep 4,096 with name and attributes
_MARK: Final = 16


class Undo(msgspec.Struct, frozen=True):
    """An operation of the API by its name (`saveView`: a saved view, which has none), for which account (None: the
    visitor's own), and where one goes afterwards."""

    operation: str
    to: str
    path: Mapping[str, str] = {}
    body: Any = None
    account_id: str | None = None
    query: Mapping[str, str] = {}


class Offer(msgspec.Struct, frozen=True):
    """One that a browser holds. `mark` tells it from others, whose buttons may stand in another window."""

    undo: Undo
    mark: str


def written(undo: Undo, secret: str) -> str:
    """For the cookie; empty where it has no room: then nothing is offered."""
    text = base64.urlsafe_b64encode(msgspec.json.encode(undo)).decode()
    return f"{text}.{_signed(text, secret)}" if len(text) < _COOKIE_MAX else ""


def read(cookie: str, secret: str) -> Offer | None:
    """What `written` made in this session; None for anything else."""
    text, _, signature = cookie.partition(".")
    if not hmac.compare_digest(signature.encode(), _signed(text, secret).encode()):
        return None
    try:
        return Offer(msgspec.json.decode(base64.urlsafe_b64decode(text), type=Undo), signature[:_MARK])
    except (binascii.Error, msgspec.DecodeError):
        return None


def _signed(text: str, secret: str) -> str:
    key = hashlib.sha256(b"undo " + secret.encode()).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
