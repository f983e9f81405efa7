"""Policies by their pages; the verdict comes from what the API holds, and from the rules that accept asks."""

import pytest

from tests.edges.edge_rig import Edge
from whimbrel.edges.console import week_strip

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = "/console/policies"
FLOOR = f"{PAGE}/floor"
DECIDED = {
    "quiet_hours": "refuse", "hours.weekdays": "09:00-18:00", "hours.sun": "closed",
    "caps.0.max": "3", "caps.0.hours": "168", "caps.0.per": "account", "caps.0.senders": "",
    "caps.1.max": "", "caps.1.hours": "", "caps.1.per": "account", "caps.1.senders": "",
    "caps.2.max": "1", "caps.2.hours": "24", "caps.2.per": "sender", "caps.2.senders": "+12025550177, +12025550178",
    "on_cap": "refuse", "require_consent": "no", "opt_out_scope": "all", "keyword_opt_in": "",
}  # fmt: skip
RULE = {
    "id": "DE-OWN", "title": "Germany", "country": "de", "subdivisions": "", "hours.every": "08:00-20:00",
    "hours.sun": "closed", "cap.max": "2", "cap.hours": "24", "source": "Our lawyer", "note": "", "enabled": "1",
}  # fmt: skip
FLORIDA = "%2B18505550123"


async def _policy(edge: Edge) -> dict:
    return (await edge.get("/v1/policies")).json


async def test_a_policy_is_decided_shown_and_taken_back(edge, browser):
    before = await _policy(edge)
    done = await browser.post(PAGE, DECIDED)
    assert done.to == f"{PAGE}?done=policy.saved", done.words
    made = await _policy(edge)
    assert (made["quiet_hours"], made["on_cap"], made["require_consent"]) == ("refuse", "refuse", False)
    assert (made["opt_out_scope"], made["keyword_opt_in"]) == ("all", None)
    assert made["hours"] == {"weekdays": "09:00-18:00", "sun": "closed"}
    assert [(cap["max"], cap["hours"], cap["per"]) for cap in made["caps"]] == [(3, 168, "account"), (1, 24, "sender")]
    assert made["caps"][1]["senders"] == ["+12025550177", "+12025550178"]
    shown = await browser.get(done.to)
    assert "3 in 168 h" in shown.words and 'value="+12025550177, +12025550178"' in shown.text
    assert 'name="caps.2.max" type="text" value=""' in shown.text and "caps.3.max" not in shown.text
    (mark,) = shown.all(r'name="undo" value="([^"]+)"')
    assert (await browser.post("/console/undo", {"undo": mark})).status == 303
    assert {**await _policy(edge), "updated_at": None} == {**before, "updated_at": None}


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"hours.weekdays": "nine to five"}, "hours.weekdays", "span of one day"),
        ({"hours.every": "closed", "hours.weekdays": "", "hours.sun": ""}, "hours.every", "some hour of the week"),
        ({"caps.0.max": "many"}, "caps.0.max", "must be"),
        ({"caps.0.max": "0"}, "caps.0.max", ">= 1"),
        ({"caps.2.hours": "9999"}, "caps.1.hours", "<= 744"),
        ({"quiet_hours": "never"}, "quiet_hours", "must be"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_nothing_changes(edge, browser, wrong, field, words):
    before = await _policy(edge)
    shown = await browser.post(PAGE, DECIDED | wrong)
    assert shown.status == 422 and words in shown.words
    assert f'id="e-{field}"' in shown.text
    assert 'value="09:00-18:00"' in shown.text or "hours.weekdays" in wrong
    assert await _policy(edge) == before


async def test_the_operator_has_a_floor_that_accounts_see(edge, sign_in, browser):
    operator = await sign_in(account_id=None)
    shown = await operator.get(FLOOR)
    assert "The floor of all accounts" in shown.words
    assert (await operator.post(FLOOR, {"quiet_hours": "refuse", "caps.0.max": "9", "caps.0.hours": "24",
                                       "caps.0.per": "account"})).status == 303  # fmt: skip
    seen = (await browser.get(PAGE)).words
    assert "The operator demands That it is refused" in seen and "9 in 24 h" in seen
    assert (await _policy(edge))["quiet_hours"] is None
    await operator.get(FLOOR)
    assert (await operator.post(FLOOR, {})).status == 303
    assert "The operator demands" not in (await browser.get(PAGE)).words
    assert FLOOR not in (await browser.get(PAGE)).text
    assert (await browser.get(FLOOR)).status == (await browser.post(FLOOR, {})).status == 403


async def test_an_account_reads_rules_and_the_operator_changes_them(edge, sign_in, browser):
    listed = await browser.get(f"{PAGE}/rules")
    assert "Florida" in listed.words and listed.has(r'<tr id="US-SAFE"') and f"{PAGE}/rules/new" not in listed.text
    read = await browser.get(f"{PAGE}/rules/US-FL")
    assert "3 in 24 h" in read.words and 'name="title"' not in read.text
    assert (await browser.post(f"{PAGE}/rules/new", RULE)).status == 403
    assert (await browser.get(f"{PAGE}/rules/XX")).status == 404
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    done = await operator.post(f"{PAGE}/rules/new", RULE)
    assert done.to == f"{PAGE}/rules/DE-OWN?done=quiet_rule.saved", done.words
    rule = await _rule(edge, "DE-OWN")
    assert (rule["country"], rule["hours"], rule["cap"]) == (
        "DE", {"every": "08:00-20:00", "sun": "closed"}, {"max": 2, "hours": 24}
    )  # fmt: skip
    await operator.get(done.to)
    await operator.post(f"{PAGE}/rules/DE-OWN/switch", {"enabled": "0"})
    assert (await _rule(edge, "DE-OWN"))["enabled"] is False
    await operator.post(f"{PAGE}/rules/DE-OWN", {name: text for name, text in RULE.items() if name != "cap.max"})
    assert (await _rule(edge, "DE-OWN"))["enabled"] is False, "a limit of half a pair is refused"
    gone = await operator.post(f"{PAGE}/rules/DE-OWN/remove")
    assert gone.status == 303 and await _rule(edge, "DE-OWN") is None
    (mark,) = (await operator.get(gone.to)).all(r'name="undo" value="([^"]+)"')
    await operator.post("/console/undo", {"undo": mark})
    assert (await _rule(edge, "DE-OWN"))["cap"] == {"max": 2, "hours": 24}


async def test_a_rule_of_the_product_is_switched_off_and_brought_back(edge, sign_in):
    operator = await sign_in(account_id=None)
    assert "Bring Whimbrel" not in (await operator.get(f"{PAGE}/rules/US-SAFE")).words
    await operator.post(f"{PAGE}/rules/US-SAFE/switch", {"enabled": "0"})
    rule = await _rule(edge, "US-SAFE")
    assert (rule["enabled"], rule["origin"], rule["hours"]["sun"]) == (False, "changed", "12:00-20:00")
    assert "switched off" in (await operator.get(f"{PAGE}/rules/US-SAFE")).words
    await operator.post(f"{PAGE}/rules/US-SAFE/remove")
    rule = await _rule(edge, "US-SAFE")
    assert (rule["enabled"], rule["origin"]) == (True, "product")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"id": "small"}, "id"),
        ({"title": ""}, "title"),
        ({"country": "Narnia"}, "country"),
        ({"subdivisions": "Bavaria"}, "subdivisions"),
        ({"hours.every": "8-20"}, "hours.every"),
        ({"cap.max": "x"}, "cap.max"),
    ],
)
async def test_a_rule_that_is_wrong_is_refused_beside_its_field(sign_in, wrong, field):
    operator = await sign_in(account_id=None)
    shown = await operator.post(f"{PAGE}/rules/new", RULE | wrong)
    assert shown.status == 422 and f'id="e-{field}"' in shown.text, shown.words
    assert "Our lawyer" in shown.text


async def test_a_number_is_checked_with_what_says_so_and_when_it_may_be(browser):
    at_night = await browser.get(f"{PAGE}/check?to={FLORIDA}&at=2027-03-02T13:30")
    words = at_night.words
    assert "May not be sent" in words and "US-SAFE" in words and "America/Chicago" in words
    assert "in America/Chicago it is 07:30" in words and "It may be next at 2027-03-02 15:00:00 UTC" in words
    assert at_night.text.count('role="img"') == 7
    by_day = await browser.get(f"{PAGE}/check?to={FLORIDA}&at=2027-03-02T18:00")
    assert "May be sent" in by_day.words and "It may be next" not in by_day.words


@pytest.mark.parametrize(
    ("query", "field"),
    [("to=hello", "to"), (f"to={FLORIDA}&at=soon", "at"), (f"to={FLORIDA}&at=1900-01-01T00:00", "at")],
)
async def test_what_cannot_be_checked_is_told(browser, query, field):
    shown = await browser.get(f"{PAGE}/check?{query}")
    assert shown.status == 422 and f'id="e-{field}"' in shown.text and 'role="img"' not in shown.text


async def test_the_open_hours_of_days_stand_where_local_clocks_say():
    """New York, over the night in which its clocks go forward; one stretch goes over midnight."""
    windows = [("2027-03-13T14:00:00Z", "2027-03-14T00:00:00Z"), ("2027-03-14T13:00:00Z", "2027-03-15T06:00:00Z")]
    week = week_strip.days(windows, "America/New_York", "2027-03-13T15:00:00Z")
    assert [(day.date, day.day, day.spans) for day in week[:3]] == [
        ("2027-03-13", 5, ((540, 1140),)),
        ("2027-03-14", 6, ((540, 1440),)),
        ("2027-03-15", 0, ((0, 120),)),
    ]
    assert week[0].hours == ("09:00–19:00",) and len(week) == 7 and week[6].spans == ()
    assert week_strip.minute_of("2027-03-13T15:00:00Z", "America/New_York") == 600


async def _rule(edge: Edge, rule_id: str) -> dict | None:
    rules = (await edge.get("/v1/policies/quiet-hours")).json["data"]
    return next((rule for rule in rules if rule["id"] == rule_id), None)
