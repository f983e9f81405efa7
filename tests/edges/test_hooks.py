"""Calls of other systems over HTTP, as each of them makes them: the right text once, by the simulator's phones, or a
reason in the log."""

import time

import pytest
import pytest_asyncio

from .edge_rig import running_edge, until
from .hook_senders import Sender

pytestmark = pytest.mark.asyncio(loop_scope="module")

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
    """The one installation, with a customer of its own for each test."""
    installation.customer = await installation.new_customer()
    await installation.give_sender(installation.customer.id, "Acme")
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
    return [text.text for text in edge.simulator.network.phones.read(number.lstrip("+"))]


@pytest.mark.parametrize("preset", sorted(FIRST))
async def test_a_call_becomes_the_right_text_once(edge, preset):
    sender = await sender_of(edge, preset)
    number, text = FIRST[preset]
    before = len(await texts(edge, number))
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
    assert (await texts(edge, number))[before:].count(text) == 1


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
