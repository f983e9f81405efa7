"""Secrets that are made here and shown once."""

import base64

from whimbrel.base.clock import Chance

_TOKEN_OCTETS = 16
_SIGNING_OCTETS = 32


def auth_token(chance: Chance) -> str:
    """32 hex digits (128 bits), the shape of Twilio's auth tokens."""
    return chance.octets(_TOKEN_OCTETS).hex()


def signing_secret(chance: Chance) -> str:
    """The notation of Standard Webhooks: `whsec_` and base64 of 32 octets."""
    return "whsec_" + base64.b64encode(chance.octets(_SIGNING_OCTETS)).decode()
