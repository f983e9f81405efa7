"""One campaign as it runs on this node: what was read ahead of its cursor, its pace, and what of a list is written."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.metrics import Metrics
from whimbrel.domain.campaign_pace import Pacer
from whimbrel.domain.campaigns import Campaign, CampaignSpec, is_sample, salt_of, variant_of
from whimbrel.domain.model import Draft
from whimbrel.domain.templates.rendering import BadVariables
from whimbrel.journey.accept import Accept, Superseded
from whimbrel.manage.context import Context
from whimbrel.products.campaigns import turns
from whimbrel.products.campaigns.audience import Audience, Pass, Source, open_audience, passes_of
from whimbrel.products.campaigns.drafting import Writer, wordings_of
from whimbrel.store.interface import Verdict, Write

Outcome = Literal["more", "full", "over", "spent"]
"""There may be more, there is no room now, that was all, or the balance is spent."""
DUPLICATE: Final = "duplicate"
EXCLUDED: Final = "excluded"
_SPENT: Final = "insufficient_balance"


class _Known(msgspec.Struct, frozen=True, gc=False):
    """Columns of `campaign_recipients_known`."""

    number_hash: int
    id: str


class _Count(msgspec.Struct, frozen=True, gc=False):
    count: int


class _Chosen(msgspec.Struct, frozen=True, gc=False):
    """Somebody who is to get a message, or is refused for what the text lacks."""

    source: Source
    id: str
    variant: int
    draft: Draft | None


class _List(msgspec.Struct, gc=False):
    """What a turn found."""

    chosen: list[_Chosen]
    cursor: str
    taken: int = 0
    recovered: int = 0
    left_out: Counter[str] = msgspec.field(default_factory=Counter)


class Run:
    """Hands lists over. `step`: the number of the last turn that it took."""

    def __init__(
        self, ctx: Context, row: Campaign, *, audience: Audience, writer: Writer, accept: Accept, metrics: Metrics
    ) -> None:
        self._ctx = ctx
        self._store = ctx.store
        self._audience = audience
        self._writer = writer
        self._accept = accept
        self._metrics = metrics
        self.spec = msgspec.json.decode(row.spec, type=CampaignSpec)
        self.pacer = Pacer(None if self.spec.pace is None else self.spec.pace.per_s)
        self.ways: Sequence[Pass] = passes_of(self.spec, row.started_at or row.updated_at)
        self.step = row.step
        self.last_id = row.last_id
        self._shares = [variant.share for variant in self.spec.variants]
        self._names = [variant.name for variant in self.spec.variants]
        self._salt = salt_of(row.id)
        self._least = 1 if self.spec.pace is None else max(1, min(limits.CAMPAIGN_LIST, int(self.spec.pace.per_s / 10)))
        self._ahead: list[Source] = []
        self._ahead_is_all = False

    async def take(self, row: Campaign) -> Outcome:
        """A turn: as many as pace and queues have room for."""
        room = await self._room(row)
        if not room:
            return "full"
        await self._read(row)
        if not self._ahead:
            return "over" if self._ahead_is_all else "more"
        found = await self._chosen(row, room)
        try:
            verdicts = await self._hand_over(row, found)
        except Superseded:
            self.step = -1  # somebody else has changed it: read anew
            return "more"
        if any(verdict.code == _SPENT for verdict in verdicts):
            self.step = -1
            return "spent"
        await self._advance(row, found, verdicts)
        return "more"

    async def _room(self, row: Campaign) -> int:
        room = self.pacer.room(self._ctx.clock.monotonic_us(), limits.CAMPAIGN_LIST)
        if room < self._least:
            return 0
        (ahead,) = await self._store.fetch(_Count, "campaign_ahead", row.id, limits.CAMPAIGN_AHEAD)
        return min(room, limits.CAMPAIGN_AHEAD - ahead.count)

    async def _read(self, row: Campaign) -> None:
        if not self._ahead and not self._ahead_is_all:
            way = self.ways[row.pass_no]
            self._ahead, self._ahead_is_all = await self._audience.page(row.cursor, way, limits.CAMPAIGN_LIST)

    async def _chosen(self, row: Campaign, room: int) -> _List:
        """The next ones, with at most so many messages among them; their rows tell who had one already."""
        found = _List([], row.cursor)
        hashes = [source.number_hash for source in self._ahead]
        rows = await self._store.fetch(_Known, "campaign_recipients_known", row.id, hashes)
        known = {each.number_hash: each.id for each in rows}
        used = 0
        for source in self._ahead:
            if len(found.chosen) >= room:
                break
            used += 1
            found.cursor = source.cursor
            if self._is_of_phase(row, source):
                self._look_at(source, row, found, known)
        self._ahead = self._ahead[used:]
        return found

    def _look_at(self, source: Source, row: Campaign, found: _List, known: dict[int, str]) -> None:
        found.taken += 1
        earlier = known.get(source.number_hash)
        if earlier is not None and earlier > row.last_id:
            found.recovered += 1  # a crash came between his message and the cursor
        elif earlier is not None:
            found.left_out[DUPLICATE] += 1
        elif source.number_hash in self._audience.excluded:
            found.left_out[EXCLUDED] += 1
        else:
            found.chosen.append(self._written(source, row))
            known[source.number_hash] = ""
            return
        known[source.number_hash] = ""

    def _written(self, source: Source, row: Campaign) -> _Chosen:
        id_ = self._ctx.ids.new(ids.MESSAGE)
        variant = self._variant(row, source)
        try:
            return _Chosen(source, id_, variant, self._writer.draft(source, variant, id_))
        except BadVariables:
            return _Chosen(source, id_, variant, None)

    def _variant(self, row: Campaign, source: Source) -> int:
        if row.phase == "rest":
            return self._names.index(row.winner)
        return variant_of(source.number_hash, self._salt, self._shares)

    def _is_of_phase(self, row: Campaign, source: Source) -> bool:
        trial = self.spec.trial
        if trial is None or row.phase == "all":
            return True
        return is_sample(source.number_hash, self._salt, trial.sample_percent) == (row.phase == "sample")

    async def _hand_over(self, row: Campaign, found: _List) -> list[Verdict]:
        """Messages and rows in one commit, if nobody has taken this turn. Verdicts of those that have a draft."""
        drafts = [each.draft for each in found.chosen if each.draft is not None]
        if not drafts:
            return []
        sent = tuple(
            (c.id, row.id, c.source.number_hash, c.source.key, c.variant, c.source.country)
            for c in found.chosen
            if c.draft is not None
        )
        also = [Write("campaign_recipient_sent", sent)]
        accepted = await self._accept.submit(drafts, also=also, only=(turns.hold(row),))
        if any(verdict.id for verdict in accepted.verdicts):
            self.step = row.step + 1
        return accepted.verdicts

    async def _advance(self, row: Campaign, found: _List, verdicts: Sequence[Verdict]) -> None:
        """The cursor, with rows of those who get nothing."""
        now = self._ctx.clock.now_us()
        codes = iter(verdicts)
        refused: list[tuple[_Chosen, str]] = []
        accepted = 0
        for each in found.chosen:
            code = "invalid_variable" if each.draft is None else next(codes).code
            if code is None:
                accepted += 1
            else:
                refused.append((each, code))
        last_id = found.chosen[-1].id if found.chosen else row.last_id
        counts = (found.taken, accepted + found.recovered, len(refused), found.left_out.total())
        moved = (row.id, self.step, row.pass_no, found.cursor, last_id, *counts, now)
        if await self._store.turn(Write("campaigns_advance", (moved,)), self._refusals(row, found, refused, now)):
            self.step += 1
            self.last_id = last_id
            self.pacer.sent(accepted)
            self._count(accepted, len(refused), found.left_out.total())
        else:
            self.step = -1

    def _refusals(self, row: Campaign, found: _List, refused: Sequence[tuple[_Chosen, str]], now: int) -> list[Write]:
        rows = tuple(
            (c.id, row.id, row.account_id, c.source.number_hash, c.source.key, c.variant, c.source.country, code, now)
            for c, code in refused
        )
        counts = found.left_out + Counter(code for _, code in refused)
        added = tuple((row.id, code, row.account_id, count) for code, count in sorted(counts.items()))
        writes = [Write("campaign_recipient_refused", rows)] if rows else []
        return [*writes, Write("campaign_refusal_add", added)] if added else writes

    def _count(self, accepted: int, refused: int, left_out: int) -> None:
        for name, count in (("accepted", accepted), ("refused", refused), ("left_out", left_out)):
            if count:
                self._metrics.campaign_recipients.labels(name).inc(count)


async def open_run(ctx: Context, row: Campaign, accept: Accept, metrics: Metrics, *, before: Run | None) -> Run:
    """Begin, or go on after somebody changed it: then at the pace that it had. WhimbrelError when what it needs is
    gone."""
    spec = msgspec.json.decode(row.spec, type=CampaignSpec)
    audience = await open_audience(ctx, row, spec, row.started_at or row.updated_at)
    wordings = await wordings_of(ctx.store, row.account_id, spec)
    writer = Writer(row, spec, audience.about, wordings)
    run = Run(ctx, row, audience=audience, writer=writer, accept=accept, metrics=metrics)
    if before is not None:
        run.pacer = before.pacer
    return run
