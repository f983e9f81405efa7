"""A provider over HTTP on the same network and phones: what `POST /messages` does, and what may be played in its place.

Apart from `provider_http.py`, which reads requests and writes answers, and from `provider_calls.py`, which brings
receipts and texts to the addresses that clients named. What happens to a message is told by the same table of outcomes
as over SMPP, and logged in the same events: one request is one `submit` and its answer one `response`, with the number
of its connection for `bind`.
"""

import base64
import binascii
from enum import StrEnum

import msgspec
from msgspec import Struct

from whimbrel.codec import gsm7, segments
from whimbrel.codec.smpp.pdu import ShortMessage
from whimbrel.codec.smpp.tables import Status
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.esme import Esme
from whimbrel_sandbox.inbound import address
from whimbrel_sandbox.log import Responded, Submitted
from whimbrel_sandbox.message import Message
from whimbrel_sandbox.network import Network
from whimbrel_sandbox.outcome import Outcome, Reply
from whimbrel_sandbox.phones import digits
from whimbrel_sandbox.provider_calls import Callbacks, Place
from whimbrel_sandbox.provider_settings import Played, ProviderSettings
from whimbrel_sandbox.replies import CLOSING
from whimbrel_sandbox.smsc import Smsc, is_spent

CLIENT = "http"
"""The client's name in the log and the control, where it shows none by Basic."""
_NAMES = {int(status): status.name for status in Status}
_BUSY = frozenset({int(Status.ESME_RTHROTTLED), int(Status.ESME_RMSGQFUL)})
_BARE = frozenset({Reply.BODY_MISSING, Reply.ID_EMPTY, Reply.ID_OPEN})
_NACKED = frozenset({Reply.NACK, Reply.NACK_ZERO})


class Request(Struct, frozen=True):
    """A request as it came. `fields` are those of its JSON, form or query."""

    link: int
    sequence: int
    authorization: str
    fields: dict[str, object]


class End(StrEnum):
    """What becomes of the connection in place of an answer."""

    DROP = "drop"
    SILENCE = "silence"


_LOST = CLOSING | {Reply.RESET, Reply.LENGTH_BEYOND, Reply.LENGTH_WITHIN, Reply.UNBIND}
_ENDS = {**dict.fromkeys(_LOST, End.DROP), Reply.NONE: End.SILENCE}
_ENDED = {
    Played.DROPPED: End.DROP,
    Played.TAKEN_DROPPED: End.DROP,
    Played.SILENT: End.SILENCE,
    Played.TAKEN_SILENT: End.SILENCE,
}


class Answer(Struct, frozen=True):
    """An answer, after a while; or none."""

    status: int
    body: bytes = b""
    retry_after_s: int = 0
    wait_ms: float = 0
    end: End | None = None


class Provider:
    """The desk that requests come to."""

    def __init__(self, center: Center, network: Network, smsc: Smsc) -> None:
        self.settings = ProviderSettings()
        self.callbacks = Callbacks(center, self.settings)
        self._center = center
        self._network = network
        self._smsc = smsc

    def submit(self, request: Request) -> Answer:
        """Take one message."""
        center = self._center
        esme = self._client(request.authorization)
        if esme is None:
            return _refused(401, "wrong password")
        to, sender = _word(request.fields.get("to")), _word(request.fields.get("from"))
        center.counts.submits += 1
        center.counts.last_submit_us = at_us = center.now_us()
        center.counts.first_submit_us = center.counts.first_submit_us or at_us
        callback = _word(request.fields.get("callback")) or self.settings.receipts_url
        message = self._message(esme, request, at_us, registered=bool(callback))
        played = self.settings.take()
        status = self._verdict(message, to)
        outcome = message.outcome
        accepted = outcome.accepted if not status else outcome.accepted_though_refused
        if accepted and played.takes:
            self._smsc.accept(message)
            named = _word(request.fields.get("reference"))
            self.callbacks.expect(message.message_id, Place(callback, f"+{digits(to)}", sender, named))
        self._note(request, message, status, outcome.name if played is Played.ANSWERED else played)
        answer = self._answer(message, status, played)
        self._note_answer(request, message, answer, played)
        if message.message_id:
            self._network.carry(message)
        return answer

    def _client(self, authorization: str) -> Esme | None:
        """Who asks; None when a password is wanted and this is not it."""
        scheme, _, shown = authorization.partition(" ")
        name, password = CLIENT, shown.strip()
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(shown).decode().partition(":")
            except (binascii.Error, ValueError):
                return None
        wanted = self._center.settings.password
        if wanted is not None and password != wanted:
            return None
        esme = self._center.esme(name or CLIENT)
        self.callbacks.serve(esme)
        return esme

    def _message(self, esme: Esme, request: Request, at_us: int, *, registered: bool) -> Message:
        text = _word(request.fields.get("text"))
        plain = gsm7.try_encode(text)
        octets = text.encode("utf-16-be", "replace") if plain is None else plain
        source, dest = address(_word(request.fields.get("from"))), address(_word(request.fields.get("to")))
        submit = ShortMessage(
            source_ton=source.ton,
            source_npi=source.npi,
            source=source.number,
            dest_ton=dest.ton,
            dest_npi=dest.npi,
            dest=dest.number,
            registered_delivery=int(registered),
            data_coding=segments.UCS2_DATA_CODING if plain is None else segments.GSM7_DATA_CODING,
            short_message=octets,
        )
        outcome = self._center.stage.outcome_of(digits(submit.dest), esme.outcome)
        return Message(esme, submit, outcome, at_us, octets, octets, link=request.link)

    def _verdict(self, message: Message, to: str) -> int:
        rate_limit = message.esme.conduct.rate_limit or self._center.behaviour.rate_limit
        refusal = message.outcome.refusal
        if not digits(to).isdigit():
            return Status.ESME_RINVDSTADR
        if rate_limit and not message.esme.within_rate(self._center.loop.time(), rate_limit):
            return Status.ESME_RTHROTTLED
        return 0 if refusal is None or is_spent(message) else refusal.status

    def _answer(self, message: Message, status: int, played: Played) -> Answer:
        outcome = message.outcome
        wait_ms = self._center.behaviour.response_latency_ms + self._delay_ms(outcome)
        if played is not Played.ANSWERED:
            return _played(played, wait_ms, self.settings.retry_after_s)
        if status in _BUSY:
            return _refused(429, "too many requests", wait_ms, self.settings.retry_after_s)
        if status:
            return _refused(400, _NAMES.get(status, str(status)), wait_ms)
        if outcome.reply in _ENDS:
            return Answer(0, wait_ms=wait_ms, end=_ENDS[outcome.reply])
        if outcome.reply in _NACKED:
            return _refused(500, "internal error", wait_ms)
        return _taken("" if outcome.reply in _BARE else message.message_id, wait_ms)

    def _delay_ms(self, outcome: Outcome) -> float:
        if not (outcome.reply_after_ms or outcome.reply_jitter_ms):
            return 0.0
        jitter_ms = self._center.chance.uniform(0, outcome.reply_jitter_ms)
        return (outcome.reply_after_ms + jitter_ms) * self._center.settings.time_scale

    def _note(self, request: Request, message: Message, status: int, outcome: str) -> None:
        self._center.counts.refused += not message.message_id
        if self._center.log is None:
            return
        submit, media = message.submit, request.fields.get("media")
        self._center.note(
            Submitted(
                message.submitted_us,
                request.link,
                request.sequence,
                message.esme.system_id,
                submit.source,
                submit.dest,
                outcome,
                message.octets.hex(),
                _word(request.fields.get("text")),
                message.message_id,
                status,
                data_coding=submit.data_coding,
                registered=submit.registered_delivery,
                reference=_word(request.fields.get("reference")),
                media=tuple(map(_word, media if isinstance(media, list) else [media])) if media else (),
            )
        )

    def _note_answer(self, request: Request, message: Message, answer: Answer, played: Played) -> None:
        self._center.counts.responses += answer.end is None
        reply = str(played) if answer.end is None else str(answer.end)
        at_us = self._center.now_us()
        self._center.note(
            Responded(at_us, request.link, request.sequence, message.message_id, answer.status, reply=reply)
        )


def _word(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _taken(message_id: str, wait_ms: float) -> Answer:
    named = {"id": message_id} if message_id else {}
    return Answer(200, msgspec.json.encode({**named, "status": "accepted"}), wait_ms=wait_ms)


def _refused(status: int, words: str, wait_ms: float = 0, retry_after_s: int = 0) -> Answer:
    return Answer(status, msgspec.json.encode({"error": words}), retry_after_s, wait_ms)


def _played(played: Played, wait_ms: float, retry_after_s: int) -> Answer:
    if played in _ENDED:
        return Answer(0, wait_ms=wait_ms, end=_ENDED[played])
    if played is Played.TAKEN_GARBLED:
        return Answer(200, b"\x00<taken>", wait_ms=wait_ms)
    if played is Played.FAILED or played is Played.TAKEN_FAILED:
        return _refused(500, "internal error", wait_ms)
    return _refused(429 if played is Played.THROTTLED else 503, "later", wait_ms, retry_after_s)
