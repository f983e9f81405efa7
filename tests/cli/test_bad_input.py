"""Bad input to the running product, from the far side of its sockets: each is answered with a code of the catalogue,
and the database holds the same rows afterwards. Single fields and routes have their tables in tests/edges; here is what
only the whole product can show.
"""

import contextlib
import json
import re
import select
import socket
import subprocess

import apsw
import pytest

from tests.cli import hostile_smsc
from tests.cli.hostile_smsc import HostileSmsc, pdu
from tests.cli.product import quickstart, until
from whimbrel.base.errors import CATALOGUE

GOOD = {"to": "+14155550123", "text": "Hello"}
JSON = "Content-Type: application/json"
FOLLOWING = (
    "cursors",
    "message_numbers",
    "usage_figures",
    "leases",
    "lanes",
)  # filled some time after what they follow was stored


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with quickstart(tmp_path_factory.mktemp("bad_input")) as running:
        yield running


def footprint(node):
    """Every table and how many rows it has."""
    connection = apsw.Connection(str(node.folder / "whimbrel.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {n: connection.execute(f'SELECT count(*) FROM "{n}"').get for n in names if n not in FOLLOWING}
    finally:
        connection.close()


@contextlib.contextmanager
def nothing_stored(node):
    before = footprint(node)
    yield
    assert footprint(node) == before
    assert node.ask("GET", "/readyz").status == 200


def curl(node, *options, path="/v1/messages", key=None):
    """Status and body, as curl sees them."""
    bearer = f"Authorization: Bearer {node.given['api_key'] if key is None else key}"
    command = ["curl", "-s", "-m", "120", "-w", "\n%{http_code}", "-H", bearer, *options, node.url + path]
    body, _, status = subprocess.run(command, capture_output=True, text=True).stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


def refused(answer, code):
    status, problem = answer
    assert (status, problem["code"]) == (CATALOGUE[code].http, code), answer
    assert problem["title"] == CATALOGUE[code].title and problem["detail"] and problem["request_id"]
    return [field["pointer"] for field in problem.get("errors", [])]


def delivered(node, answer):
    """A text that was accepted after all has come to its end."""
    code, message = answer
    assert code == 202, message
    until(lambda: status(node, message["id"]) == "delivered", what="it is delivered")


BODIES = [
    ("malformed JSON", '{"to": "+1415', "malformed_json", []),
    ("lone surrogate", '{"to": "+14155550123", "text": "\\ud800"}', "malformed_json", []),
    ("unknown field", '{"to": "+14155550123", "text": "x", "colour": "red"}', "invalid_request", ["/colour"]),
    ("a list", "[]", "invalid_request", [""]),
    ("invalid number", '{"to": "hello", "text": "x"}', "invalid_number", ["/to"]),
    ("a number of no country", '{"to": "+999123456789", "text": "x"}', "invalid_number", ["/to"]),
    ("impossible number", '{"to": "+19995550123", "text": "x"}', "invalid_number", ["/to"]),
    ("wide digits", '{"to": "+1415555012\uff13", "text": "x"}', "invalid_number", ["/to"]),
    ("empty text", '{"to": "+14155550123", "text": ""}', "text_missing", ["/text"]),
    ("over-long text", json.dumps(GOOD | {"text": "x" * 1601}), "text_too_long", ["/text"]),
    ("NUL", '{"to": "+14155550123", "text": "a\\u0000"}', "invalid_text", ["/text"]),
    ("escape", '{"to": "+14155550123", "text": "a\\u001bb"}', "invalid_text", ["/text"]),
    ("not a character", '{"to": "+14155550123", "text": "\\uffff"}', "invalid_text", ["/text"]),
    ("sender not allowed", json.dumps(GOOD | {"sender": "Nobody"}), "sender_not_allowed", ["/sender"]),
]


@pytest.mark.parametrize(("body", "code", "pointers"), [pytest.param(*row, id=label) for label, *row in BODIES])
def test_bodies(product, body, code, pointers):
    with nothing_stored(product):
        assert refused(curl(product, "-H", JSON, "-d", body), code) == pointers


def test_content_types_and_giant_bodies(product, tmp_path):
    giant = tmp_path / "giant.json"
    giant.write_text(json.dumps(GOOD | {"text": "x" * 17_000_000}))
    with nothing_stored(product):
        refused(curl(product, "-d", json.dumps(GOOD)), "unsupported_media_type")
        refused(curl(product, "-H", "Content-Type: text/plain", "-d", json.dumps(GOOD)), "unsupported_media_type")
        for path in ("/v1/messages", "/v1/messages/batch"):
            for chunked in ((), ("-H", "Transfer-Encoding: chunked")):
                answer = curl(product, "-H", JSON, *chunked, "--data-binary", f"@{giant}", path=path)
                refused(answer, "body_too_large")


def test_keys_and_scopes(product):
    narrow = product.ask("POST", "/v1/keys", {"name": "reader", "scopes": ["messages:read"]}).json["key"]
    post = ("-H", JSON, "-d", json.dumps(GOOD))
    with nothing_stored(product):
        key = product.given["api_key"]
        mistyped = key[:-1] + ("1" if key.endswith("0") else "0")
        for wrong in ("", "wk_live_wrong", mistyped, product.given["auth_token"]):
            refused(curl(product, *post, key=wrong), "unauthorized")
        refused(curl(product, *post, key=narrow), "forbidden")
        refused(curl(product, *post, key=product.given["operator_key"]), "invalid_parameter")
        refused(curl(product, "-H", JSON, "-d", "{}", path="/v1/balance/top-up"), "forbidden")


def test_no_balance_no_price_no_route(product):
    operator = {"key": product.given["operator_key"]}
    poor = product.ask("POST", "/v1/accounts", {"name": "Poor"}, **operator).json["id"]
    at = operator | {"X_Account_Id": poor}
    made = product.ask("POST", "/v1/senders", {"value": "Poor", "is_default": True}, **at)
    assert made.status == 201, made.body
    key = product.ask("POST", "/v1/keys", {"name": "k", "scopes": ["messages:write"]}, **at).json["key"]
    post = ("-H", JSON, "-d", json.dumps(GOOD))
    with nothing_stored(product):
        refused(curl(product, *post, key=key), "insufficient_balance")
    (route,) = product.get("/v1/routes", **operator)["data"]
    assert product.ask("PATCH", f"/v1/routes/{route['id']}", {"enabled": False}, **operator).status == 200
    with nothing_stored(product):
        refused(curl(product, *post, key=key), "no_route")
    product.ask("PATCH", f"/v1/routes/{route['id']}", {"enabled": True}, **operator)
    delivered(product, curl(product, *post))


def test_an_idempotency_key_that_is_used_again(product):
    first = product.ask("POST", "/v1/messages", GOOD, Idempotency_Key="order-4711")
    delivered(product, (first.status, first.json))
    with nothing_stored(product):
        again = product.ask("POST", "/v1/messages", GOOD, Idempotency_Key="order-4711")
        assert (again.status, again.json["id"]) == (202, first.json["id"])
        assert again.headers["Idempotent-Replayed"] == "true"
        other = product.ask("POST", "/v1/messages", GOOD | {"text": "Other"}, Idempotency_Key="order-4711")
        assert (other.status, other.code) == (422, "idempotency_key_reused")
        for key in ("x" * 256, "\u00fc"):
            sent = ("-H", JSON, "-H", f"Idempotency-Key: {key}", "-d", json.dumps(GOOD))
            refused(curl(product, *sent), "invalid_idempotency_key")


# ---------------------------------------------------------------- slow clients


def test_slow_clients_keep_nobody_waiting(product):
    """Half a request on 200 connections: others are served at once, and each of them is told and closed."""
    port = int(product.url.rpartition(":")[2])
    with nothing_stored(product), contextlib.ExitStack() as stack:

        def served_while_they_wait():
            """Those 200, if the last of them is waited for still when another was answered: for five seconds it is."""
            slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(200)]
            for connection in slow:
                connection.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Le")
            assert product.ask("GET", "/v1/balance").status == 200
            told, _, _ = select.select(slow[-1:], [], [], 0)
            return [] if told else slow

        for connection in until(served_while_they_wait, within_s=60, what="an answer while 200 are waited for"):
            connection.settimeout(60)
            answer = connection.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 408 ") and b'"request_timeout"' in answer


# ---------------------------------------------------------------- a carrier that says something wrong


@contextlib.contextmanager
def carrier(node, smsc):
    """The hostile SMSC as a carrier of the installation."""
    operator = {"key": node.given["operator_key"]}
    settings = {"host": "127.0.0.1", "port": smsc.port, "system_id": "us", "reconnect_min_s": 0.1}
    made = node.ask("POST", "/v1/carriers", {"name": "hostile", "settings": settings}, **operator)
    assert made.status == 201, made.body
    try:
        yield made.json["id"]
    finally:
        assert node.ask("DELETE", f"/v1/carriers/{made.json['id']}", **operator).status == 204


OUT_OF_STEP = [
    ("length of four octets", b"\x00\x00\x00\x04" + b"\x00" * 12),
    ("length of 2 GiB", b"\x80\x00\x00\x00" + b"\x00" * 12),
    ("all ones", b"\xff" * 64),
    ("oversized: one above 64 KiB", (64 * 1024 + 1).to_bytes(4, "big") + b"\x00" * 12),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
]


@pytest.mark.parametrize("words", [pytest.param(words, id=label) for label, words in OUT_OF_STEP])
def test_a_stream_that_is_out_of_step_is_closed_and_bound_again(product, words):
    with HostileSmsc(words) as smsc, carrier(product, smsc), nothing_stored(product):
        until(lambda: smsc.binds >= 3 and smsc.closed >= 2, what="it binds again")


def test_a_pdu_that_is_cut_short_by_the_end_of_the_connection(product):
    half = pdu(hostile_smsc.DELIVER_SM, 1, b"\x00" * 100)[:60]
    with HostileSmsc(half, hang_up=True) as smsc, carrier(product, smsc), nothing_stored(product):
        until(lambda: smsc.binds >= 3, what="it binds again")


DELIVER = hostile_smsc.DELIVER_SM
IN_STEP = [
    ("deliver_sm without a body", pdu(DELIVER, 7), hostile_smsc.DELIVER_SM_RESP),
    ("deliver_sm that ends in a field", pdu(DELIVER, 7, b"\x00\x01\x0149"), hostile_smsc.DELIVER_SM_RESP),
    ("text longer than its PDU", pdu(DELIVER, 7, b"\x00" * 16 + b"\xffabc"), hostile_smsc.DELIVER_SM_RESP),
    ("an unknown command", pdu(0x00000077, 7, b"abc"), hostile_smsc.GENERIC_NACK),
]


@pytest.mark.parametrize(("words", "command"), [pytest.param(w, c, id=label) for label, w, c in IN_STEP])
def test_a_pdu_that_makes_no_sense_is_refused_and_the_bind_stays(product, words, command):
    """Either as itself with an error or by generic_nack (SMPP 3.4, 4.3); what follows it is still understood."""
    follows = pdu(0x00000015, 8)  # enquire_link
    with HostileSmsc(words + follows) as smsc, carrier(product, smsc):
        with nothing_stored(product):
            until(lambda: any(answer[0] == 0x80000015 for answer in smsc.answers), what="the enquire_link's answer")
        refusal = next(answer for answer in smsc.answers if answer[2] == 7)
        assert refusal[0] in (command, hostile_smsc.GENERIC_NACK) and refusal[1] != 0
        assert smsc.binds == 1


def test_an_answer_to_nothing_changes_nothing(product):
    words = pdu(0x80000004, 99, b"ghost\x00") + pdu(0x00000015, 8)
    with HostileSmsc(words) as smsc, carrier(product, smsc):
        with nothing_stored(product):
            until(lambda: any(answer[0] == 0x80000015 for answer in smsc.answers), what="the enquire_link's answer")
        assert smsc.binds == 1


def test_garbage_after_a_submit_leaves_that_message_in_doubt_and_no_other(product):
    """The SMSC may have taken it: it must not be sent again by itself, and the queue goes on."""
    operator = {"key": product.given["operator_key"]}
    with Garbling() as smsc, carrier(product, smsc) as carrier_id:
        made = product.ask("POST", "/v1/routes", {"carriers": [carrier_id], "country": "DE", "position": 1}, **operator)
        assert made.status == 201, made.body
        try:
            ids = [send(product, f"Number {n}") for n in range(3)]
            until(lambda: [status(product, each) for each in ids] == ["in_doubt", "sent", "sent"], what="the states")
            assert sorted(smsc.texts) == [b"Number 0", b"Number 1", b"Number 2"]
        finally:
            product.ask("DELETE", f"/v1/routes/{made.json['id']}", **operator)


class Garbling(HostileSmsc):
    """Answers every submit_sm but the first, to which it says garbage."""

    def __init__(self):
        self.texts = []
        super().__init__(b"")

    def _talk(self, connection, stream):
        command, _, sequence, _ = self._read_all(stream)
        connection.sendall(pdu(hostile_smsc.BIND_TRANSCEIVER_RESP, sequence, b"x\x00"))
        self.binds += 1
        while True:
            command, _, sequence, body = self._read_all(stream)
            if command == 0x00000004:
                self.texts.append(re.search(rb"Number \d", body)[0])
                first = len(self.texts) == 1
                connection.sendall(b"\xff" * 32 if first else pdu(0x80000004, sequence, b"id%d\x00" % sequence))
            elif command == hostile_smsc.UNBIND:
                connection.sendall(pdu(hostile_smsc.UNBIND_RESP, sequence))
                return

    def _read_all(self, stream):
        length, command, status, sequence = hostile_smsc.HEAD.unpack(stream.read(16))
        return command, status, sequence, stream.read(length - 16)


def send(node, text):
    """One after the other, so that only one is on its way when the garbage comes."""
    made = node.ask("POST", "/v1/messages", {"to": "+4915112345678", "text": text}).json["id"]
    until(lambda: status(node, made) not in ("queued", "sending"), what="it was answered")
    return made


def status(node, message_id):
    return node.get(f"/v1/messages/{message_id}")["status"]


def test_after_all_this_it_still_works(product):
    delivered(product, curl(product, "-H", JSON, "-d", json.dumps(GOOD)))
    log = (product.folder / "whimbrel.log").read_text()
    assert "Traceback" not in log, log[-3000:]
