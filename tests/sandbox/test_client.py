"""The client against the simulator, in one loop: what it sends, counts, expects; its words and its page."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from sandbox_esme import reserved
from test_sandbox_demand import certificate

from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.tables import MessageState
from whimbrel_sandbox.client import main
from whimbrel_sandbox.client.misuse import MISUSES
from whimbrel_sandbox.client.settings import MEANINGS, Settings, from_arguments, option_names, shown, usage
from whimbrel_sandbox.client.tally import Tally, unexpected, words
from whimbrel_sandbox.log import Bound, ReceiptAnswered, Submitted
from whimbrel_sandbox.phones import digits

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
PATIENT = {"receipt_wait_ms": 60_000, "response_timeout_ms": 60_000, "seconds": 120}


def settings(simulator, **changes):
    return Settings(port=simulator.address.smpp_port, **PATIENT | changes)


def events(simulator, kind):
    return [event for event in simulator.center.log.after(0, 1_000_000)[1] if isinstance(event, kind)]


@pytest.mark.parametrize(
    "kind, pdus, receipts",
    [("plain", 1, 1), ("udh", 3, 3), ("udh16", 3, 3), ("sar", 3, 3), ("payload", 1, 1), ("data_sm", 1, 1),
     ("multi", 1, 3), ("mixed", 13, 15)],
)  # fmt: skip
async def test_every_kind_of_message_arrives_and_is_matched(start, kind, pdus, receipts):
    simulator = await start()
    count = 7 if kind == "mixed" else 1
    got = await main.run(settings(simulator, kind=kind, count=count, reference=True, text="Now: "))
    assert (got.submitted, got.accepted, got.receipts, got.matched) == (pdus, pdus, receipts, receipts)
    assert unexpected(got, None) == []
    texts = [text.text for phone in simulator.network.phones.listing(100)
             for text in simulator.network.phones.read(digits(phone.number))]  # fmt: skip
    assert all(text.startswith("Now: ") for text in texts)
    long = [text for text in texts if len(text) == 3 * 152]
    assert len(long) == {"udh": 1, "udh16": 1, "sar": 1, "payload": 1, "mixed": 4}.get(kind, 0)


async def test_many_messages_over_several_binds(start):
    simulator = await start(log="counts")
    got = await main.run(settings(simulator, count=3_000, binds=3, window=50))
    assert (got.binds, got.accepted, got.matched, got.duplicate, got.lost) == (3, 3_000, 3_000, 0, 0)
    assert 0 < got.p50_ms <= got.p99_ms <= got.max_ms and got.rate > 0


async def test_the_window_is_kept(start):
    simulator = await start(window_limit=5, response_latency_ms=2)
    got = await main.run(settings(simulator, count=50, window=5))
    assert (got.accepted, got.refused) == (50, {})


async def test_the_rate_is_kept(start):
    simulator = await start()
    got = await main.run(settings(simulator, count=21, rate=100, registered=0))
    assert 0.19 <= got.seconds < 20 and got.accepted == 21 and got.receipts == 0


@pytest.mark.parametrize(
    "bind, roles",
    [("tx", ["transmitter"]), ("rx", ["receiver"]), ("pair", ["transmitter", "receiver"]), ("trx", ["transceiver"])],
)
async def test_binds(start, bind, roles):
    simulator = await start()
    got = await main.run(settings(simulator, bind=bind))
    assert [event.role for event in events(simulator, Bound)] == roles
    assert got.accepted == (bind != "rx") and got.matched == (bind in ("pair", "trx"))


async def test_smpp_3_3_sends_no_tlvs_and_binds_as_a_pair(start):
    simulator = await start(scenario="smpp33")
    got = await main.run(settings(simulator, bind="pair", version="3.3", reference=True))
    assert (got.accepted, got.matched) == (1, 1)


async def test_refused_binds_and_submits_are_counted_by_status(start):
    simulator = await start(scenario="bind_password")
    got = await main.run(settings(simulator, binds=2))
    assert (got.binds, got.binds_refused, got.submitted) == (0, {"ESME_RINVPASWD": 2}, 0)
    simulator = await start()
    got = await main.run(settings(simulator, count=3, to=reserved("0509")))
    assert (got.refused, got.accepted) == ({"ESME_RTHROTTLED": 3}, 0)
    assert unexpected(got, None) == ["3 submits refused"]


@pytest.mark.parametrize(
    "scenario, seen",
    [
        ("receipt_before_response", {"matched": 2, "unmatched": 0}),
        ("receipt_twice", {"matched": 2, "duplicate": 2}),
        ("receipt_never", {"matched": 0, "missing": 2}),
        ("id_decimal_then_hex", {"unmatched": 2, "missing": 2}),
        ("intermediate", {"receipts": 2, "matched": 2, "duplicate": 0}),
        ("no_response", {"unanswered": 2, "accepted": 0}),
        ("generic_nack", {"nacked": 2, "accepted": 0}),
        ("generic_nack_zero", {"stray": 2, "unanswered": 2}),
        ("response_twice", {"stray": 2, "accepted": 2}),
        ("unreadable_first", {"malformed": 2, "accepted": 2}),
        ("link_dropped", {"lost": 1, "unanswered": 2}),
        ("receipt_data_sm", {"matched": 2}),
        ("answer_echo", {"inbound": 2, "matched": 2}),
        ("octet_by_octet", {"matched": 2}),
    ],
)
async def test_what_a_server_does_wrong_is_counted(start, scenario, seen):
    simulator = await start(scenario=scenario)
    fine = {"receipt_before_response", "receipt_twice", "intermediate", "receipt_data_sm", "answer_echo",
            "octet_by_octet", "response_twice"}  # fmt: skip
    wait_ms = 60_000 if scenario in fine else 1_500  # in the others something never comes
    got = await main.run(settings(simulator, count=2, receipt_wait_ms=wait_ms, response_timeout_ms=wait_ms))
    assert {name: getattr(got, name) for name in seen} == seen
    assert (unexpected(got, None) == []) is (scenario in fine)


async def test_the_client_speaks_tls(start, tmp_path):
    path, own = certificate(tmp_path, "smsc"), certificate(tmp_path, "client")
    simulator = await start(tls_cert=str(path), tls_client_ca=str(own), tls_port=0)
    chosen = replace(settings(simulator), port=simulator.address.smpp_tls_port, tls="on", tls_name="smsc")
    got = await main.run(replace(chosen, tls_ca=str(path), tls_cert=str(own)))
    assert (got.accepted, got.matched) == (1, 1)
    assert (await main.run(replace(chosen, tls_cert=str(own)))).binds == 0  # nobody vouches for the server
    assert (await main.run(replace(chosen, tls="unverified", tls_cert=str(own)))).accepted == 1


SHORT = {"count": 5, "receipt_wait_ms": 100, "response_timeout_ms": 200, "seconds": 1.0}


@pytest.mark.parametrize("row", MISUSES, ids=[row.name for row in MISUSES])
async def test_the_simulator_lives_after_every_misuse(start, row):
    simulator = await start(deliver_timeout_ms=50)
    got = await main.run(settings(simulator, scenario=row.name, **SHORT))
    assert got.alive and unexpected(got, None) == []


@pytest.mark.parametrize(
    "name, seen",
    [
        ("floods", {"accepted": 2, "refused": {"ESME_RMSGQFUL": 3}}),
        ("wrong_password", {"binds": 0, "binds_refused": {"ESME_RINVPASWD": 5}}),
        ("many_binds", {"binds": 5, "submitted": 0}),
        ("unbinds_mid_window", {"submitted": 5}),
        ("binds_twice", {"binds": 1, "binds_refused": {"ESME_RALYBND": 1}}),
        ("submits_on_receiver", {"refused": {"ESME_RINVBNDSTS": 5}}),
        ("submits_unbound", {"refused": {"ESME_RINVBNDSTS": 5}}),
        ("sequence_same", {"unanswered": 4, "submitted": 5}),
        ("refuses_deliveries", {"duplicate": None}),
        ("http", {"lost": 1}),
        ("huge_pdu", {"lost": 1}),
    ],
)
async def test_what_a_misuse_does(start, name, seen):
    limits = {"window_limit": 2, "response_latency_ms": 5} if name == "floods" else {}
    simulator = await start(password="right", **limits)
    waits = {"count": 5, "receipt_wait_ms": 1_500, "response_timeout_ms": 1_500, "seconds": 30.0}
    got = await main.run(settings(simulator, scenario=name, password="right", **waits))
    for field, value in seen.items():
        assert getattr(got, field) == value or (value is None and getattr(got, field) > 0), got


@pytest.mark.parametrize(
    "name, answered, refused",
    [("ignores_deliveries", False, False), ("rejects_deliveries", False, True), ("answers_twice", True, False)],
)
async def test_how_deliveries_are_answered(start, name, answered, refused):
    simulator = await start()
    await main.run(settings(simulator, scenario=name, **SHORT | {"receipt_wait_ms": 1_000, "seconds": 30.0}))
    statuses = {event.status for event in events(simulator, ReceiptAnswered) if event.bind == 1}  # not of the probe
    assert statuses == ({0} if answered else {0x65} if refused else set())


async def test_a_server_that_is_dead_afterwards_is_not_as_expected(start):
    simulator = await start(scenario="bind_dropped")
    got = await main.run(settings(simulator, scenario="http", **SHORT))
    assert got.alive is False and "no connection" in got.afterwards
    assert unexpected(got, None) == [f"afterwards {got.afterwards}"]


async def test_a_deadline_ends_every_run(start):
    simulator = await start(scenario="no_response")
    got = await main.run(settings(simulator, seconds=1.5, response_timeout_ms=60_000))
    assert (got.submitted, got.unanswered) == (1, 1)


async def test_a_long_number_is_one_recipient_and_a_short_one_is_filled_up(start):
    simulator = await start()
    await main.run(settings(simulator, count=2, to="447700900123"))
    await main.run(settings(simulator, count=2))
    await main.run(settings(simulator, to="4477", digits=12))
    assert [event.dest for event in events(simulator, Submitted)] == [
        "447700900123", "447700900123", "14155550001", "14155550002", "447700000001",
    ]  # fmt: skip


def test_receipts_are_matched_once_whatever_the_case_of_their_id():
    tally = Tally()
    found = receipt.Receipt(("ABC",), MessageState.DELIVERED, "DELIVRD")
    tally.receipted(found, 1.0)
    tally.answered(0, "abc", sent_at=0.0, now=2.0, receipts=1)
    tally.receipted(found, 3.0)
    got = tally.summary()
    assert (got.matched, got.duplicate, got.unmatched, got.missing, got.receipt_p50_ms) == (1, 1, 0, 0, 1000.0)


@pytest.mark.parametrize(
    "expect, wrong",
    [
        ("accepted=1", 0),
        ("accepted=2", 1),
        ("accepted>0, refused=0", 0),
        ("p99_ms<1", 1),
        ("alive=0", 0),
        ("accepted<1,matched>5", 2),
    ],
)
def test_expectations(expect, wrong):
    tally = Tally()
    tally.answered(0, "abc", sent_at=0.0, now=2.0, receipts=0)
    assert len(unexpected(tally.summary(), expect)) == wrong


@pytest.mark.parametrize("expect", ["nonsense=1", "accepted", "accepted=many", "accepted!1"])
def test_what_is_no_expectation(expect):
    with pytest.raises(ValueError, match="no expectation"):
        unexpected(Tally().summary(), expect)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "HOST:PORT"),
        (["--count", "1"], "HOST:PORT"),
        (["localhost"], "HOST:PORT"),
        (["localhost:x"], "HOST:PORT"),
        (["localhost:1", "--count"], "has no value"),
        (["localhost:1", "--speed", "1"], "--speed is not an option"),
        (["localhost:1", "--host", "x"], "--host is not an option"),
        (["localhost:1", "--count", "-1"], "count"),
        (["localhost:1", "--kind", "odd"], "kind"),
    ],
)
def test_wrong_options_end_with_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_arguments(arguments)


def test_options_are_read():
    got = from_arguments(["[::1]:2775", "--count", "7", "--reference", "true", "--rate", "0.5", "--tls-ca", "a.pem"])
    assert got == Settings(host="::1", count=7, reference=True, rate=0.5, tls_ca="a.pem")


def test_every_option_of_the_client_is_documented():
    rows = re.findall(r"^\| `(--[a-z-]+) [A-Z]+` \| ([^|]+) \| (.+) \|$", DOCUMENT, re.MULTILINE)
    defaults = dict(zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True))
    wanted = [("--" + name.replace("_", "-"), shown(defaults[name]), meaning) for name, meaning in MEANINGS.items()]
    found = [(option, default, meaning) for option, default, meaning in rows]
    assert [row[0] for row in found] == option_names()
    assert {*Settings.__struct_fields__} - {*MEANINGS} == {"host", "port"}
    assert found == wanted


def test_every_misuse_is_documented():
    table = DOCUMENT.partition("<!-- misuses -->")[2].partition("<!-- /misuses -->")[0]
    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE) == [(row.name, row.about) for row in MISUSES]


def test_every_count_is_documented():
    named = set(re.findall(r"`(\w+)`", DOCUMENT.partition("## The client")[2]))
    assert set(Tally().summary().__struct_fields__) <= named


def test_the_help_fits_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = usage("whimbrel sandbox esme")
    assert text.startswith("Usage: whimbrel sandbox esme HOST:PORT")
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_words_of_a_summary():
    tally = Tally(alive=False, afterwards="a bind is refused with ESME_RBINDFAIL")
    tally.answered(0x58, "", sent_at=0.0, now=2.0, receipts=0)
    assert "1 refused, ESME_RTHROTTLED 1, 0 unanswered" in words(tally.summary())
    assert "afterwards a bind is refused with ESME_RBINDFAIL" in words(tally.summary())


def esme(*arguments):
    command = [sys.executable, "-m", "whimbrel_sandbox", "esme", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_client_as_a_process():
    simulator = subprocess.Popen(
        [sys.executable, "-m", "whimbrel_sandbox", "--smpp-port", "0", "--http-port", "null"], stdout=subprocess.PIPE
    )
    try:
        port = json.loads(simulator.stdout.readline())["smpp_port"]
        at = f"127.0.0.1:{port}"
        fine = esme(at, "--count", "20", "--json", "true")
        refused = esme(at, "--to", reserved("0509"))
        expected = esme(at, "--to", reserved("0509"), "--expect", "refused=1")
    finally:
        simulator.terminate()
        simulator.wait(60)
        simulator.stdout.close()
    assert (fine.returncode, json.loads(fine.stdout)["matched"]) == (0, 20), fine.stderr
    assert (refused.returncode, "not as expected: 1 submits refused" in refused.stderr) == (1, True)
    assert (expected.returncode, "ESME_RTHROTTLED 1" in expected.stdout) == (0, True)
    nobody = esme(at)
    assert nobody.returncode == 3, nobody.stderr
    for wrong in (["--scenario", "nonsense"], ["--expect", "nonsense=1"], ["--validity", "x" * 20]):
        assert esme(at, *wrong).returncode == 2
