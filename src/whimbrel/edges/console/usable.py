"""Templates and pools that something can be made of, for a choice."""

from whimbrel.base import limits
from whimbrel.edges.console.request import Request
from whimbrel.products.templates import keeping


async def templates(request: Request, none: str) -> list[tuple[str, str]]:
    """Names of those that have a version in use, after `none`; empty where there are none."""
    account_id = request.asked.acting_for
    if account_id is None or not request.api.may("listTemplates"):
        return []
    names = await keeping.usable(request.there.manage, account_id=account_id)
    return [("", none), *((name, name) for name in names)] if names else []


async def pools(request: Request, none: str, chosen: str = "") -> list[tuple[str, str]]:
    """Pools of senders by id, after `none`, with what is chosen already; empty where there are none."""
    found: list[tuple[str, str]] = []
    if request.api.may("listPools"):
        query = {"limit": str(limits.PAGE_MAX)}
        found = [(each.id, each.name) for each in (await request.api("listPools", query=query)).data]
    if chosen and chosen not in dict(found):
        found.append((chosen, chosen))
    return [("", none), *found] if found else []
