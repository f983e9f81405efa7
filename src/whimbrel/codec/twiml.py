"""What an application answers to an inbound text at the Twilio door: TwiML, or plain text. Octets in, replies out.

The answer is a stranger's XML, so the parser refuses a document type (and with it every entity of its own making),
never fetches anything, and takes a bounded document. Verbs that texts have no use for are left out and named, as
Twilio warns about them and goes on.
"""

from typing import Final
from xml.parsers import expat

import msgspec

from whimbrel.codec.errors import CodecError

ANSWER_MAX: Final = 64 * 1024  # octets; Twilio's limit for TwiML
REPLIES_MAX: Final = 10  # replies to one text: more is a loop
DEPTH_MAX: Final = 16

_XML_TYPES: Final = frozenset({"text/xml", "application/xml", "text/html", ""})
_REPLY_VERBS: Final = frozenset({"Message", "Sms"})


class Reply(msgspec.Struct, frozen=True, gc=False):
    """A text to send back. Without `to` it goes to who wrote, without `sender` it comes from the number written to."""

    text: str
    to: str | None = None
    sender: str | None = None
    status_callback: str | None = None


class Redirect(msgspec.Struct, frozen=True, gc=False):
    """Ask this URL (may be relative) what to do; nothing after it counts."""

    url: str
    method: str = "POST"


class Answer(msgspec.Struct, frozen=True):
    """What an application wants done."""

    replies: tuple[Reply, ...] = ()
    redirect: Redirect | None = None
    ignored: tuple[str, ...] = ()  # elements that have no meaning for a text


class TwimlError(CodecError):
    """An answer that cannot be read; `twilio` is Twilio's number for it (12100: no document, 12300: content type)."""

    def __init__(self, message: str, *, twilio: int = 12100) -> None:
        super().__init__(message)
        self.twilio = twilio


def parse(body: bytes, content_type: str = "text/xml") -> Answer:
    """What the answer says. An empty body is no reply; text/plain is a reply as it stands (as Twilio takes it)."""
    if len(body) > ANSWER_MAX:
        raise TwimlError(f"the answer has more than {ANSWER_MAX} octets")
    if not body.strip():
        return Answer()
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "text/plain":
        return Answer((Reply(body.decode("utf-8", "replace").strip()),))
    if media_type not in _XML_TYPES:
        raise TwimlError(f"the answer's content type is {media_type[:80]!r}", twilio=12300)
    return _Document().read(body)


class _Document:
    """Reads one document: a stack of open elements, and what has been understood so far."""

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._reply: dict[str, str] = {}  # attributes of the reply that is open
        self._redirect: dict[str, str] = {}
        self._text: list[str] = []
        self._replies: list[Reply] = []
        self._redirect_to: Redirect | None = None
        self._ignored: list[str] = []

    def read(self, body: bytes) -> Answer:
        parser = expat.ParserCreate()
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.buffer_text = True
        try:
            parser.Parse(body, True)
        except TwimlError:
            raise
        except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two: an encoding that it cannot read
            raise TwimlError(f"the answer is not XML: {error}") from None
        return Answer(tuple(self._replies), self._redirect_to, tuple(dict.fromkeys(self._ignored)))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._stack)
        self._stack.append(name)
        if depth >= DEPTH_MAX:
            raise TwimlError("the answer is nested too deeply")
        if depth == 0:
            if name != "Response":
                raise TwimlError(f"the answer's root is {name[:40]!r}, not 'Response'")
        elif self._redirect_to is not None:
            return
        elif depth == 1 and name in _REPLY_VERBS:
            self._reply, self._text = attributes, []
        elif depth == 1 and name == "Redirect":
            self._redirect, self._text = attributes, []
        elif not self._is_body():
            self._ignored.append(name[:40])

    def _is_body(self) -> bool:
        """Whether the open element is the Body of a reply."""
        return len(self._stack) == 3 and self._stack[1] in _REPLY_VERBS and self._stack[2] == "Body"

    def _data(self, text: str) -> None:
        inside = len(self._stack) == 2 and (self._stack[1] in _REPLY_VERBS or self._stack[1] == "Redirect")
        if inside or self._is_body():
            self._text.append(text)

    def _end(self, name: str) -> None:
        self._stack.pop()
        if len(self._stack) != 1 or self._redirect_to is not None:
            return
        text = "".join(self._text).strip()
        if name in _REPLY_VERBS and text:
            self._add(text)
        elif name == "Redirect" and text:
            self._redirect_to = Redirect(text, self._redirect.get("method", "POST").upper())

    def _add(self, text: str) -> None:
        if len(self._replies) >= REPLIES_MAX:
            raise TwimlError(f"the answer holds more than {REPLIES_MAX} replies")
        given = self._reply
        callback = given.get("statusCallback") or given.get("action")
        self._replies.append(Reply(text, given.get("to") or None, given.get("from") or None, callback or None))


def _refuse_doctype(*_: object) -> None:
    raise TwimlError("the answer declares a document type")
