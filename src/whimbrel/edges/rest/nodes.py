"""/v1/nodes and /v1/store: the processes of this installation and its database, for the operator."""

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import nodes, schema
from whimbrel.manage.nodes import NodeList
from whimbrel.manage.schema import StoreView


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await nodes.find(services.manage))


async def store(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await schema.read(services.manage))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/nodes", name="listNodes", tag="nodes", summary="List nodes",
        description="Processes that run on this database, each with what it does for all: carriers whose binds it has, "
        "duties, customers whose binds it delivers to.",
        access="operator", account_header="refused", scope="carriers:read", handle=find, answer=NodeList,
    ),
    Operation(
        method="GET", path="/v1/store", name="getStore", tag="nodes", summary="Read which database it is",
        description="And which migrations it has or lacks: what `whimbrel migrate status` says, as the node sees it.",
        access="operator", account_header="refused", scope="carriers:read", handle=store, answer=StoreView,
    ),
)  # fmt: skip
