"""The products of a node, built together: each stands on the journey and on what is configured, and sends by no other
way. `duties` are the parts that one node runs for all.
"""

from collections.abc import Callable, Mapping
from typing import Final

from whimbrel.base.clock import Chance
from whimbrel.base.metrics import Metrics
from whimbrel.config import Settings
from whimbrel.edges.shared.server import HttpServer
from whimbrel.edges.shared.services import LinkDoorSettings
from whimbrel.journey.accept import Accept
from whimbrel.journey.duties import Part
from whimbrel.journey.shorten import NO_WISHES, Shorten
from whimbrel.journey.tables import Tables
from whimbrel.link_sections import Links
from whimbrel.manage.context import Context
from whimbrel.media_sections import Media as MediaSection
from whimbrel.net.http import HttpClient
from whimbrel.products.campaigns.following import CampaignFigures
from whimbrel.products.campaigns.sending import Campaigns
from whimbrel.products.contacts.clearing import Clearing
from whimbrel.products.contacts.importing import Imports
from whimbrel.products.conversations.following import Conversations
from whimbrel.products.flows.duty import Flows
from whimbrel.products.hooks.flows import HookFlows
from whimbrel.products.hooks.receiving import Receiving
from whimbrel.products.keywords.answering import Answering
from whimbrel.products.links.opening import Opening
from whimbrel.products.mailboxes.duty import Mailboxes
from whimbrel.products.mailboxes.receiving import Receiving as MailReceiving
from whimbrel.products.media.keeping import Media, MediaRules
from whimbrel.products.registrations.deciding import Expiring
from whimbrel.products.schedules.running import Schedules
from whimbrel.products.verify.verifying import Verify
from whimbrel.sections import Server, purge_before_us
from whimbrel.ways import mailer, ways

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def shorten(settings: Settings, tables: Tables, chance: Chance, server: Callable[[], HttpServer | None]) -> Shorten:
    """What makes short links. `server`: this process's own."""
    section = settings.links
    return Shorten(
        tables,
        chance,
        base_url=lambda: section.base_url or _below(settings.server, server()),
        code_length=section.code_length,
        expires_days=section.expires_days,
    )


def _below(section: Server, server: HttpServer | None) -> str:
    """Below the API."""
    api = api_url(section, server)
    return f"{api}/l" if api else ""


def api_url(section: Server, server: HttpServer | None) -> str:
    """How the API is called; where nobody says it, only this machine can reach it. Empty: nobody can tell."""
    if section.public_url:
        return section.public_url.rstrip("/")
    is_near = server is not None and section.host in _LOOPBACK
    return f"http://localhost:{server.port}" if is_near and server is not None else ""


def door_of(section: Links) -> LinkDoorSettings:
    """What the door of short links is told."""
    return LinkDoorSettings(
        base_url=section.base_url,
        rate_per_s=section.rate_per_s,
        media_rate_per_s=section.media_rate_per_s,
        proxies=section.proxies,
        bot_networks=section.bot_networks,
        country_header=section.country_header,
    )


def media_rules(section: MediaSection) -> MediaRules:
    """What is allowed of media."""
    return MediaRules(
        bytes_max=section.max_bytes,
        account_bytes=section.account_bytes,
        account_count=section.account_count,
        keep_days=section.keep_days,
        fetch_timeout_s=section.fetch_timeout_s,
        fetches=section.fetches,
    )


class ProductSet:
    """Registrations of senders, contacts, conversations, flows, schedules, hooks, links, mailboxes, media and verify of
    one node."""

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
        self.links = Opening(
            ctx,
            metrics,
            settings_of=lambda account_id: tables.links.settings.get(account_id, NO_WISHES),
            hosts=lambda: tables.links.hosts,
            too_soon_us=settings.links.too_soon_ms * 1000,
        )
        self.media = Media(ctx, client, metrics, media_rules(settings.media))
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
            "conversations": Conversations(ctx.store, accept),
            "contact_clearing": Clearing(ctx, lambda account_id: _is_active(tables, account_id)),
            "contact_imports": Imports(ctx, lambda account_id: _is_active(tables, account_id)),
            "flows": flows,
            "keyword_answers": Answering(ctx, accept, tables, metrics),
            "mailboxes": Mailboxes(
                ctx, metrics, mailer(settings), domain=settings.mailbox.domain, sender=settings.mail.sender
            ),
            "registrations": Expiring(ctx, lambda account_id: _is_active(tables, account_id)),
            "schedules": Schedules(ctx, accept, flows.starter, metrics),
            "verify": self.verify.ending,
        }

    def of_cell(self, ctx: Context, accept: Accept, tables: Tables) -> "ProductSet":
        """The same over another cell, whose own nodes do the duties."""
        return ProductSet(self._settings, ctx, accept=accept, tables=tables, client=self._client, metrics=self._metrics)


def _is_active(tables: Tables, account_id: str) -> bool:
    """Whether what an account has begun goes on here now."""
    account = tables.accounts.get(account_id)
    return account is not None and account.status == "active"
