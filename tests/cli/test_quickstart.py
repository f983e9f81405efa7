"""`whimbrel quickstart` as a user meets it: the line that it prints works, a second run changes nothing, what stands in
its way is said in a sentence, and nothing of it is left behind, however it ends.
"""

import json
import re
import socket
import stat
import subprocess

import pytest
import smpplib.client

from tests.cli.product import (
    ANY_PORTS,
    COMMAND,
    START_S,
    Answer,
    ask,
    invoke,
    quickstart,
    started,
    until,
    whimbrel,
)
from tests.ports import free_port

FIELDS = {
    "http_url", "account_sid", "auth_token", "api_key", "test_key", "operator_key", "console_url", "console_user",
    "console_password", "smpp_host", "smpp_port", "smpp_system_id", "smpp_password", "simulator_smpp_port",
    "simulator_http_url",
}  # fmt: skip
ERROR = re.compile(r"^whimbrel: .+\n$", re.DOTALL)


def is_free(port):
    """Whether one can listen there: refused connections would also be those of a port that is bound only."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def simulator_ports(given):
    return int(given["simulator_smpp_port"]), int(given["simulator_http_url"].rpartition(":")[2])


def test_the_line_that_it_prints_sends_a_text(node):
    line = node.out[node.out.index("curl ") :].split("\n\n")[0]
    done = subprocess.run(["bash", "-c", f"{line} --silent --fail-with-body"], capture_output=True, text=True)
    message = json.loads(done.stdout)
    until(lambda: node.get(f"/v1/messages/{message['id']}")["status"] == "delivered", what="it is delivered")
    phone = re.search(r"Phones +(\S+)", node.out)[1]
    assert ask("GET", phone).json["inbox"][-1]["text"] == "Hello from Whimbrel"


def test_what_it_writes_is_for_its_owner_only(node):
    assert node.folder.stat().st_mode & 0o077 == 0
    open_to_others = [file.name for file in node.folder.iterdir() if stat.S_IMODE(file.stat().st_mode) & 0o077]
    assert open_to_others == []
    assert set(node.given) >= FIELDS
    assert all(node.given[name] for name in FIELDS)


def test_every_credential_is_good_for_something(node):
    assert node.get("/v1/balance")["account_id"] == node.given["account_sid"]
    assert node.ask("GET", "/v1/carriers", key=node.given["operator_key"]).status == 200
    sent = node.ask("POST", "/v1/messages", {"to": "+15005550000", "text": "x"}, key=node.given["test_key"])
    assert (sent.status, sent.json["test"]) == (202, True)
    token = f"{node.given['account_sid']}:{node.given['auth_token']}"
    done = subprocess.run(["curl", "-s", "-u", token, f"{node.url}/v1/balance"], capture_output=True, text=True)
    assert json.loads(done.stdout)["account_id"] == node.given["account_sid"]
    with socket.create_connection(("127.0.0.1", node.given["simulator_smpp_port"]), 2):
        pass
    bind_and_leave(node.given)
    assert sign_in(node).startswith("/console")


def sign_in(node):
    """Where the console leads whoever signs in with what quickstart gave."""
    form = {"email": node.given["console_user"], "password": node.given["console_password"]}
    fields = [word for name, value in form.items() for word in ("--data-urlencode", f"{name}={value}")]
    command = [
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %{redirect_url}",
        "-H",
        "sec-fetch-site: same-origin",
    ]
    url = f"{node.given['console_url']}/sign-in"
    done = subprocess.run([*command, *fields, url], capture_output=True, text=True)
    status, _, to = done.stdout.partition(" ")
    assert status == "303", done.stdout
    return to.removeprefix(url.removesuffix("/console/sign-in"))


def bind_and_leave(given):
    """smpplib raises what is no ESME_ROK."""
    client = smpplib.client.Client(given["smpp_host"], given["smpp_port"], timeout=60, allow_unknown_opt_params=True)
    client.connect()
    client.bind_transceiver(system_id=given["smpp_system_id"], password=given["smpp_password"])
    client.unbind()
    client.disconnect()


def test_a_folder_of_a_version_without_smpp_gets_a_credential(tmp_path):
    path = tmp_path / "data" / "credentials.json"
    with quickstart(tmp_path) as first:
        assert first.end() == 0
    older = {name: value for name, value in first.given.items() if not name.startswith("smpp")}
    path.write_text(json.dumps(older))
    with quickstart(tmp_path) as second:
        bind_and_leave(second.given)
        assert second.given["api_key"] == older["api_key"]


def test_a_second_run_changes_nothing(tmp_path):
    with quickstart(tmp_path) as first:
        sent = first.ask("POST", "/v1/messages", {"to": "+15005550000", "text": "x"}).json
        until(lambda: first.get(f"/v1/messages/{sent['id']}")["status"] == "delivered", what="it is delivered")
        before = first.given, first.get("/v1/balance"), [row["id"] for row in first.get("/v1/senders")["data"]]
        assert first.end() == 0
    with quickstart(tmp_path) as second:
        kept = [name for name in FIELDS if not name.startswith(("http", "simulator", "smpp_port", "console_url"))]
        assert {name: second.given[name] for name in kept} == {name: before[0][name] for name in kept}
        assert second.get("/v1/balance") == before[1]
        assert [row["id"] for row in second.get("/v1/senders")["data"]] == before[2]
        carriers = second.ask("GET", "/v1/carriers", key=second.given["operator_key"]).json["data"]
        assert [row["settings"]["port"] for row in carriers] == [second.given["simulator_smpp_port"]]
        assert second.get(f"/v1/messages/{sent['id']}")["status"] == "delivered"


def test_who_sees_it_ready_finds_the_credentials(tmp_path):
    """Also at the first run, when the keys have to be made first."""
    port = free_port()
    command = [*COMMAND, "quickstart", "--data", tmp_path / "data", *ANY_PORTS, "--port", port]

    def first_answer():
        try:
            return ask("GET", f"http://127.0.0.1:{port}/readyz")
        except OSError:
            return None

    def ready(answer: Answer | None):
        return answer is not None and answer.status == 200

    with started(tmp_path / "streams", *command):
        until(lambda: ready(first_answer()), within_s=START_S, what="it is ready")
        assert set(json.loads((tmp_path / "data" / "credentials.json").read_text())) >= FIELDS


@pytest.mark.ci
def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for option, words in (
            ("--port", f"cannot listen on 127.0.0.1 port {port}"),
            ("--smpp-port", f"cannot listen on 127.0.0.1 port {port}"),
            ("--simulator-smpp-port", "another port with --simulator-smpp-port, 0 takes a free one"),
            ("--simulator-http-port", "another port with --simulator-http-port, 0 takes a free one"),
        ):
            done = whimbrel("quickstart", "--data", tmp_path / "data", *ANY_PORTS, option, port)
            assert done.code in (1, 2) and ERROR.match(done.err), done.err
            assert words in done.err and "in use" in done.err.lower()
            assert "Traceback" not in done.err
            assert not (tmp_path / "data" / "credentials.json").exists()


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nobody"])
def test_a_folder_that_cannot_be_is_named(tmp_path, place):
    (tmp_path / "file").write_text("")
    done = invoke("quickstart", "--data", tmp_path / place, *ANY_PORTS)
    assert done.code == 1 and ERROR.match(done.err) and place in done.err


def test_a_damaged_file_of_credentials_is_named(tmp_path):
    (tmp_path / "credentials.json").write_text("{")
    done = invoke("quickstart", "--data", tmp_path, *ANY_PORTS)
    assert done.code == 1 and ERROR.match(done.err) and "credentials.json is damaged" in done.err


def test_two_cannot_share_a_folder(node):
    done = whimbrel("quickstart", "--data", node.folder, *ANY_PORTS)
    assert done.code == 1 and ERROR.match(done.err)
    assert f"is used by process {node.process.pid}" in done.err


@pytest.mark.parametrize("named", ["nowhere", ":2776", "localhost:", "localhost:99999", "localhost:x"])
def test_an_address_of_a_simulator_that_is_none(tmp_path, named):
    done = invoke("quickstart", "--data", tmp_path, *ANY_PORTS, "--simulator", named)
    assert done.code == 2 and "--simulator takes HOST:PORT" in done.err


def test_a_simulator_that_is_not_there_is_told_before_it_is_ready(tmp_path):
    """It may come later, so everything starts all the same."""
    port = free_port()
    with quickstart(tmp_path, "--simulator", f"127.0.0.1:{port}") as node:
        warning = node.err.splitlines()[0]
        assert warning.startswith(f"whimbrel: nobody answers at 127.0.0.1:{port} (Connection refused)")
        assert f"whimbrel simulator --smpp-port {port}" in warning
        assert "is ready" in node.out


def test_an_external_simulator_is_used_and_left_running(tmp_path):
    command = [*COMMAND, "simulator", "--smpp-port", "0", "--http-port", "0"]
    with started(tmp_path / "simulator", *command) as simulator:
        simulator.wait_for("\n")
        address = json.loads(simulator.out)
        with quickstart(tmp_path, "--simulator", f"127.0.0.1:{address['smpp_port']}") as node:
            assert "simulator_http_url" not in node.given
            assert "nobody answers" not in node.err
            assert node.given["simulator_smpp_port"] == address["smpp_port"]
            sent = node.ask("POST", "/v1/messages", {"to": "+15005550000", "text": "x"}).json
            until(lambda: node.get(f"/v1/messages/{sent['id']}")["status"] == "delivered", what="it is delivered")
            assert node.end() == 0
        assert ask("GET", f"{address['http_url']}/counts").json["accepted"] == 1


def test_sigterm_ends_the_simulator_too(tmp_path):
    with quickstart(tmp_path) as node:
        assert node.end() == 0
        assert all(map(is_free, simulator_ports(node.given)))
        assert "Traceback" not in node.err


def test_kill_9_leaves_no_simulator_behind(tmp_path):
    with quickstart(tmp_path) as node:
        node.process.kill()
        node.process.wait()
        until(lambda: all(map(is_free, simulator_ports(node.given))), within_s=60, what="its ports are free")
