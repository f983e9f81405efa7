"""Each shipped profile: its values are settings that can be, and what it says is what is written and what is read."""

import json

import msgspec
import pytest
from tests.house.code import ROOT

from whimbrel.carriers.interface import Inbound, Part, Report
from whimbrel.carriers.smpp_reader import Reader
from whimbrel.carriers.smpp_writer import Writer
from whimbrel.codec.smpp.bodies import ShortMessage
from whimbrel.codec.smpp.fields import tlv
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.shortmessage import read_short_message
from whimbrel.codec.smpp.tables import DELIVER_SM, Tag
from whimbrel.domain.profiles import PROFILES
from whimbrel.domain.receipts import carrier_key, carrier_keys
from whimbrel.domain.refusals import classify, own_refusals
from whimbrel.manage.carrier_settings import check, settled
from whimbrel.manage.checks import Checks

NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000
GIVEN = {"host": "smsc.example.com", "port": 2775}


def dialect(name):
    """The settings of a carrier that was made with this profile and nothing else."""
    settings = settled(GIVEN | {"profile": name})
    checks = Checks()
    check(checks, settings)
    checks.done()
    return settings


def part(octets=b"Hi", **more):
    values = {
        "attempt": 1, "message_id": "MS1", "source": "+14155550100", "destination": "+447911123456",
        "encoding": "gsm7", "expires_at": NOW + HOUR, "part": 1, "parts": 1, "tail_hash": 1, "priority": 1,
        "reference": 0x0177, "octets": octets,
    }  # fmt: skip
    return Part(**values | more)


def written(name, one=None):
    """What stands on the wire: body and optional parameters."""
    octets = Writer(dialect(name)).body(one or part(), NOW)
    return read_short_message(octets, 0, len(octets))


def brought(name, body, tlvs=()):
    return Reader(dialect(name)).read(Pdu(DELIVER_SM, body=body, tlvs=tlvs), "bind")


def matched(name, answer, receipt):
    """Whether a receipt with this id finds the answer with that one, without guesses."""
    base = dialect(name).message_id
    return carrier_keys((receipt,), base)[0] == carrier_key(answer, base)


def receipt(text, esm_class=4):
    return ShortMessage(source="447911123456", dest="14155550100", esm_class=esm_class, short_message=text)


def standard():
    body, tlvs = written("standard")
    assert (body.source_ton, body.source_npi, body.source, body.dest_ton, body.dest) == (
        1, 1, "14155550100", 1, "447911123456",
    )  # fmt: skip
    assert (body.data_coding, body.short_message, body.registered_delivery) == (0, b"Hi", 1)
    assert body.validity_period == "000000010000000R"
    assert tlvs == ()


def smpp_33():
    assert dialect("smpp-3.3").bind_mode == "pair"
    body, tlvs = written("smpp-3.3", part(parts=2))
    assert (body.esm_class, tlvs) == (0x40, ())
    assert matched("smpp-3.3", "39f99dd5", "0972660181")


def smpp_50():
    assert dialect("smpp-5.0").interface_version == "5.0"


def hex_dec(name="hex-dec"):
    assert matched(name, "39f99dd5", "0972660181")
    assert not matched(name, "972660181", "39f99dd5")


def dec_hex():
    assert matched("dec-hex", "0972660181", "39F99DD5")
    assert not matched("dec-hex", "39f99dd5", "972660181")


def vonage():
    hex_dec("vonage")
    assert dialect("vonage").throughput_per_s == 30


def clickatell():
    settings = dialect("clickatell")
    assert settings.reconnect_min_s >= 30
    assert not settings.query_sm


def yo():
    found = brought("yo", receipt(b"id:1 stat:0 err:0"))
    assert isinstance(found, Report)
    assert (found.state, found.stat) == ("DELIVERED", "0")


def vibes():
    body, _ = written("vibes", part(source="24587"))
    assert (body.source_ton, body.source_npi, body.dest_ton, body.dest_npi) == (0, 0, 0, 0)
    assert body.validity_period == ""


def hollatags():
    own = own_refusals(dialect("hollatags"))
    assert [classify(status, own).reason for status in (0x401, 0x40A, 0x432, 0x45)] == [
        "carrier_unavailable", "barred", "filtered", "barred",
    ]  # fmt: skip


def india():
    names = dialect("india-dlt").tlv_names
    assert [names[name] for name in ("pe_id", "template_id")] == ["0x1400", "0x1401"]


def latin1():
    octets = "é{".encode("latin-1")
    assert written("latin1", part(b"\x05\x1b\x28"))[0].short_message == octets
    assert text_of("latin1", octets) == "é{"


def ascii_():
    assert written("ascii", part(b"a\x00_".replace(b"_", b"\x11")))[0].short_message == b"a@_"
    assert text_of("ascii", b"a@_") == "a@_"


def packed():
    octets = bytes.fromhex("e8329bfd06")
    assert written("packed", part(b"hello"))[0].short_message == octets
    assert text_of("packed", octets) == "hello"


def text_of(name, octets):
    found = brought(name, ShortMessage(source="1", dest="2", short_message=octets))
    assert isinstance(found, Inbound)
    assert found.data_coding == 8
    return found.octets.decode("utf-16-be")


def payload():
    body, tlvs = written("payload", part(b"x" * 161))
    assert (body.short_message, tlv(tlvs, Tag.MESSAGE_PAYLOAD)) == (b"", b"x" * 161)


def sar():
    body, tlvs = written("sar", part(b"x", part=2, parts=3))
    assert (body.esm_class, body.short_message) == (0, b"x")
    assert tlvs == (
        (Tag.SAR_MSG_REF_NUM, b"\x01\x77"),
        (Tag.SAR_TOTAL_SEGMENTS, b"\x03"),
        (Tag.SAR_SEGMENT_SEQNUM, b"\x02"),
    )
    found = brought("sar", ShortMessage(source="1", dest="2", short_message=b"x"), tlvs)
    assert (found.reference, found.total, found.number, found.wire) == (0x0177, 3, 2, None)


def one_receipt():
    asked = [written("one-receipt", part(part=n, parts=3))[0].registered_delivery for n in (1, 2, 3)]
    assert asked == [0, 0, 1]


def unmarked():
    text = b"id:7 sub:001 dlvrd:001 submit date:2001010000 done date:2001010000 stat:DELIVRD err:000 text:"
    assert isinstance(brought("unmarked-receipts", receipt(text, esm_class=0)), Report)
    assert isinstance(brought("unmarked-receipts", receipt(b"id: please", esm_class=0)), Inbound)


def no_validity():
    assert written("no-validity")[0].validity_period == ""


def smppsim():
    assert written("smppsim")[0].validity_period == "270115090000000+"


SHOWN = {
    "standard": standard, "smpp-3.3": smpp_33, "smpp-5.0": smpp_50, "hex-dec": hex_dec, "dec-hex": dec_hex,
    "vonage": vonage, "clickatell": clickatell, "yo": yo, "vibes": vibes, "hollatags": hollatags,
    "india-dlt": india, "latin1": latin1, "ascii": ascii_, "packed": packed, "payload": payload, "sar": sar,
    "one-receipt": one_receipt, "unmarked-receipts": unmarked, "no-validity": no_validity, "smppsim": smppsim,
    "smscsim": lambda: hex_dec("smscsim"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_says_is_written_and_read(name):
    SHOWN[name]()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_profile_is_settings_that_can_be_and_differ(profile):
    plain = msgspec.to_builtins(settled(GIVEN))
    settings = msgspec.to_builtins(dialect(profile.name))
    changed = {name: settings[name] for name in settings if settings[name] != plain[name]}
    agreeing = {"query_sm"}  # told for the reader's sake
    assert {name for name in profile.settings if name not in agreeing} == changed.keys() - {"profile"}
    assert profile.why
    assert profile.source


def test_the_page_has_a_line_for_each():
    lines = (ROOT / "docs" / "carriers.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    told = {row[0].strip("`"): row[1:] for row in rows if len(row) == 4}
    for profile in PROFILES.values():
        values = [f"`{key}: {json.dumps(value, separators=(',', ':'))}`" for key, value in profile.settings.items()]
        assert told.pop(profile.name) == [profile.why, " ".join(values), profile.source]
    assert told.keys() <= {"it answers"}
