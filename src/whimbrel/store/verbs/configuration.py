"""configuration: how often what the journey decides on has changed, and what changed of the opt-outs."""

from collections.abc import Mapping

from whimbrel.store.interface import OptOutChanges
from whimbrel.store.script import Query, Rows, Script


def versions() -> Script[Mapping[str, int]]:
    """How often each kind has changed."""
    rows: Rows = yield Query("configuration_versions")
    return dict(rows)


def has_changed(version: int | None) -> Script[bool]:
    """Whether any kind is another than the versions whose sum this is; None: nobody else changes it."""
    if version is None:
        return False
    rows: Rows = yield Query("configuration_version")
    return bool(rows[0][0] != version)


def opt_out_changes(after: int | None) -> Script[OptOutChanges]:
    """What changed after a position. That some of it was purged is noticed, because the newest change always stays."""
    bounds: Rows = yield Query("opt_out_changes_bounds")
    first, last = bounds[0]
    if after is None or last < after or first > after + 1:
        return OptOutChanges(last, None)
    rows: Rows = yield Query("opt_out_changes_after", (after,))
    return OptOutChanges(rows[-1][0] if rows else after, [(row[1], row[2], bool(row[3])) for row in rows])
