"""`whimbrel streams` and what doctor says of streams: without a node and with one, with a broker and without."""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.net.nats_server import NatsServer
from whimbrel.cli import doctor_streams
from whimbrel.manage.streams import StreamView

from .product import COMMAND, START_S, ask, invoke, started, until, whimbrel


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[tuple[NatsServer, asyncio.Runner]]:
    """A NATS server, for tests that are no coroutines."""
    with asyncio.Runner() as runner:
        server = NatsServer(folder / "nats")
        runner.run(server.start())
        try:
            yield server, runner
        finally:
            runner.run(server.kill())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of an installation with a database, and of one stream to nobody."""
    return settings(tmp_path, NatsServer(tmp_path / "none").address)


def settings(folder: Path, address: str, port: int = 0, more: str = "") -> Path:
    path = folder / "whimbrel.toml"
    path.write_text(
        f'[server]\nport = {port}\ndata = "{folder}"\n[smpp]\nport = 0\n[streams.ops]\nservers = ["{address}"]\n{more}'
    )
    assert invoke("migrate", "apply", "--config", path).code == 0
    return path


def listed(config: Path) -> dict[str, object]:
    done = invoke("streams", "list", "--config", config, "--json")
    assert done.code == 0, done.err
    (stream,) = json.loads(done.out)
    return stream


def told(url: str, key: str) -> dict[str, object]:
    """What a node says of the stream."""
    (stream,) = ask("GET", f"{url}/v1/streams", key=key).json["data"]
    return stream


def found(config: Path) -> dict[str, str]:
    """What doctor says of the stream."""
    said = json.loads(invoke("doctor", "--config", config, "--json").out)
    (finding,) = [each for each in said if each["subject"] == "stream ops"]
    return finding


def test_a_stream_that_has_not_begun(config):
    stream = listed(config)
    assert (stream["name"], stream["state"], stream["error"], stream["gaps"]) == ("ops", "new", None, 0)
    assert str(stream["to"]).startswith("nats 127.0.0.1:")
    assert "ops" in invoke("streams", "list", "--config", config).out


def test_it_is_set_back_before_it_begins(config):
    done = invoke("streams", "rewind", "ops", "--to", "2026-01-01T00:00:00Z", "--config", config)
    assert (done.code, done.out) == (0, "ops publishes again from 2026-01-01T00:00:00Z on\n")


@pytest.mark.parametrize(
    ("name", "to", "words"),
    [("other", "2026-01-01T00:00:00Z", "not_found"), ("ops", "yesterday", "expected a moment such as")],
)
def test_what_cannot_be_set_back(config, name, to, words):
    done = invoke("streams", "rewind", name, "--to", to, "--config", config)
    assert done.code == 1
    assert words in done.err


def test_doctor_says_that_a_broker_is_away(config):
    finding = found(config)
    assert finding["state"] == "error"
    assert "Connect call failed" in finding["detail"]
    assert "[streams.ops]" in finding["advice"]


def test_doctor_says_that_no_node_follows_a_stream():
    view = StreamView(name="ops", to="", node=None, state="up", error=None, since="", lag_s=0, caught_up_at="", gaps=0)
    (finding,) = doctor_streams._told("stream ops", view)
    assert (finding.state, finding.detail) == ("warning", "no node follows it")


def test_doctor_looks_whether_there_is_a_stream_and_makes_none(tmp_path):
    with broker(tmp_path) as (server, runner):
        finding = found(settings(tmp_path, server.address))
        assert (finding["state"], finding["detail"]) == (
            "error",
            "there is no stream WHIMBREL: make it, or set `create`",
        )
        finding = found(settings(tmp_path, server.address, more="create = true\n"))
        assert finding["state"] == "ok"
        assert finding["detail"].endswith("takes us, and is made at start")
        assert runner.run(server.count()) == 0


def test_a_running_node_tells_of_its_streams_and_sets_them_back(tmp_path):
    with broker(tmp_path) as (server, runner):
        config = settings(tmp_path, server.address, more="create = true\n")
        key = invoke("key", "create", "test", "--config", config).out.strip()
        with started(tmp_path / "out", *COMMAND, "serve", "--config", config) as node:
            url = until(lambda: re.search(r"http://[\w.:]+", node.err), within_s=START_S, what="a node ready")[0]
            env = {"WHIMBREL_OPERATOR_KEY": key, "WHIMBREL_URL": url}
            until(lambda: told(url, key)["state"] == "up", what="a stream that is up")
            assert str(told(url, key)["node"]).endswith(f":{node.process.pid}")
            done = whimbrel("streams", "rewind", "ops", "--to", "2026-01-01T00:00:00Z", env=env)
            assert (done.code, done.out) == (0, "ops publishes again from 2026-01-01T00:00:00Z on\n")
            runner.run(server.kill())
            until(lambda: told(url, key)["state"] == "down", what="a stream that is down")
            assert told(url, key)["error"]
            metrics = ask("GET", f"{url}/metrics").body.decode()
            assert 'whimbrel_stream_up{stream="ops"} 0.0' in metrics
