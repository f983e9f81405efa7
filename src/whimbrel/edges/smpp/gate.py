"""Who may bind: system_id, password and address to a credential, or to a refusal.

What strangers learn. A system_id that nobody has, a wrong password and an address that is not on the credential's list
are one refusal, ESME_RINVPASWD, and cost one verification each: nobody finds out which system_ids there are, and a
password that was found out cannot be tried from elsewhere. Who has shown the right password is told more: suspended,
or too many binds, is ESME_RBINDFAIL. Not ESME_RALYBND: that is for a session that binds twice (SMPP 3.4 5.1.3), and
clients answer it by closing the sessions that they have.

Verifying costs milliseconds by design, so it happens in threads, two at a time, and a password that was found right is
remembered by keyed hash: customers that all come back at once after a break cost nothing. A wrong one is never
remembered; failures are counted by address and system_id, and after some neither is looked at for the rest of the
minute. An address that failed with many system_ids is refused too, except for what is remembered: many customers may
stand behind one address, and one of them must not lock out the others.
"""

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Callable, Mapping
from typing import Final, Literal, Protocol

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.base.limits import SMPP_FAILED_BINDS_MAX, SMPP_FAILED_BINDS_PER_ADDRESS
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.codec.smpp.statuses import Status
from whimbrel.domain.customers import CustomerBounds, CustomerSettings, effective
from whimbrel.domain.model import Account, SmppCredential
from whimbrel.edges.shared.failures import Windows, site
from whimbrel.manage import passwords

Reason = Literal["locked_out", "unknown", "address", "password", "suspended", "account", "too_many_binds", "cell"]

_log = logging.getLogger("whimbrel.smpp")
_WAIT_S: Final = 1.0
"""Before the answer of one who is refused time and again: programs that bind again at once do so by the thousand."""
_AT_ONCE: Final = 2  # verifications: each takes a core and 8 MiB, and the cores have messages to carry
STATUS_OF: Final[Mapping[Reason, Status]] = {
    "locked_out": Status.ESME_RBINDFAIL,
    "unknown": Status.ESME_RINVPASWD,
    "address": Status.ESME_RINVPASWD,
    "password": Status.ESME_RINVPASWD,
    "suspended": Status.ESME_RBINDFAIL,
    "account": Status.ESME_RBINDFAIL,
    "too_many_binds": Status.ESME_RBINDFAIL,
    "cell": Status.ESME_RBINDFAIL,
}
"""docs/smpp-server.md lists it (a test compares)."""


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """Who binds. `settings` are those that hold, within the operator's bounds: none is left to a default any more."""

    credential: SmppCredential
    settings: CustomerSettings
    account: Account
    address: str


class Refused(msgspec.Struct, frozen=True, gc=False):
    """command_status of the bind's answer, after how many seconds it is given, and the reason that is not told but
    counted."""

    status: Status
    reason: Reason
    wait_s: float = 0.0


class Directory(Protocol):
    """What the gate reads of the snapshot of tables."""

    @property
    def smpp_credentials(self) -> Mapping[str, SmppCredential]: ...

    @property
    def accounts(self) -> Mapping[str, Account]: ...

    async def current(self) -> None: ...


class Gate:
    """Admits binds; one for the process."""

    def __init__(
        self,
        *,
        directory: Directory,
        vault: Vault,
        clock: Clock,
        metrics: Metrics,
        bounds: CustomerBounds,
        matches: Callable[[str, str], bool] = passwords.matches,
    ) -> None:
        self._directory = directory
        self._vault = vault
        self._metrics = metrics
        self._bounds = bounds
        self._matches = matches
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._by_pair = Windows(clock)
        self._by_address = Windows(clock)
        self._refused = Windows(clock)  # by pair, whatever the reason
        self._calls = Windows(clock)  # by pair: outbinds that nobody took
        self._right: dict[str, bytes] = {}  # what is remembered, by system_id

    async def admit(
        self, system_id: str, password: str, address: str, *, binds_now: Callable[[str], int]
    ) -> Admitted | Refused:
        """Who binds from this address (IPv4 or IPv6, without port). `binds_now` tells how many binds a credential has;
        it is asked last, and nothing is awaited after it: who registers the bind at once is never over the number."""
        try:
            await self._directory.current()
        except Exception:  # without a store nothing that it sends is taken, and nothing is there to be delivered
            _log.exception("a bind is looked at by what was known last")
        found, reason = await self._authenticated(system_id, password, address)
        if found is not None:
            reason = self._objection(found, binds_now)
        if reason is None:
            assert found is not None
            return found
        return self._refuse(reason, system_id, address)

    def no_seat(self, found: Admitted) -> Refused:
        """Somebody who was admitted here has too many binds at all nodes together."""
        return self._refuse("too_many_binds", found.credential.system_id, found.address)

    def no_cell(self, found: Admitted) -> Refused:
        """The cell of somebody who was admitted here cannot be reached."""
        return self._refuse("cell", found.credential.system_id, found.address)

    def _refuse(self, reason: Reason, system_id: str, address: str) -> Refused:
        self._metrics.smpp_binds_refused.labels(reason).inc()
        pair = _pair(system_id, address)
        is_again = reason == "locked_out" or self._refused.left_us(pair, SMPP_FAILED_BINDS_MAX) > 0
        if not is_again:
            self._refused.note(pair)
            known = self._directory.smpp_credentials.get(system_id)  # a system_id of nobody may be a password
            told = {"reason": reason, "address": address, "credential": known.id if known else None}
            _log.info("a bind was refused", extra=told)
        return Refused(STATUS_OF[reason], reason, _WAIT_S if is_again else 0.0)

    def takes_call(self, system_id: str, address: str, take: Callable[[], bool]) -> bool:
        """Whether `take` takes over the connection of who says outbind. Failures are counted as those of binds are: the
        password in an outbind must not be guessed either."""
        pair = _pair(system_id, address)
        if self._calls.left_us(pair, SMPP_FAILED_BINDS_MAX):
            return False
        if take():
            return True
        self._calls.note(pair)
        _log.info("an outbind was refused", extra={"address": address})
        return False

    def current(self, admitted: Admitted) -> Admitted | None:
        """The same bind by the tables as they are now, with its settings as they are now; None when it must end: its
        credential is gone or suspended, the password or the address holds no more, the account is not active."""
        before, account = admitted.credential, admitted.account
        tables = self._directory
        if tables.smpp_credentials.get(before.system_id) == before and tables.accounts.get(account.id) == account:
            return admitted  # as for all but one of a thousand binds when something has changed
        credential, _ = self._candidate(before.system_id, admitted.address)
        if credential is None or (credential.id, credential.password) != (before.id, before.password):
            return None
        found = self._admitted(credential, admitted.address)
        return None if found is None or credential.status != "active" or found.account.status != "active" else found

    # ---------------------------------------------------------------- parts of them

    async def _authenticated(
        self, system_id: str, password: str, address: str
    ) -> tuple[Admitted | None, Reason | None]:
        pair = _pair(system_id, address)
        if self._by_pair.left_us(pair, SMPP_FAILED_BINDS_MAX):
            return None, "locked_out"
        credential, reason = self._candidate(system_id, address)
        if credential is None or not self._is_remembered(credential, password):
            failure = await self._verified(credential, password, pair, address)
            reason = failure if reason is None or failure == "locked_out" else reason
        if reason is not None:
            self._by_pair.note(pair)
            if reason != "locked_out":
                self._by_address.note(site(address))
            return None, reason
        now, reason = self._candidate(system_id, address)  # it may have changed while it was verified
        if now is None or credential is None or (now.id, now.password) != (credential.id, credential.password):
            return None, reason or "password"
        found = self._admitted(now, address)
        return found, None if found else "account"

    def _candidate(self, system_id: str, address: str) -> tuple[SmppCredential | None, Reason | None]:
        """The credential whose password has to be right, or why none could be."""
        credential = self._directory.smpp_credentials.get(system_id)
        if credential is None:
            return None, "unknown"
        allowed = msgspec.json.decode(credential.settings, type=CustomerSettings).allow_addresses
        return (credential, None) if _is_among(address, allowed) else (None, "address")

    async def _verified(
        self, credential: SmppCredential | None, password: str, pair: str, address: str
    ) -> Reason | None:
        """Verify, when it is its turn; None when the password is right. Without a credential the same is done for
        nothing."""
        async with self._turns:
            # others of this address may have failed, or been found right, while it waited
            if credential is not None and self._is_remembered(credential, password):
                return None
            if self._by_pair.left_us(pair, SMPP_FAILED_BINDS_MAX):
                return "locked_out"
            if self._by_address.left_us(site(address), SMPP_FAILED_BINDS_PER_ADDRESS):
                return "locked_out"
            kept = passwords.NOBODY if credential is None else credential.password
            try:
                is_right = await asyncio.to_thread(self._matches, password, kept)
            except asyncio.CancelledError:  # it has hung up: what it cost is counted all the same
                self._by_pair.note(pair)
                self._by_address.note(site(address))
                raise
        if credential is None or not is_right:
            return "password"
        self._remember(credential, password)
        return None

    def _objection(self, found: Admitted, binds_now: Callable[[str], int]) -> Reason | None:
        """Why somebody who is known may still not bind."""
        if found.credential.status != "active":
            return "suspended"
        if found.account.status != "active":
            return "account"
        return "too_many_binds" if binds_now(found.credential.id) >= found.settings.binds_max else None

    def _admitted(self, credential: SmppCredential, address: str) -> Admitted | None:
        account = self._directory.accounts.get(credential.account_id)
        if account is None:
            return None
        settings = effective(msgspec.json.decode(credential.settings, type=CustomerSettings), self._bounds)
        return Admitted(credential, settings, account, address)

    def _digest(self, credential: SmppCredential, password: str) -> bytes:
        """Of system_id, password and what is stored, so that nothing holds after a rotation."""
        parts = (credential.system_id, password, credential.password)
        return self._vault.credential_digest("\0".join(parts).encode())

    def _is_remembered(self, credential: SmppCredential, password: str) -> bool:
        known = self._right.get(credential.system_id)
        return known is not None and hmac.compare_digest(known, self._digest(credential, password))

    def _remember(self, credential: SmppCredential, password: str) -> None:
        self._right[credential.system_id] = self._digest(credential, password)
        if len(self._right) > len(self._directory.smpp_credentials):
            present = self._directory.smpp_credentials
            self._right = {system_id: digest for system_id, digest in self._right.items() if system_id in present}


def _pair(system_id: str, address: str) -> str:
    return f"{site(address)} {system_id}"


def _is_among(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address is in one of the networks; every address is where there are none, also one that is none."""
    if not networks:
        return True
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in ipaddress.ip_network(network) for network in networks)
