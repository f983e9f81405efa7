"""Messaging Services by the official Twilio package of npm, unmodified, against the running application: the same
essentials as Python's.
"""

import asyncio
import json

import pytest
from tests.edges.edge_rig import ACTOR, NUMBER, SENDER, running_edge

from whimbrel.manage import senders

pytestmark = pytest.mark.ci

HEAD = """
const twilio = require("twilio");
const given = JSON.parse(process.env.GIVEN);
const client = twilio(given.sid, given.token);
client.messaging.baseUrl = given.url;
client.api.baseUrl = given.url;
const services = client.messaging.v1.services;
const out = (value) => console.log(JSON.stringify(value));
const failed = async (call) => {
    try { await call(); } catch (error) {
        return [error.constructor.name, error.status, error.code];
    }
};
const main = async () => {
%s
};
main().catch((error) => { console.error(error); process.exit(1); });
"""
MISSING = ["RestException", 404, 20404]


@pytest.fixture
async def edge(tmp_path):
    async with running_edge(tmp_path) as running:
        yield running


async def run(edge, node, body, **more):
    """What the script prints, as JSON; it runs in a process of its own beside the application's loop."""
    given = {"sid": edge.customer.id, "token": edge.customer.auth_token, "url": edge.url, "to": NUMBER}
    return json.loads(await asyncio.to_thread(node.run, HEAD % body, {"GIVEN": json.dumps(given | more)}))


async def test_a_service_is_made_changed_listed_and_deleted(edge, twilio_node):
    script = """
    const made = await services.create({
        friendlyName: "Support", stickySender: false, areaCodeGeomatch: false, smartEncoding: true,
        validityPeriod: 120, usecase: "notifications", inboundRequestUrl: "http://127.0.0.1:1/in", inboundMethod: "GET",
    });
    const changed = await services(made.sid).update({ friendlyName: "Help", stickySender: true });
    const second = await services.create({ friendlyName: "Second" });
    const sids = (await services.list({ pageSize: 1 })).map((each) => each.sid);
    out([
        [made.sid, made.friendlyName, made.accountSid, made.stickySender, made.areaCodeGeomatch, made.smartEncoding,
            made.validityPeriod, made.usecase, made.inboundMethod, made.dateCreated instanceof Date],
        [changed.friendlyName, changed.stickySender, changed.validityPeriod, changed.inboundRequestUrl],
        sids.length === 2 && sids[0] === second.sid && sids[1] === made.sid,
        await services(made.sid).remove(), await failed(() => services(made.sid).fetch()),
        (await failed(() => services.create({ friendlyName: "x", validityPeriod: 1 })))[1],
    ]);
    """
    (sid, *made), changed, is_listed, removed, gone, wrong = await run(edge, twilio_node, script)
    assert sid.startswith("MG")
    assert made == ["Support", edge.customer.id, False, False, True, 120, "notifications", "GET", True]
    assert changed == ["Help", True, 120, "http://127.0.0.1:1/in"]
    assert (is_listed, removed, gone, wrong) == (True, True, MISSING, 400)


async def test_senders_of_a_service_and_a_text_through_it(edge, twilio_node):
    for value in ("24680", "ACME"):
        await senders.create(edge.app.manage, ACTOR, senders.NewSender(value=value), account_id=edge.customer.id)
    known = edge.app.tables.senders_by_value
    own, code = known[SENDER.lstrip("+")].id, known["24680"].id
    script = """
    const service = await services.create({ friendlyName: "Support" });
    const of = services(service.sid);
    const number = await of.phoneNumbers.create({ phoneNumberSid: given.own });
    const code = await of.shortCodes.create({ shortCodeSid: given.code });
    const name = await of.alphaSenders.create({ alphaSender: "ACME" });
    const lists = [await of.phoneNumbers.list(), await of.shortCodes.list(), await of.alphaSenders.list()];
    const read = await of.alphaSenders(name.sid).fetch();
    const removed = [await of.alphaSenders(name.sid).remove(), await of.shortCodes(code.sid).remove()];
    const gone = await failed(() => of.alphaSenders(name.sid).fetch());
    const nobody = await failed(() => of.alphaSenders.create({ alphaSender: "NOBODY" }));
    const sent = await client.messages.create({ to: given.to, messagingServiceSid: service.sid, body: "Hello" });
    out([
        [number.phoneNumber, number.countryCode, number.capabilities], code.shortCode,
        [name.sid.slice(0, 2), read.alphaSender],
        lists.map((each) => each.length), removed, gone, nobody.slice(0, 2),
        [sent.messagingServiceSid === service.sid, sent.status],
    ]);
    """
    number, short_code, name, lengths, removed, gone, nobody, sent = await run(
        edge, twilio_node, script, own=own, code="SC" + code[2:]
    )
    assert (number, short_code, name) == ([SENDER, "US", ["SMS"]], "24680", ["AI", "ACME"])
    assert (lengths, removed, gone, nobody) == ([1, 1, 1], [True, True], MISSING, ["RestException", 400])
    assert sent == [True, "accepted"]
