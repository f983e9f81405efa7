"""Rows of the event log. Apart, because every verb that changes a message appends one in the same commit."""

from functools import lru_cache

import msgspec

from whimbrel.domain.model import Flag
from whimbrel.domain.states import event_type
from whimbrel.store.script import Row

NO_DATA = "{}"
_encode = msgspec.json.Encoder(order="deterministic").encode


def event_data(**fields: str | int | None) -> str:
    """Compact JSON of ids and codes; what is None is left out."""
    return _encode({name: value for name, value in fields.items() if value is not None}).decode()


@lru_cache(maxsize=1024)
def carrier_data(carrier_id: str) -> str:
    """The data of what went to a carrier: few values, made once and not for each message."""
    return event_data(carrier_id=carrier_id)


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What an event needs to know of its message. `seq` is the number of the newest event so far."""

    id: str
    account_id: str
    test: int
    seq: int
    flags: int


def moved(subject: Subject, state: str, at: int, data: str = NO_DATA) -> Row:
    """A row for `event_insert`: the next event of a message that moves to `state`."""
    return row(subject, event_type(state), at, data)


def row(subject: Subject, kind: str, at: int, data: str = NO_DATA) -> Row:
    """A row for `event_insert`: the next event of a message, of any type."""
    callback = 1 if subject.flags & Flag.CALLBACK else 0
    return (subject.account_id, subject.test, subject.id, subject.seq + 1, kind, data, callback, at)
