"""The rules of short links: what in a text becomes one, where it may lead, who opens it."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain import link_visits, links
from whimbrel.domain.link_visits import AGENTS, Visit, judge
from whimbrel.domain.links import (
    ALPHABET,
    BadTarget,
    Span,
    code_of,
    find,
    is_code,
    replaced,
    target_of,
    with_parameters,
)

PHONE = "Mozilla/5.0 (Linux; Android 14; CUBOT NOTE 50) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1"


@pytest.mark.parametrize(
    ("text", "every", "marked"),
    [
        ("none", [], []),
        ("see https://a.example/x.", ["https://a.example/x"], []),
        ("see (https://a.example/x), or", ["https://a.example/x"], []),
        ("https://en.example/wiki/A_(b)", ["https://en.example/wiki/A_(b)"], []),
        ("HTTPS://A.example?x=1,2!", ["HTTPS://A.example?x=1,2"], []),
        ("two http://a.example/1 https://b.example/2", ["http://a.example/1", "https://b.example/2"], []),
        ("ftp://a.example", [], []),
        ("{url=https://a.example/x}!", ["https://a.example/x"], ["https://a.example/x"]),
        (
            "{url=https://a.example} https://b.example",
            ["https://a.example", "https://b.example"],
            ["https://a.example"],
        ),
        ("<https://a.example/x>", ["https://a.example/x"], []),
        ("{url=}", [""], [""]),
        ("\u201chttps://a.example/x\u201d", ["https://a.example/x"], []),
    ],
)
def test_what_in_a_text_becomes_short(text: str, every: list[str], marked: list[str]):
    assert [span.target for span in find(text, every=True)] == every
    assert [span.target for span in find(text, every=False)] == marked


@given(st.text(alphabet="ab {}=urlhttps:/.,()!", max_size=80), st.booleans())
def test_what_is_no_address_stays_as_it_is(text: str, every: bool):
    spans = find(text, every=every)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert replaced(text, spans, [text[span.start : span.end] for span in spans]) == text
    short = replaced(text, spans, ["S"] * len(spans))
    assert len(short) == len(text) - sum(span.end - span.start - 1 for span in spans)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://a.example", "https://a.example"),
        ("http://a.example:8080/p?q=1&r=%20#f", "http://a.example:8080/p?q=1&r=%20#f"),
        ("https://bücher.example/größe?q=ü", "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe?q=%C3%BC"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
    ],
)
def test_targets_are_addresses_in_ascii(address: str, target: str):
    assert target_of(address) == target
    assert target_of(target) == target


@pytest.mark.parametrize(
    "address",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a.example/x",
        "//a.example/x",
        "https://",
        "https://bank.example@evil.example/",
        "https://a.example/\r\nSet-Cookie: x",
        "https://a.example/a b",
        "https://a.example:99999/",
        "https://a.example\\@b.example/",
        "https://a.example/" + "x" * 2048,
        "https://" + "ü" * 70 + ".example",
    ],
)
def test_what_is_no_target_is_refused(address: str):
    with pytest.raises(BadTarget):
        target_of(address)


def test_parameters_are_added_where_they_are_not_there():
    pairs = {"utm_source": "sms", "utm_campaign": "a b"}
    assert with_parameters("https://a.example/?utm_source=x#f", pairs) == (
        "https://a.example/?utm_source=x&utm_campaign=a+b#f"
    )
    assert with_parameters("https://a.example", {}) == "https://a.example"


@given(st.binary(min_size=16, max_size=16), st.integers(7, 16))
def test_codes_are_of_the_alphabet(octets: bytes, length: int):
    code = code_of(octets, length)
    assert len(code) == length
    assert is_code(code)
    assert not re.search("[0OIl]", ALPHABET)


def test_a_code_says_nothing_of_the_next_one():
    assert len(ALPHABET) ** 7 > 2**40
    assert code_of(bytes(15) + b"\1", 8) != code_of(bytes(15) + b"\2", 8)
    assert not is_code("short") and not is_code("../../etc")


def a_visit(agent: str = IPHONE, *, head: bool = False, ahead: bool = False, of_bots: bool = False) -> Visit:
    return Visit(head=head, agent=agent, ahead=ahead, of_bots=of_bots, ip="203.0.113.9", country="DE", at=1_000_000)


@pytest.mark.parametrize(
    ("visit", "sent_at", "kind", "reason"),
    [
        (a_visit(), None, "person", ""),
        (a_visit(), 499_999, "person", ""),
        (a_visit(), 600_000, "bot", "too_soon"),
        (a_visit(PHONE), None, "person", ""),
        (a_visit(head=True), None, "previewer", "head"),
        (a_visit(ahead=True), None, "previewer", "prefetch"),
        (a_visit(""), None, "bot", "no_agent"),
        (a_visit(of_bots=True), None, "bot", "network"),
        (a_visit("facebookexternalhit/1.1 Facebot Twitterbot/1.0"), None, "previewer", "agent"),
        (a_visit("Mozilla/5.0 (compatible; SomeBot/2.0)"), None, "bot", "agent"),
        (a_visit("curl/8.1"), None, "bot", "agent"),
    ],
)
def test_who_opens_a_link(visit: Visit, sent_at: int | None, kind: str, reason: str):
    found = judge(visit, sent_at, 500_001)
    assert (found.kind, found.reason) == (kind, reason)


def test_what_is_kept_of_who_opens_it():
    found = judge(a_visit(), None, 0)
    assert link_visits.told(a_visit(), found, "none") == ("", "", "")
    assert link_visits.told(a_visit(), found, "coarse") == ("Safari, iOS", "DE", "")
    assert link_visits.told(a_visit(), found, "full") == (IPHONE, "DE", "203.0.113.9")


def test_every_row_of_the_table_is_found_and_says_where_it_is_from():
    for row in AGENTS:
        assert row.match == row.match.lower()
        assert row.source.startswith("https://")
        assert link_visits.agent_of(f"Mozilla/5.0 ({row.match})") is not None


def test_links_end():
    link = links.Link("LK1", "c", "AC1", False, None, "t", "b", "", "", "", 0, 5)
    assert not links.is_gone(link, 4)
    assert links.is_gone(link, 5)
    assert Span(0, 1, "x").end == 1
