"""The channels of a verification as rules: which of them bring its code in which order, what an attempt's state says,
and when an attempt is looked at again. Times are microseconds UTC.
"""

from collections.abc import Sequence
from typing import Final

from whimbrel.domain import states
from whimbrel.domain.verify import SECOND_US, Details, SendAttempt, Verification

SMS: Final = "sms"
EMAIL: Final = "email"
AUTO: Final = "auto"  # the service's channels, in so many words

QUEUED: Final = "queued"
SENDING: Final = "sending"
SENT: Final = "sent"
REFUSED: Final = "refused"
IN_DOUBT: Final = "in_doubt"
CANCELED: Final = "canceled"  # the verification had ended before the code was handed over
TIMED_OUT: Final = "timeout"
"""Why the next channel is taken where nothing was known by then."""

_NOT_BROUGHT: Final = frozenset({REFUSED, CANCELED, states.UNDELIVERED, states.EXPIRED, states.FAILED, states.REJECTED})
RETRY_WAITS_S: Final = (2, 8)
"""From one try of a channel that takes nothing for the moment to the next."""
_FIRST_LOOK_US: Final = SECOND_US
_SLOW_FIRST_LOOK_US: Final = 5 * SECOND_US


def chain_of(row: Verification, details: Details) -> tuple[str, ...]:
    """The channels that it was started with."""
    return details.channels or (row.channel,)


def following(chain: Sequence[str], channel: str) -> tuple[str, ...]:
    """Those after this one; none where it does not belong to them."""
    return tuple(chain[chain.index(channel) + 1 :]) if channel in chain else ()


def onwards(chain: Sequence[str], channel: str) -> tuple[str, ...]:
    """This one and those after it."""
    return (channel, *following(chain, channel))


def reported(state: str, *, delivered: bool) -> str | None:
    """The state of an attempt beside SMS after its carrier's report; None: it is known already, and what was told first
    stands."""
    if state not in (SENDING, SENT, IN_DOUBT):
        return None
    return states.DELIVERED if delivered else states.UNDELIVERED


def is_not_brought(state: str) -> bool:
    """Whether nobody has the code by this attempt, as far as can be known."""
    return state in _NOT_BROUGHT


def fallback_at(attempt: SendAttempt, details: Details) -> int:
    """When the next channel is taken, unless the code is known to be delivered by then."""
    return attempt.created_at + details.fallback_after_s * SECOND_US


def next_look(created_at: int, now: int, *, has_next: bool) -> int:
    """When the message of an attempt is looked at again: at ever greater distances, and sooner where another channel
    waits for what became of it."""
    first, factor = (_FIRST_LOOK_US, 2) if has_next else (_SLOW_FIRST_LOOK_US, 4)
    distance = first
    while created_at + distance <= now:
        distance *= factor
    return created_at + distance


def retry_at(tries: int, now: int) -> int | None:
    """When a channel that took nothing for the moment is asked again; None: not any more."""
    return now + RETRY_WAITS_S[tries - 1] * SECOND_US if tries <= len(RETRY_WAITS_S) else None
