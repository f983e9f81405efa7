"""Services: how verifications are made. What our own services know as a setting is kept as that, so both doors see it;
what only programs of Twilio set and read again (push, WhatsApp, passkeys, the voice) is kept beside it and told as it
was given. Templates: there is one, the text that every code is sent in.
"""

from typing import Any, Final

import msgspec

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.verify import ServiceSettings, VerifyService
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import pages
from whimbrel.edges.twilio.forms import Form, named, one, wrong
from whimbrel.edges.twilio.listing import query_of
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.edges.twilio.times import iso
from whimbrel.edges.twilio.verify import forms
from whimbrel.manage.context import cursor_of
from whimbrel.products.verify import services as verify_services
from whimbrel.products.verify import texts
from whimbrel.products.verify.services import NewService, ServiceChange

TEMPLATE: Final = "HJ" + "1".zfill(32)
_FLAGS: Final = {
    "LookupEnabled": "lookup",
    "SkipSmsToLandlines": "skip_landlines",
    "DoNotShareWarningEnabled": "do_not_share",
    "CustomCodeEnabled": "custom_code",
}
_FIGURES: Final = {
    "CodeLength": "code_length",
    "Totp.CodeLength": "totp_code_length",
    "Totp.TimeStep": "totp_step_s",
    "Totp.Skew": "totp_skew",
}
_ISSUER: Final = "Totp.Issuer"
_NAMES: Final = {
    "/name": "FriendlyName",
    "/settings/totp_issuer": _ISSUER,
    **{f"/settings/{setting}": name for name, setting in _FIGURES.items()},
    "/settings/extra": "Passkeys.RelyingParty.Origins",
}
_DEFAULTS: Final[dict[str, Any]] = {
    "DtmfInputRequired": True,
    "TtsName": None,
    "VerifyEventSubscriptionEnabled": False,
    "DefaultTemplateSid": None,
    "Push.IncludeDate": False,
    "Push.ApnCredentialSid": None,
    "Push.FcmCredentialSid": None,
    "Whatsapp.MsgServiceSid": None,
    "Whatsapp.From": None,
    "Passkeys.RelyingParty.Id": None,
    "Passkeys.RelyingParty.Name": None,
    "Passkeys.RelyingParty.Origins": None,
    "Passkeys.AuthenticatorAttachment": None,
    "Passkeys.DiscoverableCredentials": None,
    "Passkeys.UserVerification": None,
}
"""What stands in `ServiceSettings.extra` under these names, unless it is this."""
_encode = msgspec.json.Encoder().encode


class ServiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A service."""

    sid: str
    account_sid: str
    friendly_name: str
    code_length: int
    lookup_enabled: bool
    psd2_enabled: bool
    skip_sms_to_landlines: bool
    dtmf_input_required: bool
    tts_name: str | None
    do_not_share_warning_enabled: bool
    custom_code_enabled: bool
    push: dict[str, Any]
    totp: dict[str, Any]
    whatsapp: dict[str, Any]
    passkeys: dict[str, Any]
    default_template_sid: str | None
    verify_event_subscription_enabled: bool
    date_created: str
    date_updated: str
    url: str
    links: dict[str, str]


class VerifyServices:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage
        self._channels = services.verify.channels

    async def create(self, request: Request) -> Reply:
        """Make one."""
        forms.check_live(request)
        form = await forms.form_of(request)
        new = NewService(name=forms.needed(form, "FriendlyName"), settings={**_settings(form), "extra": _extras(form)})
        about: Any = {"account_id": request.account_id, "channels": self._channels}
        with named(_NAMES):
            made = await verify_services.create(self._ctx, request.principal.key_id, new, **about)
        return await self._reply(request, made.id, 201)

    async def update(self, request: Request) -> Reply:
        """Change what the form names."""
        forms.check_live(request)
        form = await forms.form_of(request)
        change = ServiceChange(name=forms.text(form, "FriendlyName"), settings=_settings(form))
        about: Any = {"account_id": request.account_id, "channels": self._channels, "extra": _extras(form)}
        service_id = request.names[0]
        with named(_NAMES):
            await verify_services.update(self._ctx, request.principal.key_id, service_id, change, **about)
        return await self._reply(request, service_id)

    async def fetch(self, request: Request) -> Reply:
        """One of them."""
        return await self._reply(request, request.names[0])

    async def find(self, request: Request) -> Reply:
        """All of an account's, newest first."""
        at = pages.turn(query_of(request))
        rows = (await verify_services.rows(self._ctx, request.account_id, at.paging))[at.skipped :]
        shown = rows[: at.size]
        following = cursor_of(shown[-1].id) if len(rows) > at.size else None
        records = [_record(row, request.base_url) for row in shown]
        return pages.reply(request, at, "services", records, following=following)

    async def delete(self, request: Request) -> Reply:
        """Forget one."""
        forms.check_live(request)
        await verify_services.delete(
            self._ctx, request.principal.key_id, request.names[0], account_id=request.account_id
        )
        return Reply(b"", 204)

    async def _reply(self, request: Request, service_id: str, status: int = 200) -> Reply:
        row = await verify_services.existing(self._ctx, service_id, request.account_id)
        return Reply(_encode(_record(row, request.base_url)), status)


class Templates:
    """The texts that codes are sent in."""

    async def find(self, request: Request) -> Reply:
        """The one that there is, in all of its languages."""
        translations = {
            tag: {
                "is_default_translation": tag == texts.DEFAULT,
                "status": "approved",
                "locale": tag,
                "text": each.text.replace("{service}", "{{friendly_name}}").replace("{code}", "{{code}}"),
                "date_updated": None,
                "date_created": None,
            }
            for tag, each in texts.languages().items()
        }
        record = {
            "sid": TEMPLATE,
            "account_sid": request.account_id,
            "friendly_name": "Verification code",
            "channels": ["sms"],
            "translations": translations,
        }
        return pages.reply(request, pages.turn(query_of(request)), "templates", [record])


def check_template(form: Form, name: str) -> None:
    """A template that is named has to be ours."""
    sid = forms.text(form, name)
    if sid is not None and sid != TEMPLATE:
        raise wrong(name, f"Invalid parameter `{name}`: there is no such template; see /v2/Templates.")


def _settings(form: Form) -> dict[str, Any]:
    """What a form says, in the words of our settings."""
    if forms.flag(form, "Psd2Enabled"):
        detail = "Payments (PSD2) are not put into texts here."
        raise WhimbrelError("not_supported", detail, errors=[FieldError("Psd2Enabled", detail)])
    check_template(form, "DefaultTemplateSid")
    found: dict[str, Any] = {}
    for name, setting in _FIGURES.items():
        figure = forms.whole(form, name)
        if figure is not None:
            found[setting] = figure
    if _ISSUER in form:
        found["totp_issuer"] = one(form, _ISSUER)
    for name, setting in _FLAGS.items():
        value = forms.flag(form, name)
        if value is not None:
            found[setting] = value
    return found


def _extras(form: Form) -> dict[str, Any]:
    """What a form says beside them, which is only kept."""
    return {name: _extra(form, name, default) for name, default in _DEFAULTS.items() if name in form}


def _extra(form: Form, name: str, default: Any) -> Any:
    if name.endswith("Origins"):
        return ",".join(form[name]) or None
    if isinstance(default, bool):
        value = forms.flag(form, name)
        return default if value is None else value
    return forms.text(form, name)


def _extra_of(settings: ServiceSettings) -> dict[str, Any]:
    """What programs of Twilio have set, by the parameters' names, with what holds where they did not. Another door may
    have put anything there."""
    found = dict(_DEFAULTS)
    for name, value in settings.extra.items():
        if name in _DEFAULTS and isinstance(value, bool if isinstance(_DEFAULTS[name], bool) else str):
            found[name] = value
    return found


def _record(row: VerifyService, base_url: str) -> ServiceRecord:
    settings, url = verify_services.settings_of(row), f"{base_url}/v2/Services/{row.id}"
    extra = _extra_of(settings)
    origins = extra["Passkeys.RelyingParty.Origins"]
    return ServiceRecord(
        sid=row.id,
        account_sid=row.account_id,
        friendly_name=row.name,
        code_length=settings.code_length,
        lookup_enabled=settings.lookup,
        psd2_enabled=False,
        skip_sms_to_landlines=settings.skip_landlines,
        dtmf_input_required=extra["DtmfInputRequired"],
        tts_name=extra["TtsName"],
        do_not_share_warning_enabled=settings.do_not_share,
        custom_code_enabled=settings.custom_code,
        push={
            "include_date": extra["Push.IncludeDate"],
            "apn_credential_sid": extra["Push.ApnCredentialSid"],
            "fcm_credential_sid": extra["Push.FcmCredentialSid"],
        },
        totp={
            "issuer": settings.totp_issuer or row.name,
            "time_step": settings.totp_step_s,
            "code_length": settings.totp_code_length,
            "skew": settings.totp_skew,
        },
        whatsapp={"msg_service_sid": extra["Whatsapp.MsgServiceSid"], "from": extra["Whatsapp.From"]},
        passkeys={
            "relying_party": {
                "id": extra["Passkeys.RelyingParty.Id"],
                "name": extra["Passkeys.RelyingParty.Name"],
                "origins": origins.split(",") if origins else [],
            },
            "authenticator_attachment": extra["Passkeys.AuthenticatorAttachment"],
            "discoverable_credentials": extra["Passkeys.DiscoverableCredentials"],
            "user_verification": extra["Passkeys.UserVerification"],
        },
        default_template_sid=extra["DefaultTemplateSid"] or TEMPLATE,
        verify_event_subscription_enabled=extra["VerifyEventSubscriptionEnabled"],
        date_created=iso(row.created_at),
        date_updated=iso(row.updated_at),
        url=url,
        links={
            "verifications": f"{url}/Verifications",
            "verification_checks": f"{url}/VerificationCheck",
            "rate_limits": f"{url}/RateLimits",
            "entities": f"{url}/Entities",
        },
    )
