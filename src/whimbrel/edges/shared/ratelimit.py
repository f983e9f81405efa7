"""Requests a second of one key: a token bucket that holds one second's worth, told on every answer by the `RateLimit-*`
headers (IETF draft-ietf-httpapi-ratelimit-headers, the three-header form that most clients read).
"""

from whimbrel.base.clock import SECOND_US, Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared.asgi import Headers

_RESET = (b"ratelimit-reset", b"1")  # a bucket of one second's worth is full again within a second
_RETRY_AFTER_S = 1


class Bucket:
    """What one key may still do now."""

    __slots__ = ("_filled_at_us", "_limit", "_tokens_us", "rate_per_s")

    def __init__(self, rate_per_s: int, now_us: int) -> None:
        self.rate_per_s = rate_per_s
        self._limit = (b"ratelimit-limit", b"%d" % rate_per_s)
        self._tokens_us = rate_per_s * SECOND_US  # a request costs SECOND_US: integers only
        self._filled_at_us = now_us

    def take(self, now_us: int) -> bool:
        """Use one request; False when there is none left."""
        full = self.rate_per_s * SECOND_US
        tokens = min(full, self._tokens_us + (now_us - self._filled_at_us) * self.rate_per_s)
        self._filled_at_us = now_us
        if tokens < SECOND_US:
            self._tokens_us = tokens
            return False
        self._tokens_us = tokens - SECOND_US
        return True

    def headers(self) -> Headers:
        """A new list with the three headers."""
        return [self._limit, (b"ratelimit-remaining", b"%d" % (self._tokens_us // SECOND_US)), _RESET]


class RateLimiter:
    """The buckets of all keys in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def take(self, key_id: str, rate_per_s: int) -> tuple[bool, Headers]:
        """Whether the key may make this request, and the headers for its answer."""
        now_us = self._clock.monotonic_us()
        bucket = self._buckets.get(key_id)
        if bucket is None or bucket.rate_per_s != rate_per_s:
            bucket = self._buckets[key_id] = Bucket(rate_per_s, now_us)
        return bucket.take(now_us), bucket.headers()


def too_many() -> WhimbrelError:
    """The refusal of a request that found no token."""
    return WhimbrelError("rate_limited", retry_after_s=_RETRY_AFTER_S)
