"""Passkeys (W3C WebAuthn 3): keys that a device holds and unlocks for its owner, so one proves both factors. They are
for one name of a site; a challenge works once and for two minutes.
"""

from typing import Final

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.base64url_to_bytes import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from whimbrel.base import ids, moments
from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.people import Passkey, User
from whimbrel.manage import audit, sign_in_codes
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, commit
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_CHALLENGE_OCTETS: Final = 32
_CHALLENGE_S: Final = 120
_UNREADABLE: Final = (WebAuthnException, msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError)
_REFUSED: Final = "The passkey was not taken: try again, or sign in another way."


class Site(msgspec.Struct, frozen=True):
    """The name that passkeys are for, and the origin that browsers show (`https://sms.example.com`)."""

    name: str
    origin: str


class PasskeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey as its owner sees it."""

    id: str
    name: str
    created_at: str
    used_at: str | None


async def of(ctx: Context, user: User) -> tuple[PasskeyView, ...]:
    """A person's passkeys, oldest first."""
    rows = await ctx.store.fetch(Passkey, "passkeys_of_user", user.id)
    return tuple(_view(row) for row in rows)


async def creation_options(ctx: Context, user: User, site: Site) -> str:
    """What a browser needs to make a passkey, as JSON."""
    known = await ctx.store.fetch(Passkey, "passkeys_of_user", user.id)
    return options_to_json(
        generate_registration_options(
            rp_id=site.name,
            rp_name="Whimbrel",
            user_id=user.id.encode(),
            user_name=user.email,
            user_display_name=user.name,
            challenge=await _challenge(ctx, user.id),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=row.credential) for row in known],
        )
    )


async def add(ctx: Context, user: User, answer: str, name: str, site: Site) -> PasskeyView:
    """Keep what the browser made. WhimbrelError: invalid_request."""
    checks = Checks()
    checks.text(name, "/name")
    checks.done()
    try:
        challenge = await _asked(ctx, answer, user.id)
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _UNREADABLE:
        raise WhimbrelError("invalid_request", _REFUSED) from None
    row = Passkey(
        id=ctx.ids.new(ids.PASSKEY),
        user_id=user.id,
        credential=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        name=name,
        created_at=ctx.clock.now_us(),
        used_at=None,
    )
    entry = audit.entry(ctx, user.id, "user.passkey_added", user.id, user.account_id, name=name)
    await commit(ctx, [Write("passkey_insert", (to_columns(row),)), entry])
    return _view(row)


async def remove(ctx: Context, user: User, passkey_id: str) -> None:
    """It signs in no more; `not_found` when it is not theirs."""
    (gone,) = await ctx.store.write([Write("passkey_delete", ((passkey_id, user.id),))])
    if not gone:
        raise WhimbrelError("not_found")
    await commit(ctx, [audit.entry(ctx, user.id, "user.passkey_removed", user.id, user.account_id)])


async def request_options(ctx: Context, site: Site) -> str:
    """What a browser needs to offer the passkeys that it has for this site, as JSON."""
    options = generate_authentication_options(
        rp_id=site.name,
        challenge=await _challenge(ctx, ""),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


async def owner(ctx: Context, answer: str, site: Site) -> User:
    """Who has just proved to hold a passkey. WhimbrelError: unauthorized."""
    try:
        challenge = await _asked(ctx, answer, "")
        credential = base64url_to_bytes(msgspec.json.decode(answer)["rawId"])
        (row,) = await ctx.store.fetch(Passkey, "passkey_by_credential", credential)
        proved = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
        (user,) = await ctx.store.fetch(User, "user_by_id", row.user_id)
    except _UNREADABLE:
        raise WhimbrelError("unauthorized", _REFUSED) from None
    await ctx.store.write([Write("passkey_use", ((row.id, proved.new_sign_count, ctx.clock.now_us()),))])
    return user


async def _challenge(ctx: Context, user_id: str) -> bytes:
    """Octets that nobody has signed before."""
    challenge = ctx.chance.octets(_CHALLENGE_OCTETS)
    until = ctx.clock.now_us() + _CHALLENGE_S * SECOND_US
    kept = (sign_in_codes.digest(bytes_to_base64url(challenge)), user_id, "challenge", until)
    await ctx.store.write([Write("sign_in_code_insert", (kept,))])
    return challenge


async def _asked(ctx: Context, answer: str, user_id: str) -> bytes:
    """The challenge that an answer is to, which is used up; ValueError when it is none of ours for this person."""
    sent = msgspec.json.decode(answer)["response"]["clientDataJSON"]
    challenge: bytes = parse_client_data_json(base64url_to_bytes(sent)).challenge
    if await sign_in_codes.take(ctx, bytes_to_base64url(challenge), "challenge") != user_id:
        raise ValueError("a challenge that was used, is over, or is another's")
    return challenge


def _view(row: Passkey) -> PasskeyView:
    return PasskeyView(
        id=row.id,
        name=row.name,
        created_at=moments.to_text(row.created_at),
        used_at=moments.to_text_or_none(row.used_at),
    )
