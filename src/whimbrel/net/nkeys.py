"""NATS's keys: a seed in base32 that signs what the server asks, alone or with a JWT beside it in a credentials file.
Apart from the client because its own way needs a further package for these few lines.

A seed is two octets that say what it is, the 32 of an Ed25519 key, and a CRC-16 (nats-io/nkeys, `strkey.go`).
"""

import base64
import binascii
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_SEED = 18 << 3  # "S" as the first letter
_USER = 20 << 3  # "U"
_KEY_OCTETS = 32


class NkeyError(ValueError):
    """A file that holds no seed, or no JWT; names it and never its content."""


class Nkey:
    """A user's key."""

    def __init__(self, seed: str) -> None:
        octets = _decoded(seed)
        kind = ((octets[0] & 7) << 5) | (octets[1] >> 3)
        if octets[0] & 0xF8 != _SEED or kind != _USER or len(octets) != _KEY_OCTETS + 4:
            raise ValueError("not the seed of a user")
        self._key = Ed25519PrivateKey.from_private_bytes(octets[2:-2])

    @property
    def public(self) -> str:
        """The public key as NATS writes it, `U…`."""
        octets = bytes([_USER]) + self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _encoded(octets)

    def sign(self, nonce: str) -> bytes:
        """The signature in base64."""
        return base64.b64encode(self._key.sign(nonce.encode()))


def seed_of(file: str) -> Nkey:
    """The key of a file that holds a seed and nothing else. NkeyError, OSError."""
    try:
        return Nkey(Path(file).read_text("ascii").strip())
    except ValueError:
        raise NkeyError(f"{file} holds no user's seed (SU…)") from None


def credentials_of(file: str) -> tuple[str, Nkey]:
    """The JWT and the key of a credentials file, as `nsc` writes it. NkeyError, OSError."""
    try:
        lines = Path(file).read_text("ascii").splitlines()
        jwt = _after(lines, "BEGIN NATS USER JWT")
        return jwt, Nkey(_after(lines, "BEGIN USER NKEY SEED"))
    except ValueError:
        raise NkeyError(f"{file} holds no user's JWT with its seed") from None


def _after(lines: list[str], mark: str) -> str:
    for line, following in pairwise(lines):
        if mark in line:
            return following.strip()
    raise ValueError(mark)


def _decoded(text: str) -> bytes:
    octets = base64.b32decode(text + "=" * (-len(text) % 8))
    if len(octets) < 4 or _encoded(octets[:-2]) != text:
        raise ValueError("damaged")
    return octets


def _encoded(octets: bytes) -> str:
    return base64.b32encode(octets + binascii.crc_hqx(octets, 0).to_bytes(2, "little")).decode().rstrip("=")
