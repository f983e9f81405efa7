"""/v1/usage: figures of traffic and money. /v1/queue: what waits."""

import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.clock import DAY_US
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import PRIORITY
from whimbrel.edges.rest.paging import Cursor, Limit
from whimbrel.edges.rest.shapes import Moment
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import usage, waiting
from whimbrel.manage.context import Page, Paging
from whimbrel.manage.usage import GROUPS, Granularity, Group, UsageView, Wanted
from whimbrel.manage.waiting import Queue

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_DEFAULT_US = {"hour": DAY_US, "day": 30 * DAY_US, "month": 365 * DAY_US, "total": 30 * DAY_US}
_GROUPS: dict[str, Group] = {group: group for group in GROUPS}
_GRANULARITIES: dict[str, Granularity] = {"hour": "hour", "day": "day", "month": "month", "total": "total"}


class UsageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which figures; every condition narrows."""

    start: Annotated[
        Moment | None,
        Meta(
            description="Of messages accepted from here on (RFC 3339); 24 hours, 30 days or 12 months before `end` by "
            "default. The period begins with its hour, day or month in UTC."
        ),
    ] = None
    end: Annotated[Moment | None, Meta(description="And before this moment; now by default.")] = None
    granularity: Annotated[
        str, Meta(description="hour, day, month or total.", extra_json_schema={"enum": [*_GRANULARITIES]})
    ] = "day"
    group_by: Annotated[
        str | None,
        Meta(description="country, carrier, class and direction, separated by commas; of the operator also account."),
    ] = None
    direction: Annotated[str | None, Meta(description="out or in.", extra_json_schema={"enum": ["out", "in"]})] = None
    message_class: Annotated[str | None, Meta(description="otp, transactional or marketing.")] = msgspec.field(
        default=None, name="class"
    )
    country: Annotated[str | None, Meta(description="Of the phone's number, ISO 3166, as DE.")] = None
    carrier_id: Annotated[str | None, Meta(description="What this carrier had.")] = None
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


async def find(services: Services, call: Call[UsageQuery, None]) -> Answer:
    query = call.query
    granularity = _GRANULARITIES.get(query.granularity)
    if granularity is None:
        raise _wrong("granularity", f"Use {', '.join(_GRANULARITIES)}.")
    _check(query.direction in (None, "out", "in"), "direction", "Use out or in.")
    _check(query.message_class in (None, *PRIORITY), "class", f"Use {', '.join(PRIORITY)}.")
    end = services.clock.now_us() if query.end is None else (query.end - _EPOCH) // _MICROSECOND
    start = end - _DEFAULT_US[granularity] if query.start is None else (query.start - _EPOCH) // _MICROSECOND
    wanted = Wanted(
        start_us=start,
        end_us=end,
        granularity=granularity,
        by=_groups(query.group_by, of_all=call.acting_for is None),
        direction=query.direction or "",
        message_class=query.message_class or "",
        country=(query.country or "").upper(),
        carrier_id=query.carrier_id or "",
    )
    paging = Paging(query.cursor, query.limit)
    found = await usage.find(services.manage, wanted, account_id=call.acting_for, test=call.test, paging=paging)
    return Answer(found)


async def queue(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await waiting.find(services.manage))


def _groups(text: str | None, *, of_all: bool) -> frozenset[Group]:
    if text is None:
        return frozenset()
    names = [name.strip() for name in text.split(",")]
    known = [_GROUPS[name] for name in names if name in _GROUPS]
    _check(len(known) == len(names), "group_by", f"Use {', '.join(GROUPS)}.")
    _check(of_all or "account" not in known, "group_by", "Only the operator's figures of all accounts have `account`.")
    return frozenset(known)


def _check(holds: bool, name: str, detail: str) -> None:
    if not holds:
        raise _wrong(name, detail)


def _wrong(name: str, detail: str) -> WhimbrelError:
    return WhimbrelError("invalid_parameter", detail, errors=[FieldError(name, detail)])


OPERATIONS = (
    Operation(
        method="GET", path="/v1/usage", name="listUsage", tag="usage",
        summary="Figures of traffic and money, the newest period first",
        description="A period's figures are those of the messages that were accepted in it, whatever became of them "
        "and when: they agree with a list of these messages, and a late receipt corrects them. They follow within "
        "seconds. The operator without `X-Account-Id` sees those of the whole installation.",
        access="any", scope="usage:read", handle=find, query=UsageQuery, answer=Page[UsageView],
    ),
    Operation(
        method="GET", path="/v1/queue", name="getQueue", tag="usage", summary="What waits, by carrier and class",
        access="operator", account_header="refused", scope="carriers:read", handle=queue, answer=Queue,
    ),
)  # fmt: skip
