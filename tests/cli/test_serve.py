"""`whimbrel serve`, `migrate` and `key`: a production node from an empty folder to its end, and what each refuses."""

import json
import re

import pytest

from tests.cli.product import COMMAND, START_S, ask, invoke, started, until, whimbrel

KEY = "00" * 32
LISTENING = re.compile(r'"url": "(http://127\.0\.0\.1:\d+)"')


@pytest.fixture
def config(tmp_path):
    """A node's configuration on free ports, with nothing behind it yet."""
    path = tmp_path / "whimbrel.toml"
    path.write_text(f'[server]\nport = 0\ndata = "{tmp_path / "data"}"\n[smpp]\nport = 0\n')
    return path


@pytest.fixture
def installed(config):
    """The same with its database and master key."""
    assert invoke("migrate", "apply", "--config", config).code == 0
    return config


class Serving:
    """A node under `serve`."""

    def __init__(self, running):
        self.running = running
        found = until(
            lambda: LISTENING.search(running.err) or running.process.poll() is not None,
            within_s=START_S,
            what="it listens",
        )
        assert found is not True, running.err
        self.url = found[1]


def serving(config, tmp_path):
    return started(tmp_path / "streams", *COMMAND, "serve", "--config", config)


def test_from_an_empty_folder_to_a_first_request(config, tmp_path):
    pending = whimbrel("migrate", "status", "--config", config)
    assert pending.code == 1 and "0001_first" in pending.out and "pending" in pending.out
    assert "CREATE TABLE messages" in whimbrel("migrate", "plan", "--config", config).out
    applied = whimbrel("migrate", "apply", "--config", config)
    assert applied.code == 0 and "applied 0001_first" in applied.out
    assert "secret.key" in applied.out and (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600
    again = invoke("migrate", "apply", "--config", config)
    assert again.code == 0 and again.out == "nothing to do: the schema is current\n"
    states = json.loads(invoke("migrate", "status", "--json", "--config", config).out)
    assert {each["state"] for each in states} == {"applied"}
    assert invoke("migrate", "plan", "--config", config).out == ""

    key = whimbrel("key", "create", "first", "--config", config).out.strip()
    with serving(config, tmp_path) as running:
        url = Serving(running).url
        until(lambda: ask("GET", f"{url}/readyz").status == 200, what="it is ready")
        made = ask("POST", f"{url}/v1/accounts", {"name": "Acme"}, key=key)
        assert made.status == 201, made.body
        assert running.end() == 0
        lines = [json.loads(line) for line in running.err.splitlines()]
        assert [line["message"] for line in lines][-1] == "stopped"
    listed = invoke("key", "list", "--config", config, "--json")
    assert [each["name"] for each in json.loads(listed.out)] == ["first"]


def test_a_database_without_its_schema_is_not_served(config, tmp_path):
    (tmp_path / "data").mkdir()
    done = invoke("serve", "--config", config, env={"WHIMBREL_MASTER_KEY": KEY})
    assert done.code == 2
    assert "whimbrel.db" in done.err and "0001_first" in done.err and "run `whimbrel migrate apply`" in done.err


def test_a_file_that_is_no_database_is_not_served(installed, tmp_path):
    (tmp_path / "data" / "whimbrel.db").write_bytes(b"x" * 8192)
    for verb in (("serve",), ("migrate", "status"), ("migrate", "apply"), ("key", "list")):
        done = invoke(*verb, "--config", installed)
        assert done.code == 1 and "whimbrel.db" in done.err and "Traceback" not in done.err, done.err


def test_a_master_key_that_others_may_read_is_refused(installed, tmp_path):
    path = tmp_path / "data" / "secret.key"
    path.chmod(0o644)
    done = invoke("serve", "--config", installed)
    assert done.code == 2
    assert f"{path}: others may read the master key (mode 0644); run: chmod 600 {path}" in done.err


@pytest.mark.parametrize("text", ["", "xyz", "00" * 31])
def test_a_master_key_that_is_none_is_refused(installed, tmp_path, text):
    (tmp_path / "data" / "secret.key").write_text(text)
    assert "64 hex digits" in invoke("serve", "--config", installed).err
    assert "WHIMBREL_MASTER_KEY" in invoke("serve", "--config", installed, env={"WHIMBREL_MASTER_KEY": "7"}).err


def test_a_master_key_that_is_missing_is_not_made_up(installed, tmp_path):
    """A new key beside an old database would make its secrets unreadable for good."""
    (tmp_path / "data" / "secret.key").unlink()
    done = invoke("serve", "--config", installed)
    assert done.code == 2 and "the master key cannot be read" in done.err
    assert invoke("migrate", "apply", "--config", installed).code == 0
    assert not (tmp_path / "data" / "secret.key").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nprt = 1\n", ("server.prt is no setting", "did you mean server.port?")),
        ('[server]\nport = "80"\n', ("server.port: expected an integer from 0 to 65535, not '80'",)),
        ("[server]\nport = 70000\n", ("server.port: expected an integer from 0 to 65535, not 70000",)),
        ('roles = ["king"]\n', ("roles: expected a list of api, worker, smpp, console, mail",)),
        ('database = "mysql://x"\n', ("database: expected a URL such as sqlite:///whimbrel.db",)),
        ("server = 7\n", ("server: expected a table, [server]",)),
        ("[server\n", ("no valid TOML",)),
        ('[webhooks]\nallow_networks = ["all"]\n', ("webhooks.allow_networks: expected networks such as",)),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_file(tmp_path, text, words):
    path = tmp_path / "whimbrel.toml"
    path.write_text(text)
    done = invoke("serve", "--config", path)
    assert done.code == 2 and str(path) in done.err and "Traceback" not in done.err
    assert all(word in done.err for word in words), done.err


def test_a_file_of_settings_that_is_missing_is_named(tmp_path):
    done = invoke("serve", "--config", tmp_path / "none.toml")
    assert done.code == 2 and "none.toml: cannot be read" in done.err


def test_the_environment_wins_over_the_file(installed, tmp_path):
    wrong = invoke("serve", "--config", installed, env={"WHIMBREL_SERVER__PORT": "many"})
    assert wrong.code == 2 and "WHIMBREL_SERVER__PORT: server.port: expected an integer" in wrong.err
    unknown = invoke("serve", "--config", installed, env={"WHIMBREL_SERVER__PROT": "1"})
    assert unknown.code == 2 and "did you mean server.port?" in unknown.err
    other = tmp_path / "other"
    env = {"WHIMBREL_SERVER__DATA": str(other)}
    assert invoke("migrate", "apply", "--config", installed, env=env).code == 0
    assert (other / "whimbrel.db").exists()


@pytest.mark.parametrize(
    ("text", "env", "roles", "answers"),
    [
        ("", {}, ["api", "worker", "smpp", "console", "mail"], (401, 200)),
        ('roles = ["api", "worker"]\n', {}, ["api", "worker"], (401, 404)),
        ("", {"WHIMBREL_ROLES": "console"}, ["console"], (404, 200)),
        ('roles = ["worker", "smpp"]\n', {}, ["worker", "smpp"], None),
    ],
)
def test_a_node_does_what_its_roles_name(installed, tmp_path, text, env, roles, answers):
    installed.write_text(text + installed.read_text())
    with started(tmp_path / "streams", *COMMAND, "serve", "--config", installed, env=env) as running:
        until(lambda: '"ready"' in running.err, within_s=START_S)
        (ready,) = [line for line in map(json.loads, running.err.splitlines()) if line["message"] == "ready"]
        assert ready["roles"] == roles
        assert len(ready.get("smpp_ports", ())) == ("smpp" in roles)
        if answers is None:
            assert "url" not in ready
        else:
            paths = ("/v1/balance", "/console/sign-in")
            assert tuple(ask("GET", ready["url"] + path).status for path in paths) == answers
            assert ask("GET", ready["url"] + "/readyz").status == 200


def test_a_port_that_is_taken_is_named(installed, tmp_path):
    with serving(installed, tmp_path) as running:
        port = Serving(running).url.rpartition(":")[2]
        env = {"WHIMBREL_SERVER__PORT": port, "WHIMBREL_SERVER__DATA": str(tmp_path / "other")}
        assert whimbrel("migrate", "apply", "--config", installed, env=env).code == 0
        done = whimbrel("serve", "--config", installed, env=env)
        assert done.code == 2 and f"cannot listen on 127.0.0.1 port {port}" in done.err
        env |= {"WHIMBREL_SERVER__PORT": "0", "WHIMBREL_SMPP__PORT": "0"}
        env |= {"WHIMBREL_MAILBOX__PORT": port, "WHIMBREL_MAILBOX__DOMAIN": "sms.example.com"}
        done = whimbrel("serve", "--config", installed, env=env)
        assert done.code == 2 and "by mailbox.host, mailbox.port in the settings" in done.err


# ---------------------------------------------------------------- keys


def test_keys_from_making_to_revoking(installed, tmp_path):
    made = json.loads(invoke("key", "create", "ops", "--json", "--config", installed).out)
    assert made["key"].startswith("wk_live_") and made["scopes"] == ["operator"]
    narrow = invoke("key", "create", "reader", "--scope", "carriers:read", "--config", installed).out.strip()
    table = invoke("key", "list", "--config", installed, env={"COLUMNS": "200"}).out
    assert made["id"] in table and "reader" in table and made["key"] not in table and narrow not in table
    assert invoke("key", "revoke", made["id"], "--config", installed).out == f"{made['id']} is revoked\n"
    with serving(installed, tmp_path) as running:
        url = Serving(running).url
        assert ask("GET", f"{url}/v1/carriers", key=made["key"]).code == "unauthorized"
        assert ask("GET", f"{url}/v1/carriers", key=narrow).status == 200
        assert ask("GET", f"{url}/v1/routes", key=narrow).code == "forbidden"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("create", "x", "--scope", "everything"), 1, "/scopes/0"),
        (("create", "x", "--mode", "tset"), 2, "tset"),
        (("create", ""), 1, "/name"),
        (("create", "x", "--account", "AC" + "0" * 32), 1, "not_found"),
        (("revoke", "KE" + "0" * 32), 1, "not_found"),
    ],
)
def test_keys_that_cannot_be(installed, arguments, code, words):
    done = invoke("key", *arguments, "--config", installed)
    assert done.code == code and words in done.err and "Traceback" not in done.err, done.err
    assert json.loads(invoke("key", "list", "--json", "--config", installed).out) == []


@pytest.mark.parametrize("named_by", ["folder", "environment"])
def test_a_running_node_does_it_itself(node, tmp_path, named_by):
    """In the folder's node, or in the node of the environment from anywhere else."""
    folder = ("--data", node.folder) if named_by == "folder" else ()
    variables = {"WHIMBREL_URL": node.url, "WHIMBREL_OPERATOR_KEY": node.given["operator_key"]}
    env = {} if folder else variables

    def key(*arguments):
        done = invoke("key", *arguments, *folder, env=env | {"COLUMNS": "80"}, cwd=tmp_path)
        assert done.code == 0, done.err
        return done.out

    made = json.loads(key("create", "ops", "--json"))
    assert (made["account_id"], made["scopes"]) == (None, ["operator"])
    assert node.ask("GET", "/v1/carriers", key=made["key"]).status == 200
    assert made["id"] in key("list") and made["id"] in {each["id"] for each in json.loads(key("list", "--json"))}
    assert key("revoke", made["id"]) == f"{made['id']} is revoked\n"
    assert node.ask("GET", "/v1/carriers", key=made["key"]).code == "unauthorized"
    account = ("--account", node.given["account_sid"])
    narrow = key("create", "reader", "--mode", "test", "--scope", "messages:read", *account).strip()
    assert node.get("/v1/messages", key=narrow)["data"] is not None
    listed = json.loads(key("list", "--json", *account))
    assert listed[0]["name"] == "reader" and made["id"] not in {each["id"] for each in listed}


def test_what_a_running_node_refuses(node, tmp_path):
    wrong = invoke("key", "create", "x", "--scope", "everything", "--data", node.folder)
    assert wrong.code == 1 and "/scopes/0" in wrong.err
    unknown = invoke("key", "revoke", "KE" + "0" * 32, "--data", node.folder)
    assert unknown.code == 1 and "not_found" in unknown.err
    env = {"WHIMBREL_URL": node.url, "WHIMBREL_OPERATOR_KEY": node.given["api_key"]}
    account = invoke("key", "create", "x", env=env, cwd=tmp_path)
    assert account.code == 1 and account.out == ""


def test_a_node_of_a_file_is_asked_with_a_key_of_the_environment(installed, tmp_path):
    key = invoke("key", "create", "first", "--config", installed).out.strip()
    with serving(installed, tmp_path) as running:
        url = Serving(running).url
        unknown = invoke("key", "list", "--config", installed)
        assert unknown.code == 1 and f"is used by process {running.process.pid}" in unknown.err
        assert "WHIMBREL_OPERATOR_KEY" in unknown.err
        env = {"WHIMBREL_OPERATOR_KEY": key, "WHIMBREL_SERVER__PORT": url.rpartition(":")[2]}
        listed = invoke("key", "list", "--json", "--config", installed, env=env)
        assert [each["name"] for each in json.loads(listed.out)] == ["first"], listed.err


def test_a_schema_is_not_changed_under_a_running_node(node):
    migrating = invoke("migrate", "apply", "--data", node.folder)
    assert migrating.code == 1 and f"is used by process {node.process.pid}" in migrating.err
    assert invoke("migrate", "status", "--data", node.folder).code == 0
