"""What tests of the control plane ask for again and again."""

from collections.abc import Awaitable
from typing import Any

import pytest

from whimbrel.base.errors import WhimbrelError
from whimbrel.manage import audit
from whimbrel.manage.context import Context


async def refused(verb: Awaitable[Any], code: str, *pointers: str) -> WhimbrelError:
    """Await `verb`; it must be refused with `code` and point at these fields."""
    with pytest.raises(WhimbrelError) as caught:
        await verb
    assert caught.value.code == code
    assert tuple(error.pointer for error in caught.value.errors) == pointers
    return caught.value


async def actions(ctx: Context) -> list[str]:
    """The audit trail's actions, oldest first."""
    return [entry.action for entry in reversed((await audit.find(ctx)).data)]
