"""Requests for consent as accounts make and read them."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from whimbrel.base import moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.consents import ConsentRequest, RequestState, is_purpose
from whimbrel.domain.numbers import normalise
from whimbrel.domain.permission import MARKETING
from whimbrel.journey.consent_requests import ConsentRequests, Question
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import FIRST_PAGE, Context, Page, Paging, after, commit, one, page

_DAY_S: Final = 86_400
_LASTS_S: Final = 3 * _DAY_S
_LASTS_MAX_S: Final = 30 * _DAY_S


class NewConsentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask somebody by text."""

    number: str
    purpose: Annotated[str, Meta(description="What for.")] = MARKETING
    sender: Annotated[str | None, Meta(description="A number or short code of the account.")] = None
    text: Annotated[
        str, Meta(max_length=480, description="In place of ours; `{name}` is the brand's. With the words YES and STOP.")
    ] = ""
    language: Annotated[
        str, Meta(max_length=10, description="Of our text; that of the number's country unless given.")
    ] = ""
    expires_in: Annotated[int, Meta(ge=60, le=_LASTS_MAX_S, description="Seconds in which a YES counts.")] = _LASTS_S
    url: Annotated[str, Meta(max_length=2_000, description="Of the form by which the person asked for it.")] = ""
    ip: Annotated[str, Meta(max_length=64, description="That the form was sent from.")] = ""
    metadata: dict[str, Any] = {}


class ConsentRequestView(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `number` is masked; `answer_id` is the text that answered."""

    id: str
    account_id: str
    number: str
    purpose: str
    sender: str
    wording: str
    status: RequestState
    sends: int
    message_id: str
    answer_id: str | None
    created_at: str
    sent_at: str
    expires_at: str
    answered_at: str | None


async def create(
    ctx: Context, asking: ConsentRequests, actor: str, request: NewConsentRequest, *, account_id: str
) -> ConsentRequestView:
    """Text the question. WhimbrelError consent_request_limit, and what a message may be refused for."""
    number = normalise(request.number)
    if number is None:
        raise WhimbrelError("invalid_number", errors=[FieldError("/number", "is no valid phone number")])
    checks = Checks()
    checks.require(bool(is_purpose(request.purpose)), "/purpose", "must be small letters, digits, _ . - (at most 40)")
    checks.done()
    await accounts.existing(ctx, account_id)
    proof = {"url": request.url, "ip": request.ip, "metadata": request.metadata}
    question = Question(
        account_id=account_id,
        number=number,
        purpose=request.purpose,
        actor=actor,
        lasts_us=request.expires_in * SECOND_US,
        sender=request.sender,
        text=request.text,
        language=request.language,
        proof={name: value for name, value in proof.items() if value},
    )
    async with ctx.lock:
        made = await asking.ask(question)
        await commit(ctx, [audit.entry(ctx, actor, "consent.requested", made.id, account_id)])
    return _view(made, ctx.clock.now_us())


async def get(ctx: Context, request_id: str, *, account_id: str) -> ConsentRequestView:
    """One request."""
    return _view(await one(ctx, ConsentRequest, "consent_request_by_id", account_id, request_id), ctx.clock.now_us())


async def find(ctx: Context, *, account_id: str, paging: Paging = FIRST_PAGE) -> Page[ConsentRequestView]:
    """Requests of an account, newest first."""
    statement = paging.of("consent_requests_page", "consent_requests_page_oldest")
    rows = await ctx.store.report(account_id, ConsentRequest, statement, account_id, after(paging), paging.limit + 1)
    now = ctx.clock.now_us()
    return page(rows, paging, lambda row: _view(row, now), lambda row: row.id)


def _view(row: ConsentRequest, now: int) -> ConsentRequestView:
    return ConsentRequestView(
        id=row.id,
        account_id=row.account_id,
        number=row.masked,
        purpose=row.purpose,
        sender=row.sender,
        wording=row.wording,
        status="expired" if row.state == "pending" and row.expires_at <= now else row.state,
        sends=row.sends,
        message_id=row.message_id,
        answer_id=row.answer_id,
        created_at=moments.to_text(row.created_at),
        sent_at=moments.to_text(row.sent_at),
        expires_at=moments.to_text(row.expires_at),
        answered_at=moments.to_text_or_none(row.answered_at),
    )
