"""Operations called from within where there are several cells: the one that an account lives in carries out what is
about the account, as `Locator` says for requests from outside. People belong to a cell, those of the operator to the
one whose console they use; so only the operator's people come to others.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import PAGE_DEFAULT
from whimbrel.edges.shared.cells import RETRY_S, Cells, Locator, is_of_the_installation
from whimbrel.edges.shared.inside import Asked, Inside
from whimbrel.edges.shared.routes import Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, cursor_of

_ONE_ACCOUNT: Final = "/v1/accounts/{id}"
_ACCOUNTS: Final = "listAccounts"


class CellInside:
    """Calls operations by their names, in the cell that they are about. `inside_of` raises cell_unavailable."""

    def __init__(
        self, cells: Cells, operations: Sequence[Operation], inside_of: Callable[[str], Inside], locator: Locator
    ) -> None:
        self._cells = cells
        self._locator = locator
        self._operations = {operation.name: operation for operation in operations}
        self._inside_of = inside_of

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
        if name == _ACCOUNTS and asked.principal.account_id is None:
            return await self._accounts(asked, query or {})
        inside = self._inside_of(self._cell(asked, self._operations[name], path or {}))
        return await inside(asked, name, path=path, query=query, body=body, key=key)

    def may(self, asked: Asked, name: str) -> bool:
        """Whether the operation would be refused for who asks."""
        return self._inside_of(self._cells.home).may(asked, name)

    def services_for(self, asked: Asked) -> Services:
        """Those of the cell of the account that is asked for."""
        return self._inside_of(self._cell_of(asked, asked.acting_for)).services_for(asked)

    def cell_of(self, account_id: str) -> str:
        """Where an account lives; empty where nobody knows it."""
        return self._locator.cell_of_account(account_id) or ""

    def _cell(self, asked: Asked, operation: Operation, path: Mapping[str, str]) -> str:
        if asked.principal.account_id is not None:
            return self._cells.home
        account = None if asked.acting_for is None else asked.acting_for.encode()
        if is_of_the_installation(operation.method, operation.path, account):
            return self._cells.leading
        if operation.path.startswith(_ONE_ACCOUNT):
            return self._cell_of(asked, path["id"])
        return self._cell_of(asked, None if operation.account_header == "refused" else asked.acting_for)

    def _cell_of(self, asked: Asked, account_id: str | None) -> str:
        if account_id is None or asked.principal.account_id is not None:
            return self._cells.home
        found = self._locator.cell_of_account(account_id)
        if found is None and self._cells.unknown():
            raise WhimbrelError("cell_unavailable", retry_after_s=RETRY_S)
        return found or self._cells.home

    async def _accounts(self, asked: Asked, query: Mapping[str, str]) -> Page[Any]:
        """Those of all cells that can be reached, newest first; one that moves as the cell has it that serves it. Each
        cell gives its newest, so what is older than the last of a cell that has more comes with the next page."""
        found = await asyncio.gather(*(self._accounts_in(cell, asked, query) for cell in self._cells.directories()))
        floor = max((lowest for _, lowest in found), default="")
        rows = [row for shown, _ in found for row in shown if row.id >= floor]
        rows.sort(key=lambda row: str(row.id), reverse=True)
        limit = int(query.get("limit", PAGE_DEFAULT))
        if len(rows) > limit:
            return Page(tuple(rows[:limit]), cursor_of(rows[limit - 1].id))
        return Page(tuple(rows), cursor_of(floor) if floor else None)

    async def _accounts_in(self, cell: str, asked: Asked, query: Mapping[str, str]) -> tuple[list[Any], str]:
        """Those of one cell, and the last of them where it has more."""
        try:
            inside = self._inside_of(cell)
        except WhimbrelError:
            return [], ""
        page = await inside(asked, _ACCOUNTS, query=query)
        rows = [row for row in page.data if self._locator.cell_of_account(row.id) in (cell, None)]
        return rows, page.data[-1].id if page.next_cursor else ""
