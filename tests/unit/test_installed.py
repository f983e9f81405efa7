"""What is shown of the settings: where each came from, and no secret."""

import msgspec
import pytest
from typer.testing import CliRunner

from whimbrel import config, installed
from whimbrel.cli.main import app


def shown(tmp_path, text="", environ=None, overrides=None):
    path = tmp_path / "whimbrel.toml"
    path.write_text(text)
    return {view.name: view for view in installed.views(config.load(path, environ or {}, overrides))}


def test_each_says_where_it_came_from(tmp_path):
    text = "[server]\nport = 1\nhost = '::1'\n[log]\nlevel = 'debug'"
    environ = {"WHIMBREL_SERVER__HOST": "127.0.0.2", "WHIMBREL_ROLES": "api,worker"}
    found = shown(tmp_path, text, environ, {"log.level": "error"})
    sources = {name: (found[name].value, found[name].source) for name in ("server.port", "server.host", "log.level")}
    assert sources == {
        "server.port": (1, "file"),
        "server.host": ("127.0.0.2", "environment"),
        "log.level": ("error", "command_line"),
    }
    assert (found["roles"].value, found["roles"].source) == (("api", "worker"), "environment")
    assert (found["processes"].value, found["processes"].source, found["processes"].default) == (1, "default", 1)
    assert found["server.public_url"].variable == "WHIMBREL_SERVER__PUBLIC_URL"


def test_none_is_left_out(tmp_path):
    named = {doc.name for doc in config.describe() if ".NAME." not in doc.name}
    assert shown(tmp_path).keys() == named


def test_streams_and_cells_stand_under_their_names(tmp_path):
    text = (
        "cell = 'eu'\n[streams.lake]\nservers = ['nats-1:4222']\nuser = 'u'\npassword = 'pw-secret'\n"
        "[cells.eu]\ndatabase = 'postgresql://w:pw-secret@10.0.0.5/w'\nleads = true\n"
    )
    found = shown(tmp_path, text)
    assert found["streams.lake.servers"].variable == "WHIMBREL_STREAMS__LAKE__SERVERS"
    assert found["streams.lake.password"].secret and found["streams.lake.password"].value == "•••"
    assert found["streams.lake.token"].value == "", "that nothing is set may be seen"
    assert (found["database"].source, found["database"].value) == ("file", "postgresql://w:•••@10.0.0.5/w")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://whimbrel:pw-secret@10.0.0.5/whimbrel",
        "postgresql://whimbrel:pw-secret@a,b:5433/whimbrel?sslmode=require",
        "postgresql://a/whimbrel?user=w&password=pw-secret&sslmode=require",
        "postgresql://a/whimbrel?sslpassword=pw-secret",
    ],
)
def test_no_secret_is_shown(tmp_path, url):
    found = shown(tmp_path, f"database = '{url}'")
    assert "pw-secret" not in msgspec.json.encode(tuple(found.values())).decode()
    assert "•••" in str(found["database"].value)


def test_the_command_line_shows_them(tmp_path):
    path = tmp_path / "whimbrel.toml"
    path.write_text("database = 'postgresql://w:pw-secret@a/w'")
    for more in ([], ["--json"]):
        told = CliRunner().invoke(app, ["settings", "--config", str(path), *more]).stdout
        assert "server.port" in told and "pw-secret" not in told and "•••" in told and "file" in told
