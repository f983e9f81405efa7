"""The virtual phones: several side by side, live; the visitor answers as a phone, switches it off, fills its memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.ids import REQUEST
from whimbrel.domain.numbers import normalise
from whimbrel.edges.console.forms import Form, Problem, problem
from whimbrel.edges.console.live import REST_S, Live
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.simulator import Simulator, SimulatorGone, reached
from whimbrel.edges.console.threads import Screen, peer_name, screen
from whimbrel.edges.console.whose import Whose, whose

PATH: Final = "/console/phones"
PHONES_MAX: Final = 12
_PAGE: Final = "phones/phones.html"
_PHONE: Final = "phones/phone.html"
_LATEST: Final = 3  # phones that are shown when none is asked for
_GROWS_TO: Final = 6  # and so many when others are texted while one looks
_HELLO: Final = "15005550001"
_WAIT_S: Final = 20.0
_SOON_S: Final = 1.0


class _Stand:
    """A row of phones for one visitor."""

    def __init__(self, request: Request, simulator: Simulator, own: Whose) -> None:
        self.request = request
        self.simulator = simulator
        self.own = own
        self.is_waiting = False

    async def latest(self) -> list[str]:
        """The phones that were texted last; where there are none, one to begin with."""
        found = [] if self.own.has_nothing else await self.simulator.latest(_LATEST, self.own.sources)
        return list(found) or [_HELLO]

    async def screen(self, digits: str) -> Screen:
        """One phone as it is."""
        seen = await self.simulator.look(digits)
        now_us = self.request.services.clock.now_us()
        texts = await self.own.texts(seen)
        self.is_waiting |= self.own.waits(seen, now_us)
        return screen(seen, texts, self.own.numbers, now_us)

    def values(self, shown: Screen, numbers: Sequence[str], told: Problem | None = None) -> dict[str, Any]:
        """What the template of a phone takes; `numbers` are those of the phones beside it and its own."""
        others = [number for number in numbers if number != shown.digits]
        return {
            "phone": shown,
            "numbers": numbers,
            "without": f"{PATH}?{_query(others)}" if others else "",
            "may_touch": self.request.api.may("sendMessage"),
            "may_send": self.request.api.may("sendMessage") and self.request.asked.acting_for is not None,
            "key": self.request.services.ids.new(REQUEST),
            "peer_name": peer_name,
            "problem": told,
        }

    async def pieces(self, chosen: Sequence[str]) -> AsyncGenerator[tuple[str, str], None]:
        """Every phone as it is, then those that changed, and (when none was chosen) those that are texted anew."""
        number = (await self.simulator.changes(None, numbers=(), sources=(), wait_s=0)).now
        shown = list(chosen) or await self.latest()
        fresh = shown
        while True:
            self.is_waiting = False
            for digits in fresh:
                values = self.values(await self.screen(digits), shown)
                yield f"phone-{digits}", self.request.text(_PHONE, "screen", **values)
            wait_s = _SOON_S if self.is_waiting else _WAIT_S
            waited_for = fresh if self.is_waiting else []
            told = await self.simulator.changes(number, numbers=shown, sources=self.own.sources, wait_s=wait_s)
            number = told.now
            fresh = [digits for digits in shown if digits in told.changed or digits in waited_for]
            if not chosen:
                for digits in await self._new(shown):
                    values = self.values(await self.screen(digits), shown)
                    yield "more", self.request.text(_PHONE, "whole", **values)
            await asyncio.sleep(REST_S)

    async def _new(self, shown: list[str]) -> list[str]:
        found = [digits for digits in reversed(await self.latest()) if digits not in shown]
        new = found[: max(0, _GROWS_TO - len(shown))]
        shown += new
        return new


async def phones(request: Request) -> Response:
    """The phones that the address names, or those that were texted last."""
    chosen, wrong = _chosen(request.query)
    told = _no_number(request, wrong) if wrong else None
    try:
        async with _stand(request) as stand:
            numbers = chosen or await stand.latest()
            shown = [stand.values(await stand.screen(digits), numbers) for digits in numbers]
            reserved = await stand.simulator.outcomes()
    except SimulatorGone as error:
        return request.page("phones/gone.html", detail=str(error), status=503)
    return request.page(
        _PAGE,
        status=422 if told else 200,
        shown=shown,
        reserved=reserved,
        live=f"{PATH}/live?{_query(chosen)}" if chosen else f"{PATH}/live",
        numbers=numbers,
        is_full=len(numbers) >= PHONES_MAX,
        typed=wrong,
        problem=told,
    )


async def live(request: Request) -> Response:
    """What happens to them."""
    _check_may(request)
    return Live(_pieces(request, _chosen(request.query)[0]))


async def say(request: Request) -> Response:
    """The phone sends a text."""
    _check_may_touch(request)
    form = await request.form()
    digits = _digits(request)
    to, text = form.text("to"), form.raw("text").strip()
    told: Problem | None = None
    async with _hand(request) as stand:
        try:
            if not text:
                raise WhimbrelError("text_missing", errors=[FieldError("/text", request.words("phones.say_something"))])
            seen = await stand.simulator.look(digits)
            if seen.phone.off:
                raise WhimbrelError("conflict", request.words("phones.off_says_nothing"))
            if not stand.own.may_say(to, seen):
                raise WhimbrelError("sender_not_allowed", request.words("phones.not_yours"))
            await stand.simulator.say(digits, to, text)
        except WhimbrelError as error:
            told = problem(error)
        return await _answer(stand, form, digits, told)


async def change(request: Request) -> Response:
    """Switch it off or on, fill or empty its memory."""
    _check_may_touch(request)
    form = await request.form()
    digits = _digits(request)
    wanted = {name: form.text(name) == "1" for name in ("off", "memory_full") if form.text(name)}
    async with _hand(request) as stand:
        await stand.simulator.set(digits, **wanted)
        return await _answer(stand, form, digits, None)


async def first(request: Request) -> Response:
    """Send it a first text, by one press."""
    form = await request.form()
    digits = _digits(request)
    body = {"to": f"+{digits}", "text": request.words("phones.first_text")}
    try:
        await request.api("sendMessage", body=body, key=form.text("key") or None)
    except WhimbrelError as error:
        async with _hand(request) as stand:
            return await _answer(stand, form, digits, problem(error))
    return request.go(f"{PATH}?{_query(_at(form, digits))}&done=phones.sent")


@asynccontextmanager
async def _stand(request: Request) -> AsyncIterator[_Stand]:
    _check_may(request)
    async with reached(request.desk.settings.simulator_url) as simulator:
        yield _Stand(request, simulator, await whose(request))


@asynccontextmanager
async def _hand(request: Request) -> AsyncIterator[_Stand]:
    """The same for those who do something: it is told when that cannot be done."""
    try:
        async with _stand(request) as stand:
            yield stand
    except SimulatorGone as error:
        raise WhimbrelError("overloaded", request.words("phones.gone"), retry_after_s=1) from error


async def _pieces(request: Request, chosen: Sequence[str]) -> AsyncGenerator[tuple[str, str], None]:
    try:
        async with _stand(request) as stand:
            async for piece in stand.pieces(chosen):
                yield piece
    except SimulatorGone:
        return  # the browser asks again, and the page says why when it is loaded anew


async def _answer(stand: _Stand, form: Form, digits: str, told: Problem | None) -> Response:
    """The phone as it is now: a part for a script, and else the page that the form stood on."""
    request = stand.request
    if request.is_part:
        values = stand.values(await stand.screen(digits), _at(form, digits), told)
        return request.part(_PHONE, "screen", status=422 if told else 200, **values)
    if told is not None:
        return request.page("problem.html", problem=told, status=told.status)
    return request.go(f"{PATH}?{_query(_at(form, digits))}")


def _check_may(request: Request) -> None:
    if not request.desk.settings.simulator_url:
        raise WhimbrelError("not_found", request.words("phones.none_here"))
    if not request.api.may("listMessages"):
        raise WhimbrelError("forbidden", request.words("phones.not_for_you"))


def _check_may_touch(request: Request) -> None:
    if not request.api.may("sendMessage"):
        raise WhimbrelError("forbidden", request.words("phones.not_for_you"))


def _digits(request: Request) -> str:
    """The phone that the address names."""
    found = normalise(f"+{request.path['digits']}")
    if found is None:
        raise WhimbrelError("not_found")
    return found.digits


def _chosen(query: Form) -> tuple[list[str], str]:
    """The phones of an address, each once; and what is no number, if anything."""
    found: dict[str, None] = {}
    wrong = ""
    for text in query.many("to"):
        number = normalise(text.strip())
        if number is not None:
            found[number.digits] = None
        else:
            wrong = wrong or text.strip()
    return list(found)[:PHONES_MAX], wrong


def _no_number(request: Request, typed: str) -> Problem:
    detail = request.words("phones.no_number", typed=typed[:40])
    return problem(WhimbrelError("invalid_number", errors=[FieldError("/to", detail)]))


def _at(form: Form, digits: str) -> list[str]:
    """The phones that stood on the page."""
    others = [number for number in form.many("at") if number.isdigit()][:PHONES_MAX]
    return others if digits in others else [*others, digits]


def _query(numbers: Sequence[str]) -> str:
    return urlencode([("to", f"+{number}") for number in numbers])


PAGES = (
    Page(path=PATH, handle=phones),
    Page(path=f"{PATH}/live", handle=live),
    Page(path=f"{PATH}/{{digits}}/say", method="POST", handle=say),
    Page(path=f"{PATH}/{{digits}}/set", method="POST", handle=change),
    Page(path=f"{PATH}/{{digits}}/first", method="POST", handle=first),
)
