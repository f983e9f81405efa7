"""Pages of messages: Twilio's filters and its way of turning pages. `PageToken` holds the last id of the page before,
so that a page stays what it is while messages come in; a bare `Page` counts from the newest one and reaches only so
far.

`DateSent` and its two borders look at when a message was created: the same within seconds, except for scheduled ones.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.clock import DAY_US
from whimbrel.domain.numbers import normalise
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import times
from whimbrel.edges.twilio.forms import wrong
from whimbrel.edges.twilio.routes import Request
from whimbrel.edges.twilio.shapes import MessagePage, MessageRecord, stored
from whimbrel.store.interface import Search

REACH: Final = 10_000  # messages that a `Page` without a token may skip: they are read to be skipped
_TOKEN: Final = "PA"  # noqa: S105 - how a token for the following page begins
_ON, _UNTIL, _SINCE = "DateSent", "DateSent<", "DateSent>"
_FILTERS: Final = ("To", "From", _ON, _UNTIL, _SINCE)
_WHOLE: Final = re.compile(r"[0-9]{1,6}", re.ASCII).fullmatch

Query = dict[str, str]


class Turn(msgspec.Struct, frozen=True, gc=False):
    """Which page is asked for."""

    page: int
    size: int
    token: str = ""
    before_id: str | None = None

    @property
    def skipped(self) -> int:
        """How many messages stand before the page and are read with it."""
        return 0 if self.before_id else self.page * self.size


def query_of(request: Request) -> Query:
    """Parameters by name; of a repeated one the first. Unknown ones are ignored, as Twilio does."""
    try:
        pairs = parse_qsl(request.query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise wrong("", "The query string is not percent-encoded UTF-8.") from None
    return dict(reversed(pairs))


def turn(query: Query) -> Turn:
    """The page that the query asks for."""
    size = whole(query, "PageSize", limits.PAGE_DEFAULT)
    if not 1 <= size <= limits.PAGE_MAX:
        raise wrong("PageSize", f"PageSize is 1 to {limits.PAGE_MAX:,}.")
    page, token = whole(query, "Page", 0), query.get("PageToken", "")
    if not token:
        if page * size > REACH:
            raise wrong("Page", "Page: follow next_page_uri to go on from here.")
        return Turn(page, size)
    before_id = token.removeprefix(_TOKEN)
    if not (token.startswith(_TOKEN) and ids.is_id(before_id, ids.MESSAGE)):
        raise wrong("PageToken", "PageToken is not one of ours.")
    return Turn(page, size, token, before_id)


async def page(services: Services, request: Request) -> MessagePage:
    """The page that a request asks for, newest first."""
    query = query_of(request)
    wanted = turn(query)
    search = _search(services, request, query, wanted.before_id)
    rows = await services.store.search(search, wanted.skipped + wanted.size + 1)
    rows = rows[wanted.skipped :]
    shown = tuple(stored(row) for row in rows[: wanted.size])
    return _page(request.path, query, wanted, shown, has_more=len(rows) > wanted.size)


def _page(path: str, query: Query, at: Turn, shown: tuple[MessageRecord, ...], *, has_more: bool) -> MessagePage:
    start = at.page * at.size
    before = (at.page - 1) * at.size
    return MessagePage(
        end=start + max(len(shown) - 1, 0),
        first_page_uri=uri(path, query, at.size, 0),
        messages=shown,
        next_page_uri=uri(path, query, at.size, at.page + 1, _TOKEN + shown[-1].sid) if has_more else None,
        page=at.page,
        page_size=at.size,
        previous_page_uri=uri(path, query, at.size, at.page - 1) if 0 <= before <= REACH else None,
        start=start,
        uri=uri(path, query, at.size, at.page, at.token),
    )


def uri(path: str, query: Query, size: int, number: int, token: str = "") -> str:
    """The path of a page, relative to the host, with the filters of this one."""
    kept = [(name, query[name]) for name in _FILTERS if name in query]
    kept += [("PageSize", str(size)), ("Page", str(number))]
    if token:
        kept.append(("PageToken", token))
    return f"{path}?{urlencode(kept)}"


def whole(query: Query, name: str, default: int) -> int:
    """A whole number of the query, or what holds without it."""
    text = query.get(name, "")
    if not text:
        return default
    if not _WHOLE(text):
        raise wrong(name, f"{name} is a whole number.")
    return int(text)


# ---------------------------------------------------------------- filters


def _search(services: Services, request: Request, query: Query, before_id: str | None) -> Search:
    account_id, hashed = request.account_id, services.vault.number_hash
    recipient, sender = _address(query.get("To", "")), _address(query.get("From", ""))
    recipient_hash = hashed(recipient) if recipient else None
    number_hash = recipient_hash
    own = services.tables.senders_by_value.get(sender.lstrip("+"))
    if number_hash is None and sender.startswith("+") and (own is None or own.account_id != account_id):
        number_hash = hashed(sender)  # a phone's few texts; those of a sender of our own are most of the account's
    created_from, created_to = _span(query)
    return Search(
        account_id=account_id,
        test=request.test,
        number_hash=number_hash,
        recipient_hash=recipient_hash,
        sender=sender or None,
        created_from=created_from,
        created_to=created_to,
        before_id=before_id,
    )


def _address(text: str) -> str:
    """A number as messages hold it. A plus sign that was not percent-encoded has become a space."""
    number = normalise("+" + text[1:] if text[:1] == " " else text)
    return number.e164 if number else text


def _span(query: Query) -> tuple[int | None, int | None]:
    """From (inclusive) and to (exclusive), microseconds. A date means the whole of that day, in UTC, and so does any
    time in `DateSent` alone: nobody asks for the messages of one second."""
    low: list[int] = []
    high: list[int] = []
    if query.get(_ON):
        day, _ = _moment(query, _ON)
        day -= day % DAY_US
        low.append(day)
        high.append(day + DAY_US)
    if query.get(_SINCE):
        low.append(_moment(query, _SINCE)[0])
    if query.get(_UNTIL):
        high.append(sum(_moment(query, _UNTIL)))
    return max(low, default=None), min(high, default=None)


def _moment(query: Query, name: str) -> tuple[int, int]:
    try:
        return times.span(query[name])
    except ValueError:
        raise wrong(name, f"{name} is a date such as 2030-01-31, or a time such as 2030-01-31T09:00:00Z.") from None
