"""What people say about consent: STOP, START and HELP in English, and the one text that confirms them.

Only a whole message counts: "please stop by at six" is an answer. Suppressing is `screen`'s work; here is only what
the words mean. Keywords: 47 CFR 64.1200(a)(10) (stop, quit, end, revoke, opt out, cancel, unsubscribe), CTIA, and the
defaults of Twilio and AWS.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from whimbrel.codec import gsm7, segments

Keyword = Literal["stop", "start", "help"]

_STOP: Final = (
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
    "opt out",
    "remove",
)
_YES: Final = "yes"
_START: Final = ("start", "unstop", _YES)
_HELP: Final = ("help", "info")

KEYWORDS: Final[Mapping[str, Keyword]] = MappingProxyType(
    {
        **dict.fromkeys(_STOP, "stop"),
        **dict.fromkeys(_START, "start"),
        **dict.fromkeys(_HELP, "help"),
    }
)
"""Keywords as `_plain` leaves them."""

_LONGEST: Final = 160  # a keyword with more than this around it is not a whole message


def keyword(text: str) -> Keyword | None:
    """The meaning of a text that is nothing but a keyword: case, punctuation, emoji and spaces do not count."""
    return KEYWORDS.get(_plain(text))


def heard(text: str, encoding: str, *, is_addressed: bool) -> Keyword | None:
    """The keyword in a text as it is stored. Some carriers bring texts as 8-bit data, and nobody may miss a STOP; what
    a header addresses to a program is none."""
    if encoding != "binary":
        return keyword(text)
    return None if is_addressed else keyword(bytes.fromhex(text[:_LONGEST]).decode("latin-1"))


def is_yes(text: str) -> bool:
    """YES opts in only a number that is opted out; from any other it is an ordinary answer."""
    return _plain(text) == _YES


def _plain(text: str) -> str:
    if len(text) > _LONGEST:
        return ""
    kept = (_plain_character(character) for character in unicodedata.normalize("NFKC", text))
    return " ".join("".join(kept).casefold().split())


def _plain_character(character: str) -> str:
    """Letters and digits stay, spaces become one kind; punctuation, symbols and what only joins or colours emoji go."""
    category = unicodedata.category(character)
    if category[0] in "LN":
        return character
    return " " if category[0] == "Z" or character in "\t\r\n" else ""


_CONFIRMATIONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "stop": (
            "{name}: you are opted out and will get no more texts from us. Reply START to opt in again.",
            "{name}: opted out. START to opt in.",
        ),
        "start": (
            "{name}: you are opted in again. Reply HELP for help, STOP to opt out.",
            "{name}: opted in. STOP to opt out.",
        ),
        "help": (
            "{name}: reply STOP to opt out, START to opt in. Msg & data rates may apply.",
            "{name}: STOP to opt out.",
        ),
    }
)
"""Two lengths of each: for names that GSM-7 can write (160 characters), and for the others (70). No marketing in them:
47 CFR 64.1200(a)(12)."""


def confirmation(kind: str, name: str) -> str:
    """The text that confirms a keyword (`Keyword`) in the name of an account: one segment, the name cut to fit."""
    long, short = _CONFIRMATIONS[kind]
    name = " ".join(name.split())
    form = long if gsm7.try_encode(name) is not None else short
    while segments.measure(form.format(name=name)).segments > 1:
        name = name[:-1]
    return form.format(name=name)
