"""Requests a second of one key: a bucket that holds one second's worth, told on every answer by the `RateLimit-*`
headers (IETF draft-ietf-httpapi-ratelimit-headers, the three-header form that most clients read).
"""

from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.pacing import Bucket
from whimbrel.edges.shared.asgi import Headers

_RETRY_AFTER_S = 1  # a bucket of one second's worth has a token again within a second, and is full within one
_RESET = (b"ratelimit-reset", b"1")


class RateLimiter:
    """The buckets of all keys in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def take(self, key_id: str, rate_per_s: int) -> tuple[bool, int]:
        """Whether the key may make this request, and how many more it could make now."""
        now_us = self._clock.monotonic_us()
        bucket = self._buckets.get(key_id)
        if bucket is None or bucket.rate_per_s != rate_per_s:
            bucket = self._buckets[key_id] = Bucket(rate_per_s, rate_per_s)
        return bucket.take(1, now_us) == 0, bucket.available(now_us)


def rate_headers(limit: int, remaining: int) -> Headers:
    """What an answer tells of the rate of the key that asked."""
    return [(b"ratelimit-limit", b"%d" % limit), (b"ratelimit-remaining", b"%d" % remaining), _RESET]


def too_many() -> WhimbrelError:
    """The refusal of a request that found no token."""
    return WhimbrelError("rate_limited", retry_after_s=_RETRY_AFTER_S)
