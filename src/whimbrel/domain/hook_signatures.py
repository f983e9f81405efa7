"""How the callers of hooks prove who they are, and whether one call does. Every secret is compared in constant time,
and each that holds is tried: after a rotation the one before it holds for a day.

Sources, as their makers publish them:
- Shopify, "Verify webhook deliveries": base64 of HMAC-SHA256 over the body, in `X-Shopify-Hmac-SHA256`.
- WooCommerce, "Webhooks" (REST API): the same in `X-WC-Webhook-Signature`.
- Stripe, "Receive Stripe events in your webhook endpoint", "Verify manually": `Stripe-Signature: t=…,v1=…`, hex of
  HMAC-SHA256 over `t.body`; by default five minutes of tolerance.
- HubSpot, "Validating requests", v3: base64 of HMAC-SHA256 over method, URI, body and timestamp (milliseconds) in
  `X-HubSpot-Signature-v3`; older than five minutes is refused.
- Zendesk, "Verifying webhooks": base64 of HMAC-SHA256 over timestamp and body.
- GitHub, "Validating webhook deliveries": `X-Hub-Signature-256: sha256=` and hex of HMAC-SHA256 over the body.
- Grafana, "Configure webhook notifications", HMAC signature: hex over the body, or over `timestamp:body` where a header
  for the timestamp is configured.
- Prometheus, "Alerting: configuration", `http_config`: Basic or bearer.
- Standard Webhooks 1.0.0: `v1,` and base64 over `id.timestamp.body`; the secret is `whsec_` and base64.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.codec.signatures import SecretError, decode_secret

Kind = Literal["hmac", "timestamped", "standard_webhooks", "hubspot_v3", "basic", "bearer", "header", "query"]
Problem = Literal["signature_missing", "signature_wrong", "timestamp_wrong"]

_SECOND_US: Final = 1_000_000
_MS_FROM: Final = 100_000_000_000  # a number of seconds so large is the year 5138: it is milliseconds
_SIGNATURES_MAX: Final = 16  # of one call: who rotates secrets sends two or three


class Auth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a call is signed. What a kind has no use for is left at its default."""

    kind: Annotated[
        Kind,
        Meta(
            description="`hmac`: in `header`, over the body; `timestamped`: in `header` as `t=…,v1=…`; "
            "`standard_webhooks`; `hubspot_v3`; `basic`; `bearer`; `header`: the secret itself in `header`; `query`: "
            "the secret itself in the query parameter `parameter`."
        ),
    ]
    header: Annotated[str, Meta(description="Where the signature or the secret stands.")] = ""
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, Meta(description='What stands before the signature, such as "sha256=".')] = ""
    timestamp_header: Annotated[str, Meta(description="A header whose value is signed before the body.")] = ""
    timestamp_needed: Annotated[bool, Meta(description="Refuse calls without that header.")] = False
    separator: Annotated[str, Meta(description="What stands between timestamp and body.")] = ""
    tolerance_s: Annotated[int, Meta(ge=30, le=3600, description="How far clocks may differ, or a call be late.")] = 300
    username: Annotated[str, Meta(description="Of Basic.")] = ""
    parameter: Annotated[str, Meta(description="Of the query.")] = "token"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What of a call signatures are made of. `headers` have lower case names; `urls`: what the caller may have called
    it by, as proxies on the way change that."""

    method: str
    urls: tuple[str, ...]
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


def problem(auth: Auth, secrets: Sequence[str], call: Signed, now_us: int) -> Problem | None:
    """Why the call is not believed, or None. `secrets`: those that hold."""
    match auth.kind:
        case "hmac":
            return _hmac(auth, secrets, call, now_us)
        case "timestamped":
            return _timestamped(auth, secrets, call, now_us)
        case "standard_webhooks":
            return _standard(auth, secrets, call, now_us)
        case "hubspot_v3":
            return _hubspot(auth, secrets, call, now_us)
        case _:
            return _shown(auth, secrets, call)


def check(auth: Auth) -> tuple[str, str] | None:
    """What is wrong with a way of signing: the member and what it must be; None when nothing is."""
    if auth.kind in ("hmac", "timestamped", "header") and not auth.header:
        return "header", "must name the header"
    if auth.kind == "query" and not auth.parameter:
        return "parameter", "must name the query parameter"
    if auth.timestamp_needed and not auth.timestamp_header:
        return "timestamp_header", "must name the header that is needed"
    if auth.header.lower() in ("authorization", "cookie"):
        return "header", "must be another header; `basic` and `bearer` are kinds of their own"
    return None


def check_secret(auth: Auth, secret: str) -> str | None:
    """Why this secret cannot be used, in words."""
    if not 8 <= len(secret) <= 256 or not secret.isprintable():
        return "must be 8 to 256 printable characters"
    if auth.kind == "standard_webhooks":
        try:
            decode_secret(secret)
        except SecretError as error:
            return str(error)
    return None


def signature(auth: Auth, secret: str, body: bytes, timestamp: str = "") -> str:
    """What a caller writes into the header of `hmac`."""
    signed = timestamp.encode() + auth.separator.encode() + body if timestamp else body
    return auth.prefix + _encoded(auth, hmac.digest(secret.encode(), signed, auth.algorithm))


def _hmac(auth: Auth, secrets: Sequence[str], call: Signed, now_us: int) -> Problem | None:
    given = call.headers.get(auth.header.lower(), "")
    if not given:
        return "signature_missing"
    timestamp = call.headers.get(auth.timestamp_header.lower(), "") if auth.timestamp_header else ""
    if auth.timestamp_needed and not timestamp:
        return "timestamp_wrong"
    if not _matches([signature(auth, secret, call.body, timestamp) for secret in secrets], [given]):
        return "signature_wrong"
    return None if not timestamp or _is_near(timestamp, auth.tolerance_s, now_us) else "timestamp_wrong"


def _timestamped(auth: Auth, secrets: Sequence[str], call: Signed, now_us: int) -> Problem | None:
    parts = [part.strip().partition("=") for part in call.headers.get(auth.header.lower(), "").split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    if not timestamp or not given:
        return "signature_missing"
    signed = timestamp.encode() + b"." + call.body
    if not _matches([hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets], given):
        return "signature_wrong"
    return None if _is_near(timestamp, auth.tolerance_s, now_us) else "timestamp_wrong"


def _standard(auth: Auth, secrets: Sequence[str], call: Signed, now_us: int) -> Problem | None:
    identity, timestamp = call.headers.get("webhook-id", ""), call.headers.get("webhook-timestamp", "")
    signatures = call.headers.get("webhook-signature", "").split()
    given = [each.removeprefix("v1,") for each in signatures if each.startswith("v1,")]
    if not identity or not timestamp or not given:
        return "signature_missing"
    signed = f"{identity}.{timestamp}.".encode() + call.body
    if not _matches([_b64(hmac.digest(decode_secret(secret), signed, "sha256")) for secret in secrets], given):
        return "signature_wrong"
    return None if _is_near(timestamp, auth.tolerance_s, now_us) else "timestamp_wrong"


def _hubspot(auth: Auth, secrets: Sequence[str], call: Signed, now_us: int) -> Problem | None:
    given = call.headers.get("x-hubspot-signature-v3", "")
    timestamp = call.headers.get("x-hubspot-request-timestamp", "")
    if not given or not timestamp:
        return "signature_missing"
    expected = [
        _b64(hmac.digest(secret.encode(), f"{call.method}{url}".encode() + call.body + timestamp.encode(), "sha256"))
        for secret in secrets
        for url in call.urls
    ]
    if not _matches(expected, [given]):
        return "signature_wrong"
    return None if _is_near(timestamp, auth.tolerance_s, now_us) else "timestamp_wrong"


def _shown(auth: Auth, secrets: Sequence[str], call: Signed) -> Problem | None:
    """The secret itself."""
    scheme, _, shown = call.headers.get("authorization", "").partition(" ")
    if auth.kind == "header":
        given = call.headers.get(auth.header.lower(), "").removeprefix(auth.prefix)
    elif auth.kind == "query":
        # the secret is pasted behind the address as it is: its pluses are read as spaces there
        given = call.query.get(auth.parameter, "").replace(" ", "+")
        secrets = [secret.replace(" ", "+") for secret in secrets]
    else:
        given = shown.strip() if scheme.lower() == auth.kind else ""
    if not given:
        return "signature_missing"
    if auth.kind != "basic":
        return None if _matches(secrets, [given]) else "signature_wrong"
    try:
        pair = base64.b64decode(given, validate=True).decode()
    except (binascii.Error, ValueError):
        return "signature_wrong"
    return None if _matches([f"{auth.username}:{secret}" for secret in secrets], [pair]) else "signature_wrong"


def _matches(expected: Iterable[str], given: Sequence[str]) -> bool:
    """Whether one of those given is one of those expected. All are compared, whichever it is."""
    found = False
    for one in expected:
        for other in given[:_SIGNATURES_MAX]:
            found |= hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogateescape"))
    return found


def _is_near(timestamp: str, tolerance_s: int, now_us: int) -> bool:
    at = moment(timestamp)
    return at is not None and abs(at - now_us) <= tolerance_s * _SECOND_US


def moment(text: str) -> int | None:
    """Microseconds of a Unix time in seconds or milliseconds, or of RFC 3339; None for anything else."""
    try:
        number = float(text)
    except ValueError:
        try:
            return moments.from_text(text)
        except (ValueError, OverflowError):
            return None
    if not 0 <= number < 10**15:
        return None
    return int(number * (1_000 if number >= _MS_FROM else _SECOND_US))


def _encoded(auth: Auth, digest: bytes) -> str:
    return digest.hex() if auth.encoding == "hex" else _b64(digest)


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
