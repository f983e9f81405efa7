"""What comes in and goes out of registrations, documents and regimes."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import limits, moments
from whimbrel.domain.number_limits import NumberLimits
from whimbrel.domain.registrations import (
    Document,
    Regime,
    Registration,
    RegistrationState,
    countries_of,
    lacks,
    regimes,
)
from whimbrel.domain.sender_rules import SenderKind

_ANSWERS = Meta(description="By the names of the regime's fields; null takes an answer away.")
_SENDERS = Meta(description="Ids of the account's senders that it is for.", max_length=1000)
_NAME = Meta(description="What it is called here.", max_length=limits.NAME_MAX)


class NewRegistration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft of a registration."""

    regime: Annotated[str, Meta(description="One of `GET /v1/registration-regimes`.")]
    name: Annotated[str, _NAME]
    country: Annotated[str, Meta(description="Where the regime is for any country (ISO 3166).")] = ""
    parent_id: Annotated[str | None, Meta(description="What it stands under: a campaign's brand.")] = None
    senders: Annotated[tuple[str, ...], _SENDERS] = ()
    answers: Annotated[dict[str, Any], _ANSWERS] = {}


class RegistrationChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays. Of one that is approved only its senders."""

    name: Annotated[str, _NAME] | UnsetType = UNSET
    country: str | UnsetType = UNSET
    parent_id: str | UnsetType | None = UNSET
    senders: Annotated[tuple[str, ...], _SENDERS] | UnsetType = UNSET
    answers: Annotated[dict[str, Any], _ANSWERS] | UnsetType = UNSET


class Approved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator enters. `decision`: by the names of the regime's fields of decision."""

    decision: dict[str, Any] = {}
    valid_days: Annotated[
        Annotated[int, Meta(ge=1, le=3650)] | None,
        Meta(description="Days until it expires; the regime's own when not given."),
    ] = None


class Rejected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why not."""

    reason: Annotated[str, Meta(min_length=1, max_length=1000)]


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """A file; `GET …/content` gives it."""

    id: str
    account_id: str
    subject_id: str
    purpose: str
    name: str
    content_type: str
    size: int
    sha256: str
    created_at: str


class NewDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a registration or a number."""

    name: Annotated[str, Meta(min_length=1, max_length=limits.NAME_MAX)]
    content_type: Annotated[str, Meta(description="application/pdf, image/png, image/jpeg or text/plain.")]
    data: Annotated[bytes, Meta(description="The octets in base64.")]
    purpose: Annotated[
        str, Meta(max_length=64, description="Which of the regime's documents it is; empty: another one.")
    ] = ""


class ThroughputView(msgspec.Struct, frozen=True, kw_only=True):
    """How much its senders may send together; null: nothing bounds it. The day begins at midnight in `time_zone`."""

    per_minute: int | None
    per_day: int | None
    time_zone: str


class ProblemView(msgspec.Struct, frozen=True, kw_only=True):
    """What has still to be done before it can be submitted."""

    field: str
    detail: str


class RegistrationView(msgspec.Struct, frozen=True, kw_only=True):
    """A registration."""

    id: str
    account_id: str
    regime: str
    title: str
    name: str
    country: str
    countries: Annotated[tuple[str, ...], Meta(description="That it counts for.")]
    state: RegistrationState
    state_word: Annotated[str, Meta(description="What the registry calls the state; empty: nothing is known.")]
    parent_id: str | None
    senders: tuple[str, ...]
    answers: dict[str, Any]
    decision: dict[str, Any]
    reason: Annotated[str, Meta(description="Why it was rejected.")]
    documents: tuple[DocumentView, ...]
    missing: Annotated[tuple[ProblemView, ...], Meta(description="Before it can be submitted.")]
    throughput: ThroughputView | None
    submitted_at: str | None
    decided_at: str | None
    expires_at: str | None
    created_at: str
    updated_at: str


class RegimeFieldView(msgspec.Struct, frozen=True, kw_only=True):
    """A question."""

    name: str
    label: str
    type: str
    wire: str
    help: str
    required: bool
    required_if: dict[str, tuple[str | bool | int, ...]]
    only_if: dict[str, tuple[str | bool | int, ...]]
    options: tuple[str, ...]
    pattern: str
    min_length: int
    max_length: int
    min_items: int
    max_items: int
    minimum: int | None
    maximum: int | None


class RegimeDocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """A paper that is asked for."""

    name: str
    label: str
    required: bool
    required_if: dict[str, tuple[str | bool | int, ...]]


class RegimeView(msgspec.Struct, frozen=True, kw_only=True):
    """A way to register, as data."""

    id: str
    title: str
    countries: tuple[str, ...]
    kinds: tuple[SenderKind, ...]
    parent: Annotated[str, Meta(description="The regime of what it stands under; empty: nothing.")]
    valid_days: Annotated[int, Meta(description="Days until an approval expires; 0: it does not.")]
    note: str
    source: str
    as_of: str
    confidence: str
    fields: tuple[RegimeFieldView, ...]
    documents: tuple[RegimeDocumentView, ...]
    decision: tuple[RegimeFieldView, ...]


def answers_of(row: Registration) -> dict[str, Any]:
    """By the fields of the regime."""
    return msgspec.json.decode(row.answers, type=dict[str, Any])


def decision_of(row: Registration) -> dict[str, Any]:
    """What the operator entered."""
    return msgspec.json.decode(row.decision, type=dict[str, Any])


def document_view(row: Document) -> DocumentView:
    """The public shape."""
    return DocumentView(
        id=row.id,
        account_id=row.account_id,
        subject_id=row.subject_id,
        purpose=row.purpose,
        name=row.name,
        content_type=row.content_type,
        size=row.size,
        sha256=row.sha256,
        created_at=moments.to_text(row.created_at),
    )


def registration_view(
    row: Registration, documents: tuple[Document, ...] = (), held: NumberLimits | None = None
) -> RegistrationView:
    """The public shape. `held`: how much an approved campaign may send."""
    regime, answers = regimes()[row.regime], answers_of(row)
    open_now = row.state in ("draft", "rejected")
    lacking = lacks(regime, row, answers, [paper.purpose for paper in documents]) if open_now else []
    return RegistrationView(
        id=row.id,
        account_id=row.account_id,
        regime=row.regime,
        title=regime.title,
        name=row.name,
        country=row.country,
        countries=countries_of(regime, row.country),
        state=row.state,
        state_word=regime.words.get(row.state, ""),
        parent_id=row.parent_id,
        senders=row.senders,
        answers=answers,
        decision=decision_of(row),
        reason=row.reason,
        documents=tuple(map(document_view, documents)),
        missing=tuple(ProblemView(field=each.field, detail=each.detail) for each in lacking),
        throughput=None if held is None else _throughput(held),
        submitted_at=_moment(row.submitted_at),
        decided_at=_moment(row.decided_at),
        expires_at=_moment(row.expires_at),
        created_at=moments.to_text(row.created_at),
        updated_at=moments.to_text(row.updated_at),
    )


def regime_view(regime: Regime) -> RegimeView:
    """The public shape."""
    facts = msgspec.structs.asdict(regime)
    facts |= {
        "as_of": regime.as_of.isoformat(),
        "fields": tuple(RegimeFieldView(**msgspec.structs.asdict(field)) for field in regime.fields),
        "documents": tuple(RegimeDocumentView(**msgspec.structs.asdict(paper)) for paper in regime.documents),
        "decision": tuple(RegimeFieldView(**msgspec.structs.asdict(field)) for field in regime.decision),
    }
    del facts["words"]
    return RegimeView(**facts)


def _throughput(held: NumberLimits) -> ThroughputView:
    return ThroughputView(per_minute=held.per_minute, per_day=held.per_day, time_zone=held.zone)


def _moment(at: int | None) -> str | None:
    return None if at is None else moments.to_text(at)
