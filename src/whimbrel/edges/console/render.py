"""Templates: Jinja with everything escaped and every unknown name an error. What all templates may use stands here."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from whimbrel.domain.numbers import international
from whimbrel.edges.console import forms, security
from whimbrel.edges.console.menu import MENU, Group
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.static import Static
from whimbrel.edges.console.words import Words
from whimbrel.manage import notices

_PLACES_MAX: Final = 6


class Renderer:
    """Makes pages."""

    def __init__(self, static: Static, words: Words) -> None:
        self.words = words
        self._environment = Environment(
            loader=PackageLoader("whimbrel.edges.console", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(t=words, words=words, static=static.url, empty_form=forms.EMPTY)
        self._environment.filters.update(moment=moment, money=money, count=count, number=number, pairs=pairs)
        self._environment.globals["ui"] = self._environment.get_template("macros.html").module

    def page(self, request: Request, template: str, values: Mapping[str, Any], status: int) -> Response:
        """A whole template."""
        text = self._environment.get_template(template).render(self._shared(request), **values)
        return HTMLResponse(text, status_code=status)

    def block(self, request: Request, template: str, block: str, values: Mapping[str, Any], status: int) -> Response:
        """One of its blocks."""
        return HTMLResponse(self.text_of(request, template, block, values), status_code=status)

    def text_of(self, request: Request, template: str, block: str, values: Mapping[str, Any]) -> str:
        """One of its blocks, as HTML."""
        found = self._environment.get_template(template)
        context = found.new_context({**self._shared(request), **values})
        return "".join(found.blocks[block](context))

    def _shared(self, request: Request) -> dict[str, Any]:
        visit = request.visitor
        whole = visit is not None and visit.is_whole
        done = request.query.text("done")
        return {
            "request": request,
            "here": request.http.url.path,
            "visit": visit if whole else None,
            "csrf": security.token(request.secret) if request.secret else "",
            "menu": list(_menu(request)) if whole else [],
            "notices": notices.of(visit.user, unseen=True) if visit is not None and whole else (),
            "done": done,
            "undo": request.undo_offered if done and whole else None,
        }


def _menu(request: Request) -> Iterator[Group]:
    """The groups of the menu, with what the visitor may see."""
    api, has_phones = request.api, bool(request.desk.settings.simulator_url)
    for group in MENU:
        entries = tuple(e for e in group.entries if api.may(e.operation) and (has_phones or not e.sandbox))
        if entries:
            yield Group(group.name, entries)


def moment(text: str | None, form: str = "full") -> Markup:
    """A moment of the API (RFC 3339, UTC), which the browser shows in the viewer's zone: `full`, `time` (of day, with
    milliseconds), `minute` (of day), `brief` or `ago`. Nothing where there is none."""
    if not text:
        return Markup("")
    shown = text.replace("T", " ").partition(".")[0].removesuffix("Z")
    return Markup('<time datetime="{}" data-form="{}" title="{} UTC">{} UTC</time>').format(text, form, shown, shown)


def money(amount: str | None, currency: str) -> Markup:
    """An amount of the API as people write it: two places at least, and no zeros beyond them."""
    if amount is None:
        return Markup("")
    value = Decimal(amount).normalize()
    places = min(_PLACES_MAX, max(2, -int(value.as_tuple().exponent)))
    return Markup('<span class="money">{:,.{}f} <abbr>{}</abbr></span>').format(value, places, currency)


def count(value: int | float) -> str:
    """A number with its thousands apart."""
    return f"{value:,}"


def number(text: str | None) -> Markup:
    """A phone number in groups, as it is easier to read; copied without them."""
    if text is None:
        return Markup('<span class="soft">–</span>')
    if not text.startswith("+"):
        return Markup('<span class="number">{}</span>').format(text)
    groups = international(text).removeprefix("+").replace("-", " ").split()
    inner = Markup("").join(Markup("<i>{}</i>").format(escape(group)) for group in groups)
    return Markup('<span class="number">+{}</span>').format(inner)


def pairs(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choices whose words are their values, such as names of a standard."""
    return [(value, value) for value in values]
