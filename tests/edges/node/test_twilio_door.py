"""The official Twilio package of npm, unmodified, against the running application: the same essentials as Python's."""

import asyncio
import json

import pytest
from tests.edges.edge_rig import NUMBER, SENDER, until
from tests.edges.twilio.twilio_rig import answers_go_to, inbox, running_sink, settled, text_from_phone

pytestmark = pytest.mark.ci

HEAD = """
const twilio = require("twilio");
const given = JSON.parse(process.env.GIVEN);
const client = twilio(given.sid, given.token);
client.api.baseUrl = given.url;
const out = (value) => console.log(JSON.stringify(value));
const failed = async (call) => {
    try { await call(); } catch (error) {
        return { kind: error.constructor.name, status: error.status, code: error.code, info: error.moreInfo };
    }
};
const main = async () => {
%s
};
main().catch((error) => { console.error(error); process.exit(1); });
"""


async def run(edge, node, body, **more):
    """What the script prints, as JSON; it runs in a process of its own beside the application's loop."""
    given = {"sid": edge.customer.id, "token": edge.customer.auth_token, "url": edge.url, "to": NUMBER, "from": SENDER}
    environ = {"GIVEN": json.dumps(given | more)}
    return json.loads(await asyncio.to_thread(node.run, HEAD % body, environ))


async def test_a_text_is_created_delivered_and_fetched(edge, twilio_node):
    script = """
    const made = await client.messages.create({ to: given.to, from: given.from, body: "Grüße ☺ & 5 > 4" });
    out([made.sid, made.status, made.dateCreated instanceof Date, made.price, made.numSegments]);
    """
    sid, *rest = await run(edge, twilio_node, script)
    assert rest == ["queued", True, None, "1"]
    await settled(edge, sid, "delivered")
    assert inbox(edge) == ["Grüße ☺ & 5 > 4"]
    script = """
    const read = await client.messages(given.message).fetch();
    out([read.status, read.body, read.price, read.priceUnit, read.errorCode, read.direction]);
    """
    assert await run(edge, twilio_node, script, message=sid) == [
        "delivered", "Grüße ☺ & 5 > 4", "-0.00750", "USD", None, "outbound-api",
    ]  # fmt: skip


async def test_lists_filters_and_pages(edge, twilio_node):
    script = """
    const made = [];
    for (let n = 0; n < 5; n++) {
        made.unshift(await client.messages.create({ to: given.to, from: given.from, body: `n${n}` }));
    }
    const sids = made.map((m) => m.sid);
    const day = (m) => m.dateCreated.toISOString().slice(0, 10);
    const ofItsDay = made.filter((m) => day(m) === day(made[0])).length;
    const all = (await client.messages.list({ pageSize: 2 })).map((m) => m.sid);
    const some = (await client.messages.list({ limit: 3 })).map((m) => m.sid);
    const each = [];
    await new Promise((done) => client.messages.each({ pageSize: 2, done }, (m) => each.push(m.sid)));
    const first = await client.messages.page({ pageSize: 3 });
    const second = await first.nextPage();
    const today = await client.messages.list({ dateSent: made[0].dateCreated, from: given.from });
    const never = await client.messages.list({ dateSentBefore: new Date("2020-01-31") });
    const rest = second.instances.map((m) => m.sid);
    out({ sids, all, some, each, rest, ofItsDay, today: today.length, never: never.length });
    """
    found = await run(edge, twilio_node, script)
    sids = found["sids"]
    assert found["all"] == found["each"] == sids
    assert found["some"] == sids[:3]
    assert found["rest"] == sids[3:]
    assert (found["today"], found["never"]) == (found["ofItsDay"], 0)


async def test_update_cancel_delete(edge, twilio_node):
    script = """
    const sendAt = new Date(Date.now() + 86400000);
    const later = await client.messages.create({
        to: given.to, messagingServiceSid: "MG" + "0".repeat(32), body: "x", sendAt, scheduleType: "fixed",
    });
    const canceled = await client.messages(later.sid).update({ status: "canceled" });
    const erased = await client.messages(later.sid).update({ body: "" });
    const media = await client.messages(later.sid).media.list();
    const removed = await client.messages(later.sid).remove();
    const gone = await failed(() => client.messages(later.sid).fetch());
    out([later.status, canceled.status, erased.body, media, removed, gone.status, gone.code]);
    """
    assert await run(edge, twilio_node, script) == ["scheduled", "canceled", "", [], True, 404, 20404]


async def test_errors_are_the_packages_own(edge, twilio_node):
    script = """
    const refused = await failed(() => client.messages.create({ to: "hello", from: given.from, body: "x" }));
    client.password = "0".repeat(32);
    const unknown = await failed(() => client.messages.create({ to: given.to, from: given.from, body: "x" }));
    out([refused, unknown]);
    """
    assert await run(edge, twilio_node, script) == [
        {"kind": "RestException", "status": 400, "code": 21211, "info": f"{edge.url}/docs/errors#invalid_number"},
        {"kind": "RestException", "status": 401, "code": 20003, "info": f"{edge.url}/docs/errors#unauthorized"},
    ]


async def test_the_account_and_its_balance(edge, twilio_node):
    script = """
    const account = await client.api.accounts(given.sid).fetch();
    const balance = await client.balance.fetch();
    out([account.status, account.friendlyName, balance.balance, balance.currency]);
    """
    assert await run(edge, twilio_node, script) == ["active", "Acme", "100.00", "USD"]


async def test_webhooks_are_what_the_packages_validator_takes(edge, twilio_node):
    async with running_sink() as sink:
        script = """
        const made = await client.messages.create({
            to: given.to, from: given.from, body: "x", statusCallback: given.sink + "/status?a=1",
        });
        const twiml = new twilio.twiml.MessagingResponse();
        twiml.message("You said “hello” & more");
        out([made.sid, twiml.toString()]);
        """
        sid, twiml = await run(edge, twilio_node, script, sink=sink.url)
        status = await sink.wait_for(lambda told: told.form.get("MessageStatus") == "delivered")
        assert status.form["MessageSid"] == sid
        await answers_go_to(edge, sink.answer("/sms", twiml))
        await text_from_phone(edge, "hello ☺")
        inbound = await sink.wait_for(lambda told: told.form.get("Body") == "hello ☺")
        await until(lambda: sorted(inbox(edge)) == ["You said “hello” & more", "x"])
    script = """
    out(given.told.map(([signature, url, form]) => [
        twilio.validateRequest(given.token, signature, url, form),
        twilio.validateRequest("0".repeat(32), signature, url, form),
    ]));
    """
    told = [(each.signature, each.url, each.form) for each in (status, inbound)]
    assert await run(edge, twilio_node, script, told=told) == [[True, False]] * 2
