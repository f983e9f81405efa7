"""Flows and schedules over HTTP; the phones are the simulator's."""

from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from whimbrel_sandbox.network import PhoneText

from .edge_rig import running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = (f"+120255503{place:02}" for place in count(10))
_phones = (f"+141555504{place:02}" for place in count(10))
SEND = {"type": "send", "text": "Hello {{ name || 'you' }}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("flows")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    installation.number = next(_numbers)
    await installation.give_sender(installation.customer.id, installation.number)
    return installation


@pytest.fixture
def phone():
    return next(_phones)


def document(trigger: Any = None, **steps: Any) -> dict[str, Any]:
    return {"trigger": trigger or {"type": "api"}, "start": next(iter(steps or "a")), "steps": steps or {"a": SEND}}


async def keep(edge, made=None, **more):
    answer = await edge.post("/v1/flows", {"name": "flow", "document": made or document()} | more)
    assert answer.status == 201, answer.json
    return answer.json


async def begin(edge, flow, phone="", **more):
    key = more.pop("key", None)
    headers = more.pop("headers", {})
    return await edge.post(f"/v1/flows/{flow['id']}/runs", {"phone": phone} | more, key=key, headers=headers)


async def ended(edge, run_id, key=None):
    async def there():
        run = (await edge.get(f"/v1/flow-runs/{run_id}", key=key)).json
        return run if run["state"] != "running" else None

    return await until(there)


async def steps_of(edge, run_id, key=None):
    answer = await edge.get(f"/v1/flow-runs/{run_id}/steps", key=key)
    return [(step["step"], step["outcome"]) for step in answer.json["data"]]


def texts(edge, phone):
    return [text.text for text in edge.simulator.network.phones.read(phone[1:])]


async def test_a_flow_is_kept_changed_and_forgotten(edge):
    made = await keep(edge)
    assert (made["version"], made["status"], made["trigger"]) == (1, "active", {"type": "api"})
    path = f"/v1/flows/{made['id']}"
    changed = await edge.ask("PATCH", path, json={"name": "other", "document": document(b=SEND)})
    assert (changed.json["name"], changed.json["version"], list(changed.json["document"]["steps"])) == (
        "other",
        2,
        ["b"],
    )
    assert (await edge.get(path)).json == changed.json
    versions = (await edge.get(path + "/versions?limit=1")).json
    assert [each["version"] for each in versions["data"]] == [2]
    more = (await edge.get(f"{path}/versions?limit=1&cursor={versions['next_cursor']}")).json
    assert ([each["version"] for each in more["data"]], more["next_cursor"]) == ([1], None)
    assert [each["id"] for each in (await edge.get("/v1/flows?status=active")).json["data"]] == [made["id"]]
    assert (await edge.get("/v1/flows?status=paused")).json["data"] == []
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.get(path)).status == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"document": {}}, "/document/trigger"),
        ({"document": document(a=SEND | {"next": "b"})}, "/document/steps/a/next"),
        ({"document": document({"type": "pigeon"})}, "/document/trigger/type"),
        ({"status": "asleep"}, "/status"),
        ({"extra": 1}, "/extra"),
    ],
)
async def test_wrong_flows(edge, body, pointer):
    answer = await edge.post("/v1/flows", {"name": "flow", "document": document()} | body)
    assert answer.status == 422
    assert pointer in [error["pointer"] for error in answer.json["errors"]]


async def test_a_document_is_checked_without_being_kept(edge):
    wrong = (await edge.post("/v1/flows/check", {"document": document(a={"type": "wait"}, b={"type": "x"})})).json
    assert (wrong["valid"], [each["pointer"] for each in wrong["errors"]]) == (False, ["/steps/b/type"])
    assert (await edge.post("/v1/flows/check", {"document": document()})).json == {"valid": True, "errors": []}
    schema = await edge.get("/v1/flows/schema")
    assert schema.json["$defs"]["Send"]["properties"]["text"]


async def test_a_name_is_one_in_the_account(edge):
    await keep(edge)
    answer = await edge.post("/v1/flows", {"name": "flow", "document": document()})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/name")


async def test_a_run_by_request_begins_once_a_key(edge, phone):
    flow = await keep(edge)
    headers = {"Idempotency-Key": "one"}
    first = await begin(edge, flow, phone, variables={"name": "Ada"}, headers=headers)
    again = await begin(edge, flow, phone, variables={"name": "Ada"}, headers=headers)
    assert (first.status, again.json["id"]) == (202, first.json["id"])
    other = await begin(edge, flow, phone, variables={"name": "Bob"}, headers=headers)
    assert other.code == "idempotency_key_reused"
    assert first.headers["location"] == f"/v1/flow-runs/{first.json['id']}"
    run = await ended(edge, first.json["id"])
    assert (run["state"], run["phone"], run["number"]) == ("finished", phone, edge.number)
    await until(lambda: texts(edge, phone) == ["Hello Ada"])
    (step,) = (await edge.get(f"/v1/flow-runs/{run['id']}/steps")).json["data"]
    message = (await edge.get(f"/v1/messages/{step['message_id']}")).json
    assert (message["metadata"], message["to"]) == ({"flow_run": run["id"]}, phone)
    kinds = [each["type"] for each in (await edge.get("/v1/events?limit=1000")).json["data"]]
    assert [kind for kind in kinds if kind.startswith("flow.")] == ["flow.run.started", "flow.run.finished"]


async def test_addresses_in_a_text_become_short_links_of_the_recipient(edge, phone):
    every = {"type": "send", "text": "Look: {{ url }}", "shorten_links": True, "next": "b"}
    flow = await keep(edge, document(a=every, b={"type": "send", "text": "{url={{ url }}} {{ url }}"}))
    url = "https://shop.example/o/7"
    run = await ended(edge, (await begin(edge, flow, phone, variables={"url": url})).json["id"])
    assert run["state"] == "finished"
    steps = (await edge.get(f"/v1/flow-runs/{run['id']}/steps")).json["data"]
    links = [(await edge.get(f"/v1/messages/{step['message_id']}/links")).json["data"] for step in steps]
    assert [[each["url"] for each in found] for found in links] == [[url], [url]]
    wanted = [f"Look: {links[0][0]['short_url']}", f"{links[1][0]['short_url']} {url}"]
    await until(lambda: texts(edge, phone) == wanted)


async def test_runs_are_listed_and_nobody_elses(edge, phone):
    flow = await keep(edge)
    run = (await begin(edge, flow, phone)).json
    await ended(edge, run["id"])
    other = await edge.new_customer()
    for path in (f"/v1/flows/{flow['id']}", f"/v1/flow-runs/{run['id']}", f"/v1/flow-runs/{run['id']}/steps"):
        assert (await edge.get(path, key=other.live)).status == 404
        assert (await edge.get(path)).status == 200
    assert (await edge.get("/v1/flow-runs", key=other.live)).json["data"] == []
    assert (await edge.get(f"/v1/flow-runs?flow_id={flow['id']}", key=other.live)).json["data"] == []
    assert [each["id"] for each in (await edge.get("/v1/flow-runs?state=finished")).json["data"]] == [run["id"]]
    assert (await begin(edge, flow, phone, key=other.live)).status == 404
    assert (await edge.get(f"/v1/flow-runs/{run['id']}", key=edge.customer.test)).status == 404


async def test_a_paused_flow_begins_nothing(edge, phone):
    flow = await keep(edge, status="paused")
    assert (await begin(edge, flow, phone)).code == "conflict"
    flow = await keep(edge, document({"type": "keyword", "keywords": ["HI"]}), name="two", status="paused")
    edge.simulator.network.send_text(phone, PhoneText(to=edge.number, text="Hi", system_id="whimbrel"))
    await until(lambda: _received(edge))
    await edge.ask("PATCH", f"/v1/flows/{flow['id']}", json={"status": "active"})
    edge.simulator.network.send_text(phone, PhoneText(to=edge.number, text="hi!", system_id="whimbrel"))
    await until(lambda: texts(edge, phone))
    assert len((await edge.get("/v1/flow-runs")).json["data"]) == 1


async def _received(edge):
    return (await edge.get("/v1/inbound")).json["data"]


async def test_a_test_run_skips_what_it_waits_for(edge, phone):
    steps = {
        "a": {"type": "wait", "for_s": 86400, "next": "b"},
        "b": SEND | {"next": "c"},
        "c": {"type": "wait_for_answer", "timeout_s": 3600, "on_timeout": "d"},
        "d": {"type": "stop"},
    }
    flow, key = await keep(edge, document(**steps)), edge.customer.test
    assert (await begin(edge, flow, phone, skip_waits=True)).status == 422
    run = (await begin(edge, flow, phone, skip_waits=True, key=key)).json
    assert run["test"]

    async def waits():
        return (await edge.get(f"/v1/flow-runs/{run['id']}", key=key)).json["waits_for"] == "answer"

    await until(waits)
    assert (await edge.post(f"/v1/flow-runs/{run['id']}/skip", key=key)).status == 200
    assert (await ended(edge, run["id"], key))["state"] == "finished"
    assert await steps_of(edge, run["id"], key) == [
        ("a", "waited"), ("b", "sent"), ("c", "timed_out"), ("d", "finished"),
    ]  # fmt: skip
    assert (await edge.post(f"/v1/flow-runs/{run['id']}/skip", key=key)).code == "conflict"


async def test_a_run_is_stopped_and_erased(edge, phone):
    flow = await keep(edge, document(a={"type": "wait", "for_s": 600}))
    run = (await begin(edge, flow, phone, variables={"name": "Ada"})).json
    path = f"/v1/flow-runs/{run['id']}"
    assert (await edge.ask("DELETE", path)).code == "conflict"
    await until(lambda: _waits(edge, path))
    stopped = (await edge.post(path + "/stop")).json
    assert (stopped["state"], stopped["due_at"], stopped["phone"]) == ("stopped", None, phone)
    assert (await edge.post(path + "/stop")).code == "conflict"
    assert (await edge.ask("DELETE", path)).status == 204
    erased = (await edge.get(path)).json
    assert (erased["phone"], erased["variables"], erased["number"]) == (None, None, None)


async def _waits(edge, path):
    return (await edge.get(path)).json["waits_for"] == "time"


async def test_runs_that_begin_each_other_are_not_too_deep(edge, phone):
    flow = await keep(edge)
    for depth, status in (("3", 202), ("4", 429), ("x", 429)):
        answer = await begin(edge, flow, phone, headers={"Whimbrel-Flow-Depth": depth})
        assert answer.status == status, depth


async def test_ready_made_flows_are_installed(edge):
    found = (await edge.get("/v1/flows/ready-made")).json["data"]
    names = [each["name"] for each in found]
    assert {"order_updates", "appointment_reminder", "cart_reminder", "delivery_feedback", "on_call_alert"} <= set(
        names
    )
    for name in names:
        answer = await edge.post("/v1/flows/ready-made", {"ready_made": name, "variables": {"shop": "Tern"}})
        assert (answer.status, answer.json["status"]) == (201, "paused")
        assert answer.json["document"]["variables"]["shop"] == "Tern"
    assert (await edge.post("/v1/flows/ready-made", {"ready_made": "none"})).status == 422


async def test_the_on_call_alert_asks_until_somebody_answers(edge):
    people = [next(_phones), next(_phones)]
    made = (await edge.post("/v1/flows/ready-made", {"ready_made": "on_call_alert"})).json
    await edge.ask("PATCH", f"/v1/flows/{made['id']}", json={"status": "active"})
    run = (await begin(edge, made, variables={"alert": "Disk full.", "on_call": people}, key=edge.customer.test)).json
    key = edge.customer.test
    await until(lambda: texts(edge, people[0]))

    async def skipped():
        return (await edge.post(f"/v1/flow-runs/{run['id']}/skip", key=key)).status == 200

    await until(skipped)
    await until(lambda: texts(edge, people[1]))
    edge.simulator.network.send_text(people[1], PhoneText(to=edge.number, text="Mine", system_id="whimbrel"))
    assert (await ended(edge, run["id"], key))["state"] == "finished"
    await until(lambda: texts(edge, people[1])[-1] == "It is yours. Thank you.")
    assert texts(edge, people[0]) == ["ALERT: Disk full. Answer with any text to take it."]


# schedules


async def plan(edge, **more):
    body = {"name": "s", "starts_at": "2199-01-04T09:00", "recipients": ["+14155550123"], "text": "Hello"} | more
    return await edge.post("/v1/schedules", body)


async def test_a_schedule_is_kept_changed_skipped_and_forgotten(edge):
    made = (await plan(edge, rrule="FREQ=DAILY", zone="Europe/Berlin", recipients=["+14155550123"] * 2)).json
    path = f"/v1/schedules/{made['id']}"
    assert (made["status"], made["recipients"]) == ("active", 1)
    assert (await edge.get(path + "/recipients")).json["data"] == ["+14155550123"]
    coming = (await edge.get(path + "/next?limit=2")).json["data"]
    assert [each["local"] for each in coming] == ["2199-01-04T09:00:00", "2199-01-05T09:00:00"]
    assert coming[0]["at"] == "2199-01-04T08:00:00.000000Z"
    await edge.post(path + "/skip", {})
    coming = (await edge.get(path + "/next?limit=1")).json["data"]
    assert [each["local"] for each in coming] == ["2199-01-05T09:00:00"]
    paused = (await edge.ask("PATCH", path, json={"status": "paused"})).json
    assert (paused["status"], (await edge.get(path + "/next")).json["data"]) == ("paused", [])
    assert [each["id"] for each in (await edge.get("/v1/schedules?status=paused")).json["data"]] == [made["id"]]
    other = await edge.new_customer()
    assert (await edge.get(path, key=other.live)).status == 404
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.get(path)).status == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"starts_at": "2199-01-04T09:00Z"}, "/starts_at"),
        ({"starts_at": "2001-01-04T09:00"}, "/starts_at"),
        ({"zone": "Mars"}, "/zone"),
        ({"rrule": "FREQ=SECONDLY"}, "/rrule"),
        ({"recipients": ["12"]}, "/recipients/0"),
        ({"recipients": []}, "/recipients"),
        ({"text": None}, "/text"),
        ({"text": "{{"}, "/text"),
        ({"name": ""}, "/name"),
        ({"template": "left"}, "/text"),
        ({"language": "de"}, "/language"),
        ({"text": None, "template": "nowhere"}, "/template"),
    ],
)
async def test_wrong_schedules(edge, body, pointer):
    answer = await plan(edge, **body)
    assert (answer.status, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])


async def test_a_schedule_may_begin_another_flow(edge):
    one, other = [(await keep(edge, name=name))["id"] for name in ("one", "other")]
    path = f"/v1/schedules/{(await plan(edge, text=None, flow_id=one)).json['id']}"
    assert (await edge.ask("PATCH", path, json={"flow_id": other})).json["flow_id"] == other
    assert (await edge.ask("PATCH", path, json={"flow_id": "FW" + "0" * 32})).status == 404
    assert (await edge.get(path)).json["flow_id"] == other


async def test_a_preview_follows_the_clocks(edge):
    body = {"starts_at": "2127-03-29T09:00", "zone": "Europe/Berlin", "rrule": "FREQ=DAILY", "count": 2}
    found = (await edge.post("/v1/schedules/preview", body)).json["data"]
    assert [each["at"][:16] for each in found] == ["2127-03-29T08:00", "2127-03-30T07:00"]


async def test_a_schedule_names_a_template(edge):
    texts = {"en": "Hi {{name}}, it has left.", "de": "Hallo {{name}}, es ist unterwegs."}
    template = {"name": "scheduled", "class": "marketing", "texts": texts}
    assert (await edge.post("/v1/templates", template)).status == 201
    about = {"text": None, "template": "scheduled", "variables": {"name": "Ana"}}
    assert (await plan(edge, **about)).json["code"] == "template_not_approved"
    assert (await edge.post("/v1/templates/scheduled/publish", {})).status == 200
    made = (await plan(edge, **about, language="de")).json
    assert (made["template"], made["language"], made["text"], made["class"]) == ("scheduled", "de", None, None)
    wrong = [(await plan(edge, **about | more)).json for more in ({"variables": {}}, {"class": "otp"})]
    assert [(each["code"], each["errors"][0]["pointer"]) for each in wrong] == [
        ("invalid_variable", "/variables/name"),
        ("invalid_class", "/class"),
    ]
    path = f"/v1/schedules/{made['id']}"
    text = (await edge.ask("PATCH", path, json={"text": "Hello"})).json
    assert (text["template"], text["language"], text["text"], text["class"]) == (None, None, "Hello", "transactional")
    back = (await edge.ask("PATCH", path, json={"template": "scheduled@1"})).json
    assert (back["template"], back["text"], back["class"]) == ("scheduled@1", None, None)
    await edge.ask("DELETE", path)


async def test_a_schedule_goes_to_contacts(edge):
    for name in ("guests", "staff"):
        assert (await edge.post("/v1/lists", {"name": name})).status == 201
    for number, lists in (("+447911123501", ["guests"]), ("+447911123502", ["guests", "staff"])):
        assert (await edge.post("/v1/contacts", {"number": number, "lists": lists})).status == 201
    people = {"audience": {"lists": ["guests"]}, "exclude": {"lists": ["staff"]}}
    made = (await plan(edge, **people, recipients=[], shorten_links=True)).json
    path = f"/v1/schedules/{made['id']}"
    assert (made["recipients"], made["shorten_links"], made["reason"]) == (0, True, None)
    assert len(made["audience"]["lists"]) == len(made["exclude"]["lists"]) == 1
    assert (await edge.get(path + "/next")).json["data"][0]["people"] == 1
    when = {"starts_at": "2199-01-04T09:00", "recipients": ["+447911123501", "+447911123502", "+447911123509"]}
    seen = (await edge.post("/v1/schedules/preview", when | people)).json["data"]
    assert [each["people"] for each in seen] == [3]
    assert (await edge.get(path + "/runs")).json == {"data": [], "next_cursor": None}
    wider = (await edge.ask("PATCH", path, json={"exclude": {}})).json
    assert wider["audience"] == made["audience"] and wider["exclude"]["lists"] == []
    assert (await edge.get(path + "/next")).json["data"][0]["people"] == 2
    nobody = await edge.ask("PATCH", path, json={"audience": {}})
    assert (nobody.status, nobody.json["errors"][0]["pointer"]) == (422, "/recipients")
    other = await edge.new_customer()
    foreign = {"name": "s", "starts_at": "2199-01-04T09:00", "text": "Hello", "audience": made["audience"]}
    answer = await edge.post("/v1/schedules", foreign, key=other.live)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/audience/lists/0")
    assert (await edge.get(path + "/runs", key=other.live)).status == 404
    assert (await edge.ask("DELETE", path)).status == 204


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"audience": {"lists": ["nowhere"]}}, "invalid_request", "/audience/lists/0"),
        ({"audience": {"filter": "shoe_size > 4"}}, "invalid_filter", "/audience/filter"),
        ({"audience": {"segments": ["SG" + "0" * 32]}}, "not_found", None),
        ({"audience": {"numbers": ["+447911123501"]}}, "invalid_request", "/audience/numbers"),
        ({"exclude": {"everybody": True}}, "invalid_request", "/exclude"),
        ({"recipients": [], "audience": {}}, "invalid_request", "/recipients"),
    ],
)
async def test_wrong_audiences_of_schedules(edge, body, code, pointer):
    before = (await edge.get("/v1/schedules")).json["data"]
    answer = (await plan(edge, **body)).json
    assert (answer["code"], [each["pointer"] for each in answer.get("errors", ())]) == (code, [pointer] * bool(pointer))
    assert (await edge.get("/v1/schedules")).json["data"] == before
