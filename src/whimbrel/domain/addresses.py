"""Addresses of mail that people give as their own."""

import re
from typing import Final

_LOCAL: Final = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_LONGEST: Final = 254  # RFC 5321 4.5.3.1.3, less the angle brackets


def is_address(text: str) -> bool:
    """Whether it is meant for one: no number has an at sign."""
    return "@" in text


def normal_address(text: str) -> str | None:
    """The address as mail is sent to it: its domain in small letters, and in ASCII where it has others (IDNA, RFC
    3490). None for what is none, and for those that few servers take: quoted local parts, letters beyond ASCII before
    the at sign (RFC 6531), domains without a dot or in brackets."""
    local, _, domain = text.strip().rpartition("@")
    if len(domain) > _LONGEST or not _LOCAL.fullmatch(local):
        return None
    try:
        ascii_domain = domain.lower().encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    address = f"{local}@{ascii_domain}"
    return address if len(address) <= _LONGEST and _DOMAIN.fullmatch(ascii_domain) else None


def mask_address(address: str) -> str:
    """ada@example.com -> a•••@example.com: enough to recognise."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
