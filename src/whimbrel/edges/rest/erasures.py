"""/v1/erasures: a person is erased from an account, or from what is the operator's, by the number."""

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.products.erasing import Erased, NewErasure, erase


async def create(services: Services, call: Call[NoQuery, NewErasure]) -> Answer:
    return Answer(await erase(services.manage, call.actor, call.body, account_id=call.acting_for, test=call.test))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/erasures", name="erasePerson", tag="messages",
        summary="Erase a person by the number",
        description="From messages, verifications, runs of flows, what hooks kept, lists of schedules, and contacts. "
        "What is under way is left and counted. Opt-outs stay: they hold keyed hashes. The operator without "
        "`X-Account-Id` erases the number from lists that hold for every account, where its keyed hash stays.",
        access="any", scope="messages:write", handle=create, body=NewErasure, answer=Erased, errors=("invalid_number",),
        example={"number": "+14155550123"},
    ),
)  # fmt: skip
