"""Usage records by the `twilio` package of PyPI, unmodified, against what `/v1/usage` tells."""

import datetime
from decimal import Decimal

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioException

from tests.edges.edge_rig import running_edge, until
from tests.journey.rig import ShiftedClock
from whimbrel.domain.usage import DAY_US
from whimbrel.manage import accounts
from whimbrel.store.interface import Write

from .twilio_rig import aside, ask, sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = datetime.timedelta(days=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    clock = ShiftedClock()
    clock.ahead_us = DAY_US + DAY_US // 2 - clock.now_us() % DAY_US  # noon: no day ends during the tests
    async with running_edge(tmp_path_factory.mktemp("usage"), clock=clock) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


@pytest.fixture
def records(edge):
    client = sdk(edge)
    yield client.usage.records
    client.http_client.session.close()


def today_of(edge):
    return datetime.datetime.fromtimestamp(edge.app.clock.now_us() // 1_000_000, datetime.UTC).date()


async def sent_on(edge, day, count, *, direction="out", account_id=None):
    """Figures of a day: `count` texts of two segments each, at a cent each where they go out."""
    at = (day - datetime.date(1970, 1, 1)).days * DAY_US
    sent, received = (count, 0) if direction == "out" else (0, count)
    charged = 10_000 * sent
    figures = [count if direction == "out" else 0, sent, *[0] * 8, received, 2 * count, charged, *[0] * 13]
    place = (account_id or edge.customer.id, 0, 24, at, direction, "transactional", "US", "", "USD")
    await edge.app.store.write([Write("usage_add", ((*place, *figures),))])


def told(record):
    return record.category, record.count, record.usage, record.price


async def test_what_was_sent_and_what_came_in(edge, records):
    for text in ("Hi", "é" * 320):  # three segments
        assert (await edge.send(text=text)).status == 202

    async def all_of_it():
        found = await aside(records.list, category="sms-outbound")
        return found if found[0].count == "2" else None

    (record,) = await until(all_of_it)
    today = today_of(edge)
    assert (record.usage, record.price, record.price_unit) == ("4", Decimal("0.03"), "usd")
    assert (record.count_unit, record.usage_unit, record.account_sid) == ("messages", "segments", edge.customer.id)
    assert (record.start_date, record.end_date, record.as_of[:10]) == (today, today, str(today))
    assert record.subresource_uris["daily"].endswith("/Usage/Records/Daily.json?Category=sms-outbound")
    for kind in (records.today, records.this_month, records.all_time, records.daily, records.monthly, records.yearly):
        found = await aside(kind.list)
        assert [each.category for each in found] == ["sms", "sms-inbound", "sms-outbound", "totalprice"]
        assert told(found[2]) == ("sms-outbound", "2", "4", Decimal("0.03"))
        assert (found[3].usage, found[3].usage_unit) == ("0.03", "usd")
    for kind in (records.yesterday, records.last_month):
        assert {each.count for each in await aside(kind.list)} == {"0", ""}
    ours = (await edge.get("/v1/usage?granularity=total")).json["data"][0]
    assert (ours["sent"], ours["segments"], ours["charged"]) == (2, 4, "0.03")


async def test_days_months_and_years(edge, records):
    today = today_of(edge)
    last_month = today.replace(day=1) - DAY
    await sent_on(edge, today - DAY, 3)
    await sent_on(edge, today - DAY, 1, direction="in")
    await sent_on(edge, last_month - 10 * DAY, 5)
    await sent_on(edge, today - 395 * DAY, 7)
    (yesterday,) = await aside(records.yesterday.list, category="sms")
    assert told(yesterday) == ("sms", "4", "8", Decimal("0.03"))
    (inbound,) = await aside(records.yesterday.list, category="sms-inbound")
    assert told(inbound) == ("sms-inbound", "1", "2", Decimal("0"))
    assert (await aside(records.last_month.list, category="sms"))[0].start_date == last_month.replace(day=1)
    days = await aside(records.daily.list, category="sms", start_date=today - 2 * DAY)
    assert [(each.start_date, each.end_date, each.count) for each in days] == [
        (day, day, count) for day, count in ((today, "0"), (today - DAY, "4"), (today - 2 * DAY, "0"))
    ]
    months = await aside(records.monthly.list, category="sms", start_date=today - 395 * DAY)
    assert sum(int(each.count) for each in months) == 16
    oldest = months[-1]
    assert (oldest.count, oldest.start_date) == ("7", (today - 395 * DAY).replace(day=1))
    assert (oldest.end_date + DAY).day == 1
    years = await aside(records.yearly.list, category="sms", start_date=today - 395 * DAY)
    assert (sum(int(each.count) for each in years), years[-1].start_date.month) == (16, 1)
    (total,) = await aside(records.list, category="sms", start_date=today - 395 * DAY, end_date=today - 2 * DAY)
    assert (total.end_date, int(total.count)) == (today - 2 * DAY, 12)
    by_offset = await ask(edge, "GET", "/Usage/Records.json?Category=sms&StartDate=-1days&EndDate=-1day")
    assert [each["count"] for each in by_offset.json["usage_records"]] == ["4"]


async def test_pages_of_days(edge, records):
    today = today_of(edge)
    await sent_on(edge, today - 6 * DAY, 2)
    more = {"category": "sms", "start_date": today - 6 * DAY}
    every = await aside(records.daily.list, **more)
    assert (len(every), every[-1].count) == (7, "2")
    by_three = await aside(records.daily.list, **more, page_size=3)
    assert [each.start_date for each in by_three] == [each.start_date for each in every]
    second = await aside((await aside(records.daily.page, **more, page_size=3)).next_page)
    assert [each.start_date for each in await aside(second.previous_page)] == [each.start_date for each in every[:3]]


async def test_sub_accounts_are_added_up_unless_they_are_left_out(edge, records):
    new = accounts.NewAccount(name="Branch", parent_id=edge.customer.id)
    branch = await accounts.create(edge.app.manage, "test", new)
    today = today_of(edge)
    await sent_on(edge, today, 1)
    await sent_on(edge, today, 4, account_id=branch.id)
    assert [each.count for each in await aside(records.today.list, category="sms")] == ["5"]
    own = await aside(records.today.list, category="sms", include_subaccounts=False)
    assert [each.count for each in own] == ["1"]
    edge.customer = await edge.new_customer("Stranger")
    stranger = sdk(edge)
    assert [each.count for each in await aside(stranger.usage.records.today.list, category="sms")] == ["0"]
    with pytest.raises(TwilioException, match="404"):
        await aside(stranger.api.accounts(branch.id).usage.records.list)
    stranger.http_client.session.close()


async def test_what_is_refused_and_what_is_not_counted(edge, records):
    assert await aside(records.list, category="calls") == []
    for query, parameter in (
        ("StartDate=soon", "StartDate"),
        ("StartDate=2199-01-01", "StartDate"),
        ("EndDate=2026-13-01", "EndDate"),
        ("StartDate=2001-01-01", "StartDate"),
        ("PageSize=0", "PageSize"),
    ):
        answer = await ask(edge, "GET", f"/Usage/Records/Daily.json?{query}")
        found = (answer.status, answer.json["code"], answer.json["details"].get("parameter"))
        assert found == (400, 20001, parameter), query
    key = await edge.new_key(edge.customer.id, ("messages:read",))
    client = sdk(edge, token=key)
    with pytest.raises(TwilioException, match="403"):
        await aside(client.usage.records.list)
    client.http_client.session.close()
