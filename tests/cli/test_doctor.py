"""`whimbrel doctor`: each thing that can be wrong is found and comes with what to do; looking changes nothing."""

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import apsw
import pytest

from tests.cli.product import ask, invoke, quickstart, until, whimbrel
from tests.net.certificates import Authority, Issued
from tests.ports import free_port


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of a quickstart that ran, sent a text and was stopped."""
    folder = tmp_path_factory.mktemp("doctor")
    with quickstart(folder, "--simulator-smpp-port", free_port()) as node:  # where nobody listens by chance afterwards
        node.ask("POST", "/v1/messages", {"to": "+15005550000", "text": "x"})
        node.end()
    return folder / "data"


@pytest.fixture
def folder(installed, tmp_path):
    """A copy of it to break."""
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    for name in ("whimbrel.db", "secret.key", "credentials.json"):
        (made / name).write_bytes((installed / name).read_bytes())
        (made / name).chmod(0o600)
    return made


def findings(*arguments, **more):
    done = invoke("doctor", "--json", *arguments, **more)
    found = {each["subject"]: each for each in json.loads(done.out)}
    assert done.code == any(each["state"] == "error" for each in found.values()), done.err
    return found


def test_a_node_in_good_health(node):
    found = findings("--data", node.folder)
    assert {each["state"] for each in found.values()} == {"ok"}
    assert set(found) == {"configuration", "master key", "store", "disk", "carrier sandbox", "SMPP", "clock", "node"}
    words = whimbrel("doctor", "--data", node.folder)
    assert words.code == 0 and f"{node.url} is ready" in words.out


def test_a_stopped_node_and_a_carrier_that_is_away(folder):
    found = findings("--data", folder)
    assert (found["node"]["state"], found["node"]["advice"]) == ("warning", "start it: whimbrel serve")
    assert found["carrier sandbox"]["state"] == "error"
    assert "does not answer" in found["carrier sandbox"]["detail"] and "firewall" in found["carrier sandbox"]["advice"]
    assert "→ check address" in whimbrel("doctor", "--data", folder).out


def test_settings_that_cannot_be(tmp_path):
    (tmp_path / "x.toml").write_text("[server]\nprt = 1\n")
    found = findings("--config", tmp_path / "x.toml")
    assert list(found) == ["configuration"]
    assert "did you mean server.port?" in found["configuration"]["detail"]


def test_nothing_is_there_yet(tmp_path):
    found = findings("--data", tmp_path)
    assert found["store"]["advice"] == "run: whimbrel migrate apply"
    assert found["master key"]["state"] == "error" and "cannot be read" in found["master key"]["detail"]
    assert found["carriers"]["state"] == "warning"
    assert list(tmp_path.iterdir()) == []


def test_a_master_key_that_others_may_read(folder):
    (folder / "secret.key").chmod(0o640)
    assert "chmod 600" in findings("--data", folder)["master key"]["detail"]


def test_a_master_key_of_another_installation(folder):
    (folder / "secret.key").write_text("ab" * 32)
    assert "restore the secret.key" in findings("--data", folder)["master key"]["advice"]


OVER_HTTP = {"url": "http://127.0.0.1:9/{username}", "username": "me", "fields": {"to": "{to}", "cb": "{callback}"}}


def test_a_carrier_over_http_that_is_away_and_is_told_no_address(folder):
    connection = apsw.Connection(str(folder / "whimbrel.db"))
    connection.execute("UPDATE carriers SET kind = 'http', settings = ?", (json.dumps(OVER_HTTP),))
    connection.close()
    found = findings("--data", folder)
    assert found["carrier sandbox"]["detail"].startswith("127.0.0.1:9 does not answer")
    assert "server.public_url" in found["receipts of sandbox"]["advice"]
    found = findings("--data", folder, env={"WHIMBREL_SERVER__PUBLIC_URL": "https://sms.example.com"})
    assert "receipts of sandbox" not in found


HTTP_UP = {"state": "up", "binds_up": 1, "binds": 1, "last_error": None, "connections": []}


@pytest.mark.parametrize(
    ("health", "state", "detail", "advice"),
    [
        (HTTP_UP, "ok", "up", ""),
        (HTTP_UP | {"last_error": "answered 401 (20003)"}, "warning", "up: answered 401", "PATCH /v1/carriers/CR"),
        (HTTP_UP | {"state": "connecting", "binds_up": 0, "last_error": "connect_failed: refused"}, "error",
         "connecting: connect_failed", "firewall"),
        (HTTP_UP | {"state": "connecting", "binds_up": 0, "last_error": "tls_failed: x"}, "error", "tls_failed",
         "certificate"),
        (HTTP_UP | {"last_error": "answered 500"}, "warning", "answered 500", 'doctor carrier "sandbox"'),
    ],
)  # fmt: skip
def test_what_a_node_says_of_a_carrier_over_http(folder, health, state, detail, advice):
    with told(folder, health, kind="http"):
        found = findings("--data", folder)["carrier sandbox"]
    assert (found["state"], found["detail"].startswith(detail) or detail in found["detail"]) == (state, True), found
    assert advice in (found["advice"] or "")


@pytest.mark.parametrize(
    ("sql", "subject", "words"),
    [
        ("UPDATE schema_migrations SET checksum = 'x' WHERE number = 1", "store", "0001_first is not the one"),
        ("INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 0, 9999)", "store", "use a newer version"),
        ("DELETE FROM schema_migrations", "store", "run `whimbrel migrate apply`"),
        ("UPDATE carriers SET status = 'paused'", "carrier sandbox", "is paused"),
        ("DELETE FROM routes; DELETE FROM carriers", "carriers", "there are none"),
        ("UPDATE events SET created_at = 9999999999999999", "clock", "which was written already"),
    ],
)
def test_what_a_database_can_tell(folder, sql, subject, words):
    connection = apsw.Connection(str(folder / "whimbrel.db"))
    connection.execute(sql)
    connection.close()
    found = findings("--data", folder)[subject]
    assert found["state"] != "ok" and words in found["detail"] and found["advice"]


def test_a_file_that_is_no_database(folder):
    (folder / "whimbrel.db").write_bytes(b"x" * 8192)
    found = findings("--data", folder)
    assert found["store"]["state"] == "error" and "whimbrel.db" in found["store"]["detail"]
    assert found["node"]["state"] == "warning", "the other checks went on"


def test_a_node_that_is_not_ready(tmp_path):
    """Something else answers on the node's port: neither ready nor silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        env = {"WHIMBREL_SERVER__PORT": str(listener.getsockname()[1])}
        found = findings("--data", tmp_path, env=env)
    assert found["node"]["state"] == "warning" and "does not answer" in found["node"]["detail"]


# ---------------------------------------------------------------- carriers of a running node


def test_a_bind_that_is_refused(tmp_path):
    """The port takes connections all the while: only the node knows that the password is wrong."""
    with quickstart(tmp_path) as node:
        node.bound()
        assert findings("--data", node.folder)["carrier sandbox"]["detail"] == "up, 1 of 1 binds up"
        ask("POST", f"{node.given['simulator_http_url']}/behaviour", {"refuse_binds": 14, "drop": True})

        def refused():
            found = findings("--data", node.folder)["carrier sandbox"]
            return found if "refused" in found["detail"] else None

        found = until(refused, what="the bind is refused")
        assert found["state"] == "error"
        said = "bind refused: ESME_RINVPASWD (invalid password, 0x0000000e)"
        assert found["detail"].startswith(f"connecting, 0 of 1 binds up: {said}"), found
        assert found["advice"].startswith("set the password") and "PATCH /v1/carriers/CR" in found["advice"]


@contextlib.contextmanager
def told(folder, health, metrics="", *, status=200, kind="smpp"):
    """A node that says of the folder's carrier what the test wants."""
    connection = apsw.Connection(str(folder / "whimbrel.db"))
    ((carrier_id,),) = connection.execute("SELECT id FROM carriers").fetchall()
    connection.close()
    carriers = {"data": [{"id": carrier_id, "name": "sandbox", "kind": kind, "status": "active", "health": health}]}
    answers = {"/readyz": b"{}", "/v1/carriers/health": json.dumps(carriers).encode(), "/metrics": metrics.encode()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path.startswith("/v1/") else 200)
            self.end_headers()
            self.wfile.write(answers[self.path])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        given = json.loads((folder / "credentials.json").read_text())
        given["http_url"] = f"http://127.0.0.1:{server.server_port}"
        (folder / "credentials.json").write_text(json.dumps(given))
        yield
        server.shutdown()


UP = {"state": "up", "binds_up": 2, "binds": 2, "last_error": None}
DOWN = {"state": "connecting", "binds_up": 0, "binds": 2, "last_error": None}


@pytest.mark.parametrize(
    ("health", "state", "detail", "advice"),
    [
        (UP, "ok", "up, 2 of 2 binds up", ""),
        (UP | {"binds_up": 1}, "warning", "up, 1 of 2 binds up", "look again"),
        (UP | {"binds_up": 1, "last_error": "bind refused: 0x00000005"}, "warning", "ESME_RALYBND", "lower `binds`"),
        (DOWN, "warning", "connecting, 0 of 2 binds up", "look again"),
        (DOWN | {"last_error": "connect: refused"}, "error", "0 of 2 binds up: connect: refused", "check address"),
        (DOWN | {"last_error": "connect: TLS: the peer's certificate has expired"}, "error", "has expired", "tls"),
        (DOWN | {"last_error": "bind refused: 0x0000000f"}, "error", "ESME_RINVSYSID", "set the system_id"),
        (DOWN | {"last_error": "bind refused: 0x00000058"}, "error", "ESME_RTHROTTLED", "ask the carrier"),
        (DOWN | {"last_error": "bind refused: 0x00000410"}, "error", "bind refused: 0x00000410", "ask the carrier"),
        (DOWN | {"last_error": "closed by the peer"}, "error", "closed by the peer", "ask the carrier"),
    ],
)
def test_what_a_node_says_of_its_carrier(folder, health, state, detail, advice):
    with told(folder, health):
        found = findings("--data", folder)["carrier sandbox"]
    assert found["state"] == state and detail in found["detail"] and advice in found["advice"], found
    assert bool(advice) == bool(found["advice"])


def test_a_pair_without_its_receiver(folder):
    receiver = {
        "name": "sandbox#1r",
        "role": "receiver",
        "host": "a:1",
        "state": "waiting",
        "last_error": "connect: no",
    }
    with told(folder, UP | {"connections": [receiver]}):
        found = findings("--data", folder)
    assert found["carrier sandbox"]["state"] == "ok"
    bind = found["bind sandbox#1r"]
    assert (bind["state"], "receipts may stay away: connect: no" in bind["detail"]) == ("warning", True)
    assert "check address" in bind["advice"]


@pytest.mark.parametrize(("health", "advice"), [(UP, "raise its window"), (DOWN, "/pause")])
def test_what_waits_too_long(folder, health, advice):
    metrics = """# TYPE whimbrel_queue_age_seconds gauge
whimbrel_queue_age_seconds{carrier="sandbox",message_class="otp"} 1234.5
whimbrel_queue_age_seconds{carrier="sandbox",message_class="marketing"} 29.0
whimbrel_queue_age_seconds{carrier="an \\"other\\"",message_class="otp"} 99.0
"""
    with told(folder, health, metrics):
        found = findings("--data", folder)
    waiting = {subject: each for subject, each in found.items() if subject.startswith("queue")}
    assert list(waiting) == ["queue of sandbox, otp"]
    assert waiting["queue of sandbox, otp"]["state"] == "warning"
    assert waiting["queue of sandbox, otp"]["detail"] == "the oldest message waits for 1,234 s"
    assert advice in waiting["queue of sandbox, otp"]["advice"]
    assert "its oldest message waits for 1234 s" in found["carrier sandbox"]["detail"]


def test_a_node_that_does_not_say(folder):
    """Its key is not the operator's: the port is looked at, and what cannot be known is said."""
    with told(folder, UP, status=401):
        found = findings("--data", folder)
    assert found["carriers"]["state"] == "warning" and "WHIMBREL_OPERATOR_KEY" in found["carriers"]["advice"]
    assert "does not answer" in found["carrier sandbox"]["detail"]


# ---------------------------------------------------------------- the SMPP door


@pytest.fixture
def smpp_says(tmp_path):
    """What is said of the SMPP door with these settings."""

    def says(text, roles='["api", "worker", "smpp"]'):
        path = tmp_path / "whimbrel.toml"
        path.write_text(f'roles = {roles}\n[server]\ndata = "{tmp_path}"\n[smpp]\n{text}\n')
        found = findings("--config", path)["SMPP"]
        return found["state"], found["detail"]

    return says


def test_binds_without_tls(smpp_says):
    assert smpp_says('host = "127.0.0.1"')[0] == "ok"
    state, detail = smpp_says('host = "0.0.0.0"')
    assert state == "warning" and "in the clear" in detail
    assert smpp_says('host = "0.0.0.0"', roles='["api"]') == ("ok", "not a role of this node")


def test_the_certificate_of_binds(smpp_says, tmp_path):
    authority = Authority(tmp_path, "authority")
    for issued, state, words in (
        (authority.issue("new.example"), "warning", "expires in"),  # it is for a day
        (authority.issue("old.example", expired=True), "error", "has expired on"),
        (Issued(str(tmp_path / "none.pem"), ""), "error", "none.pem cannot be read"),
    ):
        told = smpp_says(f'tls_cert_file = "{issued.cert}"\ntls_key_file = "{issued.key}"')
        assert told[0] == state and words in told[1], told
