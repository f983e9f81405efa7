"""Sessions of the console: a cookie of 256 random bits, of which the SHA-256 is kept. A session ends after a while
without use and at the latest after its longest time; a new one is made whenever its rights change (signing in, the
second factor), so that nobody can plant one beforehand.
"""

import hashlib

import msgspec

from whimbrel.base import ids, limits, moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Account
from whimbrel.domain.people import Session, Stage, User
from whimbrel.manage import preferences
from whimbrel.manage.context import NEWEST, Context, known_account
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_SECRET_OCTETS = 32
_AGENT_MAX = 200
_SEEN_EACH_US = 60 * SECOND_US
_SECOND_FACTOR_S = 600


class Lasting(msgspec.Struct, frozen=True):
    """How long a session lasts: seconds without use, and in all."""

    idle_s: int = limits.SESSION_IDLE_S
    longest_s: int = limits.SESSION_LONGEST_S


class From(msgspec.Struct, frozen=True):
    """Where a browser is: its address, and what it says of itself."""

    address: str
    agent: str


class Opened(msgspec.Struct, frozen=True):
    """A new session, and the secret for its cookie, this once."""

    session: Session
    secret: str


class Visit(msgspec.Struct, frozen=True):
    """Who makes a request of the console, and in which session."""

    user: User
    session: Session

    @property
    def is_whole(self) -> bool:
        """Whether nothing of signing in is missing."""
        return self.session.stage == "whole"


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a person."""

    id: str
    address: str
    agent: str
    created_at: str
    seen_at: str
    expires_at: str
    current: bool


async def open_(ctx: Context, user: User, stage: Stage, where: From, lasting: Lasting) -> Opened:
    """Begin a session; those that are over are forgotten, and codes too."""
    now = ctx.clock.now_us()
    secret = ctx.chance.octets(_SECRET_OCTETS).hex()
    lasts_s = lasting.longest_s if stage == "whole" else _SECOND_FACTOR_S
    session = Session(
        id=ctx.ids.new(ids.SESSION),
        digest=_digest(secret),
        user_id=user.id,
        acting_for=await _shown_first(ctx, user),
        test=False,
        stage=stage,
        created_at=now,
        seen_at=now,
        expires_at=now + lasts_s * SECOND_US,
        confirmed_at=now,
        address=where.address,
        agent=where.agent[:_AGENT_MAX],
    )
    await ctx.store.write(
        [
            Write("session_insert", (to_columns(session),)),
            Write("sessions_purge", ((now,),)),
            Write("sign_in_codes_purge", ((now,),)),
        ]
    )
    return Opened(session, secret)


async def visit(ctx: Context, secret: str, lasting: Lasting) -> Visit | None:
    """Whose cookie this is; None when its session is over, or whose it is may not sign in any more. They were here
    now."""
    found = await look(ctx, secret, lasting)
    now = ctx.clock.now_us()
    if found is not None and now - found.session.seen_at >= _SEEN_EACH_US:
        await ctx.store.write([Write("session_seen", ((found.session.id, now),))])
    return found


async def look(ctx: Context, secret: str, lasting: Lasting) -> Visit | None:
    """The same, without anybody having been here."""
    found = await ctx.store.fetch(Session, "session_by_digest", _digest(secret))
    if not found:
        return None
    (session,) = found
    now = ctx.clock.now_us()
    if min(session.expires_at, session.seen_at + lasting.idle_s * SECOND_US) <= now:
        await ctx.store.write([Write("session_end", ((session.id, session.user_id),))])
        return None
    users = await ctx.store.fetch(User, "user_by_id", session.user_id)
    if not users or users[0].status == "disabled":
        return None
    return Visit(users[0], session)


async def end(ctx: Context, session: Session) -> None:
    """Sign out."""
    await ctx.store.write([Write("session_end", ((session.id, session.user_id),))])


async def end_one(ctx: Context, visit: Visit, session_id: str) -> None:
    """End one of the visitor's sessions; `not_found` when it is none."""
    (ended,) = await ctx.store.write([Write("session_end", ((session_id, visit.user.id),))])
    if not ended:
        raise WhimbrelError("not_found")


async def end_others(ctx: Context, visit: Visit) -> int:
    """End all of the visitor's sessions but this one; how many."""
    (ended,) = await ctx.store.write([Write("sessions_end_others", ((visit.user.id, visit.session.id),))])
    return ended


async def of(ctx: Context, visit: Visit) -> tuple[SessionView, ...]:
    """The visitor's sessions, newest first."""
    rows = await ctx.store.fetch(Session, "sessions_of_user", visit.user.id, ctx.clock.now_us())
    return tuple(_view(row, visit.session.id) for row in rows if row.stage == "whole")


async def show(ctx: Context, visit: Visit, account_id: str | None, *, test: bool) -> None:
    """Show another account's things from now on, at the next sign-in too, or those of its test keys. Whether the
    visitor may is looked at where they are shown."""
    await ctx.store.write([Write("session_show", ((visit.session.id, account_id, int(test)),))])
    await preferences.set_shown(ctx, visit.user.id, account_id)


async def _shown_first(ctx: Context, user: User) -> str | None:
    """Whose things somebody sees at first: those that they saw last, as long as they may. Otherwise their account's; of
    the operator's people those of the account that there is, and of all where there are several."""
    chosen = preferences.of(user).shown
    if user.account_id is None and chosen == preferences.ALL:
        return None
    account = await known_account(ctx, chosen) if chosen and chosen != user.account_id else None
    if account is not None and account.status != "closed" and user.account_id in (None, account.parent_id):
        return account.id
    if user.account_id is not None:
        return user.account_id
    rows = await ctx.store.fetch(Account, "accounts_page", None, NEWEST, 2)
    return rows[0].id if len(rows) == 1 else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _view(session: Session, current: str) -> SessionView:
    return SessionView(
        id=session.id,
        address=session.address,
        agent=session.agent,
        created_at=moments.to_text(session.created_at),
        seen_at=moments.to_text(session.seen_at),
        expires_at=moments.to_text(session.expires_at),
        current=session.id == current,
    )
