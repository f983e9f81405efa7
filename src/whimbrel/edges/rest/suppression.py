"""/v1/suppression-lists: numbers that are not texted, an account's and the operator's. /v1/consent-words and
/v1/consent-texts: what people say about consent, and what they are answered.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.edges.rest.files import CSV, file_pieces, send_csv, send_json
from whimbrel.edges.rest.paging import PageQuery
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import consent_words, exports, suppression
from whimbrel.manage.consent_words import (
    ConsentAnswerView,
    ConsentTextView,
    ConsentWordView,
    NewConsentText,
    NewConsentWord,
)
from whimbrel.manage.context import Page
from whimbrel.manage.number_files import FileTaken
from whimbrel.manage.suppression import (
    NewNumbers,
    NewSuppressionList,
    NumbersAdded,
    SuppressionListView,
    SuppressionView,
)

_TAG = "consent"
_BULK_MAX = 512 * 1024  # octets: 10,000 numbers


class NumbersQuery(PageQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which page, or whether one number is on the list."""

    number: Annotated[str | None, Meta(description="A number: answers with its row, or with none.")] = None


class NumberQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which number."""

    number: Annotated[str, Meta(description="In E.164.")]


class PreviewQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Answered in which language, in whose name."""

    language: Annotated[str, Meta(description="Such as `de`.")] = "en"
    brand: Annotated[str | None, Meta(description="Id of a brand; without it in the account's name.")] = None


async def create(services: Services, call: Call[NoQuery, NewSuppressionList]) -> Answer:
    made = await suppression.create(services.manage, call.actor, call.body, account_id=call.acting_for)
    return Answer(made, location=f"/v1/suppression-lists/{made.id}")


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await suppression.find(services.manage, account_id=call.acting_for))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await suppression.get(services.manage, call.path["id"], account_id=call.acting_for))


async def put(services: Services, call: Call[NoQuery, NewSuppressionList]) -> Answer:
    changed = await suppression.put(services.manage, call.actor, call.path["id"], call.body, account_id=call.acting_for)
    return Answer(changed)


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await suppression.delete(services.manage, call.actor, call.path["id"], account_id=call.acting_for)
    return Answer()


async def numbers(services: Services, call: Call[NumbersQuery, None]) -> Answer:
    query = call.query
    found = await suppression.numbers(
        services.manage, call.path["id"], account_id=call.acting_for, number=query.number, paging=query.paging()
    )
    return Answer(found)


async def add(services: Services, call: Call[NoQuery, NewNumbers]) -> Answer:
    added = await suppression.add(services.manage, call.actor, call.path["id"], call.body, account_id=call.acting_for)
    return Answer(added)


async def remove(services: Services, call: Call[NumberQuery, None]) -> Answer:
    await suppression.remove(
        services.manage, call.actor, call.path["id"], call.query.number, account_id=call.acting_for
    )
    return Answer()


async def take_file(
    services: Services, call: Call[NoQuery, None], headers: Headers, receive: Receive, send: Send
) -> None:
    taken = await suppression.take_file(
        services.manage, call.actor, call.path["id"], file_pieces(call, receive), account_id=call.acting_for
    )
    await send_json(taken, headers, send)


async def export(services: Services, call: Call[NoQuery, None], headers: Headers, receive: Receive, send: Send) -> None:
    pages = await suppression.export(services.manage, call.path["id"], account_id=call.acting_for)
    await exports.note(services.manage, call.actor, call.acting_for, "suppression_list", ())
    await send_csv(pages, "suppression.csv", headers, send)


async def words(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await consent_words.find_words(services.manage, account_id=call.acting_for))


async def add_word(services: Services, call: Call[NoQuery, NewConsentWord]) -> Answer:
    return Answer(await consent_words.add_word(services.manage, call.actor, call.body, account_id=call.acting_for))


async def delete_word(services: Services, call: Call[NoQuery, None]) -> Answer:
    await consent_words.delete_word(services.manage, call.actor, call.path["id"], account_id=call.acting_for)
    return Answer()


async def texts(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await consent_words.find_texts(services.manage, account_id=call.acting_for))


async def preview(services: Services, call: Call[PreviewQuery, None]) -> Answer:
    query = call.query
    found = await consent_words.preview(
        services.manage, language=query.language, brand_id=query.brand, account_id=call.acting_for
    )
    return Answer(found)


async def put_text(services: Services, call: Call[NoQuery, NewConsentText]) -> Answer:
    return Answer(await consent_words.put_text(services.manage, call.actor, call.body, account_id=call.acting_for))


async def delete_text(services: Services, call: Call[NoQuery, None]) -> Answer:
    await consent_words.delete_text(services.manage, call.actor, call.path["id"], account_id=call.acting_for)
    return Answer()


_LIST = {"name": "complaints", "reason": "Complained to the carrier", "classes": ["marketing", "transactional"]}

OPERATIONS = (
    Operation(
        method="POST", path="/v1/suppression-lists", name="createSuppressionList", tag=_TAG,
        summary="Make a list of numbers that are not texted",
        description="The operator makes lists for every account without `X-Account-Id`.",
        access="any", scope="opt_outs:write", live_only=True, handle=create, body=NewSuppressionList,
        answer=SuppressionListView, status=201, errors=("conflict",), example=_LIST,
    ),
    Operation(
        method="GET", path="/v1/suppression-lists", name="listSuppressionLists", tag=_TAG,
        summary="List the lists that hold",
        description="The account's own, and the operator's.",
        access="any", scope="opt_outs:read", handle=find, answer=Page[SuppressionListView],
    ),
    Operation(
        method="GET", path="/v1/suppression-lists/{id}", name="getSuppressionList", tag=_TAG, summary="Read a list",
        access="any", scope="opt_outs:read", handle=get, answer=SuppressionListView,
    ),
    Operation(
        method="PUT", path="/v1/suppression-lists/{id}", name="putSuppressionList", tag=_TAG, summary="Change a list",
        access="any", scope="opt_outs:write", live_only=True, handle=put, body=NewSuppressionList,
        answer=SuppressionListView, errors=("conflict",), example=_LIST,
    ),
    Operation(
        method="DELETE", path="/v1/suppression-lists/{id}", name="deleteSuppressionList", tag=_TAG,
        summary="Delete a list with its numbers",
        access="any", scope="opt_outs:write", live_only=True, handle=delete, status=204, errors=("conflict",),
    ),
    Operation(
        method="GET", path="/v1/suppression-lists/{id}/numbers", name="listSuppressedNumbers", tag=_TAG,
        summary="List the numbers of a list",
        access="any", scope="opt_outs:read", handle=numbers, query=NumbersQuery, answer=Page[SuppressionView],
        errors=("invalid_number",),
    ),
    Operation(
        method="POST", path="/v1/suppression-lists/{id}/numbers", name="addSuppressedNumbers", tag=_TAG,
        summary="Put up to 10,000 numbers on a list",
        description="All of them or, when one is invalid, none.",
        access="any", scope="opt_outs:write", live_only=True, handle=add, body=NewNumbers, body_max=_BULK_MAX,
        answer=NumbersAdded, example={"numbers": ["+14155550123"], "reason": "Complained on 3 March"},
    ),
    Operation(
        method="DELETE", path="/v1/suppression-lists/{id}/numbers", name="removeSuppressedNumber", tag=_TAG,
        summary="Take a number off a list",
        access="any", scope="opt_outs:write", live_only=True, handle=remove, query=NumberQuery, status=204,
        errors=("invalid_number", "conflict"),
    ),
    Operation(
        method="POST", path="/v1/suppression-lists/{id}/import", name="importSuppressedNumbers", tag=_TAG,
        summary="Put the numbers of a CSV file on a list",
        description="Columns `number` and `reason`, or nothing but numbers. A thousand rows a commit; sent twice, the "
        "second time adds nothing.",
        access="any", scope="opt_outs:write", live_only=True, stream=take_file, octets=(CSV,), answer=FileTaken,
        errors=("import_unreadable", "body_too_large"),
    ),
    Operation(
        method="GET", path="/v1/suppression-lists/{id}/export", name="exportSuppressedNumbers", tag=_TAG,
        summary="Export a list as CSV",
        access="any", scope="opt_outs:read", stream=export, content_type=CSV,
    ),
    Operation(
        method="GET", path="/v1/consent-words", name="listConsentWords", tag=_TAG,
        summary="List the words of STOP, START and HELP",
        description="The product's, each with its source, and those that were added or switched off.",
        access="any", scope="opt_outs:read", handle=words, answer=Page[ConsentWordView],
    ),
    Operation(
        method="POST", path="/v1/consent-words", name="addConsentWord", tag=_TAG,
        summary="Add a word, or switch one off",
        access="any", scope="policies:write", live_only=True, handle=add_word, body=NewConsentWord,
        answer=ConsentWordView, status=201, errors=("conflict",),
        example={"kind": "join", "word": "SHOES", "wording": "Text SHOES to 12345 for offers of Acme, 4 a month."},
    ),
    Operation(
        method="DELETE", path="/v1/consent-words/{id}", name="deleteConsentWord", tag=_TAG,
        summary="Take an own word away",
        access="any", scope="policies:write", live_only=True, handle=delete_word, status=204, errors=("conflict",),
    ),
    Operation(
        method="GET", path="/v1/consent-texts", name="listConsentTexts", tag=_TAG,
        summary="List the texts that answer keywords in place of the product's",
        access="any", scope="opt_outs:read", handle=texts, answer=Page[ConsentTextView],
    ),
    Operation(
        method="GET", path="/v1/consent-texts/preview", name="previewConsentTexts", tag=_TAG,
        summary="Show what STOP, START and HELP are answered",
        description="In a language, in the name of the account or of a brand: its own text, else the account's, else "
        "the operator's, else the product's.",
        access="any", scope="opt_outs:read", handle=preview, query=PreviewQuery, answer=Page[ConsentAnswerView],
    ),
    Operation(
        method="PUT", path="/v1/consent-texts", name="putConsentText", tag=_TAG,
        summary="Set the text that answers a keyword",
        access="any", scope="policies:write", live_only=True, handle=put_text, body=NewConsentText,
        answer=ConsentTextView, errors=("conflict",),
        example={"kind": "help", "language": "en", "text": "{name}: help at acme.example/help. STOP to opt out."},
    ),
    Operation(
        method="DELETE", path="/v1/consent-texts/{id}", name="deleteConsentText", tag=_TAG,
        summary="Take a text away: the next one that fits is sent",
        access="any", scope="policies:write", live_only=True, handle=delete_text, status=204, errors=("conflict",),
    ),
)  # fmt: skip
