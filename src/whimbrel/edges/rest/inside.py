"""The operations of this door for others that know already who asks (`edges/shared/inside.py` says what for)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import REQUEST
from whimbrel.domain.active import check_active, check_settled
from whimbrel.edges.rest.sending import Sending
from whimbrel.edges.shared.bodies import JsonBody, check_size
from whimbrel.edges.shared.door import check_may, decode_values
from whimbrel.edges.shared.idempotency import HEADER
from whimbrel.edges.shared.inside import Asked
from whimbrel.edges.shared.routes import Call, Operation
from whimbrel.edges.shared.services import Services

_ONE: Final = "sendMessage"
_BATCH: Final = "sendBatch"


class RestInside:
    """Calls operations by their names."""

    def __init__(self, services: Services, operations: Sequence[Operation], sending: Sending) -> None:
        self._services = services
        self._sending = sending
        self._operations = {operation.name: operation for operation in operations}
        self._bodies = {name: JsonBody(each.body) for name, each in self._operations.items() if each.body}

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
        """What the operation answers, as a value."""
        operation = self._operations[name]
        check_may(asked.principal, operation)
        await self._services.tables.current()
        self._check_accounts(asked)
        octets = b"" if body is None else msgspec.json.encode(body)
        check_size(octets, operation.body_max)
        headers = {} if key is None else {HEADER: key.encode()}
        if name == _ONE:
            return await self._sending.inside_one(asked, octets, headers)
        if name == _BATCH:
            return await self._sending.inside_batch(asked, octets, headers)
        assert operation.handle is not None, f"{name} streams"
        call: Call[Any, Any] = Call(
            principal=asked.principal,
            acting_for=None if operation.account_header == "refused" else asked.acting_for,
            path=path or {},
            query=decode_values(dict(query or {}), operation.query),
            body=self._bodies[name].decode(octets) if name in self._bodies else None,
            headers=headers,
            request_id=self._services.ids.new(REQUEST),
        )
        return (await operation.handle(self._services, call)).value

    def _check_accounts(self, asked: Asked) -> None:
        """As for a key: people of a suspended account do nothing, and nobody changes one that is being moved."""
        accounts, own, other = self._services.tables.accounts, asked.principal.account_id, asked.acting_for
        if own is not None:
            check_active(accounts.get(own))
        if other is not None and other != own and other in accounts:
            check_settled(accounts[other])

    def services_for(self, asked: Asked) -> Services:
        """Those of this cell."""
        return self._services

    def cell_of(self, account_id: str) -> str:
        """There is this one."""
        return ""

    def may(self, asked: Asked, name: str) -> bool:
        """Whether the operation would be refused for who asks."""
        try:
            check_may(asked.principal, self._operations[name])
        except WhimbrelError:
            return False
        return True
