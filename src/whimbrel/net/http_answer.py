"""One answer, read from octets: the machine without I/O below `net/http_connection.py`, and why there is none.

Theory of operation. llhttp (through httptools) does all parsing; an `AnswerReader` is what it calls back, one for each
connection, and `begin` makes it ready for the next answer. Octets go in through `feed`, the end of the stream through
`end`; out comes one `Answer` or a NoAnswerError. Interim answers (1xx) are skipped; 101 is none. What is kept is
bounded: of the body its start (`begin` says how much), of the headers the few that are asked for. `_spare` is what else
may still come: all octets that are not body are taken from it, a status line, endless headers, endless interim answers,
trailers and extensions of chunks alike, so nobody can keep a call busy with them.

An answer says whether the connection may be used again (`is_last`: no). It may only if the parser saw it end where the
stream stood still: an octet beyond the end could be taken for the answer to the next request.
"""

from email.utils import parsedate_to_datetime
from typing import Final, Literal

import httptools
import msgspec

from whimbrel.base.limits import RESPONSE_BODY_MAX

OVERHEAD_MAX: Final = 64 * 1024  # octets of an answer that are not its body
_CHUNK_OVERHEAD: Final = 16  # given back for each piece of body, so that a body in small chunks is no attack

_HEAD, _BODY, _ENDED = 0, 1, 2
_CONTENT_TYPE, _RETRY_AFTER, _DATE, _LOCATION = b"content-type", b"retry-after", b"date", b"location"
_KEPT = frozenset({_CONTENT_TYPE, _RETRY_AFTER, _DATE, _LOCATION})
_LENGTH, _CODING = b"content-length", b"transfer-encoding"
_FIRST_INTERIM, _FIRST_FINAL = 100, 200

Reason = Literal[
    "bad_url",
    "address_refused",
    "name_not_found",
    "connect_failed",
    "connect_timeout",
    "tls_failed",
    "timeout",
    "connection_lost",
    "bad_answer",
]


class NoAnswerError(Exception):
    """There will be no answer; `detail` is for people to read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A final answer. `body` is its start, as sent, at most as many octets as were asked for."""

    status: int
    body: bytes
    content_type: str
    retry_after_s: float | None
    is_last: bool  # nothing more may be asked on this connection
    location: str = ""


class AnswerReader:
    """Reads one answer after the other from one connection."""

    __slots__ = (
        "_body_max",
        "_is_framed",
        "_is_last",
        "_kept",
        "_parser",
        "_pieces",
        "_size",
        "_spare",
        "_stage",
        "_status",
        "was_heard",
    )

    def __init__(self) -> None:
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        # Lenient as aiohttp was: a bare LF (RFC 9112 2.2), folded headers (5.2), space after the size of a chunk. It
        # cannot confuse two parties, as each connection has one server and one request at a time.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self.begin()

    def begin(self, body_max: int = RESPONSE_BODY_MAX) -> None:
        """The next answer may come. `body_max`: octets of its body that are kept."""
        self._body_max = body_max
        self.was_heard = False  # whether any octet has come
        self._stage = _HEAD
        self._status = 0
        self._kept: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._size = 0
        self._spare = OVERHEAD_MAX
        self._is_framed = False  # the head says where the body ends
        self._is_last = False

    def close(self) -> None:
        """Nothing is read any more. Parser and reader hold each other; this sets them free without the collector."""
        self._parser = None

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once `data` completes it; its body may be cut at the limit. NoAnswerError: it is none."""
        assert self._parser is not None
        self.was_heard = True
        self._spare -= len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._stage != _ENDED:
                raise NoAnswerError("bad_answer", f"not an answer to a request: {error}") from error
            self._is_last = True  # the answer is whole; what follows it is not one
        if self._spare < 0:
            raise NoAnswerError("bad_answer", f"more than {OVERHEAD_MAX} octets beside the body")
        if self._size > self._body_max:
            self._is_last = True  # the rest is not read
            return self._answer()
        return self._answer() if self._stage == _ENDED else None

    def end(self, error: Exception | None) -> Answer:
        """The stream has ended, with an error of the network or without: a body without a length is complete by that
        (RFC 9112 6.3), everything else is NoAnswerError."""
        if error is not None or not self.was_heard or self._stage == _HEAD:
            raise NoAnswerError("connection_lost", str(error or "") or "closed before the answer was complete")
        if self._is_framed:
            raise NoAnswerError("bad_answer", "closed in the middle of the body")
        self._is_last = True
        return self._answer()

    def _answer(self) -> Answer:
        kept, pieces = self._kept, self._pieces
        return Answer(
            self._status,
            (b"".join(pieces)[: self._body_max]) if pieces else b"",
            kept[_CONTENT_TYPE].decode("latin-1") if _CONTENT_TYPE in kept else "",
            _retry_after_s(kept) if _RETRY_AFTER in kept else None,
            self._is_last,
            kept[_LOCATION].decode("latin-1") if _LOCATION in kept else "",
        )

    # ---- what the parser says; none of these raises

    def on_message_begin(self) -> None:
        """A status line begins. After a final answer nobody has asked for one."""
        if self._stage == _ENDED:
            self._is_last = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which says nothing that matters here."""
        if self._stage != _HEAD:
            return
        name = name.rstrip().lower()
        if name in _KEPT:
            self._kept.setdefault(name, value)
        elif name == _LENGTH:
            self._is_framed = True
        elif name == _CODING:
            self._is_framed = value.lower().rpartition(b",")[2].strip() == b"chunked"

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._stage == _HEAD:
            assert self._parser is not None
            self._status = self._parser.get_status_code()
            self._stage = _BODY

    def on_body(self, piece: bytes) -> None:
        """A piece of the body. Beyond the limit it is only counted, beyond the answer it is nobody's."""
        if self._stage == _ENDED:
            return
        if self._size <= self._body_max:
            self._pieces.append(piece)
        self._size += len(piece)
        self._spare += len(piece) + _CHUNK_OVERHEAD

    def on_message_complete(self) -> None:
        """The end of an answer, or of an interim one."""
        if self._stage != _BODY:
            return
        assert self._parser is not None
        if not _FIRST_INTERIM <= self._status < _FIRST_FINAL:
            self._stage = _ENDED
            self._is_last = not self._parser.should_keep_alive()
            return
        self._stage = _HEAD
        self._kept.clear()
        self._is_framed = False


def _retry_after_s(headers: dict[bytes, bytes]) -> float | None:
    """RFC 9110 10.2.3: seconds, or a date, which is measured against the server's own clock."""
    value = headers[_RETRY_AFTER].strip()
    if value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value.decode("latin-1"))
        now = parsedate_to_datetime(headers.get(_DATE, b"").decode("latin-1"))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
