"""What is told of verifications: never a code, and of the number only as much as whoever asks may see."""

from collections.abc import Mapping
from typing import Any

import msgspec

from whimbrel.base import moments
from whimbrel.domain.numbers import line_type, normalise
from whimbrel.domain.verify import Details, SendAttempt, Verification
from whimbrel.domain.verify_channels import chain_of
from whimbrel.products.verify import recipients

_decode_details = msgspec.json.Decoder(Details).decode


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One text, mail or call of a verification."""

    id: str
    verification_id: str
    service_id: str
    channel: str
    message_id: str | None
    state: str  # of the message, where it has one
    reason: str  # why it was refused, or is in doubt
    moved_on: str  # why the next channel was taken
    reference: str  # what the channel calls it
    country: str
    prefix: str  # the number without its last four digits
    created_at: str
    converted: bool  # whether the code that it brought was given
    converted_at: str | None


class NumberFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the number."""

    country: str
    line_type: str


class VerificationView(msgspec.Struct, frozen=True, kw_only=True):
    """A verification."""

    id: str
    account_id: str
    service_id: str
    to: str
    country: str
    channel: str
    channels: tuple[str, ...]  # those that bring the code, in order
    language: str
    status: str
    sends: int
    checks: int  # wrong ones
    sends_left: int
    checks_left: int
    resend_at: str | None  # from when it may be sent again
    custom_code: bool
    metadata: dict[str, Any] | None
    test: bool
    created_at: str
    updated_at: str
    expires_at: str
    ended_at: str | None
    number: NumberFacts | None = None


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found."""

    verification_id: str
    service_id: str
    to: str
    valid: bool
    status: str
    checks_left: int


def details_of(row: Verification) -> Details:
    """What it was started with."""
    return _decode_details(row.details)


def shown_number(number: str, *, masked: bool) -> str:
    """The number or address, or enough of it to recognise it."""
    return recipients.masked(number) if masked else number


def verification_view(row: Verification, *, masked: bool, lookup: bool = False) -> VerificationView:
    """As it stands."""
    details = details_of(row)
    is_pending = row.status == "pending"
    sends_left = max(0, details.max_sends - row.sends) if is_pending else 0
    return VerificationView(
        id=row.id,
        account_id=row.account_id,
        service_id=row.service_id,
        to=shown_number(row.recipient, masked=masked),
        country=row.country,
        channel=row.channel,
        channels=chain_of(row, details),
        language=row.language,
        status=row.status,
        sends=row.sends,
        checks=row.checks,
        sends_left=sends_left,
        checks_left=max(0, details.max_checks - row.checks) if is_pending else 0,
        resend_at=moments.to_text(row.next_send_at) if sends_left else None,
        custom_code=details.custom,
        metadata=details.metadata,
        test=row.test,
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
        expires_at=moments.to_text(row.expires_at),
        ended_at=None if row.ended_at is None else moments.to_text(row.ended_at),
        number=_facts(row) if lookup else None,
    )


def check_view(row: Verification, *, valid: bool, masked: bool) -> CheckView:
    """What a check tells."""
    left = max(0, details_of(row).max_checks - row.checks) if row.status == "pending" else 0
    return CheckView(
        verification_id=row.id,
        service_id=row.service_id,
        to=shown_number(row.recipient, masked=masked),
        valid=valid,
        status=row.status,
        checks_left=left,
    )


def attempt_view(row: SendAttempt, states: Mapping[str, str]) -> AttemptView:
    """One attempt; `states`: of the messages."""
    return AttemptView(
        id=row.id,
        verification_id=row.verification_id,
        service_id=row.service_id,
        channel=row.channel,
        message_id=row.message_id,
        state=states.get(row.message_id or "", row.state),
        reason=row.reason,
        moved_on=row.moved_on,
        reference=row.reference,
        country=row.country,
        prefix=row.prefix,
        created_at=moments.to_text(row.created_at),
        converted=row.converted_at is not None,
        converted_at=None if row.converted_at is None else moments.to_text(row.converted_at),
    )


def _facts(row: Verification) -> NumberFacts | None:
    number = normalise(row.recipient)
    return None if number is None else NumberFacts(country=number.country, line_type=line_type(number))
