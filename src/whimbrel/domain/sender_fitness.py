"""Whether a message may go with a sender to a country: what accept does about a finding of the rules.

An installation enforces the rules, warns only, or leaves them alone. A rule of the operator's own may say otherwise for
itself. A sender that the operator has not approved is refused in any case.
"""

import datetime
from collections.abc import Mapping, Sequence, Set
from functools import cache
from typing import Final, Literal

import msgspec

from whimbrel.domain.model import Flag, Sender
from whimbrel.domain.numbers import normalise
from whimbrel.domain.registrations import Approval, covers
from whimbrel.domain.sender_rules import Finding, Rulebook, RuleVerdict, SenderRule, Sending

Enforcement = Literal["enforce", "warn", "off"]
Step = Literal["allowed", "warned", "refused"]

WARNINGS: Final[Mapping[int, str]] = {
    Flag.SENDER_UNREGISTERED: "sender_unregistered",
    Flag.SENDER_REPLACED: "sender_replaced",
    Flag.SENDER_FORBIDDEN: "sender_forbidden",
    Flag.NOTICE_MISSING: "notice_missing",
}
"""Bits of a message's flags, and the codes that they mean."""
WARNED: Final = Flag.SENDER_UNREGISTERED | Flag.SENDER_REPLACED | Flag.SENDER_FORBIDDEN | Flag.NOTICE_MISSING
_CODES: Final[Mapping[RuleVerdict, tuple[str, int]]] = {
    "forbidden": ("sender_forbidden", Flag.SENDER_FORBIDDEN),
    "needs_registration": ("sender_unregistered", Flag.SENDER_UNREGISTERED),
    "replaced": ("sender_replaced", Flag.SENDER_REPLACED),
}
_DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime.date(1970, 1, 1)
_NEVER: Final = 1 << 62
_NOWHERE: Final[Set[str]] = frozenset()


class Fitness(msgspec.Struct, frozen=True, gc=False):
    """Something to be said. `code`: of the catalogue; `flag`: the bit of a message that is accepted all the same;
    `pointer`: what it is said of."""

    code: str
    flag: int
    refuses: bool
    detail: str
    rule_id: str = ""
    pointer: str = "/sender"


class Notice(msgspec.Struct, frozen=True, gc=False):
    """Words that a text has to say, and what is to be said of one that does not."""

    words: str
    missing: Fitness


class SenderLaw:
    """The rules of an installation, and what it does about them."""

    __slots__ = ("_book", "_enforcement", "has_rules")

    def __init__(self, book: Rulebook, enforcement: Enforcement) -> None:
        self._book = book
        self._enforcement = enforcement
        self.has_rules = enforcement != "off"

    @property
    def book(self) -> Rulebook:
        """The rules."""
        return self._book

    @property
    def enforcement(self) -> Enforcement:
        """What the installation does about them."""
        return self._enforcement

    @property
    def noticing(self) -> Set[str]:
        """Countries where texts may have to say something."""
        return self._book.noticing if self.has_rules else _NOWHERE

    def fitness(
        self, sender: Sender, country: str, now: int, approvals: Sequence[Approval], *, marketing: bool = False
    ) -> Fitness | None:
        """What is to be said of a sender; None: nothing."""
        barred = bar(sender)
        if barred:
            return Fitness("sender_not_approved", 0, True, barred)
        finding = self.finding(sender, country, now, marketing=marketing)
        if finding is None:
            return None
        rule, refuses = finding.rule, self._refuses(finding.rule)
        if finding.problem:
            detail = f"The sender {finding.problem}."
            return Fitness("sender_forbidden", Flag.SENDER_FORBIDDEN, refuses, detail, rule.id)
        if rule.verdict == "allowed" or _is_registered(rule.regime, rule.verdict, country, now, approvals):
            return None
        code, flag = _CODES[rule.verdict]
        return Fitness(code, flag, refuses and rule.verdict != "replaced", _detail(finding, country), rule.id)

    def notice(self, sender: Sender, country: str, now: int, *, marketing: bool = False) -> Notice | None:
        """What texts with a sender have to say; None: nothing."""
        finding = self.finding(sender, country, now, marketing=marketing)
        if finding is None or not finding.rule.notice:
            return None
        rule = finding.rule
        detail = f'Texts to {country} say "{rule.notice}".'
        missing = Fitness("notice_missing", Flag.NOTICE_MISSING, self._refuses(rule), detail, rule.id, "/text")
        return Notice(rule.notice, missing)

    def _refuses(self, rule: SenderRule) -> bool:
        return rule.enforce if rule.enforce is not None else self._enforcement == "enforce"

    def finding(self, sender: Sender, country: str, now: int, *, marketing: bool = False) -> Finding | None:
        """What the rules say, whatever is done about it."""
        if not self.has_rules:
            return None
        sending = Sending(sender.value, sender.kind, country_of(sender), marketing)
        return self._book.finding(sending, country, day_of(now))

    def next_change(self, now: int) -> int:
        """When a rule begins or ends next, in UTC microseconds."""
        day = self._book.next_change(day_of(now))
        return _NEVER if day is None else (day - _EPOCH).days * _DAY_US


ANY_SENDER: Final = SenderLaw(Rulebook(()), "off")
"""No rules at all."""


def bar(sender: Sender) -> str:
    """Why the operator lets nothing be sent from it; empty: he does."""
    if sender.approval != "approved":
        detail = f"The operator has {'rejected' if sender.approval == 'rejected' else 'still to approve'} it."
        return " ".join((detail, sender.approval_reason)).rstrip()
    if "sms" not in sender.capabilities:
        return f"It sends no texts: it can {', '.join(sender.capabilities) or 'do nothing'}."
    return ""


def country_of(sender: Sender) -> str:
    """Of a number; rows of before do not say."""
    if sender.country or sender.kind in ("alphanumeric", "short_code"):
        return sender.country
    number = normalise(sender.value)
    return number.country if number else ""


def day_of(now: int) -> datetime.date:
    """The day of UTC microseconds."""
    return _EPOCH + datetime.timedelta(days=now // _DAY_US)


@cache
def warnings_of(flags: int) -> tuple[str, ...]:
    """The codes that a message's flags mean."""
    return tuple(code for bit, code in WARNINGS.items() if flags & bit)


def _is_registered(regime: str, verdict: RuleVerdict, country: str, now: int, approvals: Sequence[Approval]) -> bool:
    """What is replaced without a registration is not with one; what is replaced always names no regime."""
    if verdict == "forbidden" or (verdict == "replaced" and not regime):
        return False
    return any(covers(each, regime, country) and (each.until is None or now < each.until) for each in approvals)


def _detail(finding: Finding, country: str) -> str:
    rule = finding.rule
    said = {
        "forbidden": f"{country} takes no such sender.",
        "needs_registration": f"The sender is not registered for {country}.",
        "replaced": f"Phones in {country} will show another sender.",
    }[rule.verdict]
    return f"{said} {rule.note}".rstrip()
