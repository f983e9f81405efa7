"""The README's three first texts, run as they stand there: only the port is another. It takes a whole quickstart, so
`make ci` runs it; a reader who copies the lines must not be the first who does."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.ports import free_port

from .code import ROOT

pytestmark = pytest.mark.ci

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
READY_S = 180
DELIVERED_S = 120


def eventually(look, seconds: float, what: str):
    """What `look` gives once it gives something; fails with `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


class Home:
    """A folder as a clone looks to a reader after `make run`: `.venv` is there, Whimbrel runs."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @property
    def credentials(self) -> dict:
        return json.loads((self.folder / "whimbrel-data" / "credentials.json").read_text())

    def is_ready(self) -> bool:
        try:
            with urlopen(f"http://localhost:{self.port}/readyz", timeout=2) as answer:
                return answer.status == 200 and (self.folder / "whimbrel-data" / "credentials.json").exists()
        except (URLError, OSError):
            return False

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_delivered(self, message_id: str) -> None:
        request = Request(f"http://localhost:{self.port}/v1/messages/{message_id}")
        request.add_header("Authorization", f"Bearer {self.credentials['api_key']}")

        def is_delivered() -> bool:
            with urlopen(request, timeout=5) as answer:
                return json.load(answer)["status"] == "delivered"

        eventually(is_delivered, DELIVERED_S, f"{message_id} is delivered")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    (folder / ".venv").symlink_to(sys.prefix)
    http, smpp, simulator_smpp, simulator_http = (free_port() for _ in range(4))
    command = [folder / ".venv" / "bin" / "whimbrel", "quickstart", "--port", str(http), "--smpp-port", str(smpp)]
    command += ["--simulator-smpp-port", str(simulator_smpp), "--simulator-http-port", str(simulator_http)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WHIMBREL_")}
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=subprocess.STDOUT)
    home = Home(folder, http)
    try:
        eventually(lambda: home.is_ready() or process.poll() is not None, READY_S, "quickstart is ready")
        assert process.poll() is None, (folder / "output").read_text()
        yield home
    finally:
        process.terminate()
        process.wait(40)


def block(language: str, mark: str, home: Home) -> str:
    """The README's block in this language that holds `mark`, on the port of this test."""
    found = [
        text for lang, text in FENCE.findall((ROOT / "README.md").read_text()) if lang == language and mark in text
    ]
    assert len(found) == 1
    return found[0].replace(":8080", f":{home.port}")


def test_curl(home):
    assert shutil.which("curl"), "apt-get install curl"
    message = json.loads(home.run("bash", "-euc", block("sh", "curl", home)))
    home.wait_delivered(message["id"])


def test_the_twilio_sdk(home):
    sid, status = home.run(sys.executable, "-c", block("python", "twilio", home)).split()
    assert status in ("queued", "sending", "sent", "delivered")
    home.wait_delivered(sid)


def test_the_command_line(home):
    lines = block("sh", "whimbrel send", home).splitlines()
    assert [line.split()[1] for line in lines] == ["send", "tail"]
    message_id = home.run("bash", "-euc", lines[0]).split()[0]
    home.wait_delivered(message_id)


def test_tail_shows_the_events(home):
    """Texts are sent until one is seen: nothing says when `tail` has begun to listen."""
    shown = home.folder / "tail"
    with shown.open("w") as output:
        tail = subprocess.Popen([".venv/bin/whimbrel", "tail"], cwd=home.folder, stdout=output, stderr=output)

    def shows_an_event() -> bool:
        home.run(".venv/bin/whimbrel", "send", "+14155550123", "Hello")
        return "message.queued" in shown.read_text()

    try:
        eventually(shows_an_event, DELIVERED_S, "tail shows an event")
    finally:
        tail.terminate()
        tail.wait(10)
