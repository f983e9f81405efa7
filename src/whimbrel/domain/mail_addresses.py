"""Addresses of mail: those that stand for a phone number at our domain, and those of people who write to them.

NUMBER@DOMAIN is a phone; NUMBER+TAG@DOMAIN is the same phone by way of one mailbox, whoever else takes mail of the same
writer (RFC 5233 has the plus). NUMBER is international, with or without its own plus or 00.
"""

import re
from typing import Final

import msgspec

from whimbrel.domain import numbers

_LOCAL: Final = re.compile(r"(?:\+|00)?(?P<digits>[1-9][0-9]{4,18})(?:\+(?P<tag>[a-z0-9]{1,32}))?")
_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}"  # RFC 5321 4.5.3.1.1
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})+"
_BARE: Final = re.compile(rf"{_ATEXT}@{_HOST}")
_DOMAIN: Final = re.compile(rf"@{_HOST}")
_NAMED: Final = re.compile(rf'(?:"(?:[^"\\]|\\.)*"|[^"<>,;@])*<(?P<address>{_ATEXT}@{_HOST})>')
_FIELD_MAX: Final = 2000
_ADDRESS_MAX: Final = 254  # RFC 5321 4.5.3.1.3, less the angle brackets


class Target(msgspec.Struct, frozen=True):
    """A phone that is written to. `number` in E.164 with its plus; `tag` is empty where no mailbox is named."""

    number: str
    tag: str = ""


def target_of(local: str) -> Target | None:
    """The phone that the part before the at sign means; None when it is no valid number."""
    found = _LOCAL.fullmatch(local.lower())
    number = numbers.normalise(f"+{found['digits']}") if found else None
    return Target(number.e164, found["tag"] or "") if found and number else None


def address_of(target: Target, domain: str) -> str:
    """The address of a phone."""
    return f"{target.number}{f'+{target.tag}' if target.tag else ''}@{domain}"


def only_address(field: str) -> str | None:
    """The one address of a From or Reply-To field (RFC 5322 3.6.2) in lower case, or None: of two nobody knows whose
    the mail is. Nothing in it has been decoded yet, so that no encoded word can bring an address."""
    text = " ".join(field.split())
    if len(text) > _FIELD_MAX:
        return None
    named = _NAMED.fullmatch(text)
    address = named["address"] if named else text
    return address.lower() if len(address) <= _ADDRESS_MAX and _BARE.fullmatch(address) else None


def domain_of(address: str) -> str:
    """What stands after the at sign."""
    return address.rpartition("@")[2]


def is_allowance(text: str) -> bool:
    """Whether a mailbox may list it: an address, or `@` and a domain for everybody there."""
    return len(text) <= _ADDRESS_MAX and (_BARE.fullmatch(text) or _DOMAIN.fullmatch(text)) is not None


def allowances_of(address: str) -> tuple[str, str]:
    """What a list may hold for it: itself, or everybody of its domain."""
    return address, f"@{domain_of(address)}"
