"""Settings of streams to brokers: names of the operator's own, file and environment, and what is refused."""

import pytest

from whimbrel import config
from whimbrel.sections import Stream

SERVERS = 'servers = ["broker:4222"]\n'


def load(folder, text: str, **environ: str) -> dict[str, Stream]:
    path = folder / "whimbrel.toml"
    path.write_text(text)
    return config.load(path, environ).streams


def test_a_table_for_each_stream(tmp_path):
    text = '[streams.ops]\nservers = ["nats://a:4222"]\n'
    text += '[streams.lake_2]\nkind = "kafka"\nservers = ["b:9092", "[::1]:9092"]\n'
    assert load(tmp_path, text) == {
        "ops": Stream(servers=("nats://a:4222",)),
        "lake_2": Stream(kind="kafka", servers=("b:9092", "[::1]:9092")),
    }


def test_the_environment_adds_to_a_stream_and_makes_one(tmp_path):
    environ = {
        "WHIMBREL_STREAMS__OPS__PASSWORD": "secret",
        "WHIMBREL_STREAMS__OPS__EVENTS": "message.delivered, opt_out.*",
        "WHIMBREL_STREAMS__MORE__SERVERS": "c:4222",
        "WHIMBREL_STREAMS__MORE__TEST": "yes",
    }
    assert load(tmp_path, f'[streams.ops]\n{SERVERS}user = "whimbrel"', **environ) == {
        "ops": Stream(
            servers=("broker:4222",), user="whimbrel", password="secret", events=("message.delivered", "opt_out.*")
        ),
        "more": Stream(servers=("c:4222",), test=True),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("streams = 1", "streams: expected a table for each stream, [streams.NAME]"),
        ("[streams]\nservers = []", "streams: expected a table for each stream"),
        ("[streams.Ops]\nservers = []", "streams.Ops: expected a name of lower-case letters, digits and _"),
        ("[streams.a__b]\nservers = []", "streams.a__b: expected a name"),
        ("[streams.ops]\nserver = []", "streams.ops.server is no setting; did you mean streams.NAME.servers?"),
        ("[streams.ops]\ntest = true", "streams.ops.servers: must name a broker"),
        ('[streams.ops]\nservers = ["broker"]', "streams.ops.servers: expected a host and a port, not 'broker'"),
        ('[streams.ops]\nservers = ["tls://broker:1"]', "expected a host and a port, not 'tls://broker:1'"),
        ('[streams.ops]\nkind = "kafka"\nservers = ["nats://broker:1"]', "expected a host and a port, not"),
        ('[streams.ops]\nservers = ["http://broker:1"]', "expected a host and a port, not 'http://broker:1'"),
        (f"[streams.ops]\n{SERVERS}kind = 'amqp'", "streams.ops.kind: expected nats, kafka, not 'amqp'"),
        (f"[streams.ops]\n{SERVERS}events = ['message.gone']", "streams.ops.events: message.gone names no event"),
        ('[streams.ops]\nservers = ["broker:65536"]', "expected a host and a port, not 'broker:65536'"),
        ("[streams.ops]", "streams.ops: the table is empty"),
        (f"[streams.ops]\n{SERVERS}accounts = ['Acme']", "accounts: expected ids such as AC0190…, not 'Acme'"),
        (f"[streams.ops]\n{SERVERS}kind = 'kafka'\nuser = 'x'", "streams.ops.password: must be set with user"),
        (f"[streams.ops]\n{SERVERS}batch = 0", "streams.ops.batch: expected an integer from 1 to 5000, not 0"),
        (f"[streams.ops]\n{SERVERS}subject = 'a..b'", "streams.ops.subject: expected a subject such as"),
        (f"[streams.ops]\n{SERVERS}subject = 'a.{{seq}}'", "expected nothing but account_id, type, mode in braces"),
        (f"[streams.ops]\n{SERVERS}subject = 'a.{{'", "expected nothing but account_id, type, mode in braces"),
        (f"[streams.ops]\n{SERVERS}topic = 'events'", 'streams.ops.topic: means nothing with kind = "nats"'),
        (
            f"[streams.ops]\n{SERVERS}kind = 'kafka'\ntoken = 'x'",
            'token: means nothing with kind = "kafka"',
        ),
        (
            f"[streams.ops]\n{SERVERS}kind = 'kafka'\ntopic = 'a.{{type}}'",
            "streams.ops.topic: expected nothing but account_id, mode in braces",
        ),
        (f"[streams.ops]\n{SERVERS}password = 'x'", "streams.ops.password: means nothing without user"),
        (f"[streams.ops]\n{SERVERS}user = 'x'\ntoken = 'y'", "streams.ops.token: means nothing beside user"),
        (f"[streams.ops]\n{SERVERS}tls_ca_file = 'ca.pem'", "streams.ops.tls_ca_file: means nothing without tls"),
        (
            f"[streams.ops]\n{SERVERS}tls = true\ntls_key_file = 'k.pem'",
            "streams.ops.tls_key_file: means nothing without tls_cert_file",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_clear_words(tmp_path, text, words):
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '[streams.ops]\nservers = ["nats://whimbrel:hidden@broker:4222"]',
        '[streams.ops]\nservers = "nats://whimbrel:hidden@broker:4222"',
        'database = "postgres://whimbrel:hidden@10.0.0.5/whimbrel"',
        f'[streams.ops]\n{SERVERS}user = "x"\npassword = ["hidden"]',
        f'[streams.ops]\n{SERVERS}token = ["hidden"]',
    ],
)
def test_a_refusal_does_not_show_a_secret(tmp_path, text):
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, text)
    assert "hidden" not in str(caught.value)
