"""/v1/verify/services and their verifications: codes that prove that a phone is somebody's."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.rest.paging import Cursor, Limit, Ordered, PageQuery
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging
from whimbrel.manage.scopes import allows
from whimbrel.products.verify import finding, reports
from whimbrel.products.verify import services as verify_services
from whimbrel.products.verify.finding import Wanted
from whimbrel.products.verify.services import NewService, ServiceChange, ServiceView
from whimbrel.products.verify.starting import Start
from whimbrel.products.verify.views import (
    AttemptView,
    CheckView,
    VerificationView,
    attempt_view,
    check_view,
    verification_view,
)

_TAG = "verify"
_OF_SENDERS = ("sender_not_allowed", "invalid_sender")
_READS_NUMBERS = "messages:read"
_PLACE = "A verification's id, or a number: the newest verification of it."
_Status = Literal["pending", "approved", "canceled", "expired", "max_attempts_reached", "failed"]
_STARTED = (
    "not_found", "invalid_number", "verify_custom_code_refused", "verify_channel_unknown", "verify_country_refused",
    "verify_line_refused", "verify_blocked", "verify_failed_too_often", "verify_too_many_sends", "verify_too_soon",
    "verify_sends_spent", "verify_rate_limited", "opted_out", "no_sender", "no_route", "no_price",
    "insufficient_balance", "sender_not_allowed", "invalid_sender", "account_suspended", "conflict",
)  # fmt: skip


class NewVerification(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose number has to prove itself. While a verification of the number is pending, the same code is sent again."""

    to: Annotated[str, Meta(description="The number in E.164, or an address of mail.", examples=["+14155550123"])]
    channel: Annotated[
        str,
        Meta(
            description="By what the code is brought, such as `sms`, `email` or `voice`; where it is one of the "
            "service's, those after it follow when it fails. Empty or `auto`: the service's channels."
        ),
    ] = ""
    channels: Annotated[
        tuple[str, ...], Meta(description="In place of the service's: each follows where the one before it failed.")
    ] = ()
    fallback_after_s: Annotated[
        int | None, Meta(description="Seconds after which the next channel is taken, unless the code is delivered.")
    ] = None
    language: Annotated[
        str | None, Meta(description="Of the text, such as `de`; by default the service's, or that of the country.")
    ] = None
    custom_code: Annotated[
        str | None, Meta(description="A code of your own, 4 to 10 digits or letters, where the service takes them.")
    ] = None
    app_hash: Annotated[str | None, Meta(description="Eleven characters by which Android knows your app.")] = None
    name: Annotated[str | None, Meta(description="In place of the service's, in the text.")] = None
    metadata: Annotated[dict[str, Any] | None, Meta(description="Your own data, told again in answers.")] = None
    rate_keys: Annotated[
        dict[str, str],
        Meta(description="Rate limits of the service by name, each with what it counts by, such as an address."),
    ] = {}


class NewCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code as somebody typed it, and of what verification: its `id`, or the number in `to`."""

    code: Annotated[str, Meta(min_length=1, max_length=32)]
    id: str | None = None
    to: str | None = None


class VerificationQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which page, and which of them."""

    to: Annotated[str | None, Meta(description="Only those of this number.")] = None
    status: Annotated[_Status | None, Meta(description="Only those that stand so.")] = None
    country: Annotated[str | None, Meta(description="Only to numbers of this country (ISO 3166).")] = None
    order: Ordered = "desc"
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


def _masked(call: Call[Any, Any]) -> bool:
    return not allows(call.principal.scopes, _READS_NUMBERS)


async def create_service(services: Services, call: Call[NoQuery, NewService]) -> Answer:
    about: Any = {"account_id": call.account_id, "channels": services.verify.channels}
    made = await verify_services.create(services.manage, call.actor, call.body, **about)
    return Answer(made, location=f"/v1/verify/services/{made.id}")


async def find_services(services: Services, call: Call[PageQuery, None]) -> Answer:
    paging = call.query.paging()
    return Answer(await verify_services.find(services.manage, account_id=call.account_id, paging=paging))


async def get_service(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await verify_services.get(services.manage, call.path["id"], account_id=call.account_id))


async def update_service(services: Services, call: Call[NoQuery, ServiceChange]) -> Answer:
    about: Any = {"account_id": call.account_id, "channels": services.verify.channels}
    return Answer(await verify_services.update(services.manage, call.actor, call.path["id"], call.body, **about))


async def delete_service(services: Services, call: Call[NoQuery, None]) -> Answer:
    await verify_services.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def start(services: Services, call: Call[NoQuery, NewVerification]) -> Answer:
    body = call.body
    request = Start(**{name: getattr(body, name) for name in NewVerification.__struct_fields__})
    service_id, still = call.path["id"], call.still
    row = await services.verify.start(call.account_id, service_id, request, test=call.test, still=still)
    service = await verify_services.existing(services.manage, service_id, call.account_id)
    looks_up = verify_services.settings_of(service).lookup
    view = verification_view(row, masked=_masked(call), lookup=looks_up)
    return Answer(view, location=f"/v1/verify/services/{row.service_id}/verifications/{row.id}")


async def find(services: Services, call: Call[VerificationQuery, None]) -> Answer:
    query, service_id = call.query, call.path["id"]
    await verify_services.existing(services.manage, service_id, call.account_id)
    paging, masked = Paging(query.cursor, query.limit, query.order), _masked(call)
    wanted = Wanted(to=query.to or "", status=query.status or "", country=query.country or "")
    found = await finding.find(services.manage, call.account_id, service_id, wanted, paging, test=call.test)
    views = tuple(verification_view(row, masked=masked) for row in found.data)
    return Answer(Page(views, found.next_cursor))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    place = (call.account_id, call.path["id"], call.path["verification"])
    row = await services.verify.get(*place, test=call.test)
    return Answer(verification_view(row, masked=_masked(call)))


async def get_attempts(services: Services, call: Call[NoQuery, None]) -> Answer:
    place = (call.account_id, call.path["id"], call.path["verification"])
    row = await services.verify.get(*place, test=call.test)
    rows = await services.verify.attempts_of(row)
    states = await reports.states_of(services.manage, rows)
    return Answer(Page(tuple(attempt_view(each, states) for each in rows)))


async def check(services: Services, call: Call[NoQuery, NewCheck]) -> Answer:
    body = call.body
    place = body.id if body.to is None else body.to if body.id is None else None
    if place is None:
        raise WhimbrelError("invalid_request", errors=[FieldError("/id", "or `to` is to be given, and not both")])
    found = await services.verify.check(call.account_id, call.path["id"], body.code, test=call.test, place=place)
    return Answer(check_view(found.verification, valid=found.valid, masked=_masked(call)))


async def cancel(services: Services, call: Call[NoQuery, None]) -> Answer:
    place = (call.account_id, call.path["id"], call.path["verification"])
    row = await services.verify.cancel(*place, test=call.test)
    return Answer(verification_view(row, masked=_masked(call)))


async def approve(services: Services, call: Call[NoQuery, None]) -> Answer:
    place = (call.account_id, call.path["id"], call.path["verification"])
    row = await services.verify.approve(*place, test=call.test)
    return Answer(verification_view(row, masked=_masked(call)))


_SERVICES = "/v1/verify/services"
_VERIFICATIONS = "/v1/verify/services/{id}/verifications"
OPERATIONS = (
    Operation(
        method="POST", path=_SERVICES, name="createVerifyService", tag=_TAG, summary="Create a verify service",
        description="Its name stands in the texts.",
        scope="verify:manage", live_only=True, handle=create_service, body=NewService, answer=ServiceView, status=201,
        errors=_OF_SENDERS,
        example={"name": "Acme", "settings": {"code_length": 6, "do_not_share": True}},
    ),
    Operation(
        method="GET", path=_SERVICES, name="listVerifyServices", tag=_TAG, summary="List verify services",
        scope="verify:read", handle=find_services, query=PageQuery, answer=Page[ServiceView],
    ),
    Operation(
        method="GET", path=f"{_SERVICES}/{{id}}", name="getVerifyService", tag=_TAG, summary="Read a verify service",
        scope="verify:read", handle=get_service, answer=ServiceView,
    ),
    Operation(
        method="PATCH", path=f"{_SERVICES}/{{id}}", name="updateVerifyService", tag=_TAG,
        summary="Change a verify service", description="Verifications under way go on as they began.",
        scope="verify:manage", live_only=True, handle=update_service, body=ServiceChange, answer=ServiceView,
        errors=_OF_SENDERS,
        example={"settings": {"ttl_s": 300, "countries": ["US", "GB"]}},
    ),
    Operation(
        method="DELETE", path=f"{_SERVICES}/{{id}}", name="deleteVerifyService", tag=_TAG,
        summary="Delete a verify service", description="Its verifications can be checked no more.",
        scope="verify:manage", live_only=True, handle=delete_service, status=204,
    ),
    Operation(
        method="POST", path=_VERIFICATIONS, name="startVerification", tag=_TAG, summary="Send a code",
        description="While a verification of the number is pending, the same code is sent again, after a wait.",
        scope="verify:write", handle=start, body=NewVerification, answer=VerificationView, status=201,
        errors=_STARTED, example={"to": "+14155550123"},
    ),
    Operation(
        method="POST", path=f"{_VERIFICATIONS}/check", name="checkVerification", tag=_TAG, summary="Check a code",
        description="A wrong code is `valid: false`. What has ended, or never was, is not found.",
        scope="verify:write", handle=check, body=NewCheck, answer=CheckView,
        errors=("verify_checks_spent", "verify_failed_too_often"), example={"to": "+14155550123", "code": "123456"},
    ),
    Operation(
        method="GET", path=_VERIFICATIONS, name="listVerifications", tag=_TAG, summary="List verifications",
        description="Newest first, never with a code. Numbers are masked unless the key may read messages. By status "
        "or country one answer looks through a part only: a page may be short while there is a cursor.",
        scope="verify:read", handle=find, query=VerificationQuery, answer=Page[VerificationView],
        errors=("invalid_number",),
    ),
    Operation(
        method="GET", path=f"{_VERIFICATIONS}/{{verification}}", name="getVerification", tag=_TAG,
        summary="Read a verification", description=_PLACE,
        scope="verify:read", handle=get, answer=VerificationView,
    ),
    Operation(
        method="GET", path=f"{_VERIFICATIONS}/{{verification}}/attempts", name="listAttemptsOfVerification", tag=_TAG,
        summary="List the texts of a verification", description=_PLACE,
        scope="verify:read", handle=get_attempts, answer=Page[AttemptView],
    ),
    Operation(
        method="POST", path=f"{_VERIFICATIONS}/{{verification}}/cancel", name="cancelVerification", tag=_TAG,
        summary="Call a verification off", description=_PLACE,
        scope="verify:write", handle=cancel, answer=VerificationView, errors=("verify_not_pending",),
    ),
    Operation(
        method="POST", path=f"{_VERIFICATIONS}/{{verification}}/approve", name="approveVerification", tag=_TAG,
        summary="Approve without a code", description=f"Where you know by other means. {_PLACE}",
        scope="verify:write", handle=approve, answer=VerificationView, errors=("verify_not_pending",),
    ),
)  # fmt: skip
