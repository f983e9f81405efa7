"""What other systems do when they call a hook: each signs as its maker documents it, by code of the test's own."""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

from whimbrel.domain.hook_presets import PRESETS

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def digest(secret, octets):
    return hmac.new(secret.encode(), octets, hashlib.sha256)


def b64(octets):
    return base64.b64encode(octets).decode()


def hmac_b64(name):
    return lambda secret, body, url, at: {name: b64(digest(secret, body).digest())}


def stripe(secret, body, url, at):
    return {"Stripe-Signature": f"t={int(at)},v1={digest(secret, f'{int(at)}.'.encode() + body).hexdigest()},v0=00"}


def hubspot(secret, body, url, at):
    stamp = str(int(at * 1000))
    signed = f"POST{url}".encode() + body + stamp.encode()
    return {"X-HubSpot-Signature-v3": b64(digest(secret, signed).digest()), "X-HubSpot-Request-Timestamp": stamp}


def zendesk(secret, body, url, at):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    return {
        "X-Zendesk-Webhook-Signature": b64(digest(secret, stamp.encode() + body).digest()),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
    }


def github(secret, body, url, at):
    return {"X-Hub-Signature-256": "sha256=" + digest(secret, body).hexdigest()}


def grafana(secret, body, url, at):
    stamp = str(int(at))
    return {
        "X-Grafana-Alerting-Signature": digest(secret, stamp.encode() + b":" + body).hexdigest(),
        "X-Grafana-Alerting-Signature-Timestamp": stamp,
    }


def bearer(secret, body, url, at):
    return {"Authorization": f"Bearer {secret}"}


def basic(user):
    return lambda secret, body, url, at: {"Authorization": "Basic " + b64(f"{user}:{secret}".encode())}


def standard(secret, body, url, at):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"msg_1.{int(at)}.".encode() + body
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at)),
        "webhook-signature": "v1," + b64(hmac.new(key, signed, hashlib.sha256).digest()),
    }


SIGN = {
    "shopify": hmac_b64("X-Shopify-Hmac-SHA256"),
    "woocommerce": hmac_b64("X-WC-Webhook-Signature"),
    "stripe": stripe,
    "hubspot": hubspot,
    "zendesk": zendesk,
    "github": github,
    "alertmanager": bearer,
    "grafana": grafana,
    "magento": lambda secret, body, url, at: {"X-Hook-Token": secret},
    "salesforce": lambda secret, body, url, at: {},  # it stands in the address
    "generic": lambda secret, body, url, at: {"X-Signature": "sha256=" + digest(secret, body).hexdigest()},
}


def sample(preset, place=0):
    return PRESETS[preset].samples[place]


def changed(preset, place=0, **members):
    """A sample's body with other members at its top."""
    found = sample(preset, place)
    return found.headers, json.dumps(json.loads(found.body) | members).encode()


class Sender:
    """A system that calls one hook."""

    def __init__(self, edge, hook, sign=None, secret=None):
        self.edge = edge
        self.id = hook["id"]
        self.preset = hook["preset"]
        self.secret = secret or hook["secret"]
        self.sign = sign or SIGN[self.preset]
        self.query = "?" + urlencode({"token": self.secret}) if self.preset == "salesforce" else ""

    async def call(self, place=0, body=None, headers=None, *, at=None, forged=False, secret=None):
        found = sample(self.preset, place)
        octets = found.body.encode() if body is None else body
        path = f"/v1/hooks/{self.id}{self.query}"
        signed = octets + b" " if forged else octets
        signature = self.sign(secret or self.secret, signed, self.edge.url + path, time.time() if at is None else at)
        named = dict(found.headers if headers is None else headers) | signature
        return await self.edge.ask("POST", path, key="", headers=named, data=octets)
