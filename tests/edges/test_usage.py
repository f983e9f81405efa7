"""Figures of usage over HTTP, against what the simulator's log says that came to it and went out from it."""

import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.journey.rig import ShiftedClock
from whimbrel.base import moments
from whimbrel.domain.usage import BOUNDS_MS, DAY_US
from whimbrel.manage import usage as figures
from whimbrel.store.interface import Write
from whimbrel_sandbox.log import ReceiptSent, Submitted
from whimbrel_sandbox.network import PhoneText

from .edge_rig import running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
DELIVERED, ABROAD = "+15005550100", "+4915112345678"
UNDELIVERED, REFUSED = "+15005550227", "+15005550401"
OURS = "+12025550177"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    clock = ShiftedClock()
    clock.ahead_us = DAY_US + DAY_US // 2 - clock.now_us() % DAY_US  # noon: neither hour nor day ends during the tests
    async with running_edge(tmp_path_factory.mktemp("usage"), clock=clock) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Shop")
    return installation


async def usage(edge, query="granularity=total", **more):
    answer = await edge.get(f"/v1/usage?{query}", **more)
    assert answer.status == 200, answer.body
    return answer.json["data"]


async def all_of_it(edge, **wanted):
    """The total, once it has these figures."""

    async def found():
        rows = await usage(edge)
        return rows and {name: rows[0][name] for name in wanted} == wanted and rows[0]

    return await until(found)


async def test_the_figures_are_what_the_simulator_saw(edge):
    mark, _ = edge.simulator.center.log.after(edge.simulator.center.log.count, 0)
    texts = [(DELIVERED, "Hi"), (DELIVERED, "é" * 200), (ABROAD, "Hi"), (UNDELIVERED, "Hi"), (UNDELIVERED, "Hi"),
             (REFUSED, "Hi")]  # fmt: skip
    batch = {"messages": [{"to": to, "text": text, "class": "otp"} for to, text in texts]}
    began = time.monotonic()
    assert (await edge.post("/v1/messages/batch", batch)).status == 202
    total = await all_of_it(edge, accepted=6, delivered=3, undelivered=2, failed=1)
    took_ms = (time.monotonic() - began) * 1000

    events = edge.simulator.center.log.after(mark, 10_000)[1]
    submits = [each for each in events if isinstance(each, Submitted)]
    stats = Counter(each.stat for each in events if isinstance(each, ReceiptSent))
    taken = [each for each in submits if each.accepted]
    assert total["segments"] == len(taken) == 6
    assert (total["delivered"], total["undelivered"]) == (stats["DELIVRD"] - 1, stats["UNDELIV"])  # one has two parts
    assert (total["sent"], total["delivery_rate"], total["in_doubt"]) == (5, 0.5, 0)
    assert total["charged"] == (await edge.get("/v1/balance")).json["spent"] == "0.045"
    longest_ms = next(bound for bound in BOUNDS_MS if bound >= took_ms)
    assert total["latency"]["p50_ms"] <= total["latency"]["p95_ms"] <= longest_ms

    by_country = await usage(edge, "granularity=hour&group_by=country,class")
    assert {(row["country"], row["class"], row["accepted"], row["segments"]) for row in by_country} == {
        ("DE", "otp", 1, 1),
        ("US", "otp", 5, 5),
    }
    by_carrier = {row["carrier_id"]: row for row in await usage(edge, "granularity=total&group_by=carrier")}
    (carrier_id,) = [each for each in by_carrier if each]
    assert (by_carrier[None]["accepted"], by_carrier[carrier_id]["sent"]) == (6, 5)
    assert carrier_id == (await edge.get("/v1/messages?status=delivered")).json["data"][0]["carrier_id"]
    (of_germany,) = await usage(edge, "granularity=day&country=de&direction=out&class=otp")
    assert (of_germany["country"], of_germany["sent"]) == ("DE", 1)


async def test_phones_texts_count_as_received(edge):
    await edge.give_sender(edge.customer.id, OURS)
    edge.simulator.network.send_text("+14155550144", PhoneText(to=OURS, text="Hello", system_id="whimbrel"))
    await all_of_it(edge, received=1, accepted=0)
    (row,) = await usage(edge, "granularity=total&group_by=direction&direction=in")
    assert (row["direction"], row["received"], row["segments"], row["charged"]) == ("in", 1, 1, "0.00")


async def test_nobody_sees_figures_of_others_and_the_operator_sees_all(edge):
    assert (await edge.send()).status == 202
    await all_of_it(edge, delivered=1)
    stranger = await edge.new_customer("Stranger")
    assert await usage(edge, key=stranger.live) == await usage(edge, key=edge.customer.test) == []
    headers = {"X-Account-Id": edge.customer.id}
    assert (await edge.get("/v1/usage", key=stranger.live, headers=headers)).status in (403, 404)
    (own,) = await usage(edge, key=edge.operator, headers=headers)
    assert (own["account_id"], own["accepted"]) == (edge.customer.id, 1)

    async def adds_up():
        """Once all texts of other tests are counted."""
        by_account = await usage(edge, "granularity=total&group_by=account", key=edge.operator)
        assert {row["account_id"]: row["accepted"] for row in by_account}[edge.customer.id] == 1
        (whole,) = await usage(edge, key=edge.operator)
        assert whole["account_id"] is None
        return whole["accepted"] == sum(row["accepted"] for row in by_account)

    await until(adds_up)
    refused = await edge.get("/v1/usage?group_by=account")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (400, "group_by")


async def test_figures_by_account_are_read_so_many_accounts_or_periods_at_a_time(edge, monkeypatch):
    others = [await edge.new_customer(f"Other {n}") for n in range(3)]
    for n, each in enumerate([edge.customer, *others]):
        if each is not edge.customer:
            await edge.give_sender(each.id, f"+1202555012{n}")
        assert (await edge.send(key=each.live)).status == 202

    async def by_account(**query):
        found, cursor = [], None
        while True:
            asked = {"group_by": "account,country", **query} | ({"cursor": cursor} if cursor else {})
            page = (await edge.get("/v1/usage", params=asked, key=edge.operator)).json
            found, cursor = found + page["data"], page["next_cursor"]
            if cursor is None:
                return found

    async def all_four():
        found = await by_account(granularity="total")
        own = {each.id for each in [edge.customer, *others]}
        return found if sum(row["delivered"] for row in found if row["account_id"] in own) == 4 else None

    whole = await until(all_four)
    by_hour = await by_account(granularity="hour")
    ids = [row["account_id"] for row in whole]
    assert ids == sorted(ids) and {each.id for each in [edge.customer, *others]} <= set(ids)
    monkeypatch.setattr(figures, "_ACCOUNTS", 1)
    monkeypatch.setattr(figures, "_PERIODS", 1)
    assert await by_account(granularity="total", limit="1") == await by_account(granularity="total") == whole
    assert await by_account(granularity="hour", limit="1") == by_hour != []


@asynccontextmanager
async def filled(edge, months, days):
    """Figures of so many days before today, a text a day to each of two countries."""
    today = edge.app.clock.now_us() // DAY_US * DAY_US
    rows = [
        (edge.customer.id, 0, 24, today - n * DAY_US, "out", "otp", country, "", "EUR", n, *[0] * 25)
        for n in range(1, days + 1)
        for country in ("DE", "FR")
    ]
    await edge.app.store.write([Write("usage_add", tuple(rows))])
    yield today


async def test_pages_go_on_where_the_last_one_ended(edge):
    async with filled(edge, 0, 5) as today:
        start = moments.to_text(today - 6 * DAY_US)
        query = f"start={start}&group_by=country&limit=3"
        seen, cursor = [], ""
        while cursor is not None:
            answer = (await edge.get(f"/v1/usage?{query}{cursor and '&cursor=' + cursor}")).json
            assert len(answer["data"]) <= 3
            seen += [(row["period_start"], row["country"], row["accepted"]) for row in answer["data"]]
            cursor = answer["next_cursor"]
        wanted = [(moments.to_text(today - n * DAY_US), c, n) for n in range(1, 6) for c in ("DE", "FR")]
        assert seen == wanted


async def test_months_are_added_from_days_and_paged(edge):
    async with filled(edge, 0, 70) as today:
        query = f"granularity=month&start={moments.to_text(today - 70 * DAY_US)}&group_by=country"
        rows = await usage(edge, query)
        assert sum(row["accepted"] for row in rows) == 2 * sum(range(1, 71))
        assert all(row["period_start"][8:] == "01T00:00:00.000000Z" for row in rows)
        assert [row["period_start"] for row in rows] == sorted([row["period_start"] for row in rows], reverse=True)
        paged, cursor = [], ""
        while cursor is not None:
            answer = (await edge.get(f"/v1/usage?{query}&limit=1{cursor and '&cursor=' + cursor}")).json
            paged += answer["data"]
            cursor = answer["next_cursor"]
        assert paged == rows
        start, end = moments.to_text(today - 10 * DAY_US), moments.to_text(today)
        (total,) = await usage(edge, f"granularity=total&start={start}&end={end}")
        assert total["accepted"] == 2 * sum(range(1, 11))
        assert (total["period_start"], total["period_end"]) == (start, end)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("granularity=week", "granularity"),
        ("group_by=color", "group_by"),
        ("direction=up", "direction"),
        ("class=vip", "class"),
        ("start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", "end"),
        ("granularity=hour&start=2026-01-01T00:00:00Z&end=2026-03-01T00:00:00Z", "start"),
        ("start=2022-01-01T00:00:00Z&end=2026-03-01T00:00:00Z", "start"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(edge, query, name):
    answer = await edge.get(f"/v1/usage?{query}")
    assert (answer.status, answer.code) == (400, "invalid_parameter")
    assert answer.json["errors"][0]["pointer"] == name


@pytest.mark.parametrize("cursor", ["AAAA", "W10", "%"])
async def test_a_cursor_that_is_none_is_refused(edge, cursor):
    assert (await edge.get(f"/v1/usage?cursor={cursor}")).code == "invalid_cursor"


async def test_what_waits_is_told_by_class_and_carrier(edge):
    assert (await edge.get("/v1/queue", key=edge.operator)).json == {"data": []}
    assert (await edge.get("/v1/queue")).status == 403
    settings = {"host": "127.0.0.1", "port": 1, "system_id": "nobody", "window": 1}
    new = {"name": "Nobody answers", "password": "secret", "settings": settings}
    carrier_id = (await edge.post("/v1/carriers", new, key=edge.operator)).json["id"]
    route = {"prefix": "4930", "carriers": [carrier_id], "position": 1}
    assert (await edge.post("/v1/routes", route, key=edge.operator)).status == 201
    for name in (*["transactional"] * 9, "marketing", "otp", "otp"):  # the lane may take some of the first
        assert (await edge.send(to="+493012345678", **{"class": name})).status == 202
    waiting = (await edge.get("/v1/queue", key=edge.operator)).json["data"]
    assert {row["carrier_id"] for row in waiting} == {carrier_id}
    found = {row["class"]: row["waiting"] for row in waiting}
    assert (list(found), found["otp"], found["marketing"]) == (["otp", "transactional", "marketing"], 2, 1)
    assert 0 < found["transactional"] <= 9
    assert all(0 <= row["age_s"] < 60 for row in waiting)
