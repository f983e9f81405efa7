"""The visitor's own things: password, authenticator, recovery codes, sessions, and what is shown to them."""

from markupsafe import Markup
from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.codec import qr
from whimbrel.edges.console.forms import problem
from whimbrel.edges.console.pages.sign_in import back
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.manage import notices, passkeys, sessions
from whimbrel.manage.sign_in import is_secret

_PROFILE = "/console/profile"
_ALL = "all"  # accounts, as the operator's people see them


async def profile(request: Request) -> Response:
    return await _profile(request)


async def set_password(request: Request) -> Response:
    form = await request.form()
    try:
        await request.desk.sign_in.set_password(request.visit, form.raw("password"))
    except WhimbrelError as error:
        return await _profile(request, error)
    return request.go(_PROFILE, done="password.set")


async def passkey_options(request: Request) -> Response:
    """What the browser needs to make a passkey; asked by a script."""
    options = await passkeys.creation_options(request.services.manage, request.visit.user, request.site)
    return Response(options, media_type="application/json")


async def add_passkey(request: Request) -> Response:
    form = await request.form()
    try:
        await passkeys.add(
            request.services.manage, request.visit.user, form.raw("credential"), form.text("name"), request.site
        )
    except WhimbrelError as error:
        return await _profile(request, error)
    return request.go(_PROFILE, done="passkey.added")


async def remove_passkey(request: Request) -> Response:
    await passkeys.remove(request.services.manage, request.visit.user, request.path["id"])
    return request.go(_PROFILE, done="passkey.removed")


async def authenticator(request: Request) -> Response:
    """A new secret, as a picture and as text; it is kept when its first code is right."""
    secret, address = request.desk.sign_in.new_authenticator(request.visit.user)
    return _authenticator(request, secret, address)


async def use_authenticator(request: Request) -> Response:
    form = await request.form()
    secret = form.text("secret")
    try:
        codes = await request.desk.sign_in.use_authenticator(request.visit, secret, form.text("code"))
    except WhimbrelError as error:
        if not is_secret(secret):
            secret, _ = request.desk.sign_in.new_authenticator(request.visit.user)
        address = request.desk.sign_in.address_of(request.visit.user, secret)
        return _authenticator(request, secret, address, error)
    return request.page("account/recovery.html", codes=codes)


async def drop_authenticator(request: Request) -> Response:
    await request.desk.sign_in.drop_authenticator(request.visit)
    return request.go(_PROFILE, done="authenticator.removed")


async def recovery(request: Request) -> Response:
    """New recovery codes in place of the old ones, this once."""
    return request.page("account/recovery.html", codes=await request.desk.sign_in.new_recovery_codes(request.visit))


async def end_session(request: Request) -> Response:
    await sessions.end_one(request.services.manage, request.visit, request.path["id"])
    return request.go(_PROFILE, done="session.ended")


async def notices_seen(request: Request) -> Response:
    """They are told no more, and stay on the profile."""
    await notices.seen(request.services.manage, request.visit.user.id)
    return request.go(_PROFILE, done="notices.seen")


async def end_others(request: Request) -> Response:
    await sessions.end_others(request.services.manage, request.visit)
    return request.go(_PROFILE, done="session.others_ended")


async def show(request: Request) -> Response:
    """Show another account's things, or those of test keys."""
    form = await request.form()
    user = request.visit.user
    chosen = form.text("account_id")
    account_id = user.account_id if chosen in {"", _ALL} else chosen
    if account_id is not None and account_id != user.account_id:
        await request.api("getAccount", path={"id": account_id})
    await sessions.show(request.services.manage, request.visit, account_id, test=form.flag("test"))
    return request.go(back(form.text("to")))


async def _profile(request: Request, error: WhimbrelError | None = None) -> Response:
    manage, visit = request.services.manage, request.visit
    return request.page(
        "account/profile.html",
        status=422 if error else 200,
        told=notices.of(visit.user),
        sessions=await sessions.of(manage, visit),
        passkeys=await passkeys.of(manage, visit.user),
        codes_left=await request.desk.sign_in.recovery_codes_left(visit.user),
        problem=problem(error) if error else None,
    )


def _authenticator(request: Request, secret: str, address: str, error: WhimbrelError | None = None) -> Response:
    return request.page(
        "account/authenticator.html",
        status=422 if error else 200,
        secret=secret,
        picture=Markup(qr.svg(address)),
        problem=problem(error, "code") if error else None,
    )


PAGES = (
    Page(path=_PROFILE, handle=profile),
    Page(path="/console/profile/password", method="POST", handle=set_password, confirmed=True),
    Page(path="/console/profile/authenticator", handle=authenticator, confirmed=True),
    Page(path="/console/profile/authenticator", method="POST", handle=use_authenticator, confirmed=True),
    Page(path="/console/profile/authenticator/remove", method="POST", handle=drop_authenticator, confirmed=True),
    Page(path="/console/profile/recovery", method="POST", handle=recovery, confirmed=True),
    Page(path="/console/profile/passkeys/options", method="POST", handle=passkey_options, confirmed=True),
    Page(path="/console/profile/passkeys", method="POST", handle=add_passkey, confirmed=True),
    Page(path="/console/profile/passkeys/{id}/remove", method="POST", handle=remove_passkey, confirmed=True),
    Page(path="/console/profile/sessions/{id}/end", method="POST", handle=end_session),
    Page(path="/console/profile/sessions/end-others", method="POST", handle=end_others),
    Page(path="/console/profile/notices", method="POST", handle=notices_seen),
    Page(path="/console/show", method="POST", handle=show),
)
