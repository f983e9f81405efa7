"""The timers of a session (clause 7.2) as values that are computed from given time.

Apart from `session` because they are arithmetic: when the peer was last heard, how often it was asked since, and until
when the present state may last. Time is an integer in milliseconds that never runs back.
"""

from typing import Final

from whimbrel.codec.smpp.events import CloseReason, Settings, State

NEVER: Final = 1 << 62
OVERDUE: Final = {
    State.OPEN: CloseReason.BIND_TIMEOUT,
    State.BINDING: CloseReason.BIND_TIMEOUT,
    State.UNBINDING: CloseReason.UNBIND_TIMEOUT,
    State.UNBOUND: CloseReason.PEER_UNBOUND,
}
"""Why a session is closed whose state has lasted beyond its deadline."""


class Timers:
    """See the head of this file."""

    __slots__ = ("_asked_ms", "_bind_deadline_ms", "_heard_ms", "_settings", "asked", "deadline_ms")

    def __init__(self, settings: Settings, now_ms: int) -> None:
        """The bind's deadline counts from here."""
        self._settings = settings
        self._heard_ms = self._asked_ms = now_ms
        self.asked = 0
        """Enquiries since the peer was last heard."""
        self.deadline_ms = self._bind_deadline_ms = now_ms + settings.bind_timeout_ms
        """When the present state has lasted too long; NEVER while bound."""

    def adopt(self, settings: Settings) -> None:
        """Other times from now on; a deadline that runs stays."""
        self._settings = settings

    def bind_requested(self) -> None:
        """An SMSC's deadline for a bind is for the peer, which has asked now: that we are slow to verify a thousand
        passwords at once must not close on those who wait for it."""
        self.deadline_ms = NEVER

    def bind_refused(self) -> None:
        """The peer may try again, within the time that it had."""
        self.deadline_ms = self._bind_deadline_ms

    def heard(self, now_ms: int) -> None:
        """The peer sent something: any PDU is a sign of life."""
        self._heard_ms = now_ms
        self.asked = 0

    def ask(self, now_ms: int) -> None:
        """An enquire_link leaves."""
        self._asked_ms = now_ms
        self.asked += 1

    def due_ms(self) -> int:
        """When the first of them is due; NEVER when none is."""
        return min(self.deadline_ms, self.enquire_due_ms(), self.inactive_ms())

    def enquire_due_ms(self) -> int:
        """When the next enquire_link has to leave, or the peer is given up; a state with a deadline asks nothing."""
        if self.deadline_ms != NEVER or not self._settings.enquire_link_ms:
            return NEVER
        if self.asked:
            return self._asked_ms + self._settings.enquire_link_answer_ms
        return self._heard_ms + self._settings.enquire_link_ms

    def inactive_ms(self) -> int:
        """When a silent peer is dropped."""
        return self._heard_ms + self._settings.inactivity_ms if self._settings.inactivity_ms else NEVER
