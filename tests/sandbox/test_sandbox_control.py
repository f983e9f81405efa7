"""The HTTP control and the phones behind it."""

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest
from sandbox_esme import eventually, reserved

from whimbrel_sandbox.control import app
from whimbrel_sandbox.settings import Settings, from_arguments

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@pytest.fixture
async def control(start):
    """A simulator with its control, and `ask(method, path, body)` that answers (status, JSON)."""
    simulator = await start(http_port=0)
    async with aiohttp.ClientSession(simulator.address.http_url) as http:

        async def ask(method, path, body=None):
            async with http.request(method, path, json=body) as answer:
                return answer.status, await answer.json()

        yield simulator, ask


def test_every_route_is_documented():
    documented = set(re.findall(r"^\| `(GET|POST) ([^`?]+)", DOCUMENT, re.MULTILINE))
    routes = app(None, None, None, None).routes
    assert documented == {(method, route.path) for route in routes for method in route.methods - {"HEAD"}}


def test_every_setting_is_documented_with_its_default():
    rows = dict(re.findall(r"^\| `--([a-z-]+)` \| (\S+) \|", DOCUMENT, re.MULTILINE))
    words = {name.replace("_", "-"): getattr(Settings(), name) for name in Settings.__struct_fields__}
    assert rows == {name: "none" if value is None else str(value) for name, value in words.items()}


def test_arguments_become_settings():
    settings = from_arguments(["--smpp-port", "0", "--ids", "uuid", "--seed", "7", "--time-scale", "0.5"])
    assert settings == Settings(smpp_port=0, ids="uuid", seed=7, time_scale=0.5)
    assert from_arguments(["--http-port", "null"]).http_port is None


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--smpp-prot", "1"], "--smpp-prot is not an option"),
        (["smpp-port", "1"], "smpp-port is not an option"),
        (["--smpp-port"], "has no value"),
        (["--smpp-port", "many"], "smpp_port"),
        (["--ids", "roman"], "ids"),
    ],
)
def test_wrong_arguments_are_told_apart(arguments, words):
    with pytest.raises(ValueError, match=words):
        from_arguments(arguments)


async def test_a_phone_shows_what_it_received(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    message_id = (await client.submitted("+447700900123", "Grüße".encode("utf-16-be"), data_coding=8)).body.message_id
    status, view = await ask("GET", "/phones/+447700900123")
    assert status == 200
    [text] = view["inbox"]
    assert (text["source"], text["text"], text["parts"], text["message_ids"]) == ("Shop", "Grüße", 1, [message_id])
    assert (await ask("GET", "/phones"))[1] == {"phones": [view["phone"]]}
    assert view["phone"] == {"number": "447700900123", "off": False, "memory_full": False, "received": 1, "waiting": 0}


@pytest.mark.parametrize("wide", [False, True])
async def test_a_long_text_is_joined_whatever_the_order_of_its_parts(control, connect, wide):
    simulator, ask = control
    client = await connect(simulator)
    for index in (3, 1, 2):
        head = bytes((6, 8, 4, 1, 7, 3, index)) if wide else bytes((5, 0, 3, 7, 3, index))
        await client.submitted("447700900123", head + b"part %d." % index, esm_class=0x40)
    [text] = (await ask("GET", "/phones/447700900123"))[1]["inbox"]
    assert (text["text"], text["parts"]) == ("part 1.part 2.part 3.", 3)


async def test_an_inbox_and_the_phones_are_bounded(start, connect):
    simulator = await start(phones=10, inbox=3)
    client = await connect(simulator)
    for number in range(5):
        await client.submitted("447700900123", b"%d" % number)
    assert [text.text for text in simulator.network.phones.read("447700900123")] == ["2", "3", "4"]
    for number in range(100):
        await client.submitted(f"4477009{number:05}")
    assert 10 <= len(simulator.network.phones.listing(1000)) <= 20


async def test_a_phone_that_is_off_gets_its_texts_when_it_comes_on(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    assert (await ask("POST", "/phones/+447700900123", {"off": True}))[1]["off"] is True
    waiting = (await client.submitted("447700900123")).body.message_id
    other = (await client.submitted("447700900124")).body.message_id
    [first] = await client.receipts(1)
    assert first.message_ids == (other,)
    view = (await ask("GET", "/phones/447700900123"))[1]
    assert (view["inbox"], view["phone"]["waiting"]) == ([], 1)
    await ask("POST", "/phones/447700900123", {"off": False})
    assert [receipt.message_ids[0] for receipt in await client.receipts(2)] == [other, waiting]
    assert len((await ask("GET", "/phones/447700900123"))[1]["inbox"]) == 1


async def test_a_message_expires_at_a_phone_that_stays_off(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    await ask("POST", "/phones/447700900123", {"off": True})
    await client.submitted("447700900123", validity_period="000000000010000R")  # 10 s, here 10 ms
    [receipt] = await client.receipts(1)
    assert receipt.stat == "EXPIRED"
    assert (await ask("GET", "/phones/447700900123"))[1]["phone"]["waiting"] == 0
    await ask("POST", "/phones/447700900123", {"off": False})
    assert (await ask("GET", "/phones/447700900123"))[1]["inbox"] == []


async def test_a_full_memory_is_told(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    await ask("POST", "/phones/447700900123", {"memory_full": True})
    await client.submitted("447700900123")
    [receipt] = await client.receipts(1)
    assert (receipt.stat, receipt.error) == ("UNDELIV", "032")
    await ask("POST", "/phones/447700900123", {"memory_full": False})
    await client.submitted("447700900123")
    assert [receipt.stat for receipt in await client.receipts(2)] == ["UNDELIV", "DELIVRD"]


async def test_a_phone_sends_a_text_in_parts_out_of_order(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    body = {"to": "+12025550100", "text": "word " * 80, "order": "backward", "wide": True}
    assert (await ask("POST", "/phones/+447700900123/send", body))[0] == 202
    parts = [pdu.body for pdu in await client.deliveries(3)]
    assert [part.short_message[:7] for part in parts] == [bytes((6, 8, 4, 0, 1, 3, index)) for index in (3, 2, 1)]
    assert all((part.source, part.dest, part.esm_class) == ("447700900123", "12025550100", 0x40) for part in parts)


async def test_a_text_goes_to_the_client_that_uses_the_number_as_its_sender(control, connect):
    simulator, ask = control
    shop, other = await connect(simulator, system_id="shop"), await connect(simulator, system_id="other")
    body = {"to": "Shop", "text": "hello"}
    status, problem = await ask("POST", "/phones/447700900123/send", body)
    assert status == 409 and "system_id" in problem["detail"]
    await shop.submitted("447700900123", registered=0)
    assert (await ask("POST", "/phones/447700900123/send", body))[0] == 202
    assert (await ask("POST", "/phones/447700900123/send", body | {"system_id": "other"}))[0] == 202
    assert (await ask("POST", "/phones/447700900123/send", body | {"system_id": "nobody"}))[0] == 409
    assert [len(await client.deliveries(1)) for client in (shop, other)] == [1, 1]


@pytest.mark.parametrize(
    "path, body",
    [
        ("/phones/1/send", {"to": "Shop"}),
        ("/phones/1/send", {"to": "Shop", "text": "x", "ordre": "forward"}),
        ("/phones/1/send", {"to": "Shop", "text": "x", "order": "sideways"}),
        ("/phones/1", {"of": True}),
        ("/behaviour", {"rate_limit": "fast"}),
        ("/behaviour", ["silent"]),
    ],
)
async def test_a_wrong_body_is_refused(control, path, body):
    _, ask = control
    assert (await ask("POST", path, body))[0] == 400


async def test_behaviour_changes_while_it_runs_and_is_reset(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    status, changed = await ask("POST", "/behaviour", {"rate_limit": 1, "receipt_share": 0})
    assert (status, changed["rate_limit"], changed["receipt_share"]) == (200, 1, 0)
    sent = [client.submit("447700900123") for _ in range(2)]
    assert [(await client.response(number)).status for number in sent] == [0, 0x58]
    assert (await ask("POST", "/reset"))[0] == 200
    assert (await ask("GET", "/behaviour"))[1]["rate_limit"] == 0
    assert (await client.submitted("447700900123")).status == 0
    assert len(await client.receipts(1)) == 1
    assert (await ask("GET", "/counts"))[1]["submits"] == 1


async def test_reset_empties_phones_and_queues(control, connect):
    simulator, ask = control
    client = await connect(simulator, command=2)
    await client.submitted("447700900123")
    await client.submitted(reserved("0501"))
    await ask("POST", "/reset")
    assert (await ask("GET", "/phones"))[1] == {"phones": []}
    assert (await ask("GET", "/counts"))[1]["waiting"] == 0
    assert (await client.submitted(reserved("0501"))).status == 0x58


async def test_reset_forgets_what_waits_for_its_response(start, connect):
    simulator = await start(http_port=0, window_limit=1, response_latency_ms=60_000)
    client = await connect(simulator)
    client.submit("447700900123")
    await eventually(lambda: simulator.center.counts.submits)
    async with aiohttp.ClientSession() as http, http.post(simulator.address.http_url + "/reset") as answer:
        assert answer.status == 200
    client.submit("447700900123")
    counts = await eventually(lambda: simulator.center.counts.submits and simulator.center.counts)
    assert (counts.accepted, counts.refused) == (1, 0)


async def test_a_text_arrives_once_however_many_receipts_say_so(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    await client.submitted(reserved("0709"))
    await client.receipts(5)
    assert len((await ask("GET", f"/phones/{reserved('0709')}"))[1]["inbox"]) == 1


@pytest.mark.parametrize("action", ["drop", "unbind"])
async def test_links_are_dropped_or_unbound_on_demand(control, connect, action):
    simulator, ask = control
    client = await connect(simulator)
    await ask("POST", "/behaviour", {action: True})
    if action == "unbind":
        [unbind] = await client.until(lambda: [pdu for pdu in client.received if pdu.command_id == 6])
        client.writer.write(bytes.fromhex("00000010 80000006 00000000") + unbind.sequence.to_bytes(4))
    await client.closed()
    assert (await (await connect(simulator)).submitted("447700900123")).status == 0


async def test_the_log_is_read_in_pages(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    for _ in range(3):
        await client.submitted("447700900123", registered=0)
    page = (await ask("GET", "/log?after=1&limit=4"))[1]
    assert (page["first"], page["next"]) == (1, 5)
    assert [event["kind"] for event in page["events"]] == ["submit", "response"] * 2
    assert (await ask("GET", "/log?after=x"))[0] == 400
    assert (await ask("GET", "/log?after=1000"))[1]["events"] == []


async def test_health_outcomes_and_counts(control, connect):
    simulator, ask = control
    assert (await ask("GET", "/healthz"))[0] == 200
    table = (await ask("GET", "/outcomes"))[1]["outcomes"]
    assert {"number": "+15005550201", "name": "undelivered_unknown_subscriber"}.items() <= table[4].items()
    client = await connect(simulator)
    await client.submitted("447700900123")
    await eventually(lambda: simulator.center.counts.receipts_answered)
    counts = (await ask("GET", "/counts"))[1]
    assert (counts["sessions"], counts["accepted"], counts["receipts_answered"], counts["waiting"]) == (1, 1, 1, 0)


async def test_without_a_log_the_control_says_so(start):
    simulator = await start(http_port=0, log="counts")
    async with aiohttp.ClientSession() as http, http.get(simulator.address.http_url + "/log") as answer:
        assert answer.status == 404


async def test_a_flash_text_is_told_from_one_that_is_kept(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    await client.submitted("447700900123", b"kept")
    await client.submitted("447700900123", b"shown", data_coding=0x10)
    await client.submitted("447700900123", "⚡".encode("utf-16-be"), data_coding=0x18)
    inbox = (await ask("GET", "/phones/447700900123"))[1]["inbox"]
    assert [(text["text"], text["flash"]) for text in inbox] == [("kept", False), ("shown", True), ("⚡", True)]


async def test_what_a_phone_sent_is_kept_beside_what_it_received(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    await client.submitted(reserved("0902"), b"one")
    await client.deliveries(1)
    await ask("POST", f"/phones/{reserved('0902')}/send", {"to": "Shop", "text": "Merci"})
    view = (await ask("GET", f"/phones/{reserved('0902')}?limit=5"))[1]
    assert [(text["to"], text["text"]) for text in view["sent"]] == [("Shop", "STOP"), ("Shop", "Merci")]
    assert [text["text"] for text in view["inbox"]] == ["one"]
    latest = (await ask("GET", f"/phones/{reserved('0902')}?limit=1"))[1]
    assert [text["text"] for text in latest["sent"]] == ["Merci"]


async def test_phones_are_found_by_who_texted_them(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    for number in ("447700900123", "447700900124", "447700900123"):
        await client.submitted(number)
    assert [phone["number"] for phone in (await ask("GET", "/phones?source=Shop"))[1]["phones"]] == [
        "447700900124",
        "447700900123",
    ]
    assert (await ask("GET", "/phones?source=Other&source=%2B12025550100"))[1] == {"phones": []}


async def test_who_waits_for_a_phone_is_told_when_something_happens_to_it(control, connect):
    simulator, ask = control
    client = await connect(simulator)
    start = (await ask("GET", "/phones/changes"))[1]["now"]
    look = "/phones/changes?after={}&number=%2B447700900123&source=Shop&wait_ms=20000"
    waiting = asyncio.create_task(ask("GET", look.format(start)))
    await eventually(lambda: simulator.network.phones.changes._waiting)
    await client.submitted("447700900199")
    status, told = await waiting
    assert (status, told["changed"]) == (200, ["Shop"])
    waiting = asyncio.create_task(ask("GET", look.format(told["now"])))
    await ask("POST", "/phones/447700900123", {"off": True})
    assert (await waiting)[1]["changed"] == ["447700900123"]
    assert (await ask("GET", "/phones/changes?after=99999&number=1&wait_ms=20000"))[1]["changed"] == ["1"]
    now = (await ask("GET", "/phones/changes"))[1]["now"]
    assert (await ask("GET", look.format(now).replace("20000", "1")))[1] == {"now": now, "changed": []}


async def test_who_waits_holds_up_no_stop(start):
    simulator = await start(http_port=0)
    waiting = asyncio.create_task(simulator.network.phones.changes.after(0, ["1"], 60))
    await asyncio.sleep(0)
    simulator.network.phones.changes.close()
    assert await asyncio.wait_for(waiting, 50) == []
