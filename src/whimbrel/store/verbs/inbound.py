"""record_inbound: texts from phones, in one commit with what they do. A part waits for the others; a whole text becomes
a message with its event; what keywords change is in `keywords.py`.

A carrier that did not hear our acknowledgement brings the same octets again on its next connection: that is a
repetition. On the same connection they are a second text, because people do answer "ok" twice. A part is recognised
on any connection, because nobody sends the same part of the same reference twice, and so is what the carrier gives an
id. What one phone sends is recorded by
one node at a time, whichever connections it comes by.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from whimbrel.codec.segments import UCS2_DATA_CODING
from whimbrel.domain import consent, joining
from whimbrel.domain.joining import Joined, Piece
from whimbrel.domain.model import Encoding, Flag, Message, Options
from whimbrel.domain.states import RECEIVED, event_type
from whimbrel.domain.wire import Wire
from whimbrel.store.interface import InboundRow
from whimbrel.store.script import Many, Query, Row, Rows, Script
from whimbrel.store.verbs.events import NO_DATA, Subject, event_data
from whimbrel.store.verbs.events import row as event_row
from whimbrel.store.verbs.keywords import Said, hear, said

STORED: Final = "stored"
WAITING: Final = "waiting"
REPEATED: Final = "repeated"
NOBODY: Final = "nobody"

_REDELIVERY_US: Final = 600_000_000
_REDELIVERY_BY_ID_US: Final = 24 * 3_600_000_000  # providers over HTTP call again for as long as a day
_KEYWORD_FLAGS: Final = {
    "stop": Flag.KEYWORD_STOP,
    "start": Flag.KEYWORD_START,
    "help": Flag.KEYWORD_HELP,
    "join": Flag.KEYWORD_JOIN,
}

_ENCODINGS: Final[dict[str, Encoding]] = {"ucs2": "ucs2", "binary": "binary"}

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(InboundRow).decode
_as_row = msgspec.structs.astuple

_SetKey = tuple[str, int, int, int, int]


class _Text(msgspec.Struct, frozen=True, gc=False):
    """A whole text and the row that made it whole."""

    row: InboundRow
    joined: Joined
    wire: Wire | None = None


def record_inbound(rows: Sequence[InboundRow]) -> Script[list[str]]:
    """`stored`, `waiting`, `repeated` or `nobody` for each, in order."""
    owned = [row for row in rows if row.account_id is not None]
    if not owned:
        return [NOBODY] * len(rows)
    yield Query("inbound_alone", ([*{row.source_hash for row in owned}],))
    seen = yield from _load_seen(owned)
    parts = yield from _load_parts([row for row in owned if joining.belongs(row.total, row.number)])
    results: list[str] = []
    for row in rows:
        if row.account_id is None:
            results.append(NOBODY)
        elif seen.has(row):
            results.append(REPEATED)
        else:
            results.append(parts.place(row))
    yield from seen.flush()
    yield from parts.flush()
    yield from _store(parts.texts)
    return results


def flush_parts(now: int) -> Script[int]:
    """Deliver what waits for parts that did not come in time, as it is; how many texts."""
    overdue: Rows = yield Query("inbound_parts_overdue", (now - joining.PART_WAIT_US,))
    if not overdue:
        return 0
    yield Query("inbound_alone", ([*{_decode(columns[0]).source_hash for columns in overdue}],))
    waiting: Rows = yield Query("inbound_parts_overdue", (now - joining.PART_WAIT_US,))
    parts = _Parts(_decode(columns[0]) for columns in waiting)
    parts.give_up()
    yield from parts.flush()
    yield from _store(parts.texts)
    return len(parts.texts)


class _Seen:
    """What came lately, by carrier and fingerprint, and what the list adds."""

    def __init__(self, latest: dict[tuple[str, int], tuple[str, int]], ids: set[str]) -> None:
        self._latest = latest
        self._ids = ids
        self._added: list[Row] = []

    def has(self, row: InboundRow) -> bool:
        """Whether the row is a repetition; remembers it."""
        key = (row.carrier_id, row.fingerprint)
        session, at = self._latest.get(key, ("", 0))
        is_known = at > 0 and row.at - at <= _redelivery_us(row)
        is_repeated = row.message_id in self._ids or (
            is_known and (row.has_id or session != row.session or joining.belongs(row.total, row.number))
        )
        self._latest[key] = (row.session, row.at)
        self._ids.add(row.message_id)
        self._added.append((row.carrier_id, row.fingerprint, row.session, row.at))
        return is_repeated

    def flush(self) -> Script[None]:
        """Remember the list."""
        yield Many("inbound_seen_insert", self._added)


class _Parts:
    """Sets of parts that wait, and the texts that became whole."""

    def __init__(self, rows: Iterable[InboundRow]) -> None:
        self._sets: dict[_SetKey, dict[int, InboundRow]] = defaultdict(dict)
        self._stored: set[_SetKey] = set()
        self._changed: set[_SetKey] = set()
        self.texts: list[_Text] = []
        for waiting in rows:
            self._sets[_set_key(waiting)][waiting.number] = waiting
            self._stored.add(_set_key(waiting))

    def place(self, row: InboundRow) -> str:
        """What the row is: a whole text, the last part of one, or a part that waits."""
        if not joining.belongs(row.total, row.number):
            self.texts.append(_Text(row, joining.join([_piece(row)], 1), row.wire))
            return STORED
        key = _set_key(row)
        others = {number: _piece(other) for number, other in self._sets[key].items()}
        verdict = joining.placed(others, _piece(row), row.total)
        if verdict == "repeated":
            return REPEATED
        self._changed.add(key)
        if verdict == "anew":
            self._complete(key, max(self._sets[key].values(), key=_arrival))
        self._sets[key][row.number] = row
        if verdict != "complete":
            return WAITING
        self._complete(key, row)
        return STORED

    def give_up(self) -> None:
        """Deliver every set as it is."""
        for key, rows in sorted(self._sets.items(), key=lambda item: min(map(_arrival, item[1].values()))):
            self._changed.add(key)
            self._complete(key, max(rows.values(), key=_arrival))

    def _complete(self, key: _SetKey, last: InboundRow) -> None:
        rows = self._sets.pop(key)
        first = next((rows[number].wire for number in sorted(rows) if rows[number].wire), None)
        self.texts.append(_Text(last, joining.join(map(_piece, rows.values()), last.total), first))

    def flush(self) -> Script[None]:
        """Write the sets that changed anew, and drop those that became texts."""
        gone = [key for key in self._changed if key in self._stored]
        left = [(key, row) for key in self._changed for row in self._sets.get(key, {}).values()]
        if gone:
            yield Many("inbound_parts_drop", gone)
        if left:
            yield Many("inbound_part_insert", [(*key, row.number, _encode(row).decode(), row.at) for key, row in left])


def _load_seen(rows: Sequence[InboundRow]) -> Script[_Seen]:
    since = min(row.at - _redelivery_us(row) for row in rows)
    carriers = [*{row.carrier_id for row in rows}]
    found: Rows = yield Query("inbound_seen_since", (carriers, [row.fingerprint for row in rows], since))
    taken: Rows = yield Query("messages_existing", ([row.message_id for row in rows],))
    return _Seen(
        {(carrier, print_): (session, at) for carrier, print_, session, at in found}, {row[0] for row in taken}
    )


def _redelivery_us(row: InboundRow) -> int:
    return _REDELIVERY_BY_ID_US if row.has_id else _REDELIVERY_US


def _load_parts(rows: Sequence[InboundRow]) -> Script[_Parts]:
    sources: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        sources[row.carrier_id].add(row.source_hash)
    found: Rows = []
    for carrier_id, hashes in sources.items():
        found += yield Query("inbound_parts_from", (carrier_id, [*hashes]))
    return _Parts(_decode(columns[0]) for columns in found)


def _store(texts: Sequence[_Text]) -> Script[None]:
    """Whole texts become messages; the opt-outs that they cause stand in the same commit."""
    if not texts:
        return
    told, keywords = yield from hear([_said(text) for text in texts])
    messages = [_message(text, word) for text, word in zip(texts, told, strict=True)]
    yield Many("message_insert", [_as_row(message) for message in messages])
    uses = [use for text in texts for use in _uses(text.row)]
    if uses:
        yield Many("message_media_insert", uses)
    yield Many("event_insert", [_received(message, word) for message, word in zip(messages, told, strict=True)])
    if keywords is not None:
        yield from keywords.flush()


def _uses(row: InboundRow) -> list[Row]:
    """Which media the message has."""
    return [(row.message_id, place, media_id, row.account_id) for place, (media_id, _) in enumerate(row.media)]


def _options(text: _Text) -> str:
    media = text.row.media
    if not media and not text.wire:
        return "{}"
    ids, types = tuple(each for each, _ in media), tuple(each for _, each in media)
    return _encode(Options(wire=text.wire, media=ids, media_types=types)).decode()


def _said(text: _Text) -> Said:
    is_addressed = text.wire is not None and text.wire.header != ""
    return said(text.row, text.joined.text, text.joined.encoding, is_addressed=is_addressed)


def _message(text: _Text, word: consent.Heard | None) -> Message:
    row, joined = text.row, text.joined
    flags = _KEYWORD_FLAGS[word.word] | (Flag.KEYWORD_GUESSED if word.is_guess else 0) if word else 0
    return Message(
        id=row.message_id,
        account_id=row.account_id or "",
        test=row.test,
        direction="in",
        door="carrier",
        message_class="transactional",
        state=RECEIVED,
        recipient=row.destination,
        sender=row.source,
        text="\n".join(filter(None, [joined.text, *row.links])) if row.links else joined.text,
        encoding=_ENCODINGS.get(joined.encoding, "gsm7"),
        segments=joined.segments,
        price_micros=0,
        held_micros=0,
        charged_micros=0,
        currency="",
        carrier_id=row.carrier_id,
        route_id=None,
        candidates="",
        priority=0,
        rank=0,
        created_at=row.at,
        due_at=row.at,
        expires_at=row.at,
        updated_at=row.at,
        sent_at=None,
        final_at=row.at,
        reason=None,
        flags=flags | (Flag.PARTIAL if joined.partial else 0) | (Flag.WIRE if text.wire else 0),
        seq=1,
        recipient_hash=row.destination_hash,
        sender_hash=row.source_hash,
        options=_options(text),
    )


def _received(message: Message, word: consent.Heard | None) -> Row:
    """The first event. It is shown to whoever calls back: the number that was written to may have a URL of its own."""
    subject = Subject(message.id, message.account_id, int(message.test), 0, message.flags | Flag.CALLBACK)
    data = event_data(keyword=word.word, level=word.level if word.is_guess else None) if word else NO_DATA
    return event_row(subject, event_type(RECEIVED), message.created_at, data)


def _set_key(row: InboundRow) -> _SetKey:
    return (row.carrier_id, row.source_hash, row.destination_hash, row.reference, row.total)


def _piece(row: InboundRow) -> Piece:
    if row.octets is None:  # a part that waited while 0.1.0 was replaced
        return Piece(row.number, row.text.encode("utf-16-be"), UCS2_DATA_CODING, row.encoding, row.at)
    return Piece(row.number, row.octets, row.data_coding, row.encoding, row.at)


def _arrival(row: InboundRow) -> tuple[int, str]:
    return (row.at, row.message_id)
