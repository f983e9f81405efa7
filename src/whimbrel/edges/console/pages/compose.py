"""Compose: one text to one or to many, with what it costs and what becomes of it told before it goes."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from whimbrel.base import limits, money
from whimbrel.base.errors import CATALOGUE, FieldError, WhimbrelError
from whimbrel.base.ids import REQUEST
from whimbrel.edges.console import attachments, choosing, drafting, recipients, usable
from whimbrel.edges.console.composing import Who, look
from whimbrel.edges.console.forms import Form, Problem, Values, problem
from whimbrel.edges.console.recipients import Recipients
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.whole import whole

PATH: Final = "/console/compose"
CHUNK: Final = 500  # texts that go out between two steps of the progress bar
ROWS_MAX: Final = 100  # verdicts that are shown one by one
_FORM: Final = "compose/compose.html"
_SENT: Final = "compose/sent.html"
_MANY: Final = "compose/many.html"
_ATTACHED: Final = {"attach": f"{PATH}/attach", "form_id": "compose", "for_text": "f-text"}
_PATIENCE_S: Final = 10.0
_CLASSES: Final = ("", "otp", "transactional", "marketing")


class Row(msgspec.Struct, frozen=True):
    """The verdict on one message."""

    to: str
    id: str = ""
    status: str = ""
    segments: int = 0
    price: str | None = None
    currency: str = ""
    why: str = ""
    advice: str = ""


class Totals(msgspec.Struct, frozen=True):
    """What has become of all so far."""

    accepted: int = 0
    refused: int = 0
    micros: int = 0
    currency: str = ""

    def plus(self, rows: Sequence[Row]) -> "Totals":
        """With these too."""
        good = [row for row in rows if row.id]
        return Totals(
            self.accepted + len(good),
            self.refused + len(rows) - len(good),
            self.micros + sum(money.from_text(row.price) for row in good if row.price),
            next((row.currency for row in good if row.currency), self.currency),
        )

    @property
    def cost(self) -> str:
        """As a decimal string."""
        return money.to_text(self.micros)


async def compose(request: Request) -> Response:
    """The form; `to`, `text`, `sender` and `media` of the address fill it in."""
    _check_may(request)
    chooser = await choosing.account(request)
    if chooser is not None:
        return chooser
    query = request.query
    given = query.given("sender", "template")
    shown: Values = {"recipients": "\n".join(query.many("to")), "text": query.raw("text"), "media": query.many("media")}
    form = Form.of({**given, **shown})
    return await _form(request, form, await recipients.read(form.raw("recipients")))


async def beside(request: Request) -> Response:
    """What is told beside the form, while somebody writes."""
    _check_may(request)
    form = await request.form()
    told = await look(request, form, Who.carried(form), form.text("key"))
    return request.part(_FORM, "look", look=told, **_phones(request))


async def what(request: Request) -> Response:
    """A text to write, or the variables of the template that was chosen."""
    _check_may(request)
    form = await request.form()
    return request.part(_FORM, "what", form=form, problem=None, chosen=await _chosen(request, form))


async def _chosen(request: Request, form: Form) -> Any:
    """The version that messages are made of that name the form's template; None where it names none, or none is."""
    name = form.text("template")
    if not name or not request.api.may("getTemplate"):
        return None
    try:
        found = await request.api("getTemplate", path={"id": name})
        path = {"id": name, "version": str(found.live_version or 0)}
        return await request.api("getTemplateVersion", path=path)
    except WhimbrelError:
        return None


async def who(request: Request) -> Response:
    """What the list of recipients holds."""
    _check_may(request)
    form = await request.form()
    found = await recipients.read(form.raw("recipients"))
    response = request.part(_FORM, "who", found=found, who=Who.of(found))
    response.headers["hx-trigger-after-swap"] = "recipients-read"
    return response


async def tidy(request: Request) -> Response:
    """The list with what was meant, and without what is no number or stands there twice."""
    _check_may(request)
    form = await request.form()
    found = await recipients.read(form.raw("recipients"))
    return await _with_recipients(request, form, "\n".join(found.tidy))


async def file(request: Request) -> Response:
    """A CSV file: its first rows to choose a column by; with a column, its numbers as the list of recipients."""
    _check_may(request)
    form = await request.form()
    try:
        table = recipients.table(form.raw("csv"))
    except ValueError:
        return request.part(_FORM, "file", table=None, unread=True)
    column = whole(form.text("column"))
    if column is not None:
        return await _with_recipients(request, form, table.lines(column))
    return request.part(_FORM, "file", table=table, unread=False)


async def attach(request: Request) -> Response:
    """The media of the form, with what was named or without what was taken away."""
    _check_may(request)
    form = attachments.settled(await request.form())
    if not request.is_part:
        return await _form(request, form, await recipients.read(form.raw("recipients")))
    return await attachments.part(request, form, _ATTACHED)


async def send(request: Request) -> Response:
    """Send it. A second press of the same form is answered like the first."""
    _check_may(request)
    form = await request.form()
    found = await recipients.read(form.raw("recipients"))
    try:
        _check(request, found)
        if request.is_part and len(found.numbers) > CHUNK:
            drafting.options(form)
            going = _going(0, Totals(), found.numbers)
            media = attachments.named(form)
            return request.part(_MANY, "many", form=form, numbers=found.numbers, going=going, media=media)
        rows = await _send_all(request, form, found.numbers)
    except WhimbrelError as error:
        return await _form(request, form, found, problem(error))
    shown: dict[str, Any] = {
        "rows": _shown(rows),
        "totals": Totals().plus(rows),
        "twice": len(found.twice),
        **_phones(request),
    }
    return request.part(_SENT, "outcome", **shown) if request.is_part else request.page(_SENT, **shown)


async def step(request: Request) -> Response:
    """Some of many: those at the place that was asked for, and where to go on."""
    _check_may(request)
    form = await request.form()
    numbers = form.raw("numbers").split()
    place = whole(form.text("place")) or 0
    totals = _carried(form)
    part = numbers[place : place + CHUNK]
    rows = await _send_batch(request, form, part, f"{form.text('key')}-{place}") if part else []
    going = _going(place + len(part), totals.plus(rows), numbers)
    fresh = [row for row in rows if not row.id] if place else rows
    return request.part(_MANY, "step", going=going, rows=_shown(fresh), **_phones(request))


def _carried(form: Form) -> Totals:
    accepted, refused, micros = (whole(form.text(name)) or 0 for name in ("accepted", "refused", "micros"))
    return Totals(accepted, refused, micros, form.text("currency"))


def _going(place: int, totals: Totals, numbers: Sequence[str]) -> dict[str, Any]:
    return {"place": place, "count": len(numbers), "totals": totals, "is_done": place >= len(numbers)}


def _check(request: Request, found: Recipients) -> None:
    if found.bad:
        detail = request.words("compose.bad_first", count=len(found.bad))
    elif not found.numbers:
        detail = request.words("compose.nobody")
    elif found.is_too_many:
        detail = request.words("compose.too_many", most=limits.BATCH_MAX, found=len(found.numbers))
    else:
        return
    raise WhimbrelError("invalid_request", detail, errors=[FieldError("/recipients", detail)])


async def _send_all(request: Request, form: Form, numbers: Sequence[str]) -> list[Row]:
    key = form.text("key") or request.services.ids.new(REQUEST)
    if len(numbers) == 1:
        made = await _patiently(request, "sendMessage", drafting.one(form, numbers[0]), key)
        return [Row(made.to, made.id, made.status, made.segments, made.price, made.currency)]
    rows: list[Row] = []
    for place in range(0, len(numbers), CHUNK):
        rows += await _send_batch(request, form, numbers[place : place + CHUNK], f"{key}-{place}")
    return rows


async def _send_batch(request: Request, form: Form, numbers: Sequence[str], key: str) -> list[Row]:
    made = await _patiently(request, "sendBatch", drafting.batch(form, numbers), key)
    return [_row(item, to) for item, to in zip(made.data, numbers, strict=True)]


def _row(item: Any, to: str) -> Row:
    if item.error is not UNSET:
        return Row(to, why=item.error.detail, advice=CATALOGUE[item.error.code].advice)
    return Row(item.to, item.id, item.status, item.segments, item.price, item.currency)


async def _patiently(request: Request, name: str, body: Any, key: str) -> Any:
    """The answer; where the same form is being sent already, that of the first press."""
    until = asyncio.get_running_loop().time() + _PATIENCE_S
    while True:
        try:
            return await request.api(name, body=body, key=key)
        except WhimbrelError as error:
            if error.code != "idempotency_in_progress" or asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(0.05)


async def _form(request: Request, form: Form, found: Recipients, told: Problem | None = None) -> Response:
    """The form as it was filled in. A key that was used for something else is not used again."""
    is_used = told is not None and told.code == "idempotency_key_reused"
    key = "" if is_used else form.text("key")
    key = key or request.services.ids.new(REQUEST)
    form = attachments.settled(form)
    who_, words = Who.of(found), request.words
    senders = await request.api("listSenders", query={"limit": str(limits.PAGE_MAX)})
    values: dict[str, Any] = {
        "form": form,
        "key": key,
        "found": found,
        "who": who_,
        "look": await look(request, form, who_, key),
        "senders": [("", words("compose.sender_default")), *((each.value, each.value) for each in senders.data)],
        "classes": [(each, words(f"compose.classes.{each or 'usual'}")) for each in _CLASSES],
        "validities": usable.validities(form, words),
        "templates": await usable.templates(request, request.words("compose.own_text")),
        "chosen": await _chosen(request, form),
        "table": None,
        "unread": False,
        "problem": told,
        **_ATTACHED,
        **await attachments.values(request, form),
        **_phones(request),
    }
    status = 422 if told else 200
    return (
        request.part(_FORM, "form", status=status, **values)
        if request.is_part
        else request.page(_FORM, status=status, **values)
    )


async def _with_recipients(request: Request, form: Form, lines: str) -> Response:
    """The form with another list of recipients: a part for a script, and else the whole page."""
    found = await recipients.read(lines)
    changed = form.plus({"recipients": lines})
    if not request.is_part:
        return await _form(request, changed, found)
    response = request.part(_FORM, "recipients", form=changed, found=found, who=Who.of(found), problem=None)
    response.headers["hx-trigger-after-swap"] = "recipients-read"
    return response


def _shown(rows: Sequence[Row]) -> list[Row]:
    """Refusals first: they need somebody."""
    return sorted(rows, key=lambda row: bool(row.id))[:ROWS_MAX]


def _phones(request: Request) -> dict[str, bool]:
    return {"has_phones": bool(request.desk.settings.simulator_url)}


def _check_may(request: Request) -> None:
    if not request.api.may("sendMessage"):
        raise WhimbrelError("forbidden", request.words("compose.not_for_you"))


PAGES = (
    Page(path=PATH, handle=compose),
    Page(path=PATH, method="POST", handle=send),
    Page(path=f"{PATH}/look", method="POST", handle=beside),
    Page(path=f"{PATH}/what", method="POST", handle=what),
    Page(path=f"{PATH}/who", method="POST", handle=who),
    Page(path=f"{PATH}/tidy", method="POST", handle=tidy),
    Page(path=f"{PATH}/attach", method="POST", handle=attach),
    Page(path=f"{PATH}/file", method="POST", handle=file),
    Page(path=f"{PATH}/step", method="POST", handle=step),
)
