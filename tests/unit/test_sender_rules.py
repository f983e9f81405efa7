"""What countries say about senders: each row of the reference is a case, by sender, country and day."""

import csv
import datetime
from importlib.resources import files

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.model import Draft, Flag, Options, Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.registrations import Approval
from whimbrel.domain.sender_fitness import SenderLaw, day_of, warnings_of
from whimbrel.domain.sender_rules import (
    Rulebook,
    SenderRule,
    Sending,
    built_in,
    character_set,
    facts,
    old_list,
    rulebook,
)
from whimbrel.domain.sender_standing import RuleRow, book_of
from whimbrel.domain.senders import SenderBook
from whimbrel.domain.wire import Wire
from whimbrel.journey.fit import said
from whimbrel.journey.plan import Plan
from whimbrel.manage.checks import COUNTRIES

OURS = rulebook()
TODAY = datetime.date(2026, 11, 27)
DAY_US = 86_400_000_000
CSV = files("whimbrel.domain.sender_data") / "country_senders_2022-09.csv"


def _codes(text: str) -> list[str]:
    return text.split()


NONE_2022 = _codes(
    "AR BS BE BR CA KY CL CN CO CR DO EC SV GU GT HU LR MY MH MX FM MC MZ NZ NI PY PE PR CG KN LC ZA KR TM US UY VE VI"
)
REGISTERED_2022 = _codes("BY EG IN JO KW PH QA RU SA LK TH TR AE VN")
REGISTERED_SINCE = _codes("AM AF AU BD CI CU CZ ET ID IL IR JP KE KZ LB MA MM MW MX NG NP OM PK PS SD TZ TN UA ZM ZW")
TWO_WAY_2022 = _codes(
    "AU AT BE BR BG CA CL CN CO CK CZ DK DO EC EG EE FI FR DE HK HU IN IE IL IT JP JE LT LU MY MX MA MM NL NZ NO "
    "PE PH PL PT PR RO RU SG ZA ES SE CH TW TH UA AE GB US UY"
)


def us(day: datetime.date) -> int:
    return (day - datetime.date(1970, 1, 1)).days * DAY_US


def found(value: str, country: str, day: datetime.date = TODAY, kind: str = "alphanumeric", home: str = "") -> str:
    finding = OURS.finding(Sending(value, kind, home), country, day)  # type: ignore[arg-type]
    return "nothing" if finding is None else "wrong form" if finding.problem else finding.rule.verdict


@pytest.mark.parametrize("row", list(csv.DictReader(CSV.read_text().splitlines())), ids=lambda row: row["country"])
def test_every_row_of_2022_is_a_rule(row):
    verdict = {"Yes": "allowed", "No": "forbidden", "Registration required": "needs_registration"}[row["sender_id"]]
    (country,) = [code for code, each in old_list() if each["country"] == row["country"]]
    (rule,) = [rule for rule in OURS.of(country) if rule.id == f"list-2022-{country.lower()}"]
    assert (rule.verdict, rule.as_of, rule.confidence) == (verdict, datetime.date(2022, 9, 21), "secondary")
    assert "CC BY-SA 4.0" in rule.source
    two_way = {"Yes": True, "No": False}.get(row["two_way"])
    assert (facts()[country].two_way, facts()[country].name) == (two_way, row["country"])


def test_the_list_of_2022_is_the_one_of_the_reference():
    by = {
        word: {code for code, row in old_list() if row["sender_id"] == word} for word in ("No", "Registration required")
    }
    assert len(old_list()) == 212
    assert by["No"] == set(NONE_2022)
    assert by["Registration required"] == set(REGISTERED_2022)
    assert {code for code, row in old_list() if row["two_way"] == "Yes"} == set(TWO_WAY_2022)


def test_country_codes_agree_with_their_dialling_codes():
    for country, row in old_list():
        assert country in COUNTRIES, row
        dialled = int(row["dial"].replace("-", ",").split(",")[0])
        assert phonenumbers.country_code_for_region(country) == dialled, row
    assert len({country for country, _ in old_list()}) == 212


@pytest.mark.parametrize("country", REGISTERED_SINCE)
def test_newer_lists_hold_against_that_of_2022(country):
    day = datetime.date(2026, 1, 1)  # before Australia's date
    finding = OURS.finding(Sending("Acme", "alphanumeric"), country, day)
    assert finding is not None and finding.rule.verdict == "needs_registration"
    assert finding.rule.as_of == TODAY
    old = [rule for rule in OURS.of(country) if rule.id == f"list-2022-{country.lower()}"]
    assert finding.others == tuple(rule for rule in old if rule.verdict != "needs_registration")


D = datetime.date
DATED = [
    # Singapore SSIR, mandatory from 2023-01-31
    ("Acme", "SG", D(2023, 1, 30), "allowed"),
    ("Acme", "SG", D(2023, 1, 31), "needs_registration"),
    # Ireland ComReg: shown as likely scam from 2025-07-03, blocked from 2025-10-03
    ("Acme", "IE", D(2025, 7, 2), "allowed"),
    ("Acme", "IE", D(2025, 7, 3), "replaced"),
    ("Acme", "IE", D(2025, 10, 2), "replaced"),
    ("Acme", "IE", D(2025, 10, 3), "needs_registration"),
    # Australia ACMA: shown as unverified from 2026-07-01
    ("Acme", "AU", D(2026, 7, 1), "replaced"),
    # Spain CNMC: blocked from 2026-09-15, 3 to 11 characters
    ("Acme", "ES", D(2026, 6, 7), "allowed"),
    ("Acme", "ES", D(2026, 9, 14), "allowed"),
    ("Acme", "ES", D(2026, 9, 15), "needs_registration"),
    ("Ac", "ES", D(2026, 9, 15), "wrong form"),
    # United Kingdom, since 2023-09-12
    ("BANK", "GB", D(2023, 9, 11), "allowed"),
    ("BANK", "GB", D(2023, 9, 12), "forbidden"),
    ("b4nk", "GB", TODAY, "forbidden"),
    ("Acme", "GB", TODAY, "allowed"),
    ("A.c & m_e-1", "GB", TODAY, "allowed"),
    ("Acmé", "GB", TODAY, "wrong form"),
    ("AcmeAcmeAcme", "GB", TODAY, "wrong form"),
    # India DLT, Belgium, Turkey, France
    ("Acme", "IN", TODAY, "needs_registration"),
    ("Acme", "BE", TODAY, "replaced"),
    ("Acme", "TR", TODAY, "needs_registration"),
    ("Acme", "FR", TODAY, "allowed"),
    ("Acme", "US", TODAY, "forbidden"),
    ("Acme", "CA", TODAY, "forbidden"),
]


@pytest.mark.parametrize(("value", "country", "day", "expected"), DATED)
def test_names_by_country_and_day(value, country, day, expected):
    assert found(value, country, day) == expected


@pytest.mark.parametrize(
    ("value", "kind", "home", "country", "expected"),
    [
        ("+12025550100", "long_code", "US", "US", "needs_registration"),
        ("+14165550100", "long_code", "CA", "US", "needs_registration"),
        ("+15005550006", "long_code", "US", "US", "allowed"),
        ("+18005550100", "toll_free", "US", "US", "needs_registration"),
        ("+18005550100", "toll_free", "US", "CA", "needs_registration"),
        ("55555", "short_code", "", "US", "nothing"),
        ("+12025550100", "long_code", "US", "GB", "forbidden"),
        ("+447400123456", "long_code", "GB", "GB", "nothing"),
        ("+12025550100", "long_code", "US", "FR", "nothing"),
        ("61234", "short_code", "", "GB", "allowed"),
        ("71234", "short_code", "", "GB", "allowed"),
        ("81234", "short_code", "", "GB", "allowed"),
        ("51234", "short_code", "", "GB", "forbidden"),
    ],
)
def test_numbers_by_country(value, kind, home, country, expected):
    assert found(value, country, kind=kind, home=home) == expected


@pytest.mark.parametrize(
    ("value", "kind", "country", "marketing", "expected"),
    [
        # Turkey: marketing by the IYS registry
        ("Acme", "alphanumeric", "TR", True, "tr-iys"),
        ("Acme", "alphanumeric", "TR", False, "list-2022-tr"),
        ("+905301234567", "long_code", "TR", True, "tr-iys"),
        ("+905301234567", "long_code", "TR", False, None),
        # France: STOP 36xxx is said, marketing has the ranges 36xxx and 38xxx
        ("Acme", "alphanumeric", "FR", True, "fr-marketing"),
        ("Acme", "alphanumeric", "FR", False, "list-2022-fr"),
        ("36111", "short_code", "FR", True, "fr-marketing-36"),
        ("38111", "short_code", "FR", True, "fr-marketing-38"),
        ("35111", "short_code", "FR", True, "fr-marketing-short"),
        ("35111", "short_code", "FR", False, None),
        # elsewhere marketing is like the rest
        ("Acme", "alphanumeric", "ES", True, "es-2026-09"),
    ],
)
def test_rules_of_marketing(value, kind, country, marketing, expected):
    finding = OURS.finding(Sending(value, kind, "", marketing), country, TODAY)
    assert (None if finding is None else finding.rule.id) == expected


def test_marketing_is_refused_where_the_rest_is_sent():
    name = sender("35111", "short_code")
    book = SenderBook([name], SenderLaw(OURS, "enforce"))
    for _ in range(2):  # as found, and as kept
        assert book.fit(name, "FR", us(TODAY)) is None
        assert book.fit(name, "FR", us(TODAY), marketing=True).code == "sender_forbidden"
    iys = SenderBook([sender()], SenderLaw(OURS, "enforce"), {"PN1": (Approval("RG1", "tr_iys", ""),)})
    assert iys.fit(sender(), "TR", us(TODAY), marketing=True) is None
    other = SenderBook(
        [sender()], SenderLaw(OURS, "enforce"), {"PN1": (Approval("RG1", "letter_of_authorisation", "TR"),)}
    )
    assert other.fit(sender(), "TR", us(TODAY), marketing=True).code == "sender_unregistered"
    assert other.fit(sender(), "TR", us(TODAY)) is None


@pytest.mark.parametrize(
    ("value", "kind", "country", "marketing", "text", "expected"),
    [
        ("Acme", "alphanumeric", "FR", True, "Soldes ! STOP 36180", None),
        ("Acme", "alphanumeric", "FR", True, "Soldes !", "notice_missing"),
        ("Acme", "alphanumeric", "FR", False, "Votre colis est la", None),
        ("36111", "short_code", "FR", True, "Soldes ! STOP", "notice_missing"),
        ("38111", "short_code", "FR", True, "Soldes ! STOP au 36111", None),
        ("+33612345678", "long_code", "FR", True, "Soldes !", None),
        ("Acme", "alphanumeric", "GB", True, "Sale!", None),
    ],
)
def test_marketing_to_france_says_how_to_stop_it(value, kind, country, marketing, text, expected):
    for enforcement, refuses in (("warn", False), ("enforce", True)):
        name = sender(value, kind)
        book = SenderBook([name], SenderLaw(OURS, enforcement))
        for _ in range(2):  # as found, and as kept
            unsaid = book.unsaid(name, country, text, us(TODAY), marketing=marketing)
            assert (unsaid and unsaid.code) == expected
        if unsaid is not None:
            assert (unsaid.refuses, unsaid.flag, unsaid.pointer) == (refuses, Flag.NOTICE_MISSING, "/text")
            assert warnings_of(unsaid.flag) == ("notice_missing",)
    assert "FR" not in SenderBook([], SenderLaw(OURS, "off")).noticing


def test_neither_data_nor_a_part_of_a_longer_text_is_asked_for_words():
    book = SenderBook([sender()], SenderLaw(OURS, "enforce"))
    part, other = Wire(header="0003070201"), Wire(header="240125")  # a language
    for wire, encoding, expected in (
        (None, "gsm7", ["notice_missing"]),
        (other, "gsm7", ["notice_missing"]),
        (part, "gsm7", []),
        (None, "binary", []),
    ):
        options = Options(wire=wire)
        draft = Draft("AC1", False, "smpp", "+33612345678", "Soldes !", message_class="marketing", options=options)
        plan = Plan(draft, us(TODAY), text="Soldes !", encoding=encoding)
        plan.sender, plan.number = sender(), normalise("+33612345678")
        assert [each.code for each in said(plan, book)] == expected


def test_words_are_asked_for_as_long_as_their_rule_holds():
    ends = TODAY + datetime.timedelta(days=1)
    book = SenderBook([sender()], SenderLaw(rulebook([rule(notice="STOP", until=ends)]), "enforce"))
    for now, expected in ((us(TODAY), "notice_missing"), (us(ends), None)):
        book.fit(sender(), "FR", now)
        unsaid = book.unsaid(sender(), "FR", "Hello", now)
        assert (unsaid and unsaid.code) == expected


def test_every_rule_says_where_it_is_from():
    for rule in built_in():
        assert rule.source and rule.country in COUNTRIES, rule
        assert rule.as_of <= TODAY
        assert rule.since is None or rule.until is None or rule.since < rule.until
        character_set(rule.characters)
    assert len({rule.id for rule in built_in()}) == len(built_in())


def rule(**more) -> SenderRule:
    facts_ = {"id": "mine", "country": "FR", "verdict": "forbidden", "source": "s", "as_of": D(2020, 1, 1),
              "confidence": "primary", "own": True}  # fmt: skip
    return SenderRule(**facts_ | more)


def test_an_operators_rule_holds_against_newer_ones_of_ours():
    finding = rulebook([rule()]).finding(Sending("Acme", "alphanumeric"), "FR", TODAY)
    assert finding.rule.id == "mine"
    assert [each.id for each in finding.others] == ["list-2022-fr"]


def test_one_of_ours_is_replaced_and_switched_off_by_its_id():
    replaced = rulebook([rule(id="list-2022-de", country="DE")])
    assert [each.verdict for each in replaced.of("DE")] == ["forbidden"]
    assert rulebook((), ["list-2022-de"]).of("DE") == ()
    rows = [RuleRow("list-2022-de", "DE", None, False, 1), RuleRow("x", "DE", '{"bad json', False, 1)]
    assert book_of(rows).of("DE") == ()


@pytest.mark.parametrize(
    ("spec", "characters"),
    [("", ""), ("A-C", "ABC"), ("-A", "-A"), ("A-", "A-"), ("a-c.0-1 ", "abc.01 "), ("--0", "-./0")],
)
def test_character_sets(spec, characters):
    assert character_set(spec) == frozenset(characters)
    with pytest.raises(ValueError, match="backwards"):
        character_set("z-a")


def sender(value: str = "Acme", kind: str = "alphanumeric", **more) -> Sender:
    facts_ = {"id": "PN1", "account_id": "AC1", "value": value, "kind": kind, "is_default": False, "countries": (),
              "sms_url": None, "sms_method": "POST", "sms_fallback_url": None,
              "created_at": 1, "updated_at": 1}  # fmt: skip
    return Sender(**facts_ | more)


@pytest.mark.parametrize(
    ("enforcement", "country", "code", "refuses", "flag"),
    [
        ("warn", "US", "sender_forbidden", False, Flag.SENDER_FORBIDDEN),
        ("enforce", "US", "sender_forbidden", True, Flag.SENDER_FORBIDDEN),
        ("warn", "SG", "sender_unregistered", False, Flag.SENDER_UNREGISTERED),
        ("enforce", "SG", "sender_unregistered", True, Flag.SENDER_UNREGISTERED),
        ("enforce", "BE", "sender_replaced", False, Flag.SENDER_REPLACED),
        ("off", "US", None, False, 0),
        ("enforce", "FR", None, False, 0),
    ],
)
def test_what_becomes_of_a_message(enforcement, country, code, refuses, flag):
    book = SenderBook([sender()], SenderLaw(OURS, enforcement))
    said = book.fit(sender(), country, us(TODAY))
    assert (said and said.code, bool(said and said.refuses), said.flag if said else 0) == (code, refuses, flag)
    assert warnings_of(flag) == ((code,) if code else ())


def test_a_rule_may_say_itself_whether_it_refuses():
    strict = SenderLaw(rulebook([rule(enforce=True)]), "warn")
    mild = SenderLaw(rulebook([rule(enforce=False)]), "enforce")
    assert SenderBook([sender()], strict).fit(sender(), "FR", us(TODAY)).refuses
    assert not SenderBook([sender()], mild).fit(sender(), "FR", us(TODAY)).refuses


def test_a_sender_that_is_not_approved_is_refused_also_where_rules_are_off():
    waiting = sender(approval="pending", approval_reason="See the letter.")
    said = SenderBook([waiting], SenderLaw(OURS, "off")).fit(waiting, "FR", us(TODAY))
    assert (said.code, said.refuses, said.flag) == ("sender_not_approved", True, 0)
    assert "See the letter." in said.detail


def test_a_registration_holds_where_it_counts_and_until_it_ends():
    end = us(TODAY) + DAY_US // 2
    approvals = {"PN1": (Approval("RG1", "sg_ssir", "", end),)}
    book = SenderBook([sender()], SenderLaw(OURS, "enforce"), approvals)
    assert book.fit(sender(), "SG", us(TODAY)) is None
    assert book.fit(sender(), "SG", end - 1) is None
    assert book.fit(sender(), "SG", end).code == "sender_unregistered"
    assert book.fit(sender(), "IE", us(TODAY)).code == "sender_unregistered"
    assert book.fit(sender(id="PN2"), "SG", us(TODAY)).code == "sender_unregistered"


def test_any_registration_counts_where_a_rule_names_none():
    letter = {"PN1": (Approval("RG1", "letter_of_authorisation", "EG"),)}
    book = SenderBook([sender()], SenderLaw(OURS, "enforce"), letter)
    assert book.fit(sender(), "EG", us(TODAY)) is None
    assert book.fit(sender(), "JO", us(TODAY)).code == "sender_unregistered"
    there = {"PN1": (Approval("RG1", "letter_of_authorisation", "SG"),)}
    book = SenderBook([sender()], SenderLaw(OURS, "enforce"), there)
    assert book.fit(sender(), "SG", us(TODAY)).code == "sender_unregistered", "Singapore asks for its own"


def test_registered_where_others_are_shown_as_unverified():
    there = {"PN1": (Approval("RG1", "au_acma", ""),)}
    book = SenderBook([sender()], SenderLaw(OURS, "enforce"), there)
    assert book.fit(sender(), "AU", us(TODAY)) is None


def test_a_rule_begins_in_a_process_that_runs_on():
    book = SenderBook([sender()], SenderLaw(OURS, "enforce"))
    begins = us(D(2026, 9, 15))
    assert book.fit(sender(), "ES", begins - 1) is None
    assert book.fit(sender(), "ES", begins).code == "sender_unregistered"


DAYS = st.dates(D(2022, 1, 1), D(2030, 1, 1))


@given(st.lists(DAYS, min_size=1, max_size=12), st.sampled_from(["IE", "ES", "SG", "AU", "GB", "FR", "US"]))
def test_what_was_kept_is_what_would_be_found_anew(days, country):
    law = SenderLaw(OURS, "enforce")
    book = SenderBook([sender("BANK")], law)
    for day in sorted(days):
        for now in (us(day), us(day) + DAY_US - 1):
            assert book.fit(sender("BANK"), country, now) == law.fitness(sender("BANK"), country, now, ())
            assert day_of(now) == day


VERDICTS = st.sampled_from(["allowed", "needs_registration", "replaced", "forbidden"])


@given(st.lists(st.tuples(VERDICTS, DAYS, DAYS), min_size=1, max_size=8), DAYS)
def test_the_newest_rule_in_force_holds(rows, day):
    rules = [
        rule(id=f"r{place}", verdict=verdict, as_of=as_of, since=since)
        for place, (verdict, as_of, since) in enumerate(rows)
    ]
    finding = Rulebook(rules).finding(Sending("Acme", "alphanumeric"), "FR", day)
    known = [each for each in rules if each.since <= day]
    if not known:
        assert finding is None
        return
    assert finding.rule.as_of == max(each.as_of for each in known)
    assert {each.verdict for each in finding.others} == {each.verdict for each in known} - {finding.rule.verdict}
