"""The console as one application below `/console`: finds the page, lets in who may, turns refusals into pages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from typing import Final
from weakref import WeakValueDictionary

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from whimbrel.base.clock import SECOND_US
from whimbrel.base.errors import Unavailable, WhimbrelError, public
from whimbrel.edges.console import choosing, security, undoing, words
from whimbrel.edges.console.forms import problem
from whimbrel.edges.console.live import Live
from whimbrel.edges.console.pages import (
    account,
    accounts,
    audit,
    balance,
    brands,
    campaign_results,
    campaigns,
    canned,
    carriers,
    compose,
    consent_texts,
    consents,
    contact_imports,
    contact_labels,
    contacts,
    flows,
    home,
    hooks,
    inbox,
    keys,
    keywords,
    links,
    lookup,
    mailboxes,
    media,
    message,
    messages,
    numbers,
    opt_outs,
    people,
    phones,
    policies,
    policy_rules,
    pools,
    prices,
    registrations,
    routes,
    schedules,
    segments,
    sender_rules,
    senders,
    service,
    sign_in,
    smpp,
    system,
    tables,
    templates,
    undo,
    usage,
    verification,
    verify,
    verify_guard,
    verify_limits,
    verify_people,
    verify_service,
    webhooks,
)
from whimbrel.edges.console.pages import (
    settings as settings_pages,
)
from whimbrel.edges.console.proxies import Proxies
from whimbrel.edges.console.render import Renderer
from whimbrel.edges.console.request import Desk, Request, Settings
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.security import Cookie
from whimbrel.edges.console.static import PREFIX as STATIC
from whimbrel.edges.console.static import Static
from whimbrel.edges.shared.asgi import ASGIApp, Receive, Scope, Send
from whimbrel.edges.shared.failures import Failures, Windows
from whimbrel.edges.shared.failures import site as site_of
from whimbrel.edges.shared.inside import Inside
from whimbrel.edges.shared.paths import Paths
from whimbrel.edges.shared.routes import NoAccount
from whimbrel.edges.shared.services import Services
from whimbrel.edges.shared.sse import Streams
from whimbrel.manage import sessions
from whimbrel.manage.sessions import Lasting
from whimbrel.manage.sign_in import SignIn

PREFIX: Final = "/console"
_STRANGERS_PER_MINUTE: Final = 300
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PAGES: Final[tuple[Page, ...]] = (
    *home.PAGES,
    *messages.PAGES,
    *message.PAGES,
    *compose.PAGES,
    *phones.PAGES,
    *service.PAGES,
    *inbox.PAGES,
    *canned.PAGES,
    *contacts.PAGES,
    *segments.PAGES,
    *contact_labels.PAGES,
    *contact_imports.PAGES,
    *carriers.PAGES,
    *routes.PAGES,
    *prices.PAGES,
    *templates.PAGES,
    *media.PAGES,
    *links.PAGES,
    *flows.PAGES,
    *campaigns.PAGES,
    *campaign_results.PAGES,
    *schedules.PAGES,
    *verify.PAGES,
    *verify_guard.PAGES,
    *verify_service.PAGES,
    *verify_limits.PAGES,
    *verify_people.PAGES,
    *verification.PAGES,
    *lookup.PAGES,
    *numbers.PAGES,
    *registrations.PAGES,
    *sender_rules.PAGES,
    *senders.PAGES,
    *opt_outs.PAGES,
    *consents.PAGES,
    *consent_texts.PAGES,
    *brands.PAGES,
    *policies.PAGES,
    *policy_rules.PAGES,
    *webhooks.PAGES,
    *hooks.PAGES,
    *mailboxes.PAGES,
    *pools.PAGES,
    *keywords.PAGES,
    *keys.PAGES,
    *smpp.PAGES,
    *balance.PAGES,
    *usage.PAGES,
    *people.PAGES,
    *accounts.PAGES,
    *audit.PAGES,
    *settings_pages.PAGES,
    *system.PAGES,
    *tables.PAGES,
    *undo.PAGES,
    *account.PAGES,
    *sign_in.PAGES,
)
_log = logging.getLogger("whimbrel.console")


def site(services: Services, inside: Inside, failures: Failures, settings: Settings) -> ASGIApp:
    """The application."""
    static, renderer = _looks()
    desk = Desk(
        services=services,
        inside=inside,
        sign_in=SignIn(services.manage, Lasting(settings.idle_s, settings.longest_s)),
        renderer=renderer,
        settings=settings,
        proxies=Proxies(settings.proxies),
    )
    cookie = Cookie(over_tls=services.public_url.startswith("https://"))
    entrance = _Entrance(desk, cookie, failures)
    files = STATIC + "{place:path}"
    paths: dict[str, list[Page]] = {}
    for page in PAGES:
        paths.setdefault(page.path, []).append(page)
    routes = {path: partial(Route, path, entrance.wrap(paths[path]), methods=_METHODS) for path in paths}
    routes[files] = partial(Route, files, entrance.wrap_static(static.serve), methods=["GET"])
    return Paths(routes, entrance.lost)


@lru_cache(maxsize=1)  # the doors of every cell have the same, and templates take long to compile
def _looks() -> tuple[Static, Renderer]:
    static = Static()
    return static, Renderer(static, words.load())


class _Entrance:
    """Lets requests in."""

    def __init__(self, desk: Desk, cookie: Cookie, failures: Failures) -> None:
        self._desk = desk
        self._cookie = cookie
        self._failures = failures
        self._streams = Streams(desk.services.streams_per_account)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._strangers = Windows(desk.services.clock)

    def wrap(self, pages: Sequence[Page]) -> Callable[[HttpRequest], Awaitable[Response]]:
        """What answers all methods of one address."""
        by_method: dict[str, Page] = {page.method: page for page in pages}

        async def answer(http: HttpRequest) -> Response:
            request = Request(self._desk, http, None, "")
            try:
                request = await self._request(http)
                page = by_method.get("GET" if http.method == "HEAD" else http.method)
                if page is None:
                    raise WhimbrelError("method_not_allowed")
                response = await self._let_in(request, page)
                if request.secret_to_give and request.visitor is not None:
                    await sessions.end(self._desk.services.manage, request.visit.session)
                if isinstance(response, Live):
                    response.take_place(self._streams, request.visit.user.id)
                    response.last_while(request.holds)
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:
                response = self._refused(request, error, pages[0].path)
            if response.status_code == 405:
                response.headers["allow"] = ", ".join(by_method)
            return self._finish(request, response)

        return answer

    def wrap_static(self, serve: Callable[[HttpRequest], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        """Files need nobody to sign in."""

        async def answer(http: HttpRequest) -> Response:
            response = await serve(http)
            security.guard(response, over_tls=self._cookie.over_tls, is_kept=True)
            return response

        return answer

    async def lost(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An address that is none."""
        request = Request(self._desk, HttpRequest(scope, receive), None, "")
        error: Exception = WhimbrelError("not_found")
        try:
            request = await self._request(request.http)
        except Exception as failure:
            error = failure
        response = self._finish(request, self._refused(request, error, PREFIX))
        await response(scope, receive, send)

    async def _request(self, http: HttpRequest) -> Request:
        secret = self._cookie.read(http)
        find = sessions.look if security.is_by_itself(http) else sessions.visit
        visit = await find(self._desk.services.manage, secret, self._desk.sign_in.lasting) if secret else None
        return Request(self._desk, http, visit, secret if visit is not None else "")

    async def _let_in(self, request: Request, page: Page) -> Response:
        visit = request.visitor
        if page.who != "anyone" and (visit is None or (page.who == "whole" and not visit.is_whole)):
            return request.to_sign_in()
        if not security.is_safe(request.http):
            await self._check_ours(request)
        if page.confirmed and not self._desk.sign_in.is_confirmed(request.visit):
            return request.go("/console/confirm", to=request.http.headers.get("referer", ""))
        if page.who == "anyone" and page.method == "POST":
            self._check_strangers(request)
        if page.guessed:
            return await self._counted(request, page)
        try:
            return await page.handle(request)
        except NoAccount:
            chooser = None if request.is_part or page.method != "GET" else await choosing.account(request)
            if chooser is None:
                raise
            return chooser

    def _check_strangers(self, request: Request) -> None:
        """What strangers ask for is written down (challenges of passkeys), so it has a rate for each address."""
        address = site_of(request.where.address)
        left_us = self._strangers.left_us(address, _STRANGERS_PER_MINUTE)
        if left_us > 0:
            detail = "Too many tries to sign in from this address."
            raise WhimbrelError("rate_limited", detail, retry_after_s=-(-left_us // SECOND_US))
        self._strangers.note(address)

    async def _counted(self, request: Request, page: Page) -> Response:
        """Whoever fails to sign in too often from one address waits. One after the other, or many guesses at once
        would all come before the first failure; the form is read before, so that nobody waits for a slow one."""
        await request.form()
        self._failures.come_from((request.where.address, 0))
        async with self._turns.setdefault(site_of(request.where.address), asyncio.Lock()):
            self._failures.check()
            response = await page.handle(request)
            if response.status_code == 401:
                self._failures.note()
        return response

    async def _check_ours(self, request: Request) -> None:
        if not security.comes_from_us(request.http):
            raise WhimbrelError("forbidden", "This did not come from a page of the console.")
        if request.visitor is None:
            return
        sent = request.http.headers.get(security.PROOF_HEADER) or (await request.form()).raw(security.PROOF_FIELD)
        if not security.has_token(sent, request.secret):
            raise WhimbrelError("forbidden", "The page is out of date: load it again.")

    def _refused(self, request: Request, error: Exception, path: str) -> Response:
        """`path`: that of the page, for an address may hold the code of a link, and the log must not."""
        if not isinstance(error, WhimbrelError | Unavailable):
            _log.error("a page failed", exc_info=error, extra={"path": path})
        told = problem(public(error))
        if request.is_part:
            return request.part("problem.html", "toast", problem=told, status=told.status)
        return request.page("problem.html", problem=told, status=told.status)

    def _finish(self, request: Request, response: Response) -> Response:
        if request.secret_to_give:
            self._cookie.put(request.http, response, request.secret_to_give)
        elif request.signed_out:
            self._cookie.drop(request.http, response)
        if request.undo_to_give is not None and request.secret:
            value = undoing.written(request.undo_to_give, request.secret)
            self._cookie.put_undo(request.http, response, value, undoing.LASTS_S)
        elif (request.undo_is_over or request.signed_out) and security.undo_cookie(request.http):
            self._cookie.put_undo(request.http, response, "", 0)
        security.guard(response, over_tls=self._cookie.over_tls)
        return response
