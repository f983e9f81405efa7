"""Attempts: each text of a verification, and how many of them brought the code. What the statement cannot narrow is
looked through row by row, so many rows for each page at most: then the page is shorter, and the next one goes on.
"""

from typing import Any, Final

import msgspec

from whimbrel.base import limits, money
from whimbrel.base.clock import DAY_US
from whimbrel.domain.addresses import is_address
from whimbrel.domain.callbacks import twilio_status
from whimbrel.domain.model import Message
from whimbrel.domain.verify import SendAttempt, Verification
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import pages, times
from whimbrel.edges.twilio.forms import wrong
from whimbrel.edges.twilio.listing import Query, query_of
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.edges.twilio.verify import forms
from whimbrel.edges.twilio.verify.verifications import channel_name
from whimbrel.manage.context import Paging, cursor_of, one
from whimbrel.products.verify import reports
from whimbrel.products.verify.recipients import known_recipient
from whimbrel.products.verify.views import shown_number

_LOOKED_THROUGH: Final = 10_000  # rows for one page
_AT_ONCE: Final = limits.PAGE_MAX
_FILTERS: Final = (
    "DateCreatedAfter", "DateCreatedBefore", "ChannelData.To", "Country", "Channel", "VerifyServiceSid",
    "VerificationSid", "Status",
)  # fmt: skip
_STATUSES: Final = {"": None, "converted": True, "unconverted": False}
_STATES: Final = {"refused": "failed", "in_doubt": "sending"}
"""What a mail or a call that has this state is said to be, as a text would."""
_PLACES: Final = 5
_SPAN_US: Final = 30 * DAY_US
_encode = msgspec.json.Encoder().encode


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One text."""

    sid: str
    account_sid: str
    service_sid: str
    verification_sid: str
    date_created: str
    date_updated: str
    conversion_status: str
    channel: str
    price: dict[str, Any] | None
    channel_data: dict[str, Any]
    url: str


class SummaryRecord(msgspec.Struct, frozen=True):
    """How many texts were sent, and how many of them brought a code that was given."""

    total_attempts: int
    total_converted: int
    total_unconverted: int
    conversion_rate_percentage: str
    url: str


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which attempts."""

    from_us: int
    to_us: int | None
    to: str
    country: str
    channel: str
    service_id: str
    verification_id: str
    converted: bool | None

    def has(self, row: SendAttempt, recipient: str) -> bool:
        return (
            self.to in ("", recipient.lower())
            and self.from_us <= row.created_at
            and (self.to_us is None or row.created_at < self.to_us)
            and self.country in ("", row.country)
            and self.channel in ("", channel_name(row.channel))
            and self.service_id in ("", row.service_id)
            and self.converted in (None, row.converted_at is not None)
        )


class Attempts:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage
        self._store = services.store
        self._clock = services.clock

    async def find(self, request: Request) -> Reply:
        """A page of those that are wanted, newest first."""
        query = query_of(request)
        at, wanted = pages.turn(query), _wanted(query)
        kept = [(name, query[name]) for name in _FILTERS if query.get(name)]
        at_once = _AT_ONCE if kept else at.skipped + at.size
        found: list[SendAttempt] = []
        cursor, looked, is_over = at.cursor, 0, False
        while len(found) <= at.skipped + at.size and looked < _LOOKED_THROUGH and not is_over:
            rows = await self._rows(request, wanted, Paging(cursor, at_once))
            is_over, rows = len(rows) <= at_once, rows[:at_once]
            recipients = await self._recipients(rows) if wanted.to else {}
            found += [row for row in rows if wanted.has(row, recipients.get(row.verification_id, ""))]
            looked += len(rows)
            cursor = cursor_of(rows[-1].id) if rows else cursor
        shown = found[at.skipped : at.skipped + at.size]
        following = None if is_over else cursor
        if len(found) > at.skipped + at.size:
            following = cursor_of(shown[-1].id)
        records = await self._records(request, shown)
        return pages.reply(request, at, "attempts", records, following=following, kept=kept)

    async def _rows(self, request: Request, wanted: _Wanted, paging: Paging) -> list[SendAttempt]:
        """The next ones, and one more; of one verification all."""
        if wanted.verification_id:
            place = (request.account_id, wanted.verification_id)
            rows = await self._store.fetch(SendAttempt, "verify_attempts_of", *place)
            return [row for row in reversed(rows) if row.test == request.test]
        return await reports.attempt_rows(
            self._ctx,
            account_id=request.account_id,
            test=request.test,
            paging=paging,
            from_us=wanted.from_us,
            to_us=wanted.to_us,
        )

    async def fetch(self, request: Request) -> Reply:
        """One of them."""
        place = (request.account_id, int(request.test), request.names[0])
        row = await one(self._ctx, SendAttempt, "verify_attempt_by_id", *place)
        (record,) = await self._records(request, [row])
        return Reply(_encode(record))

    async def summarise(self, request: Request) -> Reply:
        """Figures of 30 days, or of the time that is named."""
        query = query_of(request)
        wanted = _wanted(query)
        prefix = query.get("DestinationPrefix", "").strip().lstrip("+")
        if wanted.channel and (wanted.country or prefix):
            raise wrong("Channel", "Invalid parameter `Channel`: figures are by channel or by country, not by both.")
        until = self._clock.now_us() if wanted.to_us is None else wanted.to_us
        found = await reports.summary(
            self._ctx,
            account_id=request.account_id,
            test=request.test,
            from_us=wanted.from_us or until - _SPAN_US,
            to_us=until,
            country=wanted.country or None,
            service_id=wanted.service_id or None,
            prefix=prefix,
        )
        sends, approvals = found.total.sends, found.total.approvals
        if wanted.channel:
            of = [each for each in found.channels if channel_name(each.channel) == wanted.channel]
            sends, approvals = sum(each.sends for each in of), sum(each.approvals for each in of)
        share = f"{100 * approvals / sends:.2f}" if sends else "0.00"
        url = f"{request.base_url}{request.path}"
        return Reply(_encode(SummaryRecord(sends, approvals, sends - approvals, share, url)))

    async def _records(self, request: Request, rows: list[SendAttempt]) -> list[AttemptRecord]:
        recipients = await self._recipients(rows)
        wanted = [row.message_id for row in rows if row.message_id is not None]
        messages = {message.id: message for message in await self._store.messages(wanted)} if wanted else {}
        return [
            _record(request, row, recipients.get(row.verification_id, ""), messages.get(row.message_id or ""))
            for row in rows
        ]

    async def _recipients(self, rows: list[SendAttempt]) -> dict[str, str]:
        """Whom the codes were for, by verification."""
        wanted = sorted({row.verification_id for row in rows})
        found = await self._store.fetch(Verification, "verifications_by_ids", wanted) if wanted else ()
        return {each.id: each.recipient for each in found}


def _wanted(query: Query) -> _Wanted:
    status = query.get("Status", "").lower()
    if status not in _STATUSES:
        raise wrong("Status", "Invalid parameter `Status`: is converted or unconverted.")
    given = query.get("ChannelData.To", "").strip()
    to = known_recipient(given if is_address(given) else f"+{given.lstrip('+')}") if given else None
    if given and to is None:
        raise wrong("ChannelData.To", f"Invalid parameter `ChannelData.To`: {given[:40]}")
    return _Wanted(
        from_us=_moment(query, "DateCreatedAfter") or 0,
        to_us=_moment(query, "DateCreatedBefore"),
        to=to.value.lower() if to else "",
        country=query.get("Country", "").upper(),
        channel=query.get("Channel", "").lower(),
        service_id=query.get("VerifyServiceSid", ""),
        verification_id=query.get("VerificationSid", ""),
        converted=_STATUSES[status],
    )


def _moment(query: Query, name: str) -> int | None:
    if not query.get(name):
        return None
    try:
        return times.moment(query[name])
    except ValueError:
        raise wrong(name, f"Invalid parameter `{name}`: is no time such as 2030-01-31T09:00:00Z.") from None


def _record(request: Request, row: SendAttempt, recipient: str, message: Message | None) -> AttemptRecord:
    status = _STATES.get(row.state, row.state) if message is None else twilio_status(message)
    data: dict[str, Any] = {
        "to": shown_number(recipient, masked=not forms.sees_numbers(request)),
        "country": row.country or None,
        "message_status": status.upper() or None,
    }
    price = None
    if message is not None:
        value = money.to_text(message.charged_micros, _PLACES)
        price = {"currency": message.currency, "value": value} if message.charged_micros else None
    return AttemptRecord(
        sid=row.id,
        account_sid=row.account_id,
        service_sid=row.service_id,
        verification_sid=row.verification_id,
        date_created=times.iso(row.created_at),
        date_updated=times.iso(row.converted_at or row.created_at),
        conversion_status="unconverted" if row.converted_at is None else "converted",
        channel=channel_name(row.channel),
        price=price,
        channel_data=data,
        url=f"{request.base_url}/v2/Attempts/{row.id}",
    )
