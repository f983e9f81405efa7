"""How an account serves its conversations, and what became of that by day."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from whimbrel.base import limits, moments
from whimbrel.base.clock import DAY_US
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain import service_hours
from whimbrel.domain.conversations import PLAIN_DESK, ConversationDay, Desk
from whimbrel.domain.service_hours import Hours
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, commit
from whimbrel.store.interface import Store, Write

_AWAY_EVERY_MIN_S: Final = 60
_AWAY_EVERY_MAX_S: Final = 7 * 86_400
_RATED_WITHIN_MAX_S: Final = 30 * 86_400

_decode = msgspec.json.Decoder(Desk).decode


class DeskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How conversations are served."""

    time_zone: Annotated[str, Meta(description="Of the hours: a name of the IANA database.")] = PLAIN_DESK.zone
    hours: Annotated[tuple[Hours, ...], Meta(description="When somebody is there; none: always.")] = ()
    closed_on: Annotated[tuple[str, ...], Meta(description="Days on which nobody is, such as 2026-12-25.")] = ()
    away_text: Annotated[str, Meta(description="Sent to whoever writes while nobody is there; empty: nothing.")] = ""
    away_every_s: Annotated[int, Meta(description="A phone gets it at most once in so many seconds.")] = (
        PLAIN_DESK.away_every_s
    )
    ask_rating: Annotated[bool, Meta(description="A conversation that is closed ends with `question`.")] = False
    question: Annotated[str, Meta(description="Asks for a rating from 1 to 5.")] = ""
    thanks: Annotated[str, Meta(description="Sent for a rating; empty: nothing.")] = ""
    rated_within_s: Annotated[
        int, Meta(description="A text from 1 to 5 is a rating for so many seconds after the question.")
    ] = PLAIN_DESK.rated_within_s


class ConversationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the account's people did in a day. `user_id` null: the API, or what nobody saw to."""

    day: str
    user_id: str | None
    replies: Annotated[int, Meta(description="Texts to phones that waited for one.")]
    mean_reply_s: float | None
    closed: int
    rated: int
    mean_rating: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """By day and person, the oldest day first."""

    data: tuple[ConversationFigures, ...]


class _Stored(msgspec.Struct, frozen=True):
    account_id: str
    settings: str
    updated_at: int


async def of_accounts(store: Store, account_ids: Sequence[str]) -> dict[str, Desk]:
    """Those of accounts that have set one."""
    rows = await store.fetch(_Stored, "desks_of", list(account_ids)) if account_ids else []
    return {row.account_id: _decode(row.settings) for row in rows}


async def get(ctx: Context, *, account_id: str) -> DeskSettings:
    """How this account serves its conversations."""
    desk = (await of_accounts(ctx.store, [account_id])).get(account_id, PLAIN_DESK)
    return DeskSettings(
        time_zone=desk.zone,
        hours=desk.hours,
        closed_on=desk.closed_on,
        away_text=desk.away_text,
        away_every_s=desk.away_every_s,
        ask_rating=desk.asks,
        question=desk.question,
        thanks=desk.thanks,
        rated_within_s=desk.rated_within_s,
    )


async def put(ctx: Context, actor: str, said: DeskSettings, *, account_id: str) -> DeskSettings:
    """Set all of it. WhimbrelError: invalid_request."""
    _check(said)
    desk = Desk(
        zone=said.time_zone,
        hours=said.hours,
        closed_on=said.closed_on,
        away_text=said.away_text.strip(),
        away_every_s=said.away_every_s,
        asks=said.ask_rating,
        question=said.question.strip(),
        thanks=said.thanks.strip(),
        rated_within_s=said.rated_within_s,
    )
    settings = msgspec.json.encode(desk).decode()
    entry = audit.entry(ctx, actor, "conversation_settings.updated", account_id, account_id)
    await commit(ctx, [Write("desk_set", ((account_id, settings, ctx.clock.now_us()),)), entry])
    return await get(ctx, account_id=account_id)


async def figures(ctx: Context, *, account_id: str, test: bool, days: int) -> Figures:
    """Of the last so many days, today among them."""
    if not 1 <= days <= limits.CONVERSATION_FIGURES_DAYS:
        said = f"must be 1 to {limits.CONVERSATION_FIGURES_DAYS}"
        raise WhimbrelError("invalid_parameter", errors=[FieldError("days", said)])
    today = ctx.clock.now_us() // DAY_US
    rows = await ctx.store.fetch(ConversationDay, "conversation_days", account_id, int(test), today - days + 1, today)
    return Figures(data=tuple(_view(row) for row in rows))


def _view(row: ConversationDay) -> ConversationFigures:
    return ConversationFigures(
        day=moments.to_text(row.day * DAY_US)[:10],
        user_id=row.user_id or None,
        replies=row.replies,
        mean_reply_s=round(row.reply_us / row.replies / 1_000_000, 1) if row.replies else None,
        closed=row.closed,
        rated=row.rated,
        mean_rating=round(row.score / row.rated, 2) if row.rated else None,
    )


def _check(said: DeskSettings) -> None:
    checks = Checks()
    checks.require(service_hours.is_zone(said.time_zone), "/time_zone", "must be a zone such as Europe/Berlin")
    most = limits.DESK_HOURS_MAX
    checks.require(len(said.hours) <= most, "/hours", f"may be {most} at most")
    for place, hours in enumerate(said.hours):
        wrong = service_hours.problem(hours)
        checks.require(wrong is None, f"/hours/{place}/{wrong[0] if wrong else ''}", wrong[1] if wrong else "")
    most = limits.DESK_CLOSED_DAYS_MAX
    checks.require(len(said.closed_on) <= most, "/closed_on", f"may be {most} at most")
    for place, day in enumerate(said.closed_on):
        checks.require(service_hours.is_day(day), f"/closed_on/{place}", "must be a day such as 2026-12-25")
    for name in ("away_text", "question", "thanks"):
        text = getattr(said, name)
        checks.require(len(text) <= limits.TEXT_MAX, f"/{name}", f"must have at most {limits.TEXT_MAX:,} characters")
        checks.require("\0" not in text, f"/{name}", "must not hold U+0000")
    asks = not said.ask_rating or bool(said.question.strip())
    checks.require(asks, "/question", "must not be empty where conversations end with it")
    _check_within(checks, said.away_every_s, _AWAY_EVERY_MIN_S, _AWAY_EVERY_MAX_S, "/away_every_s")
    _check_within(checks, said.rated_within_s, _AWAY_EVERY_MIN_S, _RATED_WITHIN_MAX_S, "/rated_within_s")
    checks.done()


def _check_within(checks: Checks, value: int, least: int, most: int, pointer: str) -> None:
    checks.require(least <= value <= most, pointer, f"must be {least} to {most:,} seconds")
