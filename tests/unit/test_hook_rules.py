"""The rules of hooks as tables: who signed, what a path finds and within which bounds, at which hour a text may go."""

import pytest

from whimbrel.base import moments
from whimbrel.codec import xml_values
from whimbrel.domain import hook_hours, hook_paths, hook_signatures
from whimbrel.domain.hook_hours import Window
from whimbrel.domain.hook_paths import PathError
from whimbrel.domain.hook_signatures import Auth, Signed

NOW = moments.from_text("2026-11-27T09:00:00Z")
BODY = b'{"a":1}'
STAMPED = Auth(kind="hmac", header="X-S", timestamp_header="X-T", separator=":")


def signed(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Signed(method="POST", urls=("https://a.example/x",), headers=named, query={}, body=BODY)


def mac(auth, key="a-good-secret", stamp=""):
    return hook_signatures.signature(auth, key, BODY, stamp)


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"x_s": mac(STAMPED)}, None),
        ({"x_s": mac(STAMPED, stamp="1795770000"), "x_t": "1795770000"}, None),
        ({"x_s": mac(STAMPED, stamp="1795769000"), "x_t": "1795769000"}, "timestamp_wrong"),
        ({"x_s": mac(STAMPED, stamp="1795770000"), "x_t": "1795770001"}, "signature_wrong"),
        ({"x_s": mac(STAMPED, "another-secret")}, "signature_wrong"),
        ({"x_s": "ä"}, "signature_wrong"),
        ({}, "signature_missing"),
    ],
)
def test_an_hmac_and_its_time(headers, problem):
    assert hook_signatures.problem(STAMPED, ["old-secret", "a-good-secret"], signed(**headers), NOW_S) == problem


NOW_S = 1_795_770_010 * 1_000_000


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.b", 1), ("a.c || 'x'", "x"), ("join('.', [t, u][?@])", "n"), ("l[?k=='z'].v | [0]", 7)],
)
def test_paths_find(path, found):
    assert hook_paths.found(path, {"a": {"b": 1}, "t": "n", "l": [{"k": "z", "v": 7}]}) == found


@pytest.mark.parametrize(
    "path",
    ["a[", "", "x" * 513, "[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]", "to_string(l)", "abs(t)", "nothing(a)",
     " || ".join(["a"] * 100)],
)  # fmt: skip
def test_paths_that_are_none_or_too_large_say_so(path):
    with pytest.raises(PathError) as error:
        hook_paths.found(path, {"l": [1], "t": "somebody"})
    assert "somebody" not in str(error.value)


def test_a_path_ends_after_so_many_steps():
    with pytest.raises(PathError, match="steps"):
        hook_paths.found("a[?b==c].d", {"a": [{"b": number} for number in range(60_000)]})


@pytest.mark.parametrize(
    ("window", "number", "now", "opens"),
    [
        (Window(start="09:00", end="20:00"), "+4915123456789", "2026-11-27T09:00:00Z", None),
        (Window(start="09:00", end="20:00"), "+4915123456789", "2026-11-27T21:00:00Z", "2026-11-28T08:00:00"),
        (Window(start="09:00", end="20:00"), "+14155550123", "2026-11-27T09:00:00Z", "2026-11-27T17:00:00"),
        (
            Window(start="09:00", end="20:00", days=(1,)),
            "+4915123456789",
            "2026-11-27T09:00:00Z",
            "2026-11-30T08:00:00",
        ),
        (Window(start="09:00", end="20:00", zone="UTC"), "+14155550123", "2026-11-27T09:00:00Z", None),
    ],
)
def test_texts_wait_for_their_hours(window, number, now, opens):
    at = hook_hours.opening(window, number, moments.from_text(now))
    assert (at if at is None else moments.to_text(at)[:19]) == opens


def test_xml_is_an_object_and_has_no_document_type():
    document = b"<n:a xmlns:n='u' k='1'><b>x</b><b>y</b><c><d/></c>t</n:a>"
    assert xml_values.values(document) == {"a": {"@k": "1", "b": ["x", "y"], "c": {"d": None}, "#text": "t"}}
    for bad in (b"<!DOCTYPE a><a/>", b"<a>", b"<a>&x;</a>", b"<a>" * 40):
        with pytest.raises(xml_values.XmlError):
            xml_values.values(bad)
