"""Verify, Lookup and usage records by the official Twilio package of npm, unmodified, against the running application:
the same essentials as Python's.
"""

import asyncio
import json
import re

import pytest
from tests.edges.authenticator import code as code_of
from tests.edges.edge_rig import running_edge, until
from tests.journey.rig import ShiftedClock

from whimbrel.base.clock import DAY_US

pytestmark = pytest.mark.ci

PHONE = "+447400123456"
SECOND_US = 1_000_000
HEAD = """
const twilio = require("twilio");
const given = JSON.parse(process.env.GIVEN);
const client = twilio(given.sid, given.token);
client.verify.baseUrl = given.url;
client.lookups.baseUrl = given.url;
client.api.baseUrl = given.url;
const v2 = client.verify.v2;
const of = given.service ? v2.services(given.service) : null;
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


@pytest.fixture
async def edge(tmp_path):
    clock = ShiftedClock()
    clock.ahead_us = DAY_US + DAY_US // 2 - clock.now_us() % DAY_US  # noon: no day ends during a test
    async with running_edge(tmp_path, clock=clock, phones=True) as running:
        yield running


async def run(edge, node, body, **more):
    """What the script prints, as JSON; it runs in a process of its own beside the application's loop."""
    given = {"sid": edge.customer.id, "token": edge.customer.auth_token, "url": edge.url, "to": PHONE}
    return json.loads(await asyncio.to_thread(node.run, HEAD % body, {"GIVEN": json.dumps(given | more)}))


async def code_on(edge, texts=1):
    """The code of the newest text that the virtual phone has."""

    async def read():
        async with edge.http.get(f"{edge.simulator.address.http_url}/phones/{PHONE.lstrip('+')}") as response:
            found = (await response.json())["inbox"]
        return found if len(found) >= texts else None

    return re.findall(r"\d{4,10}", (await until(read))[-1]["text"])[-1]


async def test_a_whole_verification(edge, twilio_node):
    script = """
    const service = await v2.services.create({ friendlyName: "Acme", codeLength: 7 });
    const made = await v2.services(service.sid).verifications.create({ to: given.to, channel: "sms" });
    const soon = await failed(() => v2.services(service.sid).verifications.create({ to: given.to, channel: "sms" }));
    out([service.sid, service.codeLength, made.sid, made.status, made.valid, made.dateCreated instanceof Date,
        made.sendCodeAttempts.length, soon]);
    """
    service, length, sid, *rest = await run(edge, twilio_node, script)
    assert (length, rest) == (7, ["pending", False, True, 1, ["RestException", 429, 60212]])
    code = await code_on(edge)
    assert len(code) == 7
    script = """
    const wrong = await of.verificationChecks.create({ to: given.to, code: "1" });
    const right = await of.verificationChecks.create({ verificationSid: given.verification, code: given.code });
    const again = await failed(() => of.verificationChecks.create({ to: given.to, code: given.code }));
    const read = await of.verifications(given.to).fetch();
    out([[wrong.status, wrong.valid], [right.sid, right.status, right.valid], again, [read.sid, read.status]]);
    """
    assert await run(edge, twilio_node, script, service=service, verification=sid, code=code) == [
        ["pending", False], [sid, "approved", True], ["RestException", 404, 20404], [sid, "approved"],
    ]  # fmt: skip


async def test_too_many_expired_canceled_and_a_code_of_the_callers_own(edge, twilio_node):
    script = """
    const service = await v2.services.create({ friendlyName: "Acme", customCodeEnabled: true });
    const own = v2.services(service.sid);
    const made = await own.verifications.create({ to: given.to, channel: "sms", customCode: "24680" });
    const canceled = await own.verifications(made.sid).update({ status: "canceled" });
    const gone = await failed(() => own.verificationChecks.create({ to: given.to, code: "24680" }));
    await own.verifications.create({ to: given.to, channel: "sms" });
    const guesses = [];
    for (let n = 0; n < 5; n++) {
        guesses.push((await own.verificationChecks.create({ to: given.to, code: "1" })).valid);
    }
    const spent = await failed(() => own.verificationChecks.create({ to: given.to, code: "1" }));
    out([service.sid, canceled.status, gone, guesses, spent]);
    """
    service, *rest = await run(edge, twilio_node, script)
    spent = ["RestException", 429, 60202]
    assert rest == ["canceled", ["RestException", 404, 20404], [False] * 5, spent]
    edge.app.manage.clock.ahead_us += 3601 * SECOND_US
    script = """
    out((await of.verifications.create({ to: given.to, channel: "sms" })).status);
    """
    assert await run(edge, twilio_node, script, service=service) == "pending"
    code = await code_on(edge, texts=3)
    edge.app.manage.clock.ahead_us += 601 * SECOND_US
    script = "out(await failed(() => of.verificationChecks.create({ to: given.to, code: given.code })));"
    assert await run(edge, twilio_node, script, service=service, code=code) == ["RestException", 404, 20404]


async def test_an_authenticator_is_enrolled_and_asked(edge, twilio_node):
    script = """
    const service = await v2.services.create({ friendlyName: "Acme" });
    const person = v2.services(service.sid).entities("user-0001");
    const made = await person.newFactors.create({ friendlyName: "Ada", factorType: "totp" });
    const push = await failed(() => person.newFactors.create({ friendlyName: "Ada", factorType: "push" }));
    const early = await failed(() => person.challenges.create({ factorSid: made.sid }));
    out([service.sid, made.sid, made.status, made.binding.secret, made.binding.uri.slice(0, 15), push, early]);
    """
    service, factor, *rest = await run(edge, twilio_node, script)
    status, secret, uri, push, early = rest
    assert (status, uri) == ("unverified", "otpauth://totp/")
    assert (push, early) == (["RestException", 400, 60204], ["RestException", 403, 60318])
    clock = edge.app.manage.clock

    def shown():
        return code_of(secret, clock.now_us() / SECOND_US)

    script = """
    const person = of.entities("user-0001");
    const wrong = await person.factors(given.factor).update({ authPayload: "000000" });
    const right = await person.factors(given.factor).update({ authPayload: given.code });
    out([wrong.status, right.status]);
    """
    about = {"service": service, "factor": factor}
    assert await run(edge, twilio_node, script, **about, code=shown()) == ["unverified", "verified"]
    clock.ahead_us += 31 * SECOND_US
    script = """
    const person = of.entities("user-0001");
    const asked = { factorSid: given.factor, authPayload: given.code };
    const first = await person.challenges.create(asked);
    const again = await person.challenges.create(asked);
    const waiting = await person.challenges.create({ factorSid: given.factor });
    const listed = await person.challenges.list({ status: "approved" });
    const factors = await person.factors.list();
    await person.factors(given.factor).remove();
    const gone = await failed(() => person.factors(given.factor).fetch());
    out([first.status, again.status, waiting.status, listed.map((each) => each.sid).includes(first.sid),
        factors.map((each) => each.sid), gone, (await of.entities.list()).map((each) => each.identity)]);
    """
    found = await run(edge, twilio_node, script, **about, code=shown())
    assert found == [
        "approved", "pending", "pending", True, [factor], ["RestException", 404, 20404], ["user-0001"],
    ]  # fmt: skip


async def test_webhooks_and_what_there_is_not(edge, twilio_node):
    script = """
    const service = await v2.services.create({ friendlyName: "Acme" });
    const own = v2.services(service.sid);
    const made = await own.webhooks.create({ friendlyName: "Mine", eventTypes: ["factor.created"],
        webhookUrl: "https://example.com/verify" });
    const changed = await own.webhooks(made.sid).update({ status: "disabled" });
    const listed = (await own.webhooks.list()).map((each) => each.sid);
    const gone = await own.webhooks(made.sid).remove();
    const push = await failed(() => own.accessTokens.create({ identity: "user-0001", factorType: "push" }));
    const senders = await failed(() => own.messagingConfigurations.list());
    out([made.eventTypes, made.status, changed.status, listed.length, gone, push, senders]);
    """
    missing = ["RestException", 400, 60204]
    found = await run(edge, twilio_node, script)
    assert found == [["factor.created"], "enabled", "disabled", 1, True, missing, missing]


async def test_limits_lists_and_figures(edge, twilio_node):
    script = """
    const sids = [];
    for (let n = 0; n < 5; n++) sids.unshift((await v2.services.create({ friendlyName: `n${n}` })).sid);
    const all = (await v2.services.list({ pageSize: 2 })).map((each) => each.sid);
    const first = await v2.services.page({ pageSize: 3 });
    const second = (await first.nextPage()).instances.map((each) => each.sid);
    const own = v2.services(sids[0]);
    const limit = await own.rateLimits.create({ uniqueName: "address" });
    await own.rateLimits(limit.sid).buckets.create({ max: 1, interval: 60 });
    const [bucket] = await own.rateLimits(limit.sid).buckets.list();
    const keys = { channel: "sms", rateLimits: { address: "192.0.2.7" } };
    await own.verifications.create({ to: given.to, ...keys });
    const limited = await failed(() => own.verifications.create({ to: "+447400123999", ...keys }));
    const [attempt] = await v2.verificationAttempts.list({ status: "unconverted" });
    const summary = await v2.verificationAttemptsSummary().fetch();
    const [template] = await v2.templates.list();
    const safe = await v2.safelist.create({ phoneNumber: given.to });
    const removed = await v2.safelist(given.to).remove();
    out({ sids, all, second, bucket: [bucket.max, bucket.interval], limited, attempt: attempt.channel,
        summary: [summary.totalAttempts, summary.conversionRatePercentage], template: template.sid.slice(0, 2),
        safe: [safe.phoneNumber, removed], deleted: await own.remove() });
    """
    found = await run(edge, twilio_node, script)
    assert found["all"] == found["sids"]
    assert found["second"] == found["sids"][3:]
    assert (found["bucket"], found["limited"]) == ([1, 60], ["RestException", 429, 20429])
    assert (found["attempt"], found["summary"], found["template"]) == ("sms", [1, "0.00"], "HJ")
    assert (found["safe"], found["deleted"]) == ([PHONE, True], True)


async def test_lookups(edge, twilio_node):
    script = """
    const found = await client.lookups.v2.phoneNumbers("+4915112345678").fetch({
        fields: "line_type_intelligence,caller_name",
    });
    const national = await client.lookups.v2.phoneNumbers("020 7946 0958").fetch({ countryCode: "GB" });
    const short = await client.lookups.v2.phoneNumbers("+1415").fetch();
    const old = await client.lookups.v1.phoneNumbers("+4915112345678").fetch({ type: ["carrier"] });
    const missing = await failed(() => client.lookups.v1.phoneNumbers("+1415").fetch());
    out([
        [found.phoneNumber, found.valid, found.validationErrors, found.countryCode, found.callingCountryCode],
        [found.lineTypeIntelligence.carrierName, found.lineTypeIntelligence.type, found.callerName.errorCode],
        [national.phoneNumber, national.nationalFormat], [short.valid, short.validationErrors],
        [old.carrier.name, old.carrier.type, old.countryCode], missing,
    ]);
    """
    assert await run(edge, twilio_node, script) == [
        ["+4915112345678", True, [], "DE", "49"], ["T-Mobile", "mobile", 60600],
        ["+442079460958", "020 7946 0958"], [False, ["TOO_SHORT"]],
        ["T-Mobile", "mobile", "DE"], ["RestException", 404, 20404],
    ]  # fmt: skip


async def test_usage_records(edge, twilio_node):
    assert (await edge.send()).status == 202
    ours = "/v1/usage?granularity=total"

    async def counted():
        rows = (await edge.get(ours)).json["data"]
        return rows and rows[0]["sent"] == 1

    await until(counted)
    script = """
    const [today] = await client.usage.records.today.list({ category: "sms-outbound" });
    const start = new Date(today.startDate.getTime() - 4 * 86400000);
    const days = await client.usage.records.daily.list({ category: "sms", startDate: start, pageSize: 2 });
    const all = await client.usage.records.list();
    out([
        [today.count, today.usage, today.price, today.priceUnit, today.countUnit], days.map((each) => each.count),
        all.map((each) => each.category),
    ]);
    """
    assert await run(edge, twilio_node, script) == [
        ["1", "1", "0.0075", "usd", "messages"], ["1", "0", "0", "0", "0"],
        ["sms", "sms-inbound", "sms-outbound", "totalprice"],
    ]  # fmt: skip
