"""Media are brought, fetched, looked at and removed, and those that a message names are made sure of before it is
accepted. The octets are in the database like everything else: every node has them, a copy of it and a move to another
cell take them along, and a backup is one thing.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from whimbrel.base import faults, ids
from whimbrel.base.clock import DAY_US
from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.base.limits import MEDIA_PER_MESSAGE, MEDIA_USES_COUNTED
from whimbrel.base.metrics import Metrics
from whimbrel.domain import media
from whimbrel.domain.media import KINDS, Medium, Source
from whimbrel.manage import accounts, audit
from whimbrel.manage.context import Context, Page, Paging, after, one, page
from whimbrel.net.http import HttpClient
from whimbrel.products.media.fetching import Fetcher, name_in
from whimbrel.products.media.shapes import MediaUsage, MediumView, view

_COLON: Final = ":"  # no id has one
_CARRIER: Final = "carrier"  # who brings what comes with texts from phones


class MediaRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say (`media_sections.Media`)."""

    bytes_max: int
    account_bytes: int
    account_count: int
    keep_days: int
    fetch_timeout_s: int
    fetches: int


class Whose(msgspec.Struct, frozen=True, gc=False):
    """Whose media, and who asks."""

    account_id: str
    test: bool
    actor: str


class _Used(msgspec.Struct, frozen=True, gc=False):
    """The row of `media_usage`."""

    size: int
    count: int


class _Uses(msgspec.Struct, frozen=True, gc=False):
    """A row of `media_uses`."""

    id: str
    messages: int


class Media:
    """The media of one cell."""

    def __init__(self, ctx: Context, client: HttpClient, metrics: Metrics, rules: MediaRules) -> None:
        self._ctx = ctx
        self._metrics = metrics
        self._rules = rules
        self._fetcher = Fetcher(
            client, bytes_max=rules.bytes_max, timeout_s=rules.fetch_timeout_s, at_once=rules.fetches
        )

    @property
    def bytes_max(self) -> int:
        """Octets of one medium, at most."""
        return self._rules.bytes_max

    async def bring(self, whose: Whose, octets: bytes, name: str) -> MediumView:
        """Keep a file. WhimbrelError media_type_refused, media_too_large, media_limit."""
        await accounts.existing(self._ctx, whose.account_id)
        return (await self._views([await self._kept(whose, octets, name, "upload")]))[0]

    async def fetch(self, whose: Whose, url: str, name: str = "") -> MediumView:
        """Keep what a URL gives. The same, and invalid_media_url, media_not_fetched."""
        await accounts.existing(self._ctx, whose.account_id)
        return (await self._views([await self._fetched(whose, url, name, "url")]))[0]

    async def received(self, account_id: str, url: str, headers: Mapping[str, str]) -> Medium:
        """Keep what came with a text from a phone; `headers`: for the server of this URL. It goes with the text.
        WhimbrelError as `fetch`."""
        whose = Whose(account_id, test=False, actor=_CARRIER)
        return await self._fetched(whose, url, "", "message", headers)

    async def resolve(self, whose: Whose, named: Sequence[str], pointer: str = "/media") -> tuple[str, ...]:
        """The ids of what a message names by ids and URLs; what a URL gives is kept before the message is accepted, so
        that no message waits for a server that is not ours. WhimbrelError with the place of what cannot be sent."""
        known = await self._known(whose, named, pointer)
        found = await asyncio.gather(*(self._one(whose, each, known) for each in named), return_exceptions=True)
        for place, each in enumerate(found):
            if isinstance(each, WhimbrelError):
                where = f"{pointer}/{place}" if pointer.startswith("/") else pointer
                raise WhimbrelError(each.code, each.detail, errors=[FieldError(where, each.detail, each.code)])
            if isinstance(each, BaseException):
                raise each
        return tuple(each for each in found if isinstance(each, str))

    async def find(self, whose: Whose, paging: Paging, content_type: str | None = None) -> Page[MediumView]:
        """A page of an account's media."""
        about: tuple[str | int, ...] = (whose.account_id, int(whose.test), after(paging), paging.limit + 1)
        statement = paging.of("media_page", "media_page_oldest")
        if content_type is not None:
            about = (*about, content_type)
            statement = paging.of("media_page_of_type", "media_page_of_type_oldest")
        rows = await self._ctx.store.report(whose.account_id, Medium, statement, *about)
        found = page(rows, paging, _itself, lambda medium: medium.id)
        return Page(await self._views(found.data), found.next_cursor)

    async def get(self, whose: Whose, medium_id: str) -> MediumView:
        """One of them; `not_found`."""
        return (await self._views([await self._existing(whose, medium_id)]))[0]

    async def some(self, whose: Whose, medium_ids: Sequence[str]) -> dict[str, MediumView]:
        """Those of them that there are, by id."""
        rows = await self._rows(whose, medium_ids) if medium_ids else []
        return {each.id: each for each in await self._views(rows)}

    async def content(self, whose: Whose, medium_id: str) -> tuple[Medium, bytes]:
        """A medium with its octets; `not_found`."""
        medium = await self._existing(whose, medium_id)
        return medium, await one(self._ctx, bytes, "media_data", medium_id, whose.account_id)

    async def delete(self, whose: Whose, medium_id: str) -> None:
        """Remove a medium at once, also where messages have it: who opens a link to it is told that it is gone."""
        await self._existing(whose, medium_id)
        entry = audit.entry(self._ctx, whose.actor, "medium.deleted", medium_id, whose.account_id)
        if not await self._ctx.store.media.forget([medium_id], also=[entry]):
            raise WhimbrelError("not_found")

    async def usage(self, whose: Whose) -> MediaUsage:
        """How much of its room the account uses."""
        used = await one(self._ctx, _Used, "media_usage", whose.account_id)
        return MediaUsage(
            bytes=used.size,
            bytes_max=self._rules.account_bytes,
            count=used.count,
            count_max=self._rules.account_count,
            medium_bytes_max=self._rules.bytes_max,
            content_types=tuple(KINDS),
        )

    async def of_message(self, whose: Whose, message_id: str) -> tuple[MediumView, ...]:
        """The media of a message, in their order; `not_found`."""
        found = await self._ctx.store.messages([message_id])
        if not found or (found[0].account_id, bool(found[0].test)) != (whose.account_id, whose.test):
            raise WhimbrelError("not_found")
        rows = await self._ctx.store.fetch(Medium, "media_of_message", message_id, whose.account_id)
        return await self._views(rows)

    async def take_away(self, whose: Whose, message_id: str, medium_id: str) -> None:
        """A message loses a medium, which goes where no other message has it; `not_found`."""
        if medium_id not in {each.id for each in await self.of_message(whose, message_id)}:
            raise WhimbrelError("not_found")
        entry = audit.entry(
            self._ctx, whose.actor, "medium.taken_away", medium_id, whose.account_id, message_id=message_id
        )
        if not await self._ctx.store.media.take_away(message_id, medium_id, also=[entry]):
            raise WhimbrelError("not_found")

    async def check(self, whose: Whose, named: Sequence[str], pointer: str = "/media") -> None:
        """What `resolve` says of them, as far as it can be known without fetching anything."""
        known = await self._known(whose, named, pointer)
        for place, each in enumerate(named):
            is_url = _is_url(each)
            problem = self._ctx.reach.url_problem(each) if is_url else None
            code = "invalid_media_url" if problem else "" if is_url or each in known else "media_not_found"
            if code:
                raise WhimbrelError(code, errors=[FieldError(f"{pointer}/{place}", CATALOGUE[code].title, code)])

    async def _views(self, rows: Sequence[Medium]) -> tuple[MediumView, ...]:
        """Media as they are shown, with how many messages have each."""
        wanted = [each.id for each in rows]
        uses = await self._ctx.store.fetch(_Uses, "media_uses", wanted, MEDIA_USES_COUNTED) if wanted else []
        counted = {each.id: each.messages for each in uses}
        return tuple(view(each, counted.get(each.id, 0)) for each in rows)

    async def _known(self, whose: Whose, named: Sequence[str], pointer: str) -> set[str]:
        """Those of the ids that there are."""
        if len(named) > MEDIA_PER_MESSAGE:
            detail = f"There are {len(named)}; {MEDIA_PER_MESSAGE} are allowed."
            raise WhimbrelError("too_many_media", detail, errors=[FieldError(pointer, detail, "too_many_media")])
        wanted = [each for each in named if not _is_url(each)]
        return {each.id for each in await self._rows(whose, wanted)} if wanted else set()

    async def _one(self, whose: Whose, named: str, known: set[str]) -> str:
        if _is_url(named):
            return (await self._fetched(whose, named, "", "message")).id
        if named not in known:
            raise WhimbrelError("media_not_found")
        return named

    async def _fetched(
        self, whose: Whose, url: str, name: str, source: Source, headers: Mapping[str, str] | None = None
    ) -> Medium:
        try:
            octets = await self._fetcher.fetch(url, self._ctx.reach, whose.account_id, headers=headers or {})
        except WhimbrelError as error:
            self._metrics.media_refused.labels(error.code).inc()
            raise
        faults.hit("media.after_fetch")
        return await self._kept(whose, octets, name or name_in(url), source)

    async def _kept(self, whose: Whose, octets: bytes, name: str, source: Source) -> Medium:
        content_type = self._checked(octets)
        now = self._ctx.clock.now_us()
        medium = Medium(
            id=self._ctx.ids.new(ids.MEDIUM),
            account_id=whose.account_id,
            test=whose.test,
            name=media.name_of(name, content_type),
            content_type=content_type,
            size=len(octets),
            sha256=hashlib.sha256(octets).hexdigest(),
            source=source,
            created_at=now,
            expires_at=now + self._rules.keep_days * DAY_US,
        )
        entry = audit.entry(self._ctx, whose.actor, "medium.created", medium.id, whose.account_id, source=source)
        kept = await self._ctx.store.media.keep(
            medium, octets, bytes_max=self._rules.account_bytes, count_max=self._rules.account_count, also=[entry]
        )
        if kept is None:
            raise self._refused("media_limit")
        self._metrics.media_kept.labels(source).inc()
        return kept

    def _checked(self, octets: bytes) -> str:
        """The type of octets that may be kept."""
        if len(octets) > self._rules.bytes_max:
            raise self._refused("media_too_large", f"A medium has at most {self._rules.bytes_max:,} octets.")
        content_type = media.type_of(octets)
        if content_type is None:
            raise self._refused("media_type_refused", "" if octets else "The file is empty.")
        return content_type

    def _refused(self, code: str, detail: str = "") -> WhimbrelError:
        self._metrics.media_refused.labels(code).inc()
        return WhimbrelError(code, detail)

    async def _existing(self, whose: Whose, medium_id: str) -> Medium:
        rows = await self._rows(whose, [medium_id])
        if not rows:
            raise WhimbrelError("not_found")
        return rows[0]

    async def _rows(self, whose: Whose, medium_ids: Sequence[str]) -> list[Medium]:
        return await self._ctx.store.fetch(Medium, "media_by_ids", whose.account_id, int(whose.test), list(medium_ids))


def _itself(medium: Medium) -> Medium:
    return medium


def _is_url(named: str) -> bool:
    """Whether a medium is named by where it is, however badly."""
    return _COLON in named
