"""Rate limits of an account's own, each with buckets, and the list of numbers that the pumping guard lets pass."""

from typing import Final
from urllib.parse import quote

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.numbers import normalise
from whimbrel.domain.verify import Bucket, RateLimit
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import pages
from whimbrel.edges.twilio.forms import Form, named, one, wrong
from whimbrel.edges.twilio.listing import query_of
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.edges.twilio.times import iso
from whimbrel.edges.twilio.verify import forms
from whimbrel.manage.context import Context
from whimbrel.products.verify import blocks, rates
from whimbrel.products.verify import services as verify_services
from whimbrel.products.verify.blocks import NewSafeNumber
from whimbrel.products.verify.rates import NewBucket, NewRateLimit, RateLimitChange

_LIMIT_NAMES: Final = {"/name": "UniqueName", "/description": "Description"}
_BUCKET_NAMES: Final = {"/max": "Max", "/interval_s": "Interval"}
_BOUNDS: Final = {"Max": rates.COUNT_MAX, "Interval": rates.INTERVAL_MAX_S}
_encode = msgspec.json.Encoder().encode


class RateLimitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A limit."""

    sid: str
    service_sid: str
    account_sid: str
    unique_name: str
    description: str
    date_created: str
    date_updated: str
    url: str
    links: dict[str, str]


class BucketRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket."""

    sid: str
    rate_limit_sid: str
    service_sid: str
    account_sid: str
    max: int
    interval: int
    date_created: str
    date_updated: str
    url: str


class SafeRecord(msgspec.Struct, frozen=True):
    """A number that always passes."""

    sid: str
    phone_number: str
    url: str


class RateLimits:
    """The handlers of limits."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage

    async def create(self, request: Request) -> Reply:
        """Make one, without buckets."""
        forms.check_live(request)
        form = await forms.form_of(request)
        new = NewRateLimit(
            service_id=request.names[0],
            name=forms.needed(form, "UniqueName"),
            description=forms.text(form, "Description") or "",
        )
        with named(_LIMIT_NAMES):
            made = await rates.create(self._ctx, request.principal.key_id, new, account_id=request.account_id)
        row = await rates.existing(self._ctx, made.id, request.account_id)
        return Reply(_encode(_limit_record(row, request.base_url)), 201)

    async def find(self, request: Request) -> Reply:
        """All of a service's, by name."""
        at, service_id = pages.turn(query_of(request)), request.names[0]
        await verify_services.existing(self._ctx, service_id, request.account_id)
        rows = await rates.limits_of(self._ctx, service_id, account_id=request.account_id)
        shown = rows[at.skipped : at.skipped + at.size]
        return pages.reply(request, at, "rate_limits", [_limit_record(row, request.base_url) for row in shown])

    async def fetch(self, request: Request) -> Reply:
        """One of them."""
        return Reply(_encode(_limit_record(await limit_of(self._ctx, request), request.base_url)))

    async def update(self, request: Request) -> Reply:
        """Another description."""
        forms.check_live(request)
        form = await forms.form_of(request)
        row = await limit_of(self._ctx, request)
        change = RateLimitChange(description=one(form, "Description") if "Description" in form else None)
        with named(_LIMIT_NAMES):
            await rates.update(self._ctx, request.principal.key_id, row.id, change, account_id=request.account_id)
        return Reply(_encode(_limit_record(await limit_of(self._ctx, request), request.base_url)))

    async def delete(self, request: Request) -> Reply:
        """Count by it no more."""
        forms.check_live(request)
        row = await limit_of(self._ctx, request)
        await rates.delete(self._ctx, request.principal.key_id, row.id, account_id=request.account_id)
        return Reply(b"", 204)


class Buckets:
    """The handlers of buckets."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage

    async def create(self, request: Request) -> Reply:
        """One more."""
        forms.check_live(request)
        form = await forms.form_of(request)
        row = await limit_of(self._ctx, request)
        new = NewBucket(max=_figure(form, "Max"), interval_s=_figure(form, "Interval"))
        with named(_BUCKET_NAMES):
            made = await rates.add_bucket(
                self._ctx, request.principal.key_id, row.id, new, account_id=request.account_id
            )
        return Reply(_encode(await self._record(request, made.id)), 201)

    async def find(self, request: Request) -> Reply:
        """All of a limit's."""
        at, row = pages.turn(query_of(request)), await limit_of(self._ctx, request)
        every = await rates.buckets_of(self._ctx, [row.id], request.account_id)
        shown = every[at.skipped : at.skipped + at.size]
        return pages.reply(request, at, "buckets", [_bucket_record(each, request) for each in shown])

    async def fetch(self, request: Request) -> Reply:
        """One of them."""
        await limit_of(self._ctx, request)
        return Reply(_encode(await self._record(request, request.names[2])))

    async def update(self, request: Request) -> Reply:
        """Other figures; what is not given stays."""
        forms.check_live(request)
        form = await forms.form_of(request)
        row = await limit_of(self._ctx, request)
        before = await rates.bucket(self._ctx, row.id, request.names[2], request.account_id)
        new = NewBucket(max=_figure(form, "Max", before.max), interval_s=_figure(form, "Interval", before.interval_s))
        await rates.set_bucket(
            self._ctx, request.principal.key_id, row.id, before.id, new, account_id=request.account_id
        )
        return Reply(_encode(await self._record(request, before.id)))

    async def delete(self, request: Request) -> Reply:
        """Remove one."""
        forms.check_live(request)
        row = await limit_of(self._ctx, request)
        await rates.delete_bucket(
            self._ctx, request.principal.key_id, row.id, request.names[2], account_id=request.account_id
        )
        return Reply(b"", 204)

    async def _record(self, request: Request, bucket_id: str) -> BucketRecord:
        row = await rates.bucket(self._ctx, request.names[1], bucket_id, request.account_id)
        return _bucket_record(row, request)


class SafeList:
    """The handlers of the safe list. It keeps keyed hashes: a number is told as whoever asks has written it."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage

    async def add(self, request: Request) -> Reply:
        """Put a number on it; again changes nothing."""
        forms.check_live(request)
        given = forms.needed(await forms.form_of(request), "PhoneNumber")
        with named({"/number": "PhoneNumber"}):
            made = await blocks.make_safe(
                self._ctx, request.principal.key_id, NewSafeNumber(number=given), account_id=request.account_id
            )
        return Reply(_encode(_safe_record(request, made.id, _number(given))), 201)

    async def fetch(self, request: Request) -> Reply:
        """Whether a number is on it."""
        number = _number(request.names[0])
        found = await blocks.safe_number(self._ctx, number, account_id=request.account_id)
        return Reply(_encode(_safe_record(request, found.id, number)))

    async def delete(self, request: Request) -> Reply:
        """Take a number off it."""
        forms.check_live(request)
        number = _number(request.names[0])
        await blocks.make_unsafe(self._ctx, request.principal.key_id, number, account_id=request.account_id)
        return Reply(b"", 204)


async def limit_of(ctx: Context, request: Request) -> RateLimit:
    """The limit that a path names, of the service that it names; not_found."""
    row = await rates.existing(ctx, request.names[1], request.account_id)
    if row.service_id != request.names[0]:
        raise WhimbrelError("not_found")
    return row


def _figure(form: Form, name: str, before: int | None = None) -> int:
    value = forms.whole(form, name)
    value = before if value is None else value
    if value is None:
        raise wrong(name, f"Missing required parameter {name}.")
    if not 1 <= value <= _BOUNDS[name]:
        raise wrong(name, f"Invalid parameter `{name}`: must be 1 to {_BOUNDS[name]:,}.")
    return value


def _number(given: str) -> str:
    number = normalise(given)
    if number is None:
        raise WhimbrelError("not_found")
    return number.e164


def _safe_record(request: Request, sid: str, number: str) -> SafeRecord:
    return SafeRecord(sid, number, f"{request.base_url}/v2/SafeList/Numbers/{quote(number, safe='+')}")


def _limit_record(row: RateLimit, base_url: str) -> RateLimitRecord:
    url = f"{base_url}/v2/Services/{row.service_id}/RateLimits/{row.id}"
    return RateLimitRecord(
        sid=row.id,
        service_sid=row.service_id,
        account_sid=row.account_id,
        unique_name=row.name,
        description=row.description,
        date_created=iso(row.created_at),
        date_updated=iso(row.updated_at),
        url=url,
        links={"buckets": f"{url}/Buckets"},
    )


def _bucket_record(row: Bucket, request: Request) -> BucketRecord:
    service_id = request.names[0]
    place = f"{request.base_url}/v2/Services/{service_id}/RateLimits/{row.rate_limit_id}"
    return BucketRecord(
        sid=row.id,
        rate_limit_sid=row.rate_limit_id,
        service_sid=service_id,
        account_sid=row.account_id,
        max=row.max,
        interval=row.interval_s,
        date_created=iso(row.created_at),
        date_updated=iso(row.updated_at),
        url=f"{place}/Buckets/{row.id}",
    )
