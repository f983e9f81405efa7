"""A short link is opened: looked up with those of the same moment, judged, and counted once the answer is under way."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from whimbrel.base import ids
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.metrics import Metrics
from whimbrel.domain.link_visits import Visit, judge, told
from whimbrel.domain.links import Click, LinkSettings, is_code, is_gone, with_parameters
from whimbrel.domain.media import Medium, ids_of
from whimbrel.journey.gather import Gatherer
from whimbrel.manage.context import Context, one
from whimbrel.products.links.clicks import Clicks
from whimbrel.store.links import ClickRow, Found

_LOOKED_UP: Final = 256
NO_CODE: Final = "1111111"
"""What is looked up in place of something that is no code, so that both take as long."""


class Opening:
    """The links of one cell. `settings_of`: what an account wants; `host_of`: whose a host is; `too_soon_us`: how long
    after it went out nobody can have read a text."""

    def __init__(
        self,
        ctx: Context,
        metrics: Metrics,
        *,
        settings_of: Callable[[str], LinkSettings],
        hosts: Callable[[], Mapping[str, str]],
        too_soon_us: int,
    ) -> None:
        self._ctx = ctx
        self._settings_of = settings_of
        self._hosts = hosts
        self._too_soon_us = too_soon_us
        self._looked: Gatherer[str, Found | None] = Gatherer(self._look_up, limit=_LOOKED_UP)
        self.clicks = Clicks(ctx.store.links, metrics)

    async def known(self, code: str) -> bool:
        """Whether the link is of this cell."""
        return is_code(code) and await self._looked.put(code) is not None

    def is_host(self, host: str) -> bool:
        """Whether an account's links are below this host."""
        return host in self._hosts()

    async def open(self, code: str, host: str, visit: Visit) -> str:
        """Where to go, counted; a target of media stays here. WhimbrelError not_found, link_gone."""
        found = await self.find(code, host, visit.at)
        settings = self._settings_of(found.account_id)
        click = self._click(found, visit, settings)
        self.clicks.put(ClickRow(click, settings.repeats == "every"))
        name = settings.click_parameter
        if not name or ids_of(found.target):
            return found.target
        return with_parameters(found.target, {name: click.id})

    async def find(self, code: str, host: str, now: int) -> Found:
        """The link that somebody asks for at a host. WhimbrelError not_found, link_gone."""
        found = await self._looked.put(code if is_code(code) else NO_CODE)
        owner = self._hosts().get(host)
        if found is None or found.code != code or (owner is not None and owner != found.account_id):
            raise WhimbrelError("not_found")
        if is_gone(found, now):
            raise WhimbrelError("link_gone")
        return found

    async def media(self, code: str, host: str, now: int) -> list[Medium]:
        """What a link shows that leads to media. WhimbrelError not_found; link_gone, also where they are deleted."""
        found = await self.find(code, host, now)
        if not ids_of(found.target) or found.message_id is None:
            raise WhimbrelError("not_found")
        media = await self._ctx.store.fetch(Medium, "media_of_message", found.message_id, found.account_id)
        if not media:
            raise WhimbrelError("link_gone")
        return media

    async def octets(self, medium: Medium) -> bytes:
        """What is in a medium. WhimbrelError not_found: it was just deleted."""
        return await one(self._ctx, bytes, "media_data", medium.id, medium.account_id)

    def _click(self, found: Found, visit: Visit, settings: LinkSettings) -> Click:
        judgement = judge(visit, found.sent_at, self._too_soon_us)
        agent, country, ip = told(visit, judgement, settings.privacy)
        click_id = self._ctx.ids.new(ids.LINK_CLICK)
        return Click(
            click_id,
            found.id,
            found.account_id,
            found.test,
            judgement.kind,
            judgement.reason,
            agent,
            country,
            ip,
            False,  # first, which the store finds out
            visit.at,
        )

    async def _look_up(self, codes: list[str]) -> Sequence[Found | None]:
        found = await self._ctx.store.links.by_codes(sorted(set(codes)))
        return [found.get(code) for code in codes]
