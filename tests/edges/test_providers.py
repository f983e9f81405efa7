"""What carriers over HTTP bring: calls right and wrong at their door, and journeys with the sandbox's provider."""

import json
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio

from whimbrel.codec.signatures import twilio
from whimbrel.store.interface import Search
from whimbrel_sandbox.log import InboundAnswered, Submitted
from whimbrel_sandbox.network import PhoneText
from whimbrel_sandbox.provider_settings import Played, ProviderChange, change
from whimbrel_sandbox.serve import running
from whimbrel_sandbox.settings import Settings as SandboxSettings

from .edge_rig import SENDER, running_edge, until

PHONE = "+447911123456"
FORM = {"content-type": "application/x-www-form-urlencoded"}
SETTINGS = {
    "url": "http://127.0.0.1:9/messages",
    "fields": {"to": "{to}", "from": "{from}", "text": "{text}", "reference": "{reference}"},
    "receipt_error": "error",
    "receipt_to": "to",
}


class Carrier:
    """A carrier over HTTP, and its provider's calls."""

    def __init__(self, edge, view):
        self.edge, self.id = edge, view["id"]
        self.receipts, self.inbound = (urlsplit(view[name]).path for name in ("receipts_url", "inbound_url"))

    async def report(self, *, path="", headers=(), **fields):
        return await self.edge.ask("POST", path or self.receipts, key="", json=fields, headers=headers)

    async def bring(self, text, id_="", source=PHONE, to=SENDER, **more):
        named = {"id": id_} if id_ else {}
        body = {**named, "from": source, "to": to, "text": text, **more}
        return await self.edge.ask("POST", self.inbound, key="", json=body)


@asynccontextmanager
async def http_carrier(edge, name="Heron", **settings):
    body = {"name": name, "kind": "http", "settings": {**SETTINGS, **settings}, "password": "secret"}
    made = await edge.post("/v1/carriers", body, key=edge.operator)
    assert made.status == 201, made.body
    yield Carrier(edge, made.json)


@pytest_asyncio.fixture
async def edge(tmp_path):
    async with running_edge(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def carrier(edge):
    async with http_carrier(edge) as made:
        yield made


async def texts(edge, count=0):
    """The texts of inbound messages, oldest first, once there are so many."""

    async def there():
        wanted = Search(account_id=edge.customer.id, test=False, direction="in")
        found = [message.text for message in await edge.app.store.search(wanted, 1000)][::-1]
        return found if len(found) >= count else None

    return await until(there) if count else await there()


def counted(edge, name, **labels):
    return edge.app.metrics.registry.get_sample_value(name, labels) or 0.0


async def test_a_receipt_of_a_text_that_is_not_known_yet_waits_for_it(edge, carrier):
    assert (await carrier.report(id="m1", status="delivered")).status == 200
    assert counted(edge, "whimbrel_receipts_total", carrier=carrier.id, result="parked") == 1
    calls = {"carrier": carrier.id, "kind": "receipts", "result": "taken"}
    assert counted(edge, "whimbrel_provider_calls_total", **calls) == 1


async def test_forms_and_queries_are_calls_too(edge, carrier):
    form = urlencode({"id": "m1", "status": "delivered"})
    answers = [
        await edge.ask("POST", carrier.receipts, key="", headers=FORM, data=form),
        await edge.get(f"{carrier.receipts}?{form}", key=""),
    ]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b""), (200, b"")]


async def test_a_wrong_address_is_none(edge, carrier):
    token = carrier.receipts.split("/")[3]
    (smpp,) = [
        each["id"]
        for each in (await edge.get("/v1/carriers", key=edge.operator)).json["data"]
        if each["kind"] == "smpp"
    ]
    smpp_token = edge.app.vault.call_token(smpp, 0)
    wrong = [
        carrier.receipts.replace(token, "0" * 32),
        carrier.receipts.replace(token, token[:-1]),
        carrier.receipts.replace(token, f"{token}%C3%A9"),
        carrier.receipts.replace(carrier.id, carrier.id[:-1] + ("0" if carrier.id[-1] != "0" else "1")),
        carrier.receipts.replace("receipts", "invoices"),
        f"/providers/{smpp}/{smpp_token}/receipts",
        "/providers/",
        f"/providers/{carrier.id}",
    ]  # fmt: skip
    for path in wrong:
        assert (await carrier.report(path=path, id="m1", status="delivered")).code == "not_found", path


async def test_who_guesses_is_turned_away_and_the_provider_is_not(carrier):
    token = carrier.receipts.split("/")[3]
    wrong = carrier.receipts.replace(token, "f" * 32)
    answers = [await carrier.report(path=wrong, id="m1", status="sent") for _ in range(21)]
    assert [answer.code for answer in answers] == ["not_found"] * 20 + ["rate_limited"]
    assert (await carrier.report(id="m1", status="sent")).status == 200


async def test_another_version_has_another_address(edge, carrier):
    changed = await edge.ask(
        "PATCH", f"/v1/carriers/{carrier.id}", key=edge.operator, json={"settings": {"callback_version": 2}}
    )
    assert (await carrier.report(id="m1", status="delivered")).code == "not_found"
    assert (await Carrier(edge, changed.json).report(id="m1", status="delivered")).status == 200


async def test_a_call_that_cannot_be_read_is_told(edge, carrier, caplog):
    for _ in range(3):
        assert (await carrier.report(message="m1")).code == "hook_body"
    assert (await edge.ask("POST", carrier.receipts, key="", data=b"{")).code == "hook_body"
    assert (await edge.ask("PUT", carrier.receipts, key="", data=b"{")).code == "method_not_allowed"
    told = [record for record in caplog.records if record.name == "whimbrel.providers"]
    assert [record.problem for record in told] == ["receipt_id finds nothing; there are message"]
    calls = {"carrier": carrier.id, "kind": "receipts", "result": "unreadable"}
    assert counted(edge, "whimbrel_provider_calls_total", **calls) == 4


async def test_an_address_may_be_tried(edge, carrier):
    for method in ("GET", "HEAD", "POST"):
        assert (await edge.ask(method, carrier.inbound, key="")).status == 200
        assert (await edge.ask(method, carrier.inbound[:-1], key="")).status == 404
    calls = {"carrier": carrier.id, "kind": "inbound", "result": "empty"}
    assert counted(edge, "whimbrel_provider_calls_total", **calls) == 3


async def test_what_of_a_list_can_be_read_is_taken(edge):
    async with http_carrier(edge, receipt_items="list") as carrier:
        listed = [{"id": "m1", "status": "delivered"}, {"id": "m2"}]
        assert (await carrier.report(list=listed)).status == 200
        assert counted(edge, "whimbrel_receipts_total", carrier=carrier.id, result="parked") == 1


async def test_what_could_not_be_stored_is_to_come_again(edge, carrier, monkeypatch):
    async def fails(rows):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(edge.app.store, "record_receipts", fails)
    monkeypatch.setattr(edge.app.store, "record_inbound", fails)
    for answer in (await carrier.report(id="m1", status="delivered"), await carrier.bring("hi", "t1")):
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "overloaded", "5")
    monkeypatch.undo()
    assert (await carrier.bring("hi", "t1")).status == 200
    assert await texts(edge) == ["hi"]


async def test_a_text_that_is_brought_again_is_one(edge, carrier):
    said = ["Yes", "Yes", "Grüße 🐦", "a\ufffe", "x" * 400]
    for number, text in enumerate(said):
        for _ in range(2):
            assert (await carrier.bring(text, f"t{number}")).status == 200
    assert await texts(edge) == said


async def test_texts_without_an_id_are_each_their_own(edge, carrier):
    """People do answer "ok" twice; a text too many is better than one too few."""
    for _ in range(2):
        assert (await carrier.bring("ok")).status == 200
    assert await texts(edge) == ["ok", "ok"]


async def test_a_text_to_nobody_is_taken_and_not_kept(edge, carrier):
    assert (await carrier.bring("hi", "t1", to="+19995550100")).status == 200
    assert await texts(edge) == []


async def test_a_stop_holds_at_once(edge, carrier):
    assert (await carrier.bring("STOP", "t1", source=PHONE[1:])).status == 200
    refused = await edge.send(to=PHONE)
    assert refused.code == "opted_out"


async def test_twilio_signs_its_calls(edge):
    async with http_carrier(edge, check="twilio") as carrier:
        body = urlencode({"id": "m1", "status": "delivered"})
        signed = twilio("secret", edge.url + carrier.receipts, [("id", "m1"), ("status", "delivered")])
        for signature, status in ((signed, 200), (signed[::-1], 401), ("", 401)):
            headers = {**FORM, "X-Twilio-Signature": signature}
            answer = await edge.ask("POST", carrier.receipts, key="", headers=headers, data=body)
            assert answer.status == status, answer.body


# ---------------------------------------------------------------- whole journeys


class Journey:
    """An edge whose texts to PHONE and to reserved numbers go by a provider of the sandbox."""

    def __init__(self, edge, carrier, provider):
        self.edge, self.carrier, self.provider = edge, carrier, provider

    async def send(self, to=PHONE, **fields):
        sent = await self.edge.send(to=to, **fields)
        assert sent.status == 202, sent.body
        return sent.json["id"]

    async def settled(self, message_id, *states):
        async def there():
            shown = (await self.edge.get(f"/v1/messages/{message_id}")).json
            return shown if shown["status"] in states else None

        return await until(there)

    def of(self, kind):
        """What the provider's log has of a kind."""
        return [event for event in self.provider.center.log.after(0, 1000)[1] if isinstance(event, kind)]

    def submits(self):
        return self.of(Submitted)


@pytest_asyncio.fixture
async def journey(edge):
    options = {"smpp_port": 0, "http_port": None, "provider_port": 0, "seed": 1, "time_scale": 0.01}
    async with running(SandboxSettings(**options, deliver_retry_ms=20)) as provider:
        settings = {"url": f"{provider.address.provider_url}/messages", "reconnect_min_s": 0.05}
        async with http_carrier(edge, answer_code="error", **settings) as carrier:
            calls = {"receipts_url": edge.url + carrier.receipts, "inbound_url": edge.url + carrier.inbound}
            change(provider.provider.settings, ProviderChange(**calls))
            (route,) = (await edge.get("/v1/routes", key=edge.operator)).json["data"]
            patch = {"carriers": [carrier.id]}
            changed = await edge.ask("PATCH", f"/v1/routes/{route['id']}", key=edge.operator, json=patch)
            assert changed.status == 200, changed.body
            yield Journey(edge, carrier, provider)


@pytest.mark.parametrize("writing", ["json", "form", "query"])
async def test_a_text_is_sent_and_delivered(journey, writing):
    change(journey.provider.provider.settings, ProviderChange(writing=writing))
    shown = await journey.settled(await journey.send(text="Grüße 🐦." * 30), "delivered")
    (submitted,) = journey.submits()
    assert (submitted.text, submitted.dest) == ("Grüße 🐦." * 30, PHONE[1:])
    (text,) = journey.provider.network.phones.read(PHONE[1:])
    assert text.text == "Grüße 🐦." * 30
    assert shown["segments"] > 1 and submitted.reference


async def test_what_the_provider_says_of_a_failure_is_shown(journey):
    message_id = await journey.send(to="+15005550227")
    assert (await journey.settled(message_id, "undelivered"))["status"] == "undelivered"
    refused = await journey.send(to="+15005550401")
    await journey.settled(refused, "failed", "rejected", "undelivered")


async def test_a_phone_answers_and_says_stop(journey):
    await journey.settled(await journey.send(), "delivered")
    journey.provider.network.send_text(PHONE, PhoneText(to=SENDER, text="A long answer. " * 20))
    assert await texts(journey.edge, 1) == ["A long answer. " * 20]
    journey.provider.network.send_text(PHONE, PhoneText(to=SENDER, text="stop"))
    await until(lambda: sum(not each.status for each in journey.of(InboundAnswered)) == 2)  # it holds from then on
    assert (await journey.edge.send(to=PHONE)).code == "opted_out"
    inbox = await until(lambda: journey.provider.network.phones.read(PHONE[1:])[1:])  # one confirmation
    assert len(inbox) == 1


@pytest.mark.parametrize("played", [Played.TAKEN_DROPPED, Played.TAKEN_FAILED])
async def test_a_lost_answer_is_a_doubt_that_the_receipt_ends(journey, played):
    """By the recipient in it: the id was in the answer that was lost. It is never sent again."""
    change(journey.provider.provider.settings, ProviderChange(next=[played]))
    await journey.settled(await journey.send(), "delivered")
    assert len(journey.submits()) == 1


async def test_a_provider_that_is_busy_gets_it_later(journey):
    played = [Played.THROTTLED, Played.UNAVAILABLE]
    change(journey.provider.provider.settings, ProviderChange(next=played, retry_after_s=0))
    message_id = await journey.send()
    await journey.settled(message_id, "delivered")
    assert [bool(event.message_id) for event in journey.submits()] == [False, False, True]
    assert json.loads((await journey.edge.get("/v1/balance")).body)["held"] == "0.00"
