"""The database of the installation: which one it is, and which migrations it has. Only operators reach this file."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.manage.context import Context
from whimbrel.store.migrations import label


class MigrationView(msgspec.Struct, frozen=True, kw_only=True):
    """A migration that the database has."""

    name: str
    applied_at: str


class StoreView(msgspec.Struct, frozen=True, kw_only=True):
    """Where the database stands, as the node that answers sees it."""

    database: Literal["sqlite", "postgresql"]
    current: Annotated[bool, Meta(description="Whether it has every migration of this version.")]
    migrations: Annotated[tuple[MigrationView, ...], Meta(description="Those that it has, the newest first.")]
    pending: Annotated[tuple[str, ...], Meta(description="Those that `whimbrel migrate apply` would apply.")]
    problem: Annotated[str, Meta(description="Why this version must not run on it; empty when it may.")]


async def read(ctx: Context) -> StoreView:
    """The database as it is now."""
    database, status = await ctx.store.schema()
    applied = sorted(status.applied, key=lambda row: -row.number)
    return StoreView(
        database=database,
        current=status.current,
        migrations=tuple(MigrationView(name=label(row), applied_at=moments.to_text(row.applied_at)) for row in applied),
        pending=tuple(label(each) for each in status.pending),
        problem=status.problem,
    )
