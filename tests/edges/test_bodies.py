"""Bodies without a server: repeated members, places of errors, reading within a cap."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.rest import shapes
from whimbrel.edges.shared.asgi import ClientGone
from whimbrel.edges.shared.bodies import JsonBody, read_body
from whimbrel.edges.shared.idempotency import idempotency_key
from whimbrel.edges.shared.problems import invalid_body

VALUES = {
    "to": st.text(max_size=5),
    "text": st.one_of(st.text(max_size=8), st.just("a:b"), st.none()),
    "validity": st.one_of(st.integers(1, 9), st.none()),
    "metadata": st.one_of(st.none(), st.dictionaries(st.sampled_from("ab:"), st.integers(0, 3), max_size=2)),
    "smart": st.one_of(st.booleans(), st.none()),
}
MEMBERS = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])), max_size=6
)


@st.composite
def written(draw):
    """A message as some writer might put it: members in any order, perhaps twice, white space anywhere."""
    space = draw(st.sampled_from(["", " ", "\n\t"]))
    members = draw(MEMBERS)
    inside = ",".join(f"{space}{json.dumps(name)}{space}:{space}{json.dumps(value)}" for name, value in members)
    return "{" + inside + space + "}", [name for name, _ in members]


@given(written())
def test_a_member_twice_is_refused_and_nothing_else_is(message):
    text, names = message
    one = JsonBody(shapes.NewMessage, shapes.members_of_message)
    batch = JsonBody(shapes.NewBatch, shapes.members_of_batch)
    for body, text_of in ((one, text), (batch, '{"messages":[{},' + text + "]}")):
        try:
            body.decode(text_of.encode())
        except WhimbrelError as error:
            assert error.code == "malformed_json" and len(set(names)) < len(names)
        else:
            assert len(set(names)) == len(names)


@given(st.binary(max_size=200))
def test_any_octets_give_a_message_or_a_refusal(octets):
    try:
        JsonBody(shapes.NewMessage, shapes.members_of_message).decode(octets)
    except WhimbrelError as error:
        assert error.code in ("malformed_json", "invalid_request")


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ("Expected `str`, got `int` - at `$.to`", "/to", "invalid"),
        ("Expected `str`, got `int` - at `$.messages[7].tags[1]`", "/messages/7/tags/1", "invalid"),
        ("Expected `int`, got `str` - at `$.metadata[...]`", "/metadata", "invalid"),
        ("Object contains unknown field `a/b~c`", "/a~1b~0c", "unknown"),
        ("Object missing required field `to` - at `$.messages[0]`", "/messages/0/to", "missing"),
        ("Expected `object`, got `array`", "", "invalid"),
    ],
)
def test_places_become_json_pointers(said, pointer, code):
    (field,) = invalid_body(msgspec.ValidationError(said), shapes.NewMessage).errors
    assert (field.pointer, field.code) == (pointer, code)


def receiving(*events):
    queue = list(events)

    async def receive():
        return queue.pop(0)

    return receive


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_parts_is_joined():
    assert await read_body(receiving(part(b"ab"), part(b"c"), part(b"", False)), None, 3) == b"abc"


async def test_a_body_that_grows_beyond_the_cap_is_not_read_on():
    receive = receiving(part(b"ab"), part(b"cd"))  # a third look would be an IndexError
    with pytest.raises(WhimbrelError, match="body_too_large"):
        await read_body(receive, None, 3)


async def test_a_declared_length_is_enough_to_refuse():
    with pytest.raises(WhimbrelError, match="body_too_large"):
        await read_body(receiving(), b"4", 3)


async def test_a_client_that_leaves_is_not_answered():
    with pytest.raises(ClientGone):
        await read_body(receiving(part(b"ab"), {"type": "http.disconnect"}), None, 3)


def fingerprint(request):
    return idempotency_key(b"k", account_id="AC", door="rest", test=False, request=request).fingerprint


def test_a_fingerprint_is_of_what_is_meant():
    body = JsonBody(shapes.NewMessage)
    one, same, other = (
        body.decode(text)
        for text in (b'{"to":"1","text":"x"}', b'{ "text": "x", "to": "1" }', b'{"to":"1","text":"y"}')
    )
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
    assert fingerprint(one) != fingerprint(shapes.NewBatch([one]))
