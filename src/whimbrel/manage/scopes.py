"""What a key may do: a closed list, deny by default. A key holds scopes by name; there are no wildcards, so that a
scope added later is never granted by an old key. docs/keys.md lists them (a test compares).
"""

from collections.abc import Iterable

OPERATOR = "operator"

ACCOUNT_SCOPES: dict[str, str] = {
    "messages:write": "Send, cancel, delete and redact messages; erase people by number; explain.",
    "messages:read": "Read messages.",
    "events:read": "Read events and follow the live stream.",
    "inbound:read": "Read inbound texts.",
    "webhooks:write": "Create, change and delete webhooks, rotate their secrets, replay.",
    "webhooks:read": "Read webhooks, their deliveries and tries.",
    "links:write": "Make, change and delete short links, set what is kept of clicks, tell conversions.",
    "links:read": "Read short links and who opened them.",
    "media:write": "Bring and delete media.",
    "media:read": "Read media, also what is in them.",
    "hooks:write": "Create, change, try and delete hooks, rotate their secrets, read what their calls held, replay.",
    "hooks:read": "Read hooks (never the secret) and the log of their calls.",
    "mailboxes:write": "Create, change and delete mailboxes, whose mail becomes texts.",
    "mailboxes:read": "Read mailboxes and the log of their mails.",
    "smpp:write": "Create, change and delete SMPP credentials, rotate their passwords.",
    "smpp:read": "Read SMPP credentials (never the password) and how many binds they have.",
    "senders:write": "Choose default senders and where answers to a sender go; register senders.",
    "senders:read": "Read senders, numbers, registrations with their documents, and rules of countries.",
    "opt_outs:write": "Record and remove opt-outs.",
    "opt_outs:read": "Read opt-outs.",
    "consents:write": "Record who agreed to what, ask for it by text, import.",
    "consents:read": "Read and export the ledger of consent.",
    "policies:write": "Set the policy of marketing: quiet hours, how often people are texted.",
    "policies:read": "Read policies and the rules of quiet hours.",
    "lookups:read": "Look up numbers, also whether they opted out and when they were last seen.",
    "balance:read": "Read balance and ledger.",
    "usage:read": "Read figures of usage: how many texts, what became of them, what they cost.",
    "prices:read": "Read the prices that hold for the account.",
    "keys:write": "Create and revoke keys, with no more scopes than the key that does it.",
    "keys:read": "Read keys (never the secret part).",
    "accounts:write": "Create, change, suspend and close sub-accounts; rotate the account's own secrets and read the "
    "one of its callbacks (whoever holds the token may do all that the account may).",
    "accounts:read": "Read the account and its sub-accounts.",
    "audit:read": "Read who changed what.",
    "users:write": "Invite people to the console, change their roles, and remove them.",
    "users:read": "Read people and roles.",
    "conversations:write": "Answer conversations, see to them, set how they are served, and keep canned answers.",
    "conversations:read": "Read conversations with their notes and figures, and canned answers.",
    "contacts:write": "Create, change, erase, merge and import contacts; their fields, tags, lists and segments.",
    "contacts:read": "Read contacts, their timelines and segments; export them.",
    "campaigns:write": "Make, change and delete drafts of campaigns.",
    "campaigns:send": "Start, pause, resume and cancel campaigns, send tests, and choose winners.",
    "campaigns:approve": "Approve campaigns that somebody else wrote, and say whether that is needed.",
    "campaigns:read": "Read campaigns, their recipients and results; export them.",
    "flows:write": "Create, change and delete flows and schedules.",
    "flows:run": "Begin runs of flows, stop and erase them.",
    "flows:read": "Read flows, their runs, and schedules.",
    "verify:write": "Start, check, cancel and approve verifications.",
    "verify:manage": "Change verify services and their rate limits; lift blocks, keep the safe list.",
    "verify:read": "Read verifications (numbers masked, unless messages may be read), services and blocks.",
    "templates:write": "Make, change, publish, archive and delete templates.",
    "templates:approve": "Approve and reject versions of templates, where the installation asks for that.",
    "templates:read": "Read and preview templates.",
}
"""Scopes of keys that belong to an account. They reach that account and its sub-accounts, nothing else."""

OPERATOR_SCOPES: dict[str, str] = {
    OPERATOR: "Everything, in every account.",
    "senders:assign": "Give senders to accounts, take them away, decide on registrations, change rules of countries.",
    "balance:write": "Top up balances.",
    "carriers:write": "Create, change, pause, test, trace and delete carriers.",
    "carriers:read": "Read carriers and their health.",
    "routes:write": "Create, order, change and delete routes.",
    "routes:read": "Read routes.",
    "prices:write": "Set and delete prices.",
    "streams:write": "Set back streams of events to brokers.",
    "streams:read": "Read how streams of events to brokers are doing.",
    "settings:read": "Read what the installation runs with.",
}
"""Scopes of operator keys only, beside all those of accounts."""

SCOPES: dict[str, str] = ACCOUNT_SCOPES | OPERATOR_SCOPES


def known(*, operator: bool) -> frozenset[str]:
    """The scopes that a key of this kind may hold."""
    return frozenset(SCOPES if operator else ACCOUNT_SCOPES)


def allows(held: Iterable[str], needed: str) -> bool:
    """Whether a key with the scopes `held` may do what needs `needed`. KeyError when there is no such scope: a door
    that asks for a wrong name must not open by accident."""
    if needed not in SCOPES:
        raise KeyError(needed)
    scopes = tuple(held)
    return needed in scopes or OPERATOR in scopes
