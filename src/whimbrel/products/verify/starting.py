"""What is asked before a code goes out, and the row that a verification begins with."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from whimbrel.base import ids, limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.vault import Seal
from whimbrel.domain import verify as rules
from whimbrel.domain.numbers import Number, line_type
from whimbrel.domain.verify import (
    PENDING,
    SECOND_US,
    Details,
    NumberState,
    ServiceSettings,
    Verification,
    VerifyService,
)
from whimbrel.domain.verify_channels import AUTO, EMAIL, chain_of, onwards
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context
from whimbrel.products.verify import services, texts
from whimbrel.products.verify.channels import Channels
from whimbrel.products.verify.codes import is_right
from whimbrel.products.verify.recipients import Recipient
from whimbrel.products.verify.views import details_of

_METADATA_MAX: Final = limits.METADATA_MAX


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for. `channel`: one of them, and where it is one of the service's those after it; empty or
    `auto`: the service's. `channels`: these, in place of the service's. `rate_keys`: names of the service's rate
    limits, and what each counts by."""

    to: str
    channel: str = ""
    channels: tuple[str, ...] = ()
    fallback_after_s: int | None = None
    language: str | None = None
    custom_code: str | None = None
    app_hash: str | None = None
    name: str | None = None  # in place of the service's, in the text
    metadata: dict[str, Any] | None = None
    rate_keys: Mapping[str, str] = {}


def chosen(
    request: Start, settings: ServiceSettings, channels: Channels, recipient: Recipient, pending: Verification | None
) -> tuple[str, ...]:
    """The channels that a start is to be tried by, in order. The same code goes out again by the channel that the
    verification has come to. WhimbrelError: verify_channel_unknown."""
    named = request.channel not in ("", AUTO)
    if request.channels:
        asked = request.channels
    elif pending is not None:
        chain = chain_of(pending, details_of(pending))
        asked = onwards(chain, request.channel if named else pending.channel)
    elif named:
        asked = onwards(settings.channels, request.channel)
    else:
        asked = settings.channels if recipient.number is not None else (*settings.channels, EMAIL)
    is_named = bool(request.channels) or named
    by_address = recipient.number is None
    known = [each for each in dict.fromkeys(asked) if each in channels]
    fit = tuple(each for each in known if channels[each].takes_addresses == by_address)
    if not fit or (is_named and fit[0] != asked[0]):
        pointer = "/channels/0" if request.channels else "/channel"
        detail = f"{asked[0]} is no channel of ours for {'addresses' if by_address else 'numbers'}"
        raise WhimbrelError("verify_channel_unknown", errors=[FieldError(pointer, detail)])
    return fit


def check_request(request: Start, settings: ServiceSettings) -> None:
    """What the caller has asked for can be had. WhimbrelError: verify_custom_code_refused, invalid_request."""
    if request.custom_code is not None and not settings.custom_code:
        raise WhimbrelError("verify_custom_code_refused")
    checks = Checks()
    known = not request.language or texts.known_language(request.language) is not None
    checks.require(known, "/language", "is none of the languages that there are texts in")
    is_code = request.custom_code is None or rules.is_code(request.custom_code)
    checks.require(is_code, "/custom_code", "must be 4 to 10 digits or letters")
    services.check_app_hash(checks, request.app_hash or "", "/app_hash")
    if request.name is not None:
        checks.text(request.name, "/name", longest=30)
    services.check_channels(checks, request.channels, "/channels")
    checks.require(not request.channels or not request.channel, "/channel", "is not given beside `channels`")
    if request.fallback_after_s is not None:
        services.check_fallback(checks, request.fallback_after_s, "/fallback_after_s")
    size = len(msgspec.json.encode(request.metadata))
    checks.require(size <= _METADATA_MAX, "/metadata", f"must have at most {_METADATA_MAX:,} octets")
    checks.done()


def check_number(number: Number, settings: ServiceSettings) -> None:
    """`verify_country_refused`, `verify_line_refused`."""
    if settings.countries and number.country not in settings.countries:
        raise WhimbrelError("verify_country_refused")
    if settings.refuse_types and line_type(number) in settings.refuse_types:
        raise WhimbrelError("verify_line_refused")


def check_counts(state: NumberState, settings: ServiceSettings, pending: Verification | None, now: int) -> None:
    """No more than a number and a verification may have. WhimbrelError: verify_failed_too_often, verify_sends_spent,
    verify_too_soon, verify_too_many_sends."""
    wait = rules.failed_wait(state, now)
    if wait:
        raise WhimbrelError("verify_failed_too_often", retry_after_s=wait)
    if pending is not None:
        details = details_of(pending)
        if pending.sends >= details.max_sends:
            raise WhimbrelError("verify_sends_spent", retry_after_s=seconds(pending.expires_at - now))
        if pending.next_send_at > now:
            raise WhimbrelError("verify_too_soon", retry_after_s=seconds(pending.next_send_at - now))
    wait = rules.send_wait(state, now, settings.sends_per_hour, settings.sends_per_day)
    if wait:
        raise WhimbrelError("verify_too_many_sends", retry_after_s=wait)


def made_of(
    ctx: Context,
    service: VerifyService,
    settings: ServiceSettings,
    recipient: Recipient,
    request: Start,
    *,
    channels: tuple[str, ...],
    test: bool,
    now: int,
) -> Verification:
    """A verification that begins, by the first of these channels."""
    vault, id_ = ctx.vault, ctx.ids.new(ids.VERIFICATION)
    own = request.custom_code
    wanted = request.language or settings.language
    details = Details(
        code_length=settings.code_length if own is None else len(own),
        alphabet=settings.alphabet,
        max_checks=settings.max_checks,
        max_sends=settings.max_sends,
        name=request.name or "",
        app_hash=settings.app_hash if request.app_hash is None else request.app_hash,
        custom=own is not None,
        metadata=request.metadata,
        channels=channels if len(channels) > 1 else (),
        fallback_after_s=settings.fallback_after_s if request.fallback_after_s is None else request.fallback_after_s,
    )
    return Verification(
        id=id_,
        account_id=service.account_id,
        test=test,
        service_id=service.id,
        recipient=recipient.value,
        number_hash=recipient.hashed(vault),
        country=recipient.country,
        prefix=recipient.prefix,
        channel=channels[0],
        language=(texts.known_language(wanted) if wanted else None) or texts.language_of(recipient.country),
        status=PENDING,
        generation=1,
        checks=0,
        sends=1,
        custom=None if own is None else vault.seal(own, Seal.of(Seal.VERIFY_CODE, id_)),
        details=msgspec.json.encode(details).decode(),
        seq=1,
        created_at=now,
        updated_at=now,
        expires_at=now + settings.ttl_s * SECOND_US,
        next_send_at=rules.next_send(now, 1),
        ended_at=None,
    )


def again(ctx: Context, pending: Verification, request: Start, now: int) -> Verification:
    """The same code goes out once more."""
    if request.custom_code is not None and not is_right(ctx.vault, pending, request.custom_code):
        raise WhimbrelError("conflict", "A verification of this number is pending with another code; cancel it first.")
    sends = pending.sends + 1
    return msgspec.structs.replace(
        pending,
        sends=sends,
        updated_at=now,
        next_send_at=rules.next_send(now, sends),
    )


def seconds(us: int) -> int:
    """Whole ones, at least one: as `Retry-After` says them."""
    return max(1, -(-us // SECOND_US))
