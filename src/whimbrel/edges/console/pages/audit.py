"""Who changed what."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.edges.console import table_files, tables
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.tables import Column, More, Table

_AUDIT: Final = "/console/audit"


def _detail(row: Any, more: More) -> list[str]:
    return [f"{name}={value}" for name, value in row.detail.items()]


TABLE: Final = Table(
    name="audit",
    path=_AUDIT,
    cells="audit/cells.html",
    operation="listAudit",
    by="when",
    columns=(
        Column("when", "audit.when", "created_at"),
        Column("who", "audit.who", "actor"),
        Column("what", "audit.what", "action"),
        Column("subject", "audit.subject", "subject_id"),
        Column("detail", "audit.detail", _detail),
        Column("account", "audit.account", "account_id", usual=False),
        Column("id", "table.id", usual=False),
    ),
)


async def audit(request: Request) -> Response:
    """All changes, from either end."""
    return await tables.answer(request, TABLE, "audit/list.html")


PAGES = (Page(path=_AUDIT, handle=audit), table_files.page(TABLE))
