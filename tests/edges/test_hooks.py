"""Calls of other systems over HTTP, as each of them makes them: the right text once, by the simulator's phones, or a
reason in the log."""

import json
import time
from itertools import count

import pytest
import pytest_asyncio

from whimbrel.base import limits
from whimbrel.domain.hook_presets import PRESETS

from .edge_rig import running_edge, until
from .hook_senders import SECRET, SIGN, Sender, basic, changed, hmac_b64, sample, standard, stripe

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = (f"+12025550{place}" for place in count(200))
ALERT_PHONE = "+14155550177"
# what the first suggestion of each preset sends for its first sample, and to whom
FIRST = {
    "shopify": ("+4915123456789", "Thank you for your order #1001. We tell you when it ships."),
    "woocommerce": ("+447911123456", "Thank you, Owen: we have your order 727."),
    "stripe": ("+33612345678", "Thank you, Léa Petit: your payment has arrived."),
    "hubspot": ("+351912345678", "Hello Ines, thank you for getting in touch."),
    "zendesk": ("+61412345678", "Your request 35436 (Late parcel) is solved. Reply here if it is not."),
    "github": (ALERT_PHONE, "acme/tea: CI failed on main https://github.example/acme/tea/actions/runs/30433642"),
    "alertmanager": (ALERT_PHONE, "DiskFull: Disk of db-1 is 95 % full"),
    "grafana": (ALERT_PHONE, "DiskFull: Disk of db-1 is 95 % full"),
    "salesforce": ("+4741234567", "Hello Nora, we will call you today."),
    "magento": ("+14155550123", "Thank you, Ana: we have your order 000000123."),
    "generic": ("+4915123456789", "Hello Maya, this is about appointment.tomorrow."),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("hooks")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    """The one installation, with a customer of its own for each test, from whom no other test's texts are."""
    installation.customer = await installation.new_customer()
    installation.number = next(_numbers)
    await installation.give_sender(installation.customer.id, installation.number)
    return installation


async def presets(edge):
    return {each["name"]: each for each in (await edge.get("/v1/hooks/presets")).json["data"]}


async def new_hook(edge, preset, rules=None, **more):
    """A hook with the rules that its preset suggests, texting the one on call where events have no number."""
    suggested = (await presets(edge))[preset]["rules"]
    for rule in suggested:
        if preset in ("github", "alertmanager", "grafana"):
            rule["to"] = [*rule["to"], ALERT_PHONE]
    wanted = {"name": "Shop", "preset": preset, "rules": suggested if rules is None else rules} | more
    made = await edge.post("/v1/hooks", wanted)
    assert made.status == 201, made.body
    return made.json


async def sender_of(edge, preset, rules=None, **more):
    return Sender(edge, await new_hook(edge, preset, rules, **more))


async def log(edge, sender, query=""):
    return (await edge.get(f"/v1/hooks/{sender.id}/calls{query}")).json["data"]


async def message(edge, message_id):
    return (await edge.get(f"/v1/messages/{message_id}")).json


async def texts(edge, number):
    """Those of the test's customer."""
    found = edge.simulator.network.phones.read(number.lstrip("+"))
    return [text.text for text in found if text.source == edge.number[1:]]


@pytest.mark.parametrize("preset", sorted(FIRST))
async def test_a_call_becomes_the_right_text_once(edge, preset):
    sender = await sender_of(edge, preset)
    number, text = FIRST[preset]
    answer = await sender.call()
    assert answer.status == 200, answer.body
    for _ in range(2):
        assert (await sender.call()).status == 200
    newest, second, first = await log(edge, sender)
    assert [first["verdict"], second["verdict"], newest["verdict"]] == ["sent", "duplicate", "duplicate"]
    sent = first["outcomes"][0]
    assert second["outcomes"][0]["message_id"] == sent["message_id"]
    told = await message(edge, sent["message_id"])
    assert (told["to"], told["text"], told["class"], told["test"]) == (number, text, "transactional", False)
    await until(lambda: texts_contain(edge, number, text))
    assert (await texts(edge, number)).count(text) == 1


async def texts_contain(edge, number, text):
    return text in await texts(edge, number)


@pytest.mark.parametrize("preset", sorted(set(FIRST) - {"salesforce", "magento", "alertmanager"}))
async def test_a_forged_call_sends_nothing_and_says_why(edge, preset):
    sender = await sender_of(edge, preset)
    answer = await sender.call(forged=True)
    assert (answer.status, answer.code) == (401, "hook_signature")
    (row,) = await log(edge, sender)
    assert (row["verdict"], row["detail"], row["outcomes"]) == ("bad_signature", "signature_wrong", [])
    assert (await edge.get(f"/v1/hooks/{sender.id}/calls/{row['id']}")).json["body"] is None
    assert (await sender.call()).json["verdict"] == "sent"


async def test_who_forges_calls_of_one_hook_shuts_out_nobody_from_another(edge):
    attacked, other = [await sender_of(edge, preset) for preset in ("shopify", "stripe")]
    answers = [(await attacked.call(forged=True)).status for _ in range(limits.HOOK_FORGED_MAX + 2)]
    assert answers == [401] * limits.HOOK_FORGED_MAX + [429, 429]
    assert (await attacked.call()).code == "rate_limited"
    assert (await other.call()).json["verdict"] == "sent"
    assert (await edge.get("/v1/balance", key="wk_live_wrong")).status == 401


@pytest.mark.parametrize("preset", ["salesforce", "magento", "alertmanager"])
async def test_a_wrong_secret_is_refused(edge, preset):
    sender = await sender_of(edge, preset)
    sender.query = "?token=guessed-at-it" if sender.query else ""
    answer = await sender.call(secret="guessed-at-it")
    assert (answer.status, answer.code) == (401, "hook_signature")


@pytest.mark.parametrize("preset", ["hubspot", "zendesk"])
async def test_a_call_that_was_recorded_is_refused_later(edge, preset):
    sender = await sender_of(edge, preset)
    assert (await sender.call(at=time.time() - 600)).code == "hook_signature"
    (row,) = await log(edge, sender)
    assert row["detail"] == "timestamp_wrong"


async def verdict_of(sender, *args, **more):
    answer = await sender.call(*args, **more)
    assert answer.status == 200, answer.body
    return answer.json["outcomes"][0]["verdict"] if answer.json["outcomes"] else answer.json["verdict"]


async def test_late_news_do_not_overtake(edge):
    sender = await sender_of(edge, "woocommerce")
    assert await verdict_of(sender, 1) == "sent"  # completed at 22 November
    assert await verdict_of(sender, 0) == "outdated"  # processed at the 20th
    assert await verdict_of(sender, 2) == "ping"


@pytest.mark.parametrize("what", ["text", "flow"])
async def test_news_of_the_same_moment_are_judged_in_their_commit(edge, what, monkeypatch):
    """The late one has looked already, and found nothing newer, when the newer one comes."""
    rule = {"name": "news", "to": ["billing.phone"], "country": ["billing.country"], "newest_only": True}
    rules = [rule | {"text": "It is {{status}}"}]
    if what == "flow":
        steps = {"a": {"type": "tag", "add": ["x"]}}
        document = {"trigger": {"type": "hook"}, "start": "a", "steps": steps}
        flow = (await edge.post("/v1/flows", {"name": "news", "document": document})).json
        rules = [rule | {"flow": flow["id"]}]
    sender = await sender_of(edge, "woocommerce", rules)
    receiving = edge.app.products.hooks
    looked = receiving._older
    newer = []

    async def overtaken(call, findings):
        found = await looked(call, findings)
        if not newer:
            newer.append(None)
            newer.append(await verdict_of(sender, 1))
        return found

    monkeypatch.setattr(receiving, "_older", overtaken)
    assert await verdict_of(sender, 0) == "outdated"
    assert newer == [None, "sent" if what == "text" else "flow_started"]
    newest, late = await log(edge, sender)
    assert {newest["verdict"], late["verdict"]} == {"outdated", newer[1]}


async def test_the_test_of_an_address_by_woocommerce_needs_no_signature(edge):
    sender = await sender_of(edge, "woocommerce")
    sender.sign = lambda *_: {}
    assert (await sender.call(2)).json == {"call_id": "", "verdict": "ping", "sent": 0, "outcomes": []}
    assert await log(edge, sender) == []


async def test_what_cannot_be_sent_has_its_reason(edge):
    rule = {"name": "paid", "events": ["orders/paid"], "to": ["phone", "customer.phone"], "text": "Order {{name}}"}
    sender = await sender_of(edge, "shopify", [rule])
    assert await verdict_of(sender) == "no_number"
    headers, body = changed("shopify", phone="12345")
    assert await verdict_of(sender, body=body) == "invalid_number"
    headers, body = changed("shopify", phone="+4915123456700", name="")
    assert await verdict_of(sender, body=body) == "variable_missing"
    assert await verdict_of(sender, headers=headers | {"x-shopify-topic": "orders/cancelled"}) == "no_rule"
    await edge.post("/v1/opt-outs", {"number": "+4915123456700"})
    headers, body = changed("shopify", phone="+4915123456700")
    assert await verdict_of(sender, body=body) == "opted_out"
    rows = await log(edge, sender)
    assert [row["outcomes"][0]["verdict"] for row in rows[:2]] == ["opted_out", "no_rule"]
    assert rows[2]["outcomes"][0]["detail"] == "name"
    assert "4915123456700" not in json.dumps(rows)
    (only,) = await log(edge, sender, "?verdict=opted_out")
    assert only["id"] == rows[0]["id"]


async def test_marketing_needs_consent(edge):
    cart = {"name": "cart", "to": ["phone"], "text": "Still there?", "class": "marketing"}
    refused = await edge.post("/v1/hooks", {"name": "Shop", "preset": "shopify", "rules": [cart]})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/rules/0/consent")
    sender = await sender_of(edge, "shopify", [cart | {"consent": "buyer_accepts_sms_marketing"}])
    headers, body = changed("shopify", 2, buyer_accepts_sms_marketing=False)
    assert await verdict_of(sender, 2, body=body, headers=headers) == "no_consent"
    assert await verdict_of(sender, 2) == "sent"


async def test_a_rule_chooses_a_template_by_event_and_language(edge):
    for name, texts_of in (
        ("paid", {"en": "Thanks, {{name}}!", "de": "Danke, {{name}}!"}),
        ("shipped", {"en": "{{name}}, it has left.", "de": "{{name}}, es ist unterwegs."}),
    ):
        await edge.post("/v1/templates", {"name": name, "texts": texts_of})
        await edge.post(f"/v1/templates/{name}/publish", {})
    about = {"to": ["phone"], "language": ["lang"], "variables": {"name": "customer"}}
    rules = [about | {"name": each, "events": [f"order.{each}"], "template": each} for each in ("paid", "shipped")]
    sender = await sender_of(edge, "generic", [*rules, about | {"name": "lost", "events": ["x"], "template": "gone"}])

    async def said(number, **body):
        event = {"phone": f"+4915123450{number}", "customer": "Ana", "id": str(number), "type": "order.paid"} | body
        told = (await sender.call(body=json.dumps(event).encode())).json
        if not told["sent"]:
            return told["outcomes"][0]["verdict"]
        (text,) = await until(lambda: texts(edge, event["phone"]))
        (outcome,) = told["outcomes"]
        made_of = (await message(edge, outcome["message_id"]))["template"]
        return text, made_of["name"], made_of["language"]

    assert await said(101, lang="de-AT") == ("Danke, Ana!", "paid", "de")
    assert await said(102) == ("Thanks, Ana!", "paid", "en")
    shipped = await said(103, type="order.shipped", lang="de")
    assert shipped == ("Ana, es ist unterwegs.", "shipped", "de")
    assert await said(104, type="x") == "template_missing"
    assert await said(105, customer=None) == "variable_missing"


async def test_addresses_in_texts_of_a_rule_become_short_links(edge):
    about = {"to": ["phone"], "variables": {"address": "url"}}
    texts_of = {
        "every": "Look: {{address}}",
        "marked": "Look: {url={{address}}} and {{address}}",
        "none": "At {{address}}",
    }
    rules = [about | {"name": name, "events": [name], "text": text} for name, text in texts_of.items()]
    rules[0]["shorten_links"] = True
    sender = await sender_of(edge, "generic", rules)

    async def links_of(kind, number):
        event = {"event": kind, "id": kind, "phone": f"+4915123451{number}", "url": "https://shop.example/o/7"}
        (outcome,) = (await sender.call(body=json.dumps(event).encode())).json["outcomes"]
        text = (await message(edge, outcome["message_id"]))["text"]
        links = (await edge.get(f"/v1/messages/{outcome['message_id']}/links")).json["data"]
        assert all(each["short_url"] in text and each["url"] == event["url"] for each in links)
        return len(links), text.count(event["url"])

    assert await links_of("every", 101) == (1, 0)
    assert await links_of("marked", 102) == (1, 1)
    assert await links_of("none", 103) == (0, 1)
    tried = await edge.post(
        f"/v1/hooks/{sender.id}/try",
        {"body": json.dumps({"event": "every", "phone": "+4915123451104", "url": "https://shop.example/o/7"})},
    )
    assert "shop.example" not in tried.json["outcomes"][0]["text"]
    wrong = about | {"name": "w", "flow": "FW1", "shorten_links": True}
    refused = await edge.post("/v1/hooks", {"name": "Shop", "preset": "generic", "rules": [wrong]})
    assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/rules/0/shorten_links"


async def test_a_hook_that_is_called_too_often_is_told_to_wait_and_others_are_not(edge, monkeypatch):
    monkeypatch.setattr(limits, "HOOK_RATE_PER_S", 0.01)
    often, other = await sender_of(edge, "shopify"), await sender_of(edge, "shopify")
    first, second = await often.call(), await often.call()
    assert (first.status, second.status, second.code) == (200, 429, "rate_limited")
    assert second.headers["retry-after"] == "1"
    assert len(await log(edge, often)) == 1
    assert (await other.call()).status == 200


async def test_each_alert_of_a_group_is_sent_for_once_when_it_fires_and_once_when_it_is_over(edge):
    sender = await sender_of(edge, "alertmanager")
    answer = await sender.call(0)
    assert [each["verdict"] for each in answer.json["outcomes"]] == ["sent", "sent"]
    assert [each["verdict"] for each in (await sender.call(0)).json["outcomes"]] == ["duplicate", "duplicate"]
    assert await verdict_of(sender, 1) == "sent"
    row = (await log(edge, sender))[2]
    assert (row["events"], row["sent"]) == (2, 2)


async def test_forms_and_xml_are_read_and_entities_are_not(edge):
    rule = {
        "name": "any",
        "to": ["phone", "appointment.phone"],
        "text": "{{name || appointment.name}}, {{when || appointment.when}}",
    }
    sender = await sender_of(edge, "generic", [rule])
    assert await verdict_of(sender, 1) == "sent"
    assert await verdict_of(sender, 2) == "sent"
    evil = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    answer = await sender.call(2, body=evil)
    assert (answer.status, answer.code) == (400, "hook_body")
    assert (await log(edge, sender))[0]["verdict"] == "bad_body"


@pytest.mark.parametrize(
    ("auth", "sign"),
    [
        ({"kind": "hmac", "header": "X-Mac", "encoding": "base64"}, hmac_b64("X-Mac")),
        ({"kind": "timestamped", "header": "Stripe-Signature"}, stripe),
        ({"kind": "standard_webhooks"}, standard),
        ({"kind": "basic", "username": "shop"}, basic("shop")),
        ({"kind": "bearer"}, SIGN["alertmanager"]),
    ],
    ids=["hmac", "timestamped", "standard", "basic", "bearer"],
)
async def test_ways_of_signing(edge, auth, sign):
    sender = Sender(edge, await new_hook(edge, "generic", auth=auth, secret=SECRET), sign)
    assert await verdict_of(sender) == "sent"


async def test_both_secrets_hold_after_a_rotation(edge):
    sender = await sender_of(edge, "github")
    old = sender.secret
    sender.secret = (await edge.post(f"/v1/hooks/{sender.id}/rotate", {})).json["secret"]
    assert await verdict_of(sender) == "sent"
    assert await verdict_of(sender, 1, secret=old) == "sent"


async def test_a_call_is_tried_kept_and_taken_again(edge):
    sender = await sender_of(edge, "stripe", [])
    assert await verdict_of(sender) == "no_rule"
    (row,) = await log(edge, sender)
    path = f"/v1/hooks/{sender.id}/calls/{row['id']}"
    assert json.loads((await edge.get(path)).json["body"])["type"] == "checkout.session.completed"
    rule = {
        "name": "paid",
        "to": ["data.object.customer_details.phone"],
        "text": "Paid, {{data.object.customer_details.name}}",
    }
    trial = {"call_id": row["id"], "rules": [rule], "path": "data.object.locale"}
    tried = (await edge.post(f"/v1/hooks/{sender.id}/try", trial)).json
    assert (tried["value"], tried["outcomes"][0]["text"], tried["outcomes"][0]["segments"]) == (
        "fr",
        "Paid, Léa Petit",
        1,
    )
    assert (await edge.ask("PATCH", f"/v1/hooks/{sender.id}", json={"rules": [rule]})).status == 200
    assert (await edge.post(f"{path}/replay", {})).json["sent"] == 1
    assert (await edge.post(f"{path}/replay", {})).json["verdict"] == "duplicate"
    assert (await edge.post(f"{path}/replay", {"again": True})).json["sent"] == 1


async def test_hooks_are_nobody_elses(edge):
    sender = await sender_of(edge, "github")
    assert (await sender.call()).json["verdict"] == "sent"
    (row,) = await log(edge, sender)
    other = await edge.new_customer("Other")
    base = f"/v1/hooks/{sender.id}"
    for method, path in (
        ("GET", base), ("GET", f"{base}/secret"), ("GET", f"{base}/calls"), ("GET", f"{base}/calls/{row['id']}"),
        ("DELETE", base),
    ):  # fmt: skip
        assert (await edge.ask(method, path, key=other.live)).code == "not_found", path
    assert (await edge.ask("GET", base, key=edge.customer.test)).code == "not_found"
    assert (await edge.get(base, key=other.live)).status == 404
    assert "secret" not in (await edge.get(base)).json


async def test_a_paused_hook_sends_nothing_and_a_deleted_one_is_not_there(edge):
    sender = await sender_of(edge, "github")
    await edge.ask("PATCH", f"/v1/hooks/{sender.id}", json={"status": "paused"})
    assert await verdict_of(sender) == "paused"
    assert (await edge.ask("DELETE", f"/v1/hooks/{sender.id}")).status == 204
    assert (await sender.call()).code == "not_found"


async def test_every_sample_is_read_by_its_preset(edge):
    for preset, known in PRESETS.items():
        sender = await sender_of(edge, preset)
        for place, each in enumerate(known.samples):
            answer = await sender.call(place)
            assert (b"<Ack>true</Ack>" in answer.body) is (preset == "salesforce"), answer.body
            verdict = (await log(edge, sender))[0]["verdict"]
            assert verdict in {"sent", "ping", "no_rule", "no_number", "variable_missing"}, (preset, each.name, verdict)
            assert sample(preset, place) is each


@pytest.mark.parametrize(
    ("place", "event"), [(0, "appointment.tomorrow"), (1, "appointment.tomorrow"), (2, "appointment")]
)
async def test_what_any_other_system_is_suggested_suits_json_a_form_and_xml(edge, place, event):
    sender = await sender_of(edge, "generic")
    await sender.call(place)
    ((one,),) = [call["outcomes"] for call in await log(edge, sender)]
    assert (one["verdict"], one["event_id"], one["event_type"]) == ("sent", f"ev-{place + 1}", event), one
    sent = await message(edge, one["message_id"])
    assert (sent["to"], sent["text"]) == ("+4915123456789", f"Hello Maya, this is about {event}.")
    await sender.call(place)
    assert (await log(edge, sender))[0]["verdict"] == "duplicate"


@pytest.mark.parametrize("preset", PRESETS)
async def test_a_hook_of_nothing_but_its_sender_begins_with_the_rules_that_find_a_number(edge, preset):
    made = await edge.post("/v1/hooks", {"name": "h", "preset": preset})
    suggested = (await presets(edge))[preset]["rules"]
    assert [rule["name"] for rule in made.json["rules"]] == [rule["name"] for rule in suggested if rule["to"]]
    none = await edge.post("/v1/hooks", {"name": "none", "preset": preset, "rules": []})
    assert none.json["rules"] == []
