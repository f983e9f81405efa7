"""What may stand in the sender field, which of an account's senders a message takes, and whether it may go with it to
the country that it is for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from whimbrel.domain.model import Sender
from whimbrel.domain.notices import says
from whimbrel.domain.numbers import line_type, normalise
from whimbrel.domain.registrations import Approval
from whimbrel.domain.sender_fitness import ANY_SENDER, Fitness, Notice, SenderLaw, bar
from whimbrel.domain.sender_rules import SenderKind

_ALWAYS: Final = 1 << 62  # microseconds: later than everything

# TS 23.040 9.1.2.5: eleven septets fit the address field. The characters are those that carriers agree on.
_NAME = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 .&_-]{1,11}").fullmatch
_SHORT_CODE = re.compile(r"[0-9]{3,8}").fullmatch


def kind_of(value: str) -> SenderKind | None:
    """What kind of sender this is; None when it is none. Numbers are E.164 with plus; names have at least one letter
    and neither begin nor end with a space; line breaks and NUL are refused everywhere."""
    if value.startswith("+"):
        number = normalise(value)
        if number is None:
            return None
        return "toll_free" if line_type(number) == "toll_free" else "long_code"
    if _SHORT_CODE(value):
        return "short_code"
    return "alphanumeric" if _NAME(value) and value == value.strip() else None


class SenderBook:
    """The senders of one account, ready to be asked for every message. Built anew when one changes. `law`: what holds
    in countries, `approvals`: of registrations that have been approved, by the ids of their senders. `noticing`:
    countries where texts may have to say something."""

    __slots__ = (
        "_approvals",
        "_by_country",
        "_by_value",
        "_default",
        "_fits",
        "_fits_until",
        "_law",
        "_notices",
        "barred",
        "noticing",
    )

    def __init__(
        self,
        senders: Iterable[Sender],
        law: SenderLaw = ANY_SENDER,
        approvals: Mapping[str, Sequence[Approval]] | None = None,
    ) -> None:
        self._law = law
        self._approvals = approvals or {}
        self._fits: dict[tuple[str, str, bool], Fitness | None] = {}  # at most twice senders times countries
        self._notices: dict[tuple[str, str, bool], Notice | None] = {}
        self.noticing = law.noticing
        self._fits_until = 0 if law.has_rules else _ALWAYS
        ordered = sorted(senders, key=lambda sender: sender.id)
        self._by_value = {sender.value: sender for sender in ordered}
        self.barred = frozenset(sender.value for sender in ordered if bar(sender))  # nothing is sent from these
        self._by_country: dict[str, Sender] = {}
        self._default: Sender | None = None
        for sender in ordered:
            if not sender.is_default:
                continue
            for country in sender.countries:
                self._by_country.setdefault(country, sender)
            if not sender.countries and self._default is None:
                self._default = sender

    def choose(self, wanted: str | None, country: str) -> Sender | str:
        """The sender for a message to `country`, or the code of the refusal: the one wanted if it is the account's
        (`sender_not_allowed`, `invalid_sender`), else the default for the country, else the default for all
        (`no_sender`). Of several defaults the oldest."""
        if wanted is None:
            return self._by_country.get(country) or self._default or "no_sender"
        return self._by_value.get(wanted) or self._written_otherwise(wanted)

    def find(self, value: str) -> Sender | None:
        """The account's sender that stands so on a message; None when it has it no more."""
        return self._by_value.get(value)

    def fit(self, sender: Sender, country: str, now: int, *, marketing: bool = False) -> Fitness | None:
        """What is to be said of a message with this sender to a country; None: nothing. `now`: UTC microseconds, which
        must not go back."""
        if now >= self._fits_until:
            self._renew(now)
        key = (sender.id, country, marketing)
        try:
            return self._fits[key]
        except KeyError:
            approvals = self._approvals.get(sender.id, ())
            found = self._law.fitness(sender, country, now, approvals, marketing=marketing)
            self._fits[key] = found
            return found

    def unsaid(self, sender: Sender, country: str, text: str, now: int, *, marketing: bool = False) -> Fitness | None:
        """What is to be said of a text that does not say what it has to; None: nothing. Asked after `fit`, where the
        country is one of `noticing`."""
        key = (sender.id, country, marketing)
        if key not in self._notices:
            self._notices[key] = self._law.notice(sender, country, now, marketing=marketing)
        notice = self._notices[key]
        return None if notice is None or says(text, notice.words) else notice.missing

    def _renew(self, now: int) -> None:
        """A rule begins or ends, or a registration is over."""
        self._fits.clear()
        self._notices.clear()
        ends = (each.until for own in self._approvals.values() for each in own if each.until and each.until > now)
        self._fits_until = min(self._law.next_change(now), min(ends, default=_ALWAYS))

    def _written_otherwise(self, wanted: str) -> Sender | str:
        """A number with punctuation is still the same number."""
        number = normalise(wanted)
        if number is not None:
            return self._by_value.get(number.e164, "sender_not_allowed")
        return "sender_not_allowed" if kind_of(wanted) else "invalid_sender"
