"""Who took data out of the installation as a file."""

from collections.abc import Sequence

from whimbrel.manage import audit
from whimbrel.manage.context import Context, commit


async def note(ctx: Context, actor: str, account_id: str | None, subject: str, filters: Sequence[str]) -> None:
    """An entry of the audit log: what was exported (`messages`), and by which filters, without what they hold, for that
    may be somebody's number."""
    await commit(ctx, [audit.entry(ctx, actor, f"{subject}.exported", "", account_id, filters=" ".join(filters))])
