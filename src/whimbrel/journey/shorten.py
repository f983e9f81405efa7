"""Shorten: addresses in a text become short links, before anything else looks at the text; so its segments, its price
and what `explain` shows are of the text as it is sent. The links themselves are stored with the message. One that has
media gets a link more, behind its text, which shows them.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from whimbrel.base.clock import DAY_US, Chance
from whimbrel.base.ids import LINK, Ids
from whimbrel.base.limits import LINKS_PER_MESSAGE
from whimbrel.domain import links, media
from whimbrel.domain.links import BadTarget, Link, LinkSettings, LinkUse, NewLink
from whimbrel.domain.media import MediaUse
from whimbrel.domain.model import Message
from whimbrel.journey.link_tables import LinkTables
from whimbrel.journey.plan import Plan

_CODE_OCTETS: Final = 16
NO_WISHES: Final = LinkSettings()


class Configured(Protocol):
    """What is configured of links."""

    @property
    def links(self) -> LinkTables: ...


class Shorten:
    """Makes codes and short texts. `base_url`: of the installation; empty where it has none."""

    def __init__(
        self,
        tables: Configured,
        chance: Chance,
        *,
        base_url: Callable[[], str] = lambda: "",
        code_length: int = 8,
        expires_days: int = 90,
    ) -> None:
        self._tables = tables
        self._chance = chance
        self._base_url = base_url
        self._code_length = code_length
        self._expires_days = expires_days

    def of_cell(self, tables: Configured) -> "Shorten":
        """The same for the accounts of another cell."""
        return Shorten(
            tables,
            self._chance,
            base_url=self._base_url,
            code_length=self._code_length,
            expires_days=self._expires_days,
        )

    def __call__(self, plans: Sequence[Plan]) -> None:
        """Give each plan that asks for it its links and its text, or refuse it."""
        for plan in plans:
            use = plan.draft.links
            if use is not None and plan.refusal is None and plan.draft.data is None:
                self._shorten(plan, use)

    def settings(self, account_id: str) -> LinkSettings:
        """What an account wants."""
        return self._tables.links.settings.get(account_id, NO_WISHES)

    def base_url(self, account_id: str) -> str:
        """What stands before the codes of an account."""
        return self.settings(account_id).base_url or self._base_url()

    def expires_at(self, account_id: str, start: int) -> int:
        """Until when a link works that somebody gets at `start`."""
        days = self.settings(account_id).expires_days
        return start + (self._expires_days if days is None else days) * DAY_US

    def new(self, account_id: str, address: str, base_url: str) -> NewLink:
        """A link to an address. BadTarget."""
        pairs = links.utm_of(self.settings(account_id))
        target = links.with_parameters(links.target_of(address), pairs)
        return NewLink(self._code(), target, base_url)

    def _code(self) -> str:
        return links.code_of(self._chance.octets(_CODE_OCTETS), self._code_length)

    def _shorten(self, plan: Plan, use: LinkUse) -> None:
        draft = plan.draft
        if draft.objection is not None:
            plan.refuse(draft.objection.code, draft.objection.pointer, draft.objection.detail)
            return
        spans = links.find(draft.text, every=use.every) if use.text else []
        shown = draft.options.media
        base_url = self.base_url(draft.account_id) if spans or shown else ""
        spans = [span for span in spans if not span.target.startswith(f"{base_url}/")]
        if not spans and not shown:
            return
        if not base_url:
            plan.refuse("links_not_configured", "/text")
            return
        if len(spans) > LINKS_PER_MESSAGE:
            plan.refuse("too_many_links", "/text", f"There are {len(spans)}; {LINKS_PER_MESSAGE} are allowed.")
            return
        try:
            made = [self.new(draft.account_id, span.target, base_url) for span in spans]
        except BadTarget as error:
            plan.refuse("invalid_link", "/text", str(error))
            return
        text = links.replaced(draft.text, spans, [f"{each.base}/{each.code}" for each in made])
        if shown:  # whoever takes no media themselves gets a link to a page that shows them
            page = NewLink(self._code(), media.target_of(shown), base_url)
            made.append(page)
            text = f"{text}\n{page.base}/{page.code}" if text else f"{page.base}/{page.code}"
        plan.links = tuple(made)
        plan.draft = msgspec.structs.replace(draft, text=text)

    def uses(self, plan: Plan, message: Message) -> list[MediaUse]:
        """Which media a message has, and until when they are looked at."""
        until = self.expires_at(message.account_id, max(message.due_at, message.created_at))
        return [
            MediaUse(message.id, place, each, message.account_id, until)
            for place, each in enumerate(plan.draft.options.media)
        ]

    def rows(self, plan: Plan, message: Message, ids: Ids) -> list[Link]:
        """What is stored of a plan's links."""
        use = plan.draft.links or links.EVERY
        until = self.expires_at(message.account_id, max(message.due_at, message.created_at))
        return [
            Link(
                ids.new(LINK),
                each.code,
                message.account_id,
                message.test,
                message.id,
                each.target,
                each.base,
                "",
                use.group_id,
                use.variant,
                message.created_at,
                until,
            )
            for each in plan.links
        ]
