"""Hours of service: when somebody answers, what is sent while nobody does, how conversations end, what became of it."""

from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console import choosing
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.whole import whole_or_text

PATH: Final = "/console/inbox/service"
_DAYS: Final = range(1, 8)
_PARTS_SHOWN: Final = 2  # stretches of a day that have fields, or as many as there are
_PARTS_MAX: Final = 50
_TEXTS: Final = ("time_zone", "away_text", "question", "thanks")
_MINUTE_S: Final = 60


async def service(request: Request) -> Response:
    """How conversations are served."""
    return await choosing.account(request) or await _page(request, None, None)


async def save(request: Request) -> Response:
    """All of it, as the form has it."""
    form = await request.form()
    try:
        before = await request.api("getConversationSettings")
        await request.api("setConversationSettings", body=_body(form, before.rated_within_s))
    except WhimbrelError as error:
        if error.code == "forbidden":
            raise
        return await _page(request, form, problem(error))
    return request.go(PATH, done="inbox.served")


def _body(form: Form, rated_within_s: int) -> dict[str, Any]:
    hours = [
        {"start": form.text(f"start.{day}.{part}"), "end": form.text(f"end.{day}.{part}"), "days": [day]}
        for day in _DAYS
        for part in range(1, _PARTS_MAX + 1)
        if form.text(f"start.{day}.{part}") or form.text(f"end.{day}.{part}")
    ]
    minutes = whole_or_text(form.text("away_every_s"))
    return {
        **{name: form.raw(name).strip().replace("\r\n", "\n") for name in _TEXTS},
        "hours": hours,
        "closed_on": form.text("closed_on").split(),
        "away_every_s": minutes * _MINUTE_S if isinstance(minutes, int) else minutes,
        "ask_rating": form.flag("ask_rating"),
        "rated_within_s": rated_within_s,
    }


def _shown(settings: Any) -> Form:
    """The form of what is set."""
    fields: dict[str, str | tuple[str, ...]] = {name: getattr(settings, name) for name in _TEXTS}
    fields |= {
        "closed_on": "\n".join(settings.closed_on),
        "away_every_s": str(settings.away_every_s // _MINUTE_S),
        **({"ask_rating": "1"} if settings.ask_rating else {}),
    }
    for day in _DAYS:
        for part, each in enumerate(_of_day(settings, day), start=1):
            fields |= {f"start.{day}.{part}": each.start, f"end.{day}.{part}": each.end}
    return Form.of(fields)


def _of_day(settings: Any, day: int) -> list[Any]:
    return [each for each in settings.hours if not each.days or day in each.days]


async def _page(request: Request, form: Form | None, told: Problem | None) -> Response:
    settings = await request.api("getConversationSettings")
    figures = await request.api("getConversationFigures")
    people = await request.api("listConversationPeople")
    return request.page(
        "inbox/service.html",
        status=422 if told else 200,
        form=_shown(settings) if form is None else form,
        problem=told,
        parts=max(_PARTS_SHOWN, *(len(_of_day(settings, day)) for day in _DAYS)),
        figures=tuple(reversed(figures.data)),
        names={each.id: each.name for each in people.data} | {request.visit.user.id: request.visit.user.name},
        may_write=request.api.may("setConversationSettings"),
    )


PAGES = (Page(path=PATH, handle=service), Page(path=PATH, method="POST", handle=save))
