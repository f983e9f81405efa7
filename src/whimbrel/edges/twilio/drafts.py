"""From the form of `POST Messages.json` to what accept takes. Names that Twilio does not know are ignored, as Twilio
does. Of the names that it knows, those that change nothing for a text are taken and ignored; what would be a broken
promise if it were ignored (a text that is not to be kept) is refused by name.

A content template of Twilio's is a template of ours: `ContentSid` is its id with HX in place of TP, and
`ContentVariables` are its variables by their names. `Body` is ignored beside it, as Twilio does.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.links import EVERY
from whimbrel.domain.model import Draft, MessageClass, Options
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.edges.shared.media import naming
from whimbrel.edges.twilio import times
from whimbrel.edges.twilio.forms import Form, one, wrong
from whimbrel.net.addresses import UrlProblem

Vet = Callable[[str], UrlProblem | None]
_COMMON: Final = frozenset({"To", "From", "Body"})
_POOL: Final = re.compile(r"MG[0-9a-f]{32}").fullmatch
_CONTENT: Final = re.compile(r"HX[0-9a-f]{32}").fullmatch
_OF_TEMPLATE: Final = cast("MessageClass", "")
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII).fullmatch
_TAKEN: Final[Mapping[str, str]] = MappingProxyType({"ContentRetention": "retain", "AddressRetention": "retain"})
_BOOLEANS: Final[Mapping[str, bool]] = MappingProxyType({"": False, "false": False, "true": True})
_PLAIN: Final = Options(callback_format="twilio")


def draft(form: Form, account_id: str, test: bool, *, vet: Vet) -> Draft:
    """The draft; WhimbrelError about the first field that cannot be used. `vet`: whether a callback may lead there."""
    sender = one(form, "From")
    if form.keys() <= _COMMON and not sender.startswith("MG"):
        return _draft(form, account_id, test, sender, _PLAIN)
    pool, sender = _pool(form, sender)
    _refuse_what_is_no_text(form)
    send_at_us = _send_at(form)
    options = Options(
        callback_url=_callback(form, vet),
        callback_format="twilio",
        smart=_boolean(form, "SmartEncoded"),
        pool_id=pool,
    )
    plain = _draft(form, account_id, test, sender, options, send_at_us=send_at_us, validity_s=_validity(form))
    if _boolean(form, "ShortenUrls"):
        plain = msgspec.structs.replace(plain, links=EVERY)
    use = _template(form)
    if use is not None:
        plain = msgspec.structs.replace(plain, text="", message_class=_OF_TEMPLATE, template=use)
    media = [url for url in form.get("MediaUrl", ()) if url]
    return naming(plain, media) if media else plain


def _template(form: Form) -> TemplateUse | None:
    """What the text is to be made of, where the form names it."""
    content = one(form, "ContentSid")
    if not content:
        return None
    if not _CONTENT(content):
        raise wrong("ContentSid", "ContentSid is HX and 32 hexadecimal digits: a template's id with HX in place of TP.")
    return TemplateUse(ids.TEMPLATE + content[2:], _variables(one(form, "ContentVariables")))


def _variables(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise wrong("ContentVariables", "ContentVariables is a JSON object of names and values.") from None


def _draft(
    form: Form,
    account_id: str,
    test: bool,
    sender: str,
    options: Options,
    *,
    send_at_us: int | None = None,
    validity_s: int | None = None,
) -> Draft:
    return Draft(
        account_id,
        test,
        "twilio",
        one(form, "To"),
        one(form, "Body"),
        sender or None,
        "transactional",
        send_at_us,
        validity_s,
        options,
    )


def _pool(form: Form, sender: str) -> tuple[str | None, str]:
    """The Messaging Service and the sender; the service may stand in `From` as well. The account's default senders
    stand for any service, so that what a program sends through one goes on being sent."""
    if sender.startswith("MG") and _POOL(sender):
        return sender, ""
    pool = one(form, "MessagingServiceSid")
    if pool and not _POOL(pool):
        raise wrong("MessagingServiceSid", "MessagingServiceSid is MG and 32 hexadecimal digits.")
    return pool or None, sender


def _refuse_what_is_no_text(form: Form) -> None:
    if one(form, "ApplicationSid") and not one(form, "StatusCallback"):
        raise _unsupported(
            "not_supported", "ApplicationSid", "ApplicationSid: there are no applications; send StatusCallback."
        )
    for name, word in _TAKEN.items():
        if one(form, name) not in ("", word):
            raise _unsupported("not_supported", name, f"{name}: only {word}; erase a message with an empty Body.")


def _unsupported(code: str, name: str, detail: str) -> WhimbrelError:
    return WhimbrelError(code, detail, errors=[FieldError(name, detail)])


def _callback(form: Form, vet: Vet) -> str | None:
    """Form and literal addresses only: a name is resolved, and its addresses vetted, at each call."""
    url = one(form, "StatusCallback")
    if not url:
        return None
    found = vet(url)
    if found is None and len(url) <= limits.URL_MAX:
        return url
    words = found.detail if found else f"the URL has more than {limits.URL_MAX:,} characters"
    detail = f"StatusCallback: {words}."
    raise WhimbrelError("invalid_callback_url", detail, errors=[FieldError("StatusCallback", detail)])


def _send_at(form: Form) -> int | None:
    """When to send it. The word `fixed` alone is an error, and not a message sent at once."""
    kind, at = one(form, "ScheduleType"), one(form, "SendAt")
    if kind not in ("", "fixed"):
        raise wrong("ScheduleType", "ScheduleType can only be fixed.")
    if not at:
        if kind:
            raise _schedule("SendAt is missing; with ScheduleType it says when.")
        return None
    try:
        return times.moment(at)
    except ValueError as error:
        raise _schedule(f"SendAt is {error}.") from None


def _schedule(detail: str) -> WhimbrelError:
    return WhimbrelError("invalid_schedule", detail, errors=[FieldError("SendAt", detail)])


def _validity(form: Form) -> int | None:
    text = one(form, "ValidityPeriod")
    if not text:
        return None
    if not _WHOLE(text):
        raise wrong("ValidityPeriod", "ValidityPeriod is a whole number of seconds.")
    return int(text)


def _boolean(form: Form, name: str) -> bool:
    value = _BOOLEANS.get(one(form, name).lower())
    if value is None:
        raise wrong(name, f"{name} is true or false.")
    return value
