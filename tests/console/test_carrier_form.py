"""Every setting of a carrier as a field of its form, there and back."""

import msgspec
import pytest

from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.edges.console import words
from whimbrel.edges.console.carrier_form import SMPP
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.http_carrier_form import HTTP

PLAIN = CarrierSettings(host="smpp.example.com", port=2775)
STRANGE = CarrierSettings(
    host="h", port=1, hosts=("a:1", "b:2"), reconnect_min_s=0.25, outbind=True, national_languages=False,
    temporary_statuses=(1032, 88), statuses={"0x408": "throttled"}, receipt_states={"0": "DELIVERED"}, cells={"eu": 2},
    source_short=(3, 1), alphabet="latin1", alphabet_in="ascii", charge_unknown=True,
    tlvs={"0x1400": 12, "0x1401": "12", "0x1402": {"hex": "0a0b"}, "x": "hex:y", "y": ' "q"', "z": "plain"},
    tlv_names={"pe_id": "0x1400"},
)  # fmt: skip


HTTP_PLAIN = HttpSettings(url="https://api.example.com/")
HTTP_STRANGE = HttpSettings(
    url="https://api.example.com/{to}", method="GET", encoding="query", media=True, response_timeout_s=0.5,
    fields={"messages": [{"to": "{to}", "n": 1, "last": True, "none": None}], "text": "{text}"},
    headers={"X-A": "b = c"}, encodings={"ucs2": "unicode"}, answer_ok=("0", "ok"), statuses={"21610": "barred"},
    inbound_media="media[].url", check="twilio", callback_version=3, cells={"eu": 2},
)  # fmt: skip
ALL = [(SMPP, PLAIN), (SMPP, STRANGE), (HTTP, HTTP_PLAIN), (HTTP, HTTP_STRANGE)]


@pytest.mark.parametrize(("sheet", "kind"), [(SMPP, CarrierSettings), (HTTP, HttpSettings)], ids=["smpp", "http"])
def test_every_setting_has_one_field_and_its_words(sheet, kind):
    named = [field.setting for field in sheet.fields]
    assert sorted(named) == sorted(kind.__struct_fields__)
    texts = words.load()
    rare = [field.setting for group in sheet.groups for field in group.fields]
    assert all(texts.get(f"carriers.fields.{name}", "") for name in rare)
    assert all(texts.get(f"carriers.groups.{group.name}", "") for group in sheet.groups)


@pytest.mark.parametrize(("sheet", "settings"), ALL, ids=["plain", "strange", "http", "strange http"])
def test_a_form_that_nobody_changed_changes_nothing(sheet, settings):
    form = sheet.filled("x", settings, sandbox=False)
    assert sheet.settings_of(form, settings) == {}


@pytest.mark.parametrize(("sheet", "settings"), ALL, ids=["plain", "strange", "http", "strange http"])
def test_what_is_typed_is_what_was_there(sheet, settings):
    form = sheet.filled("x", settings, sandbox=False)
    needed = {"host": "smpp.example.com", "port": 2775} if sheet is SMPP else {}
    assert msgspec.convert(needed | sheet.settings_of(form), type(settings), strict=True) == settings


@pytest.mark.parametrize(("sheet", "settings"), ALL, ids=["plain", "strange", "http", "strange http"])
def test_all_is_sent_where_the_profile_is_taken_away_and_only_it_where_it_is_another(sheet, settings):
    before = msgspec.structs.replace(settings, profile="some")
    form = sheet.filled("x", before, sandbox=False)
    sent = sheet.settings_of(form.plus({"settings.profile": ""}), before)
    assert msgspec.convert(sent, type(settings), strict=True) == settings
    assert sheet.settings_of(form.plus({"settings.profile": "other"}), before) == {"profile": "other"}


@pytest.mark.parametrize("typed", ['{"a": ', "[1]", "7"])
def test_fields_that_are_no_object_reach_the_api_as_they_are(typed):
    sent = HTTP.settings_of(Form.of({"settings.fields": typed}))["fields"]
    assert not isinstance(sent, dict)


@pytest.mark.parametrize(
    ("name", "typed", "sent"),
    [
        ("enquire_link_s", "7", 7),
        ("enquire_link_s", "soon", "soon"),
        ("response_timeout_s", "0.5", 0.5),
        ("response_timeout_s", "a while", "a while"),
        ("hosts", "a:1\r\n\r\n b:2 ", ["a:1", "b:2"]),
        ("temporary_statuses", "0x408\n88\nx", [0x408, 88, "x"]),
        ("destination", "1 0", [1, 0]),
        ("destination", "1,x", [1, "x"]),
        ("statuses", "0x408 = throttled\n0x45=barred", {"0x408": "throttled", "0x45": "barred"}),
        ("statuses", "0x408", {"0x408": ""}),
        ("cells", "eu = 2\nus = some", {"eu": 2, "us": "some"}),
    ],
)
def test_what_is_typed_reaches_the_api_as_what_it_is(name, typed, sent):
    fields = {"settings.tls_verify": "1", "settings.national_languages": "1", f"settings.{name}": typed}
    assert SMPP.settings_of(Form.of(fields)) == {name: sent}


def test_a_refused_entry_is_told_at_its_list():
    told = SMPP.by_field({"settings.hosts.0": "must be", "settings.port": "is wrong", "name": "is empty"})
    assert told == {"settings.hosts": "0: must be", "settings.port": "is wrong", "name": "is empty"}
