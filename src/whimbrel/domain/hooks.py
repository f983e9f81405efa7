"""Hooks as stored: addresses that other systems call, the calls that came, and what came of each event in them."""

from typing import Literal

import msgspec

HookStatus = Literal["active", "paused"]


class Hook(msgspec.Struct, frozen=True, gc=False):
    """An address that one system calls. Column order of the `hooks` table."""

    id: str
    account_id: str
    test: bool
    name: str
    preset: str
    status: HookStatus
    secret: bytes  # encrypted
    old_secret: bytes | None  # encrypted; holds beside the new one until old_secret_until
    old_secret_until: int | None
    settings: str  # JSON of hook_rules.HookSettings
    created_at: int
    updated_at: int


class HookCall(msgspec.Struct, frozen=True, gc=False):
    """One call of a hook. Column order of the `hook_calls` table."""

    id: str
    account_id: str
    hook_id: str
    verdict: str  # a key of hook_rules.VERDICTS; `sent` where anything was sent
    detail: str
    events: int
    sent: int
    octets: int
    replay_of: str | None  # the call that this one repeats
    payload: bytes | None  # encrypted JSON of KeptCall; None: not kept, or no longer
    payload_until: int
    created_at: int


class HookOutcome(msgspec.Struct, frozen=True, gc=False):
    """What came of one event by one rule for one recipient. Column order of the `hook_outcomes` table."""

    call_id: str
    number: int
    account_id: str
    hook_id: str
    event_type: str
    event_id: str
    rule: str
    verdict: str
    reason: str  # a code of the catalogue; empty unless the message was refused
    detail: str
    message_id: str | None
    taken: str | None  # what was sent for, once in a hook; None: nothing was sent
    created_at: int


class KeptCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it is kept: without the headers of its signature. `body` in base64 where it is no UTF-8."""

    headers: dict[str, str]
    query: dict[str, str]
    body: str
    base64: bool = False
