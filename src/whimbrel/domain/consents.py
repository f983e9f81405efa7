"""The ledger of consent: who agreed to what, when, where and by which words, and who took it back. Rows are added and
never changed; what stands is the last of them for a number and a purpose.
"""

import re
from typing import Final, Literal

import msgspec

ConsentAction = Literal["grant", "revoke"]
ConsentSource = Literal["web_form", "keyword", "import", "api", "double_opt_in", "paper", "voice", "other"]
RequestState = Literal["pending", "granted", "declined", "expired"]

WORDING_MAX: Final = 2_000
EVERY_PURPOSE: Final = "*"
_DAY_US: Final = 86_400_000_000
ASKED_APART_US: Final = _DAY_US // 24
ASKED_WITHIN_US: Final = 30 * _DAY_US
ASKED_MAX: Final = 3
"""Nobody is asked for one purpose more often than this within that time, and never twice within the first."""
_ANSWERS: Final = re.compile(r"\byes\b.*\bstop\b|\bstop\b.*\byes\b", re.IGNORECASE | re.DOTALL).search
is_purpose = re.compile(r"[a-z][a-z0-9_.-]{0,39}").fullmatch


class Consent(msgspec.Struct, frozen=True, gc=False):
    """A record. Column order of the `consents` table. `number` None: the person was erased. `purpose` `*`: all that
    stood, which `proof` names. `at`: when it was said; `actor`: who wrote it down."""

    id: str
    account_id: str
    number_hash: int
    number: str | None
    masked: str
    purpose: str
    action: ConsentAction
    source: ConsentSource
    wording: str
    proof: str  # JSON
    actor: str
    at: int
    created_at: int


def asks_well(text: str) -> bool:
    """Whether a question says how it is answered, and how it all ends."""
    return _ANSWERS(text) is not None


class ConsentRequest(msgspec.Struct, frozen=True, gc=False):
    """A question that was texted. Column order of the `consent_requests` table. `answer_id`: of the
    message that answered."""

    id: str
    account_id: str
    number_hash: int
    number: str | None
    masked: str
    purpose: str
    sender: str
    wording: str
    proof: str  # JSON
    state: RequestState
    sends: int
    message_id: str
    answer_id: str | None
    actor: str
    created_at: int
    sent_at: int
    expires_at: int
    answered_at: int | None
