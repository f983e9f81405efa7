"""Forms decoded by hand agree with the standard library's decoder, whatever the octets are."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.twilio.forms import parse

FIELDS = st.lists(st.tuples(st.text(min_size=1), st.text()), min_size=1, max_size=8)


def grouped(pairs):
    form = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


@given(FIELDS)
@example([("Body", "a+b %41 &=;"), ("To", "+14155550123"), ("Body", "")])
def test_what_clients_encode_is_read_back(fields):
    fields = [(a, b) for a, b in fields if (a + b).isprintable()]
    if fields:
        assert parse(urlencode(fields).encode()) == grouped(fields)


@given(st.binary(max_size=60) | st.text(alphabet="a=&%+4F; ", max_size=30).map(str.encode))
@example(b"&&=&a&=b&a=&%=%&%4=%zz")
def test_any_octets_give_a_form_or_one_refusal(octets):
    try:
        form = parse(octets)
    except WhimbrelError as error:
        assert error.code == "malformed_form"
        return
    form.pop("", None)  # a pair without a name: the library keeps it, or leaves it out
    expected = grouped(parse_qsl(octets.decode(), keep_blank_values=True, errors="strict"))
    expected.pop("", None)
    assert form == expected


@pytest.mark.parametrize(("count", "fits"), [(100, True), (101, False)])
def test_fields_are_counted(count, fits):
    octets = b"&".join(b"a=%d" % n for n in range(count))
    if fits:
        assert parse(octets) == {"a": [str(n) for n in range(count)]}
    else:
        with pytest.raises(WhimbrelError):
            parse(octets)
