"""A graceful stop in the middle of traffic: within 30 seconds, with nothing in doubt and nothing sent twice."""

import json
import time
from collections import Counter

from tests.cli.product import COMMAND, ask, quickstart, started, until
from whimbrel.base.limits import STOP_DEADLINE_S
from whimbrel_sandbox.log import Submitted, read_log

MESSAGES = 1500
WINDOW = 100


def test_sigterm_with_a_full_window(tmp_path):
    log = tmp_path / "simulator.jsonl"
    simulating = [
        *COMMAND,
        "simulator",
        "--smpp-port",
        0,
        "--http-port",
        0,
        "--log",
        log,
        "--response-latency-ms",
        1000,
    ]
    with started(tmp_path / "simulator", *simulating) as simulator:
        simulator.wait_for("\n")
        address = json.loads(simulator.out)
        external = ("--simulator", f"127.0.0.1:{address['smpp_port']}")
        with quickstart(tmp_path, *external) as node:
            ids = send(node)
            counts = f"{address['http_url']}/counts"
            until(lambda: ask("GET", counts).json["submits"] >= WINDOW, what="a window is on its way")
            began = time.monotonic()
            assert node.end() == 0
            assert time.monotonic() - began < STOP_DEADLINE_S
            assert ask("GET", counts).json["submits"] < MESSAGES, "it had finished before it was stopped"
        ask("POST", f"{address['http_url']}/behaviour", {"response_latency_ms": 0})
        with quickstart(tmp_path, *external) as node:
            every_text_arrived_once(node, ids, log)


def send(node):
    texts = [{"to": f"+4479{11_000_000 + n:08d}", "text": f"Number {n}"} for n in range(MESSAGES)]
    answer = node.ask("POST", "/v1/messages/batch", {"messages": texts})
    assert answer.json["accepted"] == MESSAGES
    return [row["id"] for row in answer.json["data"]]


def every_text_arrived_once(node, ids, log):
    def delivered():
        return {row["id"] for row in node.pages("/v1/messages?status=delivered&limit=1000")}

    until(lambda: delivered() == set(ids), within_s=180, what="all are delivered")
    assert len(list(node.events("message.delivered"))) == MESSAGES
    assert list(node.events("message.in_doubt")) == []

    def submitted():
        return Counter(event.text for event in read_log(log) if isinstance(event, Submitted))

    until(lambda: submitted().total() >= MESSAGES, what="the simulator's log, which is a moment behind")
    assert submitted() == Counter(f"Number {n}" for n in range(MESSAGES))
