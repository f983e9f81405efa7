"""Templates as rules: how texts are read, values checked, filters applied, languages chosen, and contents refused."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain.templates import dlt
from whimbrel.domain.templates.checks import checked
from whimbrel.domain.templates.document import Content, Dlt, DltTemplate, Variable
from whimbrel.domain.templates.filters import FILTERS
from whimbrel.domain.templates.languages import canonical, chosen
from whimbrel.domain.templates.rendering import BadVariables, Form
from whimbrel.domain.templates.text import BadText, Filter, Use, parse
from whimbrel.domain.templates.values import SAMPLES, BadValue, read

DOCS = Path(__file__).parents[2] / "docs"
DLT_ID = "1101234567890123456"


def form(text, *variables, language="en"):
    content, errors = checked(Content(texts={language: text}, default_language=language, variables=variables or None))
    assert errors == ()
    return Form(content)


def rendered(text, value, kind="text", language="en", **limits):
    variable = Variable(name="v", type=kind, required=False, **limits)
    return form(text, variable, language=language).render({"v": value}).text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hi", ("Hi",)),
        ("Hi {{name}}!", ("Hi ", Use("name", (), 3), "!")),
        ("{{ a | upper }}", (Use("a", (Filter("upper", ()),), 0),)),
        ('{{a|default:"x|y}}"}}', (Use("a", (Filter("default", ("x|y}}",)),), 0),)),
        ('{{a|default:"say \\"hi\\""}}', (Use("a", (Filter("default", ('say "hi"',)),), 0),)),
        ("{{n|plural:one=a b,other=c}}", (Use("n", (Filter("plural", ("one=a b", "other=c")),), 0),)),
        ("{a} }} {", ("{a} }} {",)),
        (r"\{{a}}", ("{{a}}",)),
        (r"\\{{a}}", ("\\", Use("a", (), 2))),
        ("a\\b", ("a\\b",)),
        ("", ()),
    ],
)
def test_a_text_is_read(text, pieces):
    assert parse(text) == pieces


@pytest.mark.parametrize(
    ("text", "position"),
    [("{{", 2), ("Hi {{name", 9), ("{{1}}", 2), ("{{a|}}", 4), ("{{a|x:}}", 6), ("{{a|x:{{b}}}}", 6), ("{{a b}}", 4)],
)
def test_a_text_that_cannot_be_read_says_where(text, position):
    with pytest.raises(BadText) as refused:
        parse(text)
    assert refused.value.position == position


@given(st.text(alphabet='{}|:\\"a, ', max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        parse(text)
    except BadText as refused:
        assert 0 <= refused.position <= len(text)


PRINTED = st.characters(exclude_categories=("C", "Z"), include_characters="{}|")


@given(st.text(alphabet=PRINTED, max_size=150) | st.sampled_from(["{{v}}", "{{v|upper}}", "\\{{", "}}"]))
def test_what_is_filled_in_stands_there_as_it_is(value):
    assert form("<{{v}}>", Variable(name="v", required=False)).render({"v": value}).text == f"<{value}>"


@given(st.text(max_size=150))
def test_nothing_that_no_phone_shows_is_filled_in(value):
    made = form("<{{v}}>", Variable(name="v", required=False)).render({"v": value}).text
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", made)


@pytest.mark.parametrize(
    ("tag", "found"),
    [("pt_br", "pt-BR"), ("ZH-hant-tw", "zh-Hant-TW"), ("en", "en"), ("es-419", "es-419"), ("", None), ("e", None),
     ("english please", None), ("de-" + "x" * 40, None)],
)  # fmt: skip
def test_a_language_is_written_as_the_standard_has_it(tag, found):
    assert canonical(tag) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("pt-BR", "pt-BR"), ("pt-PT", "pt"), ("pt", "pt"), ("zh-Hant-TW", "zh-Hant"), ("fr", "en"), (None, "en")],
)
def test_a_language_falls_back_to_what_it_is_a_kind_of(wanted, found):
    assert chosen(wanted, {"en", "pt", "pt-BR", "zh-Hant"}, "en") == found


@pytest.mark.parametrize(
    ("text", "kind", "value", "language", "made"),
    [
        ("{{v|upper}}", "text", "ilk", "tr", "İLK"),
        ("{{v|lower}}", "text", "ILK", "tr", "ılk"),
        ("{{v|capitalize}}", "text", "ana maria", "en", "Ana maria"),
        ("{{v|first}}", "text", "Ana Maria", "en", "Ana"),
        ("{{v|truncate:8}}", "text", "Christopher", "en", "Chris..."),
        ("{{v|truncate:3}}", "text", "👍🏽👍🏽", "en", "..."),
        ("{{v|truncate:4,~}}", "text", "ab👍🏽cd", "en", "ab~"),
        ("{{v|spaced:3}}", "code", "123456", "en", "123 456"),
        ("{{v|last:4}}", "code", "5500005555", "en", "5555"),
        ("{{v|encode}}", "text", "a b/ü", "en", "a%20b%2F%C3%BC"),
        ("{{v|default:there|upper}}", "text", None, "en", "THERE"),
        ("{{v|default:there}}", "text", "  ", "en", "there"),
        ("{{v}}", "text", None, "en", ""),
        ("{{v}}", "number", "1234567.5", "de", "1.234.567,5"),
        ("{{v}}", "number", 1234567, "hi", "12,34,567"),
        ("{{v|number:2}}", "number", "2.005", "en", "2.01"),
        ("{{v|number:0}}", "number", "1234567.5", "fr", "1 234 568"),
        ("{{v|percent}}", "number", 12.5, "en", "13%"),
        ("{{v|percent:1}}", "number", 12.5, "de", "12,5 %"),
        ("{{v|plural:one=parcel,other=# parcels}}", "integer", 1, "en", "parcel"),
        ("{{v|plural:one=parcel,other=# parcels}}", "integer", 1200, "en", "1,200 parcels"),
        ("{{v|plural:one=paczka,few=paczki,other=paczek}}", "integer", 3, "pl", "paczki"),
        ("{{v|money}}", "money", "1234.5 EUR", "de", "1.234,50 €"),
        ("{{v|money:code}}", "money", {"amount": 1234.5, "currency": "EUR"}, "en", "1,234.50 EUR"),
        ("{{v|money:amount}}", "money", "1500 JPY", "en", "1,500"),
        ("{{v}}", "money", "-3.1 USD", "en", "-$3.10"),
        ("{{v}}", "date", "2026-12-01", "en", "Dec 1, 2026"),
        ("{{v|date:weekday}}", "date", "2026-12-01", "pt", "terça-feira"),
        ("{{v|date:day}}", "date", "2026-12-01", "de", "1. Dez."),
        ("{{v}}", "time", "14:30", "en", "2:30 PM"),
        ("{{v|time}}", "datetime", {"at": "2026-12-01T10:00:00Z", "zone": "Asia/Kolkata"}, "en", "3:30 PM"),
        ("{{v|datetime:short}}", "datetime", "2026-12-01T10:00:00+02:00", "de", "01.12.26, 08:00"),
        ("{{v}}", "phone", "+4930123456", "en", "+49 30 123456"),
        ("{{v|phone:e164}}", "phone", "+49 30 123456", "en", "+4930123456"),
        ("{{v}}", "url", "https://example.com/a?b={{c}}", "en", "https://example.com/a?b={{c}}"),
    ],
)
def test_a_filter_writes_as_the_language_does(text, kind, value, language, made):
    assert rendered(text, value, kind, language) == made


@pytest.mark.parametrize(
    ("kind", "given", "limits"),
    [
        ("text", ["a"], {}), ("text", 1.5, {}), ("text", True, {}), ("text", "x" * 201, {}),
        ("text", "abc", {"max_length": 2}), ("code", "a b", {}), ("code", "x;y", {}), ("number", "1e9", {}),
        ("number", float("inf"), {}), ("number", "1" * 31, {}), ("number", 3, {"max": 2}),
        ("number", 1, {"min": "1.5"}),
        ("integer", "1.5", {}), ("integer", True, {}), ("money", "12", {}), ("money", "12 usd", {}),
        ("money", "12 USD", {"currency": "EUR"}), ("money", {"currency": "EUR"}, {}), ("date", "01.12.2026", {}),
        ("date", "2026-13-01", {}), ("time", "25:00", {}), ("datetime", "2026-12-01T10:00:00", {}),
        ("datetime", {"at": "2026-12-01T10:00:00Z", "zone": "Mars/Base"}, {}), ("url", "javascript:alert(1)", {}),
        ("url", "https://a b", {}), ("url", "https://user@example.com/", {}),
        ("url", "https://example.com.evil.org/", {"hosts": ("example.com",)}), ("phone", "12345", {}),
    ],
)  # fmt: skip
def test_a_value_that_is_not_of_its_type_is_refused(kind, given, limits):
    with pytest.raises(BadValue):
        read(Variable(name="v", type=kind, **limits), given)


def test_a_link_may_lead_to_a_host_and_those_below_it():
    variable = Variable(name="v", type="url", hosts=("example.com",))
    assert read(variable, "https://shop.example.com:8443/x") == "https://shop.example.com:8443/x"


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_sample_of_each_type_is_one(kind):
    assert form("{{v}}", Variable(name="v", type=kind)).samples().keys() == {"v"}
    assert rendered("{{v}}", form("{{v}}", Variable(name="v", type=kind)).samples()["v"], kind)


def test_a_variable_that_nobody_declared_is_what_its_filters_take():
    text = "{{a}} {{b|upper}} {{c|money}} {{d|date}} {{d|time}} {{e|plural:other=x}} {{f|phone}} {{g|default:x|date}}"
    assert [each.type for each in form(text).variables] == [
        "text", "text", "money", "datetime", "number", "phone", "date",
    ]  # fmt: skip


def test_hidden_characters_are_taken_out_and_line_breaks_become_spaces():
    assert rendered("{{v}}", "a\r\nb\u2028c\x00\u202ed\ufeff") == "a b cd"
    assert rendered("{{v}}", "a\r\nb", lines=True) == "a\nb"
    assert rendered("{{v}}", "👩\u200d👩") == "👩\u200d👩"


def test_all_that_is_wrong_with_the_variables_is_told_at_once():
    made = form("{{a}} {{b}} {{c|default:x}}", *(Variable(name=name, max_length=3) for name in "abc"))
    assert made.needed == {"a", "b"}
    with pytest.raises(BadVariables) as refused:
        made.render({"a": "long", "d/e": 1})
    assert [(each.pointer, each.detail) for each in refused.value.errors] == [
        ("/variables/a", "must have at most 3 characters"),
        ("/variables/d~1e", "is no variable of this template"),
        ("/variables/b", "is missing"),
    ]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"texts": {}}, "/texts"),
        ({"texts": {"xx-": "a"}}, "/texts/xx-"),
        ({"texts": {"en": "{{a|uper}}"}}, "/texts/en"),
        ({"texts": {"en": "{{a|money|date}}"}}, "/texts/en"),
        ({"texts": {"en": "{{a|money}}"}, "variables": (Variable(name="a"),)}, "/texts/en"),
        ({"texts": {"en": "{{a|truncate:x}}"}}, "/texts/en"),
        ({"texts": {"en": "{{a|truncate}}"}}, "/texts/en"),
        ({"texts": {"en": "{{a|upper|money}}"}, "variables": (Variable(name="a", type="money"),)}, "/texts/en"),
        ({"texts": {"en": "{{b}}"}, "variables": (Variable(name="a"),)}, "/texts/en"),
        ({"texts": {"en": "a\x00"}}, "/texts/en"),
        ({"texts": {"en": " "}}, "/texts/en"),
        ({"texts": {"en": "a"}, "default_language": "de"}, "/default_language"),
        ({"texts": {"en": "a"}, "sender": "much too long a name"}, "/sender"),
        ({"texts": {"en": "a"}, "variables": (Variable(name="1"),)}, "/variables/0/name"),
        ({"texts": {"en": "a"}, "variables": (Variable(name="a"), Variable(name="a"))}, "/variables/1/name"),
        ({"texts": {"en": "a"}, "variables": (Variable(name="a", zone="UTC"),)}, "/variables/0/zone"),
        ({"texts": {"en": "a"}, "variables": (Variable(name="a", type="money", currency="eur"),)},
         "/variables/0/currency"),
        ({"texts": {"en": "a"}, "variables": (Variable(name="a", type="date", default="soon"),)},
         "/variables/0/default"),
        ({"texts": {"en": "a"}, "variables": (Variable(name="a", type="number", min="x"),)}, "/variables/0/min"),
        ({"texts": {"en": "a"}, "variables": (Variable(name="a", type="url", hosts=("*",)),)}, "/variables/0/hosts"),
        ({"texts": {"en": "a"}, "dlt": Dlt(entity_id="x")}, "/dlt/entity_id"),
        ({"texts": {"en": "a"}, "dlt": Dlt(entity_id=DLT_ID[1:])}, "/dlt/entity_id"),
        ({"texts": {"en": "a"}, "dlt": Dlt(entity_id=f"{DLT_ID}0")}, "/dlt/entity_id"),
        ({"texts": {"en": "a"}, "dlt": Dlt(entity_id=DLT_ID, templates={"en": DltTemplate("110716123456789012x")})},
         "/dlt/templates/en/template_id"),
        ({"texts": {"en": "a"}, "dlt": Dlt(entity_id=DLT_ID, templates={"de": DltTemplate(DLT_ID)})},
         "/dlt/templates/de"),
        ({"texts": {"en": "Hi {{a}}"},
          "dlt": Dlt(entity_id=DLT_ID, templates={"en": DltTemplate(DLT_ID, "Hello {#var#}")})},
         "/dlt/templates/en/text"),
    ],
)  # fmt: skip
def test_a_content_that_cannot_be_kept_says_where(fields, pointer):
    assert [each.pointer for each in checked(Content(**fields))[1]] == [pointer]


@pytest.mark.parametrize(
    ("registered", "text", "matches"),
    [
        ("Hi {#var#}, bye", "Hi Ana, bye", True),
        ("Hi  {#var#},\nbye", "Hi Ana, bye", True),
        ("Hi {#var#}, bye", "Hello Ana, bye", False),
        ("Hi {#var#}", "Hi " + "x" * 30, True),
        ("Hi {#var#}", "Hi " + "x" * 31, False),
        ("Hi {#var#}{#var#}", "Hi " + "x" * 60, True),
        ("{#alphanumeric#} a {#url#}", "a a a", True),
        ("a" + "{#var#}a" * 40, "a" * 400 + "b", False),
    ],
)
def test_a_text_is_the_registered_one(registered, text, matches):
    assert dlt.matches(registered, text) is matches


def test_the_filters_of_the_page_are_those_of_the_code():
    table = (
        (DOCS / "templates.md").read_text("utf-8").partition("<!-- filters -->")[2].partition("<!-- /filters -->")[0]
    )
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (.+) \|$", table, re.MULTILINE)
    assert [(name, what) for name, _, what in rows] == [(name, row.summary) for name, row in FILTERS.items()]
    for name, kinds, _ in rows:
        assert frozenset(kinds.split(", ")) == FILTERS[name].takes or kinds == "all"


def test_a_text_that_cannot_be_sent_says_why_in_one_sentence():
    said = [checked(Content(texts={"en": text}))[1][0].detail for text in ("", "a\x00b")]
    assert said[0] == "cannot be sent: the text is empty"
    assert said[1].startswith("cannot be sent: no phone can show U+0000")
