"""Templates and pools that something can be made of, and how long it may be worth sending, for a choice."""

from typing import Final

from whimbrel.base import limits
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.words import Words
from whimbrel.products.templates import keeping

_VALIDITIES: Final = ("", "300", "3600", "21600", "86400", "172800", "259200")  # seconds; empty: the class's own


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


def validities(form: Form, words: Words) -> list[tuple[str, str]]:
    """Seconds that a text may be worth sending for, with what the form has and is none of the usual ones."""
    shown = [(each, words(f"compose.validities.{each or 'usual'}")) for each in _VALIDITIES]
    own = form.text("validity")
    return shown if own in _VALIDITIES else [*shown, (own, words("compose.validity_seconds", n=own))]
