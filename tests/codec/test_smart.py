"""Smart encoding: what is replaced, that the answer says so, and that the user's page shows the whole table."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.codec import gsm7, segments
from whimbrel.codec.smart import TABLE, Replacement, Smart, smart

PAGE = Path(__file__).parents[2] / "docs" / "text.md"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It’s “fine” – really…", 'It\'s "fine" - really...'),
        ("«oui» ‚a‘ „b‟", '"oui" \'a\' "b"'),
        ("10\u00a0€\u202f5\t6", "10 € 5 6"),
        ("a\u2028b", "a\nb"),
        ("so\u00adft z\u200bw \u202a+49\u202c\ufeff", "soft zw +49"),
        ("• one\n● two", "* one\n* two"),
        ("`x` 2×3 −4 1⁄2", "'x' 2x3 -4 1/2"),
        ("e\u0301te\u0300 man\u0303ana A\u030a", "étè mañana Å"),
        ("\u212b \u2126 \u212a", "Å Ω K"),
        ("garçon gar\u0063\u0327on", "garÇon garÇon"),
        ("ΚΑΛΗΜΕΡΑ", "KAΛHMEPA"),
        ("ＡＢＣ１２３！\u3000ｚ～", "ABC123! z~"),
        ("eﬃcient ﬁre ﬂow oﬀ waﬄe", "efficient fire flow off waffle"),
    ],
)
def test_look_alikes(text, expected):
    assert smart(text).text == expected


def test_the_answer_names_each_replacement():
    assert smart("I’m e\u0301\u200b…") == Smart(
        "I'm é...",
        (
            Replacement(1, "’", "'"),
            Replacement(4, "e\u0301", "é"),
            Replacement(6, "\u200b", ""),
            Replacement(7, "…", "..."),
        ),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("plain {text} for 5€", "already GSM-7"),
        ("", "empty"),
        ("“привет”", "other letters are left, so quotes gain nothing"),
        ("👨\u200d👩\u200d👧 “hi”", "joiners hold an emoji together"),
        ("“mañaná”", "accents are never dropped"),
        ("a\u0301 “b”", "nor when they are combining"),
        ("“1½”", "fractions would run into figures"),
        ("“©™”", "signs with several spellings"),
        ("\u202eabc “d”", "right-to-left override changes what is seen"),
        ("\u200b\ufeff", "nothing would be left"),
        ("“\ud83d”", "half a pair"),
        ("“\0”", "a control character"),
    ],
)
def test_texts_that_stay_as_they_came(text, why):
    assert smart(text) == Smart(text, ()), why


def test_every_entry_replaces_what_gsm7_cannot_carry_by_what_it_can():
    for original, replacement in TABLE.items():
        assert not gsm7.is_gsm7(original)
        assert gsm7.is_gsm7(replacement)
        found = smart("a" + original + "b")
        assert found == Smart("a" + replacement + "b", (Replacement(1, original, replacement),))


def test_the_table_leaves_no_canonical_spelling_out():
    for code in range(0x110000):
        character = chr(code)
        composed = unicodedata.normalize("NFC", character)
        if composed != character and composed in gsm7.CHARACTERS:
            assert TABLE[character] == composed


@given(st.lists(st.sampled_from([*"ab€@", *sorted(TABLE)]), max_size=80).map("".join) | st.text(max_size=40))
def test_replacements_lead_from_the_text_to_the_answer(text):
    found = smart(text)
    rebuilt, position = [], 0
    for replacement in found.replacements:
        rebuilt += [text[position : replacement.position], replacement.replacement]
        position = replacement.position + len(replacement.original)
        assert text[replacement.position : position] == replacement.original
    assert "".join([*rebuilt, text[position:]]) == found.text
    assert found.text == text or gsm7.is_gsm7(found.text)
    assert bool(found.replacements) == (found.text != text)
    assert smart(found.text) == Smart(found.text, ())


def test_one_quote_no_longer_triples_the_bill():
    text = "It’s " + "a" * 150
    assert segments.measure(text).segments == 3
    assert segments.measure(smart(text).text).segments == 1


def documented_rows():
    """(first cell, code points of the second) of each row of the page's table of replacements."""
    section = PAGE.read_text(encoding="utf-8").split("## Smart encoding")[1].split("\n## ")[0]
    for row in re.findall(r"^\| (.*?[^\\]) \| (.*) \|$", section, re.MULTILINE):
        ranges = re.findall(r"U\+([0-9A-F]{4})(?:–U\+([0-9A-F]{4}))?", row[1])
        yield row[0], [code for first, last in ranges for code in range(int(first, 16), int(last or first, 16) + 1)]


def test_the_users_page_shows_the_whole_table_and_nothing_else():
    words = {
        "space": {" "},
        "line feed": {"\n"},
        "nothing": {""},
        "the ASCII character": set(map(chr, range(0x21, 0x7F))),
    }
    documented = {}
    for becomes, code_points in documented_rows():
        allowed = words.get(becomes) or {value.replace("\\", "") for value in re.findall(r"[^` ]+", becomes)}
        documented |= {chr(code): allowed for code in code_points if code != 0x0301}
    singles = {original: replacement for original, replacement in TABLE.items() if len(original) == 1}
    assert documented.keys() == singles.keys()
    assert {original for original in singles if singles[original] not in documented[original]} == set()
