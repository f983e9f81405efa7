"""Signing in and out: by password, by a link that works once, with the second factor; and proving it once more before
something grave.
"""

from urllib.parse import urlsplit

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.forms import EMPTY, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.manage import passkeys, sessions
from whimbrel.manage.sessions import Opened

_HOME = "/console"


async def sign_in(request: Request) -> Response:
    """The form; whoever has signed in goes on."""
    visit = request.visitor
    if visit is not None and visit.is_whole:
        return request.go(back(request.query.text("to")))
    return request.page("sign_in/password.html", form=EMPTY, problem=None, to=request.query.text("to"))


async def with_password(request: Request) -> Response:
    form = await request.form()
    to = form.text("to")
    try:
        opened = await request.desk.sign_in.with_password(form.text("email"), form.raw("password"), request.where)
    except WhimbrelError as error:
        told = problem(error)
        return request.page("sign_in/password.html", status=told.status, form=form, problem=told, to=to)
    return _go_on(request, opened, to)


async def link(request: Request) -> Response:
    """A button, which a script presses: what looks at links in mails must not use them up."""
    return request.page("sign_in/link.html", code=request.path["code"])


async def with_link(request: Request) -> Response:
    try:
        opened = await request.desk.sign_in.with_link(request.path["code"], request.where)
    except WhimbrelError as error:
        return request.page("sign_in/password.html", status=401, form=EMPTY, problem=problem(error), to="")
    return _go_on(request, opened, "")


async def passkey_options(request: Request) -> Response:
    """What the browser needs to offer its passkeys; asked by a script."""
    options = await passkeys.request_options(request.services.manage, request.site)
    return Response(options, media_type="application/json")


async def with_passkey(request: Request) -> Response:
    form = await request.form()
    try:
        user = await passkeys.owner(request.services.manage, form.raw("credential"), request.site)
        opened = await request.desk.sign_in.with_passkey(user, request.visitor, request.where)
    except WhimbrelError as error:
        told = problem(error)
        return request.page("sign_in/password.html", status=told.status, form=EMPTY, problem=told, to=form.text("to"))
    return _go_on(request, opened, form.text("to"))


async def second(request: Request) -> Response:
    if request.visit.is_whole:
        return request.go(_HOME)
    return request.page("sign_in/second.html", problem=None, to=request.query.text("to"))


async def with_code(request: Request) -> Response:
    form = await request.form()
    try:
        opened = await request.desk.sign_in.with_code(request.visit, form.text("code"), request.where)
    except WhimbrelError as error:
        told = problem(error, "code")
        return request.page("sign_in/second.html", status=told.status, problem=told, to=form.text("to"))
    return _go_on(request, opened, form.text("to"))


async def welcome(request: Request) -> Response:
    """Where somebody who was invited chooses a password; whoever has one changes it in their profile."""
    if request.visit.user.password:
        return request.go(_HOME)
    return request.page("sign_in/welcome.html", problem=None)


async def choose_password(request: Request) -> Response:
    form = await request.form()
    if request.visit.user.password and not request.desk.sign_in.is_confirmed(request.visit):
        return request.go("/console/confirm", to="/console/profile")
    try:
        await request.desk.sign_in.set_password(request.visit, form.raw("password"))
    except WhimbrelError as error:
        return request.page("sign_in/welcome.html", status=422, problem=problem(error))
    return request.go(_HOME, done="password.set")


async def confirm(request: Request) -> Response:
    """Asked before something grave; goes back to where it was asked for."""
    return request.page("sign_in/confirm.html", problem=None, to=request.query.text("to"))


async def confirmed(request: Request) -> Response:
    form = await request.form()
    try:
        await request.desk.sign_in.confirm(request.visit, form.raw("secret"), request.where)
    except WhimbrelError as error:
        told = problem(error, "secret")
        return request.page("sign_in/confirm.html", status=told.status, problem=told, to=form.text("to"))
    return request.go(back(form.text("to")), done="confirmed")


async def sign_out(request: Request) -> Response:
    await sessions.end(request.services.manage, request.visit.session)
    request.signed_out = True
    return request.go("/console/sign-in", done="signed_out")


def _go_on(request: Request, opened: Opened, to: str) -> Response:
    request.signed_in(opened)
    if opened.session.stage == "second":
        return request.go("/console/second-factor", **({"to": to} if to else {}))
    return request.go(back(to))


def back(to: str) -> str:
    """The page of ours that was asked for; never another site."""
    try:
        parts = urlsplit(to)
    except ValueError:
        return _HOME
    inside = parts.path == _HOME or parts.path.startswith(f"{_HOME}/")
    if not inside or "\\" in to or parts.path.startswith(f"{_HOME}/sign-in"):
        return _HOME
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


PAGES = (
    Page(path="/console/sign-in", handle=sign_in, who="anyone"),
    Page(path="/console/sign-in", method="POST", handle=with_password, who="anyone", guessed=True),
    Page(path="/console/link/{code}", handle=link, who="anyone"),
    Page(path="/console/link/{code}", method="POST", handle=with_link, who="anyone"),
    Page(path="/console/sign-in/passkey/options", method="POST", handle=passkey_options, who="anyone"),
    Page(path="/console/sign-in/passkey", method="POST", handle=with_passkey, who="anyone"),
    Page(path="/console/second-factor", handle=second, who="half"),
    Page(path="/console/second-factor", method="POST", handle=with_code, who="half"),
    Page(path="/console/welcome", handle=welcome),
    Page(path="/console/welcome", method="POST", handle=choose_password),
    Page(path="/console/confirm", handle=confirm),
    Page(path="/console/confirm", method="POST", handle=confirmed),
    Page(path="/console/sign-out", method="POST", handle=sign_out, who="half"),
)
