"""Permit: may this number be texted by this sender? Opt-outs of the account, of the sender and of its brand, lists of
numbers that are not texted, and consent where the account asks for it. It runs when the sender is known; claim and
sweep ask the same again (`domain/permission.py`), so that a STOP wins over what waits.
"""

from collections.abc import Sequence
from typing import Final

from whimbrel.domain.model import PRIORITY
from whimbrel.domain.permission import Permissions
from whimbrel.journey.plan import Plan

_POINTER: Final = "/to"


def permit(plans: Sequence[Plan], permissions: Permissions) -> None:
    """Refuse each plan whose number may not be texted."""
    for plan in plans:
        draft = plan.draft
        if plan.refusal is not None or draft.bypass_opt_out:
            continue
        found = permissions.finding(
            draft.account_id, plan.recipient_hash, plan.sender_value, PRIORITY[draft.message_class]
        )
        if found is not None:
            plan.refuse(found.code, _POINTER)
            plan.barrier = found
