"""What a hook would do with a call: the body is read, its events are found, and every rule that matches says what it
sends or why not. Stores nothing and asks nothing, so that trials see just what calls see.
"""

import base64
import hashlib
from collections.abc import Mapping

import msgspec

from whimbrel.domain import hook_rules
from whimbrel.domain.hook_bodies import BodyError, payload_of
from whimbrel.domain.hook_paths import PathError
from whimbrel.domain.hook_rules import HookEvent, HookSettings, Miss, Rule, Text
from whimbrel.domain.hooks import KeptCall

SECRET_HEADERS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "webhook-signature", "x-hubspot-signature-v3"}
)
_HEADERS_KEPT = 64
_HEADER_MAX = 1024


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """What of a call rules may see: its signature was looked at."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    def kept(self) -> str:
        """As it is kept."""
        try:
            text, encoded = self.body.decode(), False
        except UnicodeDecodeError:
            text, encoded = base64.b64encode(self.body).decode(), True
        call = KeptCall(headers=dict(self.headers), query=dict(self.query), body=text, base64=encoded)
        return msgspec.json.encode(call).decode()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says about an event for one recipient; `rule` None: no rule is for it."""

    event: HookEvent
    rule: Rule | None
    result: Text | Miss


def called(headers: Mapping[str, str], query: Mapping[str, str], body: bytes, secret: frozenset[str]) -> Called:
    """A call without what proves who made it. `secret`: names of headers and parameters that hold a secret itself."""
    shown = {
        name: value[:_HEADER_MAX]
        for name, value in list(headers.items())[:_HEADERS_KEPT]
        if name not in SECRET_HEADERS and name not in secret
    }
    return Called(headers=shown, query={k: v for k, v in query.items() if k not in secret}, body=body)


def from_kept(text: str) -> Called:
    """A call that was kept."""
    call = msgspec.json.decode(text, type=KeptCall)
    body = base64.b64decode(call.body) if call.base64 else call.body.encode()
    return Called(headers=call.headers, query=call.query, body=body)


def judged(settings: HookSettings, call: Called, now_us: int) -> list[Finding] | Miss:
    """Findings in the order of events and rules, or what is to be said of the whole call."""
    try:
        payload = payload_of(call.headers.get("content-type", ""), call.body)
    except BodyError as error:
        return Miss("bad_body", str(error))
    root = hook_rules.root_of(payload, call.headers, call.query)
    try:
        if hook_rules.is_ping(settings.mapping, root):
            return Miss("ping")
        events = hook_rules.events_of(settings.mapping, root, hashlib.sha256(call.body).hexdigest()[:40])
    except PathError as error:
        return Miss("expression_failed", str(error))
    if isinstance(events, Miss):
        return events
    return [finding for event in events for finding in _of_event(settings, event, now_us)] or Miss("empty")


def _of_event(settings: HookSettings, event: HookEvent, now_us: int) -> list[Finding]:
    found: list[Finding] = []
    for rule in settings.rules:
        try:
            if not hook_rules.matches(rule, event):
                continue
        except PathError as error:
            found.append(Finding(event=event, rule=rule, result=Miss("expression_failed", str(error))))
            continue
        results = hook_rules.composed(rule, event, settings.default_country, now_us)
        found += [Finding(event=event, rule=rule, result=result) for result in results]
    return found or [Finding(event=event, rule=None, result=Miss("no_rule", event.type))]
