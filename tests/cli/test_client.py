"""The verbs that ask a running node: `send`, `tail`, `balance`. Real processes against one quickstart."""

import contextlib
import datetime
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.cli.product import COMMAND, END_S, START_S, environ, invoke, quickstart, started, until, whimbrel
from tests.ports import free_port

GOOD = "+15005550000"
BATCH = 500


def send(node, *arguments, by=whimbrel):
    return by("send", *arguments, "--data", node.folder)


def numbers(count, first=0):
    return [f"+4479{21_000_000 + first + n:08d}" for n in range(count)]


def submits_to(node, wanted):
    """How often the simulator's phones got a text for each number."""
    return [len(node.simulator(f"/phones/{number}")["inbox"]) for number in wanted]


# ---------------------------------------------------------------- one text


def test_a_text_and_what_became_of_it(node):
    done = send(node, GOOD, "Hello", "--wait", "--json", "--class", "otp", "--sender", "Whimbrel")
    message = json.loads(done.out)
    assert (done.code, message["status"], message["class"], message["sender"]) == (0, "delivered", "otp", "Whimbrel")
    plain = send(node, GOOD, "--text", "Hello again", by=invoke)
    assert plain.code == 0 and plain.out.startswith("SM") and "1 segment(s)  0.008 USD" in plain.out
    failed = send(node, "+15005550201", "x", "--wait", "--json", by=invoke)
    message = json.loads(failed.out)
    assert (failed.code, message["status"], message["reason"]["code"]) == (1, "undelivered", "unknown_subscriber")


def test_waiting_shows_the_states_as_they_come(node):
    done = send(node, "+15005550105", "x", "--wait")  # its receipt takes five seconds
    assert done.code == 0
    states = [line.split()[1] for line in done.out.splitlines()]
    assert states[-1] == "delivered" and "sent" in states[:-1] and len(states) == len(set(states)), done.out
    assert send(node, GOOD, "x", by=invoke).out.count("\n") == 1


@pytest.mark.parametrize(
    ("to", "state"), [("+15005550201", "undelivered"), ("+15005550411", "failed"), ("+15005550301", "expired")]
)
def test_a_text_that_does_not_arrive_is_told_by_the_exit_code(node, to, state):
    done = send(node, to, "x", "--wait", by=invoke)
    assert done.code == 1 and f"  {state}  " in done.out.splitlines()[-1]
    assert done.err == ""


def test_waiting_ends(node):
    began = time.monotonic()
    done = send(node, "+15005550305", "x", "--wait", "--timeout", 5, by=invoke)  # no receipt ever comes
    assert 5 <= time.monotonic() - began < 50, "it waits for a minute by itself"
    assert done.code == 1 and "  sent  " in done.out.splitlines()[-1]
    assert "is sent after 5 s" in done.err and "--timeout" in done.err
    in_json = send(node, "+15005550305", "x", "--wait", "--timeout", 5, "--json", by=invoke)
    assert (in_json.code, json.loads(in_json.out)["status"]) == (1, "sent")
    assert json.loads(in_json.err)["code"] == "wait_timeout"


def test_with_json_what_is_wrong_is_json_too(node):
    refused = send(node, "12", "x", "--json", by=invoke)
    problem = json.loads(refused.err)
    assert (refused.code, refused.out, problem["code"]) == (1, "", "invalid_number")
    assert problem["errors"][0]["pointer"] == "/to" and problem["request_id"]
    nobody = {"WHIMBREL_URL": "http://127.0.0.1:9", "WHIMBREL_API_KEY": "wk_live_x"}
    gone = invoke("send", GOOD, "x", "--json", env=nobody)
    assert gone.code == 1 and json.loads(gone.err)["code"] == "unreachable"
    odd = invoke("send", GOOD, "--json")
    assert odd.code == 2 and json.loads(odd.err)["code"] == "asked_wrongly"


def test_a_text_for_later(node):
    later = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)).isoformat()
    message = json.loads(send(node, GOOD, "x", "--send-at", later, "--validity", 60, "--json", by=invoke).out)
    assert message["status"] == "scheduled"
    assert datetime.datetime.fromisoformat(message["send_at"]) == datetime.datetime.fromisoformat(later)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("12", "x"), 1, ("invalid_number: ", "\n  /to: ")),
        ((GOOD, ""), 1, ("text_missing: ", "\n  /text: ")),
        ((GOOD, "x" * 1601), 1, ("text_too_long: ", "\n  /text: ")),
        ((GOOD, "x", "--sender", "Nobody"), 1, ("sender_not_allowed: ", "\n  /sender: ")),
        ((GOOD, "x", "--send-at", "tomorrow"), 1, ("invalid_request: ", "\n  /send_at: ")),
        ((GOOD, "x", "--validity", "1"), 1, ("invalid_validity: ", "\n  /validity: ")),
        ((GOOD, "x", "--class", "urgent"), 2, ("urgent",)),
        ((GOOD,), 2, ("a recipient and a text are needed",)),
        ((GOOD, "x", "--text", "y"), 2, ("a recipient and a text are needed",)),
        ((), 2, ("a recipient and a text are needed",)),
        ((GOOD, "--file", "x.csv"), 2, ("with --file",)),
        (("--file", "/nowhere.csv"), 1, ("/nowhere.csv: No such file",)),
    ],
)
def test_what_is_refused_is_said_with_its_field(node, arguments, code, words):
    done = send(node, *arguments, by=invoke)
    assert (done.code, done.out) == (code, "")
    assert all(word in done.err for word in words) and "Traceback" not in done.err, done.err


def test_without_a_node_it_says_what_to_do(tmp_path):
    unknown = whimbrel("send", GOOD, "x", cwd=tmp_path)
    assert unknown.code == 2 and "run `whimbrel quickstart`" in unknown.err and "whimbrel-data" in unknown.err
    nobody = {"WHIMBREL_URL": "http://127.0.0.1:9", "WHIMBREL_API_KEY": "wk_live_x"}
    gone = invoke("send", GOOD, "x", env=nobody)
    assert gone.code == 1 and "http://127.0.0.1:9 does not answer" in gone.err and "whimbrel doctor" in gone.err
    odd = invoke("send", GOOD, "x", env=nobody | {"WHIMBREL_URL": "file:///etc/passwd"})
    assert odd.code == 2


def test_address_and_key_may_come_from_the_environment(node):
    env = {"WHIMBREL_URL": node.url, "WHIMBREL_API_KEY": node.given["test_key"]}
    assert json.loads(invoke("send", GOOD, "x", "--json", env=env).out)["test"] is True
    refused = invoke("send", GOOD, "x", env=env | {"WHIMBREL_API_KEY": "wk_live_wrong"})
    assert refused.code == 1 and "unauthorized" in refused.err


# ---------------------------------------------------------------- a file


def test_a_file_of_numbers_alone(node, tmp_path):
    wanted = numbers(BATCH + 20)
    file = tmp_path / "numbers.csv"
    file.write_text("\n".join(wanted) + "\n\n")
    done = send(node, "--file", file, "--text", "Open at nine.")
    assert (done.code, done.out, done.err) == (0, "520 accepted, 0 refused\n", "")
    until(lambda: submits_to(node, (wanted[0], wanted[-1])) == [1, 1], what="the phones have it")


def test_a_file_with_columns_and_lines_that_are_refused(node, tmp_path):
    file = tmp_path / "people.csv"
    lines = [
        "name,To,text,sender",
        f'Ann,{GOOD},"Hello, Ann",',
        "Bob,12,,",
        f"Cleo,{GOOD},,Nobody",
        f"Dan,{GOOD},,Whimbrel",
        "Eve,,,",
    ]
    file.write_text("\ufeff" + "\r\n".join(lines))
    done = send(node, "--file", file, "--text", "Hello", by=invoke)
    assert (done.code, done.out) == (1, "2 accepted, 3 refused\n")
    assert [line.partition(": ")[0] for line in done.err.splitlines()] == ["line 3 12", f"line 4 {GOOD}", "line 6 "]
    rows = [
        json.loads(line) for line in send(node, "--file", file, "--text", "Hello", "--json", by=invoke).out.splitlines()
    ]
    assert [(row["line"], row.get("error", {}).get("code")) for row in rows] == [
        (2, None), (3, "invalid_number"), (4, "sender_not_allowed"), (5, None), (6, "recipient_missing"),
    ]  # fmt: skip
    shown = node.get(f"/v1/messages/{rows[0]['id']}")
    assert (shown["text"], node.get(f"/v1/messages/{rows[3]['id']}")["text"]) == ("Hello, Ann", "Hello")


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "holds no numbers"),
        (b"to,text\n", "holds no numbers"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'"a', "is no CSV"),
    ],
)
def test_a_file_that_cannot_be_read(node, tmp_path, octets, words):
    file = tmp_path / "file.csv"
    file.write_bytes(octets)
    done = send(node, "--file", file, "--text", "x", by=invoke)
    assert done.code == 1 and words in done.err and "Traceback" not in done.err


def test_a_run_goes_on_where_it_stopped_and_sends_nothing_twice(node, tmp_path):
    wanted = numbers(BATCH + 5, first=100_000)
    file = tmp_path / "numbers.csv"
    file.write_text("\n".join(wanted[:BATCH]))
    assert send(node, "--file", file, "--text", "Once", "--run", "monday").code == 0
    file.write_text("\n".join(wanted))
    again = send(node, "--file", file, "--text", "Once", "--run", "monday", by=invoke)
    assert (again.code, again.out) == (0, "505 accepted, 0 refused\n")
    some = [*wanted[:3], *wanted[-5:]]
    until(lambda: all(submits_to(node, some)), what="those of both runs have it")
    assert submits_to(node, some) == [1] * 8
    file.write_text("\n".join(wanted[1:]))
    other = send(node, "--file", file, "--text", "Once", "--run", "monday", by=invoke)
    assert other.code == 1 and "idempotency_key_reused" in other.err and "--run monday" in other.err


def test_long_work_shows_a_bar_where_somebody_watches(node, tmp_path):
    file = tmp_path / "numbers.csv"
    file.write_text("\n".join(numbers(30, first=200_000)))
    master, slave = pty.openpty()
    command = [*COMMAND, "send", "--file", file, "--text", "x", "--data", node.folder]
    shown: list[bytes] = []
    reader = threading.Thread(target=watch, args=(master, shown))
    reader.start()
    done = subprocess.run(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=slave, text=True, env=environ(TERM="xterm"), timeout=120
    )
    os.close(slave)
    reader.join()
    os.close(master)
    told = b"".join(shown).decode()
    assert done.stdout == "30 accepted, 0 refused\n"
    assert "sending" in told and "30/30" in told


def watch(master, shown):
    """Read a terminal to its end: the longer the work takes, the more often the bar is drawn, and a terminal that
    nobody reads is full soon."""
    with contextlib.suppress(OSError):  # nobody has the other side any more
        while octets := os.read(master, 65536):
            shown.append(octets)


# ---------------------------------------------------------------- events


def test_events_as_they_happen(node, tmp_path):
    command = [*COMMAND, "tail", "--data", node.folder, "--json", "--events", "message.delivered"]
    with started(tmp_path, *command) as tailing:
        sent = heard_after_sending(node, tailing)
        event = next(e for e in map(json.loads, tailing.out.splitlines()) if e["message_id"] in sent)
        assert (event["type"], event["data"]["to"]) == ("message.delivered", GOOD)
        tailing.process.send_signal(signal.SIGINT)
        assert tailing.process.wait(END_S) == 0


# SIGINT reaches a thread other than the one that reads, so no system call of that one is interrupted: what otherwise
# happens once in a while, when the signal comes right before the call.
DEAF = """
import signal, sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
from whimbrel.cli.main import app
app()
"""
PROMPT_S = 12  # under the 15 s after which a ping would end a read


@pytest.mark.parametrize("started_as", [COMMAND, (sys.executable, "-c", DEAF)], ids=["plain", "no call interrupted"])
def test_ctrl_c_ends_it_while_it_waits_for_an_event(node, tmp_path, started_as):
    command = [*started_as, "tail", "--data", node.folder, "--json", "--events", "message.delivered"]
    with started(tmp_path, *command) as tailing:
        heard_after_sending(node, tailing)
        interrupted(tailing)


@pytest.mark.parametrize("started_as", [COMMAND, (sys.executable, "-c", DEAF)], ids=["plain", "no call interrupted"])
def test_ctrl_c_ends_it_while_nobody_answers(tmp_path, started_as):
    """Something takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        env = {
            "WHIMBREL_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "WHIMBREL_API_KEY": "wk_live_x",
        }
        with started(tmp_path, *started_as, "tail", env=env) as tailing:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                interrupted(tailing)


def test_ctrl_c_ends_it_between_two_tries(tmp_path):
    env = {"WHIMBREL_URL": "http://127.0.0.1:9", "WHIMBREL_API_KEY": "wk_live_x"}
    with started(tmp_path, *COMMAND, "tail", env=env) as tailing:
        until(lambda: "trying again" in tailing.err, what="it waits for its next try")
        interrupted(tailing)


def interrupted(tailing):
    tailing.process.send_signal(signal.SIGINT)
    assert tailing.process.wait(PROMPT_S) == 0
    assert "Traceback" not in tailing.err and "Aborted" not in tailing.err


def heard_after_sending(node, tailing):
    """The stream may not be open yet when a text is sent: send until one is heard; the ids of all."""
    sent = set()

    def is_heard():
        sent.add(node.ask("POST", "/v1/messages", {"to": GOOD, "text": "x"}).json["id"])
        with contextlib.suppress(TimeoutError):
            return until(lambda: any(each in tailing.out for each in sent), within_s=2)
        return False

    until(is_heard, within_s=START_S, what="the first event")
    return sent


def test_unknown_types_and_wrong_keys_end_it(node):
    wrong = whimbrel("tail", "--data", node.folder, "--events", "message.lost")
    assert wrong.code == 1 and "invalid_parameter" in wrong.err and "message.lost" in wrong.err
    env = {"WHIMBREL_URL": node.url, "WHIMBREL_API_KEY": "wk_live_wrong"}
    assert "unauthorized" in whimbrel("tail", env=env).err


def test_after_a_break_it_goes_on_from_the_last_event(tmp_path):
    """Three texts are heard; the node goes away, and what happened before the client came back is heard too."""
    port = free_port()
    with quickstart(tmp_path, "--port", port) as first:
        command = [*COMMAND, "tail", "--data", first.folder, "--events", "message.delivered"]
        with started(tmp_path / "tail", *command) as tailing:
            heard_after_sending(first, tailing)
            tailing.process.send_signal(signal.SIGSTOP)  # it does not see the break, nor what comes next
            missed = first.ask("POST", "/v1/messages", {"to": GOOD, "text": "missed"}).json["id"]
            until(lambda: first.get(f"/v1/messages/{missed}")["status"] == "delivered", what="it is delivered")
            assert first.end() == 0
            with quickstart(tmp_path, "--port", port) as second:
                late = second.ask("POST", "/v1/messages", {"to": GOOD, "text": "late"}).json["id"]
                until(lambda: second.get(f"/v1/messages/{late}")["status"] == "delivered", what="it is delivered")
                tailing.process.send_signal(signal.SIGCONT)
                until(lambda: missed in tailing.out and late in tailing.out, what="both are heard")
                heard = [line.split()[2] for line in tailing.out.splitlines()]
                assert len(heard) == len(set(heard)), "an event came twice"


def test_a_reader_who_leaves_is_no_error(node):
    """`whimbrel tail | head -1`"""
    line = f"{' '.join(COMMAND)} tail --data {node.folder} --events message.queued | head -1"
    with subprocess.Popen(["bash", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ()) as piped:
        while piped.poll() is None:
            node.ask("POST", "/v1/messages", {"to": GOOD, "text": "x"})
            try:
                piped.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
        assert piped.stdout.read().count(b"\n") == 1
        assert piped.stderr.read() == b""


# ---------------------------------------------------------------- money


def test_a_balance_is_shown_and_topped_up(node):
    made = node.ask("POST", "/v1/accounts", {"name": "Branch"}, key=node.given["operator_key"]).json["id"]
    at = ("--account", made, "--data", node.folder)
    added = whimbrel("balance", "top-up", "12.5", "--note", "invoice 4711", *at)
    assert added.code == 0 and "available 12.50 USD" in added.out
    shown = json.loads(invoke("balance", "show", "--json", *at).out)
    assert (shown["account_id"], shown["available"]) == (made, "12.50")
    assert node.given["account_sid"] in invoke("balance", "show", "--data", node.folder).out
    ledger = node.ask("GET", "/v1/ledger", key=node.given["operator_key"], X_Account_Id=made).json["data"]
    assert [(row["kind"], row["amount"], row["note"]) for row in ledger] == [("top_up", "12.50", "invoice 4711")]
    refused = invoke("balance", "top-up", "0", *at)
    assert (refused.code, refused.out) == (1, "") and "/amount" in refused.err
    for amount in ("abc", "1,5", "0.0000001"):
        refused = invoke("balance", "top-up", amount, *at)
        assert (refused.code, refused.out) == (2, "") and f"{amount} is no amount" in refused.err
        assert "such as 100.00" in refused.err
    assert json.loads(invoke("balance", "show", "--json", *at).out)["available"] == "12.50"


def test_the_environment_names_the_account(node, tmp_path):
    """As `whimbrel env` prints it; in a folder without a quickstart."""
    made = node.ask("POST", "/v1/accounts", {"name": "Branch"}, key=node.given["operator_key"]).json["id"]
    env = {"WHIMBREL_URL": node.url, "WHIMBREL_OPERATOR_KEY": node.given["operator_key"]}
    done = invoke("balance", "top-up", "5", env=env | {"WHIMBREL_ACCOUNT_SID": made}, cwd=tmp_path)
    assert done.code == 0 and done.out.startswith(made) and "available 5.00 USD" in done.out
    unnamed = invoke("balance", "top-up", "5", env=env, cwd=tmp_path)
    assert unnamed.code == 2 and "which account?" in unnamed.err and "WHIMBREL_ACCOUNT_SID" in unnamed.err


def test_an_account_that_nobody_has_gets_no_money(node):
    done = invoke("balance", "top-up", "1", "--account", "AC" + "0" * 32, "--data", node.folder)
    assert done.code == 1 and "not_found" in done.err


# ---------------------------------------------------------------- the command itself


def test_it_says_its_version_and_helps():
    assert whimbrel("--version").out.startswith("whimbrel 0.")
    verbs = ("quickstart", "serve", "simulator", "send", "tail", "doctor", "balance", "key", "migrate")
    text = invoke("--help").out
    assert [verb for verb in verbs if verb not in text] == []
    assert "Usage" in invoke("sned").err and invoke("sned").code == 2
