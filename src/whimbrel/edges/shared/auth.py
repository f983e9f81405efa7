"""Who asks: `Authorization: Bearer wk_…` (an API key) or Basic `AC…:auth_token` (an account's own token), and for whom
they act. Deny by default: a principal may do what its scopes name and nothing else.

Keys are looked up by SHA-256 in the snapshot of tables, so a revoked key fails at the next request: the doors bring the
snapshots up to date before they ask here, and what accept stores is looked at once more by its commit. A verified Basic
pair is remembered by keyed hash for as long as the account's sealed token is the very same value.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import RATE_DEFAULT_PER_S
from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.active import check_active, check_settled
from whimbrel.domain.model import Account, Key
from whimbrel.edges.shared.failures import Failures
from whimbrel.manage.scopes import ACCOUNT_SCOPES, OPERATOR

ACCOUNT_HEADER = b"x-account-id"
_BEARER = b"bearer "
_BASIC = b"basic "
_UNSURE_S = 2  # by then the node has heard of it
_OWNER_SCOPES = frozenset(ACCOUNT_SCOPES)  # an account's own token may do all that an account's key may


class Principal(msgspec.Struct, frozen=True):
    """Who makes a request. `account_id` None is the operator. `key` None: an account's own token, whose `key_id` is
    the account's id."""

    account_id: str | None
    key_id: str
    test: bool
    scopes: frozenset[str]
    rate_per_s: int
    key: Key | None = None

    def may(self, scope: str) -> bool:
        """Whether the scopes allow it."""
        return scope in self.scopes or OPERATOR in self.scopes


class Directory(Protocol):
    """What authentication reads of the snapshot of tables."""

    @property
    def keys(self) -> Mapping[bytes, Key]: ...

    @property
    def accounts(self) -> Mapping[str, Account]: ...


class Authenticator:
    """Turns credentials into principals."""

    def __init__(
        self,
        *,
        directory: Directory,
        vault: Vault,
        clock: Clock,
        failures: Failures,
        elsewhere: Callable[[str], Account | None] = lambda _: None,
        unsure: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """`elsewhere`: accounts of other cells, which the operator may name where it makes a difference. `unsure`:
        whether a credential that is not known here may be another cell's."""
        self._directory = directory
        self._elsewhere = elsewhere
        self._unsure = unsure
        self._failures = failures
        self._vault = vault
        self._clock = clock
        self._by_key: dict[str, tuple[Key, Principal]] = {}
        self._by_pair: dict[bytes, tuple[bytes, Principal]] = {}

    def principal(self, authorization: bytes | None) -> Principal:
        """The principal of an Authorization header; WhimbrelError unauthorized, account_suspended, account_moving,
        cell_unavailable, or rate_limited where too many have failed."""
        if authorization is None:
            raise WhimbrelError("unauthorized")
        try:
            return self._principal(authorization)
        except WhimbrelError as error:
            if error.code == "unauthorized":
                self._failures.check()
                self._failures.note()
                if self._unsure(authorization):
                    raise WhimbrelError("cell_unavailable", retry_after_s=_UNSURE_S) from None
            raise

    def again(self, authorization: bytes | None) -> Principal:
        """The same for a request that was let in a moment ago, and counts nothing."""
        if authorization is None:
            raise WhimbrelError("unauthorized")
        return self._principal(authorization)

    def _principal(self, authorization: bytes) -> Principal:
        scheme = authorization[:7].lower()
        if scheme == _BEARER:
            return self._bearer(authorization[7:].strip())
        if scheme[:6] == _BASIC:
            return self._basic(authorization[6:].strip())
        raise WhimbrelError("unauthorized")

    def acting_for(self, principal: Principal, wanted: bytes | None) -> str | None:
        """The account that a request is about: the key's own, or the one that `X-Account-Id` names, which must be its
        own or a sub-account of it (the operator may name any); not_found otherwise."""
        own = principal.account_id
        if wanted is None:
            return own
        name = wanted.decode("latin-1")
        if name == own:
            return own
        account = self._directory.accounts.get(name)
        if own is None:
            account = self._elsewhere(name) or account
        if account is None or (own is not None and account.parent_id != own):
            raise WhimbrelError("not_found", "There is no such account.")
        check_settled(account)
        return name

    def _bearer(self, secret: bytes) -> Principal:
        key = self._directory.keys.get(hashlib.sha256(secret).digest())
        if key is None or key.status != "active":
            raise WhimbrelError("unauthorized")
        if key.expires_at is not None and key.expires_at <= self._clock.now_us():
            raise WhimbrelError("unauthorized", "The key has expired.")
        if key.account_id is not None:
            self._check_active(key.account_id)
        known = self._by_key.get(key.id)
        if known is None or known[0] is not key:
            known = self._by_key[key.id] = (key, _principal(key))
        return known[1]

    def _basic(self, encoded: bytes) -> Principal:
        digest = self._vault.credential_digest(encoded)
        known = self._by_pair.get(digest)
        if known is None:
            return self._verify(encoded, digest)
        sealed, principal = known
        assert principal.account_id is not None
        account = self._directory.accounts.get(principal.account_id)
        if account is None or account.auth_token != sealed:
            del self._by_pair[digest]
            raise WhimbrelError("unauthorized")
        self._check_active(account.id)
        return principal

    def _verify(self, encoded: bytes, digest: bytes) -> Principal:
        self._failures.check()
        try:
            user, _, token = base64.b64decode(encoded, validate=True).partition(b":")
        except binascii.Error:
            raise WhimbrelError("unauthorized") from None
        account = self._directory.accounts.get(user.decode("latin-1"))
        if account is None:
            raise WhimbrelError("unauthorized")
        expected = self._vault.open(account.auth_token, Seal.of(Seal.ACCOUNT_TOKEN, account.id))
        if not hmac.compare_digest(expected.encode(), token):
            raise WhimbrelError("unauthorized")
        self._check_active(account.id)
        principal = Principal(account.id, account.id, False, _OWNER_SCOPES, RATE_DEFAULT_PER_S)
        self._by_pair[digest] = (account.auth_token, principal)
        return principal

    def _check_active(self, account_id: str) -> None:
        check_active(self._directory.accounts.get(account_id))


def _principal(key: Key) -> Principal:
    return Principal(key.account_id, key.id, key.mode == "test", frozenset(key.scopes), key.rate_per_s, key)
