"""Documents of flows: what is wrong is said with where it stands; expressions reach nothing and end soon."""

import contextlib
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.domain import flow_expressions as expressions
from whimbrel.domain.flow_checks import DocumentError, read
from whimbrel.domain.flow_contacts import names_contact
from whimbrel.domain.flow_documents import Document
from whimbrel.products.flows import ready_made

SEND = {"type": "send", "text": "Hello"}


def flow(trigger: Any = None, start: Any = "a", **steps: Any) -> dict[str, Any]:
    return {"trigger": trigger or {"type": "api"}, "start": start, "steps": steps or {"a": SEND}}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/trigger"),
        (flow({"type": "contact_added", "tags": ["vip"]}), "/trigger/tags"),
        (flow({"type": "contact_tagged", "tags": [""]}), "/trigger/tags/0"),
        (flow({"type": "contact_tagged", "lists": "vip"}), "/trigger/lists"),
        (flow({"type": "link_clicked", "targets": [""]}), "/trigger/targets/0"),
        (flow({"type": "pigeon"}), "/trigger/type"),
        (flow({"type": "keyword", "keywords": []}), "/trigger/keywords"),
        (flow({"type": "keyword", "keywords": ["two words"]}), "/trigger/keywords/0"),
        (flow({"type": "text", "numbers": ["12x"]}), "/trigger/numbers/0"),
        (flow({"type": "message", "outcomes": ["sent"]}), "/trigger/outcomes/0"),
        (flow(start="b"), "/start"),
        (flow(a={"type": "dance"}), "/steps/a/type"),
        (flow(a=SEND | {"next": "b"}), "/steps/a/next"),
        (flow(a=SEND | {"nxt": "a"}), "/steps/a/nxt"),
        (flow(a=SEND | {"text": 1}), "/steps/a/text"),
        (flow(a=SEND | {"text": "{{ a. }}"}), "/steps/a/text"),
        (flow(a=SEND | {"text": "{{ a"}), "/steps/a/text"),
        (flow(a=SEND | {"template": "x"}), "/steps/a/text"),
        (flow(a=SEND | {"to": "nope("}), "/steps/a/to"),
        (flow(A=SEND), "/steps/A"),
        (flow(a={"type": "wait"}), "/steps/a"),
        (flow(a={"type": "wait", "for_s": 0}), "/steps/a/for_s"),
        (flow(a={"type": "wait", "time_of_day": "9:00"}), "/steps/a/time_of_day"),
        (flow(a={"type": "wait", "time_of_day": "09:00", "zone": "Mars/Base"}), "/steps/a/zone"),
        (flow(a={"type": "wait_for_answer"}), "/steps/a/timeout_s"),
        (flow(a={"type": "wait_for_answer", "timeout_s": 1, "save_as": "phone"}), "/steps/a/save_as"),
        (flow(a={"type": "branch", "cases": [{"when": "a ==", "next": None}]}), "/steps/a/cases/0/when"),
        (flow(a={"type": "branch", "cases": [{"when": "a", "next": "b"}]}), "/steps/a/cases/0/next"),
        (flow(a={"type": "set", "values": {"run": "a"}}), "/steps/a/values/run"),
        (flow(a={"type": "set", "values": {"x": "now()"}}), "/steps/a/values/x"),
        (flow(a={"type": "set", "values": {"x": "a"}, "on_error": "a"}), "/steps/a/on_error"),
        (flow(a={"type": "set", "on": "phone", "values": {"x": "a"}}), "/steps/a/on"),
        (flow(a={"type": "set", "on": "contact", "values": {"No": "a"}}), "/steps/a/values/No"),
        (flow(a={"type": "set", "on": "contact", "values": {"x": "a ="}}), "/steps/a/values/x"),
        (flow(a={"type": "tag", "add_lists": ["news"]}), "/steps/a/add_lists"),
        (flow(a={"type": "tag", "on": "contact", "add_lists": [""]}), "/steps/a/add_lists/0"),
        (flow(a={"type": "tag", "on": "contact", "on_error": "b"}), "/steps/a/on_error"),
        (flow(a={"type": "conversation", "note": "{{ a"}), "/steps/a/note"),
        (flow(a={"type": "conversation", "add_tags": ["x", " y"]}), "/steps/a/add_tags/1"),
        (flow(a={"type": "conversation", "add_tags": [""]}), "/steps/a/add_tags/0"),
        (flow(a={"type": "conversation", "on_error": "b"}), "/steps/a/on_error"),
        (flow(a={"type": "request", "url": "https://{{ host }}/"}), "/steps/a/url"),
        (flow(a={"type": "request", "url": "file:///etc/passwd"}), "/steps/a/url"),
        (flow(a={"type": "request", "url": "https://x.example/", "method": "GET", "body": {}}), "/steps/a/body"),
        (flow(a={"type": "request", "url": "https://x.example/", "headers": {"a b": "c"}}), "/steps/a/headers/a b"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: dict[str, Any], pointer: str):
    with pytest.raises(DocumentError) as refused:
        read(document)
    assert pointer in [error.pointer for error in refused.value.errors]


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(DocumentError) as refused:
        read(flow(a=SEND | {"next": "x"}, b={"type": "wait", "for_s": 1, "next": "y"}, start="z"))
    assert [error.pointer for error in refused.value.errors] == ["/start", "/steps/a/next", "/steps/b/next"]


@pytest.mark.parametrize("made", ready_made.every(), ids=lambda made: made.name)
def test_ready_made_flows_are_right(made: ready_made.ReadyMade):
    assert isinstance(read(made.document), Document)


def test_the_published_schema_names_every_kind():
    text = msgspec.json.encode(msgspec.json.schema(Document)).decode()
    assert all(f'"{kind}"' in text for kind in ("send", "wait_for_answer", "request", "keyword", "message"))
    assert "contact_added" in text
    assert "contact_tagged" in text
    assert "link_clicked" in text


@given(st.recursive(st.none() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_no_document_brings_anything_but_its_errors(value: Any):
    for document in (value, {"trigger": value, "start": value, "steps": value}, flow(a=value)):
        if isinstance(document, dict):
            with pytest.raises(DocumentError):
                read(document)


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@, @][]"] * 50),
        "|".join(["[@, @]"] * 60) + "|to_string(@)",
        "|".join(["[@, @]"] * 60) + "|@ == [@]",
        "|".join(["{a: @, b: @}"] * 30) + "|values(@)|to_string(@)",
    ],
)
def test_an_expression_that_asks_for_too_much_ends_soon(expression: str):
    began = time.process_time()
    with pytest.raises(expressions.ExpressionError, match="too much"):
        expressions.evaluate(expression, {"x": 1})
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("answer.word == 'YES'", True),
        ("name || 'there'", "there"),
        ("length(items) > `2`", False),
        ("items[1:]", [2]),
        ("missing.deep[0]", None),
        ("contains(['YES', 'Y'], answer.word)", True),
    ],
)
def test_expressions(expression: str, value: Any):
    data = {"answer": {"word": "YES"}, "items": [1, 2]}
    assert expressions.evaluate(expression, data) == value


@pytest.mark.parametrize("expression", ["length(`1`)", "abs('x')", "join(`1`, `2`)", "sort([`1`, 'a'])"])
def test_an_expression_without_a_value_says_so(expression: str):
    with pytest.raises(expressions.ExpressionError):
        expressions.evaluate(expression, {})


def test_texts():
    data = {"name": "Ada", "n": 3, "yes": True, "list": [1]}
    assert expressions.render("Hi {{ name }}{{ none }}, {{n}} {{ yes }} {{ n == `3` }}", data) == "Hi Ada, 3 true true"
    assert expressions.render("{{ '{{' }} {{ name }}", data) == "{{ Ada"
    with pytest.raises(expressions.ExpressionError):
        expressions.render("{{ list }}", data)


@given(st.text(max_size=60))
def test_no_text_breaks_the_language(text: str):
    expressions.problem(text)
    problem = expressions.text_problem(text)
    if problem is None:
        with contextlib.suppress(expressions.ExpressionError):
            expressions.render(text, {"a": 1})


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (SEND | {"text": "Contact us: {{ name }}"}, False),
        (SEND | {"text": "Hello {{ trigger.contact.name }}"}, False),
        (SEND | {"text": "Hello {{ contact.name || 'there' }}"}, True),
        (SEND | {"to": "contact.fields.other"}, True),
        ({"type": "send", "template": "contact", "variables": {"contact": "name"}}, False),
        ({"type": "send", "template": "t", "variables": {"name": '"contact".name'}}, True),
        ({"type": "send", "template": "t", "language": "contact.language"}, True),
        ({"type": "wait_for_answer", "timeout_s": 1, "from": "contact.fields.boss"}, True),
        ({"type": "wait", "until": "contact.fields.day"}, True),
        ({"type": "wait", "for_s": 1}, False),
        ({"type": "branch", "cases": [{"when": "answer.word == 'contact'"}]}, False),
        ({"type": "branch", "cases": [{"when": "contains(keys(@), 'x')"}]}, True),
        ({"type": "set", "values": {"x": "length(contact.tags)"}}, True),
        ({"type": "tag", "on": "contact", "add": ["contact"]}, False),
        ({"type": "request", "url": "https://x.example/{{ contact.id }}"}, True),
        ({"type": "request", "url": "https://x.example/contact", "headers": {"X": "{{ contact.id }}"}}, True),
        ({"type": "request", "url": "https://x.example/contact", "body": {"x": "contact"}}, True),
        ({"type": "conversation", "note": "{{ contact.name }}"}, True),
        ({"type": "conversation"}, False),
        ({"type": "stop"}, False),
    ],
)
def test_the_contact_is_read_only_where_an_expression_names_it(step: dict[str, Any], named: bool):
    assert names_contact(read(flow(a=step))) is named
