"""Keys and tokens of NATS, made here and not by the code that reads them."""

import base64
import binascii
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Key:
    """A key of NATS of a kind (O, A, U), with its own way of writing it."""

    def __init__(self, kind: str) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._kind = {"O": 14, "A": 0, "U": 20}[kind] << 3
        octets = self._key.private_bytes_raw()
        self.seed = _text(bytes([(18 << 3) | (self._kind >> 5), (self._kind & 31) << 3]) + octets)
        self.public = _text(bytes([self._kind]) + self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def file(self, folder: Path) -> str:
        path = folder / f"{self.public}.nk"
        path.write_text(self.seed + "\n")
        return str(path)

    def sign(self, octets: bytes) -> bytes:
        return self._key.sign(octets)


def damaged(seed: str) -> str:
    """With one letter changed."""
    return seed[:20] + ("A" if seed[20] != "A" else "B") + seed[21:]


def _text(octets: bytes) -> str:
    whole = octets + binascii.crc_hqx(octets, 0).to_bytes(2, "little")
    return base64.b32encode(whole).decode().rstrip("=")


def jwt(issuer: Key, subject: Key, facts: dict) -> str:
    """A token of NATS: JWT with its own algorithm."""
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    claims = {"jti": subject.public, "iat": 1, "iss": issuer.public, "sub": subject.public, "name": "x", "nats": facts}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
    signed = b".".join(parts)
    return b".".join([signed, base64.urlsafe_b64encode(issuer.sign(signed)).rstrip(b"=")]).decode()
