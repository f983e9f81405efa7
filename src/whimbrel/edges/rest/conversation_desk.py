"""Notes beside conversations, how an account serves them, and figures of that."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page
from whimbrel.products.conversations import desk, notes, people
from whimbrel.products.conversations.desk import DeskSettings, Figures
from whimbrel.products.conversations.notes import NewNote, NoteView
from whimbrel.products.conversations.people import ConversationPeople

_TAG = "conversations"
_DAYS = 30


class FiguresQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Of which days."""

    days: Annotated[
        int, Meta(description=f"The last so many, today among them: 1 to {limits.CONVERSATION_FIGURES_DAYS}.")
    ] = _DAYS


async def add_note(services: Services, call: Call[NoQuery, NewNote]) -> Answer:
    made = await notes.create(
        services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id, test=call.test
    )
    return Answer(made)


async def find_notes(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    found = await notes.find(
        services.manage, call.path["id"], account_id=call.account_id, test=call.test, paging=call.query.paging()
    )
    return Answer(found)


async def delete_note(services: Services, call: Call[NoQuery, None]) -> Answer:
    await notes.delete(
        services.manage,
        call.actor,
        call.path["id"],
        call.path["note_id"],
        account_id=call.account_id,
        test=call.test,
    )
    return Answer()


async def get_settings(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await desk.get(services.manage, account_id=call.account_id))


async def put_settings(services: Services, call: Call[NoQuery, DeskSettings]) -> Answer:
    return Answer(await desk.put(services.manage, call.actor, call.body, account_id=call.account_id))


async def figures(services: Services, call: Call[FiguresQuery, None]) -> Answer:
    found = await desk.figures(services.manage, account_id=call.account_id, test=call.test, days=call.query.days)
    return Answer(found)


async def people_of(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await people.find(services.manage, account_id=call.account_id))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/conversations/{id}/notes", name="noteConversation", tag=_TAG,
        summary="Note something beside a conversation",
        description="For the people of the account; no phone sees it.",
        scope="conversations:write", handle=add_note, body=NewNote, answer=NoteView, status=201, errors=("conflict",),
        example={"text": "Calls back on Monday."},
    ),
    Operation(
        method="GET", path="/v1/conversations/{id}/notes", name="listConversationNotes", tag=_TAG,
        summary="List the notes of a conversation",
        scope="conversations:read", handle=find_notes, query=HistoryQuery, answer=Page[NoteView],
    ),
    Operation(
        method="DELETE", path="/v1/conversations/{id}/notes/{note_id}", name="deleteConversationNote", tag=_TAG,
        summary="Delete a note", scope="conversations:write", handle=delete_note, status=204,
    ),
    Operation(
        method="GET", path="/v1/conversation-settings", name="getConversationSettings", tag=_TAG,
        summary="Read how conversations are served",
        scope="conversations:read", handle=get_settings, answer=DeskSettings,
    ),
    Operation(
        method="PUT", path="/v1/conversation-settings", name="setConversationSettings", tag=_TAG,
        summary="Set how conversations are served",
        description="Hours of service with an automatic answer outside of them, and the question for a rating at the "
        "end. What is not given goes back to what it was at first.",
        scope="conversations:write", handle=put_settings, body=DeskSettings, answer=DeskSettings,
        example={
            "time_zone": "Europe/Berlin", "hours": [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}],
            "away_text": "We are back at nine.", "ask_rating": True,
            "question": "How did we do, from 1 (badly) to 5 (very well)?", "thanks": "Thank you!",
        },
    ),
    Operation(
        method="GET", path="/v1/conversation-people", name="listConversationPeople", tag=_TAG,
        summary="List the people who can see to conversations",
        description="Those of the account who may answer, by name.",
        scope="conversations:read", handle=people_of, answer=ConversationPeople,
    ),
    Operation(
        method="GET", path="/v1/conversation-figures", name="getConversationFigures", tag=_TAG,
        summary="Answers, waits and ratings by day and person",
        description="Days of UTC. `mean_reply_s`: how long a text waited for its answer.",
        scope="conversations:read", handle=figures, query=FiguresQuery, answer=Figures,
    ),
)  # fmt: skip
