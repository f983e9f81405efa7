"""One message: its facts, what happened to it step by step with the evidence, how it stood at any time, and what may be
done about it.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from whimbrel.base import ids, moments
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.states import CANCELABLE, FINAL
from whimbrel.edges.console import attachments, choosing
from whimbrel.edges.console.answer_codes import AnswerCodes
from whimbrel.edges.console.forms import problem
from whimbrel.edges.console.lasting import lasted
from whimbrel.edges.console.message_pdus import of_message
from whimbrel.edges.console.message_story import story
from whimbrel.edges.console.pages.messages import PLACE, beside
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

_FOLLOWED_US: Final = 20_000_000
"""So long after its end a page still looks for what webhooks answer."""
_BEYOND_TEXT: Final = ("data", "flash", "udh", "tlvs", "data_coding")


async def message(request: Request) -> Response:
    """The page. While the message is under way it asks for itself again, and is sent only when something happened."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    values = await _values(request)
    if not request.is_part:
        return request.page("messages/message.html", **values)
    part = request.page("messages/message_part.html", **values)
    if request.query.text("known") == values["story"].digest and values["is_followed"]:
        part.headers["hx-reswap"] = "none"
    return part


async def _values(request: Request) -> dict[str, Any]:
    path = {"id": request.path["id"]}
    found = await request.api("getMessage", path=path)
    timeline = await request.api("getTimeline", path=path)
    may_see = request.api.may("listMessageDeliveries")
    told = await request.api("listMessageDeliveries", path=path) if may_see else None
    at = _moment(request.query.text("at"))
    seen = await beside(request)
    return {
        "message": found,
        "story": story(found, timeline, told, at=at),
        "accepted": timeline.accepted,
        "attempts": timeline.attempts,
        "carriers": seen["carriers"] | {each.carrier_id: each.carrier for each in timeline.attempts},
        "has_compose": seen["has_compose"],
        "at": at,
        "place": f"{PLACE}/{found.id}",
        "links": await _links(request, found),
        "media_ids": attachments.ids_of(found),
        "media": await attachments.of_messages(request, [found]),
        "is_shown": attachments.is_shown,
        "is_followed": not at and _is_followed(request, found),
        "acts": _acts(request, found),
        "again_key": request.services.ids.new(ids.REQUEST),
        "answer_url": _answer_url(request, found),
        "curl": _curl(request, found),
        "lasted": lasted,
        "codes": AnswerCodes(request.services.tables.carriers),
    }


async def _links(request: Request, found: Any) -> Sequence[Any]:
    """The short links in its text."""
    if found.direction == "in" or "://" not in (found.text or "") or not request.api.may("listMessageLinks"):
        return ()
    links: Sequence[Any] = (await request.api("listMessageLinks", path={"id": found.id})).data
    return links


def _moment(written: str) -> str:
    """A moment as the API writes it, with which others can be compared as text; empty where it is none."""
    try:
        return moments.to_text(moments.from_text(written)) if written else ""
    except ValueError:
        return ""


def _is_followed(request: Request, found: Any) -> bool:
    if found.direction == "in" or found.final_at is None:
        return found.status not in FINAL
    return request.services.clock.now_us() - moments.from_text(found.final_at) < _FOLLOWED_US


def _acts(request: Request, found: Any) -> frozenset[str]:
    """What the visitor may do about it now."""
    may = request.api.may
    acts: set[str] = set()
    if found.direction == "out" and found.status in CANCELABLE and may("cancelMessage"):
        acts.add("cancel")
    if found.direction == "out" and found.to is not None and may("sendMessage"):
        acts.add("again")
    if found.status in FINAL and found.to is not None and may("redactMessage"):
        acts.add("redact")
    if found.status in FINAL and may("deleteMessage"):
        acts.add("delete")
    if found.to is not None and found.direction == "out" and may("explainMessage"):
        acts.add("explain")
    if found.direction == "out" and may("getCarrierTrace"):
        acts |= {"pdus", "carrier"}
    return frozenset(acts)


def _answer_url(request: Request, found: Any) -> str:
    """Where an inbound text is answered; empty where it is none, or nobody can."""
    if found.direction == "out" or not found.sender or not request.api.may("sendMessage"):
        return ""
    return "/console/compose?" + urlencode({"to": found.sender, "sender": found.to})


def _body(found: Any) -> dict[str, Any]:
    """What sends the same once more."""
    body: dict[str, Any] = {"to": found.to, "sender": found.sender, "class": found.message_class}
    media = attachments.ids_of(found)
    if media:
        body |= {"text": _before_link(found.text or ""), "media": list(media)}
    elif found.text is not None:
        body["text"] = found.text
    more = {name: getattr(found, name) for name in _BEYOND_TEXT}
    body |= {name: value for name, value in more.items() if value is not msgspec.UNSET}
    return body


def _before_link(text: str) -> str:
    """The text of a message with media without its last line, the link that shows them (`journey/shorten.py`)."""
    return text.rpartition("\n")[0]


def _curl(request: Request, found: Any) -> str:
    """The request that sends the same, for a shell."""
    if found.direction == "in" or found.to is None:
        return ""
    url = request.services.public_url or f"{request.http.url.scheme}://{request.http.headers.get('host', '')}"
    body = msgspec.json.encode(_body(found)).decode().replace("'", "'\\''")
    return (
        f"curl '{url}/v1/messages' \\\n  -H \"Authorization: Bearer $WHIMBREL_KEY\" \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    )


async def explain(request: Request) -> Response:
    """Which routes and carriers there are for it as things stand now, and why each is taken or left."""
    found = await request.api("getMessage", path={"id": request.path["id"]})
    try:
        told = await request.api("explainMessage", body=_body(found))
    except WhimbrelError as error:
        return request.page("messages/explain.html", told=None, problem=problem(error))
    return request.page("messages/explain.html", told=told, problem=None)


async def pdus(request: Request) -> Response:
    """Its PDUs, where a trace of its carriers has them."""
    attempts = (await request.api("getAttempts", path={"id": request.path["id"]})).data
    pairs, missing = await of_message(request, attempts)
    carrier_id = attempts[-1].carrier_id if attempts else ""
    return request.page("messages/pdus.html", entries=pairs, missing=missing, carrier_id=carrier_id)


async def cancel(request: Request) -> Response:
    await request.api("cancelMessage", path={"id": request.path["id"]})
    return request.go(f"{PLACE}/{request.path['id']}", done="message.canceled")


async def again(request: Request) -> Response:
    """Send the same text to the same number, as a new message. A form that is sent twice sends it once."""
    form = await request.form()
    found = await request.api("getMessage", path={"id": request.path["id"]})
    if found.to is None:
        raise WhimbrelError("not_found", "Its text and numbers were erased.")
    sent = await request.api("sendMessage", body=_body(found), key=form.text("key") or None)
    return request.go(f"{PLACE}/{sent.id}", done="message.sent_again")


async def redact(request: Request) -> Response:
    await request.api("redactMessage", path={"id": request.path["id"]})
    return request.go(f"{PLACE}/{request.path['id']}", done="message.redacted")


async def delete(request: Request) -> Response:
    await request.api("deleteMessage", path={"id": request.path["id"]})
    return request.go(PLACE, done="message.deleted")


_ONE: Final = f"{PLACE}/{{id}}"

PAGES = (
    Page(path=_ONE, handle=message),
    Page(path=f"{_ONE}/explain", handle=explain),
    Page(path=f"{_ONE}/pdus", handle=pdus),
    Page(path=f"{_ONE}/cancel", method="POST", handle=cancel),
    Page(path=f"{_ONE}/again", method="POST", handle=again),
    Page(path=f"{_ONE}/redact", method="POST", handle=redact),
    Page(path=f"{_ONE}/delete", method="POST", handle=delete),
)
