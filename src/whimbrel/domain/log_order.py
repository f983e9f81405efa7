"""The order of a message's events where the log has them otherwise. Transactions of PostgreSQL that overlap are logged
in the order in which they began, and number a message's events in the order in which they had its row: so a later
number can stand before an earlier one.
"""

from collections.abc import Mapping, Sequence

from whimbrel.domain.model import Event


def in_order(events: Sequence[Event]) -> list[Event]:
    """Events of a message that stand in another order than their numbers' change places among themselves."""
    places: dict[str, list[int]] = {}
    for place, event in enumerate(events):
        places.setdefault(event.subject_id, []).append(place)
    found = list(events)
    for own in places.values():
        numbered = sorted([events[place] for place in own], key=lambda event: event.seq)
        for place, event in zip(own, numbered, strict=True):
            found[place] = event
    return found


def whole(events: Sequence[Event], lowest_after: Mapping[str, int]) -> int:
    """How many of these events may go before all that follows: none of them has a higher number than one of its message
    that is left out. `lowest_after`: the lowest number of each message behind the list."""
    lowest = dict(lowest_after)
    count, cut = len(events), -1
    while cut != count:
        cut = count
        early = (at for at, each in enumerate(events[:cut]) if each.seq > lowest.get(each.subject_id, each.seq))
        count = next(early, cut)
        for event in events[count:cut]:
            lowest[event.subject_id] = min(event.seq, lowest.get(event.subject_id, event.seq))
    return count
