"""Settings: those of the account that is shown, and what the installation runs with."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from starlette.responses import Response

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.routes import Page
from whimbrel.edges.console.whole import whole_or_text
from whimbrel.edges.shared.settings import SettingView

_SETTINGS: Final = "/console/settings"
_INSTALLATION: Final = "/console/settings/installation"
_SENDERS: Final = "200"


async def settings(request: Request) -> Response:
    """The account's; without one the installation's."""
    if request.asked.acting_for is not None:
        return await _account(request, None, None)
    if request.api.may("listSettings"):
        return request.go(_INSTALLATION)
    return request.page("no_account.html", name="settings")


async def update(request: Request) -> Response:
    form = await request.form()
    body = {"name": form.text("name"), "dedupe_s": whole_or_text(form.text("dedupe_s"))}
    try:
        await request.api("updateAccount", path=_own(request), body=body)
    except WhimbrelError as error:
        return await _account(request, form, error)
    return request.go(_SETTINGS, done="settings.saved")


async def choose_sender(request: Request) -> Response:
    """The sender of messages that name none, to countries that have none of their own."""
    chosen = (await request.form()).text("default_sender")
    if not request.api.may("updateSender"):
        raise WhimbrelError("forbidden", "Your role may not choose default senders.")
    try:
        if chosen:
            await request.api("updateSender", path={"id": chosen}, body={"is_default": True, "countries": []})
        else:
            for sender in _everywhere(await _senders(request)):
                await request.api("updateSender", path={"id": sender.id}, body={"is_default": False})
    except WhimbrelError as error:
        return await _account(request, None, error)
    return request.go(_SETTINGS, done="settings.saved")


async def secret(request: Request) -> Response:
    """What signs the callbacks of messages."""
    return _secret(request, (await request.api("getCallbackSecret", path=_own(request))).secret)


async def rotate_secret(request: Request) -> Response:
    return _secret(request, (await request.api("rotateCallbackSecret", path=_own(request))).secret)


async def installation(request: Request) -> Response:
    """What the node that is asked runs with: all of it, or what was set."""
    found: Sequence[SettingView] = (await request.api("listSettings")).data
    only_set = request.query.text("show") == "set"
    shown = [each for each in found if not only_set or each.source != "default"]
    return request.page(
        "settings/installation.html",
        groups=[(name, tuple(views)) for name, views in groupby(shown, _section)],
        only_set=only_set,
        has_account=request.asked.acting_for is not None,
    )


def _section(view: SettingView) -> str:
    """Where it stands in the file: `server`, `streams.lake`; empty at its top."""
    return view.name.rpartition(".")[0]


def _own(request: Request) -> dict[str, str]:
    account_id = request.asked.acting_for
    if account_id is None:
        raise WhimbrelError("not_found", "No account is chosen.")
    return {"id": account_id}


async def _senders(request: Request) -> Sequence[Any]:
    if not request.api.may("listSenders"):
        return ()
    return tuple((await request.api("listSenders", query={"limit": _SENDERS})).data)


def _everywhere(senders: Iterable[Any]) -> list[Any]:
    return [each for each in senders if each.is_default and not each.countries]


async def _account(request: Request, form: Form | None, error: WhimbrelError | None) -> Response:
    found, senders = await request.api("getAccount", path=_own(request)), await _senders(request)
    filled = {
        "name": found.name,
        "dedupe_s": str(found.dedupe_s),
        "default_sender": next((each.id for each in _everywhere(senders)), ""),
    }
    told = problem(error) if error else None
    api = request.api
    return request.page(
        "settings/account.html",
        status=told.status if told else 200,
        account=found,
        senders=senders,
        form=Form.of({**filled, **({name: form.raw(name) for name in ("name", "dedupe_s")} if form else {})}),
        problem=told,
        may_write=api.may("updateAccount") and found.status != "closed",
        may_choose=api.may("updateSender"),
        has_installation=api.may("listSettings"),
    )


def _secret(request: Request, value: str) -> Response:
    return request.page("settings/secret.html", secret=value)


PAGES = (
    Page(path=_SETTINGS, handle=settings),
    Page(path=_SETTINGS, method="POST", handle=update),
    Page(path=f"{_SETTINGS}/default-sender", method="POST", handle=choose_sender),
    Page(path=f"{_SETTINGS}/secret", handle=secret, confirmed=True),
    Page(path=f"{_SETTINGS}/secret/rotate", method="POST", handle=rotate_secret, confirmed=True),
    Page(path=_INSTALLATION, handle=installation),
)
