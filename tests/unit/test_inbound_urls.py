"""Where an inbound text is posted, as a table; and what of a JSON answer is a reply."""

import pytest

from whimbrel.codec.twiml import Reply
from whimbrel.domain.inbound_urls import InboundUrl, chosen
from whimbrel.domain.json_replies import parse


def url(owner: str) -> InboundUrl:
    return InboundUrl(owner, "AC1", f"https://{owner}.example", "POST", None, "POST", "event", 1)


URLS = {owner: url(owner) for owner in ("MG1", "MG2", "AC1")}


@pytest.mark.parametrize(
    ("own", "pools", "there", "wanted"),
    [
        ("PN1", [("MG1", True)], URLS, "PN1"),
        ("PN1", [("MG1", False)], URLS, "MG1"),  # UseInboundWebhookOnNumber=false
        ("PN1", [("MG3", False), ("MG2", False)], URLS, "MG2"),  # the first pool says nothing
        ("PN1", [("MG1", False)], {"AC1": url("AC1")}, "PN1"),
        (None, [("MG1", True), ("MG2", True)], URLS, "MG1"),
        (None, [], URLS, "AC1"),
        (None, [("MG3", True)], URLS, "AC1"),
        (None, [("MG1", True)], {}, None),
    ],
)
def test_the_nearest_is_asked(own, pools, there, wanted):
    found = chosen(url(own) if own else None, pools, "AC1", there)
    assert (found.owner_id if found else None) == wanted


@pytest.mark.parametrize(
    ("body", "kind", "replies"),
    [
        (b'{"reply": "Thank you"}', "application/json", [Reply("Thank you")]),
        (b'{"replies": [{"text": "a"}, {"text": "b", "sender": "+1"}]}', "application/json; charset=utf-8",
         [Reply("a"), Reply("b", None, "+1")]),
        (b'{"reply": "  "}', "application/json", []),
        (b'{"status": "ok"}', "application/json", []),
        (b'{"reply": 7}', "application/json", []),
        (b'{"replies": "ok"}', "application/json", []),
        (b'["reply"]', "application/json", []),
        (b'{"reply": ', "application/json", []),
        (b"\xff\xfe", "application/json", []),
        (b'{"reply": "Thank you"}', "text/plain", []),
        (b"ok", "text/plain", []),
        (b"", "", []),
        (b'{"reply": "' + b"a" * 70_000 + b'"}', "application/json", []),
        (b'{"replies": [' + b", ".join([b'{"text": "a"}'] * 30) + b"]}", "application/json", [Reply("a")] * 10),
    ],
)  # fmt: skip
def test_only_what_was_meant_as_a_text_is_sent(body, kind, replies):
    assert list(parse(body, kind).replies) == replies
