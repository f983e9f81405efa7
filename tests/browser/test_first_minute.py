"""From `make run` to the first text on a phone: under a minute and three clicks, the printed link among them."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import visitor
from tests.browser.visitor import Visitor

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"http://localhost:\d+/console/link/\w+")
PORTS = "--port 0 --smpp-port 0 --simulator-smpp-port 0 --simulator-http-port 0"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """What a newcomer types, on a clone that is set up; on free ports."""
    typed = ["make", "run", f"ARGS=--data {tmp_path} {PORTS}"]
    with subprocess.Popen(typed, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        yield process
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        process.communicate(timeout=60)


def link_of(process: subprocess.Popen[str]) -> str:
    """The link that it prints."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := LINK.search(line):
            return found[0]
    raise AssertionError("it ended without a link")


def test_a_newcomer_sees_a_text_arrive_within_a_minute(chromium: Browser, run: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    link = link_of(run)
    newcomer = Visitor(chromium.new_context(viewport=visitor.LAPTOP), link[: link.index("/console")])
    page = newcomer.page
    page.goto(link)  # the first click, in the terminal
    page.get_by_role("link", name="Send a first text").click()
    newcomer.is_at("/console/phones")
    newcomer.press("Send a first text")
    expect(page.locator(".bubble").first).to_contain_text("Hello from Whimbrel!")
    assert time.monotonic() - began < 60
    assert not newcomer.complaints
    newcomer.context.close()
