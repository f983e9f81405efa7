"""configuration: how often what the journey decides on has changed, and what changed of the opt-outs."""

from collections.abc import Mapping, Sequence

from whimbrel.store.interface import Basis, OptOutChanges
from whimbrel.store.script import Query, Rows, Script


def versions() -> Script[Mapping[str, int]]:
    """How often each kind has changed."""
    rows: Rows = yield Query("configuration_versions")
    return dict(rows)


def has_changed(basis: Basis | None, numbers: Sequence[tuple[str, int]]) -> Script[bool]:
    """Whether what was decided about these numbers (account and keyed hash) might be decided otherwise by now. None:
    nobody else changes anything."""
    if basis is None:
        return False
    rows: Rows = yield Query("configuration_version")
    version, opt_outs = rows[0]
    if version != basis.version:
        return True
    return opt_outs != basis.opt_outs and (yield from _concerns(basis.position, numbers))


def _concerns(position: int, numbers: Sequence[tuple[str, int]]) -> Script[bool]:
    """Many a text is answered with STOP while others are accepted: only who is among these is a change. So is everybody
    who opted in again, because nobody knows here who was refused."""
    bounds: Rows = yield Query("opt_out_changes_bounds")
    if _is_gap(position, *bounds[0]):
        return True
    rows: Rows = yield Query("opt_out_changes_concern", (position, [*{number_hash for _, number_hash in numbers}]))
    return bool(rows)


def _is_gap(position: int, first: int, last: int) -> bool:
    """Whether changes after a position may be missing between the first that is kept and the last."""
    return last < position or first > position + 1


def opt_out_changes(after: int | None) -> Script[OptOutChanges]:
    """What changed after a position. That some of it was purged is noticed, because the newest change always stays."""
    bounds: Rows = yield Query("opt_out_changes_bounds")
    first, last = bounds[0]
    if after is None or _is_gap(after, first, last):
        return OptOutChanges(last, None)
    rows: Rows = yield Query("opt_out_changes_after", (after,))
    return OptOutChanges(rows[-1][0] if rows else after, [(row[1], row[2], bool(row[3])) for row in rows])
