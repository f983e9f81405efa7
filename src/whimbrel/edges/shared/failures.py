"""Failed credentials by the address that they come from: so many a minute, then 429 in place of 401.

Whoever has a key is let through all the same, for many customers may stand behind one proxy: a key is a look-up, and a
pair that was verified is remembered. What is bounded is the guessing of tokens, and what it costs us and the log.

Calls of hooks are counted apart, and each hook by itself: all shops of a platform call from the addresses that it has,
so one whose secret is wrong, or who guesses, must not shut out the others.
"""

from contextvars import ContextVar
from ipaddress import IPv6Address

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import (
    FAILED_CREDENTIALS_MAX,
    FAILED_CREDENTIALS_TRACKED_MAX,
    FAILED_CREDENTIALS_WINDOW_S,
    HOOK_FORGED_MAX,
    HOOK_FORGED_OF_ADDRESS_MAX,
)

_WINDOW_US = FAILED_CREDENTIALS_WINDOW_S * SECOND_US
_SITE_BITS = 64  # of an IPv6 address belong to whoever has the network (RFC 4291 2.5.4)


class Windows:
    """Failures of each key (an address, or an address with a name) in the minute that began with its first one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of: dict[str, tuple[int, int]] = {}  # start of the window and failures in it; the oldest window first

    def left_us(self, key: str, most: int) -> int:
        """How long the key is locked out still, because it has failed `most` times; 0 when it is not."""
        start, count = self._of.get(key, (0, 0))
        return max(0, start + _WINDOW_US - self._clock.monotonic_us()) if count >= most else 0

    def note(self, key: str) -> None:
        """The key has failed once more."""
        now = self._clock.monotonic_us()
        start, count = self._of.get(key, (now, 0))
        if now - start >= _WINDOW_US:
            del self._of[key]
            start, count = now, 0
        elif not count and len(self._of) >= FAILED_CREDENTIALS_TRACKED_MAX:
            del self._of[next(iter(self._of))]
        self._of[key] = (start, count + 1)


def site(host: str) -> str:
    """What of an address belongs to one party: an IPv4 address, the upper half of an IPv6 one."""
    if ":" not in host:
        return host
    address = IPv6Address(host.partition("%")[0])
    return str(address.ipv4_mapped or int(address) >> _SITE_BITS)


class Failures:
    """The failures of HTTP requests. A request says once where it comes from; steps deep inside need not be told."""

    def __init__(self, clock: Clock) -> None:
        self._client: ContextVar[tuple[str, int] | None] = ContextVar("client", default=None)
        self._windows = Windows(clock)
        self._forged = Windows(clock)

    def come_from(self, client: tuple[str, int] | None) -> None:
        """The address and port that the request of this task comes from; None when nobody knows."""
        self._client.set(client)

    def check(self) -> None:
        """Before unknown credentials are looked at; rate_limited when too many have failed."""
        _refuse(self._windows.left_us(self._address(), FAILED_CREDENTIALS_MAX), "failed credentials")

    def note(self) -> None:
        """Credentials have failed."""
        self._windows.note(self._address())

    def check_hook(self, hook_id: str) -> None:
        """Before a call of a hook is looked at; rate_limited when too many were forged."""
        address = self._address()
        of_hook = self._forged.left_us(f"{address} {hook_id}", HOOK_FORGED_MAX)
        _refuse(of_hook or self._forged.left_us(address, HOOK_FORGED_OF_ADDRESS_MAX), "forged calls")

    def note_hook(self, hook_id: str) -> None:
        """A call of a hook was forged, or there is no such hook."""
        address = self._address()
        self._forged.note(address)
        self._forged.note(f"{address} {hook_id}")

    def _address(self) -> str:
        client = self._client.get()
        return site(client[0]) if client else ""


def _refuse(left_us: int, what: str) -> None:
    if left_us > 0:
        detail = f"Too many {what} from this address."
        raise WhimbrelError("rate_limited", detail, retry_after_s=-(-left_us // SECOND_US))
