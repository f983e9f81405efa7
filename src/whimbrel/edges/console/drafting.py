"""From the form of Compose to what the API takes. Fields have the API's names; what is left empty is left to the API's
defaults."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.console import attachments
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.whole import whole

EXAMPLE: Final = "+15005550001"
"""Stands in where no recipient is known yet: what a text costs and needs can be told all the same."""
_OFFSET_MAX: Final = 24 * 60


def text(form: Form) -> str:
    """The text; browsers send line ends as CR LF, and phones want LF."""
    return form.raw("text").replace("\r\n", "\n").replace("\r", "\n")


def options(form: Form) -> dict[str, Any]:
    """What all recipients have in common beside the text. WhimbrelError: a field cannot be read."""
    found: dict[str, Any] = form.given("sender", "class")
    media = attachments.named(form)
    if media:
        found["media"] = list(media)
    if form.text("validity"):
        found["validity"] = _whole(form, "validity")
    if form.text("send_at"):
        found["send_at"] = _moment(form)
    for name in ("flash", "smart"):
        if form.flag(name):
            found[name] = True
    return found


def what(form: Form) -> dict[str, Any]:
    """What is said: a text, or a template with its variables. What is left empty of these is not given."""
    if not form.text("template"):
        return {"text": text(form)}
    values = {name: form.text(f"variables.{name}") for name in form.many("variable")}
    given = {name: value for name, value in values.items() if value}
    return {"template": form.text("template"), "variables": given, **form.given("language")}


def one(form: Form, to: str) -> dict[str, Any]:
    """The body of sendMessage, and of explainMessage."""
    return {"to": to, **what(form), **options(form)}


def batch(form: Form, numbers: Sequence[str]) -> dict[str, Any]:
    """The body of sendBatch."""
    return {"defaults": {**what(form), **options(form)}, "messages": [{"to": number} for number in numbers]}


def _whole(form: Form, name: str) -> int:
    found = whole(form.text(name))
    if found is None:
        raise _wrong(name, "Give whole seconds.")
    return found


def _moment(form: Form) -> str:
    """A moment as the browser's clock shows it, in UTC; `offset` is minutes from there to UTC."""
    try:
        offset = int(form.text("offset") or "0")
        local = datetime.fromisoformat(form.text("send_at")).replace(tzinfo=UTC)
        if abs(offset) > _OFFSET_MAX:
            raise ValueError
        moment = local + timedelta(minutes=offset)
    except (ValueError, OverflowError):
        raise _wrong("send_at", "Give a date and a time.") from None
    return moment.isoformat().replace("+00:00", "Z")


def _wrong(name: str, detail: str) -> WhimbrelError:
    return WhimbrelError("invalid_request", detail, errors=[FieldError(f"/{name}", detail)])
