"""`whimbrel doctor`: each thing that can be wrong is found and comes with what to do; looking changes nothing."""

import json
import socket

import apsw
import pytest

from tests.cli.product import invoke, quickstart, whimbrel


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of a quickstart that ran, sent a text and was stopped."""
    folder = tmp_path_factory.mktemp("doctor")
    with quickstart(folder) as node:
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
    assert set(found) == {"configuration", "master key", "store", "disk", "carrier sandbox", "clock", "node"}
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


@pytest.mark.parametrize(
    ("sql", "subject", "words"),
    [
        ("UPDATE schema_migrations SET checksum = 'x' WHERE number = 1", "store", "0001_first is not the one"),
        ("INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 0)", "store", "use a newer version"),
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
