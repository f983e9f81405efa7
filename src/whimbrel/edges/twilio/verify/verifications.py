"""Verifications: a code is sent, checked, called off. Where a number stands in a path in place of the sid, its newest
verification is meant.
"""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.lookup import look
from whimbrel.domain.verify import APPROVED, CANCELED, EXPIRED, PENDING, SendAttempt, Verification
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.forms import Form, named, wrong
from whimbrel.edges.twilio.lookups import carrier
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.edges.twilio.times import iso
from whimbrel.edges.twilio.verify import forms
from whimbrel.edges.twilio.verify.services import check_template
from whimbrel.products.verify import services as verify_services
from whimbrel.products.verify.starting import Start
from whimbrel.products.verify.views import shown_number

_CHANNELS: Final = frozenset({"sms", "call", "email", "whatsapp", "sna", "rbm", "auto"})
_CALL, _VOICE = "call", "voice"
"""What Twilio calls a channel that speaks, and what operators may call it."""
_REFUSED: Final = ("CustomMessage", "Amount", "Payee")
"""Not taken: without them the text would not say what it has to."""
_TAGS_MAX: Final = 10
_NAMES: Final = {
    "/to": "To", "/channel": "Channel", "/channels": "Channel", "/language": "Locale", "/custom_code": "CustomCode",
    "/app_hash": "AppHash", "/name": "CustomFriendlyName", "/metadata": "Tags", "/rate_keys": "RateLimits",
}  # fmt: skip
_encode = msgspec.json.Encoder().encode


class VerificationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A verification."""

    sid: str
    service_sid: str
    account_sid: str
    to: str
    channel: str
    status: str
    valid: bool
    lookup: dict[str, Any]
    amount: None = None
    payee: None = None
    send_code_attempts: tuple[dict[str, str], ...]
    sna: None = None
    date_created: str
    date_updated: str
    url: str


class CheckRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found."""

    sid: str
    service_sid: str
    account_sid: str
    to: str
    channel: str
    status: str
    valid: bool
    amount: None = None
    payee: None = None
    sna_attempts_error_codes: tuple[()] = ()
    date_created: str
    date_updated: str


def channel_name(own: str) -> str:
    """What Twilio calls a channel."""
    return _CALL if own == _VOICE else own


class Verifications:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage
        self._verify = services.verify
        self._clock = services.clock

    async def create(self, request: Request) -> Reply:
        """Send a code, or the same one again."""
        start = _start(await forms.form_of(request), self._verify.channels)
        with named(_NAMES):
            row = await self._verify.start(
                request.account_id, request.names[0], start, test=request.test, still=request.still
            )
        return Reply(_encode(await self._record(request, row)), 201)

    async def fetch(self, request: Request) -> Reply:
        """One, by its sid or a number."""
        row = await self._verify.get(request.account_id, *request.names, test=request.test)
        return Reply(_encode(await self._record(request, row)))

    async def update(self, request: Request) -> Reply:
        """Call it off, or approve it without a code."""
        status = forms.needed(await forms.form_of(request), "Status")
        if status not in (CANCELED, APPROVED):
            raise wrong("Status", "Invalid parameter `Status`: can become canceled or approved.")
        end = self._verify.cancel if status == CANCELED else self._verify.approve
        row = await end(request.account_id, *request.names, test=request.test)
        return Reply(_encode(await self._record(request, row)))

    async def check(self, request: Request) -> Reply:
        """Whether a code is the right one."""
        form = await forms.form_of(request)
        code, to, sid = (forms.text(form, name) for name in ("Code", "To", "VerificationSid"))
        if not code:
            raise wrong("Code", "Missing required parameter Code.")
        if (to is None) == (sid is None):
            raise wrong("To", "Either `To` or `VerificationSid` has to be given, and not both.")
        if sid is not None and not ids.is_id(sid, ids.VERIFICATION):
            raise wrong("VerificationSid", f"Invalid parameter `VerificationSid`: {sid[:40]}")
        found = await self._verify.check(
            request.account_id, request.names[0], code, test=request.test, place=sid or to or ""
        )
        row = found.verification
        record = CheckRecord(
            sid=row.id,
            service_sid=row.service_id,
            account_sid=row.account_id,
            to=shown_number(row.recipient, masked=not forms.sees_numbers(request)),
            channel=channel_name(row.channel),
            status=row.status,
            valid=found.valid,
            date_created=iso(row.created_at),
            date_updated=iso(row.updated_at),
        )
        return Reply(_encode(record))

    async def _record(self, request: Request, row: Verification) -> VerificationRecord:
        service = await verify_services.existing(self._ctx, row.service_id, row.account_id)
        looks_up = verify_services.settings_of(service).lookup
        is_over = row.status == PENDING and row.expires_at <= self._clock.now_us()
        return VerificationRecord(
            sid=row.id,
            service_sid=row.service_id,
            account_sid=row.account_id,
            to=shown_number(row.recipient, masked=not forms.sees_numbers(request)),
            channel=channel_name(row.channel),
            status=EXPIRED if is_over else row.status,
            valid=row.status == APPROVED,
            lookup={"carrier": carrier(look(row.recipient, ""))} if looks_up and row.country else {},
            send_code_attempts=tuple(map(_attempt, await self._verify.attempts_of(row))),
            date_created=iso(row.created_at),
            date_updated=iso(row.updated_at),
            url=f"{request.base_url}/v2/Services/{row.service_id}/Verifications/{row.id}",
        )


def _attempt(row: SendAttempt) -> dict[str, str]:
    return {"attempt_sid": row.id, "channel": channel_name(row.channel).upper(), "time": iso(row.created_at)}


def _start(form: Form, channels: Collection[str]) -> Start:
    """What a form asks for. SendDigits, ChannelConfiguration, DeviceIp, EnableSnaClientToken, RiskCheck and
    TemplateCustomSubstitutions change nothing here."""
    for name in _REFUSED:
        if forms.text(form, name) is not None:
            detail = f"`{name}` is not put into texts here."
            raise WhimbrelError("not_supported", detail, errors=[FieldError(name, detail)])
    check_template(form, "TemplateSid")
    channel = forms.needed(form, "Channel")
    if channel not in _CHANNELS and channel not in channels:
        raise wrong("Channel", f"Invalid parameter `Channel`: {channel[:40]}")
    if channel == _CALL and _CALL not in channels:
        channel = _VOICE
    tags = forms.strings(form, "Tags")
    if tags is not None and len(tags) > _TAGS_MAX:
        raise wrong("Tags", f"Invalid parameter `Tags`: has more than {_TAGS_MAX} tags.")
    return Start(
        to=forms.needed(form, "To"),
        channel=channel,
        language=forms.text(form, "Locale"),
        custom_code=forms.text(form, "CustomCode"),
        app_hash=forms.text(form, "AppHash"),
        name=forms.text(form, "CustomFriendlyName"),
        metadata=tags,
        rate_keys=forms.strings(form, "RateLimits") or {},
    )
