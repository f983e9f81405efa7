"""claim_in_turn: numbers that have a rate take their turns, and what they send is claimed, in one commit. Of two nodes
that want the same number's turn (it sends by two carriers) one gets it: the row of the number says from when on it is
free, and how much it sent today.
"""

from collections.abc import Sequence

from whimbrel.store.interface import Basis, Claim, Turn
from whimbrel.store.script import Each, Rows, Script
from whimbrel.store.verbs.claim import claim
from whimbrel.store.verbs.configuration import has_changed


def claim_in_turn(
    in_turn: Sequence[tuple[Turn, Sequence[Claim]]],
    basis: Basis | None = None,
    recipients: Sequence[tuple[str, int]] = (),
) -> Script[list[list[tuple[int, ...]] | None] | None]:
    """For each number the attempts of its claims, as `claim` gives them; None where it was not its turn. None in all:
    what they were decided with has changed."""
    if (yield from has_changed(basis, recipients)):
        return None
    rows: Rows = yield Each("number_turn_take", sorted(_row(turn) for turn, _ in in_turn))
    taken = {row[0] for row in rows}
    claims = [each for turn, own in in_turn if turn.sender_id in taken for each in own]
    attempts = iter((yield from claim(claims)) or ())
    return [[next(attempts) for _ in own] if turn.sender_id in taken else None for turn, own in in_turn]


def _row(turn: Turn) -> tuple[str, str, int, int, int, int, int]:
    return (turn.sender_id, turn.account_id, turn.at, turn.free_at, turn.day, turn.segments, turn.cap)
