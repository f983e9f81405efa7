"""What an application answers to an inbound text that it got as an event: JSON, `{"reply": "Thank you"}`, or
`{"replies": [{"text": "Thank you", "to": "+1…", "sender": "+1…"}]}`. Octets in, replies out.

Webhooks are answered with all kinds of things by those who mean "received", so what is no such object is no reply, and
no error: only what was meant as a text is sent.
"""

import msgspec

from whimbrel.codec.twiml import ANSWER_MAX, REPLIES_MAX, Answer, Reply

NOTHING = Answer()


class _Reply(msgspec.Struct, frozen=True):
    text: str
    to: str | None = None
    sender: str | None = None
    callback_url: str | None = None


class _Said(msgspec.Struct, frozen=True):
    reply: str | None = None
    replies: list[_Reply] | None = None


_decode = msgspec.json.Decoder(_Said).decode


def parse(body: bytes, content_type: str) -> Answer:
    """The replies in an answer; none where it holds none."""
    if not content_type.partition(";")[0].strip().lower().endswith("json") or not 0 < len(body) <= ANSWER_MAX:
        return NOTHING
    try:
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return NOTHING
    found = [Reply(each.text, each.to, each.sender, each.callback_url) for each in said.replies or ()]
    if said.reply is not None:
        found.insert(0, Reply(said.reply))
    return Answer(tuple(each for each in found if each.text.strip())[:REPLIES_MAX])
