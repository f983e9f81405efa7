"""What one word in the search box means, and what files and spans of time look like."""

import pytest

from whimbrel.edges.console import csv_file
from whimbrel.edges.console.finding import Filters, Word, understand
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.lasting import lasted

MESSAGE = "SM01a219d598e870da9b6df816e22c0000"
EVENT = "EV01a219d598e870da9b6df816e22c0003"
SENDERS = ("Kestrel", "+12025550100", "4711")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("", Word("nothing")),
        ("  ", Word("nothing")),
        (MESSAGE, Word("message", MESSAGE)),
        (MESSAGE.lower(), Word("message", MESSAGE)),
        (EVENT, Word("message", MESSAGE)),
        (f" {EVENT.upper()} ", Word("message", MESSAGE)),
        (MESSAGE[:-1], Word("tag", MESSAGE[:-1])),
        ("+1 (415) 555-0123", Word("number", "+14155550123")),
        ("001 415 555 0123", Word("number", "+14155550123")),
        ("14155550123", Word("number", "+14155550123")),
        ("+12025550100", Word("number", "+12025550100")),
        ("4711", Word("sender", "4711")),
        ("4712", Word("number", "4712")),
        ("+44 79", Word("no_number", "+44 79")),
        ("kestrel", Word("sender", "Kestrel")),
        ("spring", Word("tag", "spring")),
        ("#kestrel", Word("tag", "kestrel")),
        ("order_id:4711", Word("metadata", "order_id:4711")),
        (":4711", Word("tag", ":4711")),
    ],
)
def test_a_word_means_one_thing(word, meant):
    assert understand(word, SENDERS) == meant


def test_a_word_is_read_as_it_is_asked_to_be():
    assert understand("kestrel", SENDERS, as_="tag") == Word("tag", "kestrel")
    assert understand("Merlin", SENDERS, as_="sender") == Word("sender", "Merlin")


def test_filters_become_the_apis_and_nothing_else_passes():
    form = Form([("q", "spring"), ("status", "sent"), ("span", "1h"), ("to", "2030-01-31T12:00"), ("account_id", "x")])
    filters = Filters(form, understand("spring"), 3_600_000_000)
    assert filters.query(limit="5") == {
        "tag": "spring",
        "status": "sent",
        "created_from": "1970-01-01T00:00:00.000000Z",
        "created_to": "2030-01-31T12:00:00Z",
        "limit": "5",
    }
    assert filters.link("/x", status="", cursor="c") == "/x?q=spring&span=1h&to=2030-01-31T12%3A00&cursor=c"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_no_formula(start):
    assert csv_file.line([f"{start}1", None, "a,b", 7]).startswith(("'" + start, "\"'" + start))


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2030-01-01T00:00:00.038000Z", "38 ms"),
        ("2030-01-01T00:00:01.840000Z", "1.84 s"),
        ("2030-01-01T00:04:10.000000Z", "4 min 10 s"),
        ("2030-01-01T03:04:10.000000Z", "3 h 4 min"),
        ("2030-01-03T03:04:10.000000Z", "2 d 3 h"),
        ("2029-12-31T23:59:59.999000Z", "0 ms"),
        (None, "–"),
    ],
)
def test_spans_are_told_as_people_read_them(end, said):
    assert lasted("2030-01-01T00:00:00.000000Z", end) == said
