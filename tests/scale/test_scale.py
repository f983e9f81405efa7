"""Many messages in batches of a thousand through the whole product: its process, the simulator's, and a customer's
webhook endpoint in a third. Every side has to count the same, to the millionth of a dollar, and memory stays flat.
"""

import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal
from statistics import mean

import pytest

from tests.cli.product import START_S, ask, quickstart, started, until
from whimbrel_sandbox.log import Submitted, read_log

BATCH = 1000
SETTLED_S = 900
SAMPLE_S = 0.25
GROWTH_MAX = 1.15  # resident memory at the end, against what it was in the middle


def test_three_thousand(tmp_path):
    with product(tmp_path) as (node, sink):
        ids = send(node, 3 * BATCH)
        settle(node, sink, len(ids))
        every_side_agrees(node, sink, ids)


@pytest.mark.ci
def test_a_hundred_thousand(tmp_path, capsys):
    with product(tmp_path) as (node, sink):
        with sampled(node) as samples:
            began = time.monotonic()
            ids = send(node, 100 * BATCH)
            accepted_s = time.monotonic() - began
            settle(node, sink, len(ids))
            told_s = time.monotonic() - began
        with capsys.disabled():
            sys.stdout.write(
                f"\n{len(ids):,} messages: accepted in {accepted_s:.0f} s, delivered and told in {told_s:.0f} s, "
                f"CPU {node.cpu_s() * 1e6 / len(ids):.0f} us each; MiB over time: {curve(samples)}\n"
            )
        half = samples[len(samples) // 2 :]
        assert max(half) < GROWTH_MAX * mean(half[:5]), curve(samples)
        every_side_agrees(node, sink, ids)


@contextmanager
def product(folder):
    """A quickstart with its simulator, and an endpoint that wants to hear of deliveries."""
    with started(folder / "sink", sys.executable, "-m", "tests.scale.sink") as process, quickstart(folder) as node:
        port = until(lambda: process.out.strip(), within_s=START_S, what="the sink's port")
        sink = f"http://127.0.0.1:{port}"
        made = node.ask("POST", "/v1/webhooks", {"url": f"{sink}/", "events": ["message.delivered"]})
        assert made.status == 201, made.body
        yield node, sink


@contextmanager
def sampled(node):
    """Resident memory of the node, a list that grows while the block runs."""
    samples, done = [], threading.Event()

    def sample():
        while not done.wait(SAMPLE_S):
            samples.append(node.rss_mib())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def curve(samples):
    """The samples in twelve figures."""
    step = max(1, len(samples) // 12)
    return " ".join(f"{each:.0f}" for each in samples[::step])


def text_of(number):
    return f"Order {number:06d} has left our house."


def send(node, count):
    """The ids of `count` accepted messages, in batches."""
    ids = []
    for first in range(0, count, BATCH):
        numbers = range(first, first + BATCH)
        body = {"messages": [{"to": f"+4479{11_000_000 + n:08d}", "text": text_of(n)} for n in numbers]}
        answer = node.ask("POST", "/v1/messages/batch", body)
        assert answer.status == 202 and answer.json["accepted"] == BATCH, answer.body[:500]
        ids += [each["id"] for each in answer.json["data"]]
    assert len(set(ids)) == count
    return ids


def settle(node, sink, count):
    """Until the endpoint heard of every message, and nothing is on its way."""
    until(lambda: ask("GET", f"{sink}/counts").json["messages"] >= count, within_s=SETTLED_S, what="all were told")
    on_their_way = "/v1/messages?status=queued,sending,sent,in_doubt&limit=1"
    until(lambda: not node.get(on_their_way)["data"], within_s=SETTLED_S, what="nothing is on its way")


def every_side_agrees(node, sink, ids):
    told = ask("GET", f"{sink}/counts").json
    assert (told["events"], told["messages"]) == (len(ids), len(ids))
    assert ask("GET", f"{sink}/messages").body.decode().split() == sorted(ids)
    listed = {row["id"]: row for row in node.pages("/v1/messages?limit=1000")}
    assert sorted(listed) == sorted(ids)
    assert Counter(row["status"] for row in listed.values()) == {"delivered": len(ids)}
    the_carrier_agrees(node, len(ids))
    the_money_agrees(node, listed)


def the_carrier_agrees(node, count):
    # a receipt is answered after it was stored, and the log is a moment behind
    until(lambda: node.simulator("/counts")["receipts_answered"] >= count, what="the last receipt is answered")
    counts = node.simulator("/counts")
    assert (counts["submits"], counts["accepted"], counts["receipts_answered"]) == (count, count, count)
    until(lambda: submitted(node).total() >= count, what="the carrier's log is whole")
    assert submitted(node) == Counter(text_of(number) for number in range(count))


def submitted(node):
    """How often the carrier got each text."""
    return Counter(event.text for event in read_log(node.folder / "simulator.log") if isinstance(event, Submitted))


def the_money_agrees(node, listed):
    """What the messages say they cost is what was held, what was charged, and what the balance lacks."""
    cost = sum(Decimal(row["price"]) for row in listed.values())
    rows = list(node.pages("/v1/ledger?limit=1000"))
    amounts = Counter()
    for row in rows:
        amounts[row["kind"]] += Decimal(row["amount"])
    charged = Counter(row["message_id"] for row in rows if row["kind"] == "charge")
    assert charged == Counter(list(listed))
    assert (amounts["hold"], amounts["charge"]) == (cost, cost)
    balance = node.get("/v1/balance")
    assert (Decimal(balance["held"]), Decimal(balance["spent"])) == (0, cost)
    assert Decimal(balance["available"]) == amounts["top_up"] - cost
