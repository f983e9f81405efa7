"""Inbound: texts from phones. Each part is stored before it is acknowledged; a long text is joined in the store, parts
in any order; STOP, START and HELP take effect in the commit that stores them. Their one confirmation is sent by
`journey/keywords.py`, which follows the event log.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from typing import Protocol

import msgspec

from whimbrel.base import faults, ids
from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.log import mask_number
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.carriers.interface import Inbound, NotNow
from whimbrel.codec import segments
from whimbrel.domain.active import AWAY
from whimbrel.domain.consent import Heard, agreement, heard
from whimbrel.domain.consent_books import Hearing
from whimbrel.domain.model import KEYWORDS, Sender
from whimbrel.domain.permission import MARKETING, consent_set
from whimbrel.journey.gather import Gatherer
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import InboundRow, Store

_log = logging.getLogger("whimbrel.inbound")


class OtherCells(Protocol):
    """The other cells, as far as a text from a phone may be for one of them."""

    def inbound_of(self, number: str) -> "InboundTexts | None":
        """Who takes a text to a number (its digits) of another cell's account; None: it is nobody's there.
        WhimbrelError cell_unavailable while that cell cannot be reached."""
        ...

    def unknown(self) -> frozenset[str]:
        """Cells that were never reached."""
        ...


class InboundTexts:
    """Takes inbound texts of all carriers and stores them in lists."""

    def __init__(
        self,
        *,
        store: Store,
        tables: Tables,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        metrics: Metrics,
        spoken: Callable[[], None],
        others: "OtherCells | None" = None,
    ) -> None:
        """`others`: the other cells, where there are any."""
        self._others = others
        self._store = store
        self._tables = tables
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._metrics = metrics
        self._step = metrics.step.labels("inbound")
        self._spoken = spoken  # a STOP, START or HELP was stored
        self._gatherer: Gatherer[InboundRow, str] = Gatherer(self._record)

    async def take(self, carrier_id: str, texts: Sequence[Inbound]) -> None:
        """Comes back when all of them are durable; raises when they could not be stored (the carrier keeps them),
        NotNow when some could."""
        if self._others is None:
            await self._store_here(carrier_id, texts)
            return
        ours, theirs, failed = self._sorted(texts, self._others)
        takers = [(self._store_here, ours), *((other.take, brought) for other, brought in theirs)]
        for take, some in takers:
            if not some:
                continue
            try:
                await take(carrier_id, some)
            except Exception:
                _log.exception("texts could not be stored", extra={"carrier_id": carrier_id})
                failed += some
        if failed:
            raise NotNow(failed)

    async def _store_here(self, carrier_id: str, texts: Sequence[Inbound]) -> None:
        now = self._clock.now_us()
        await self._gatherer.add([self._row(carrier_id, text, now) for text in texts])

    def _sorted(
        self, texts: Sequence[Inbound], others: "OtherCells"
    ) -> tuple[list[Inbound], Collection[tuple["InboundTexts", list[Inbound]]], list[Inbound]]:
        """Texts of this cell, and those to numbers of other cells' accounts, which are stored there. What is somebody's
        whose cell nobody can tell or reach now is refused for now, and holds up nobody else's."""
        ours: list[Inbound] = []
        theirs: dict[int, tuple[InboundTexts, list[Inbound]]] = {}
        refused: list[Inbound] = []
        for text in texts:
            number = international(text.destination)
            owner = self._owner(number)
            account = self._tables.accounts.get(owner.account_id) if owner else None
            if account is not None and account.status not in AWAY:
                ours.append(text)
                continue
            try:
                other = others.inbound_of(number.lstrip("+"))
            except WhimbrelError:
                refused.append(text)
                continue
            if other is not None:
                theirs.setdefault(id(other), (other, []))[1].append(text)
            elif account is not None or others.unknown():
                refused.append(text)
            else:
                ours.append(text)
        return ours, theirs.values(), refused

    def _row(self, carrier_id: str, text: Inbound, now: int) -> InboundRow:
        vault = self._vault
        source, destination = international(text.source), international(text.destination)
        owner = self._owner(destination)
        return InboundRow(
            message_id=self._ids.new(ids.MESSAGE),
            carrier_id=carrier_id,
            session=text.session,
            fingerprint=vault.fingerprint(*_same_in(text, source, destination)),
            account_id=owner.account_id if owner else None,
            test=False,
            source=source,
            destination=owner.value if owner else destination,
            source_hash=vault.number_hash(source),
            destination_hash=vault.number_hash(owner.value if owner else destination),
            text=text.octets.hex() if text.encoding == "binary" else segments.decode(text.octets, text.data_coding),
            encoding=text.encoding,
            at=now,
            reference=text.reference,
            total=text.total,
            number=text.number,
            opt_out_id=self._ids.new(ids.OPT_OUT),
            masked=mask_number(source),
            octets=text.octets,
            data_coding=text.data_coding,
            wire=text.wire,
            hearing=self._tables.consent.hearing(owner.account_id, owner.value) if owner else None,
            consent_id=self._ids.new(ids.CONSENT) if owner else "",
            media=text.media,
            links=text.links,
            has_id=text.carrier_message_id != "",
        )

    def _owner(self, destination: str) -> Sender | None:
        return self._tables.senders_by_value.get(destination.lstrip("+"))

    async def _record(self, rows: list[InboundRow]) -> list[str]:
        said = [_said(row) if row.total <= 1 else None for row in rows]
        may_change = any(map(_may_change, rows, said))
        with self._tables.consent.opted_out.hearing() if may_change else nullcontext():
            faults.hit("inbound.before_commit")
            with self._step.time():
                results = await self._store.record_inbound(rows)
            faults.hit("inbound.after_commit")
            for result in set(results):
                self._metrics.inbound.labels(result).inc(results.count(result))
            told = zip(rows, said, results, strict=True)
            await self._follow([(row, each) for row, each, result in told if result == "stored"])
        return results

    async def _follow(self, stored: Sequence[tuple[InboundRow, Heard | None]]) -> None:
        """Keywords take effect in the snapshot too. A long text was joined in the store, which says what it was; all
        others are applied in the order of their commits, before anything else can run. Consent that was granted is read
        back, for only the store knows who was asked."""
        long = {row.message_id: row for row, _ in stored if row.total > 1}
        spoken = [(row, said) for row, said in stored if row.total <= 1]
        for row, said in spoken:
            self._apply(row, said)
        for message in await self._store.messages([*long]) if long else ():
            row = long[message.id]
            said = _understood(row, message.text, message.encoding) if message.flags & KEYWORDS else None
            self._apply(row, said)
            spoken.append((row, said))
        agreed = [row for row, said in spoken if _may_agree(row, said)]
        if agreed:
            await self._read_back(agreed)
        if agreed or any(said for _, said in spoken):
            self._spoken()

    def _apply(self, row: InboundRow, said: Heard | None) -> None:
        if said is None or said.word == "help":
            return
        account_id, number_hash, hearing = row.account_id or "", row.source_hash, row.hearing or Hearing()
        if said.word != "stop":
            self._tables.opt_outs_removed(account_id, [number_hash ^ lift for lift in (0, *hearing.lifts)])
            return
        scopes = hearing.stopped(everything=said.everything)
        self._tables.opt_outs_added(account_id, [number_hash ^ scope_hash for _, scope_hash in scopes])
        if not scopes[0][1]:
            self._tables.opt_outs_removed(consent_set(account_id, MARKETING), [number_hash])

    async def _read_back(self, rows: Sequence[InboundRow]) -> None:
        accounts, hashes = {row.account_id or "" for row in rows}, {row.source_hash for row in rows}
        for standing in await self._store.fetch(_Standing, "consented_of", [*accounts], [*hashes]):
            if standing.purpose == MARKETING:
                self._tables.opt_outs_added(consent_set(standing.account_id, MARKETING), [standing.number_hash])


class _Standing(msgspec.Struct, frozen=True, gc=False):
    """Columns of `consented_of`."""

    account_id: str
    number_hash: int
    purpose: str


def _same_in(text: Inbound, source: str, destination: str) -> Sequence[bytes]:
    """What a text and its redelivery have alike: the carrier's id, or else addresses, octets and place."""
    if text.carrier_message_id:
        return [b"id", text.carrier_message_id.encode()]
    place = b"%d/%d/%d" % (text.reference, text.total, text.number)
    return [source.encode(), destination.encode(), text.octets, place]


def _said(row: InboundRow) -> Heard | None:
    return _understood(row, row.text, row.encoding)


def _understood(row: InboundRow, text: str, encoding: str) -> Heard | None:
    own = row.hearing.words if row.hearing is not None else ()
    is_addressed = row.wire is not None and row.wire.header != ""
    return heard(text, encoding, is_addressed=is_addressed, own=own)


def _may_change(row: InboundRow, said: Heard | None) -> bool:
    """Whether its commit may change who may be texted. Of a part nobody knows before it is joined."""
    return row.total > 1 or _may_agree(row, said) or (said is not None and said.word != "help")


def _may_agree(row: InboundRow, said: Heard | None) -> bool:
    """Whether the commit of the text may have granted consent."""
    if said is None:
        return row.encoding != "binary" and agreement(row.text) is not None
    return said.word in ("start", "join")


def international(address: str) -> str:
    """Carriers write the same phone with and without a plus, or with 00: one form inside (trap T65)."""
    digits = address.lstrip("+")
    if not digits.isdigit():
        return address
    if digits.startswith("00"):
        digits = digits[2:]
    return f"+{digits}" if len(digits) >= 7 else digits
