"""`whimbrel doctor carrier` and `whimbrel carrier trace` against a running quickstart."""

import json

from tests.cli.product import invoke, whimbrel

NUMBER = "+14155550123"


def test_the_doctor_tests_a_carrier(node):
    done = whimbrel("doctor", "carrier", "sandbox", "--data", node.folder, "--to", NUMBER, "--text", "a secret text")
    assert done.code == 0, done.err
    assert "submit_sm: taken as " in done.out
    assert "receipt: DELIVRD" in done.out
    assert "proposed:" not in done.out, "a carrier that does as everybody does needs no settings"
    assert "->  submit_sm seq=" in done.out
    assert "secret" not in done.out
    assert NUMBER.lstrip("+") not in done.out


def test_the_doctor_says_it_in_json(node):
    done = invoke("doctor", "carrier", "sandbox", "--data", node.folder, "--json")
    found = json.loads(done.out)
    assert (done.code, found["passed"]) == (0, True)
    assert found["steps"][-1]["name"] == "enquire_link"


def test_a_carrier_that_is_not_there(node):
    done = invoke("doctor", "carrier", "nobody", "--data", node.folder)
    assert (done.code, done.out) == (2, "")
    assert "no carrier is named nobody; there are: sandbox" in done.err
    asked_wrongly = invoke("doctor", "carrier", "--data", node.folder)
    assert (asked_wrongly.code, "whimbrel doctor carrier NAME" in asked_wrongly.err) == (2, True)


def test_a_test_that_is_refused(node):
    done = invoke("doctor", "carrier", "sandbox", "--data", node.folder, "--to", "123")
    assert done.code == 1
    assert "/to: is no valid number" in done.err


def test_a_trace_of_a_carrier(node):
    begun = whimbrel("carrier", "trace", "sandbox", "--data", node.folder, "--seconds", "60")
    assert begun.code == 0, begun.err
    assert begun.err.startswith("recording for 60 s")
    sent = invoke("send", NUMBER, "a secret text", "--data", node.folder, "--wait")
    assert sent.code == 0, sent.err
    shown = invoke("carrier", "trace", "sandbox", "--data", node.folder)
    assert "->  submit_sm seq=" in shown.out
    assert "receipt: " in shown.out
    assert "secret" not in shown.out
    lines = invoke("carrier", "trace", "sandbox", "--data", node.folder, "--json").out.splitlines()
    assert {json.loads(line)["direction"] for line in lines} >= {"in", "out"}
    assert invoke("carrier", "trace", "sandbox", "--data", node.folder, "--off").code == 0
