"""/v1/nodes: the processes of this installation, for the operator."""

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import nodes
from whimbrel.manage.nodes import NodeList


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await nodes.find(services.manage))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/nodes", name="listNodes", tag="nodes", summary="List nodes",
        description="Processes that run on this database, each with what it does for all: carriers whose binds it has, "
        "duties, customers whose binds it delivers to.",
        access="operator", account_header="refused", scope="carriers:read", handle=find, answer=NodeList,
    ),
)  # fmt: skip
