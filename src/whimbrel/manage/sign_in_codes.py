"""Codes that sign in without a password: a link that works once (an invitation, quickstart's first sign-in), and
recovery codes in place of a lost second factor. Only the SHA-256 is kept: they have so many random bits that nobody
guesses one.
"""

import hashlib
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US, Chance
from whimbrel.domain.people import CodePurpose
from whimbrel.manage.context import Context
from whimbrel.store.interface import Write

RECOVERY_CODES: Final = 10
_FOREVER_US: Final = 2**62
_LINK_OCTETS: Final = 24  # 192 bits
_RECOVERY_DRAWN: Final = 16  # octets: many more than the digits need, so that each is as likely as any other
_RECOVERY_DIGITS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP = 4, 4


class Link(msgspec.Struct, frozen=True):
    """A code that was just made; `expires_at` in UTC microseconds."""

    text: str
    expires_at: int


def link(ctx: Context, user_id: str, seconds: int) -> tuple[Link, list[Write]]:
    """A code for a link that signs in once, and the writes that keep it; earlier ones of the person end."""
    code = Link(ctx.chance.octets(_LINK_OCTETS).hex(), ctx.clock.now_us() + seconds * SECOND_US)
    kept = (digest(code.text), user_id, "link", code.expires_at)
    return code, [
        Write("sign_in_codes_delete", ((user_id, "link"),)),
        Write("sign_in_code_insert", (kept,)),
    ]


def recovery(chance: Chance, user_id: str) -> tuple[tuple[str, ...], list[Write]]:
    """Ten recovery codes, and the writes that keep them in place of earlier ones."""
    codes = tuple(_recovery_code(chance) for _ in range(RECOVERY_CODES))
    rows = tuple((digest(code), user_id, "recovery", _FOREVER_US) for code in codes)
    return codes, [Write("sign_in_codes_delete", ((user_id, "recovery"),)), Write("sign_in_code_insert", rows)]


async def take(ctx: Context, text: str, purpose: CodePurpose) -> str | None:
    """Use a code up: the id of whom it is for; None when it is none, was used, or is over."""
    kept, now = digest(_plain(text) if purpose == "recovery" else text), ctx.clock.now_us()
    owners = await ctx.store.fetch(str, "sign_in_code_by_digest", kept, purpose, now)
    if not owners:
        return None
    (used,) = await ctx.store.write([Write("sign_in_code_use", ((kept, now),))])
    return owners[0] if used else None


def digest(text: str) -> bytes:
    """What a code is looked up by."""
    return hashlib.sha256(text.encode()).digest()


def _recovery_code(chance: Chance) -> str:
    number = int.from_bytes(chance.octets(_RECOVERY_DRAWN), "big")
    digits = []
    for _ in range(_GROUPS * _GROUP):
        number, digit = divmod(number, len(_RECOVERY_DIGITS))
        digits.append(_RECOVERY_DIGITS[digit])
    text = "".join(digits)
    return "-".join(text[place : place + _GROUP] for place in range(0, len(text), _GROUP))


def _plain(text: str) -> str:
    """A recovery code as it was made, however it was typed."""
    letters = "".join(text.split()).replace("-", "").lower()
    return "-".join(letters[place : place + _GROUP] for place in range(0, len(letters), _GROUP))
