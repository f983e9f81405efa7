"""How a process that has started treats its garbage."""

import gc
from typing import Final

_THRESHOLD: Final = 50_000
"""Objects: nothing on the hot path makes cycles, so looking for them often is waste."""


def settle() -> None:
    """What the start has made stays, and what comes is looked at seldom."""
    gc.freeze()
    gc.set_threshold(_THRESHOLD)
