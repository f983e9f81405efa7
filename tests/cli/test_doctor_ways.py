"""What `whimbrel doctor` says of the server that takes our mail, and of channels of Verify: real ones stand beside."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller

from whimbrel.channel_sections import Channel
from whimbrel.cli import doctor_ways
from whimbrel.config import Settings
from whimbrel.mail_sections import Mail

SECRET = "whsec_" + "A" * 32


class NoGet(BaseHTTPRequestHandler):
    """Takes no GET, as a carrier does that is posted to."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class AnyPort(Controller):
    """An SMTP server in a thread, on a free port."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def voice() -> Iterator[Channel]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), NoGet)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Channel(url=f"http://127.0.0.1:{server.server_port}/", secret=SECRET, allow_networks=("127.0.0.0/8",))
    server.shutdown()
    server.server_close()


@pytest.fixture
def mail() -> Iterator[Mail]:
    controller = AnyPort(object(), hostname="127.0.0.1", port=0, server_hostname="mx.test")
    controller.start()
    yield Mail(host="127.0.0.1", port=controller.port, security="none", sender="sms@acme.example")
    controller.stop()


def test_what_is_there_is_told(voice: Channel, mail: Mail) -> None:
    found = list(doctor_ways.look(Settings(mail=mail, channels={"voice": voice})))
    assert [(each.subject, each.state, each.detail) for each in found] == [
        ("mail", "ok", f"127.0.0.1:{mail.port} takes us"),
        ("channel voice", "ok", "something answers there (HTTP 501)"),
    ]


def test_what_is_wrong_is_told(voice: Channel, mail: Mail) -> None:
    encrypted = msgspec.structs.replace(mail, security="starttls")
    elsewhere = msgspec.structs.replace(voice, url="http://127.0.0.1:1/")
    found = list(doctor_ways.look(Settings(mail=encrypted, channels={"voice": elsewhere})))
    assert [(each.subject, each.state) for each in found] == [("mail", "error"), ("channel voice", "error")]
    assert "STARTTLS" in found[0].detail
    assert "[channels.voice]" in found[1].advice


def test_nothing_is_said_where_nothing_is_set_up() -> None:
    assert list(doctor_ways.look(Settings())) == []
