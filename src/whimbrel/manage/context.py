"""What every verb of this folder is given, and the steps they share: one commit with its audit entry and fresh
snapshots after it, pages, look-ups that answer 404.
"""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec

from whimbrel.base import limits
from whimbrel.base.clock import Chance, Clock
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.vault import Vault
from whimbrel.domain.customers import CustomerBounds
from whimbrel.domain.model import Account, ConfigKind
from whimbrel.domain.permission import Permissions
from whimbrel.net.addresses import Reach
from whimbrel.store.interface import Store, Write

T = TypeVar("T")
V = TypeVar("V")
Order = Literal["asc", "desc"]
"""Oldest or newest first."""

_OF_THE_INSTALLATION = frozenset({"carriers", "routes", "prices"})
NEWEST = "~"  # sorts after every id: the first page of a list that goes back in time
OLDEST = " "  # before every id
_POSITION = re.compile(r"[0-9]{1,19}")


class Snapshots(Protocol):
    """The in-memory tables that the journey decides on, told of what has just been committed."""

    async def refresh(self, *kinds: ConfigKind) -> None: ...
    @property
    def permissions(self) -> Permissions: ...
    def opt_outs_added(self, name: str, hashes: Sequence[int]) -> None: ...
    def opt_outs_removed(self, name: str, hashes: Sequence[int]) -> None: ...


def _nobody(account_id: str) -> Account | None:
    return None


def _free(system_id: str) -> bool:
    return False


class Elsewhere(msgspec.Struct, frozen=True):
    """What other cells have: accounts by id, and whether a system_id of an SMPP credential is taken there."""

    account: Callable[[str], Account | None] = _nobody
    has_system_id: Callable[[str], bool] = _free


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a verb needs. Writes take `lock`, so that what a verb has checked still holds when it commits; across
    nodes the unique keys of the schema hold. `reach`: where webhooks may lead. `streams`: those to brokers by name, and
    where each goes. `elsewhere`: what other cells have, `leading`: the cell that changes what
    belongs to the installation, where that is another one. `template_approval`: who has to approve templates.
    `public_url`: the address of the installation, without a slash at its end."""

    store: Store
    tables: Snapshots
    vault: Vault
    clock: Clock
    chance: Chance
    ids: Ids
    reach: Reach = Reach()
    rate_per_s: int = limits.RATE_DEFAULT_PER_S
    webhooks_per_account: int = limits.WEBHOOKS_PER_ACCOUNT
    smpp: CustomerBounds = CustomerBounds()
    streams: Mapping[str, str] = {}
    elsewhere: Elsewhere = Elsewhere()
    leading: str = ""
    template_approval: Literal["none", "account", "operator"] = "none"
    public_url: str = ""
    lock: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list, newest first unless the verb says otherwise. `next_cursor` None: there is no more."""

    data: tuple[T, ...]
    next_cursor: str | None = None


class Paging(msgspec.Struct, frozen=True):
    """Which page is asked for: a cursor of an earlier page, how many rows at most (1 to 1000), and for lists that can
    be read from either end, from which."""

    cursor: str | None = None
    limit: int = limits.PAGE_DEFAULT
    order: Order = "desc"

    def of(self, newest: str, oldest: str) -> str:
        """The statement that reads from the end that is asked for."""
        return newest if self.order == "desc" else oldest


FIRST_PAGE = Paging()


def check_leads(ctx: Context) -> None:
    """`conflict` where another cell changes what belongs to the installation: it would be undone here."""
    if ctx.leading:
        raise WhimbrelError(
            "conflict", f"This is changed in the cell that leads, {ctx.leading}, and copied from there."
        )


async def commit(ctx: Context, writes: Sequence[Write], *kinds: ConfigKind) -> list[int]:
    """Write in one commit, then read the snapshots of `kinds` anew; the number of rows that each write changed."""
    if not _OF_THE_INSTALLATION.isdisjoint(kinds):
        check_leads(ctx)
    changed = await ctx.store.write(writes)
    if kinds:
        await ctx.tables.refresh(*kinds)
    return changed


async def one(ctx: Context, row: Callable[..., T], statement: str, *params: Any) -> T:
    """The row that a statement gives; `not_found` when there is none."""
    rows = await ctx.store.fetch(row, statement, *params)
    if not rows:
        raise WhimbrelError("not_found")
    return rows[0]


async def known_account(ctx: Context, account_id: str) -> Account | None:
    """An account of this cell or of another one."""
    rows = await ctx.store.fetch(Account, "account_by_id", account_id)
    return rows[0] if rows else ctx.elsewhere.account(account_id)


def after(paging: Paging, first: str = NEWEST) -> str:
    """The place after which a page begins; for the first page `first`, or `OLDEST` where it begins at that end.
    `invalid_cursor`, `invalid_parameter`."""
    if not 1 <= paging.limit <= limits.PAGE_MAX:
        raise WhimbrelError("invalid_parameter", errors=[FieldError("limit", f"must be 1 to {limits.PAGE_MAX}")])
    if paging.cursor is None:
        return first if paging.order == "desc" else OLDEST
    try:
        padded = paging.cursor + "=" * (-len(paging.cursor) % 4)
        place = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        raise WhimbrelError("invalid_cursor") from None
    if not place:
        raise WhimbrelError("invalid_cursor")
    return place


def after_position(paging: Paging) -> int:
    """The same for lists by position."""
    if paging.cursor is None and paging.order == "asc":
        return -(2**63)
    place = after(paging, str(2**63 - 1))
    if not _POSITION.fullmatch(place):
        raise WhimbrelError("invalid_cursor")
    return int(place)


def page(rows: Sequence[T], paging: Paging, view: Callable[[T], V], place: Callable[[T], str | int]) -> Page[V]:
    """A page of rows that were read with `paging.limit + 1`."""
    shown = rows[: paging.limit]
    following = cursor_of(place(shown[-1])) if len(rows) > paging.limit else None
    return Page(tuple(view(row) for row in shown), following)


def cursor_of(place: str | int) -> str:
    """What `after` reads."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")
