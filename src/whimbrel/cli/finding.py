"""What `whimbrel doctor` finds, apart because several files look."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    subject: str
    state: Literal["ok", "warning", "error"]
    detail: str
    advice: str = ""
