"""Whom a code is for: a phone's number, or an address of mail."""

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.log import mask_number
from whimbrel.base.vault import Vault
from whimbrel.domain import verify as rules
from whimbrel.domain.addresses import is_address, mask_address, normal_address
from whimbrel.domain.numbers import Number, normalise


class Recipient(msgspec.Struct, frozen=True):
    """`number` None: it is an address. `country` and `prefix` are empty then."""

    value: str  # as it is written to
    number: Number | None
    country: str = ""
    prefix: str = ""

    def hashed(self, vault: Vault) -> int:
        """What it is counted and found by. Capitals make no other mailbox, as people use them."""
        return vault.number_hash(self.value.lower())


def recipient_of(to: str) -> Recipient:
    """Who is meant. WhimbrelError: invalid_number, invalid_request for an address that is none."""
    found = known_recipient(to)
    if found is not None:
        return found
    if is_address(to):
        raise WhimbrelError("invalid_request", errors=[FieldError("/to", "is no address that mail can be sent to")])
    raise WhimbrelError("invalid_number", errors=[FieldError("/to", "is no valid number", "invalid_number")])


def known_recipient(to: str) -> Recipient | None:
    """The same; None where it is neither."""
    if is_address(to):
        address = normal_address(to)
        return None if address is None else Recipient(address, None)
    number = normalise(to)
    return None if number is None else Recipient(number.e164, number, number.country, rules.prefix_of(number.digits))


def masked(recipient: str) -> str:
    """Enough of it to be recognised."""
    return mask_address(recipient) if is_address(recipient) else mask_number(recipient)
