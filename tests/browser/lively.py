"""A day in the life of a shop, for pictures: texts in all states, talks, people, webhooks, hooks, flows, carriers."""

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

from tests.browser.codes import verified
from tests.browser.crowd import acquainted
from tests.browser.goods import stocked
from tests.browser.shop import Shop, new_hook
from tests.cli.product import Node, ask, until

TRAFFIC_S = 75.0  # before the first picture
TALK = "+447911123456"
ASKED = "+447911123477"
# (to, text, class, tag): the numbers of the sandbox decide what becomes of each (docs/sandbox.md).
TEXTS = (
    ("+14155550100", "Your parcel 7QK2 is out for delivery. It comes after 14:00.", "transactional", "parcel"),
    ("+4915123456789", "Ihr Termin morgen um 9:30 Uhr ist bestätigt.", "transactional", "reminder"),
    ("+447911123499", "Your code is 402 117. It is good for five minutes.", "otp", "sign-in"),
    ("+33612345678", "Votre commande est prête. À tout de suite !", "transactional", "parcel"),
    ("+15005550105", "Table for two, Friday 19:30. See you!", "transactional", "booking"),
    ("+14155550123", "Your code is 883 205. It is good for five minutes.", "otp", "sign-in"),
    ("+81312345678", "ご予約を承りました。", "transactional", "booking"),
    ("+15005550227", "We came by and nobody was there. Reply 1 for tomorrow.", "transactional", "parcel"),
    ("+34612345678", "¡Gracias! Su pago de 24,90 € ha llegado.", "transactional", "payment"),
    ("+15005550901", "Is the blue one in size 42 all right?", "transactional", "support"),
    ("+15005550303", "20 % off everything this week. Reply STOP to end.", "marketing", "autumn"),
    ("+15005550411", "Your parcel 9SN1 waits at the corner shop.", "transactional", "parcel"),
    ("+15005550301", "Your code is 110 934. It is good for five minutes.", "otp", "sign-in"),
)
SAID = (
    ("Your parcel 7QK2 is out for delivery.", "Is it still on its way?"),
    ("It is! The driver is two stops away.", "Great, thank you!"),
    ("If nobody is in, where may we leave it?", "With the neighbours, please."),
)
PEOPLE = (
    ("ada@example.com", "Ada Byron", "owner"),
    ("ravi@example.com", "Ravi Menon", "developer"),
    ("mia@example.com", "Mia Keller", "support"),
    ("jon@example.com", "Jón Sigurðsson", "billing"),
)
_SHIPPED = {
    "name": "order-shipped",
    "description": "When a parcel leaves",
    "texts": {
        "en": "Hi {{name|default:there}}, order {{order}} ({{total|money}}) is on its way: {{link}}",
        "de": "Hallo {{name|default:du}}, Bestellung {{order}} ({{total|money}}) ist unterwegs: {{link}}",
    },
    "variables": [
        {"name": "name", "required": False, "example": "Ana"},
        {"name": "order", "type": "code", "example": "8F3K-22"},
        {"name": "total", "type": "money", "currency": "EUR", "example": "24.90"},
        {"name": "link", "type": "url", "hosts": ["example.com"]},
    ],
    "publish": True,
}
_ASKED = {
    "trigger": {"type": "keyword", "keywords": ["APPOINTMENT", "TERMIN"]},
    "start": "ask",
    "steps": {
        "ask": {"type": "send", "text": "Tomorrow at ten? Answer YES or NO.", "next": "answer"},
        "answer": {"type": "wait_for_answer", "timeout_s": 3600, "next": "which", "on_timeout": "people"},
        "which": {"type": "branch", "cases": [{"when": "answer.word == 'YES'", "next": "mark"}], "otherwise": "people"},
        "mark": {"type": "tag", "add": ["confirmed"], "next": "thanks"},
        "thanks": {"type": "send", "text": "See you tomorrow."},
        "people": {"type": "conversation"},
    },
}
_WEEKLY = {
    "name": "Monday's opening",
    "starts_at": "2027-01-04T09:00",
    "zone": "recipient",
    "rrule": "FREQ=WEEKLY;BYDAY=MO",
    "recipients": ["+14155550123", "+447911123456"],
    "text": "Good morning, we are open.",
}


class _Application(BaseHTTPRequestHandler):
    """Takes webhooks; one address is broken."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(500 if "old" in self.path else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Traffic(threading.Thread):
    """Texts at a rate that rises and falls, until it is told to stop."""

    def __init__(self, node: Node) -> None:
        super().__init__(daemon=True)
        self._node = node
        self._texts = cycle(TEXTS)
        self.stopped = threading.Event()

    def run(self) -> None:
        started = time.monotonic()
        while not self.stopped.is_set():
            passed = time.monotonic() - started
            self._send()
            self.stopped.wait(1 / (7 + 5 * math.sin(passed / 9)))

    def _send(self) -> None:
        to, text, message_class, tag = next(self._texts)
        body = {"to": to, "text": text, "class": message_class, "tags": [tag], "metadata": {"order_id": "4711"}}
        self._node.ask("POST", "/v1/messages", body)


@contextlib.contextmanager
def fill(node: Node, seconds: float = TRAFFIC_S) -> Iterator[dict[str, str]]:
    """Ids of what there is to look at; traffic goes on inside of the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Application) as application:
        threading.Thread(target=application.serve_forever, daemon=True).start()
        traffic = _Traffic(node)
        things = _build(node, f"http://127.0.0.1:{application.server_address[1]}")
        traffic.start()
        try:
            time.sleep(seconds)
            yield things | _talk(node) | _automate(node) | verified(node) | acquainted(node) | stocked(node)
        finally:
            traffic.stopped.set()
            traffic.join()
            application.shutdown()


def _made(node: Node, path: str, body: Any, *, key: str | None = None) -> Any:
    answer = node.ask("POST", path, body, key=key)
    assert answer.status in (200, 201, 202), (path, answer.body)
    return answer.json


def over_http(node: Node) -> dict[str, str]:
    """A carrier over HTTP, which no route names: nothing is sent to it."""
    settings = {"profile": "twilio", "username": "AC0123456789abcdef0123456789abcdef", "throughput_per_s": 20}
    new = {"name": "Cloud provider", "kind": "http", "password": "auth-token", "settings": settings}
    return {"carrier_http": _made(node, "/v1/carriers", new, key=node.given["operator_key"])["id"]}


def _build(node: Node, application: str) -> dict[str, str]:
    """What people set up once."""
    operator = node.given["operator_key"]
    port = node.given["simulator_smpp_port"]
    for name, binds in (("Nordic Direct", 2), ("Atlantic", 1)):
        settings = {"host": "127.0.0.1", "port": port, "system_id": name.split()[0].lower(), "binds": binds}
        carrier = _made(node, "/v1/carriers", {"name": name, "settings": settings, "sandbox": True}, key=operator)
        _made(node, "/v1/routes", {"carriers": [carrier["id"]], "country": "SE" if binds > 1 else "PT"}, key=operator)
    for prefix, price in (("1", "0.0079"), ("44", "0.0421"), ("49", "0.0755"), ("33", "0.0650"), ("81", "0.0890")):
        _made(node, "/v1/prices", {"prefix": prefix, "price": price}, key=operator)
    _made(node, "/v1/accounts", {"name": "Harbour Books", "currency": "EUR"}, key=operator)
    _made(node, "/v1/accounts", {"name": "Kestrel Clinic", "currency": "USD"}, key=operator)
    for email, name, role in PEOPLE:
        person = _made(node, "/v1/users", {"email": email, "name": name, "role": role})
    hook = _made(node, "/v1/webhooks", {"url": f"{application}/hooks/texts", "events": ["*"], "description": "Shop"})
    _made(node, "/v1/webhooks", {"url": f"{application}/old", "events": ["message.failed"], "description": "Archive"})
    _made(node, "/v1/templates", _SHIPPED)
    _made(node, "/v1/templates", {"name": "sign-in-code", "class": "otp", "texts": {"en": "{{code}} is your code."}})
    _made(node, "/v1/keys", {"name": "Web shop", "scopes": ["messages:write", "messages:read"]})
    _made(node, "/v1/opt-outs/batch", {"numbers": ["+14155550177", "+447911000111", "+4915100000001"]})
    found = node.ask("GET", "/v1/routes", key=operator).json["data"]
    carriers = {each["name"]: each["id"] for each in node.ask("GET", "/v1/carriers", key=operator).json["data"]}
    return {
        "carrier": carriers["Nordic Direct"],
        **over_http(node),
        "route": found[0]["id"],
        "webhook": hook["id"],
        "template": "order-shipped",
        "person": person["id"],
        "account": node.given["account_sid"],
    }


def _talk(node: Node) -> dict[str, str]:
    """Answers from phones, one text that arrived and one that did not."""
    phones = node.given["simulator_http_url"]
    for told, text in SAID:
        for number in (TALK, "+15005550001"):
            sent = _made(node, "/v1/messages", {"to": number, "text": told, "class": "otp"})["id"]
            until(lambda: node.get(f"/v1/messages/{sent}")["status"] == "delivered", what="delivery")  # noqa: B023
            ask("POST", f"{phones}/phones/{number}/send", {"to": "+15005550006", "text": text})
    body = {"text": TEXTS[0][1], "class": "otp", "tags": ["parcel"], "metadata": {"order_id": "4711"}}
    ids = {
        "delivered": _made(node, "/v1/messages", {"to": "+15005550001"} | body)["id"],
        "failed": _made(node, "/v1/messages", {"to": "+15005550227"} | body)["id"],
    }
    until(lambda: node.get(f"/v1/messages/{ids['delivered']}")["status"] == "delivered", what="delivery")
    until(lambda: node.get(f"/v1/messages/{ids['failed']}")["status"] == "undelivered", what="failure")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    _made(node, "/v1/messages", {"to": TALK, "text": "Tomorrow at noon.", "send_at": later})
    _made(node, "/v1/canned-answers", {"name": "Thanks", "text": "Thank you! We answer within an hour."})
    talks = until(lambda: node.get("/v1/conversations")["data"], what="a conversation")
    return ids | {"thread": talks[0]["id"], "sender": node.get("/v1/senders")["data"][0]["id"]}


def _automate(node: Node) -> dict[str, str]:
    """A hook that was called, a flow that ran to its end and one that waits, schedules."""
    phones = node.given["simulator_http_url"]
    hook = new_hook(node)
    flow = _made(node, "/v1/flows", {"name": "Confirm an appointment", "document": _ASKED})["id"]
    _made(node, "/v1/flows/ready-made", {"ready_made": "order_updates"})
    run = _made(node, f"/v1/flows/{flow}/runs", {"phone": ASKED})["id"]
    until(lambda: node.get(f"/v1/flow-runs/{run}")["waits_for"] == "answer", what="the flow's question")
    ask("POST", f"{phones}/phones/{ASKED}/send", {"to": "+15005550006", "text": "Yes, please"})
    until(lambda: node.get(f"/v1/flow-runs/{run}")["state"] == "finished", what="the flow's end")
    _made(node, f"/v1/flows/{flow}/runs", {"phone": "+15005550001"})
    schedule = _made(node, "/v1/schedules", _WEEKLY)["id"]
    _made(node, "/v1/schedules", _WEEKLY | {"name": "New year", "rrule": None, "starts_at": "2027-01-01T10:00"})
    return {"hook": hook, "call": Shop(node, hook).be_busy(), "flow": flow, "run": run, "schedule": schedule}
