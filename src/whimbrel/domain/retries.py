"""The one retry rule for webhooks, pure: the schedule of Standard Webhooks 1.0.0 with jitter, and what each kind of
failure means. Nothing else in the product decides when an event is posted again.
"""

import msgspec

SECOND_US = 1_000_000
MINUTE_S = 60
HOUR_S = 60 * MINUTE_S

# Standard Webhooks, "Deliverability and reliability": seconds before each try; the first is at once, the last 75.6
# hours later.
SCHEDULE_S = (
    0,
    5,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
)
TRIES_MAX = len(SCHEDULE_S)
JITTER = 0.1  # a tenth earlier or later: what failed together must not come back together
RETRY_AFTER_MAX_S = 24 * HOUR_S  # no longer than the longest step, or a bad header would bury an event
THROTTLE_S = 5  # an overloaded endpoint that names no time gets this much rest

_OVERLOADED = frozenset({429, 502, 504})
_GONE = 410


class Next(msgspec.Struct, frozen=True, gc=False):
    """What follows a failed try."""

    at: int | None  # microseconds UTC of the next try; None: dead
    disable: bool = False  # the endpoint asked not to be called again
    rest_until: int | None = None  # the whole endpoint is overloaded and waits so long, not just this event


def after(try_number: int, status: int | None, retry_after_s: float | None, jitter: float, now_us: int) -> Next:
    """What follows try `try_number` (1-based), which failed at `now_us`: with a status that is not 2xx (a redirect is a
    failure and is never followed), or None without an answer. `jitter` is a draw from 0 to 1.

    410 switches the endpoint off; 429, 502 and 504 make it rest; Retry-After is honoured when it is later than the
    schedule."""
    if status == _GONE:
        return Next(None, disable=True)
    asked_s = min(max(retry_after_s or 0.0, 0.0), RETRY_AFTER_MAX_S)
    rest_until = None
    if status in _OVERLOADED:
        rest_until = now_us + int((asked_s or THROTTLE_S) * SECOND_US)
    if try_number >= TRIES_MAX:
        return Next(None, rest_until=rest_until)
    scheduled_s = SCHEDULE_S[try_number] * (1 - JITTER + 2 * JITTER * jitter)
    return Next(now_us + int(max(scheduled_s, asked_s) * SECOND_US), rest_until=rest_until)
