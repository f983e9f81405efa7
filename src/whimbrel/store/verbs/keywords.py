"""What keywords change, in the commit that stores their texts: a STOP opts out and revokes what was consented to, a
START lifts that, a YES answers a request for consent, and a word of the account's own agrees. The ledger gets a
record of each consent that was granted or revoked, with the inbound message as its proof.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from whimbrel.domain import consent
from whimbrel.domain.consent import Heard
from whimbrel.domain.consent_books import Hearing
from whimbrel.domain.permission import EVERYTHING, MARKETING
from whimbrel.store.script import Many, Query, Row, Rows, Script
from whimbrel.store.values import InboundRow
from whimbrel.store.verbs.events import Subject, event_data
from whimbrel.store.verbs.events import row as event_row

EVERY_PURPOSE: Final = "*"
PHONE: Final = "phone"
"""Who wrote down what somebody said by text."""
_FIRST_SEQ: Final = 0
_DELETED_SEQ: Final = 1  # events of an opt-out: 1 its creation, 2 its deletion
_RANDOM_FROM: Final = 16  # bits of an id that are kept for numbers of events
_PLAIN: Final = Hearing()

_Person = tuple[str, int]
_encode = msgspec.json.Encoder().encode


class Said(msgspec.Struct, frozen=True, gc=False):
    """A whole text of a phone, and what its words mean by themselves. `agrees`: the language of a YES."""

    row: InboundRow
    text: str
    heard: Heard | None
    agrees: str | None

    @property
    def matters(self) -> bool:
        """Whether the store has to be asked what it changes."""
        return self.heard is not None or self.agrees is not None

    @property
    def hearing(self) -> Hearing:
        """How the account hears it; parts that waited for an upgrade say nothing of that."""
        return self.row.hearing or _PLAIN

    @property
    def person(self) -> _Person:
        """The account and the number."""
        return self.row.account_id or "", self.row.source_hash

    @property
    def keys(self) -> list[int]:
        """What opt-outs are stored under that a text to this number may concern."""
        hearing = self.hearing
        return [self.row.source_hash ^ each for each in (0, hearing.scope_hash, *hearing.lifts)]


class Pending(msgspec.Struct, frozen=True, gc=False):
    """A request that waits for its answer. Columns of `consent_requests_pending`."""

    id: str
    account_id: str
    number_hash: int
    purpose: str
    sender: str
    wording: str
    proof: str
    expires_at: int


class _What(msgspec.Struct, frozen=True, gc=False):
    """What a record says beside who and when."""

    purpose: str
    source: str = "keyword"
    wording: str = ""
    proof: dict[str, Any] = {}


def said(row: InboundRow, text: str, encoding: str, *, is_addressed: bool) -> Said:
    """What a text says, before anybody looks at who said it."""
    own = row.hearing.words if row.hearing is not None else ()
    found = consent.heard(text, encoding, is_addressed=is_addressed, own=own)
    is_open = (found is None or found.word == "start") and encoding != "binary"
    return Said(row, text, found, consent.agreement(text) if is_open else None)


def hear(texts: Sequence[Said]) -> Script[tuple[list[Heard | None], "Keywords | None"]]:
    """Each keyword as it counts for its number, and what is to be written when the messages are."""
    spoken = [each for each in texts if each.matters]
    if not spoken:
        return [None] * len(texts), None
    keywords = yield from _load(spoken)
    return [keywords.hear(each) if each.matters else None for each in texts], keywords


class Keywords:
    """What stands for those who spoke, and how their texts change it."""

    def __init__(self, stops: Rows, granted: Rows, pending: Rows, revoked: Rows) -> None:
        self._stops: dict[_Person, str] = {(account, key): id_ for account, key, id_ in stops}
        self._granted: defaultdict[_Person, set[str]] = defaultdict(set)
        for account, number_hash, purpose in granted:
            self._granted[account, number_hash].add(purpose)
        self._pending: defaultdict[_Person, list[Pending]] = defaultdict(list)
        for each in (Pending(*columns) for columns in pending):
            self._pending[each.account_id, each.number_hash].append(each)
        self._revoked = {
            (account, number_hash): _purposes(proof)
            for account, number_hash, source, proof in revoked
            if source == "keyword"
        }
        self._writes: list[tuple[str, Row]] = []
        self._events: list[Row] = []

    def hear(self, text: Said) -> Heard | None:
        """The keyword as it counts for this number; it takes effect."""
        found = text.heard
        if found is None:
            return Heard("start", "whole", text.agrees or "en") if self._answer(text) else None
        if found.word == "stop":
            self._stop(text, found)
        elif found.word == "start":
            return found if self._start(text) else None
        elif found.word == "join":
            self._lift(text)
            self._join(text, found)
        return found

    def _stop(self, text: Said, found: Heard) -> None:
        row, (account, number_hash) = text.row, text.person
        scopes = text.hearing.stopped(everything=found.everything)
        source = "phrase" if found.is_guess else "keyword"
        for place, (scope, scope_hash) in enumerate(scopes):
            key = number_hash ^ scope_hash
            if (account, key) in self._stops or (account, number_hash) in self._stops:
                continue
            id_ = _beside(row.opt_out_id or f"OO{row.message_id[2:]}", place)
            self._stops[account, key] = id_
            narrow = (scope, number_hash) if scope else (None, None)
            stored = (id_, account, key, row.masked, source, row.at, *narrow, row.source)
            self._writes.append(("opt_out_keyword_insert", stored))
            if not scope:
                self._writes.append(("contact_opted_out", (account, row.source, row.at)))
            self._event(row, id_, "opt_out.created", _FIRST_SEQ, source=source, scope=scope or None)
        for pending in self._pending.pop((account, number_hash), ()):
            self._writes.append(("consent_request_answer", (account, pending.id, "declined", row.message_id, row.at)))
        if scopes[0][0] == EVERYTHING:
            self._revoke(text)

    def _start(self, text: Said) -> bool:
        """Whether it means anything: a YES of somebody who has nothing to lift and was asked nothing does not."""
        lifted, lifted_all = self._lift(text)
        answered = self._answer(text)
        if lifted_all and not answered:
            purposes = self._revoked.pop(text.person, ())
            if purposes:
                self._grant(text, purposes, _What(EVERY_PURPOSE))
        return lifted or answered or not consent.is_yes(text.text)

    def _lift(self, text: Said) -> tuple[bool, bool]:
        """Take back what keeps this sender from texting: whether there was something, and whether it held for all."""
        row, (account, number_hash) = text.row, text.person
        lifted = lifted_all = False
        for key in dict.fromkeys(text.keys):
            id_ = self._stops.pop((account, key), None)
            if id_ is None:
                continue
            lifted, lifted_all = True, lifted_all or key == number_hash
            self._writes.append(("opt_out_keyword_delete", (account, key)))
            if key == number_hash:
                self._writes.append(("contact_opted_out", (account, row.source, None)))
            self._event(row, id_, "opt_out.deleted", _DELETED_SEQ, source="keyword")
        return lifted, lifted_all

    def _answer(self, text: Said) -> bool:
        """Whether it answers a request of this number's; consent is granted then."""
        row, person = text.row, text.person
        here = row.destination.lstrip("+")
        asked = [each for each in self._pending.get(person, ()) if each.sender.lstrip("+") == here]
        waiting = next((each for each in asked if each.expires_at >= row.at), None)
        if waiting is None or text.agrees is None:
            return False
        self._pending[person].remove(waiting)
        self._writes.append(("consent_request_answer", (person[0], waiting.id, "granted", row.message_id, row.at)))
        proof = {**msgspec.json.decode(waiting.proof), "request_id": waiting.id}
        self._grant(text, (waiting.purpose,), _What(waiting.purpose, "double_opt_in", waiting.wording, proof))
        return True

    def _join(self, text: Said, found: Heard) -> None:
        own = found.own
        if own is not None and text.hearing.joins == "grant":
            purpose = own.purpose or MARKETING
            self._grant(text, (purpose,), _What(purpose, "keyword", own.wording, {"word_id": own.id}))

    def _grant(self, text: Said, purposes: Sequence[str], what: _What) -> None:
        id_ = self._record(text, "grant", purposes, what)
        account, number_hash = text.person
        self._granted[account, number_hash].update(purposes)
        self._writes += [("consented_put", (account, number_hash, each, id_)) for each in purposes]

    def _revoke(self, text: Said) -> None:
        account, number_hash = text.person
        purposes = sorted(self._granted.pop((account, number_hash), ()))
        if purposes:
            self._record(text, "revoke", purposes, _What(EVERY_PURPOSE))
            self._revoked[account, number_hash] = tuple(purposes)
            self._writes += [("consented_drop", (account, number_hash, each)) for each in purposes]

    def _record(self, text: Said, action: str, purposes: Sequence[str], what: _What) -> str:
        row, (account, number_hash) = text.row, text.person
        id_ = row.consent_id or f"CN{row.message_id[2:]}"
        shown = {**what.proof, "message_id": row.message_id}
        if what.purpose == EVERY_PURPOSE:
            shown["purposes"] = list(purposes)
        said_by = (account, number_hash, row.source, row.masked)
        told = (what.purpose, action, what.source, what.wording, _encode(shown).decode(), PHONE, row.at, row.at)
        self._writes.append(("consent_insert", (id_, *said_by, *told)))
        kind = "consent.granted" if action == "grant" else "consent.revoked"
        self._event(row, id_, kind, _FIRST_SEQ, purpose=what.purpose, source=what.source)
        return id_

    def _event(self, cause: InboundRow, id_: str, kind: str, seq: int, **data: str | None) -> None:
        subject = Subject(id_, cause.account_id or "", int(cause.test), seq, 0)
        self._events.append(event_row(subject, kind, cause.at, event_data(**data, message_id=cause.message_id)))

    def flush(self) -> Script[None]:
        """Write what changed, in order: a number may say STOP and START in one list."""
        for statement, params in self._writes:
            yield Many(statement, [params])
        if self._events:
            yield Many("event_insert", self._events)


def _load(spoken: Sequence[Said]) -> Script[Keywords]:
    accounts = [*{each.person[0] for each in spoken}]
    people = (accounts, [*{each.row.source_hash for each in spoken}])
    stops: Rows = yield Query("opt_outs_of", (accounts, [*{key for each in spoken for key in each.keys}]))
    granted: Rows = yield Query("consented_of", people)
    pending: Rows = yield Query("consent_requests_pending", people)
    revoked: Rows = []
    if any(each.heard is not None and each.heard.word == "start" for each in spoken):
        revoked = yield Query("consents_revoked_last", people)
    return Keywords(stops, granted, pending, revoked)


def _beside(id_: str, place: int) -> str:
    """The id of what one text brings about beside that of this id: another one in its random part (`base/ids.py`)."""
    return f"{id_[:2]}{int(id_[2:], 16) ^ place << _RANDOM_FROM:032x}" if place else id_


def _purposes(proof: str) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(proof).get("purposes", ()))
