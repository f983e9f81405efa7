"""/v1/balance and /v1/ledger: what an account may still spend, and every movement behind it."""

from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import balance
from whimbrel.manage.balance import BalanceView, LedgerView, TopUp
from whimbrel.manage.context import Page

_TAG = "balance"


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await balance.get(services.manage, account_id=call.account_id))


async def top_up(services: Services, call: Call[NoQuery, TopUp]) -> Answer:
    return Answer(await balance.top_up(services.manage, call.actor, call.body, account_id=call.account_id))


async def ledger(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    return Answer(await balance.ledger(services.manage, account_id=call.account_id, paging=call.query.paging()))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/balance", name="getBalance", tag=_TAG, summary="Read the balance",
        scope="balance:read", live_only=True, handle=get, answer=BalanceView,
    ),
    Operation(
        method="POST", path="/v1/balance/top-up", name="topUpBalance", tag=_TAG, summary="Add money to an account",
        description="The header `X-Account-Id` names the account.",
        access="operator", account_header="needed",
        scope="balance:write", handle=top_up, body=TopUp, answer=BalanceView,
        example={"amount": "100.00", "note": "invoice 4711"},
    ),
    Operation(
        method="GET", path="/v1/ledger", name="listLedger", tag=_TAG, summary="List movements of money",
        description="Double entry: each row moves an amount from one book to another.",
        scope="balance:read", live_only=True, handle=ledger, query=HistoryQuery, answer=Page[LedgerView],
    ),
)  # fmt: skip
