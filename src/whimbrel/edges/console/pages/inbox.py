"""The inbox: conversations on the left, the one that is open on the right, live; answers. What somebody types is never
touched by what happens meanwhile: only the parts around it are drawn anew."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import MESSAGE, REQUEST, is_id
from whimbrel.edges.console import attachments, choosing, inbox_live
from whimbrel.edges.console.forms import EMPTY, Form, Problem, problem
from whimbrel.edges.console.live import Live
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page

PATH: Final = "/console/inbox"
_PAGE: Final = "inbox/inbox.html"
_LIST: Final = "inbox/list.html"
_SHOWN: Final = 50
_LIVE_MAX: Final = 200  # messages of the open thread that are drawn anew
_LIVE: Final = ("bubbles", "standing", "seen_to")  # parts of the open conversation
_BADGE_MAX: Final = 99
_OURS: Final = 500
_NOT_FOR_THE_FORM: Final = frozenset({403, 404})
_NARROWED: Final = ("state", "assignee", "tag")
_NOTES: Final = 200  # of a conversation that are shown
_NOTHING: Final[Mapping[str, Any]] = {}


class _Filters:
    """What the address asks for."""

    def __init__(self, query: Form) -> None:
        self.number = query.text("number")
        self.unread = query.text("unread") == "1"
        self.narrowed = query.given(*_NARROWED)

    def query(self) -> dict[str, str]:
        """In the words of the API."""
        told = ({"number": self.number} if self.number else {}) | ({"unread": "true"} if self.unread else {})
        return told | self.narrowed

    def address(self, **more: str) -> str:
        """The same as the query of an address, with a question mark if there is any."""
        given = ({"number": self.number} if self.number else {}) | ({"unread": "1"} if self.unread else {})
        return _address(given | self.narrowed | more)

    def standing(self, state: str) -> str:
        """The address of the same list with another state; empty: of all."""
        others = {name: value for name, value in self.narrowed.items() if name != "state"}
        given = ({"number": self.number} if self.number else {}) | ({"unread": "1"} if self.unread else {})
        return f"{PATH}{_address(given | others | ({'state': state} if state else {}))}"

    @property
    def any(self) -> bool:
        """Whether the list is narrowed at all."""
        return bool(self.query())


def _address(given: Mapping[str, str]) -> str:
    return f"?{urlencode(given)}" if given else ""


# ---------------------------------------------------------------- pages


async def inbox(request: Request) -> Response:
    """All conversations; none is open."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    filters = _Filters(request.query)
    if request.is_part and request.query.text("cursor"):
        return request.part(
            _LIST,
            "rows",
            names=await _names(request),
            **await _listed(request, filters, "", request.query.text("cursor")),
        )
    return await _page(request, filters, None)


async def talk(request: Request) -> Response:
    """One conversation; who opens it has read it."""
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    cursor = request.query.text("cursor")
    if request.is_part and cursor:
        return request.part(
            "inbox/earlier.html",
            "earlier",
            names=await _names(request),
            **await _thread(request, request.path["id"], cursor),
        )
    return await _page(request, _Filters(request.query), request.path["id"])


async def answer(request: Request) -> Response:
    """Send an answer, once for each key."""
    form = await request.form()
    conversation_id, key = request.path["id"], form.text("key")
    told: Problem | None = None
    try:
        said = form.raw("text").strip().replace("\r\n", "\n")
        about = {"id": conversation_id}
        if form.text("as") == "note":
            await request.api("noteConversation", path=about, body={"text": said})
        else:
            body: dict[str, Any] = {"text": said} | form.given("state")
            media = attachments.named(form)
            body |= {"media": media} if media else {}
            await request.api("answerConversation", path=about, body=body, key=key or None)
    except WhimbrelError as error:
        told = problem(error)
        if told.status in _NOT_FOR_THE_FORM or (request.is_part and told.status >= _OURS):
            raise
    # what may have been sent is sent again under the same key, and so once
    kept = {"key": key} if told is not None and told.status >= _OURS else {}
    if not request.is_part:
        if told is None:
            return request.go(f"{PATH}/{conversation_id}", done="inbox.answered")
        return await _page(request, _Filters(EMPTY), conversation_id, form, {"problem": told} | kept)
    values = await _talk(request, conversation_id) | {"problem": told, "names": await _names(request)}
    values |= await _attached(request, conversation_id, EMPTY if told is None else attachments.settled(form))
    return request.part("inbox/after.html", "after", status=422 if told else 200, **values)


async def attach(request: Request) -> Response:
    """The media of the answer, with what was named or without what was taken away."""
    if not request.api.may("answerConversation"):
        raise WhimbrelError("forbidden")
    conversation_id, form = request.path["id"], attachments.settled(await request.form())
    if not request.is_part:
        return await _page(request, _Filters(EMPTY), conversation_id, form)
    await request.api("getConversation", path={"id": conversation_id})
    return await attachments.part(request, form, _place(conversation_id))


async def _attached(request: Request, conversation_id: str, form: Form) -> dict[str, Any]:
    """What the part of the answer takes that holds media."""
    return _place(conversation_id) | await attachments.values(request, form)


def _place(conversation_id: str) -> dict[str, str]:
    return {"attach": f"{PATH}/{conversation_id}/attach", "form_id": "answer", "for_text": "answer-text"}


async def change(request: Request) -> Response:
    """How it stands, who sees to it, its tags."""
    form = await request.form()
    conversation_id = request.path["id"]
    body: dict[str, Any] = dict(form.given("state"))
    if form.sent("assignee"):
        body["assignee"] = form.text("assignee")
    if form.sent("tags"):
        body["tags"] = [tag for tag in (each.strip() for each in form.text("tags").split(",")) if tag]
    if form.sent("asks"):
        body["ask_rating"] = form.flag("ask_rating")
    try:
        await request.api("updateConversation", path={"id": conversation_id}, body=body)
    except WhimbrelError as error:
        told = problem(error)
        if told.status in _NOT_FOR_THE_FORM:
            raise
        return await _page(request, _Filters(EMPTY), conversation_id, form, {"desk_problem": told})
    return request.go(f"{PATH}/{conversation_id}", done="inbox.changed")


async def forget(request: Request) -> Response:
    """Delete a note."""
    await request.api("deleteConversationNote", path=dict(request.path))
    return request.go(f"{PATH}/{request.path['id']}", done="inbox.note_deleted")


async def read(request: Request) -> Response:
    """What stands on the screen was read."""
    form = await request.form()
    await _read(request, request.path["id"], form.text("message_id"))
    return Response(status_code=204)


async def badge(request: Request) -> Response:
    """How many conversations hold something new, for the menu."""
    unread = 0
    if request.asked.acting_for is not None and request.api.may("listConversations"):
        found = await request.api("listConversations", query={"unread": "true", "limit": str(_BADGE_MAX + 1)})
        unread = len(found.data)
    return request.part("inbox/badge.html", "badge", unread=unread, most=_BADGE_MAX)


async def live(request: Request) -> Response:
    """The list and the open thread as they change."""
    filters, opened, since = _Filters(request.query), request.query.text("open"), request.query.text("from")
    await _listed(request, filters, opened)  # what would be refused is refused at once
    if opened:
        await request.api("getConversation", path={"id": opened})
    names = await _names(request)  # people come and go less often than texts

    async def draw() -> Mapping[str, str]:
        drawn = {"list": request.text(_LIST, "rows", names=names, **await _listed(request, filters, opened))}
        if opened:
            values = await _talk(request, opened, since=since) | {"names": names}
            drawn |= {name: request.text(f"inbox/{name}.html", name, **values) for name in _LIVE}
        return drawn

    return Live(inbox_live.pieces(request, draw))


# ---------------------------------------------------------------- parts of them


async def _page(
    request: Request, filters: _Filters, opened: str | None, form: Form = EMPTY, refused: Mapping[str, Any] = _NOTHING
) -> Response:
    """`refused`: what an answer that was not sent changes."""
    values: dict[str, Any] = {"opened": opened, "form": form, "typed": filters, "since": "", "desk_problem": None}
    people = (await request.api("listConversationPeople")).data
    values |= {"people": people, "names": _called(request, people)}
    if opened is not None:
        values |= {**await _talk(request, opened), **await _attached(request, opened, attachments.settled(form))}
        values |= refused
        await _read(request, opened, values["newest"])
        canned = await request.api("listCannedAnswers")
        settings = await request.api("getConversationSettings")
        values |= {"canned": canned.data, "asks": settings.ask_rating, "question": settings.question}
    wrong = ""
    try:
        values |= await _listed(request, filters, opened or "")
    except WhimbrelError as error:
        if error.code != "invalid_parameter":
            raise
        wrong = request.words("inbox.no_number", typed=filters.number[:40])
        values |= _nothing(filters, opened or "")
    more = ({"open": opened} if opened else {}) | ({"from": values["since"]} if values["since"] else {})
    return request.page(
        _PAGE, status=422 if refused else 200, wrong=wrong, live=f"{PATH}/live{filters.address(**more)}", **values
    )


async def _listed(request: Request, filters: _Filters, opened: str, cursor: str = "") -> dict[str, Any]:
    """What the list takes."""
    query = filters.query() | {"limit": str(_SHOWN)} | ({"cursor": cursor} if cursor else {})
    found = await request.api("listConversations", query=query)
    following = found.next_cursor
    return _nothing(filters, opened) | {
        "talks": found.data,
        "next_talks": f"{PATH}{filters.address(cursor=following)}" if following else "",
    }


def _nothing(filters: _Filters, opened: str) -> dict[str, Any]:
    return {"talks": (), "next_talks": "", "beside": filters.address(), "open_id": opened}


async def _talk(request: Request, conversation_id: str, *, since: str = "") -> dict[str, Any]:
    """What the open conversation takes. `since`: the oldest message on the page, to which what is drawn anew goes
    back."""
    about = await request.api("getConversation", path={"id": conversation_id})
    values = await _thread(request, conversation_id, since=since)
    shown = values["messages"]
    return values | {
        "talk": about,
        "newest": shown[-1].id if shown else "",
        "since": since or (shown[0].id if shown else ""),
        "may_keep": request.api.may("createCannedAnswer"),
        "key": request.services.ids.new(REQUEST),
        "problem": None,
    }


async def _thread(request: Request, conversation_id: str, cursor: str = "", *, since: str = "") -> dict[str, Any]:
    """A part of the thread, the oldest message first."""
    limit = str(_LIVE_MAX if since else _SHOWN)
    query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
    found = await request.api("getThread", path={"id": conversation_id}, query=query)
    messages = [each for each in reversed(found.data) if each.id >= since]
    following = found.next_cursor
    path = f"{PATH}/{conversation_id}"
    from_at = messages[0].created_at if messages and (following or since) else ""
    until_at = messages[-1].created_at if messages and cursor else ""
    return {
        "said": await _with_notes(request, conversation_id, messages, from_at, until_at),
        "messages": messages,
        "media": await attachments.of_messages(request, messages),
        "is_shown": attachments.is_shown,
        "earlier": f"{path}?{urlencode({'cursor': following})}" if following else "",
        "may_answer": request.api.may("answerConversation"),
    }


async def _with_notes(
    request: Request, conversation_id: str, messages: Sequence[Any], from_at: str, until_at: str
) -> list[Any]:
    """Messages and notes of the same stretch of time, the oldest first; moments are RFC 3339, empty: no bound."""
    found = await request.api("listConversationNotes", path={"id": conversation_id}, query={"limit": str(_NOTES)})
    notes = [each for each in found.data if each.created_at >= from_at and (not until_at or each.created_at < until_at)]
    return sorted([*messages, *notes], key=lambda each: (str(each.created_at), str(each.id)))


async def _names(request: Request) -> dict[str, str]:
    """Who is who."""
    return _called(request, (await request.api("listConversationPeople")).data)


def _called(request: Request, people: Sequence[Any]) -> dict[str, str]:
    """Names by id; the operator's people answer too, and at least know themselves."""
    return {each.id: each.name for each in people} | {request.visit.user.id: request.visit.user.name}


async def _read(request: Request, conversation_id: str, message_id: str) -> None:
    """Mark it as read, where the visitor may."""
    if is_id(message_id, MESSAGE) and request.api.may("readConversation"):
        await request.api("readConversation", path={"id": conversation_id}, body={"message_id": message_id})


PAGES = (
    Page(path=PATH, handle=inbox),
    Page(path=f"{PATH}/live", handle=live),
    Page(path=f"{PATH}/badge", handle=badge),
    Page(path=f"{PATH}/{{id}}", handle=talk),
    Page(path=f"{PATH}/{{id}}/answer", method="POST", handle=answer),
    Page(path=f"{PATH}/{{id}}/attach", method="POST", handle=attach),
    Page(path=f"{PATH}/{{id}}/desk", method="POST", handle=change),
    Page(path=f"{PATH}/{{id}}/notes/{{note_id}}/delete", method="POST", handle=forget),
    Page(path=f"{PATH}/{{id}}/read", method="POST", handle=read),
)
