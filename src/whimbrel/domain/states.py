"""Every state of a message, every move between states, its event, and what the other gateways call it. One table;
nothing else in the product decides whether a move is allowed.

The machine is monotone: a final state stays, except that `unknown` and a local `expired` may be corrected once by a
late receipt (the move is then flagged). `in_doubt` is not final.
"""

import msgspec

SCHEDULED = "scheduled"
QUEUED = "queued"
SENDING = "sending"
SENT = "sent"
DELIVERED = "delivered"
UNDELIVERED = "undelivered"
EXPIRED = "expired"
FAILED = "failed"
REJECTED = "rejected"
CANCELED = "canceled"
IN_DOUBT = "in_doubt"
UNKNOWN = "unknown"
RECEIVED = "received"  # inbound


class State(msgspec.Struct, frozen=True, gc=False):
    """One state: whether it is final, and its word in the other doors."""

    name: str
    final: bool
    twilio: str
    kannel: int  # bits of dlr-mask: 1 delivered, 2 failed, 4 buffered, 8 accepted by the carrier, 16 refused by it
    jasmin: str
    dexatel: str
    meaning: str


STATES: dict[str, State] = {
    row.name: row
    for row in (
        State(SCHEDULED, False, "scheduled", 4, "ENROUTE", "scheduled", "Stored; its time has not come."),
        State(QUEUED, False, "queued", 4, "ENROUTE", "enroute", "Stored; waits for a place on its carrier."),
        State(SENDING, False, "sending", 4, "ENROUTE", "enroute", "Handed to a carrier's bind; no answer yet."),
        State(SENT, False, "sent", 8, "ACCEPTD", "sent", "The carrier took every segment; no receipt yet."),
        State(DELIVERED, True, "delivered", 1, "DELIVRD", "delivered", "The carrier says that the phone has it."),
        State(UNDELIVERED, True, "undelivered", 2, "UNDELIV", "undelivered", "The carrier took it and could not deliver it."),
        State(EXPIRED, True, "undelivered", 2, "EXPIRED", "expired", "Its validity ended, here or at the carrier."),
        State(FAILED, True, "failed", 16, "REJECTD", "failed", "No carrier took it."),
        State(REJECTED, True, "failed", 16, "REJECTD", "rejected", "We refused to send it after it was accepted."),
        State(CANCELED, True, "canceled", 2, "DELETED", "canceled", "Canceled before it was sent."),
        State(IN_DOUBT, False, "sending", 4, "UNKNOWN", "enroute", "The carrier may or may not have it; never resent silently."),
        State(UNKNOWN, True, "sent", 8, "UNKNOWN", "unknown", "No receipt and no certainty by the deadline."),
        State(RECEIVED, True, "received", 1, "DELIVRD", "received", "A text from a phone."),
    )
}

FINAL = frozenset(name for name, state in STATES.items() if state.final)
CANCELABLE = frozenset({SCHEDULED, QUEUED})

START = ""

MOVES: frozenset[tuple[str, str]] = frozenset(
    {
        (START, SCHEDULED),
        (START, QUEUED),
        (START, RECEIVED),
        (SCHEDULED, QUEUED),
        (SCHEDULED, CANCELED),
        (SCHEDULED, REJECTED),  # a STOP, a lost route or a higher price between schedule and send
        (SCHEDULED, EXPIRED),
        (QUEUED, SENDING),
        (QUEUED, REJECTED),
        (QUEUED, FAILED),
        (QUEUED, EXPIRED),
        (QUEUED, CANCELED),
        (QUEUED, SCHEDULED),  # may not be sent just now
        (QUEUED, SENT),  # waits for its retry after doubt, and was taken the first time after all
        (QUEUED, DELIVERED),
        (SENDING, QUEUED),  # refused for now, or taken back before a byte left: next carrier or a new turn
        (SENDING, SENT),
        (SENDING, IN_DOUBT),
        (SENDING, FAILED),
        (SENDING, EXPIRED),
        (SENDING, DELIVERED),  # the last answer and all receipts came in one go
        (SENDING, UNDELIVERED),  # one segment refused after another was taken
        (IN_DOUBT, QUEUED),  # `retry_once`
        (IN_DOUBT, SENT),
        (IN_DOUBT, DELIVERED),
        (IN_DOUBT, UNDELIVERED),
        (IN_DOUBT, EXPIRED),
        (IN_DOUBT, FAILED),  # the answer came after all, and it was a refusal
        (IN_DOUBT, UNKNOWN),
        (SENT, DELIVERED),
        (SENT, UNDELIVERED),
        (SENT, EXPIRED),
        (SENT, UNKNOWN),
    }
)

CORRECTIONS: frozenset[tuple[str, str]] = frozenset(
    {
        (UNKNOWN, DELIVERED),
        (UNKNOWN, UNDELIVERED),
        (UNKNOWN, EXPIRED),
        (EXPIRED, DELIVERED),
        (EXPIRED, UNDELIVERED),
    }
)
"""Moves out of a final state, allowed once, by a late receipt; from `expired` only when it was our own verdict."""


def may_move(old: str, new: str) -> bool:
    """Whether the table allows the move (corrections are asked for with `may_correct`)."""
    return (old, new) in MOVES


def may_correct(old: str, new: str, *, reason: str | None, corrected: bool) -> bool:
    """Whether a late receipt may correct a final state."""
    if corrected or (old, new) not in CORRECTIONS:
        return False
    return old != EXPIRED or reason == "expired"


def event_type(state: str) -> str:
    """The event of a move into `state`."""
    return f"message.{state}"
