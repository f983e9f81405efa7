"""Whether a number may be texted: sets of hashes, how far opt-outs reach, lists, consent; words and texts by owner."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.consent import OwnWord, agreement, confirmation, plain_form, question, understood
from whimbrel.domain.consent_books import ConsentText, ConsentWord, TextBook, WordBook
from whimbrel.domain.consent_words import AGREEMENTS, QUESTIONS, REVOCATIONS, ROWS
from whimbrel.domain.consents import asks_well
from whimbrel.domain.model import PRIORITY
from whimbrel.domain.number_set import NumberSet
from whimbrel.domain.permission import (
    EVERYTHING,
    UNNAMED_BRAND,
    Brand,
    Permissions,
    SuppressionList,
    brand_scope,
    consent_set,
    pool_scope,
    sender_scope,
)
from whimbrel.domain.policies import INSTALLATION, Policy, PolicyBook

HASHES = st.integers(min_value=0, max_value=2**63 - 1)
AC, ONE, TWO, THREE, NUMBER = "AC1", "+1", "+2", "Acme", 77
SHOES = Brand("BN1", AC, "Shoes", (ONE,), 0, 0)


@given(st.lists(st.tuples(st.booleans(), HASHES | st.integers(0, 20)), max_size=200))
def test_a_set_holds_what_a_set_of_python_holds(changes):
    compact, plain = NumberSet(), set()
    for is_in, number_hash in changes:
        (compact.add if is_in else compact.discard)(number_hash)
        (plain.add if is_in else plain.discard)(number_hash)
    assert compact == plain and len(compact) == len(plain) and sorted(plain) == list(compact)
    assert all((each in compact) == (each in plain) for _, each in changes)


def test_a_large_set_is_cut_into_short_rows_and_stays_small():
    step = 2**63 // 20_000
    many = NumberSet(range(0, 2**63 - step, step))
    assert len(many) == 19_999 or len(many) == 20_000
    assert many.octets() < 12 * len(many)
    assert 7 * step in many and 7 * step + 1 not in many and "x" not in many
    for each in range(0, 2**63 - step, step):
        many.discard(each)
    assert list(many) == []


def hash_of(scope: str) -> int:
    return abs(hash(("scope", scope))) >> 1


def permissions(sets, **more):
    return Permissions(lambda: sets, hash_of, **more)


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        (EVERYTHING, (ONE, TWO, THREE)),
        (sender_scope(TWO), (TWO,)),
        (brand_scope("BN1"), (ONE,)),
        (UNNAMED_BRAND, (TWO, THREE)),
        (brand_scope("BN2"), ()),
    ],
)
def test_how_far_an_opt_out_reaches(scope, stopped):
    asked = permissions({}, brands=[SHOES])
    key = asked.key_of(NUMBER, scope)
    asked = permissions({AC: NumberSet([key])}, brands=[SHOES])
    found = {sender: asked.finding(AC, NUMBER, sender, 1) for sender in (ONE, TWO, THREE)}
    assert {sender for sender, each in found.items() if each is not None} == set(stopped)
    assert all(
        each is None or (each.code, each.scope, each.key) == ("opted_out", scope, key) for each in found.values()
    )
    assert asked.finding(AC, NUMBER + 1, ONE, 1) is None and asked.finding("AC2", NUMBER, ONE, 1) is None


@pytest.mark.parametrize(
    ("own", "floor", "brands", "sender", "scope"),
    [
        (None, None, (), ONE, EVERYTHING),
        ("brand", None, (SHOES,), ONE, "brand:BN1"),
        (None, None, (SHOES,), TWO, UNNAMED_BRAND),
        ("sender", None, (SHOES,), ONE, "sender:+1"),
        ("all", None, (SHOES,), ONE, EVERYTHING),
        ("sender", "all", (), ONE, EVERYTHING),
        ("all", "sender", (), ONE, EVERYTHING),
        ("pool", None, (SHOES,), THREE, "sender:Acme"),
        ("sender", "pool", (SHOES,), THREE, "sender:Acme"),
        ("pool", "brand", (SHOES,), ONE, "brand:BN1"),
    ],
)
def test_how_far_a_stop_reaches(own, floor, brands, sender, scope):
    policies = {AC: Policy(opt_out_scope=own), INSTALLATION: Policy(opt_out_scope=floor)}
    asked = permissions({}, brands=brands, policies=PolicyBook(policies))
    assert asked.stop_scopes(AC, sender) == (scope,)


POOLS = {(AC, ONE): ("MG1", "MG2"), (AC, TWO): ("MG1",)}


def test_a_stop_to_a_member_reaches_its_pools_and_holds_when_it_leaves_them():
    policies = PolicyBook({AC: Policy(opt_out_scope="pool")})
    asked = permissions({}, pools=POOLS, policies=policies)
    scopes = asked.stop_scopes(AC, ONE)
    assert scopes == (pool_scope("MG1"), pool_scope("MG2"), sender_scope(ONE))
    stopped = NumberSet(asked.key_of(NUMBER, scope) for scope in scopes)

    def kept_away(pools):
        now = permissions({AC: stopped}, pools=pools, policies=policies)
        return {sender for sender in (ONE, TWO, THREE) if now.finding(AC, NUMBER, sender, 1)}

    assert kept_away(POOLS) == {ONE, TWO}
    assert kept_away({(AC, TWO): ("MG1",), (AC, THREE): ("MG2",)}) == {ONE, TWO, THREE}
    assert kept_away({}) == {ONE}
    for back in asked.lifted(AC, TWO):
        stopped.discard(NUMBER ^ back)
    assert kept_away({(AC, TWO): ("MG1",)}) == set() and kept_away(POOLS) == {ONE}  # MG2 is one of its own


def test_a_start_to_a_sender_lifts_no_other_one_where_a_stop_reaches_no_pool():
    asked = permissions({}, pools=POOLS)
    assert asked.lifted(AC, TWO) == tuple(hash_of(each) for each in (sender_scope(TWO), pool_scope("MG1")))


def test_lists_hold_for_their_classes_and_accounts():
    lists = [
        SuppressionList("SL1", None, "n", "", ("otp",), 0, 0),
        SuppressionList("SL2", AC, "n", "", ("marketing",), 0, 0),
    ]
    asked = permissions({"SL1": NumberSet([NUMBER]), "SL2": NumberSet([NUMBER])}, lists=lists)
    found = {
        (account, name): asked.finding(account, NUMBER, ONE, priority)
        for account in (AC, "AC2")
        for name, priority in PRIORITY.items()
    }
    assert {where: each.list_id for where, each in found.items() if each} == {
        (AC, "otp"): "SL1", ("AC2", "otp"): "SL1", (AC, "marketing"): "SL2",
    }  # fmt: skip


@pytest.mark.parametrize("where", [AC, INSTALLATION])
def test_marketing_asks_for_consent_where_a_policy_does(where):
    policies = PolicyBook({where: Policy(require_consent=True)})
    sets = {consent_set(AC, "marketing"): NumberSet([NUMBER])}
    asked = permissions(sets, policies=policies)
    assert [asked.finding(AC, NUMBER, ONE, priority) for priority in PRIORITY.values()] == [None, None, None]
    codes = [asked.finding(AC, NUMBER + 1, ONE, priority) for priority in PRIORITY.values()]
    assert [each and each.code for each in codes] == [None, None, "no_consent"]


# ---------------------------------------------------------------- words

WORDS = [word for row in ROWS for word in (*row.whole, *row.first)]
NOISE = st.text("!?.,;:'\"-_*()#…✋🛑👍🏽 \u00a0\u2009\t\u200d\ufe0f", max_size=4)


@given(st.sampled_from(WORDS), NOISE, NOISE, st.booleans())
def test_case_punctuation_emoji_and_spacing_around_a_word_never_count(word, before, behind, shout):
    said = understood(
        before + (word.upper() if shout and plain_form(word.upper()) == plain_form(word) else word) + behind
    )
    assert said is not None and said.level == "whole"


@given(st.text(string.ascii_lowercase, min_size=3, max_size=12).filter(lambda w: understood(w) is None), NOISE, NOISE)
def test_own_words_are_heard_like_the_products(word, before, behind):
    own = (OwnWord("CW1", "stop", "xx", "first", plain_form(word)),)
    assert understood(before + word.upper() + behind, own).own == own[0]
    assert understood(f"{word} please now", own).level == "first"
    assert understood(word) is None and understood("STOP", own).word == "stop"


@given(st.sampled_from(sorted({plain_form(word) for word in WORDS})))
def test_a_word_that_is_switched_off_means_nothing_as_a_whole(plain):
    own = (OwnWord("CW1", "stop", "en", "whole", plain, enabled=False),)
    assert understood(plain, own) is None or understood(plain, own).level != "whole"


def test_a_phrase_of_an_account_and_one_that_is_switched_off():
    own = (
        OwnWord("CW1", "stop", "en", "phrase", "lose my number"),
        OwnWord("CW2", "stop", "en", "phrase", "wrong number", enabled=False),
    )
    assert understood("pls lose my number", own).level == "phrase"
    assert understood("wrong number", own) is None and understood("wrong number") is not None


def test_stop_all_is_said_to_all():
    assert [understood(text).everything for text in ("STOP ALL", "stopall", "stop")] == [True, True, False]


@pytest.mark.parametrize("text", [word for row in AGREEMENTS for word in row.whole])
def test_every_word_that_agrees_does(text):
    assert agreement(f" {text.upper()}! ") is not None
    assert agreement("no") is None and agreement(f"{text} or not") is None


def test_what_the_law_names_is_among_the_words():
    assert {understood(word).word for word in REVOCATIONS} == {"stop"}


def test_every_question_says_how_it_is_answered():
    assert all(asks_well(question("Acme", language)) for language in QUESTIONS)
    assert not asks_well("Reply YES") and not asks_well("STOP to end") and question("A  B", own="{name}?") == "A B?"


def row(id_, account, plain, *, level="whole", enabled=True):
    return ConsentWord(id_, account, "stop", "en", level, plain, plain, enabled, "", "", 0)


def test_an_accounts_word_wins_over_the_operators():
    book = WordBook([row("1", None, "bye"), row("2", AC, "bye", enabled=False), row("3", None, "adieu")])
    assert [word.id for word in book.of(AC)] == ["2", "3"] and [word.id for word in book.of("AC2")] == ["1", "3"]
    assert understood("bye", book.of(AC)) is None and understood("bye", book.of("AC2")) is not None


def test_texts_of_the_brand_the_account_and_the_operator():
    def text(account, brand, language, said):
        return ConsentText(said, account, brand, "stop", language, said, 0)

    rows = [text(None, "", "*", "op"), text(AC, "", "de", "ac-de"), text(AC, "BN1", "*", "bn")]
    book = TextBook(rows)
    assert book.find(AC, "BN1", "stop", "de") == "bn"
    assert [book.find(AC, None, "stop", tongue) for tongue in ("de", "en")] == ["ac-de", "op"]
    assert book.find("AC2", None, "help", "en") == ""
    assert confirmation("stop", "My  Shop", own="{name}: bye") == "My Shop: bye"
