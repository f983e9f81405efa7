"""The account itself and its balance: what programs ask for first, to see whether their credentials work."""

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.moments import to_rfc2822
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.routes import ROOT, Reply, Request
from whimbrel.edges.twilio.shapes import AccountRecord, BalanceRecord
from whimbrel.manage import balance

_encode = msgspec.json.Encoder().encode


class Accounts:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._manage = services.manage
        self._tables = services.tables

    async def fetch(self, request: Request) -> Reply:
        """The account. Its token is told to who came with one (its own, or its parent's), never to a key."""
        account = self._tables.accounts.get(request.account_id)
        if account is None:
            raise WhimbrelError("not_found")
        uri = ROOT + account.id
        token = self._tables.auth_token(account.id) if request.principal.key is None else None
        record = AccountRecord(
            auth_token=token,
            date_created=to_rfc2822(account.created_at),
            date_updated=to_rfc2822(account.updated_at),
            friendly_name=account.name,
            owner_account_sid=account.parent_id or account.id,
            sid=account.id,
            status=account.status,
            subresource_uris={"balance": f"{uri}/Balance.json", "messages": f"{uri}/Messages.json"},
            uri=f"{uri}.json",
        )
        return Reply(_encode(record))

    async def balance(self, request: Request) -> Reply:
        """What the account may still spend, which is no concern of test traffic."""
        if request.principal.test:
            raise WhimbrelError("test_mode")
        found = await balance.get(self._manage, account_id=request.account_id)
        return Reply(_encode(BalanceRecord(request.account_id, found.available, found.currency)))
