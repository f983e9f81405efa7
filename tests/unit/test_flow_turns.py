"""Turns of runs: each kind of step, what ends a run, and that no turn has two effects."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.base import limits, moments
from whimbrel.domain.flow_checks import read
from whimbrel.domain.flow_effects import ContactWish, HandOver, Inputs, Turn
from whimbrel.domain.flow_turns import turn, word_of
from whimbrel.domain.flows import FlowRun
from whimbrel.domain.links import EVERY, MARKED, LinkUse

NOW = moments.from_text("2027-01-04T12:00:00Z")
PHONE, OURS = "+4915112345678", "+12025550100"


def run_of(step: str = "a", **changes: Any) -> FlowRun:
    fields: dict[str, Any] = {
        "id": "FR1", "account_id": "AC1", "flow_id": "FW1", "version": 1, "test": False, "state": "running",
        "step": step, "waits_for": "", "turn": 0, "steps": 0, "due_at": NOW, "answer_key": None, "answer_id": None,
        "last_id": None, "phone": PHONE, "number": "", "phone_hash": 1, "variables": "{}", "tags": (), "origin": "o",
        "depth": 0, "skip_waits": False, "reason": None, "started_at": NOW, "updated_at": NOW, "ended_at": None,
    }  # fmt: skip
    return FlowRun(**fields | changes)


def take(steps: dict[str, Any], run: FlowRun | None = None, **inputs: Any) -> Turn:
    document = read({"trigger": {"type": "api"}, "start": "a", "steps": steps})
    given: dict[str, Any] = {"now": NOW, "message_id": "SM1", "chosen": lambda wanted, to: wanted or OURS} | inputs
    return turn(run or run_of(), document, Inputs(**given))


def told(found: Turn) -> list[tuple[str, str]]:
    return [(step.step, step.outcome) for step in found.steps]


def variables(found: Turn) -> dict[str, Any]:
    return msgspec.json.decode(found.run.variables)


SEND = {"type": "send", "text": "Hello {{ name || 'you' }}"}


def test_a_text_and_the_wait_after_it_are_one_turn():
    found = take({"a": SEND | {"next": "b"}, "b": {"type": "wait_for_answer", "timeout_s": 60}})
    assert found.send is not None
    assert (found.send.to, found.send.sender, found.send.text) == (PHONE, OURS, "Hello you")
    assert (found.run.step, found.run.waits_for, found.answer_from) == ("b", "answer", PHONE)
    assert (found.run.due_at, found.run.number, found.run.last_id) == (NOW + 60_000_000, OURS, "SM1")
    assert told(found) == [("a", "sent")]


@pytest.mark.parametrize(
    ("step", "links"),
    [
        (SEND, None),
        (SEND | {"shorten_links": True}, EVERY),
        ({"type": "send", "text": "See {url={{ address }}}"}, MARKED),
        ({"type": "send", "template": "order"}, None),
        ({"type": "send", "template": "order", "shorten_links": True}, EVERY),
    ],
)
def test_a_text_says_which_addresses_become_short(step: dict[str, Any], links: LinkUse | None):
    found = take({"a": step}, run_of(variables='{"name": "{url=https://a.example}", "address": "https://b.example"}'))
    assert found.send is not None and found.send.links == links


def test_two_texts_are_two_turns():
    steps = {"a": SEND | {"next": "b"}, "b": SEND}
    found = take(steps)
    assert (found.run.step, found.run.due_at, found.run.state) == ("b", NOW, "running")
    again = take(steps, found.run, message_id="SM2")
    assert (told(again), again.run.state, again.run.due_at, again.run.turn) == ([("b", "sent")], "finished", None, 4)


def test_a_refused_text_goes_its_way_or_fails():
    found = take({"a": SEND}, refused="opted_out")
    assert (found.send, found.run.state, found.run.reason, told(found)) == (
        None, "failed", "opted_out", [("a", "failed")],
    )  # fmt: skip
    found = take({"a": SEND | {"on_refused": "b", "next": "c"}, "b": SEND, "c": SEND}, refused="opted_out")
    assert (found.send, found.run.step, told(found)) == (None, "b", [("a", "refused")])


@pytest.mark.parametrize(
    ("answer", "outcome", "step"),
    [("yes, gladly", "answered", "yes"), ("no", "answered", "no"), (None, "timed_out", "late")],
)
def test_an_answer_or_none(answer: str | None, outcome: str, step: str):
    steps = {
        "a": {"type": "wait_for_answer", "timeout_s": 60, "next": "which", "on_timeout": "late"},
        "which": {"type": "branch", "cases": [{"when": "answer.word == 'YES'", "next": "yes"}], "otherwise": "no"},
        **{name: {"type": "tag", "add": [name]} for name in ("yes", "no", "late")},
    }
    waiting = run_of(waits_for="answer")
    found = take(steps, waiting, answer=answer, answer_id=None if answer is None else "SM9")
    assert found.steps[0].outcome == outcome
    assert (found.run.tags, found.run.state) == ((step,), "finished")
    assert (variables(found)["answer"] or {}).get("text") == answer


@pytest.mark.parametrize(
    ("wait", "due"),
    [
        ({"for_s": 90}, "2027-01-04T12:01:30Z"),
        ({"until": "at"}, "2027-01-05T09:00:00Z"),
        ({"until": "at", "minus_s": 3600}, "2027-01-05T08:00:00Z"),
        ({"time_of_day": "09:00", "zone": "recipient"}, "2027-01-05T08:00:00Z"),
        ({"time_of_day": "14:00", "zone": "Europe/Berlin"}, "2027-01-04T13:00:00Z"),
    ],
)
def test_waits(wait: dict[str, Any], due: str):
    steps = {"a": {"type": "wait", "next": "b", **wait}, "b": {"type": "stop"}}
    run = run_of(variables='{"at": "2027-01-05T10:00:00+01:00"}')
    found = take(steps, run)
    assert (found.run.waits_for, found.run.due_at) == ("time", moments.from_text(due))
    ended = take(steps, found.run, now=found.run.due_at)
    assert (told(ended), ended.run.state) == ([("a", "waited"), ("b", "finished")], "finished")
    skipped = take(steps, msgspec.structs.replace(run, skip_waits=True))
    assert skipped.run.state == "finished"


def test_a_moment_that_is_past_waits_for_nothing():
    found = take({"a": {"type": "wait", "until": "'2020-01-01T00:00:00Z'"}})
    assert (told(found), found.run.state) == ([("a", "waited")], "finished")


def test_a_request_is_noted_before_it_leaves_and_made_again_when_nothing_is_heard():
    steps = {
        "a": {
            "type": "request",
            "url": "https://x.example/{{ id }}",
            "body": {"who": "phone"},
            "save_as": "said",
            "next": "b",
        },
        "b": {"type": "branch", "cases": [{"when": "said.body.ok", "next": None}], "otherwise": "c"},
        "c": {"type": "stop", "outcome": "failed"},
    }
    found = take(steps, run_of(variables='{"id": 7}'))
    assert found.request is not None
    assert (found.request.url, found.request.body, found.steps) == ("https://x.example/7", {"who": PHONE}, ())
    assert (found.run.waits_for, found.run.step) == ("request", "a")
    assert found.run.due_at == NOW + 25_000_000
    again = take(steps, found.run)
    assert again.request is not None
    assert again.request.key == found.request.key
    done = take(steps, found.run, response={"status": 200, "body": {"ok": True}})
    assert (told(done), done.run.state) == ([("a", "done"), ("b", "case_1")], "finished")
    failed = take(steps, found.run, response={"status": 503, "body": ""})
    assert (failed.run.state, failed.run.reason, failed.steps[0].detail) == (
        "failed",
        "flow_request_failed",
        "HTTP 503",
    )


def test_set_goes_by_what_was_before():
    steps = {"a": {"type": "set", "values": {"x": "y", "y": "x", "rest": "list[1:]"}}}
    found = take(steps, run_of(variables='{"x": 1, "y": 2, "list": [1, 2, 3]}'))
    assert variables(found) == {"x": 2, "y": 1, "list": [1, 2, 3], "rest": [2, 3]}


def test_what_is_done_stays_done_when_the_next_step_fails():
    steps = {"a": SEND | {"next": "b"}, "b": {"type": "set", "values": {"x": "length(`1`)"}}}
    found = take(steps)
    assert found.send is not None
    assert (found.run.state, found.run.step, found.run.due_at) == ("running", "b", NOW)
    failed = take(steps, found.run)
    assert (failed.run.state, failed.run.reason, told(failed)) == (
        "failed",
        "flow_expression_failed",
        [("b", "failed")],
    )


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"type": "send", "text": "{{ list }}"}, "flow_expression_failed"),
        ({"type": "send", "text": "x", "to": "nobody"}, "flow_no_phone"),
        ({"type": "wait", "until": "'soon'"}, "flow_expression_failed"),
        ({"type": "wait", "until": "'2099-01-01T00:00:00Z'"}, "flow_expression_failed"),
        ({"type": "set", "values": {"x": "[long, long]"}}, "flow_variables_too_large"),
        ({"type": "stop", "outcome": "failed"}, "flow_stopped"),
    ],
)
def test_what_ends_a_run(step: dict[str, Any], reason: str):
    kept = msgspec.json.encode({"list": [1], "long": "x" * (limits.FLOW_VARIABLES_MAX // 2)}).decode()
    found = take({"a": step}, run_of(variables=kept))
    assert (found.run.state, found.run.reason, found.send, found.run.due_at) == ("failed", reason, None, None)


def test_a_loop_without_an_end_stops():
    steps = {
        "a": {"type": "tag", "add": ["x"], "next": "b"},
        "b": {"type": "branch", "cases": [{"when": "phone", "next": "a"}]},
    }
    run, turns = run_of(), 0
    while run.state == "running":
        found = take(steps, run)
        assert len(found.steps) <= limits.FLOW_TURN_STEPS_MAX + 1
        run, turns = found.run, turns + 1
    assert (run.state, run.reason, run.steps) == ("failed", "flow_too_many_steps", limits.FLOW_RUN_STEPS_MAX + 1)
    assert turns == limits.FLOW_RUN_STEPS_MAX // limits.FLOW_TURN_STEPS_MAX


def test_a_hand_over_after_a_text_is_of_its_turn_and_a_text_after_it_is_not():
    steps = {"a": SEND | {"next": "b"}, "b": {"type": "conversation", "next": "c"}, "c": SEND}
    found = take(steps)
    assert (found.hand_over, told(found)) == (HandOver(), [("a", "sent"), ("b", "handed_over")])
    assert found.run.step == "c"


def test_people_get_a_conversation_with_what_is_said_of_it():
    wish = {"assign": "US1", "add_tags": ["vip"], "note": " {{ name }}:\n{{ cart }} \0"}
    run = run_of(last_id="SM9", number=OURS, variables='{"name": "Ada", "cart": 3}')
    again = {"type": "conversation", "note": "second"}
    found = take({"a": {"type": "conversation", **wish, "next": "b"}, "b": again}, run, people=frozenset({"US1"}))
    assert (found.hand_over, found.run.step) == (HandOver("US1", ("vip",), "Ada:\n3"), "b")
    assert take({"a": again, "b": again}, msgspec.structs.replace(found.run, step="b")).hand_over == HandOver(
        note="second"
    )


@pytest.mark.parametrize("lacks", [{"last_id": None}, {"number": ""}, {"phone": ""}])
def test_there_is_no_conversation_without_a_text(lacks: dict[str, Any]):
    run = run_of(**({"last_id": "SM9", "number": OURS} | lacks))
    found = take({"a": {"type": "conversation"}}, run)
    assert (found.hand_over, found.run.state, found.run.reason) == (None, "failed", "flow_no_conversation")
    found = take({"a": {"type": "conversation", "on_error": "b"}, "b": {"type": "stop"}}, run)
    assert told(found) == [("a", "failed"), ("b", "finished")]


@pytest.mark.parametrize(("people", "outcome"), [((), "failed"), (("US2",), "failed"), (("US1", "US2"), "handed_over")])
def test_who_is_gone_by_then_gets_no_conversation(people: tuple[str, ...], outcome: str):
    run = run_of(last_id="SM9", number=OURS)
    give = {"type": "conversation", "assign": "US1", "on_error": "b", "next": "b"}
    found = take({"a": give, "b": {"type": "stop"}}, run, people=frozenset(people))
    assert told(found) == [("a", outcome), ("b", "finished")]
    assert (found.hand_over is not None) is (outcome == "handed_over")
    assert found.steps[0].detail == ("" if found.hand_over else "flow_assignee_gone")
    if found.hand_over is None:
        failed = take({"a": {"type": "conversation", "assign": "US1"}}, run, people=frozenset(people))
        assert (failed.run.state, failed.run.reason) == ("failed", "flow_assignee_gone")


def test_a_text_to_somebody_else_is_none_of_the_conversation():
    steps = {
        "a": {"type": "send", "to": "'+15005550001'", "text": "Look"} | {"next": "b"},
        "b": {"type": "conversation"},
    }
    found = take(steps, run_of(last_id="SM0", number=OURS))
    assert found.send is not None and (found.send.id, found.run.last_id) == ("SM1", "SM0")
    asked = {"type": "wait_for_answer", "from": "'+15005550001'", "timeout_s": 60, "next": "b"}
    waiting = run_of(last_id="SM0", number=OURS, waits_for="answer")
    found = take({"a": asked, "b": {"type": "conversation"}}, waiting, answer="Yes", answer_id="SM2")
    assert (found.run.last_id, found.steps[0].message_id) == ("SM0", "SM2")


def test_the_contact_is_seen_as_it_is_and_as_a_step_left_it_in_the_next_turn():
    steps = {"a": SIZE | {"next": "b"}, "b": {"type": "set", "values": {"known": "contact.name"}}}
    found = take(steps, names_contact=True, contact={"name": "Ann"})
    assert (found.run.step, found.run.due_at, told(found)) == ("b", NOW, [("a", "done")])
    after = take(steps, found.run, names_contact=True, contact={"name": "Anna"})
    assert variables(after) == {"known": "Anna"}
    own = take(steps, run_of("b", variables='{"contact": {"name": "Own"}}'), names_contact=True, contact={"name": "x"})
    assert variables(own)["known"] == "Own"


def test_another_phone_is_written_to_and_waited_for():
    steps = {
        "a": {"type": "send", "to": "people[0]", "text": "Alert", "next": "b"},
        "b": {"type": "wait_for_answer", "from": "people[0]", "timeout_s": 60},
    }
    found = take(steps, run_of(variables='{"people": ["+15005550001"]}', phone=""))
    assert found.send is not None
    assert (found.send.to, found.answer_from) == ("+15005550001", "+15005550001")


@given(st.text(max_size=30))
def test_a_word_is_what_is_answered_with(text: str):
    assert word_of("  yes! thank you") == "YES"
    word = word_of(text)
    assert not any(letter.isspace() for letter in word)


_steps = st.one_of(
    st.just(SEND),
    st.just({"type": "tag", "add": ["t"]}),
    st.just({"type": "set", "values": {"n": "n"}}),
    st.just({"type": "wait", "for_s": 1}),
    st.just({"type": "wait_for_answer", "timeout_s": 1}),
    st.just({"type": "tag", "on": "contact", "add": ["t"]}),
    st.just({"type": "conversation"}),
    st.just({"type": "request", "url": "https://x.example/", "on_error": None}),
)


@given(st.lists(_steps, min_size=1, max_size=6), st.data())
def test_steps_are_counted_once_whatever_happens(kinds: list[dict[str, Any]], data: st.DataObject):
    """In any flow every step has a number of its own, a turn has one text or one request, and a run that is under way
    is due some time."""
    names = [f"s{place}" for place in range(len(kinds))]
    steps = {
        name: kind
        | ({"next": data.draw(st.sampled_from([*names, None]))} | ({"on_error": None} if "url" in kind else {}))
        for name, kind in zip(names, kinds, strict=True)
    }
    document = read({"trigger": {"type": "api"}, "start": "s0", "steps": steps})
    run, seen = run_of("s0"), []
    for _ in range(12):
        if run.state != "running":
            break
        response = (
            {"status": data.draw(st.sampled_from([200, 500])), "body": None} if run.waits_for == "request" else None
        )
        inputs = Inputs(now=NOW, message_id="SM1", chosen=lambda wanted, to: OURS, response=response)
        found = turn(run, document, inputs)
        seen += [step.seq for step in found.steps]
        assert [found.send, found.request, found.contact].count(None) >= 2
        assert (found.run.due_at is None) == (found.run.state != "running")
        assert found.run.turn == run.turn + (1 if found.send is None else 2)
        run = found.run
    assert seen == list(range(1, len(seen) + 1))
    assert run.steps == len(seen)


CONTACT = {"on": "contact"}
SIZE = {"type": "set", **CONTACT, "values": {"size": "size", "name": "`null`"}}
LABELS = {"type": "tag", **CONTACT, "add": ["vip"], "remove": ["new"], "add_lists": ["news"], "remove_lists": ["old"]}
WISH = ContactWish(PHONE, {"size": 42, "name": None})


@pytest.mark.parametrize(
    ("step", "wish"),
    [
        (SIZE, WISH),
        (LABELS, ContactWish(PHONE, {}, ("vip",), ("new",), ("news",), ("old",))),
        ({"type": "set", "on": "run", "values": {"size": "size"}}, None),
        ({"type": "tag", "add": ["vip"]}, None),
    ],
)
def test_a_step_on_the_contact_wishes_and_one_on_the_run_does_not(step: dict[str, Any], wish: ContactWish | None):
    found = take({"a": step}, run_of(variables='{"size": 42}'))
    assert (found.contact, told(found), found.run.state) == (wish, [("a", "done")], "finished")
    assert variables(found) == {"size": 42}
    assert found.run.tags == (() if wish else found.run.tags)


@pytest.mark.parametrize(
    "other", [SIZE, SEND, {"type": "conversation"}, {"type": "request", "url": "https://x.example/"}]
)
def test_a_change_of_the_contact_shares_its_turn_with_no_other_effect(other: dict[str, Any]):
    steps = {"a": SIZE | {"next": "b"}, "b": other}
    found = take(steps, run_of(variables='{"size": 42}'))
    assert (found.contact, found.send, found.request, found.hand_over) == (WISH, None, None, None)
    assert (told(found), found.run.step, found.run.due_at, found.run.turn) == ([("a", "done")], "b", NOW, 1)
    assert take(steps, found.run).contact == (WISH if other is SIZE else None)
    if other is SEND:
        after = take({"a": SEND | {"next": "b"}, "b": SIZE})
        assert (after.contact, after.run.step, told(after)) == (None, "b", [("a", "sent")])


def test_a_refused_change_of_the_contact_goes_its_way_or_fails():
    why = {"refused": "flow_contact_refused", "refused_why": "/fields/size is no field"}
    found = take({"a": SIZE}, **why)
    assert (found.contact, found.run.state, found.run.reason) == (None, "failed", "flow_contact_refused")
    assert [(step.outcome, step.detail) for step in found.steps] == [("failed", "/fields/size is no field")]
    found = take({"a": SIZE | {"on_error": "b"}, "b": SIZE}, **why)
    assert (found.contact, found.run.step, told(found)) == (None, "b", [("a", "failed")])
    assert take({"a": SIZE}, run_of(phone="")).run.reason == "flow_no_phone"
