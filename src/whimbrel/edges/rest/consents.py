"""/v1/consents: the ledger of who agreed to what. /v1/brands: groups of senders, for which a STOP may hold."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.domain.consents import ConsentAction, ConsentSource
from whimbrel.edges.rest.files import CSV, file_pieces, send_csv, send_json
from whimbrel.edges.rest.paging import HistoryQuery
from whimbrel.edges.shared.asgi import Headers, Receive, Send
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.journey.consent_requests import ConsentRequests
from whimbrel.manage import brands, consents, exports
from whimbrel.manage.brands import BrandView, NewBrand
from whimbrel.manage.consents import ConsentView, NewConsent, StandingView, Wanted
from whimbrel.manage.context import Page
from whimbrel.manage.number_files import FileTaken
from whimbrel.products.consent import requests
from whimbrel.products.consent.requests import ConsentRequestView, NewConsentRequest

_TAG = "consent"
_Number = Annotated[str | None, Meta(description="Of this number.")]
_Action = Annotated[ConsentAction | None, Meta(description="Only grants, or only what was taken back.")]


class ConsentQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which records: of a number, or of an action."""

    number: _Number = None
    action: _Action = None


class ExportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Which records."""

    number: _Number = None
    action: _Action = None


class StandingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Whose."""

    number: Annotated[str, Meta(description="In E.164.")]


class ConsentFileQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What holds for rows that do not say otherwise."""

    purpose: str = "marketing"
    source: ConsentSource = "import"
    wording: Annotated[str, Meta(max_length=2_000)] = ""
    url: Annotated[str, Meta(max_length=2_000)] = ""

    def defaults(self) -> NewConsent:
        """The same as a record without a number."""
        return NewConsent(number="", purpose=self.purpose, source=self.source, wording=self.wording, url=self.url)


async def record(services: Services, call: Call[NoQuery, NewConsent]) -> Answer:
    made = await consents.record(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/consents/{made.id}")


async def find(services: Services, call: Call[ConsentQuery, None]) -> Answer:
    query = call.query
    wanted = Wanted(query.number, query.action)
    found = await consents.find(services.manage, wanted, account_id=call.account_id, paging=query.paging())
    return Answer(found)


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await consents.get(services.manage, call.path["id"], account_id=call.account_id))


async def standing(services: Services, call: Call[StandingQuery, None]) -> Answer:
    return Answer(await consents.standing(services.manage, call.query.number, account_id=call.account_id))


async def export(
    services: Services, call: Call[ExportQuery, None], headers: Headers, receive: Receive, send: Send
) -> None:
    query = call.query
    pages = await consents.export(services.manage, Wanted(query.number, query.action), account_id=call.account_id)
    filters = [name for name in ("number", "action") if getattr(query, name) is not None]
    await exports.note(services.manage, call.actor, call.account_id, "consents", filters)
    await send_csv(pages, "consents.csv", headers, send)


async def take_file(
    services: Services, call: Call[ConsentFileQuery, None], headers: Headers, receive: Receive, send: Send
) -> None:
    taken = await consents.take_file(
        services.manage, call.actor, file_pieces(call, receive), call.query.defaults(), account_id=call.account_id
    )
    await send_json(taken, headers, send)


def _asking(services: Services) -> ConsentRequests:
    return ConsentRequests(
        store=services.store,
        tables=services.tables,
        clock=services.clock,
        ids=services.ids,
        vault=services.vault,
        accept=services.accept,
    )


async def ask(services: Services, call: Call[NoQuery, NewConsentRequest]) -> Answer:
    made = await requests.create(services.manage, _asking(services), call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/consents/requests/{made.id}")


async def find_requests(services: Services, call: Call[HistoryQuery, None]) -> Answer:
    found = await requests.find(services.manage, account_id=call.account_id, paging=call.query.paging())
    return Answer(found)


async def get_request(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await requests.get(services.manage, call.path["id"], account_id=call.account_id))


async def create_brand(services: Services, call: Call[NoQuery, NewBrand]) -> Answer:
    made = await brands.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/brands/{made.id}")


async def find_brands(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await brands.find(services.manage, account_id=call.account_id))


async def get_brand(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await brands.get(services.manage, call.path["id"], account_id=call.account_id))


async def put_brand(services: Services, call: Call[NoQuery, NewBrand]) -> Answer:
    changed = await brands.put(services.manage, call.actor, call.path["id"], call.body, account_id=call.account_id)
    return Answer(changed)


async def delete_brand(services: Services, call: Call[NoQuery, None]) -> Answer:
    await brands.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


_EXAMPLE = {
    "number": "+14155550123",
    "source": "web_form",
    "wording": "I agree to get offers of Acme by text, at most four a month. Reply STOP to end.",
    "url": "https://acme.example/join",
    "ip": "192.0.2.7",
}
_BRAND = {"name": "Acme Shoes", "senders": ["+14155550100"]}

OPERATIONS = (
    Operation(
        method="POST", path="/v1/consents", name="recordConsent", tag=_TAG,
        summary="Record that somebody agreed, or took it back",
        description="Records are added and never changed. A grant of somebody who opted out is kept and lets nothing "
        "through: only START, or deleting the opt-out, does.",
        scope="consents:write", live_only=True, handle=record, body=NewConsent, answer=ConsentView, status=201,
        errors=("invalid_number",), example=_EXAMPLE,
    ),
    Operation(
        method="GET", path="/v1/consents", name="listConsents", tag=_TAG, summary="List the ledger of consent",
        scope="consents:read", handle=find, query=ConsentQuery, answer=Page[ConsentView], errors=("invalid_number",),
    ),
    Operation(
        method="GET", path="/v1/consents/standing", name="readConsentStanding", tag=_TAG,
        summary="Read what a number agrees to now",
        scope="consents:read", handle=standing, query=StandingQuery, answer=StandingView, errors=("invalid_number",),
    ),
    Operation(
        method="GET", path="/v1/consents/export", name="exportConsents", tag=_TAG, summary="Export the ledger as CSV",
        description="Oldest first, with whole numbers, except of people who were erased.",
        scope="consents:read", stream=export, query=ExportQuery, content_type=CSV, errors=("invalid_number",),
    ),
    Operation(
        method="POST", path="/v1/consents/import", name="importConsents", tag=_TAG,
        summary="Record consents from a CSV file",
        description="Columns: `number`, and where rows differ `purpose`, `action`, `source`, `wording`, `at`, `url`, "
        "`ip`. A thousand rows a commit; sent twice, the second time adds nothing.",
        scope="consents:write", live_only=True, stream=take_file, query=ConsentFileQuery, octets=(CSV,),
        answer=FileTaken, errors=("import_unreadable", "body_too_large"),
    ),
    Operation(
        method="POST", path="/v1/consents/requests", name="requestConsent", tag=_TAG,
        summary="Ask somebody for consent by text",
        description="One text asks, a YES from the phone grants (double opt-in), and both are kept as the proof. At "
        "most three times within 30 days, an hour apart.",
        scope="consents:write", live_only=True, handle=ask, body=NewConsentRequest, answer=ConsentRequestView,
        status=202,
        errors=(
            "invalid_number", "consent_request_limit", "opted_out", "suppressed", "no_sender", "sender_not_allowed",
            "invalid_sender", "no_route", "no_price", "insufficient_balance", "overloaded",
        ),
        example={"number": "+14155550123", "url": "https://acme.example/join", "ip": "192.0.2.7"},
    ),
    Operation(
        method="GET", path="/v1/consents/requests", name="listConsentRequests", tag=_TAG,
        summary="List requests for consent",
        scope="consents:read", handle=find_requests, query=HistoryQuery, answer=Page[ConsentRequestView],
    ),
    Operation(
        method="GET", path="/v1/consents/requests/{id}", name="getConsentRequest", tag=_TAG,
        summary="Read a request for consent",
        scope="consents:read", handle=get_request, answer=ConsentRequestView,
    ),
    Operation(
        method="GET", path="/v1/consents/{id}", name="getConsent", tag=_TAG, summary="Read a record of consent",
        scope="consents:read", handle=get, answer=ConsentView,
    ),
    Operation(
        method="POST", path="/v1/brands", name="createBrand", tag=_TAG, summary="Make a brand of some senders",
        scope="opt_outs:write", live_only=True, handle=create_brand, body=NewBrand, answer=BrandView, status=201,
        errors=("conflict",), example=_BRAND,
    ),
    Operation(
        method="GET", path="/v1/brands", name="listBrands", tag=_TAG, summary="List brands",
        scope="opt_outs:read", handle=find_brands, answer=Page[BrandView],
    ),
    Operation(
        method="GET", path="/v1/brands/{id}", name="getBrand", tag=_TAG, summary="Read a brand",
        scope="opt_outs:read", handle=get_brand, answer=BrandView,
    ),
    Operation(
        method="PUT", path="/v1/brands/{id}", name="putBrand", tag=_TAG, summary="Change a brand",
        scope="opt_outs:write", live_only=True, handle=put_brand, body=NewBrand, answer=BrandView, example=_BRAND,
    ),
    Operation(
        method="DELETE", path="/v1/brands/{id}", name="deleteBrand", tag=_TAG, summary="Delete a brand",
        description="Who opted out of it is kept, and counts no more.",
        scope="opt_outs:write", live_only=True, handle=delete_brand, status=204,
    ),
)  # fmt: skip
