"""Signatures against published vectors and against the receivers' own libraries."""

import base64
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from twilio.request_validator import RequestValidator

from whimbrel.codec import signatures
from whimbrel.codec.signatures import SecretError

OLD, NEW = signatures.encode_secret(b"o" * 24), signatures.encode_secret(b"n" * 32)


def test_the_vector_of_standard_webhooks() -> None:
    """standard-webhooks/libraries: the vector that every library's test holds."""
    signature = signatures.standard_webhook(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_a_secret_is_changed_both_verify(secret: str) -> None:
    body, now = '{"text":"héllo"}', int(datetime.now(UTC).timestamp())
    signature = signatures.standard_webhook((NEW, OLD), "EV1", now, body.encode())
    headers = {"webhook-id": "EV1", "webhook-timestamp": str(now), "webhook-signature": signature}
    assert Webhook(secret).verify(body, headers) == {"text": "héllo"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + " ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": "EV2"})


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=300))
def test_what_is_kept_of_a_key_makes_the_same_hmac(key: bytes, body: bytes) -> None:
    for _ in range(2):  # what is kept is copied and not used up
        signature = signatures.standard_webhook([signatures.encode_secret(key)], "EV1", 7, body)
        assert base64.b64decode(signature.removeprefix("v1,")) == hmac.digest(key, b"EV1.7." + body, "sha256")


def test_the_newest_secret_signs_first() -> None:
    both = signatures.standard_webhook((NEW, OLD), "EV1", 1, b"x").split(" ")
    assert both == [signatures.standard_webhook((secret,), "EV1", 1, b"x") for secret in (NEW, OLD)]


@given(st.binary(min_size=24, max_size=64))
def test_secrets_round_trip(key: bytes) -> None:
    text = signatures.encode_secret(key)
    assert text.startswith("whsec_")
    assert signatures.decode_secret(text) == key


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_!!!!", "whsec_YWJj", "whsec_é", signatures.encode_secret(b"x" * 65)]
)
def test_bad_secrets(secret: str) -> None:
    with pytest.raises(SecretError):
        signatures.decode_secret(secret)


TWILIO_VECTORS: list[tuple[str, str, dict[str, str], str]] = [
    (
        "12345",
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        {
            "CallSid": "CA1234567890ABCDE",
            "Caller": "+12349013030",
            "Digits": "1234",
            "From": "+12349013030",
            "To": "+18005551212",
        },
        "0/KCTR6DLpKmkAf8muzZqo1nDgQ=",
    ),
    (
        "12345",
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        {"CallSid": "CA1234567890ABCDE", "Caller": "+12349013030", "From": "+12349013030", "To": "+18005551212"},
        "+4vvJXbEn1tcCH7BXzQAowML5wc=",
    ),
    (
        "tok",
        "https://ex.com/cb?foo=1",
        {
            "MessageSid": "SMcfcd208495d565ef66e7dff9f98764da",
            "MessageStatus": "delivered",
            "To": "+15551230000",
            "From": "ACME",
        },
        "5jnK2dNGApVTEoI//4PYUWLLFFY=",
    ),
]


@pytest.mark.parametrize(("token", "url", "params", "expected"), TWILIO_VECTORS)
def test_the_vectors_of_twilio(token: str, url: str, params: dict[str, str], expected: str) -> None:
    assert signatures.twilio(token, url, list(params.items())) == expected
    assert signatures.twilio(token, url, list(reversed(params.items()))) == expected


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), max_size=20), max_size=8))
def test_the_validator_of_twilio_takes_any_form(params: dict[str, str]) -> None:
    url = "https://example.com:8443/hook?a=b%20c"
    signature = signatures.twilio("token", url, list(params.items()))
    assert RequestValidator("token").validate(url, params, signature)


class _Many(dict[str, list[str]]):
    """A form with repeated names, as Django holds it."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def test_a_repeated_name_is_signed_with_each_value_once() -> None:
    url, many = "https://example.com/hook", _Many({"MediaUrl": ["b", "a", "b"], "To": ["x"]})
    pairs = [("MediaUrl", "b"), ("To", "x"), ("MediaUrl", "a"), ("MediaUrl", "b")]
    assert RequestValidator("token").validate(url, many, signatures.twilio("token", url, pairs))


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://example.com?a=1", "https://example.com/?a=1"),
        ("https://example.com/hook#rc=3&ct=100", "https://example.com/hook"),
        ("https://example.com/a%7Eb?x=[1]", "https://example.com/a%7Eb?x=[1]"),
    ],
)
def test_what_is_signed_is_what_the_receiver_sees(given: str, received: str) -> None:
    assert signatures.as_received(given) == received
    assert RequestValidator("token").validate(received, {}, signatures.twilio("token", given))
