"""What the API says of hooks and takes for them."""

from collections.abc import Mapping as MappingOf
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from whimbrel.base import moments
from whimbrel.base.limits import HOOK_KEEP_DAYS_MAX
from whimbrel.domain.hook_presets import PRESETS
from whimbrel.domain.hook_rules import HookSettings, Mapping, Rule
from whimbrel.domain.hook_samples import Sample
from whimbrel.domain.hook_signatures import Auth
from whimbrel.domain.hooks import Hook, HookCall, HookOutcome, HookStatus

PresetName = Literal[
    "shopify", "woocommerce", "stripe", "hubspot", "zendesk", "github", "alertmanager", "grafana", "salesforce",
    "magento", "generic",
]  # fmt: skip
Days = Annotated[int, Meta(ge=0, le=HOOK_KEEP_DAYS_MAX)]


class NewHook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address for one system. What is not given is the preset's."""

    name: str
    preset: PresetName = "generic"
    secret: Annotated[str | None, Meta(description="The sender's; without one, one is made.")] = None
    auth: Auth | None = None
    mapping: Mapping | None = None
    rules: Annotated[
        tuple[Rule, ...] | None,
        Meta(description="Without them the preset's that know a number; with an empty list none."),
    ] = None
    default_country: Annotated[str, Meta(description="Of national numbers, where the event does not say.")] = ""
    keep_days: Annotated[Days, Meta(description="How long the bodies of calls are kept, encrypted; 0: not at all.")] = 7


class HookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is absent stays. `rules` are all of them."""

    name: str | UnsetType = UNSET
    status: HookStatus | UnsetType = UNSET
    auth: Auth | UnsetType = UNSET
    mapping: Mapping | UnsetType = UNSET
    rules: tuple[Rule, ...] | UnsetType = UNSET
    default_country: str | UnsetType = UNSET
    keep_days: Days | UnsetType = UNSET


class HookRotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new secret; without one, one is made."""

    secret: str | None = None


class HookView(msgspec.Struct, frozen=True, kw_only=True):
    """A hook. `url` is where the other system calls."""

    id: str
    account_id: str
    test: bool
    name: str
    preset: str
    status: HookStatus
    url: str
    auth: Auth
    mapping: Mapping
    rules: tuple[Rule, ...]
    default_country: str
    keep_days: int
    old_secret_until: str | None
    created_at: str
    updated_at: str


class HookCreated(HookView, frozen=True, kw_only=True):
    """A hook with its secret."""

    secret: str


class HookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A hook's secret."""

    id: str
    secret: str


class PresetView(msgspec.Struct, frozen=True, kw_only=True):
    """What a hook of a sender begins with."""

    name: str
    title: str
    secret_from: Annotated[str, Meta(description="`sender`: it makes the secret; `us`: ours is entered there.")]
    auths: tuple[Auth, ...]
    mapping: Mapping
    rules: tuple[Rule, ...]
    samples: tuple[Sample, ...]


class OutcomeView(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one event by one rule for one recipient."""

    event_type: str
    event_id: str
    rule: str
    verdict: str
    reason: str | None
    detail: str
    message_id: str | None


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a hook. `verdict`: `sent` where anything was sent."""

    id: str
    hook_id: str
    verdict: str
    detail: str
    events: int
    sent: int
    octets: int
    replay_of: str | None
    received_at: str
    outcomes: tuple[OutcomeView, ...]


class CallWhole(CallView, frozen=True, kw_only=True):
    """The same with what it held; null where that is not kept."""

    headers: dict[str, str] | None
    body: str | None


class HookReceipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller of a hook is answered. `reply`: in which form, where that is not JSON."""

    call_id: str
    verdict: str
    sent: int
    outcomes: tuple[OutcomeView, ...]
    reply: str = "json"


class HookTrial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call to try: a kept one by `call_id`, or a body. `rules` and `mapping` take the place of the hook's, so that
    they can be tried before they are kept. `path`: a JMESPath to look at alone."""

    call_id: str | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    mapping: Mapping | None = None
    rules: tuple[Rule, ...] | None = None
    path: str | None = None


class TriedOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What would be sent, or why not."""

    event_type: str
    event_id: str
    event_at: str | None
    subject: str
    rule: str
    verdict: str
    reason: str | None
    detail: str
    to: str | None
    text: str | None
    language: str | None
    send_at: str | None
    segments: int | None
    variables: dict[str, Any]


class HookTried(msgspec.Struct, frozen=True, kw_only=True):
    """What a call would have led to. Nothing was sent. `value`: what `path` found in the first event."""

    verdict: str
    detail: str
    outcomes: tuple[TriedOutcome, ...]
    value: Any = None
    path_problem: str | None = None


class HookReplay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`again`: send also what was sent for before."""

    again: bool = False


# ---------------------------------------------------------------- views


@lru_cache(maxsize=256)
def settings_of(settings: str) -> HookSettings:
    """The settings of a row."""
    return msgspec.json.decode(settings, type=HookSettings)


def view(hook: Hook, public_url: str) -> HookView:
    """The public shape."""
    settings = settings_of(hook.settings)
    return HookView(
        id=hook.id,
        account_id=hook.account_id,
        test=hook.test,
        name=hook.name,
        preset=hook.preset,
        status=hook.status,
        url=f"{public_url.rstrip('/')}/v1/hooks/{hook.id}",
        auth=settings.auth,
        mapping=settings.mapping,
        rules=settings.rules,
        default_country=settings.default_country,
        keep_days=settings.keep_days,
        old_secret_until=moments.to_text_or_none(hook.old_secret_until),
        created_at=moments.to_text(hook.created_at),
        updated_at=moments.to_text(hook.updated_at),
    )


def preset_view(name: str) -> PresetView:
    """A row of the table of presets, its suggestions as rules."""
    preset = PRESETS[name]
    rules = tuple(
        Rule(
            name=each.name,
            events=each.events,
            condition=each.condition,
            to=preset.to,
            country=preset.country,
            language=preset.language,
            text=each.text,
            message_class=each.message_class,
            consent=each.consent,
            newest_only=each.newest_only,
        )
        for each in preset.suggestions
    )
    return PresetView(
        name=name,
        title=preset.title,
        secret_from=preset.secret_from,
        auths=preset.auths,
        mapping=preset.mapping,
        rules=rules,
        samples=preset.samples,
    )


def outcome_view(row: HookOutcome) -> OutcomeView:
    """One line of the log."""
    return OutcomeView(
        event_type=row.event_type,
        event_id=row.event_id,
        rule=row.rule,
        verdict=row.verdict,
        reason=row.reason or None,
        detail=row.detail,
        message_id=row.message_id,
    )


def call_fields(row: HookCall, outcomes: MappingOf[str, list[HookOutcome]]) -> dict[str, Any]:
    """What both shapes of a call say."""
    return {
        "id": row.id,
        "hook_id": row.hook_id,
        "verdict": row.verdict,
        "detail": row.detail,
        "events": row.events,
        "sent": row.sent,
        "octets": row.octets,
        "replay_of": row.replay_of,
        "received_at": moments.to_text(row.created_at),
        "outcomes": tuple(outcome_view(each) for each in outcomes.get(row.id, ())),
    }
