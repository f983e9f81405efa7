"""Our requests that wait for a response: sequence numbers, the window's use, expiry, and late responses.

Apart from `session` because this is book-keeping without protocol states. All requests have the same response time, so
the order of the dict is the order of expiry: expiring looks at its head only, and no request has a timer of its own.
"""

from typing import Any, Final

import msgspec

from whimbrel.codec.smpp.tables import GENERIC_NACK, RESPONSE_BIT, SEQUENCE_MAX, WINDOWED

_LATE_MAX: Final = 1024
"""Timed-out requests that are remembered; the response to an older one is a stray."""


class Flight(msgspec.Struct, frozen=True, gc=False):
    """One request under way; `token` is the caller's own mark."""

    token: Any
    command_id: int
    expires_ms: int


class Outstanding:
    """Requests by sequence number, oldest first."""

    __slots__ = ("_flights", "_last_sequence", "_late", "_sequence", "window_used")

    def __init__(self, first_sequence: int = 1, last_sequence: int = SEQUENCE_MAX) -> None:
        """Numbers run from `first_sequence` and wrap from `last_sequence` to 1 (clause 3.2)."""
        self._flights: dict[int, Flight] = {}
        self._late: dict[int, Flight] = {}
        self._sequence = first_sequence - 1
        self._last_sequence = last_sequence
        self.window_used = 0

    def __len__(self) -> int:
        """Requests under way, windowed or not."""
        return len(self._flights)

    def next_sequence(self) -> int:
        """The next number that no request under way or timed out has."""
        sequence = self._sequence % self._last_sequence + 1
        while sequence in self._flights or sequence in self._late:
            sequence = sequence % self._last_sequence + 1
        self._sequence = sequence
        return sequence

    def add(self, token: Any, command_id: int, expires_ms: int) -> int:
        """Keep a request and return its sequence number."""
        sequence = self._sequence + 1
        if sequence > self._last_sequence or sequence in self._flights or sequence in self._late:
            sequence = self.next_sequence()
        self._sequence = sequence
        self._flights[sequence] = Flight(token, command_id, expires_ms)
        self.window_used += command_id in WINDOWED
        return sequence

    def answered(self, sequence: int, response_id: int) -> Flight | None:
        """Take out the request that this response (or generic_nack) answers; None when there is none."""
        flight = self._flights.get(sequence)
        if flight is None or response_id not in (flight.command_id | RESPONSE_BIT, GENERIC_NACK):
            return None
        del self._flights[sequence]
        self.window_used -= flight.command_id in WINDOWED
        return flight

    def answered_late(self, sequence: int, response_id: int) -> Flight | None:
        """Like `answered`, among those that timed out."""
        flight = self._late.get(sequence)
        if flight is None or response_id not in (flight.command_id | RESPONSE_BIT, GENERIC_NACK):
            return None
        return self._late.pop(sequence)

    def expire(self, now_ms: int) -> list[Flight]:
        """Take out the requests whose time is over, and remember them for a late response."""
        expired = []
        for sequence, flight in self._flights.items():
            if flight.expires_ms > now_ms:
                break
            expired.append((sequence, flight))
        for sequence, flight in expired:
            del self._flights[sequence]
            self.window_used -= flight.command_id in WINDOWED
            self._late[sequence] = flight
        while len(self._late) > _LATE_MAX:
            del self._late[next(iter(self._late))]
        return [flight for _, flight in expired]

    def first_expiry_ms(self) -> int | None:
        """When the oldest request times out; None when there is none."""
        for flight in self._flights.values():
            return flight.expires_ms
        return None

    def drain(self) -> list[Flight]:
        """Take out all requests, oldest first."""
        flights = list(self._flights.values())
        self._flights.clear()
        self.window_used = 0
        return flights
