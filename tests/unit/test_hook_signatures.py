"""Each way in which a call shows who sends it, but for `hmac` (test_hook_rules.py): what is believed, and every part of
it changed by itself. Signatures are made here as the senders document them."""

import base64
import datetime
import hashlib
import hmac

import pytest
from standardwebhooks import Webhook

from whimbrel.domain import hook_signatures
from whimbrel.domain.hook_signatures import Auth, Signed

BODY = b'{"a":1}'
URL = "https://a.example/hooks/x?k=1"
NOW_S = 1_795_770_010
OLD, SECRET = "the-old-secret", "a-good-secret"
WHSEC = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def mac(signed, key=SECRET):
    return hmac.new(key.encode(), signed, hashlib.sha256)


def b64(octets):
    return base64.b64encode(octets).decode()


def timestamped(at=NOW_S, key=SECRET, body=BODY, told=None):
    return {"x-sign": f"t={told or at}, v1={'0' * 64}, v1={mac(f'{at}.'.encode() + body, key).hexdigest()}"}


def standard(at=NOW_S, key=WHSEC, body=BODY, **other):
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    signed = Webhook(key).sign("msg_1", moment, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": f"v1,AAAA {signed}"} | other


def hubspot(at=NOW_S, key=SECRET, body=BODY, url=URL, method="POST"):
    stamp = f"{at}000"
    signature = b64(mac(f"{method}{url}".encode() + body + stamp.encode(), key).digest())
    return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}


def basic(user="shop", key=SECRET):
    return {"authorization": "Basic " + b64(f"{user}:{key}".encode())}


CASES = {
    Auth(kind="timestamped", header="X-Sign"): [
        (timestamped(), None),
        (timestamped(key=OLD), None),
        (timestamped(key="another-secret"), "signature_wrong"),
        (timestamped(body=b"{}"), "signature_wrong"),
        (timestamped(told=NOW_S + 1), "signature_wrong"),
        (timestamped(at=NOW_S - 301), "timestamp_wrong"),
        (timestamped(at=NOW_S + 301), "timestamp_wrong"),
        ({"x-sign": f"t={NOW_S}"}, "signature_missing"),
        ({"x-sign": mac(BODY).hexdigest()}, "signature_missing"),
        ({}, "signature_missing"),
    ],
    Auth(kind="standard_webhooks"): [
        (standard(), None),
        (standard(body=b"{}"), "signature_wrong"),
        (standard(**{"webhook-id": "msg_2"}), "signature_wrong"),
        (standard(**{"webhook-timestamp": str(NOW_S + 1)}), "signature_wrong"),
        (standard(at=NOW_S - 301), "timestamp_wrong"),
        (standard(**{"webhook-signature": "v1a,AAAA"}), "signature_missing"),
        (standard(**{"webhook-id": ""}), "signature_missing"),
    ],
    Auth(kind="hubspot_v3"): [
        (hubspot(), None),
        (hubspot(key="another-secret"), "signature_wrong"),
        (hubspot(body=b"{}"), "signature_wrong"),
        (hubspot(url="https://b.example/hooks/x?k=1"), "signature_wrong"),
        (hubspot(method="GET"), "signature_wrong"),
        (hubspot() | {"x-hubspot-request-timestamp": f"{NOW_S}001"}, "signature_wrong"),
        (hubspot(at=NOW_S - 301), "timestamp_wrong"),
        ({"x-hubspot-signature-v3": "x"}, "signature_missing"),
    ],
    Auth(kind="basic", username="shop"): [
        (basic(), None),
        (basic(key=OLD), None),
        (basic(user="another"), "signature_wrong"),
        (basic(user=""), "signature_wrong"),
        (basic(key=f"x:{SECRET}"), "signature_wrong"),
        (basic(key=""), "signature_wrong"),
        ({"authorization": "basic " + b64(f"shop:{SECRET}".encode())}, None),
        ({"authorization": "Basic %"}, "signature_wrong"),
        ({"authorization": f"Bearer {SECRET}"}, "signature_missing"),
        ({}, "signature_missing"),
    ],
    Auth(kind="bearer"): [
        ({"authorization": f"Bearer {SECRET}"}, None),
        ({"authorization": f"Bearer {SECRET}x"}, "signature_wrong"),
        ({"authorization": f"Basic {SECRET}"}, "signature_missing"),
        ({"authorization": SECRET}, "signature_missing"),
    ],
    Auth(kind="header", header="X-Token", prefix="Token "): [
        ({"x-token": f"Token {SECRET}"}, None),
        ({"x-token": SECRET}, None),
        ({"x-token": f"Token {SECRET}x"}, "signature_wrong"),
        ({"x-other": SECRET}, "signature_missing"),
    ],
}


@pytest.mark.parametrize(
    ("auth", "headers", "problem"),
    [(auth, *case) for auth, cases in CASES.items() for case in cases],
)
def test_what_is_believed_and_each_part_changed(auth, headers, problem):
    call = Signed(method="POST", urls=("http://inside/hooks/x?k=1", URL), headers=headers, query={}, body=BODY)
    secrets = [WHSEC] if auth.kind == "standard_webhooks" else [OLD, SECRET]
    assert hook_signatures.problem(auth, secrets, call, NOW_S * 1_000_000) == problem


@pytest.mark.parametrize(
    ("query", "problem"),
    [({"key": SECRET}, None), ({"key": "x"}, "signature_wrong"), ({"token": SECRET}, "signature_missing")],
)
def test_a_secret_in_the_query_stands_in_its_parameter(query, problem):
    call = Signed(method="POST", urls=(URL,), headers={}, query=query, body=BODY)
    assert hook_signatures.problem(Auth(kind="query", parameter="key"), [SECRET], call, 0) == problem


@pytest.mark.parametrize("read", ["whsec_a+b/c=", "whsec_a b/c="], ids=["escaped", "pasted as it is"])
def test_a_secret_with_a_plus_may_be_pasted_behind_the_address(read):
    call = Signed(method="POST", urls=(URL,), headers={}, query={"key": read}, body=BODY)
    assert hook_signatures.problem(Auth(kind="query", parameter="key"), ["whsec_a+b/c="], call, 0) is None
