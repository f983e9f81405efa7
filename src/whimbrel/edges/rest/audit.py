"""/v1/audit: who changed what."""

from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.routes import Answer, Call, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import audit
from whimbrel.manage.audit import AuditView
from whimbrel.manage.context import Page


async def find(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    return Answer(await audit.find(services.manage, call.acting_for, call.query.paging()))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/audit", name="listAudit", tag="audit", summary="List changes, newest first",
        description="The operator without `X-Account-Id` sees all changes of the installation.",
        access="any", scope="audit:read", handle=find, query=HistoryQuery, answer=Page[AuditView],
    ),
)  # fmt: skip
