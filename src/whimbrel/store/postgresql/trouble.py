"""What goes wrong with connections and commits, for those who count it."""

from typing import Literal

Trouble = Literal["connection_lost", "commit_failed", "commit_unknown"]
"""`commit_failed`: nothing was stored; `commit_unknown`: nobody can say, or cannot yet."""


def ignore_trouble(trouble: Trouble) -> None:
    """For those who do not count."""
