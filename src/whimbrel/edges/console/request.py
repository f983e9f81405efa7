"""One request of the console, as its pages see it: who asks, what was sent, the operations of the API, and the ways to
answer."""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.people import scopes_of
from whimbrel.edges.console import security, undoing
from whimbrel.edges.console.forms import Form
from whimbrel.edges.console.proxies import Proxies
from whimbrel.edges.console.undoing import Offer, Undo
from whimbrel.edges.console.words import Words
from whimbrel.edges.shared.auth import Principal
from whimbrel.edges.shared.inside import Asked, Inside
from whimbrel.edges.shared.services import Services
from whimbrel.manage import sessions
from whimbrel.manage.passkeys import Site
from whimbrel.manage.sessions import From, Opened, Visit
from whimbrel.manage.sign_in import SignIn

_FORM = "application/x-www-form-urlencoded"
_FIELDS_MAX = 20_000
_STRANGERS_MAX = 65_536  # octets of a form of somebody who has not signed in; a passkey's answer needs a tenth
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_IN_ADDRESSES = ":/%#?=@[]!$&'()*+,;"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation decides about its console. `simulator_url`: where virtual phones are spoken to; empty where
    there are none. `proxies`: networks of those that are believed when they say who asks."""

    idle_s: int = limits.SESSION_IDLE_S
    longest_s: int = limits.SESSION_LONGEST_S
    simulator_url: str = ""
    proxies: tuple[str, ...] = ()


class Renders(Protocol):
    """Makes pages of templates."""

    words: Words

    def page(self, request: "Request", template: str, values: Mapping[str, Any], status: int) -> Response: ...
    def block(
        self, request: "Request", template: str, block: str, values: Mapping[str, Any], status: int
    ) -> Response: ...
    def text_of(self, request: "Request", template: str, block: str, values: Mapping[str, Any]) -> str: ...


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What all requests share."""

    services: Services
    inside: Inside
    sign_in: SignIn
    renderer: Renders
    settings: Settings
    proxies: Proxies


class Api:
    """Operations of the API as this visitor: `await api("listMessages", query={…})`."""

    def __init__(self, inside: Inside, asked: Asked) -> None:
        self._inside = inside
        self._asked = asked

    async def __call__(
        self,
        name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> Any:
        """What the operation answers; WhimbrelError as the API would."""
        return await self._inside(self._asked, name, path=path, query=query, body=body, key=key)

    def may(self, name: str) -> bool:
        """Whether the visitor may do it: what they may not is not shown."""
        return self._inside.may(self._asked, name)


class Request:
    """One request."""

    def __init__(self, desk: Desk, http: HttpRequest, visit: Visit | None, secret: str) -> None:
        self.desk = desk
        self.http = http
        self.secret = secret
        self.secret_to_give = ""
        self.signed_out = False
        self.undo_to_give: Undo | None = None
        self.undo_is_over = False
        self._visit = visit
        self._form: Form | None = None

    # ---- who

    @property
    def services(self) -> Services:
        return self.desk.services

    @property
    def there(self) -> Services:
        """Those of the cell in which the account lives that is shown."""
        return self.desk.inside.services_for(self.asked)

    @property
    def visit(self) -> Visit:
        """Who asks; only where a page is for people who have signed in."""
        assert self._visit is not None
        return self._visit

    @property
    def visitor(self) -> Visit | None:
        """Who asks, if anybody does."""
        return self._visit

    @property
    def where(self) -> From:
        """Where the browser is."""
        return From(self.desk.proxies.address_of(self.http), self.http.headers.get("user-agent", ""))

    @property
    def asked(self) -> Asked:
        """The visitor in the words of the API."""
        user, session = self.visit.user, self.visit.session
        principal = Principal(
            user.account_id,
            user.id,
            session.test,
            scopes_of(user.role, of_operator=user.account_id is None),
            limits.RATE_DEFAULT_PER_S,
        )
        return Asked(principal, session.acting_for, "console")

    @property
    def api(self) -> Api:
        """The operations, as this visitor."""
        return Api(self.desk.inside, self.asked)

    def api_for(self, account_id: str | None) -> Api:
        """The same about another account than the one that is shown; the operations look whether they may."""
        own = self.asked.principal.account_id
        return Api(self.desk.inside, Asked(self.asked.principal, account_id or own, "console"))

    @property
    def origin(self) -> str:
        """How the browser reaches this server."""
        return self.services.public_url or f"{self.http.url.scheme}://{self.http.headers.get('host', '')}"

    @property
    def site(self) -> Site:
        """What passkeys are for: the name under which people reach the console. A Host header says nothing that could
        be relied on, unless it is a name that always leads to one's own machine. WhimbrelError: invalid_request."""
        origin = self.origin
        try:
            name = urlsplit(origin).hostname or ""
        except ValueError:
            name = ""
        if not self.services.public_url and name not in _LOOPBACK:
            raise WhimbrelError("invalid_request", "Passkeys need the setting server.public_url.")
        return Site(name, origin)

    @property
    def has_passkeys(self) -> bool:
        """Whether passkeys may be used here."""
        try:
            return bool(self.site.name)
        except WhimbrelError:
            return False

    def cell_of(self, account_id: str) -> str:
        """The cell that an account lives in; empty where there is one only."""
        return self.desk.inside.cell_of(account_id)

    async def holds(self) -> bool:
        """Whether the visitor may still do and see what they could when they asked: for what goes on for long."""
        now = await sessions.look(self.services.manage, self.secret, self.desk.sign_in.lasting)
        if now is None or _rights(now) != _rights(self.visit):
            return False
        if now.user.account_id is None:
            return True
        await self.services.tables.current()
        account = self.services.tables.accounts.get(now.user.account_id)
        return account is not None and account.status == "active"

    def signed_in(self, opened: Opened) -> None:
        """Give the browser the session that has just begun."""
        self.secret_to_give = opened.secret

    # ---- what

    @property
    def path(self) -> Mapping[str, str]:
        """The parts of the address that stand in braces in the page's path."""
        return self.http.path_params

    @property
    def query(self) -> Form:
        """The query of the address."""
        return Form(parse_qsl(self.http.url.query, keep_blank_values=True))

    @property
    def undo_offered(self) -> Offer | None:
        """What may be taken back."""
        return undoing.read(security.undo_cookie(self.http), self.secret) if self.secret else None

    @property
    def is_part(self) -> bool:
        """Whether a script asks for a part of a page, and not a browser for the whole."""
        return "hx-request" in self.http.headers

    async def form(self) -> Form:
        """The form that was sent. WhimbrelError: malformed_form, body_too_large, unsupported_media_type."""
        if self._form is None:
            self._form = Form(await self._pairs())
        return self._form

    async def _pairs(self) -> list[tuple[str, str]]:
        if self.http.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise WhimbrelError("unsupported_media_type", f"Send the form as {_FORM}.")
        octets, most = bytearray(), limits.BATCH_BODY_MAX if self._visit is not None else _STRANGERS_MAX
        async for part in self.http.stream():
            octets += part
            if len(octets) > most:
                raise WhimbrelError("body_too_large")
        try:
            return parse_qsl(
                octets.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX
            )
        except ValueError:
            raise WhimbrelError("malformed_form") from None

    # ---- answers

    @property
    def words(self) -> Words:
        """The catalogue of texts, for what a handler says itself."""
        return self.desk.renderer.words

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> Response:
        """A page, or a part of one, from a template."""
        return self.desk.renderer.page(self, template, values, status)

    def part(self, template: str, block: str, /, *, status: int = 200, **values: Any) -> Response:
        """One block of a template: what a script puts in place of what stands there."""
        return self.desk.renderer.block(self, template, block, values, status)

    def text(self, template: str, block: str, /, **values: Any) -> str:
        """The same as HTML, for a live part (`live.py`)."""
        return self.desk.renderer.text_of(self, template, block, values)

    def undone_by(self, undo: Undo | None) -> "Request":
        """What is done now can be taken back by this: the page that one goes on to offers it."""
        self.undo_to_give = undo
        return self

    def go(self, path: str, *, done: str = "", **query: str) -> Response:
        """Go on to another page, which says what was `done` (a text of the catalogue, under `done.`). An offer to undo
        what was done before is over then."""
        self.undo_is_over = bool(done) and self.undo_to_give is None
        if done:
            query["done"] = done
        target = quote(f"{path}?{urlencode(query)}" if query else path, safe=_IN_ADDRESSES)
        if self.is_part:
            return Response(status_code=204, headers={"hx-redirect": target})
        return RedirectResponse(target, status_code=303)

    def to_sign_in(self) -> Response:
        """Ask who is there, and come back here."""
        here = self.http.url.path
        if self.http.url.query:
            here += f"?{self.http.url.query}"
        back = f"?to={quote(here, safe='')}" if self.http.method == "GET" and here != "/console" else ""
        if self.is_part:
            return Response(status_code=204, headers={"hx-redirect": "/console/sign-in"})
        return RedirectResponse(f"/console/sign-in{back}", status_code=303)


def _rights(visit: Visit) -> tuple[object, ...]:
    """What decides what somebody may do and see."""
    user, session = visit.user, visit.session
    return user.role, user.account_id, session.id, session.stage, session.acting_for, session.test
