"""What a phone's screen shows: what came and what was sent as one thread, grouped by who it was with, with a flash text
above it. Pure: who may see which text is decided before.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import msgspec

from whimbrel.base import moments
from whimbrel.edges.console.simulator import Said, Seen, State, Text

FLASH_KEPT_US: Final = 600_000_000  # a flash text that nobody took away is gone after this
_FRESH_US: Final = 3_000_000
_SHORT_CODE_MAX: Final = 8  # digits
_EMOJI_ALONE: Final = 3  # so few without other text are shown large, as phones do
_JOINERS: Final = frozenset("\u200d\ufe0f\ufe0e\u20e3")


class Entry(msgspec.Struct, frozen=True):
    """A text on the screen. `peer`: who sent it, or to whom the phone did; `at`: RFC 3339."""

    id: str
    mine: bool
    peer: str
    text: str
    at: str
    parts: int = 1
    large: bool = False
    fresh: bool = False


class Talk(msgspec.Struct, frozen=True):
    """Texts with the same peer that follow each other."""

    peer: str
    entries: tuple[Entry, ...]


class Screen(msgspec.Struct, frozen=True):
    """One phone. `peers`: whom it can answer, the latest first; `digits` names it in addresses and ids."""

    number: str
    digits: str
    state: State
    talks: tuple[Talk, ...]
    flash: Entry | None
    peers: tuple[str, ...]
    is_empty: bool


def screen(seen: Seen, texts: Sequence[Text], own: Iterable[str], now_us: int) -> Screen:
    """The screen of a phone of which these texts may be seen; `own` are the numbers that it may text, whoever texted
    it before."""
    kept = [text for text in texts if not text.flash]
    senders = {text.source for text in texts}
    said = [text for text in seen.sent if text.to in senders or text.to in set(own)]
    entries = sorted([*(_came(text, now_us) for text in kept), *(_said(text, now_us) for text in said)], key=_moment)
    talks = tuple(Talk(peer, tuple(group)) for peer, group in groupby(entries, key=_peer))
    latest = dict.fromkeys(each.source for each in reversed(texts) if each.source.isdigit())
    return Screen(
        number=f"+{seen.phone.number}",
        digits=seen.phone.number,
        state=seen.phone,
        talks=talks,
        flash=_flash(texts, now_us),
        peers=tuple(dict.fromkeys([*latest, *own])),
        is_empty=not texts and not said,
    )


def peer_name(peer: str) -> str:
    """A sender as people write it: numbers with a plus, names and short codes as they are."""
    return f"+{peer}" if peer.isdigit() and len(peer) > _SHORT_CODE_MAX else peer


def is_emoji_alone(text: str) -> bool:
    """Whether a text is one to three emoji and nothing else."""
    bare = "".join(text.split())
    if not bare or len(bare) > 8 * _EMOJI_ALONE or not all(_is_of_emoji(character) for character in bare):
        return False
    count = 0
    is_joined = False
    for character in bare:
        is_base = character not in _JOINERS and unicodedata.category(character) != "Sk"
        count += is_base and not is_joined
        is_joined = character == "\u200d"
    return 0 < count <= _EMOJI_ALONE


def _is_of_emoji(character: str) -> bool:
    """Pictures beyond the letters, the older symbols, and what joins and colours them."""
    return character in _JOINERS or ord(character) >= 0x1F000 or 0x2600 <= ord(character) <= 0x27BF


def _flash(texts: Sequence[Text], now_us: int) -> Entry | None:
    """A flash text stands there until the next text comes."""
    if not texts or not texts[-1].flash or now_us - texts[-1].at_us > FLASH_KEPT_US:
        return None
    return _came(texts[-1], now_us)


def _came(text: Text, now_us: int) -> Entry:
    return Entry(
        id=text.message_ids[0] if text.message_ids else str(text.at_us),
        mine=False,
        peer=text.source,
        text=text.text,
        at=moments.to_text(text.at_us),
        parts=text.parts,
        large=is_emoji_alone(text.text),
        fresh=now_us - text.at_us < _FRESH_US,
    )


def _said(text: Said, now_us: int) -> Entry:
    return Entry(
        id=text.id,
        mine=True,
        peer=text.to,
        text=text.text,
        at=moments.to_text(text.at_us),
        large=is_emoji_alone(text.text),
        fresh=now_us - text.at_us < _FRESH_US,
    )


def _moment(entry: Entry) -> str:
    return entry.at


def _peer(entry: Entry) -> str:
    return entry.peer
