"""The products of a node, built together: each stands on the journey and on what is configured, and sends by no other
way. `duties` are the parts that one node runs for all.
"""

from collections.abc import Mapping

from whimbrel.base.metrics import Metrics
from whimbrel.config import Settings
from whimbrel.journey.accept import Accept
from whimbrel.journey.duties import Part
from whimbrel.journey.tables import Tables
from whimbrel.manage.context import Context
from whimbrel.net.http import HttpClient
from whimbrel.products.campaigns.following import CampaignFigures
from whimbrel.products.campaigns.sending import Campaigns
from whimbrel.products.contacts.clearing import Clearing
from whimbrel.products.contacts.importing import Imports
from whimbrel.products.flows.duty import Flows
from whimbrel.products.hooks.flows import HookFlows
from whimbrel.products.hooks.receiving import Receiving
from whimbrel.products.mailboxes.duty import Mailboxes
from whimbrel.products.mailboxes.receiving import Receiving as MailReceiving
from whimbrel.products.registrations.deciding import Expiring
from whimbrel.products.schedules.running import Schedules
from whimbrel.products.verify.verifying import Verify
from whimbrel.sections import purge_before_us
from whimbrel.ways import mailer, ways


class ProductSet:
    """Registrations of senders, contacts, flows, schedules, hooks, mailboxes and verify of one node."""

    def __init__(
        self,
        settings: Settings,
        ctx: Context,
        *,
        accept: Accept,
        tables: Tables,
        client: HttpClient,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._client = client
        self._metrics = metrics
        flows = Flows(ctx, tables, accept, client, metrics)
        self.flows = flows.starter
        self.hooks = Receiving(ctx, accept, tables, metrics, begin=HookFlows(ctx.store, flows.starter).begin)
        self.mailboxes = MailReceiving(ctx, accept, tables, metrics)
        self.verify = Verify(
            ctx,
            accept,
            metrics,
            lambda at: purge_before_us(settings.retention, at),
            account_of=lambda account_id: tables.accounts.get(account_id),
            ways=ways(settings),
        )
        self.duties: Mapping[str, Part] = {
            "campaigns": Campaigns(ctx, accept, tables, metrics),
            "campaign_figures": CampaignFigures(ctx.store),
            "contact_clearing": Clearing(ctx, lambda account_id: _is_active(tables, account_id)),
            "contact_imports": Imports(ctx, lambda account_id: _is_active(tables, account_id)),
            "flows": flows,
            "mailboxes": Mailboxes(
                ctx, metrics, mailer(settings), domain=settings.mailbox.domain, sender=settings.mail.sender
            ),
            "registrations": Expiring(ctx, lambda account_id: _is_active(tables, account_id)),
            "schedules": Schedules(ctx, accept, flows.starter),
            "verify": self.verify.ending,
        }

    def of_cell(self, ctx: Context, accept: Accept, tables: Tables) -> "ProductSet":
        """The same over another cell, whose own nodes do the duties."""
        return ProductSet(self._settings, ctx, accept=accept, tables=tables, client=self._client, metrics=self._metrics)


def _is_active(tables: Tables, account_id: str) -> bool:
    """Whether what an account has begun goes on here now."""
    account = tables.accounts.get(account_id)
    return account is not None and account.status == "active"
