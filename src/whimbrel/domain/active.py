"""Whether an account may act, by its status."""

from typing import Final

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Account

BETWEEN: Final = frozenset({"moving", "moved", "arriving"})
"""On its way from one cell to another, as one of the two sees it."""
AWAY: Final = frozenset({"moved", "arriving"})
"""It has left this cell, or is not here yet."""
SENDS: Final = frozenset({"active", "moving"})
"""What it has queued is sent."""
_RETRY_S: Final = 5  # a move takes seconds to minutes


def check_active(account: Account | None) -> None:
    """WhimbrelError account_suspended or account_moving unless it may act now. None: it is not there."""
    if account is not None and account.status == "active":
        return
    if account is not None:
        check_settled(account)
    raise WhimbrelError("account_suspended")


def check_settled(account: Account) -> None:
    """WhimbrelError account_moving while nothing of it may be changed."""
    if account.status in BETWEEN:
        raise WhimbrelError("account_moving", retry_after_s=_RETRY_S)
