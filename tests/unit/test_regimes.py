"""Registrations: regimes are data, answers are checked by their fields; what networks take of 10DLC numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from whimbrel.domain.model import Sender
from whimbrel.domain.number_limits import Campaign, NumberLimits, campaign_limits, parts, stricter
from whimbrel.domain.registrations import (
    Approval,
    RegimeField,
    Registration,
    countries_of,
    covers,
    missing,
    regimes,
    wrong_answers,
)
from whimbrel.domain.sender_standing import approvals_of, limits_of

ALL = regimes()
CAMPAIGN = ALL["us_10dlc_campaign"]
SUB_USES = ["2FA", "ACCOUNT_NOTIFICATION", "CUSTOMER_CARE", "DELIVERY_NOTIFICATION", "FRAUD_ALERT", "HIGHER_EDUCATION",
            "MARKETING", "POLLING_VOTING", "PUBLIC_SERVICE_ANNOUNCEMENT", "SECURITY_ALERT"]  # fmt: skip


def test_there_is_a_regime_for_each_that_the_rules_name():
    assert {"us_10dlc_brand", "us_10dlc_campaign", "us_toll_free", "sg_ssir", "es_cnmc", "ie_comreg", "in_dlt",
            "gb_sender_id", "au_acma", "tr_iys", "letter_of_authorisation"} == set(ALL)  # fmt: skip


@pytest.mark.parametrize("regime", ALL.values(), ids=lambda regime: regime.id)
def test_a_regime_is_sound(regime):
    names = {field.name for field in regime.fields}
    assert regime.source and regime.title and len(names) == len(regime.fields)
    assert not regime.parent or regime.parent in ALL
    for field in (*regime.fields, *regime.decision):
        assert field.type not in ("choice", "choices") or field.options
        for conditions in (field.required_if, field.only_if):
            for other, values in conditions.items():
                asked = next(each for each in regime.fields if each.name == other)
                assert asked.type == "boolean" or set(values) <= set(asked.options)
    for paper in regime.documents:
        assert set(paper.required_if) <= names


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [("1101234567890123456", True), ("110123456789012345", False), ("11012345678901234567", False),
     ("110123456789012345x", False)],
)  # fmt: skip
def test_an_entity_in_india_has_the_nineteen_digits_of_its_platform(value, is_taken):
    field = next(field for field in ALL["in_dlt"].fields if field.name == "entity_id")
    assert (field.problem(value) == "") is is_taken


@pytest.mark.parametrize(
    ("wire", "name"),
    [("entityType", "entity_type"), ("displayName", "display_name"), ("companyName", "company_name"), ("ein", "ein"),
     ("address", "address"), ("vertical", "vertical"), ("website", "website"), ("stockSymbol", "stock_symbol"),
     ("email", "email"), ("phone", "phone")],
)  # fmt: skip
def test_every_field_of_a_brand_is_asked(wire, name):
    assert next(field for field in ALL["us_10dlc_brand"].fields if field.name == name).wire == wire


@pytest.mark.parametrize(
    "wire",
    ["useCase", "campaignName", "description", "sample1", "sample2", "sample3", "stopMessage", "optInMessage",
     "helpMessage", "autoRenewal", "embeddedLink", "embeddedPhone", "affiliateMarketing", "numberPool", "ageGated",
     "directLending", "subscriberOptIn", "subscriberOptOut", "subscriberHelp", "optinKeywords", "optoutKeywords",
     "helpKeywords", "messageFlow"],
)  # fmt: skip
def test_every_field_of_a_campaign_is_asked(wire):
    assert any(field.wire == wire for field in CAMPAIGN.fields)
    assert CAMPAIGN.parent == "us_10dlc_brand"


@given(st.lists(st.sampled_from(SUB_USES), unique=True))
def test_mixed_is_of_two_to_five_uses(uses):
    wrong = wrong_answers(CAMPAIGN.fields, {"use_case": "MIXED", "sub_use_cases": uses})
    assert (not wrong) == (2 <= len(uses) <= 5)


def test_uses_are_mixed_only_where_they_are():
    lacking = {each.field for each in missing(CAMPAIGN, {"use_case": "MIXED"}, ())}
    assert "sub_use_cases" in lacking and "sample2" in lacking
    assert "sub_use_cases" not in {each.field for each in missing(CAMPAIGN, {"use_case": "2FA"}, ())}
    (wrong,) = wrong_answers(CAMPAIGN.fields, {"use_case": "2FA", "sub_use_cases": SUB_USES[:2]})
    assert wrong.field == "sub_use_cases"


def test_papers_are_asked_by_answers():
    toll_free = ALL["us_toll_free"]
    assert "documents/opt_in" in {each.field for each in missing(toll_free, {"opt_in_type": "WEB_FORM"}, ())}
    assert "documents/opt_in" not in {
        each.field for each in missing(toll_free, {"opt_in_type": "WEB_FORM"}, ["opt_in"])
    }
    assert "documents/opt_in" not in {each.field for each in missing(toll_free, {"opt_in_type": "VERBAL"}, ())}


@pytest.mark.parametrize(
    ("kind", "more", "value", "fits"),
    [
        ("text", {}, "x", True), ("text", {}, " ", False), ("text", {}, 1, False), ("text", {}, "a\x00b", False),
        ("text", {"min_length": 2}, "x", False), ("text", {"max_length": 2}, "xxx", False),
        ("text", {}, "a\nb", True), ("text", {"pattern": "[0-9]{2}"}, "12", True),
        ("text", {"pattern": "[0-9]{2}"}, "123", False), ("email", {}, "a@b.example", True), ("email", {}, "a@", False),
        ("email", {}, "a b@c.example", False), ("url", {}, "https://a.example/x", True), ("url", {}, "a.xyz", False),
        ("url", {}, "javascript:alert(1)", False), ("phone", {}, "+12025550111", True), ("phone", {}, "12", False),
        ("integer", {"minimum": 1, "maximum": 9}, 9, True), ("integer", {"minimum": 1, "maximum": 9}, 10, False),
        ("integer", {}, True, False), ("integer", {}, "1", False), ("boolean", {}, False, True),
        ("boolean", {}, "true", False), ("choice", {"options": ("A",)}, "A", True),
        ("choice", {"options": ("A",)}, "B", False), ("choices", {"options": ("A", "B")}, ["A"], True),
        ("choices", {"options": ("A", "B")}, ["A", "A"], False), ("choices", {"options": ("A",)}, "A", False),
        ("choices", {"options": ("A",)}, [1], False), ("choices", {"options": ("A",)}, ["C"], False),
    ],
)  # fmt: skip
def test_answers_by_kind(kind, more, value, fits):
    field = RegimeField(name="x", label="x", type=kind, **more)
    assert (field.problem(value) == "") == fits


def campaign(score=None, *, brand=None, decision=None, **answers) -> Campaign:
    facts = {} if score is None else {"trust_score": score}
    return Campaign("RG2", "RG1", {"use_case": "MARKETING"} | answers, decision or {}, brand or {}, facts)


@pytest.mark.parametrize(
    ("score", "per_minute", "hustle", "aws"),
    [
        (100, 4500, 200_000, 200_000), (86, 4500, 200_000, 200_000), (85, 4500, 200_000, 40_000),
        (76, 4500, 200_000, 40_000), (75, 4500, 40_000, 40_000), (74, 2400, 40_000, 40_000),
        (66, 2400, 40_000, 40_000), (65, 2400, 40_000, 10_000), (51, 2400, 40_000, 10_000),
        (50, 2400, 10_000, 10_000), (49, 240, 10_000, 10_000), (26, 240, 10_000, 10_000), (25, 240, 2_000, 2_000),
        (1, 240, 2_000, 2_000),
    ],
)  # fmt: skip
def test_amounts_by_trust_score(score, per_minute, hustle, aws):
    found = campaign_limits(campaign(score))
    assert (found.per_minute, found.per_day, found.zone) == (per_minute, hustle, "America/Los_Angeles")
    assert campaign_limits(campaign(score, decision={"day_table": "aws"})).per_day == aws


@pytest.mark.parametrize(
    ("asked", "per_minute", "per_day"),
    [
        (campaign(90, use_case="LOW_VOLUME"), 75, 2_000),
        (campaign(90, use_case="SOLE_PROPRIETOR"), 75, 1_000),
        (campaign(90, brand={"entity_type": "SOLE_PROPRIETOR"}), 4500, 1_000),
        (campaign(10, decision={"throughput_class": "A"}), 4500, 2_000),
        (campaign(10, decision={"throughput_class": "F"}), 240, 2_000),
        (campaign(10, decision={"throughput_class": "T"}), 75, 2_000),
        (campaign(10, decision={"per_minute": 7, "per_day": 70}), 7, 70),
        (campaign(), None, None),
    ],
)
def test_what_else_decides(asked, per_minute, per_day):
    found = campaign_limits(asked)
    assert (found.per_minute, found.per_day) == (per_minute, per_day)


def test_a_brand_of_the_russell_3000():
    big = Campaign("RG2", "RG1", {"use_case": "MARKETING"}, {}, {}, {"trust_score": 10, "russell_3000": True})
    assert campaign_limits(big).per_day == 200_000


@given(st.integers(1, 100), st.none() | st.integers(1, 10_000), st.none() | st.integers(1, 300_000))
def test_a_number_never_sends_more_than_its_campaign_or_the_operator_lets_it(score, per_minute, per_day):
    shared = campaign_limits(campaign(score))
    found = stricter(NumberLimits(per_minute, "PN1", per_day, "PN1"), shared)
    assert found.per_minute == min(shared.per_minute, per_minute or shared.per_minute)
    assert found.per_day == min(shared.per_day, per_day or shared.per_day)
    assert found.minute_of == ("PN1" if found.per_minute < shared.per_minute else "RG2")
    assert found.day_of == ("PN1" if found.per_day < shared.per_day else "RG1")


@pytest.mark.parametrize(
    ("told", "numbers", "expected"),
    [(12_000, 1, 6_000), (12_000, 2, 6_000), (12_000, 3, 4_000), (4_500, 1, 4_500), (None, 1, 6_000)],
)
def test_no_number_sends_more_than_a_network_takes_of_one(told, numbers, expected):
    """Verizon's row, which only a campaign that was granted more comes to."""
    held = {f"PN{place}": NumberLimits(told, "RG2") for place in range(numbers)}
    assert {each.per_minute for each in parts(held).values()} == {expected}


@given(st.lists(st.sampled_from(["RG1", "RG2"]), min_size=1, max_size=9))
def test_numbers_of_a_campaign_together_send_no_more_than_it(campaigns):
    shared = {"RG1": 3000, "RG2": 11}
    held = {f"PN{place}": NumberLimits(shared[of], of, 100, "RG0") for place, of in enumerate(campaigns)}
    found = parts(held | {"PN99": NumberLimits(7, "PN99", None, "PN99")})
    assert (found["PN99"].per_minute, found["PN99"].per_day) == (7, None)
    for of, amount in shared.items():
        assert sum(each.per_minute for each in found.values() if each.minute_of == of) <= amount
    assert sum(each.per_day for each in found.values() if each.day_of == "RG0") <= 100


def row(id_, regime, *, parent=None, senders=(), ends=None) -> Registration:
    return Registration(id_, "AC1", regime, "", "x", "approved", parent, senders, "{}", "{}", "", 1, 1, 1, ends, 1, 1)


@given(st.lists(st.none() | st.integers(1, 40), min_size=1, max_size=9))
def test_numbers_with_limits_of_their_own_are_within_their_parts_of_the_campaign(own):
    decided = row("RG2", "us_10dlc_campaign", parent="RG1", senders=tuple(f"PN{place}" for place in range(len(own))))
    registered = [row("RG1", "us_10dlc_brand"), replace(decided, decision='{"per_minute": 75, "per_day": 90}')]
    senders = [
        Sender(f"PN{place}", "AC1", f"+1202555010{place}", "long_code", False, (), None, "POST", None, 1, 1,
               per_minute=each, per_day=each)
        for place, each in enumerate(own)
    ]  # fmt: skip
    found = limits_of(senders, registered)
    assert sum(each.per_minute for each in found.values()) <= 75
    assert sum(each.per_day for each in found.values()) <= 90
    assert all(found[f"PN{place}"].per_minute <= each for place, each in enumerate(own) if each is not None)


def test_a_campaign_holds_as_long_as_its_brand():
    brand, ours = row("RG1", "us_10dlc_brand", ends=5), row("RG2", "us_10dlc_campaign", parent="RG1", senders=("PN1",))
    assert approvals_of([brand, ours]) == {"PN1": (Approval("RG2", "us_10dlc_campaign", "", 5),)}
    assert approvals_of([ours]) == {}


def test_countries_that_a_registration_counts_for():
    assert countries_of(ALL["us_toll_free"], "") == ("US", "CA")
    assert countries_of(ALL["letter_of_authorisation"], "FR") == ("FR",)
    assert countries_of(ALL["letter_of_authorisation"], "") == ()
    assert covers(Approval("RG1", "us_toll_free", ""), "us_toll_free", "CA")
    assert not covers(Approval("RG1", "us_toll_free", ""), "us_10dlc_campaign", "US")
    assert not covers(Approval("RG1", "gone", ""), "", "US")
