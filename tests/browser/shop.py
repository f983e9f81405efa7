"""A shop that calls a hook of ours, signed as Shopify documents it."""

import base64
import hashlib
import hmac
import json
from typing import Any

from tests.cli.product import Answer, Node, ask
from whimbrel.domain.hook_presets import PRESETS

SECRET = "shpss_0f3a"
_ORDER, _FULFILLMENT, _CHECKOUT = (json.loads(each.body) for each in PRESETS["shopify"].samples[:3])


class Shop:
    """What calls the hook `hook_id`."""

    def __init__(self, node: Node, hook_id: str) -> None:
        self._url = f"{node.url}/v1/hooks/{hook_id}"

    def call(self, topic: str, body: Any, event: str, *, secret: str = SECRET) -> Answer:
        """One call. `event`: the shop's id of it."""
        octets = json.dumps(body).encode()
        signature = base64.b64encode(hmac.digest(secret.encode(), octets, hashlib.sha256)).decode()
        headers = {"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": event, "X-Shopify-Hmac-SHA256": signature}
        return ask("POST", self._url, octets, headers={"Content-Type": "application/json"} | headers)

    def pay(self, name: str, phone: str, *, event: str = "", secret: str = SECRET) -> Answer:
        """An order was paid."""
        order = _ORDER | {"name": name, "shipping_address": _ORDER["shipping_address"] | {"phone": phone}}
        return self.call("orders/paid", order, event or f"paid-{name}", secret=secret)

    def be_busy(self) -> str:
        """Calls of which each has another end. The id of one that sent."""
        self.call("orders/cancelled", _ORDER, "cancelled-1001")
        self.call("checkouts/update", _CHECKOUT | {"buyer_accepts_sms_marketing": False, "customer": None}, "left-1002")
        self.pay("#1003", "12345")
        self.pay("#1004", "+447911123456", secret="of somebody else")
        self.call("fulfillments/create", _FULFILLMENT, "shipped-1001")
        sent: str = self.pay("#1005", "+447911123456").json["call_id"]
        self.pay("#1005", "+447911123456")
        return sent


def new_hook(node: Node, name: str = "Tea shop") -> str:
    """The id of a hook with the rules that Shopify's begins with."""
    presets = node.get("/v1/hooks/presets")["data"]
    rules = next(each["rules"] for each in presets if each["name"] == "shopify")
    made = node.ask("POST", "/v1/hooks", {"name": name, "preset": "shopify", "secret": SECRET, "rules": rules})
    assert made.status == 201, made.body
    return str(made.json["id"])
