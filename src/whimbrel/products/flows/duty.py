"""Flows put together: what begins runs, for whoever brings what has happened, and the one part that a node runs for
all: the followers of the log, and the engine.
"""

from whimbrel.base.metrics import Metrics
from whimbrel.journey.accept import Accept
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.net.http import HttpClient
from whimbrel.products.flows.clicks import LinkClicks
from whimbrel.products.flows.contacts import ContactsAdded, ContactsTagged
from whimbrel.products.flows.engine import Engine
from whimbrel.products.flows.imported import Imported
from whimbrel.products.flows.outcomes import MessageEnds
from whimbrel.products.flows.starting import Documents, Starter
from whimbrel.products.flows.texts import Texts
from whimbrel.products.flows.verifications import VerificationEnds


class Flows:
    """Implements `journey.duties.Part`. `starter` is for whoever brings what has happened."""

    def __init__(self, ctx: Context, tables: Tables, accept: Accept, client: HttpClient, metrics: Metrics) -> None:
        documents = Documents(ctx.store)
        engine = Engine(ctx, tables=tables, accept=accept, client=client, metrics=metrics, documents=documents)
        self.starter = Starter(ctx, metrics=metrics, documents=documents, begun=engine.wake)
        self._parts = (
            engine,
            Texts(ctx.store, ctx.vault, self.starter),
            MessageEnds(ctx.store, self.starter),
            VerificationEnds(ctx.store, self.starter),
            ContactsAdded(ctx, self.starter),
            ContactsTagged(ctx, self.starter),
            LinkClicks(ctx.store, self.starter),
            Imported(ctx, self.starter, lambda account_id: _is_active(tables, account_id)),
        )

    async def start(self) -> None:
        """Begin where the last holder stopped."""
        for part in self._parts:
            await part.start()

    async def stop(self) -> None:
        """In reverse."""
        for part in reversed(self._parts):
            await part.stop()


def _is_active(tables: Tables, account_id: str) -> bool:
    account = tables.accounts.get(account_id)
    return account is not None and account.status == "active"
