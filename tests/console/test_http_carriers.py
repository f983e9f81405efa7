"""Carriers over HTTP by their pages: added with a profile and without, changed, tested, and the addresses that their
provider is told; the verdict comes from the API and from a real server."""

from html.parser import HTMLParser

import pytest

from tests.carriers.provider import Provider, says
from tests.edges.edge_rig import NUMBER, until
from whimbrel.domain.http_profiles import HTTP_PROFILES

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = '{"to": "{to}", "text": "{text}"}'
TYPED = {
    "kind": "http",
    "name": "Ruff",
    "settings.profile": "",
    "settings.url": "https://api.example.com/sms",
    "settings.auth": "bearer",
    "settings.tls_verify": "1",
    "password": "s3cret-key",
    "settings.fields": FIELDS,
    "settings.window": "20",
    "settings.throughput_per_s": "0",
    "settings.answer_ok": "",
    "settings.statuses": "429 = throttled\n21610 = barred",
}


class Shown(HTMLParser):
    """The fields of a page's form as a browser sends them when nobody changes any."""

    def __init__(self, page):
        super().__init__()
        self.fields, self._open, self._inside = {}, "", False
        self.feed(page.text)

    def handle_starttag(self, tag, attrs):
        has = dict(attrs)
        self._inside = self._inside or has.get("action", "").startswith("/console/carriers/")
        name = has.get("name", "")
        if self._inside and tag == "input" and name != "csrf" and (has["type"] != "checkbox" or "checked" in has):
            self.fields[name] = has["value"]
        elif self._inside and tag in ("select", "textarea"):
            self._open = name
            self.fields[name] = ""
        elif self._inside and tag == "option" and "selected" in has:
            self.fields[self._open] = has["value"]

    def handle_data(self, data):
        if self._open and self.get_starttag_text().startswith("<textarea"):
            self.fields[self._open] += data

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "form"
        self._open = "" if tag in ("select", "textarea") else self._open


async def added(operator, typed):
    await operator.get("/console/carriers/new?kind=http")
    seen = await operator.post("/console/carriers/new", typed)
    assert seen.status == 303, seen.words
    return seen.to.partition("?")[0]


async def settings(edge, page):
    found = (await edge.get(f"/v1/carriers/{page.rpartition('/')[2]}", key=edge.operator)).json
    return found["settings"], found


async def test_each_kind_has_a_form_of_its_own_with_its_profiles(sign_in):
    operator = await sign_in(account_id=None)
    smpp, http = [await operator.get(f"/console/carriers/new{query}") for query in ("", "?kind=http")]
    assert smpp.has('name="settings.host"') and not smpp.has('name="settings.url"')
    assert http.has('name="settings.url"') and not http.has('name="settings.host"')
    assert all(http.has(f'<option value="{name}"') for name in HTTP_PROFILES)
    assert not smpp.has('<option value="twilio"') and not http.has('<option value="smpp-3.3"')
    assert (await operator.get("/console/carriers/new?kind=pigeon")).has('name="settings.host"')


async def test_one_is_added_shown_with_its_addresses_changed_and_deleted(edge, sign_in):
    operator = await sign_in(account_id=None)
    page = await added(operator, TYPED)
    shown, found = await settings(edge, page)
    assert (found["kind"], shown["fields"]) == ("http", {"to": "{to}", "text": "{text}"})
    assert shown["statuses"] == {"429": "throttled", "21610": "barred"}
    seen = await operator.get(page)
    assert f"{edge.url}{found['receipts_url']}" in seen.text and f"{edge.url}{found['inbound_url']}" in seen.text
    assert "s3cret" not in seen.text and "What its binds say" not in seen.words
    edited = await operator.get(f"{page}/edit")
    assert edited.status == 200 and "s3cret" not in edited.text and "throttled\n21610 = barred" in edited.text
    changed = TYPED | {"settings.window": "7", "settings.media": "1", "password": ""}
    media = {"settings.fields": '{"to": "{to}", "text": "{text}", "media": "{media}"}'}
    assert (await operator.post(f"{page}/edit", changed | media)).status == 303
    shown, _ = await settings(edge, page)
    assert (shown["window"], shown["media"], shown["auth"]) == (7, True, "bearer")
    listed = await operator.get("/console/carriers")
    assert "HTTP" in listed.words and "SMPP" in listed.words
    assert (await operator.post(f"{page}/remove")).to == "/console/carriers?done=carrier.removed"


async def test_a_profile_is_not_overwritten_by_what_the_form_showed_anyway(edge, sign_in):
    operator = await sign_in(account_id=None)
    plain = {"settings.url": "", "settings.fields": "", "settings.auth": "none", "settings.statuses": ""}
    typed = TYPED | plain | {"name": "Turnstone", "settings.profile": "twilio", "settings.username": "AC1"}
    shown, _ = await settings(edge, await added(operator, typed))
    written = HTTP_PROFILES["twilio"].settings
    assert {name: shown[name] for name in written} == written


async def test_another_profile_takes_the_place_of_one_and_all_stays_where_it_is_taken_away(edge, sign_in):
    operator = await sign_in(account_id=None)
    plain = {"settings.url": "", "settings.fields": "", "settings.auth": "none", "settings.statuses": ""}
    typed = TYPED | plain | {"name": "Sanderling", "settings.profile": "twilio", "settings.username": "AC1"}
    page = await added(operator, typed)

    async def changed(**own):
        form = Shown(await operator.get(f"{page}/edit")).fields
        assert form["settings.url"] and form["settings.callback_version"] == "1", "the form shows all that is stored"
        seen = await operator.post(f"{page}/edit", form | {f"settings.{name}": value for name, value in own.items()})
        assert seen.status == 303, seen.words
        return (await settings(edge, page))[0]

    for name in ("vonage", "twilio"):
        shown, written = await changed(profile=name, window="7"), HTTP_PROFILES[name].settings
        assert {each: shown[each] for each in written} == written and shown["window"] == 7
    assert await changed(profile="") == shown | {"profile": ""} and shown["check"] == "twilio"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("settings.url", "", "is missing"),
        ("settings.url", "telnet://x", "the scheme is not https"),
        ("settings.fields", '{"to": "{to}"', "must be an object"),
        ("settings.fields", '{"to": "{to}"}', "must hold {text}"),
        ("settings.fields", '{"to": "{to}", "text": "{txt}"}', "text: {txt} is no placeholder"),
        ("settings.window", "many", "must be a whole number"),
        ("settings.answer_id", "a[", "is no JMESPath expression"),
        ("settings.statuses", "400 = maybe", "400: must be one of"),
        ("settings.profile", "nobody", "is no profile"),
        ("password", "", "is missing"),
    ],
)
async def test_wrong_input_is_told_by_the_field(edge, sign_in, name, value, words):
    operator = await sign_in(account_id=None)
    before = (await edge.get("/v1/carriers", key=edge.operator)).json["data"]
    seen = await operator.post("/console/carriers/new", TYPED | {"name": "Bad"} | {name: value})
    assert seen.status == 422 and words in seen.words, seen.words
    assert seen.has('name="settings.url"'), "the form of its kind is shown again"
    assert (await edge.get("/v1/carriers", key=edge.operator)).json["data"] == before


async def test_it_is_tested_and_what_was_said_is_shown_masked(edge, sign_in):
    operator = await sign_in(account_id=None)
    provider = Provider()
    provider.answer = lambda _: says(200, {})  # no id, and none is looked for
    await provider.open()
    try:
        own = {"settings.url": f"http://127.0.0.1:{provider.port}/sms", "settings.answer_id": ""}
        page = await added(operator, TYPED | own | {"name": "Knot"})

        async def is_up():
            return "up" in (await operator.get(page, part=True)).words.lower()

        await until(is_up)
        asked = {"to": NUMBER, "sender": "", "text": "Hello there"}
        tested = await operator.post(f"{page}/test", asked, part=True)
        assert tested.status == 200 and "taken, but answer_id finds no id" in tested.words, tested.words
        assert "POST http://127.0.0.1" in tested.words and "Bearer •••" in tested.words
        assert NUMBER not in tested.text and "Hello there" not in tested.text and "s3cret" not in tested.text
        assert [each.json["text"] for each in provider.heard] == ["Hello there"]
    finally:
        await provider.close()
