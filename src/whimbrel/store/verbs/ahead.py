"""What the scripts of one commit lock before any of them begins, so that nodes whose commits meet lock in one order:
counters of people first, all of a commit and sorted; then rows; balances last. A script alone locks a person's counter
where it needs it, which is after the rows and balances of the scripts that ran before it in the same commit.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from whimbrel.store.script import Query, Script
from whimbrel.store.verbs import frequency
from whimbrel.store.verbs.accept import accept
from whimbrel.store.verbs.finish import finish
from whimbrel.store.verbs.put_off import put_off
from whimbrel.store.verbs.sweep import enqueue

Call: TypeAlias = tuple[Callable[..., Script[Any]], tuple[Any, ...]]
"""A verb and its arguments."""
_MOVES: Final = frozenset({enqueue, finish, frequency.move, put_off})  # messages, which their first argument lists


def lock_ahead(calls: Sequence[Call]) -> Script[None]:
    """Lock the counters of whoever may be counted by these calls."""
    hashes = {each.number_hash for verb, args in calls if verb is accept for one in args[0] for each in one.counted}
    ids = [each.message_id for verb, args in calls if verb in _MOVES for each in args[0]]
    if ids:
        hashes |= yield from frequency.people_of(ids)
    if hashes:
        yield Query("frequency_alone", ([*hashes],))
