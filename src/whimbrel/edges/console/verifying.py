"""What the pages of Verify show and take: a service as fields, what happened to a verification in order, rate limits
with their buckets.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base.limits import VERIFY_BUCKETS_PER_LIMIT
from whimbrel.edges.console.codes import codes
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.whole import whole_or_text
from whimbrel.products.verify.texts import languages

STATUSES: Final = ("pending", "approved", "canceled", "expired", "max_attempts_reached", "failed")
ALPHABETS: Final = ("digits", "letters", "alphanumeric")
DOUBTS: Final = ("report", "retry_once")
REFUSABLE: Final = (
    "premium_rate", "shared_cost", "uan", "pager", "voicemail", "voip", "toll_free", "personal", "unknown",
)  # fmt: skip
"""Kinds of lines that a form offers to refuse; landlines have a switch of their own."""
EXAMPLE: Final = "+447400123456"
_WHOLE: Final = (
    "code_length", "ttl_s", "max_checks", "max_sends", "sends_per_hour", "sends_per_day", "new_country_per_hour",
    "totp_code_length", "totp_step_s", "totp_skew", "fallback_after_s",
)  # fmt: skip
_TEXTS: Final = ("language", "app_hash", "webotp_domain", "sender", "alphabet", "on_doubt", "totp_issuer")
_TICKS: Final = ("do_not_share", "custom_code", "skip_landlines", "lookup", "guard")
_ENDED: Final[Mapping[str, str]] = {
    "approved": "good",
    "canceled": "",
    "expired": "warn",
    "max_attempts_reached": "bad",
    "failed": "bad",
}
_LOST: Final = frozenset({"refused", "undelivered", "failed", "rejected", "expired"})
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a verification; `at` None where it is not known."""

    kind: str
    at: str | None
    tone: str = ""
    number: int = 0
    attempt: Any = None


def filled(service: Any) -> Form:
    """A service as the fields show it."""
    return _fields(service.name, service.settings)


def begun(defaults: Mapping[str, Any]) -> Form:
    """A new one, as it is when nobody chooses anything."""
    return _fields("", defaults)


def _fields(name: str, settings: Mapping[str, Any]) -> Form:
    fields: dict[str, str | tuple[str, ...]] = {"name": name}
    fields |= {f"settings.{each}": str(settings[each]) for each in (*_WHOLE, *_TEXTS)}
    fields |= {f"settings.{each}": ("1",) for each in _TICKS if settings[each]}
    fields["settings.countries"] = " ".join(settings["countries"])
    fields["settings.channels"] = " ".join(settings["channels"])
    fields["settings.refuse_types"] = tuple(settings["refuse_types"])
    return Form.of(fields)


def body_of(form: Form) -> dict[str, Any]:
    """The fields as the API takes a service."""
    settings: dict[str, Any] = {each: whole_or_text(form.text(f"settings.{each}")) for each in _WHOLE}
    settings |= {each: form.text(f"settings.{each}") for each in _TEXTS}
    settings |= {each: form.flag(f"settings.{each}") for each in _TICKS}
    settings["countries"] = form.text("settings.countries").upper().replace(",", " ").split()
    settings["channels"] = form.text("settings.channels").lower().replace(",", " ").split()
    settings["refuse_types"] = list(form.many("settings.refuse_types"))
    return {"name": form.text("name"), "settings": settings}


def spoken(any_of_them: str) -> list[tuple[str, str]]:
    """The languages that there are texts in, as choices; `any_of_them`: what none is called."""
    return [("", any_of_them), *((tag, tag) for tag in sorted(languages()))]


def refusable(form: Form) -> tuple[str, ...]:
    """Kinds of lines to tick, those among them that only the API has chosen."""
    return (*REFUSABLE, *(each for each in form.many("settings.refuse_types") if each not in REFUSABLE))


def start_of(form: Form) -> dict[str, str]:
    """The fields of the playground as the API takes a start."""
    return {"to": form.text("to")} | form.given("language", "custom_code", "channel")


def snippets(request: Request, service_id: str, body: Mapping[str, Any], *, check: bool = False) -> Mapping[str, str]:
    """The same request as code."""
    path = f"/v1/verify/services/{service_id}/verifications{'/check' if check else ''}"
    return codes(request.origin, path, body)


def story(verification: Any, attempts: Sequence[Any]) -> Iterator[Step]:
    """What happened, in order. Wrong codes are counted and have no moments of their own."""
    yield Step(kind="started", at=verification.created_at)
    for place, attempt in enumerate(attempts):
        tone = "good" if attempt.converted else "bad" if attempt.state in _LOST else ""
        yield Step(kind="again" if place else "sent", at=attempt.created_at, tone=tone, number=place, attempt=attempt)
    if verification.checks:
        yield Step(kind="wrong", at=None, tone="warn", number=verification.checks)
    if verification.status in _ENDED:
        yield Step(kind=verification.status, at=verification.ended_at, tone=_ENDED[verification.status])


def digest(verification: Any, message: Any) -> str:
    """What changes when something happens to it."""
    state = message.status if message is not None else ""
    return f"{verification.status}-{verification.sends}-{verification.checks}-{state}"


def limit_fields(limit: Any) -> Form:
    """A rate limit as the fields show it."""
    rows = [(each.max, each.interval_s) for each in limit.buckets]
    return _limit_form(limit.name, limit.description, rows)


def limit_body(form: Form) -> dict[str, Any]:
    """The fields as the API takes a rate limit; rows that are empty are none."""
    rows = [(each["max"], each["interval_s"]) for each in _rows(form)]
    buckets = [{"max": whole_or_text(most), "interval_s": whole_or_text(span)} for most, span in rows]
    return {"description": form.text("description"), "buckets": buckets}


def tidied(form: Form) -> Form:
    """The same without empty rows, so that what is said of a bucket stands at its row."""
    rows = [(each["max"], each["interval_s"]) for each in _rows(form)]
    return _limit_form(form.text("name"), form.text("description"), rows)


def _limit_form(name: str, description: str, rows: Sequence[tuple[Any, Any]]) -> Form:
    fields = {"name": name, "description": description}
    for place, (most, span) in enumerate(rows):
        fields |= {f"buckets.{place}.max": str(most), f"buckets.{place}.interval_s": str(span)}
    return Form.of(fields)


def _rows(form: Form) -> Iterator[dict[str, str]]:
    for place in range(VERIFY_BUCKETS_PER_LIMIT):
        row = {name: form.text(f"buckets.{place}.{name}") for name in ("max", "interval_s")}
        if any(row.values()):
            yield row


def span(seconds: int) -> str:
    """So many seconds as people say it: "10 min", "1 h", "90 s"."""
    for length, unit in _UNITS:
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
