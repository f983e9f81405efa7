"""Verify by its pages: a service made by the form, a code started and checked as on the playground, what was verified,
limits, the guard's blocks, the safe list, conversion."""

import base64
import hashlib
import hmac
import html
import re
import time

import pytest
import pytest_asyncio

from tests.edges.edge_rig import running_edge, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/console/verify"
PHONE = "+447400123456"
READ = "+447400129001"  # one test has it: what it gets is the code that it waits for
NONE = f"VE{0:032x}"
WRITTEN = {
    "name": "Acme",
    "settings.code_length": "6",
    "settings.alphabet": "digits",
    "settings.ttl_s": "600",
    "settings.max_checks": "3",
    "settings.max_sends": "5",
    "settings.sends_per_hour": "9",
    "settings.sends_per_day": "20",
    "settings.new_country_per_hour": "50",
    "settings.totp_code_length": "6",
    "settings.totp_step_s": "30",
    "settings.totp_skew": "1",
    "settings.channels": "sms",
    "settings.fallback_after_s": "60",
    "settings.language": "",
    "settings.app_hash": "",
    "settings.webotp_domain": "",
    "settings.sender": "",
    "settings.on_doubt": "report",
    "settings.guard": "1",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    """With virtual phones, on which codes are read."""
    async with running_edge(tmp_path_factory.mktemp("verify"), phones=True) as running:
        yield running


async def kept(browser, **changes):
    seen = await browser.post(f"{PATH}/new", WRITTEN | changes)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0].rpartition("/")[2]


async def started(browser, service_id, to=PHONE):
    """The verification's id."""
    seen = await browser.post(f"{PATH}/{service_id}/start", {"to": to, "language": ""})
    assert seen.status == 303, seen.words
    return seen.to.rpartition("verification=")[2]


async def code(edge, to):
    """Of the text that came."""
    (text,) = await until(lambda: edge.simulator.network.phones.read(to.lstrip("+")))
    return re.findall(r"\d{6}", text.text)[-1]


async def test_a_service_is_made_changed_and_deleted(edge, browser, newcomer):
    assert "No verify service yet" in (await newcomer.get(PATH)).words
    wanted = {"settings.countries": "gb, us", "settings.do_not_share": "1", "settings.language": "de"}
    service_id = await kept(browser, **wanted, **{"settings.refuse_types": "pager"})
    made = (await edge.get(f"/v1/verify/services/{service_id}")).json
    settings = made["settings"]
    assert (made["name"], settings["countries"], settings["refuse_types"]) == ("Acme", ["GB", "US"], ["pager"])
    assert (settings["max_checks"], settings["do_not_share"], settings["lookup"]) == (3, True, False)
    assert "6 digits" in (await browser.get(PATH)).inner(service_id)
    form = await browser.get(f"{PATH}/{service_id}/edit")
    assert form.has(r'value="GB US"') and form.has(r'id="f-settings.refuse_types-pager"[^>]* checked')
    changed = await browser.post(f"{PATH}/{service_id}/edit", WRITTEN | {"name": "Acme 2", "settings.ttl_s": "120"})
    assert changed.status == 303
    now = (await edge.get(f"/v1/verify/services/{service_id}")).json
    assert (now["name"], now["settings"]["ttl_s"], now["settings"]["countries"]) == ("Acme 2", 120, [])
    assert (await browser.post(f"{PATH}/{service_id}/remove")).status == 303
    assert (await browser.get(f"{PATH}/{service_id}")).status == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("settings.code_length", "3"), ("settings.code_length", "six"), ("settings.alphabet", "runes"),
     ("settings.ttl_s", "1"), ("settings.max_checks", "9"), ("settings.max_sends", ""),
     ("settings.sends_per_hour", "0"), ("settings.sends_per_day", "9" * 40), ("settings.language", "xx"),
     ("settings.app_hash", "short"), ("settings.webotp_domain", "Not a host"), ("settings.countries", "GB Mars"),
     ("settings.on_doubt", "pray"), ("settings.totp_step_s", "1"), ("settings.channels", "sms sms"),
     ("settings.channels", "Smoke! sms"), ("settings.fallback_after_s", "0"), ("settings.new_country_per_hour", "-1")],
)  # fmt: skip
async def test_what_is_wrong_with_a_service_stands_at_its_field(edge, browser, field, value):
    before = (await edge.get("/v1/verify/services")).json["data"]
    seen = await browser.post(f"{PATH}/new", WRITTEN | {field: value})
    assert seen.status == 422
    assert seen.has(f'id="f-{re.escape(field)}"[^>]*aria-invalid="true"'), seen.words
    assert (await edge.get("/v1/verify/services")).json["data"] == before


async def test_a_code_is_started_read_on_the_phone_and_checked(edge, browser):
    service_id = await kept(browser)
    page = f"{PATH}/{service_id}"
    assert "Nobody was verified yet" in (await browser.get(page)).words
    wrong = await browser.post(f"{page}/start", {"to": "12"})
    assert wrong.status == 422 and wrong.has('id="f-to"[^>]*aria-invalid="true"')
    snippet = await browser.get(f"{page}/code?to=%2B4915112345678&language=de", part=True)
    assert '"to": "+4915112345678"' in html.unescape(snippet.text) and '"language": "de"' in html.unescape(snippet.text)

    verification = await started(browser, service_id, READ)
    shown = await browser.get(f"{page}?verification={verification}")
    assert "Waits for the code" in shown.inner("standing") and shown.has(r"/console/phones\?to=%2B447400129001")
    given = await code(edge, READ)
    assert f'"to": "{READ}"' in html.unescape(shown.text) and "verifications/check" in shown.text
    again = await browser.post(f"{page}/start", {"to": READ, "verification": verification})
    assert again.status == 429 and "Waits for the code" in again.words, again.words
    check = {"verification": verification, "code": str((int(given) + 1) % 1_000_000).zfill(6)}
    refused = await browser.post(f"{page}/check", check)
    assert refused.status == 422 and "Guesses left: 2" in refused.inner("e-code")
    assert (await browser.post(f"{page}/check", check | {"code": ""})).status == 422

    known = re.search(r"known=([^\"]+)\"", (await browser.get(f"{page}?verification={verification}")).text)[1]
    await until(lambda: delivered(edge, service_id, verification))
    right = await browser.post(f"{page}/check", check | {"code": f" {given[:3]}-{given[3:]} "})
    assert (right.status, "done=verify.approved" in right.to) == (303, True)
    part = await browser.get(f"{page}/standing/{verification}?known={known}", part=True)
    assert "Approved" in part.text and 'hx-swap-oob="true"' in part.text and "hx-reswap" not in part.headers
    quiet = await browser.get(f"{page}/standing/{verification}?known=approved-1-1-delivered", part=True)
    assert quiet.headers["hx-reswap"] == "none"
    over = await browser.post(f"{page}/check", check | {"code": given})
    assert over.status == 404 and "Approved" in over.words

    for seen in (await browser.get(page), await browser.get(f"{page}/verifications/{verification}")):
        assert given not in seen.text and "Approved" in seen.words
    one = await browser.get(f"{page}/verifications/{verification}")
    assert "brought the code" in one.words and "1 in all" in one.words and one.has(r'href="/console/messages/SM')
    texts = await browser.get(f"{PATH}/attempts")
    assert verification in texts.text and "+44740012••••" in texts.text
    assert given not in (await browser.get(f"{PATH}/attempts/export")).text


async def delivered(edge, service_id, verification):
    place = f"/v1/verify/services/{service_id}/verifications/{verification}/attempts"
    (attempt,) = (await edge.get(place)).json["data"]
    return (await edge.get(f"/v1/messages/{attempt['message_id']}")).json["status"] == "delivered"


async def test_a_channel_is_one_that_the_installation_has(edge, browser):
    fields = WRITTEN | {"settings.channels": "sms, Voice", "settings.fallback_after_s": "30"}
    refused = await browser.post(f"{PATH}/new", fields)
    assert refused.status == 422 and refused.has('id="f-settings.channels"[^>]*aria-invalid="true"'), refused.words
    service_id = await kept(browser, **{"settings.channels": " SMS ", "settings.fallback_after_s": "30"})
    settings = (await edge.get(f"/v1/verify/services/{service_id}")).json["settings"]
    assert (settings["channels"], settings["fallback_after_s"]) == (["sms"], 30)
    wrong = await browser.post(f"{PATH}/{service_id}/start", {"to": PHONE, "channel": "voice"})
    assert wrong.status == 422 and "Nobody was verified yet" in wrong.words, wrong.words
    made = await browser.post(f"{PATH}/{service_id}/start", {"to": "+447400888123", "channel": "sms"})
    one = await browser.get(f"{PATH}/{service_id}/verifications/{made.to.rpartition('=')[2]}")
    assert "SMS" in one.words and one.has('href="/console/messages/SM')


async def test_verifications_are_found_called_off_and_approved(edge, browser):
    service_id = await kept(browser)
    page = f"{PATH}/{service_id}"
    british, german = await started(browser, service_id), await started(browser, service_id, "+4915112345678")
    assert (await browser.post(f"{page}/verifications/{german}/cancel")).status == 303
    assert (await browser.post(f"{page}/verifications/{german}/approve")).status == 409
    for query, there, not_there in (
        ("status=pending", british, german),
        ("country=de", german, british),
        ("to=%2B447400123456", british, german),
    ):
        for part in (False, True):
            seen = await browser.get(f"{page}?{query}", part=part)
            assert there in seen.text and not_there not in seen.text, query
    assert "None of these fits" in (await browser.get(f"{page}?status=expired")).words
    oldest = (await browser.get(f"{page}?sort=began")).text
    assert oldest.index(british) < oldest.index(german)
    file = await browser.get(f"{page}/export?country=GB")
    assert (file.status, file.text.count("\n")) == (200, 2), file.text
    assert file.text.splitlines()[1].startswith(f"{british},'+447400123456,pending,GB,sms")
    assert (await browser.get(f"{page}?to=12")).has(r"notice warn")
    assert (await browser.post(f"{page}/verifications/{british}/approve")).status == 303
    one = await browser.get(f"{page}/verifications/{british}")
    assert "Approved" in one.words and "Approve without a code" not in one.words
    assert "Called off" in (await browser.get(f"{page}/verifications/{german}")).words


async def test_rate_limits_have_buckets(edge, browser):
    service_id = await kept(browser)
    page = f"{PATH}/{service_id}/limits"
    assert "No rate limit of your own" in (await browser.get(page)).words
    rows = {"buckets.0.max": "", "buckets.0.interval_s": "", "buckets.2.max": "5", "buckets.2.interval_s": "3600"}
    for changes, field in (
        ({"name": ""}, "name"),
        ({"buckets.2.max": "many"}, "buckets.0.max"),
        ({"buckets.2.interval_s": "0"}, "buckets.0.interval_s"),
    ):
        wrong = await browser.post(f"{page}/new", {"name": "address", "description": "", **rows, **changes})
        assert wrong.status == 422 and wrong.has(f'id="f-{field}"[^>]*aria-invalid="true"'), (changes, wrong.words)
    wanted = {"name": "address", "description": "By address", **rows}
    assert (await browser.post(f"{page}/new", wanted)).status == 303
    assert (await browser.post(f"{page}/new", wanted)).status in (409, 422)
    (made,) = (await edge.get(f"/v1/verify/rate-limits?service_id={service_id}")).json["data"]
    assert [(each["max"], each["interval_s"]) for each in made["buckets"]] == [(5, 3600)]
    assert "5 in 1 h" in (await browser.get(page)).words
    other = await kept(browser, name="Other")
    assert (await browser.get(f"{PATH}/{other}/limits/{made['id']}")).status == 404
    changed = {"description": "", "buckets.0.max": "2", "buckets.0.interval_s": "90"}
    assert (await browser.post(f"{page}/{made['id']}", changed)).status == 303
    assert "2 in 90 s" in (await browser.get(page)).words
    assert (await browser.post(f"{page}/{made['id']}/remove")).status == 303
    assert (await edge.get(f"/v1/verify/rate-limits?service_id={service_id}")).json["data"] == []


async def test_a_block_is_seen_with_its_reason_and_lifted(edge, browser):
    service_id = await kept(browser)
    assert "Nothing is blocked" in (await browser.get(f"{PATH}/blocks")).words
    for last in range(70, 74):
        await started(browser, service_id, f"+4474005555{last}")
    refused = await browser.post(f"{PATH}/{service_id}/start", {"to": "+447400555574"})
    assert refused.status == 403 and refused.has('id="f-to"[^>]*aria-invalid="true"')
    seen = await browser.get(f"{PATH}/blocks")
    assert "Numbers in a row" in seen.words and "+4474005555…" in seen.words and "5 in a row" in seen.words
    looked = await browser.get("/console/lookup?number=%2B447400555579")
    assert "The pumping guard sends no codes" in looked.words
    (block,) = (await edge.get("/v1/verify/blocks")).json["data"]
    assert (await browser.post(f"{PATH}/blocks/{block['id']}/lift", {"quiet_s": "soon"})).status == 422
    assert (await browser.post(f"{PATH}/blocks/{block['id']}/lift", {"quiet_s": "3600"})).status == 303
    assert (await edge.get(f"/v1/verify/blocks/{block['id']}")).json["active"] is False
    assert "Lifted" in (await browser.get(f"{PATH}/blocks")).words
    assert (await browser.post(f"{PATH}/blocks/{block['id']}/lift", {"quiet_s": "3600"})).status == 409
    await started(browser, service_id, "+447400555574")


async def test_the_safe_list(edge, browser):
    wrong = await browser.post(f"{PATH}/safe", {"number": "12"})
    assert wrong.status == 422 and wrong.has('id="f-number"[^>]*aria-invalid="true"')
    assert (await browser.post(f"{PATH}/safe", {"number": "+44 7400 777777"})).status == 303
    (safe,) = (await edge.get("/v1/verify/safe-list")).json["data"]
    seen = await browser.get(f"{PATH}/safe")
    assert safe["number"] in seen.text and "7400777777" not in seen.text
    assert "It is on the safe list" in (await browser.get("/console/lookup?number=%2B447400777777")).words
    assert (await browser.post(f"{PATH}/safe/{safe['id']}/remove")).status == 303
    assert "The safe list is empty" in (await browser.get(f"{PATH}/safe")).words


async def test_conversion_by_country_and_prefix(edge, browser):
    service_id = await kept(browser)
    await started(browser, service_id, "+33612345678")
    approved = await started(browser, service_id, "+33612345999")
    await browser.post(f"{PATH}/{service_id}/verifications/{approved}/approve")
    seen = await browser.get(f"{PATH}/conversion?service_id={service_id}")
    assert "50.0 %" in seen.words and "country=FR" in seen.text and "By channel" in seen.words
    by_prefix = await browser.get(f"{PATH}/conversion?service_id={service_id}&country=fr", part=True)
    assert "+3361234…" in by_prefix.words and "<html" not in by_prefix.text
    assert "Nothing began" in (await browser.get(f"{PATH}/conversion?country=JP&span=week")).words


def shown_by(secret):
    """The codes that an authenticator shows now, and next."""
    key, now = base64.b32decode(secret), int(time.time() // 30)
    macs = [hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest() for step in (now, now + 1)]
    return [f"{(int.from_bytes(mac[mac[-1] & 15 :][:4], 'big') & 0x7FFFFFFF) % 10**6:06d}" for mac in macs]


async def test_somebody_is_enrolled_with_an_authenticator(edge, browser):
    service_id = await kept(browser)
    page = f"{PATH}/{service_id}/authenticators"
    assert "Nobody has an authenticator yet" in (await browser.get(page)).words
    for changes, field in (({"identity": ""}, "identity"), ({"identity": "a b"}, "identity"), ({"name": ""}, "name")):
        wrong = await browser.post(page, {"identity": "user-7", "name": "ada@example.com"} | changes)
        assert wrong.status == 422 and wrong.has(f'id="f-{field}"[^>]*aria-invalid="true"'), (changes, wrong.words)
    made = await browser.post(page, {"identity": "user-7", "name": "ada@example.com"})
    secret = re.search(r'data-copy="([A-Z2-7]{32})"', made.text)[1]
    first, second = shown_by(secret)
    assert made.status == 200 and made.has(r'<img[^>]*src="data:image/svg')
    (factor,) = (await edge.get(f"/v1/verify/services/{service_id}/entities/user-7/factors")).json["data"]
    one, this = f"{page}/user-7", f"{page}/user-7/factors/{factor['id']}"
    assert secret not in (await browser.get(one)).text
    assert (await browser.get(f"{page}?find=user-7")).to == one
    assert "Nobody of that identity" in (await browser.get(f"{page}?find=user-8%2F..")).words
    wrong = await browser.post(f"{this}/confirm", {"code": "abc"})
    assert wrong.status == 422 and "That is not the code" in wrong.inner(f"e-code-{factor['id']}")
    assert (await browser.post(f"{this}/confirm", {"code": first})).status == 303
    assert "Confirmed" in (await browser.get(one)).words
    used = await browser.post(f"{this}/check", {"code": first})
    assert used.status == 422 and "was used before" in used.words
    assert (await browser.post(f"{this}/check", {"code": second})).status == 303
    assert (await browser.post(f"{this}/check", {"code": "000"})).status == 422
    seen = await browser.get(one)
    assert "Denied" in seen.words and "Approved" in seen.words and "Forget wrong codes" in seen.words
    assert (await browser.post(f"{one}/unlock")).status == 303
    assert "Forget wrong codes" not in (await browser.get(one)).words
    assert (await browser.post(f"{this}/remove")).status == 303
    assert (await browser.post(f"{one}/remove")).status == 303
    assert (await browser.get(one)).status == 404


async def test_nothing_of_it_is_anybody_elses(edge, browser, sign_in):
    service_id = await kept(browser, name="Ours alone")
    verification = await started(browser, service_id, "+4915112345999")
    other = await sign_in("owner", (await edge.new_customer("Other")).id)
    page = f"{PATH}/{service_id}"
    for path in (page, f"{page}/edit", f"{page}/authenticators", f"{page}/limits", f"{page}/limits/new", f"{page}/code",
                 f"{page}/verifications/{verification}", f"{page}/standing/{verification}"):  # fmt: skip
        assert (await other.get(path)).status == 404, path
    assert (await other.post(f"{page}/start", {"to": PHONE})).status == 404
    assert (await other.post(f"{page}/verifications/{verification}/approve")).status == 404
    for path in (PATH, f"{PATH}/attempts", f"{PATH}/conversion", f"{PATH}/blocks"):
        seen = await other.get(path)
        assert "Ours alone" not in seen.text and verification not in seen.text, path
    reader = await sign_in("read_only")
    assert (await reader.get(f"{PATH}/new")).status == 403
    seen = await reader.get(page)
    assert seen.status == 200 and "Send a code" not in seen.words and "Your role looks on" in seen.words


async def test_authenticators_challenges_and_limits_are_tables(edge, browser):
    service_id = await kept(browser)
    page = f"{PATH}/{service_id}"
    people = f"/v1/verify/services/{service_id}/entities"
    for identity in ("ada@example.com", "bo.2"):
        assert (await edge.post(f"{people}/{identity}/factors", {"name": identity})).status == 201
    body = {"service_id": service_id, "name": "address", "buckets": [{"max": 5, "interval_s": 3600}]}
    assert (await edge.post("/v1/verify/rate-limits", body)).status == 201
    listed = await browser.get(f"{page}/authenticators?sort=-identity")
    assert listed.all(r'<td class=" c-identity"><a[^>]*>([^<]*)') == ["bo.2", "ada@example.com"]
    found = await browser.get(f"{page}/authenticators?q=ada")
    assert "ada@example.com" in found.words and "bo.2" not in found.words
    limits = await browser.get(f"{page}/limits?sort=name")
    assert limits.has('aria-sort="ascending"') and "5 in 1 h" in limits.words
    file = await browser.get(f"{page}/limits/export")
    assert file.text.splitlines()[0] == "id,name,description,buckets,changed" and "address" in file.text
    person = f"{page}/authenticators/ada@example.com"
    factor = (await edge.get(f"{people}/ada@example.com/factors")).json["data"][0]["id"]
    assert "None was given" in (await browser.get(person)).words
    challenge = {"factor_id": factor, "code": "123456"}
    await edge.post(f"{people}/ada@example.com/challenges", challenge)
    await browser.get(person)
    chosen = await browser.post("/console/tables/verify_challenges/columns", {"column": "status", "back": person})
    assert chosen.status == 303 and chosen.to.startswith(person)


async def test_whoever_looks_at_all_accounts_chooses_one_on_every_page_of_a_service(edge, browser, sign_in):
    await edge.new_customer("Other")  # where there is one account alone, nobody has to choose
    service_id = await kept(browser)
    operator = await sign_in(account_id=None)
    below = ("", "/edit", "/limits", "/limits/new", "/authenticators", "/authenticators/ada", f"/verifications/{NONE}")
    for path in (*(f"{PATH}/{service_id}{each}" for each in below), f"{PATH}/new", "/console/templates/new"):
        seen = await operator.get(path)
        assert seen.status == 200 and edge.customer.id in seen.text, (path, seen.words)
        assert seen.has(f'name="to" value="{re.escape(path)}"'), path
    assert (await operator.get(f"{PATH}/{service_id}", part=True)).status == 400
    await operator.act_for(edge.customer.id)
    assert "Try it" in (await operator.get(f"{PATH}/{service_id}")).words
