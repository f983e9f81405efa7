"""Templates over HTTP: made, published, approved, sent with, tried out, archived; and what is refused."""

import asyncio

import msgspec
import pytest
import pytest_asyncio

from .edge_rig import NUMBER, running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
SHIPPED = {
    "name": "order-shipped",
    "texts": {
        "en": "Hi {{name|default:there}}, {{order}} is on its way.",
        "pt": "Oi {{name|default:você}}, {{order}} está a caminho.",
    },
    "variables": [{"name": "name", "required": False, "max_length": 10}, {"name": "order", "type": "code"}],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("templates")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
    return installation


async def made(edge, **changes):
    answer = await edge.post("/v1/templates", SHIPPED | {"publish": True} | changes)
    assert answer.status == 201, answer.body
    return answer.json


async def stored(edge, message_id):
    return (await edge.get(f"/v1/messages/{message_id}")).json


def with_template(edge, ref="order-shipped", **fields):
    return edge.send(**{"text": None, "template": ref, "variables": {"order": "8F3K"}} | fields)


async def test_a_message_is_made_of_the_newest_version_in_its_language(edge):
    template = await made(edge)
    assert (template["version"], template["live_version"], template["approval"]) == (1, 1, "approved")
    sent = (await with_template(edge, language="pt-BR", variables={"order": "8F3K", "name": "Ana"})).json
    assert sent["text"] == "Oi Ana, 8F3K está a caminho."
    assert sent["template"] == {"id": template["id"], "name": "order-shipped", "version": 1, "language": "pt"}
    assert sent["class"] == "transactional"

    async def delivered():
        message = (await edge.get(f"/v1/messages/{sent['id']}")).json
        return message if message["status"] == "delivered" else None

    message = await until(delivered)
    assert (message["text"], message["template"]) == (sent["text"], sent["template"])
    assert (await with_template(edge, language="fr")).json["text"] == "Hi there, 8F3K is on its way."


async def test_a_version_stays_as_it_is_and_a_draft_is_sent_by_nobody(edge):
    await made(edge)
    changed = {"texts": {"en": "{{order}} has left."}}
    draft = (await edge.ask("PATCH", "/v1/templates/order-shipped", json=changed)).json
    assert (draft["draft"], draft["version"], draft["texts"]) == (True, 1, changed["texts"])
    assert (await with_template(edge)).json["text"] == "Hi there, 8F3K is on its way."
    published = (await edge.post("/v1/templates/order-shipped/publish")).json
    assert (published["draft"], published["version"], published["live_version"]) == (False, 2, 2)
    assert (await with_template(edge)).json["text"] == "8F3K has left."
    assert (await with_template(edge, "order-shipped@1")).json["template"]["version"] == 1
    assert (await edge.post("/v1/templates/order-shipped/publish")).code == "conflict"
    versions = (await edge.get("/v1/templates/order-shipped/versions")).json["data"]
    assert [(each["version"], each["live"], each["texts"]["en"]) for each in versions] == [
        (2, True, "{{order}} has left."),
        (1, False, SHIPPED["texts"]["en"]),
    ]
    assert (await edge.get("/v1/templates/order-shipped/versions/1")).json["texts"] == SHIPPED["texts"]


async def test_variables_that_cannot_be_filled_in_are_named(edge):
    await made(edge)
    refused = await with_template(edge, variables={"nam": "Ana", "order": "8F 3K"})
    assert (refused.status, refused.code) == (422, "invalid_variable")
    assert refused.json["errors"][0]["pointer"] == "/variables/nam"
    missing = await with_template(edge, variables={})
    assert missing.json["errors"][0]["pointer"] == "/variables/order"
    assert "order: is missing" in missing.json["detail"]
    long = await with_template(edge, variables={"order": "8F3K", "name": "x" * 11})
    assert long.json["errors"][0]["pointer"] == "/variables/name"


async def test_a_text_that_becomes_too_long_is_the_templates(edge):
    await made(edge, texts={"en": "{{a}}" * 9}, variables=[{"name": "a", "max_length": 200}])
    refused = await with_template(edge, variables={"a": "x" * 200})
    assert (refused.code, refused.json["errors"][0]["pointer"]) == ("text_too_long", "/template")


async def test_what_is_filled_in_is_never_read_as_a_template(edge):
    await made(edge, texts={"en": "Hi {{name}}, {{order}}"}, variables=None)
    sent = (await with_template(edge, variables={"name": "{{order}}\u0007\u202e\n{{x|upper}}", "order": "8F3K"})).json
    assert sent["text"] == "Hi {{order}} {{x|upper}}, 8F3K"


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"template": "nothing"}, "template_not_found", "/template"),
        ({"template": "order-shipped@7"}, "template_not_found", "/template"),
        ({"template": "order-shipped@draft"}, "template_not_found", "/template"),
        ({"text": "Hello", "template": "order-shipped"}, "invalid_request", "/template"),
        ({"class": "otp"}, "invalid_class", "/class"),
        ({"on_doubt": "retry_once"}, "invalid_request", "/on_doubt"),
        ({"language": "not a tag"}, "invalid_variable", "/language"),
        ({"template": None}, "invalid_request", "/variables"),
    ],
)
async def test_what_does_not_go_together_is_refused(edge, fields, code, pointer):
    await made(edge)
    refused = await with_template(edge, **fields)
    assert (refused.code, refused.json["errors"][0]["pointer"]) == (code, pointer)


async def test_a_batch_is_made_of_its_default_template(edge):
    await made(edge)
    batch = {
        "messages": [
            {"to": NUMBER, "variables": {"name": "Ana"}},
            {"to": NUMBER, "variables": {"name": "x" * 11}},
            {"to": NUMBER, "text": "Plain"},
            {"to": NUMBER, "template": "order-shipped@1", "variables": {"order": "own"}, "language": "pt"},
        ],
        "defaults": {"template": "order-shipped", "variables": {"order": "8F3K"}},
    }
    answer = (await edge.post("/v1/messages/batch", batch)).json
    assert (answer["accepted"], answer["rejected"]) == (3, 1)
    assert answer["data"][1]["error"]["code"] == "invalid_variable"
    assert answer["data"][1]["error"]["pointer"] == "/messages/1/variables/name"
    texts = [(await stored(edge, row["id"]))["text"] for row in answer["data"] if "id" in row]
    assert texts == ["Hi Ana, 8F3K is on its way.", "Plain", "Oi você, own está a caminho."]


async def test_the_same_key_answers_with_the_same_text_and_keeps_none(edge):
    await made(edge)
    first = await with_template(edge, headers={"Idempotency-Key": "k1"})
    await edge.ask("PATCH", "/v1/templates/order-shipped", json={"texts": {"en": "{{order}} has left."}})
    await edge.post("/v1/templates/order-shipped/publish")
    again = await with_template(edge, headers={"Idempotency-Key": "k1"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first.json
    kept = await edge.app.store.kept(edge.customer.id, "rest", "k1")
    assert b"8F3K" not in kept[0].verdicts


async def test_messages_are_found_by_what_made_them(edge):
    template = await made(edge)
    first = (await with_template(edge)).json["id"]
    await edge.ask("PATCH", "/v1/templates/order-shipped", json={"texts": {"en": "{{order}} has left."}})
    await edge.post("/v1/templates/order-shipped/publish")
    second = (await with_template(edge)).json["id"]
    await edge.send()
    both = [second, first]
    wanted = {
        "order-shipped": both,
        template["id"]: both,
        "order-shipped@1": [first],
        "order-shipped@9": [],
        "other": [],
    }
    for ref, ids in wanted.items():
        assert [row["id"] for row in (await edge.get(f"/v1/messages?template={ref}")).json["data"]] == ids

    async def indexed():
        return (await edge.get(f"/v1/messages?template=order-shipped@2&number=%2B{NUMBER[1:]}")).json["data"]

    assert [row["id"] for row in await until(indexed)] == [second]


async def test_explain_says_what_would_be_sent(edge):
    await made(edge)
    told = (await edge.post("/v1/messages/explain", {"to": NUMBER, "template": "order-shipped"})).json
    assert told["refusal"] == {
        "code": "invalid_variable",
        "detail": "variables/order: is missing.",
        "pointer": "/variables/order",
    }
    asked = {"to": NUMBER, "template": "order-shipped", "variables": {"order": "8F3K"}}
    assert (await edge.post("/v1/messages/explain", asked)).json["encoding"]["text"] == "Hi there, 8F3K is on its way."


async def test_the_class_and_the_sender_are_the_templates(edge):
    await edge.give_sender(edge.customer.id, "Orchid")
    await made(edge, **{"class": "otp", "sender": "Acme"})
    sent = (await with_template(edge)).json
    assert (sent["class"], sent["sender"]) == ("otp", "Acme")
    assert (await with_template(edge, sender="Orchid")).json["sender"] == "Orchid"
    refused = await edge.post("/v1/templates", SHIPPED | {"name": "x", "sender": "Other", "publish": True})
    assert refused.json["errors"][0]["pointer"] == "/sender"


async def test_where_somebody_has_to_approve_nothing_is_sent_before(edge):
    context = edge.app.manage
    msgspec.structs.force_setattr(context, "template_approval", "operator")
    try:
        template = await made(edge)
        assert (template["approval"], template["live_version"]) == ("pending", None)
        assert (await with_template(edge)).code == "template_not_approved"
        (waiting,) = (await edge.get("/v1/template-approvals")).json["data"]
        assert (waiting["template_id"], waiting["version"]) == (template["id"], 1)
        path = "/v1/templates/order-shipped/versions/1"
        assert (await edge.post(f"{path}/approve")).code == "forbidden"
        by_operator = {"key": edge.operator, "headers": {"X-Account-Id": edge.customer.id}}
        assert (await edge.post(f"{path}/approve", **by_operator)).json["live"] is True
        assert (await with_template(edge)).status == 202
        rejected = (await edge.post(f"{path}/reject", {"reason": "Not ours."}, **by_operator)).json
        assert (rejected["approval"], rejected["reason"], rejected["live"]) == ("rejected", "Not ours.", False)
        assert (await with_template(edge)).code == "template_not_approved"
        everywhere = (await edge.get("/v1/template-approvals", key=edge.operator)).json["data"]
        assert everywhere == []
    finally:
        msgspec.structs.force_setattr(context, "template_approval", "none")


async def test_an_archived_template_makes_no_message_and_may_be_deleted(edge):
    await made(edge)
    path = "/v1/templates/order-shipped"
    assert (await edge.ask("DELETE", path)).code == "in_use"
    assert (await edge.post(f"{path}/archive")).json["status"] == "archived"
    assert (await with_template(edge)).code == "template_not_found"
    assert (await edge.post(f"{path}/restore")).json["status"] == "active"
    assert (await with_template(edge)).status == 202
    await edge.post(f"{path}/archive")
    assert (await edge.ask("DELETE", path)).status == 204
    assert (await edge.get(path)).code == "not_found"


async def test_events_say_what_became_of_a_template(edge):
    template = await made(edge)
    await edge.post("/v1/templates/order-shipped/archive")

    async def told():
        events = (await edge.get("/v1/events?types=template.*")).json["data"]
        return events if len(events) == 3 else None

    events = await until(told)
    assert [(each["type"], each["data"]) for each in events] == [
        ("template.created", {"name": "order-shipped"}),
        ("template.published", {"name": "order-shipped", "version": 1, "approval": "approved"}),
        ("template.archived", {"name": "order-shipped"}),
    ]
    assert all(each["id"].startswith("EV" + template["id"][2:-4]) for each in events)


async def test_events_of_messages_and_a_figure_tell_of_the_template(edge):
    template = await made(edge)

    def figure():
        value = edge.app.metrics.registry.get_sample_value
        return value("whimbrel_messages_of_templates_total", {"message_class": "transactional"}) or 0

    before = figure()
    sent = (await with_template(edge, language="pt")).json
    await edge.send(text="Of its own")
    assert (await with_template(edge, variables={})).code == "invalid_variable"
    assert figure() == before + 1

    async def told():
        every = (await edge.get("/v1/events?types=message.*")).json["data"]
        mine = [each for each in every if each["message_id"] == sent["id"]]
        return mine if mine and mine[-1]["type"] == "message.delivered" else None

    made_of = {"id": template["id"], "name": "order-shipped", "version": 1, "language": "pt"}
    assert [each["data"]["template"] for each in await until(told)] == [made_of] * 4
    assert (await stored(edge, sent["id"]))["template"] == made_of


async def test_a_preview_shows_every_language_with_segments_and_price(edge):
    await made(edge)
    asked = {"template": "order-shipped", "to": NUMBER, "variables": {"name": "Ana"}}
    shown = (await edge.post("/v1/templates/preview", asked)).json
    assert [(each["language"], each["segments"], each["price"]) for each in shown["data"]] == [
        ("en", 1, "0.0075"),
        ("pt", 1, "0.0075"),
    ]
    assert shown["data"][0]["text"].startswith("Hi Ana, ")
    assert shown["needed"] == ["order"]
    unsaved = {"content": {"texts": {"en": "{{a|upper}} “{{b}}”"}}, "variables": {"a": "x"}, "language": "en"}
    shown = (await edge.post("/v1/templates/preview", unsaved)).json["data"][0]
    assert (shown["text"], shown["encoding"], shown["foreign"]) == ("X “Robin”", "ucs2", ["“", "”"])
    wrong = await edge.post("/v1/templates/preview", {"content": {"texts": {"en": "{{a|uper}}"}}})
    assert wrong.json["errors"][0]["pointer"] == "/content/texts/en"


async def test_templates_are_listed_by_name_and_are_nobody_elses(edge):
    for name in ("b", "a", "c"):
        await made(edge, name=name)
    await edge.post("/v1/templates/c/archive")
    names = []
    cursor = ""
    while cursor is not None:
        page = (await edge.get(f"/v1/templates?limit=2{cursor and '&cursor=' + cursor}")).json
        names += [row["name"] for row in page["data"]]
        cursor = page["next_cursor"]
    assert names == ["a", "b", "c"]
    assert [row["name"] for row in (await edge.get("/v1/templates?status=active&name=a")).json["data"]] == ["a"]
    assert (await edge.post("/v1/templates", SHIPPED | {"name": "a"})).code == "conflict"
    other = await edge.new_customer()
    template = (await edge.get("/v1/templates/a")).json
    for ref in ("a", template["id"]):
        assert (await edge.get(f"/v1/templates/{ref}", key=other.live)).code == "not_found"
        assert (await with_template(edge, ref, key=other.live)).code == "template_not_found"
        assert (await edge.post(f"/v1/templates/{ref}/archive", key=other.live)).code == "not_found"
    assert (await edge.post("/v1/templates", SHIPPED, key=edge.customer.test)).code == "test_mode"
    assert (await with_template(edge, "a", key=edge.customer.test)).status == 202


async def test_two_requests_at_once_make_two_versions_at_most(edge):
    await made(edge, publish=False)
    answers = await asyncio.gather(*(edge.post("/v1/templates/order-shipped/publish") for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409]
