"""Settings: where they come from, which wins, what is refused and in which words; and that the docs list them all."""

import json
import os
from pathlib import Path

import pytest

from whimbrel import config, master_key
from whimbrel.base.clock import DAY_US, HOUR_US, SeededChance
from whimbrel.channel_sections import Channel
from whimbrel.domain.customers import CustomerBounds
from whimbrel.sections import purge_before_us
from whimbrel.store.verbs.sweep import PURGES

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def write(folder: Path, text: str) -> Path:
    path = folder / "whimbrel.toml"
    path.write_text(text)
    return path


def test_defaults_without_file_or_environment():
    assert config.load(None, {}) == config.Settings()


def test_the_file_sets_every_kind_of_value(tmp_path):
    path = write(
        tmp_path,
        """
        database = "sqlite:///texts.db"
        roles = ["api", "worker"]
        [server]
        port = 9000
        [webhooks]
        allow_networks = ["10.0.0.0/8"]
        allow_http = true
        """,
    )
    settings = config.load(path, {})
    assert settings.database == "sqlite:///texts.db"
    assert settings.roles == ("api", "worker")
    assert settings.server.port == 9000
    assert settings.webhooks == config.Webhooks(allow_networks=("10.0.0.0/8",), allow_http=True)


def test_command_line_over_environment_over_file(tmp_path):
    path = write(tmp_path, "[server]\nhost = 'file'\nport = 1\ndata = 'file'\n")
    environ = {"WHIMBREL_SERVER__HOST": "env", "WHIMBREL_SERVER__PORT": "2"}
    settings = config.load(path, environ, {"server.port": 3, "log.level": None})
    assert settings.server == config.Server(host="env", port=3, data="file")


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("WHIMBREL_DATABASE", "sqlite:///a.db", "database", "sqlite:///a.db"),
        ("WHIMBREL_ROLES", "api, worker", "roles", ("api", "worker")),
        ("WHIMBREL_SERVER__PORT", "0", "server.port", 0),
        ("WHIMBREL_WEBHOOKS__ALLOW_HTTP", "true", "webhooks.allow_http", True),
        ("WHIMBREL_WEBHOOKS__ALLOW_HTTP", "0", "webhooks.allow_http", False),
        (
            "WHIMBREL_WEBHOOKS__ALLOW_NETWORKS",
            "127.0.0.0/8,::1/128",
            "webhooks.allow_networks",
            ("127.0.0.0/8", "::1/128"),
        ),
        ("WHIMBREL_WEBHOOKS__ALLOW_NETWORKS", "", "webhooks.allow_networks", ()),
        ("WHIMBREL_LOG__LEVEL", "debug", "log.level", "debug"),
    ],
)
def test_the_environment_names_every_setting(variable, text, name, value):
    settings = config.load(None, {variable: text})
    section, _, key = name.rpartition(".")
    assert getattr(getattr(settings, section) if section else settings, key) == value


def test_variables_of_others_are_left_alone():
    environ = {"WHIMBREL_MASTER_KEY": "00" * 32, "WHIMBREL_FAULT": "", "SERVER__PORT": "x", "PATH": "/bin"}
    assert config.load(None, environ) == config.Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nprot = 1", "server.prot is no setting; did you mean server.port?"),
        ("[sever]\nport = 1", "sever is no setting; did you mean"),
        ("xyzzy = 1", "xyzzy is no setting; docs/settings.md lists them"),
        ("server = 1", "server: expected a table, [server]"),
        ("[server]\nport = 'x'", "server.port: expected an integer from 0 to 65535, not 'x'"),
        ("[server]\nport = '80'", "server.port: expected an integer from 0 to 65535, not '80'"),
        ("[server]\nport = 70000", "server.port: expected an integer from 0 to 65535, not 70000"),
        ("[server]\nport = true", "server.port: expected an integer"),
        ("[server]\nhost = ''", "server.host: expected a string, not ''"),
        ("[server]\npublic_url = 'ftp://x'", "server.public_url: expected a URL such as https://sms.example.com"),
        ("[log]\nlevel = 'loud'", "log.level: expected debug, info, warning, error, not 'loud'"),
        ("roles = ['cook']", "roles: expected a list of api, worker, smpp, console, mail, not ['cook']"),
        ("roles = []", "roles: expected a list of api"),
        (
            "database = 'mysql://x'",
            "database: expected a URL such as sqlite:///whimbrel.db or postgresql://whimbrel@10.0.0.5/whimbrel, not 'mysql://x'",
        ),
        ("[webhooks]\nallow_networks = ['10.0.0.1/8']", "expected networks such as 10.1.0.0/16, not '10.0.0.1/8'"),
        ("[webhooks]\nallow_http = 'yes'", "webhooks.allow_http: expected true or false"),
        ("[retention]\nevents_days = 3", "retention.events_days: expected an integer from 4 to 3650"),
        ("[smpp]\nbinds_max = 0", "smpp.binds_max: expected an integer from 1 to 10000, not 0"),
        ("port = ", "no valid TOML"),
    ],
)
def test_the_file_is_refused_in_clear_words(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(config.ConfigError) as caught:
        config.load(path, {})
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("WHIMBREL_SERVER__PROT", "1", "server.prot is no setting; did you mean server.port?"),
        ("WHIMBREL_SERVER__PORT", "x", "server.port: expected an integer from 0 to 65535, not 'x'"),
        ("WHIMBREL_WEBHOOKS__ALLOW_HTTP", "maybe", "webhooks.allow_http: expected true or false, not 'maybe'"),
    ],
)
def test_the_environment_is_refused_in_clear_words(variable, text, words):
    with pytest.raises(config.ConfigError) as caught:
        config.load(None, {variable: text})
    assert str(caught.value) == f"{variable}: {words}"


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(config.ConfigError, match="cannot be read: No such file"):
        config.load(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tls_key_file": "key.pem"}, "smpp.tls_key_file: means nothing without smpp.tls_cert_file"),
        ({"tls_client_ca_file": "ca.pem"}, "smpp.tls_client_ca_file: means nothing without smpp.tls_cert_file"),
        ({"plain": False}, "smpp.plain: nobody could bind"),
    ],
)
def test_what_needs_a_certificate_is_refused_without_one(given, words):
    overrides = {f"smpp.{name}": value for name, value in given.items()}
    with pytest.raises(config.ConfigError, match=words):
        config.load(None, {}, overrides)
    assert config.load(None, {}, overrides | {"smpp.tls_cert_file": "cert.pem"}).smpp.tls_cert_file == "cert.pem"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"mail.host": "relay"}, "mail.sender: must be set with mail.host"),
        ({"mail.sender": "nobody"}, "mail.sender: expected an address such as sms@example.com, or nothing"),
        ({"mail.username": "u", "mail.security": "none"}, "mail.username: would be sent in the clear"),
        ({"mail.password": "p"}, "mail.password: means nothing without mail.username"),
    ],
)
def test_mail_that_could_not_go_out_is_refused(overrides, words):
    with pytest.raises(config.ConfigError, match=words):
        config.load(None, {}, overrides)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("sms", {}, "channels.sms: expected a name of its own"),
        ("voice", {"url": ""}, "channels.voice.url: must be set"),
        ("voice", {"url": "http://10.0.0.1/"}, "channels.voice.url: the address is not on the public internet"),
        ("voice", {"secret": "hush"}, "channels.voice.secret: expected whsec_ and base64"),
        ("voice", {"allow_networks": ["ten"]}, "channels.voice.allow_networks: expected networks"),
    ],
)
def test_a_channel_that_could_bring_nothing_is_refused(name, change, words):
    given = {"url": "https://voice.example.com/calls", "secret": "whsec_" + "A" * 32} | change
    with pytest.raises(config.ConfigError, match=words) as caught:
        config.load(None, {}, {f"channels.{name}.{key}": value for key, value in given.items()})
    assert "hush" not in str(caught.value)


def test_the_operators_bounds_of_customers():
    environ = {"WHIMBREL_SMPP__BINDS_MAX": "3", "WHIMBREL_SMPP__THROUGHPUT_PER_S": "7"}
    assert config.load(None, environ).smpp.bounds() == CustomerBounds(binds_max=3, throughput_per_s=7)
    assert config.Smpp().bounds() == CustomerBounds()


@pytest.mark.parametrize(
    ("database", "path"),
    [("sqlite:///a.db", "/data/a.db"), ("sqlite:////var/a.db", "/var/a.db"), ("sqlite:///sub/a.db", "/data/sub/a.db")],
)
def test_the_database_is_relative_to_the_data_folder(database, path):
    settings = config.Settings(database=database, server=config.Server(data="/data"))
    assert settings.database_path() == Path(path)


def test_every_setting_is_documented_as_it_is():
    rows = {line for line in DOCS.read_text().splitlines() if line.startswith("| `")}
    expected = {f"| `{s.name}` | `{s.env}` | {s.type} | `{s.default}` | {s.meaning} |" for s in config.describe()}
    assert rows == expected


def test_every_setting_says_what_it_means():
    assert [s.name for s in config.describe() if not s.meaning.endswith(".")] == []


def test_every_variable_takes_what_the_docs_give_as_default():
    alone = [setting for setting in config.describe() if not setting.name.startswith("cells.")]
    environ = {setting.env: _env_text(json.loads(setting.default)) for setting in alone}
    environ["WHIMBREL_STREAMS__NAME__SERVERS"] = "broker:4222"  # has no default that could be used
    voice = {"url": "https://voice.example.com/calls", "secret": "whsec_" + "A" * 32}
    environ |= {f"WHIMBREL_CHANNELS__NAME__{key.upper()}": value for key, value in voice.items()}
    settings = config.load(None, environ)
    expected = config.Settings(
        streams={"name": config.Stream(servers=("broker:4222",))},
        channels={"name": Channel(**voice)},
        origins=settings.origins,
    )
    assert settings == expected and set(settings.origins.values()) == {"environment"}


def _env_text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_example_of_the_docs_is_a_valid_file(tmp_path):
    example = DOCS.read_text().partition("```toml\n")[2].partition("```")[0]
    settings = config.load(write(tmp_path, example), {})
    assert settings.server.public_url == "https://sms.example.com"


def test_rows_may_go_after_their_days():
    before = purge_before_us(config.Retention(messages_days=2, events_days=5), 10 * DAY_US)
    assert before == {
        "messages": 8 * DAY_US,
        "events": 5 * DAY_US,
        "dead": 5 * DAY_US,
        "owed": 5 * DAY_US,
        "media": 10 * DAY_US,
        "seen": 9 * DAY_US - HOUR_US,
        "opt_out_changes": 10 * DAY_US - HOUR_US,
        "tries": -20 * DAY_US,
        "parked": 7 * DAY_US,
        "idempotency": 9 * DAY_US,
        "usage_hours": -35 * DAY_US,
        "usage_days": -1090 * DAY_US,
        "hook_payloads": 10 * DAY_US,
        "hook_calls": -20 * DAY_US,
        "hook_outcomes": -20 * DAY_US,
        "hook_latest": -20 * DAY_US,
        "mailbox_mails": -20 * DAY_US,
        "link_clicks": -80 * DAY_US,
        "link_conversions": -80 * DAY_US,
        "links": -80 * DAY_US,
        "frequency": -21 * DAY_US,
    }
    assert before.keys() == {"messages", "media", *PURGES}  # nothing that can be purged is left to grow


def test_a_new_master_key_is_readable_by_its_owner_only(tmp_path):
    master_key.create(tmp_path, SeededChance(1))
    path = tmp_path / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert master_key.load(tmp_path, {}) == SeededChance(1).octets(32)


def test_a_service_manager_may_hand_the_master_key_over(tmp_path):
    """systemd grants access to a credential by ACL, which shows as the group's; the data folder needs no key then."""
    handed = tmp_path / "credentials"
    handed.mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(handed)}
    master_key.create(tmp_path, SeededChance(1))
    assert master_key.load(tmp_path, environ) == SeededChance(1).octets(32), "other credentials mean nothing to us"
    assert not master_key.exists(handed, {}) and master_key.exists(tmp_path, environ)
    master_key.create(handed, SeededChance(2))
    (handed / "secret.key").chmod(0o440)
    assert master_key.load(tmp_path, environ) == SeededChance(2).octets(32)
    assert master_key.exists(tmp_path / "nowhere", environ), "no other one is to be made"
    assert master_key.load(tmp_path, environ | {"WHIMBREL_MASTER_KEY": "ab" * 32}) == b"\xab" * 32


def test_an_existing_master_key_is_never_overwritten(tmp_path):
    master_key.create(tmp_path, SeededChance(1))
    with pytest.raises(FileExistsError):
        master_key.create(tmp_path, SeededChance(2))
    assert master_key.load(tmp_path, {}) == SeededChance(1).octets(32)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o602])
def test_a_master_key_that_others_may_touch_is_refused(tmp_path, mode):
    master_key.create(tmp_path, SeededChance(1))
    os.chmod(tmp_path / "secret.key", mode)
    with pytest.raises(config.ConfigError, match="chmod 600"):
        master_key.load(tmp_path, {})


def test_the_environment_s_master_key_wins(tmp_path):
    master_key.create(tmp_path, SeededChance(1))
    assert master_key.load(tmp_path, {"WHIMBREL_MASTER_KEY": "ab" * 32}) == b"\xab" * 32


@pytest.mark.parametrize("text", ["", "ab" * 31, "zz" * 32, "ab" * 33])
def test_a_malformed_master_key_is_refused_without_showing_it(tmp_path, text):
    with pytest.raises(config.ConfigError, match="64 hex digits") as caught:
        master_key.load(tmp_path, {"WHIMBREL_MASTER_KEY": text})
    assert not text or text not in str(caught.value)


def test_a_missing_master_key_says_what_to_do(tmp_path):
    with pytest.raises(config.ConfigError, match="backup"):
        master_key.load(tmp_path, {})
