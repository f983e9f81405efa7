"""Passwords of SMPP credentials: how they are made, what is stored of them, how they are verified. Those of people cost
more (`people_passwords.py`).

Stored is argon2id (RFC 9106) with one pass over 8 MiB: 4 ms and little memory, because after a restart 1,000 customers
bind at once and each first bind verifies. That is less than people's passwords get, and enough: a password that is made
here has 46 random bits, centuries of cores at 4 ms a guess, and whoever guesses online meets the lock-out first.
"""

from typing import Final

import msgspec
from argon2.exceptions import VerificationError
from argon2.low_level import Type, hash_secret, verify_secret

from whimbrel.base.clock import Chance

LENGTH: Final = 8  # SMPP 3.4 4.1.1: 9 octets with the NUL, and many clients send no more
_DIGITS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"  # without those that look like others
_SALT_OCTETS: Final = 16
_DRAWN_OCTETS: Final = 16  # so many more than the digits need that each digit is as likely as any other

NOBODY: Final = "$argon2id$v=19$m=8192,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"
"""What no password matches, at the cost of one that might: for names that nobody has."""


def make(chance: Chance) -> str:
    """A new password of eight letters and digits."""
    number = int.from_bytes(chance.octets(_DRAWN_OCTETS), "big")
    digits: list[str] = []
    for _ in range(LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)


class Cost(msgspec.Struct, frozen=True):
    """What a guess costs (RFC 9106 3.1): passes over so much memory, in so many lanes; and how long the hash is."""

    passes: int
    memory_kib: int
    lanes: int
    octets: int


OF_CUSTOMERS: Final = Cost(passes=1, memory_kib=8 * 1024, lanes=1, octets=16)


def stored(password: str, chance: Chance, cost: Cost = OF_CUSTOMERS) -> str:
    """What is kept of a password, in argon2's own encoding. Takes some milliseconds: not for the event loop."""
    return hash_secret(
        password.encode(),
        chance.octets(_SALT_OCTETS),
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=cost.octets,
        type=Type.ID,
    ).decode()


def matches(password: str, kept: str) -> bool:
    """Whether `kept` is of this password. Takes some milliseconds: not for the event loop."""
    try:
        return verify_secret(kept.encode(), password.encode(), Type.ID)
    except VerificationError:
        return False
