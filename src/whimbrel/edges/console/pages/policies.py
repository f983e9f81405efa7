"""What an account lets its marketing do, and the floor that the operator demands; what holds for one number."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import week_strip
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.request import Api, Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.undoing import Undo

PATH: Final = "/console/policies"
DAYS: Final = ("every", "weekdays", "weekends", "holiday", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHECK: Final = f"{PATH}/check"
_FLOOR: Final = f"{PATH}/floor"
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "quiet_hours": ("wait", "refuse", "off"),
    "on_cap": ("wait", "refuse"),
    "require_consent": ("yes", "no"),
    "opt_out_scope": ("sender", "pool", "brand", "all"),
    "keyword_opt_in": ("request", "grant"),
}
_CAP: Final = ("max", "hours", "per", "senders")
_CAPS_MAX: Final = 10
_DIGITS_MAX: Final = 6


async def policy(request: Request) -> Response:
    """As it is decided: the account's, or the floor, where no account is chosen."""
    return await _policy(request, request.api)


async def save(request: Request) -> Response:
    return await _save(request, request.api)


async def floor(request: Request) -> Response:
    """What the operator demands of every account, whichever is chosen."""
    return await _policy(request, _of_all(request))


async def save_floor(request: Request) -> Response:
    return await _save(request, _of_all(request))


def _of_all(request: Request) -> Api:
    if request.visit.user.account_id is not None:
        raise WhimbrelError("forbidden", request.words("policies.floor_not_for_you"))
    return request.api_for(None)


async def _save(request: Request, api: Api) -> Response:
    form = await request.form()
    before = await api("getPolicy")
    caps = _caps(form)
    body: dict[str, Any] = {name: form.text(name) or None for name in _CHOICES}
    body["require_consent"] = {"yes": True, "no": False}.get(form.text("require_consent"))
    body |= {"hours": hours_of(form), "caps": [_cap(cap) for cap in caps]}
    try:
        await api("putPolicy", body=body)
    except WhimbrelError as error:
        return _shown(request, before, form.plus(_rows(caps)), error)
    path = _place(before)
    undo = Undo("putPolicy", path, body=_body(before), account_id=before.account_id)
    return request.undone_by(undo).go(path, done="policy.saved")


async def check(request: Request) -> Response:
    """What holds for a number at a moment."""
    if not request.api.may("checkQuietHours"):
        raise WhimbrelError("forbidden", request.words("policies.check_not_for_you"))
    form, found, told = request.query, None, None
    if form.text("to"):
        try:
            found = await request.api("checkQuietHours", query={"to": form.text("to"), **_moment(form)})
        except WhimbrelError as error:
            told = problem(error, "to" if error.code == "invalid_number" else "at")
    values: dict[str, Any] = {"zone": "", "week": (), "now": 0}
    if found is not None:
        zone = found.time_zones[0] if found.time_zones else "UTC"
        windows = [(window.start, window.end) for window in found.windows]
        now = week_strip.minute_of(found.at, zone)
        values = {"zone": zone, "week": week_strip.days(windows, zone, found.at), "now": now}
    status = 422 if told else 200
    return request.page("policies/check.html", status=status, form=form, problem=told, found=found, **values)


def hours_of(form: Form) -> dict[str, str]:
    """The hours by day that a form says."""
    return {day: text for day in DAYS if (text := form.text(f"hours.{day}"))}


def figure(text: str) -> int | str | None:
    """A number as the API takes it; what is none is left for it to refuse."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX else text or None


async def _policy(request: Request, api: Api) -> Response:
    found = await api("getPolicy")
    return _shown(request, found, _filled(found), None)


def _shown(request: Request, found: Any, form: Form, error: WhimbrelError | None) -> Response:
    used = sum(form.sent(f"caps.{place}.max") for place in range(_CAPS_MAX))
    return request.page(
        "policies/policy.html",
        status=422 if error else 200,
        found=found,
        form=form,
        problem=problem(error) if error else None,
        choices=_CHOICES,
        days=DAYS,
        rows=min(_CAPS_MAX, used + 1),
        may_write=request.api.may("putPolicy"),
        path=_place(found),
    )


def _place(found: Any) -> str:
    """The page of a policy."""
    return PATH if found.account_id else _FLOOR


def _moment(form: Form) -> dict[str, str]:
    """The field says a moment of UTC without its zone."""
    at = form.text("at")
    return {"at": at if at.endswith("Z") else f"{at}Z" if at.count(":") > 1 else f"{at}:00Z"} if at else {}


def _caps(form: Form) -> list[dict[str, str]]:
    """The limits that say anything, without the rows that were left empty."""
    rows = [{name: form.text(f"caps.{place}.{name}") for name in _CAP} for place in range(_CAPS_MAX)]
    return [row for row in rows if row["max"] or row["hours"] or row["senders"]]


def _cap(row: Mapping[str, str]) -> dict[str, Any]:
    senders = [sender for sender in row["senders"].replace(",", " ").split() if sender]
    return {"max": figure(row["max"]), "hours": figure(row["hours"]), "per": row["per"], "senders": senders}


def _rows(caps: list[dict[str, str]]) -> dict[str, str]:
    """The rows of limits as they stand after empty ones have gone, so that what is wrong stands beside its row."""
    empty = dict.fromkeys(_CAP, "")
    rows = [*caps, *([empty] * (_CAPS_MAX - len(caps)))]
    named = {f"caps.{place}.{name}": row[name] for place, row in enumerate(rows) for name in _CAP}
    return {name: text for name, text in named.items() if int(name.split(".")[1]) < len(caps) or text}


def _body(found: Any) -> dict[str, Any]:
    """A policy as it was, for whoever takes a change back."""
    caps = [{"max": cap.max, "hours": cap.hours, "per": cap.per, "senders": list(cap.senders)} for cap in found.caps]
    return {**{name: getattr(found, name) for name in _CHOICES}, "hours": dict(found.hours), "caps": caps}


def _filled(found: Any) -> Form:
    values = {name: getattr(found, name) or "" for name in _CHOICES if name != "require_consent"}
    values["require_consent"] = {True: "yes", False: "no", None: ""}[found.require_consent]
    values |= {f"hours.{day}": text for day, text in found.hours.items()}
    caps = [
        {"max": str(cap.max), "hours": str(cap.hours), "per": cap.per, "senders": ", ".join(cap.senders)}
        for cap in found.caps
    ]
    return Form.of(values | _rows(caps))


PAGES = (
    Page(path=PATH, handle=policy),
    Page(path=PATH, method="POST", handle=save),
    Page(path=_FLOOR, handle=floor),
    Page(path=_FLOOR, method="POST", handle=save_floor),
    Page(path=_CHECK, handle=check),
)
