"""The ledger of consent as accounts write and read it. A record is added and never changed; what a STOP revokes and a
YES grants is written by `store/verbs/keywords.py` with the text itself.
"""

import datetime
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.log import mask_number
from whimbrel.domain.consents import EVERY_PURPOSE, WORDING_MAX, Consent, ConsentAction, ConsentSource, is_purpose
from whimbrel.domain.numbers import Number, normalise
from whimbrel.domain.permission import MARKETING, consent_set
from whimbrel.manage import accounts, audit, number_files
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, OLDEST, Context, Page, Paging, after, commit, one, page
from whimbrel.manage.number_files import EXPORT_MARK, EXPORT_PAGE, FileRow, FileTaken, Refused, csv_lines
from whimbrel.manage.taken_back import taken_back_of
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_METADATA_MAX: Final = 4_096
_EXPORTED: Final = (
    "id", "number", "purpose", "action", "source", "wording", "url", "ip", "at", "recorded_at", "recorded_by", "proof",
)  # fmt: skip
_SOURCES: Final = frozenset(ConsentSource.__args__)  # type: ignore[attr-defined]

Purpose = Annotated[str, Meta(description="What for: `marketing` unless it says otherwise; a name of your own.")]


class NewConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody agreed, or took it back."""

    number: str
    purpose: Purpose = MARKETING
    action: ConsentAction = "grant"
    source: Annotated[ConsentSource, Meta(description="Where it was said.")] = "api"
    wording: Annotated[str, Meta(max_length=WORDING_MAX, description="What the person was shown and agreed to.")] = ""
    at: Annotated[datetime.datetime, Meta(tz=True, description="When it was said; now unless given.")] | None = None
    url: Annotated[str, Meta(max_length=2_000, description="Of the form or page.")] = ""
    ip: Annotated[str, Meta(max_length=64, description="That the form was sent from.")] = ""
    metadata: Annotated[dict[str, Any], Meta(description="Whatever else proves it.")] = {}


class ConsentView(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the ledger. `number` is masked; the export has it in full until the person is erased. `purpose` `*`:
    all that stood, which `proof.purposes` names."""

    id: str
    account_id: str
    number: str
    purpose: str
    action: ConsentAction
    source: ConsentSource
    wording: str
    proof: Annotated[dict[str, Any], Meta(description="`url`, `ip`, `metadata`, `message_id`, `request_id`.")]
    recorded_by: Annotated[str, Meta(description="Id of a key or person, or `phone`.")]
    at: str
    created_at: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a number agrees to now."""

    purpose: str
    consent_id: str


class StandingView(msgspec.Struct, frozen=True, kw_only=True):
    """What a number agrees to now, and whether it opted out."""

    number: str
    granted: tuple[Standing, ...]
    opted_out: bool


class Wanted(msgspec.Struct, frozen=True):
    """Which records: of one number, of one action; the rest narrows what is found."""

    number: str | None = None
    action: ConsentAction | None = None


# ---------------------------------------------------------------- verbs


async def record(ctx: Context, actor: str, request: NewConsent, *, account_id: str) -> ConsentView:
    """Add a record. A grant of somebody who opted out, or that is older than what took it back, stands in the ledger
    and lets nothing through."""
    number = _number(request.number, "/number")
    proof = _checked(ctx, request)
    await accounts.existing(ctx, account_id)
    now = ctx.clock.now_us()
    at = now if request.at is None else moments.from_text(request.at.isoformat())
    what = _What(request.purpose, request.action, request.source, request.wording, proof, at)
    row = _row(ctx, actor, account_id, number, what)
    async with ctx.lock:
        entry = audit.entry(ctx, actor, f"consent.{_PAST[row.action]}", row.id, account_id, source=row.source)
        counts = () if (await taken_back_of(ctx, account_id, [row])).holds_against(row) else (row,)
        await commit(ctx, [*_writes([row], counts), entry])
        _apply(ctx, counts)
    return view(row)


async def get(ctx: Context, consent_id: str, *, account_id: str) -> ConsentView:
    """One record."""
    return view(await one(ctx, Consent, "consent_by_id", account_id, consent_id))


async def find(ctx: Context, wanted: Wanted, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[ConsentView]:
    """Records of an account, newest first."""
    rows = await _page(ctx, wanted, account_id, paging, paging.limit + 1)
    return page(rows, paging, view, lambda row: row.id)


async def standing(ctx: Context, number: str, *, account_id: str) -> StandingView:
    """What a number agrees to now."""
    found = _number(number, "number")
    number_hash = ctx.vault.number_hash(found.e164)
    granted = await ctx.store.fetch(_Standing, "consented_by_number", account_id, number_hash)
    stops = await ctx.store.fetch(_Id, "opt_outs_of", [account_id], [number_hash])
    return StandingView(
        number=mask_number(found.e164),
        granted=tuple(Standing(purpose=row.purpose, consent_id=row.consent_id) for row in granted),
        opted_out=bool(stops),
    )


async def export(ctx: Context, wanted: Wanted, *, account_id: str) -> AsyncIterator[bytes]:
    """All of them as CSV, oldest first, with whole numbers."""
    if wanted.number is not None:
        _number(wanted.number, "number")
    return _pages(ctx, wanted, account_id)


async def take_file(
    ctx: Context, actor: str, pieces: AsyncIterator[bytes], defaults: NewConsent, *, account_id: str
) -> FileTaken:
    """Record a file: columns `number`, and `purpose`, `action`, `source`, `wording`, `at`, `url`, `ip` where rows
    differ from `defaults`. Somebody whose consent stands is not granted it again, and nobody by what is older than his
    last word against it."""
    await accounts.existing(ctx, account_id)
    taken = await number_files.take(
        pieces, lambda rows: _take(ctx, actor, rows, defaults, account_id), lambda row: _checked_row(row, defaults)
    )
    await commit(ctx, [audit.entry(ctx, actor, "consents.imported", "", account_id, count=taken.created)])
    return taken


async def revoked(ctx: Context, actor: str, numbers: Mapping[int, Number], *, account_id: str) -> list[Write]:
    """The writes that take back whatever these numbers (by their hashes) agreed to: they opted out."""
    found = await ctx.store.fetch(_Granted, "consented_of", [account_id], list(numbers)) if numbers else []
    purposes: dict[int, list[str]] = {}
    for each in found:
        purposes.setdefault(each.number_hash, []).append(each.purpose)
    now = ctx.clock.now_us()
    rows = [
        _row(ctx, actor, account_id, numbers[number_hash], _everything(each, now))
        for number_hash, each in purposes.items()
    ]
    return _writes(rows, rows)


# ---------------------------------------------------------------- parts of them

_PAST: Final[Mapping[ConsentAction, Literal["granted", "revoked"]]] = {"grant": "granted", "revoke": "revoked"}


class _Standing(msgspec.Struct, frozen=True, gc=False):
    purpose: str
    consent_id: str


class _What(msgspec.Struct, frozen=True, gc=False):
    """What a record says, beside of whom."""

    purpose: str
    action: ConsentAction
    source: ConsentSource
    wording: str
    proof: str
    at: int


class _Granted(msgspec.Struct, frozen=True, gc=False):
    account_id: str
    number_hash: int
    purpose: str


class _Id(msgspec.Struct, frozen=True, gc=False):
    account_id: str
    number_hash: int
    id: str


def _everything(purposes: Sequence[str], at: int) -> _What:
    return _What(EVERY_PURPOSE, "revoke", "api", "", _encoded({"purposes": list(purposes)}), at)


def _number(text: str, pointer: str) -> Number:
    number = normalise(text)
    if number is None:
        raise WhimbrelError("invalid_number", errors=[FieldError(pointer, "is no valid phone number")])
    return number


def _checked(ctx: Context, request: NewConsent) -> str:
    checks = Checks()
    checks.require(bool(is_purpose(request.purpose)), "/purpose", "must be small letters, digits, _ . - (at most 40)")
    metadata = _encoded(request.metadata)
    checks.require(len(metadata) <= _METADATA_MAX, "/metadata", f"must have at most {_METADATA_MAX:,} octets")
    now = ctx.clock.now_us()
    is_past = request.at is None or moments.from_text(request.at.isoformat()) <= now
    checks.require(is_past, "/at", "must not be in the future")
    checks.done()
    return _proof(request.url, request.ip, request.metadata)


def _proof(url: str, ip: str, metadata: Mapping[str, Any]) -> str:
    found: dict[str, Any] = {"url": url, "ip": ip, "metadata": dict(metadata)}
    return _encoded({name: value for name, value in found.items() if value})


def _row(ctx: Context, actor: str, account_id: str, number: Number, what: _What) -> Consent:
    return Consent(
        id=ctx.ids.new(ids.CONSENT),
        account_id=account_id,
        number_hash=ctx.vault.number_hash(number.e164),
        number=number.e164,
        masked=mask_number(number.e164),
        purpose=what.purpose,
        action=what.action,
        source=what.source,
        wording=what.wording,
        proof=what.proof,
        actor=actor,
        at=what.at,
        created_at=ctx.clock.now_us(),
    )


def _writes(rows: Sequence[Consent], counts: Sequence[Consent]) -> list[Write]:
    """The records, what stands after those that count (of several on one purpose after the last), and their events."""
    last = {(r.account_id, r.number_hash, purpose): r for r in counts for purpose in _purposes(r)}
    granted = tuple((*key, r.id) for key, r in last.items() if r.action == "grant")
    revoked = tuple(key for key, r in last.items() if r.action == "revoke")
    events = tuple(
        (
            r.id,
            r.account_id,
            f"consent.{_PAST[r.action]}",
            _encoded({"purpose": r.purpose, "source": r.source}),
            r.created_at,
        )
        for r in rows
    )
    writes = [
        Write("consent_insert", tuple(to_columns(row) for row in rows)),
        Write("consented_put", granted),
        Write("consented_drop", revoked),
        Write("consent_event", events),
    ]
    return [write for write in writes if write.rows]


def _purposes(row: Consent) -> list[str]:
    if row.purpose != EVERY_PURPOSE:
        return [row.purpose]
    named: list[str] = msgspec.json.decode(row.proof).get("purposes", [])
    return named


def _apply(ctx: Context, rows: Sequence[Consent]) -> None:
    """The snapshot, which holds those who agreed to marketing."""
    for row in rows:
        if row.purpose == MARKETING:
            change = ctx.tables.opt_outs_added if row.action == "grant" else ctx.tables.opt_outs_removed
            change(consent_set(row.account_id, MARKETING), [row.number_hash])


async def _page(ctx: Context, wanted: Wanted, account_id: str, paging: Paging, limit: int) -> list[Consent]:
    place = after(paging)
    if wanted.number is not None:
        number_hash = ctx.vault.number_hash(_number(wanted.number, "number").e164)
        statement = paging.of("consents_of_number", "consents_of_number_oldest")
        return await ctx.store.report(account_id, Consent, statement, account_id, number_hash, place, limit)
    if wanted.action is not None:
        statement = paging.of("consents_of_action", "consents_of_action_oldest")
        return await ctx.store.report(account_id, Consent, statement, account_id, wanted.action, place, limit)
    statement = paging.of("consents_page", "consents_page_oldest")
    return await ctx.store.report(account_id, Consent, statement, account_id, place, limit)


async def _pages(ctx: Context, wanted: Wanted, account_id: str) -> AsyncIterator[bytes]:
    yield EXPORT_MARK + csv_lines([_EXPORTED])
    place = OLDEST
    while True:
        rows = await _behind(ctx, wanted, account_id, place)
        if not rows:
            return
        yield csv_lines([_exported(row) for row in rows])
        place = rows[-1].id


async def _behind(ctx: Context, wanted: Wanted, account_id: str, place: str) -> list[Consent]:
    if wanted.number is not None:
        number_hash = ctx.vault.number_hash(_number(wanted.number, "number").e164)
        params: tuple[Any, ...] = (account_id, number_hash, place, EXPORT_PAGE)
        return await ctx.store.report(account_id, Consent, "consents_of_number_oldest", *params)
    if wanted.action is not None:
        params = (account_id, wanted.action, place, EXPORT_PAGE)
        return await ctx.store.report(account_id, Consent, "consents_of_action_oldest", *params)
    return await ctx.store.report(account_id, Consent, "consents_page_oldest", account_id, place, EXPORT_PAGE)


def _exported(row: Consent) -> tuple[object, ...]:
    proof: dict[str, Any] = msgspec.json.decode(row.proof)
    where = (proof.pop("url", ""), proof.pop("ip", ""))
    when = (moments.to_text(row.at), moments.to_text(row.created_at), row.actor, _encoded(proof) if proof else "")
    return (row.id, row.number, row.purpose, row.action, row.source, row.wording, *where, *when)


def _checked_row(row: FileRow, defaults: NewConsent) -> None:
    cells = row.cells
    if not is_purpose(cells.get("purpose") or defaults.purpose):
        raise Refused("`purpose` must be small letters, digits, _ . -")
    if (cells.get("action") or "grant") not in _PAST:
        raise Refused("`action` must be grant or revoke")
    if (cells.get("source") or "import") not in _SOURCES:
        raise Refused("`source` is none of those that are known")
    if len(cells.get("wording", "")) > WORDING_MAX:
        raise Refused(f"`wording` must have at most {WORDING_MAX:,} characters")
    try:
        moments.from_text(cells["at"]) if cells.get("at") else None
    except ValueError:
        raise Refused("`at` must be a moment of RFC 3339") from None


async def _take(ctx: Context, actor: str, rows: Sequence[FileRow], defaults: NewConsent, account_id: str) -> int:
    """Those that change what stands; a file that is sent twice adds nothing the second time."""
    made = [_row(ctx, actor, account_id, row.number, _of_file(ctx, row, defaults)) for row in rows]
    async with ctx.lock:
        hashes = list({row.number_hash for row in made})
        found = await ctx.store.fetch(_Granted, "consented_of", [account_id], hashes)
        stands = {(each.number_hash, each.purpose) for each in found}
        taken_back = await taken_back_of(ctx, account_id, made)
        new: list[Consent] = []
        for row in made:
            key = (row.number_hash, row.purpose)
            if row.action == "revoke":
                taken_back.add(row)
            if (key in stands) == (row.action == "grant") or taken_back.holds_against(row):
                continue
            (stands.add if row.action == "grant" else stands.discard)(key)
            new.append(row)
        if new:
            await commit(ctx, _writes(new, new))
            _apply(ctx, new)
    return len(new)


def _of_file(ctx: Context, row: FileRow, defaults: NewConsent) -> _What:
    cells, now = row.cells, ctx.clock.now_us()
    url, ip = cells.get("url") or defaults.url, cells.get("ip") or defaults.ip
    source: Any = cells.get("source") or defaults.source
    return _What(
        purpose=cells.get("purpose") or defaults.purpose,
        action="revoke" if cells.get("action") == "revoke" else "grant",
        source=source,
        wording=cells.get("wording") or defaults.wording,
        proof=_proof(url, ip, defaults.metadata),
        at=min(now, moments.from_text(cells["at"])) if cells.get("at") else now,
    )


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def view(row: Consent) -> ConsentView:
    """The public shape."""
    return ConsentView(
        id=row.id,
        account_id=row.account_id,
        number=row.masked,
        purpose=row.purpose,
        action=row.action,
        source=row.source,
        wording=row.wording,
        proof=msgspec.json.decode(row.proof),
        recorded_by=row.actor,
        at=moments.to_text(row.at),
        created_at=moments.to_text(row.created_at),
    )
