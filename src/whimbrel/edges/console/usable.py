"""Templates and pools that something can be made of, for a choice."""

from whimbrel.base import limits
from whimbrel.edges.console.request import Request


async def templates(request: Request, none: str) -> list[tuple[str, str]]:
    """Names of those that have a version in use, after `none`; empty where there are none."""
    if not request.api.may("listTemplates"):
        return []
    query = {"limit": str(limits.PAGE_MAX), "status": "active"}
    found = await request.api("listTemplates", query=query)
    usable = [(each.name, each.name) for each in found.data if each.live_version]
    return [("", none), *usable] if usable else []


async def pools(request: Request, none: str, chosen: str = "") -> list[tuple[str, str]]:
    """Pools of senders by id, after `none`, with what is chosen already; empty where there are none."""
    found: list[tuple[str, str]] = []
    if request.api.may("listPools"):
        query = {"limit": str(limits.PAGE_MAX)}
        found = [(each.id, each.name) for each in (await request.api("listPools", query=query)).data]
    if chosen and chosen not in dict(found):
        found.append((chosen, chosen))
    return [("", none), *found] if found else []
