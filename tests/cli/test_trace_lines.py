"""A trace where several processes share a port: each connection reaches another one, and one of them has the binds."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from whimbrel.cli import trace_lines
from whimbrel.cli.client import Client
from whimbrel.cli.say import Failed

ELSEWHERE = (409, {"code": "at_another_node", "detail": "The carrier's binds are at m:7: ask that node."})
HERE = (200, {"subject_id": "CR1", "enabled": True, "until": None, "data": []})
OTHER = (409, {"code": "conflict", "detail": "Another test is under way."})


class Port:
    """Answers one request after the other as it is told, the last one for ever."""

    def __init__(self) -> None:
        self.answers = [HERE]
        self.asked: list[str] = []
        port = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                port.asked.append(self.path)
                status, body = port.answers.pop(0) if len(port.answers) > 1 else port.answers[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def port() -> Iterator[Port]:
    made = Port()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def show(port: Port) -> None:
    node = Client(f"http://127.0.0.1:{port.server.server_port}", "wk_live_x")
    trace_lines.show(node, "/v1/carriers/CR1/trace", follow=False, seconds=60, off=False, as_json=True)


def test_it_asks_until_it_reaches_the_one_that_has_the_binds(port: Port):
    port.answers = [ELSEWHERE, ELSEWHERE, ELSEWHERE, HERE]
    show(port)
    assert len(port.asked) == 5


def test_a_node_of_another_machine_is_named(port: Port, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trace_lines, "_REST_S", 0.0)
    port.answers = [ELSEWHERE]
    with pytest.raises(Failed, match="m:7"):
        show(port)


def test_other_refusals_are_told_at_once(port: Port):
    port.answers = [OTHER]
    with pytest.raises(Failed, match="under way"):
        show(port)
    assert len(port.asked) == 2
