"""People who use the console: values as stored, and the rules of who may do what to whom."""

from collections.abc import Mapping
from typing import Literal

import msgspec

RoleName = Literal["owner", "developer", "operator", "support", "billing", "read_only"]
UserStatus = Literal["invited", "active", "disabled"]
Stage = Literal["whole", "second"]
CodePurpose = Literal["link", "recovery", "challenge"]


class User(msgspec.Struct, frozen=True, gc=False):
    """A person. `account_id` None: works for the operator. Column order of the `users` table."""

    id: str
    account_id: str | None
    email: str
    name: str
    role: RoleName
    status: UserStatus
    password: str  # argon2's encoding; empty: none yet
    totp: bytes | None  # sealed secret of an authenticator
    totp_step: int  # the newest step that was used (RFC 6238)
    failures: int  # since the last success
    locked_until: int
    preferences: str  # JSON
    created_at: int
    updated_at: int
    signed_in_at: int | None


class Session(msgspec.Struct, frozen=True, gc=False):
    """Somebody signed in with one browser. Column order of the `sessions` table."""

    id: str
    digest: bytes  # SHA-256 of what the cookie holds
    user_id: str
    acting_for: str | None  # whose things are shown; None: the operator's view of all
    test: bool  # those of test keys, instead of the live ones
    stage: Stage  # second: the second factor is still missing, and nothing else is allowed
    created_at: int
    seen_at: int
    expires_at: int
    confirmed_at: int  # when they last proved who they are
    address: str
    agent: str


class Passkey(msgspec.Struct, frozen=True, gc=False):
    """A WebAuthn credential. Column order of the `passkeys` table."""

    id: str
    user_id: str
    credential: bytes
    public_key: bytes  # COSE
    sign_count: int
    name: str
    created_at: int
    used_at: int | None


class SavedView(msgspec.Struct, frozen=True, gc=False):
    """A page with its filters, under a name. Column order of the `saved_views` table."""

    id: str
    user_id: str
    page: str
    name: str
    query: str
    created_at: int


class CannedAnswer(msgspec.Struct, frozen=True, gc=False):
    """A text that is answered with often. Column order of the `canned_answers` table."""

    id: str
    account_id: str
    name: str
    text: str
    created_at: int
    updated_at: int


class Role(msgspec.Struct, frozen=True):
    """What a kind of person may do: scopes in the account (or, of the operator's people, in every account), and those
    of the installation that the operator's people have beside them."""

    summary: str
    account: frozenset[str]
    installation: frozenset[str]


_READ = frozenset(
    {
        "messages:read", "events:read", "inbound:read", "webhooks:read", "smpp:read", "senders:read", "opt_outs:read",
        "lookups:read", "policies:read", "consents:read",
        "balance:read", "prices:read", "keys:read", "accounts:read", "audit:read", "users:read", "conversations:read",
        "usage:read",
        "contacts:read", "campaigns:read", "flows:read", "hooks:read", "mailboxes:read", "verify:read",
        "templates:read", "links:read", "media:read",
    }
)  # fmt: skip
_READ_INSTALLATION = frozenset({"carriers:read", "routes:read", "streams:read", "settings:read"})
_TALK = frozenset(
    {
        "messages:write", "contacts:write", "conversations:write", "opt_outs:write", "consents:write", "flows:run",
        "verify:write", "links:write", "media:write",
    }
)  # fmt: skip
_BUILD = frozenset(
    {
        "hooks:write", "webhooks:write", "smpp:write", "keys:write", "senders:write", "flows:write", "templates:write",
        "mailboxes:write", "verify:manage",
    }
)  # fmt: skip
_MARKET = frozenset({"campaigns:write", "campaigns:send", "campaigns:approve"})
_RUN = frozenset({"carriers:write", "routes:write", "prices:write", "streams:write", "senders:assign"})
_OPERATOR = frozenset({"operator"})

ROLES: Mapping[RoleName, Role] = {
    "owner": Role(
        "Everything, people included.",
        _READ | _TALK | _BUILD | _MARKET | {"accounts:write", "users:write", "templates:approve", "policies:write"},
        _OPERATOR,
    ),
    "developer": Role(
        "Sends, and builds with keys, webhooks, senders and SMPP credentials.",
        _READ | _TALK | _BUILD,
        _READ_INSTALLATION,
    ),
    "operator": Role(
        "Runs the traffic: senders, opt-outs, webhooks and sub-accounts; of the operator's people also carriers, "
        "routes and prices.",
        _READ
        | _TALK
        | {"senders:write", "hooks:write", "webhooks:write", "smpp:write", "accounts:write"}
        | _MARKET
        | {"templates:write", "templates:approve", "policies:write"},
        _READ_INSTALLATION | _RUN,
    ),
    "support": Role(
        "Answers people, sends, and records opt-outs.",
        frozenset({"messages:read", "events:read", "inbound:read", "senders:read", "opt_outs:read", "accounts:read"})
        | {"consents:read"}
        | {
            "contacts:read",
            "lookups:read",
            "conversations:read",
            "usage:read",
            "templates:read",
            "flows:read",
            "links:read",
            "media:read",
            "verify:read",
        }
        | _TALK,
        _READ_INSTALLATION,
    ),
    "billing": Role(
        "Sees what was spent and for what; of the operator's people also prices and top-ups.",
        frozenset({"balance:read", "usage:read", "prices:read", "messages:read", "accounts:read", "audit:read"}),
        frozenset({"balance:write", "prices:write"}),
    ),
    "read_only": Role("Sees everything, changes nothing.", _READ, _READ_INSTALLATION),
}


def scopes_of(role: RoleName, *, of_operator: bool) -> frozenset[str]:
    """The scopes that somebody of this role has."""
    known = ROLES[role]
    return known.account | known.installation if of_operator else known.account


def has_whole_power(role: RoleName) -> bool:
    """Whether the role is the one of which an account must keep one person."""
    return role == "owner"
