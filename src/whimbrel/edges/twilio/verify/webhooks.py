"""Webhooks of Verify's services: endpoints of the account (`/v1/webhooks`) that take events of factors and challenges.
A description says which service one was made for; what it is posted are our events, signed with the endpoint's secret,
and each names its service.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from whimbrel.base import ids
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.model import Webhook
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import pages
from whimbrel.edges.twilio.forms import Form, named, wrong
from whimbrel.edges.twilio.listing import query_of
from whimbrel.edges.twilio.routes import Reply, Request
from whimbrel.edges.twilio.times import iso
from whimbrel.edges.twilio.verify import forms
from whimbrel.manage import webhooks
from whimbrel.manage.webhooks import NewWebhook, WebhookChange
from whimbrel.products.verify import services as verify_services

_SID: Final = "YW"
_NAMES: Final = {"/url": "WebhookUrl", "/description": "FriendlyName", "/events": "EventTypes"}
_NAME_MAX: Final = 200
_ALL: Final = ("factor.*", "challenge.*")
_TYPES: Final = ("factor.created", "factor.verified", "factor.deleted", "challenge.approved", "challenge.denied")
_MARK: Final = re.compile(r"(.{0,200}) \(Verify (VA[0-9a-f]{32})\)", re.DOTALL).fullmatch
_STATUSES: Final = {"enabled": "active", "disabled": "disabled"}
_MOST: Final = 1000  # an account has fewer
_encode = msgspec.json.Encoder().encode


class WebhookRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook."""

    sid: str
    service_sid: str
    account_sid: str
    friendly_name: str
    event_types: tuple[str, ...]
    status: Literal["enabled", "disabled"]
    version: Literal["v2"] = "v2"
    webhook_url: str
    webhook_method: Literal["POST"] = "POST"
    date_created: str
    date_updated: str
    url: str


class VerifyWebhooks:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._ctx = services.manage

    async def create(self, request: Request) -> Reply:
        """Make one; it gets events from now on."""
        forms.check_live(request)
        form = await forms.form_of(request)
        service_id, status = request.names[0], _status(form)
        await verify_services.existing(self._ctx, service_id, request.account_id)
        _check_version(form)
        new = NewWebhook(
            url=forms.needed(form, "WebhookUrl"),
            events=_events(form),
            description=_described(forms.needed(form, "FriendlyName"), service_id),
        )
        about: Any = {"account_id": request.account_id, "test": False}
        with named(_NAMES):
            made = await webhooks.create(self._ctx, request.principal.key_id, new, **about)
        if status == "disabled":
            await webhooks.disable(self._ctx, request.principal.key_id, made.id, **about)
        return await self._reply(request, made.id, 201)

    async def find(self, request: Request) -> Reply:
        """Those of a service, newest first."""
        at, service_id = pages.turn(query_of(request)), request.names[0]
        await verify_services.existing(self._ctx, service_id, request.account_id)
        rows = await self._ctx.store.fetch(Webhook, "webhooks_page", request.account_id, 0, "~", _MOST)
        theirs = [row for row in rows if _service_of(row) == service_id]
        shown = theirs[at.skipped : at.skipped + at.size]
        return pages.reply(request, at, "webhooks", [_record(row, request.base_url) for row in shown])

    async def fetch(self, request: Request) -> Reply:
        """One of them."""
        return await self._reply(request, (await self._existing(request)).id)

    async def update(self, request: Request) -> Reply:
        """Change what the form names."""
        forms.check_live(request)
        form = await forms.form_of(request)
        row, status = await self._existing(request), _status(form)
        _check_version(form)
        said: dict[str, Any] = {
            "url": forms.text(form, "WebhookUrl"),
            "events": _events(form) if "EventTypes" in form else None,
            "description": _described(name, request.names[0]) if (name := forms.text(form, "FriendlyName")) else None,
        }
        change = WebhookChange(**{name: value for name, value in said.items() if value is not None})
        about: Any = {"account_id": request.account_id, "test": False}
        with named(_NAMES):
            await webhooks.update(self._ctx, request.principal.key_id, row.id, change, **about)
        if status is not None and status != row.status:
            turned = webhooks.enable if status == "active" else webhooks.disable
            await turned(self._ctx, request.principal.key_id, row.id, **about)
        return await self._reply(request, row.id)

    async def delete(self, request: Request) -> Reply:
        """Remove one, with what waits for it."""
        forms.check_live(request)
        row = await self._existing(request)
        await webhooks.delete(self._ctx, request.principal.key_id, row.id, account_id=request.account_id, test=False)
        return Reply(b"", 204)

    async def _existing(self, request: Request) -> Webhook:
        service_id, sid = request.names
        await verify_services.existing(self._ctx, service_id, request.account_id)
        row = await webhooks.existing(self._ctx, ids.WEBHOOK + sid[2:], request.account_id, False)
        if _service_of(row) != service_id:
            raise WhimbrelError("not_found")
        return row

    async def _reply(self, request: Request, webhook_id: str, status: int = 200) -> Reply:
        row = await webhooks.existing(self._ctx, webhook_id, request.account_id, False)
        return Reply(_encode(_record(row, request.base_url)), status)


def _described(name: str, service_id: str) -> str:
    if len(name) > _NAME_MAX:
        raise wrong("FriendlyName", f"Invalid parameter `FriendlyName`: has more than {_NAME_MAX} characters.")
    return f"{name} (Verify {service_id})"


def _service_of(row: Webhook) -> str:
    """For which it was made; empty: for none, or somebody has described it otherwise since."""
    found = _MARK(row.description)
    return found[2] if found else ""


def _events(form: Form) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(each for each in form.get("EventTypes", ()) if each))
    if not given:
        raise wrong("EventTypes", "Missing required parameter EventTypes.")
    for each in given:
        if each != "*" and each not in _TYPES:
            raise wrong("EventTypes", f"Invalid parameter `EventTypes`: must be of *, {', '.join(_TYPES)}.")
    return _ALL if "*" in given else given


def _types(events: Sequence[str]) -> tuple[str, ...]:
    return ("*",) if set(_ALL) <= set(events) else tuple(events)


def _status(form: Form) -> str | None:
    given = forms.text(form, "Status")
    if given is not None and given not in _STATUSES:
        raise wrong("Status", "Invalid parameter `Status`: must be enabled or disabled.")
    return None if given is None else _STATUSES[given]


def _check_version(form: Form) -> None:
    if forms.text(form, "Version") == "v1":
        detail = "What is posted are events as docs/events.md has them: version v2 only."
        raise WhimbrelError("not_supported", detail, errors=[FieldError("Version", detail)])


def _record(row: Webhook, base_url: str) -> WebhookRecord:
    found = _MARK(row.description)
    name, service_id = (found[1], found[2]) if found else (row.description, "")
    sid = _SID + row.id[2:]
    return WebhookRecord(
        sid=sid,
        service_sid=service_id,
        account_sid=row.account_id,
        friendly_name=name,
        event_types=_types(row.events),
        status="enabled" if row.status == "active" else "disabled",
        webhook_url=row.url,
        date_created=iso(row.created_at),
        date_updated=iso(row.updated_at),
        url=f"{base_url}/v2/Services/{service_id}/Webhooks/{sid}",
    )
