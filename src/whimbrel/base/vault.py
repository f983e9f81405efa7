"""The installation's master key and what is done with it: secrets encrypted at rest (AES-256-GCM, the column and owner
as associated data, so that a ciphertext moved to another row does not open), and keyed hashes of phone numbers.

The master key comes from a file or the environment, never from the database.
"""

import hmac
from hashlib import blake2b, blake2s

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from whimbrel.base.clock import Chance

MASTER_KEY_OCTETS = 32
_NONCE = 12
_TAIL = 8  # digits by which a receipt finds its message: carriers add and drop prefixes, never the tail
_TAILS_KEPT = 50_000  # some 8 MB
_VERSION = b"\x01"


class Seal:
    """Contexts of the secrets in the database, one for each column; the owner's id makes it complete."""

    ACCOUNT_TOKEN = "auth_token"
    ACCOUNT_CALLBACK = "callback_secret"
    CARRIER_PASSWORD = "carrier"
    WEBHOOK_SECRET = "webhook"
    USER_TOTP = "totp"
    HOOK_SECRET = "hook"
    HOOK_PAYLOAD = "hook_payload"
    MAILBOX_MAIL = "mailbox_mail"
    MESSAGE_TEXT = "text"
    VERIFY_CODE = "verify_code"
    FACTOR_SECRET = "factor"

    @staticmethod
    def of(column: str, owner_id: str) -> str:
        """The context of one row's secret."""
        return f"{column}:{owner_id}"


class Vault:
    """Encrypts, decrypts and hashes with keys derived from the master key."""

    def __init__(self, master: bytes, chance: Chance) -> None:
        if len(master) != MASTER_KEY_OCTETS:
            raise ValueError(f"the master key must have {MASTER_KEY_OCTETS} octets, not {len(master)}")
        self._chance = chance
        self._aead = AESGCM(hmac.digest(master, b"secrets", "sha256"))
        # a copy of a hash that has its key costs a third less than a hash that is given it
        self._keyed = blake2s(key=hmac.digest(master, b"numbers", "sha256"), digest_size=8)
        self._tails: dict[str, int] = {}
        self._cache_key = hmac.digest(master, b"credentials", "sha256")
        self._code_key = hmac.digest(master, b"codes", "sha256")
        self._call_key = hmac.digest(master, b"calls", "sha256")

    def seal(self, secret: str, context: str) -> bytes:
        """Encrypt; `context` (such as "carrier:CR…") must be given again to open."""
        nonce = self._chance.octets(_NONCE)
        return _VERSION + nonce + self._aead.encrypt(nonce, secret.encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> str:
        """Decrypt; cryptography.exceptions.InvalidTag when key or context are others."""
        return self._aead.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], context.encode()).decode()

    def number_hash(self, number: str) -> int:
        """63-bit keyed hash of a number or sender, independent of a leading plus."""
        return self._hash(number.lstrip("+").encode())

    def tail_hash(self, number: str) -> int:
        """63-bit keyed hash of the last eight digits. Remembered for a while: the same number comes back with its
        receipt, and our own senders come with each."""
        tail = number[-_TAIL:]
        known = self._tails.get(tail)
        if known is None:
            if len(self._tails) >= _TAILS_KEPT:
                self._tails.clear()
            known = self._tails[tail] = self._hash(b"tail:" + tail.encode())
        return known

    def fingerprint(self, *parts: bytes) -> int:
        """63-bit keyed hash of a sequence of octet strings."""
        return self._hash(b"\x00".join(parts))

    def credential_digest(self, credential: bytes) -> bytes:
        """Keyed hash under which a verified password is remembered in memory."""
        return blake2b(credential, key=self._cache_key, digest_size=16).digest()

    def code_octets(self, context: str) -> bytes:
        """32 octets that only the master key and `context` give: codes are made of them, and stored nowhere."""
        return hmac.digest(self._code_key, context.encode(), "sha256")

    def call_token(self, carrier_id: str, version: int) -> str:
        """32 hex digits of the address at which a carrier over HTTP calls us; stored nowhere, the same in all cells."""
        return hmac.digest(self._call_key, f"{carrier_id}:{version}".encode(), "sha256").hex()[:32]

    def _hash(self, octets: bytes) -> int:
        keyed = self._keyed.copy()
        keyed.update(octets)
        return int.from_bytes(keyed.digest(), "big") >> 1
