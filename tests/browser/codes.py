"""Verifications of a shop's customers: approved, guessed wrongly, called off, blocked."""

import re
from typing import Any

from tests.cli.product import Node, until

KNOWN = ("+447400123456", "+4915112345678", "+14155550123")
WAITING = "+447911123456"
CALLED_OFF = "+33612345678"
IN_A_ROW = "+44740055556"


def code_on(node: Node, phone: str) -> str:
    """The newest code that a virtual phone got, whatever else came to it."""

    def codes() -> list[str]:
        texts = [each["text"] for each in node.simulator(f"/phones/{phone[1:]}")["inbox"]]
        return re.findall(r"\b\d{6}\b", "\n".join(texts))

    return str(until(codes, what="the text with the code")[-1])


def verified(node: Node) -> dict[str, str]:
    """Ids of a service, of a verification that was approved and of one that is pending, and of a rate limit."""

    def made(path: str, body: Any) -> Any:
        answer = node.ask("POST", path, body)
        assert answer.status in (200, 201), (path, answer.body)
        return answer.json

    service = made("/v1/verify/services", {"name": "Acme", "settings": {"do_not_share": True}})["id"]
    made("/v1/verify/services", {"name": "Kestrel Clinic", "settings": {"code_length": 8, "countries": ["US", "GB"]}})
    place = f"/v1/verify/services/{service}/verifications"
    ids = {}
    for phone in KNOWN:
        ids[phone] = made(place, {"to": phone, "metadata": {"user": "4711"}})["id"]
        made(f"{place}/check", {"to": phone, "code": "none"})
        made(f"{place}/check", {"to": phone, "code": code_on(node, phone)})
    made(f"{place}/{made(place, {'to': CALLED_OFF})['id']}/cancel", None)
    pending = made(place, {"to": WAITING})["id"]
    for last in range(5):
        node.ask("POST", place, {"to": f"{IN_A_ROW}{last}"})
    limit = {"service_id": service, "name": "address", "description": "By the visitor's address"}
    buckets = [{"max": 5, "interval_s": 3600}, {"max": 20, "interval_s": 86_400}]
    kept = made("/v1/verify/rate-limits", limit | {"buckets": buckets})["id"]
    made(f"/v1/verify/services/{service}/entities/user-1/factors", {"name": "ada@example.com"})
    made("/v1/verify/safe-list", {"number": KNOWN[2]})
    return {"verify": service, "verification": ids[KNOWN[0]], "pending": pending, "limit": kept}
