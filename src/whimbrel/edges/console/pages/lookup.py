"""Look-ups: what a number says about itself, and what the account knows of it."""

from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.codes import codes
from whimbrel.edges.console.forms import problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

PATH: Final = "/console/lookup"
_REFUSED: Final = frozenset({"premium_rate", "shared_cost", "uan", "pager", "voicemail"})
_EXAMPLE: Final = "+4915112345678"


class Sign(msgspec.Struct, frozen=True):
    """What speaks for or against texting a number. `at`: until or since when."""

    name: str
    tone: str
    at: str | None = None


async def lookup(request: Request) -> Response:
    """The page; with a number in the address also what is known of it."""
    if request.asked.acting_for is None:
        return request.page("no_account.html", name="lookup")
    if not request.api.may("lookUp"):
        raise WhimbrelError("forbidden", request.words("lookup.not_for_you"))
    query, number = request.query, request.query.text("number")
    asked = query.given("country") | ({"region": "true"} if query.flag("region") else {})
    found, told = None, None
    signs: list[Sign] = []
    if number:
        try:
            found = await request.api("lookUp", path={"number": number}, query=asked)
            signs = await _signs(request, found) if found.valid else []
        except WhimbrelError as error:
            told = problem(error)
    path = f"/v1/lookups/{quote(number or _EXAMPLE, safe='')}" + (f"?{urlencode(asked)}" if asked else "")
    values: dict[str, Any] = {"form": query, "found": found, "signs": signs, "problem": told}
    values["snippets"] = codes(request.origin, path, None)
    if request.is_part:
        return request.part("lookup/lookup.html", "results", **values)
    return request.page("lookup/lookup.html", status=told.status if told else 200, **values)


async def _signs(request: Request, found: Any) -> list[Sign]:
    """By what the account knows, and by what Verify does by itself."""
    signs = []
    if found.opted_out:
        signs.append(Sign("opted_out", "bad"))
    if found.type in _REFUSED:
        signs.append(Sign("costly", "warn"))
    if found.last_seen_at:
        signs.append(Sign("seen", "good", found.last_seen_at))
    return signs + (await _guarded(request, found.number, found.country) if request.api.may("listVerifyBlocks") else [])


async def _guarded(request: Request, number: str, country: str | None) -> list[Sign]:
    """What the pumping guard says of it: the newest block that holds, and whether it is on the safe list."""
    blocks = (await request.api("listVerifyBlocks", query={"limit": "100"})).data
    values = (number.removeprefix("+"), country or "–")
    blocked = next((each for each in blocks if each.active and any(one.startswith(each.value) for one in values)), None)
    signs = [Sign("blocked", "bad", blocked.ends_at)] if blocked else []
    try:
        kept = await request.api("getSafeNumber", path={"id": number})
    except WhimbrelError as error:
        if error.code != "not_found":
            raise
        return signs
    return [*signs, Sign("safe", "good", kept.created_at)]


PAGES = (Page(path=PATH, handle=lookup),)
