"""REST operations called from within: how a door with its own way of asking who is there (the console's session) does
what the API does, with the same checks, the same values and the same refusals, and without a request of its own.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from whimbrel.domain.model import Door
from whimbrel.edges.shared.auth import Principal
from whimbrel.edges.shared.services import Services


class Asked(msgspec.Struct, frozen=True, gc=False):
    """Who asks for whom: `acting_for` None is the operator's view of all accounts."""

    principal: Principal
    acting_for: str | None
    door: Door


class Inside(Protocol):
    """Calls operations by their names."""

    async def __call__(
        self,
        asked: Asked,
        name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> Any:
        """What the operation answers, as a value. `query`: texts, as they would stand in the address; `body`: what
        JSON would hold; `key`: the Idempotency-Key. WhimbrelError as the API would answer."""
        ...

    def services_for(self, asked: Asked) -> Services:
        """What serves the account that is asked for, for what is no operation: its events as they come."""
        ...

    def cell_of(self, account_id: str) -> str:
        """The cell that an account lives in; empty where there is one only."""
        ...

    def may(self, asked: Asked, name: str) -> bool:
        """Whether the operation would be refused for who asks."""
        ...
