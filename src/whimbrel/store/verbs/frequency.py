"""How often people are texted, counted in the commit of what they are texted with. Whoever changes a person's row has
those of that person to himself until his transaction ends, so that two nodes never both find room for the last message
that a limit allows.
"""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

import msgspec

from whimbrel.domain.frequency import Send, lately
from whimbrel.store.interface import Counted, Moved
from whimbrel.store.script import Many, Query, Rows, Script

Key: TypeAlias = tuple[str, int, int]
"""Account, test or live, keyed hash of the number."""
Known: TypeAlias = dict[Key, tuple[int, list[Send]]]
"""Version and messages by person; one who is not there was never counted."""

_NEVER: Final[tuple[int, list[Send]]] = (0, [])
_decode = msgspec.json.Decoder(list[Send]).decode
_encode = msgspec.json.Encoder().encode


def frequency_of(keys: Collection[Key]) -> Script[Known]:
    """What is counted of these people."""
    accounts, tests, hashes = ([*{key[place] for key in keys}] for place in range(3))
    rows: Rows = yield Query("frequency_of", (accounts, tests, hashes))
    return {(row[0], row[1], row[2]): (row[3], _decode(row[4])) for row in rows}


def unchanged(counted: Sequence[Counted]) -> Script[Known | None]:
    """What is counted of the people of these messages, to be changed in this transaction; None when it is something
    else by now than they were planned with."""
    known = yield from _alone({_key(each) for each in counted})
    same = all(known.get(_key(each), _NEVER)[0] == each.version for each in counted)
    return known if same else None


def count(known: Known, counted: Sequence[Counted]) -> Script[None]:
    """These messages count from now on."""
    for each in counted:
        known.setdefault(_key(each), (0, []))[1].append(Send(each.at, each.sender_hash, each.message_id))
    yield from _put(known, {_key(each) for each in counted})


def people_of(message_ids: Sequence[str]) -> Script[set[int]]:
    """Keyed hashes of the numbers of those messages among these that count."""
    rows: Rows = yield Query("frequency_subjects", (message_ids,))
    return {row[3] for row in rows}


def lock(message_ids: Sequence[str]) -> Script[None]:
    """Nobody else counts what the people of these messages are sent: for a script that ends them after it has changed
    what others lock later."""
    hashes = (yield from people_of(message_ids)) if message_ids else set()
    if hashes:
        yield Query("frequency_alone", ([*hashes],))


def move(moves: Sequence[Moved]) -> Script[None]:
    """These messages are due at another moment than they were counted at; None: they are not sent at all."""
    if not moves:
        return
    rows: Rows = yield Query("frequency_subjects", ([each.message_id for each in moves],))
    subjects: dict[str, Key] = {row[0]: (row[1], row[2], row[3]) for row in rows}
    keys = set(subjects.values())
    known = yield from _alone(keys)
    for each in moves:
        key = subjects.get(each.message_id)
        if key in known:
            _change(known[key][1], each)
    yield from _put(known, keys & known.keys())


def _change(sends: list[Send], moved: Moved) -> None:
    for place, send in enumerate(sends):
        if send.message_id == moved.message_id:
            sends[place : place + 1] = [] if moved.at is None else [Send(moved.at, send.sender_hash, send.message_id)]
            return


def _alone(keys: Collection[Key]) -> Script[Known]:
    yield Query("frequency_alone", ([*{key[2] for key in keys}],))
    return (yield from frequency_of(keys))


def _put(known: Known, keys: Collection[Key]) -> Script[None]:
    rows = []
    for key in sorted(keys):
        version, sends = known[key]
        newest = max((send.at for send in sends), default=0)
        rows.append((*key, version + 1, _encode(lately(sends, newest)).decode(), newest))
    if rows:
        yield Many("frequency_put", rows)


def _key(counted: Counted) -> Key:
    return counted.account_id, int(counted.test), counted.number_hash
