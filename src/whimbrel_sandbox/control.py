"""The HTTP control: look at phones, log and counts; send from a phone; change how the SMSC behaves.

Apart because it is for people and tests only: nothing of the product depends on it. JSON in and out; an error is
`{"detail": …}` with 400 for a body that is wrong, 404, 409 when nobody can take a phone's text.
"""

import asyncio
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whimbrel.codec.errors import CodecError
from whimbrel_sandbox.calling import Call, outbind
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.demand import Demand, Octets, send_octets, send_receipt
from whimbrel_sandbox.log import Event
from whimbrel_sandbox.network import Network, NobodyToTell, PhoneText
from whimbrel_sandbox.outcomes import OUTCOMES, PREFIX
from whimbrel_sandbox.phones import Phone, Said, Text, digits
from whimbrel_sandbox.provider import Provider
from whimbrel_sandbox.provider_settings import ProviderChange, change, reset
from whimbrel_sandbox.scenarios.conduct import Scenario
from whimbrel_sandbox.scenarios.table import SCENARIOS
from whimbrel_sandbox.settings import Change
from whimbrel_sandbox.smsc import Smsc
from whimbrel_sandbox.stage import Staging

PAGE_MAX = 10_000
_PAGE = 1_000
_CALL_S = 5.0
_WAIT_MAX_MS = 60_000


class PhoneChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to set on a phone."""

    off: bool | None = None
    memory_full: bool | None = None


class PhoneView(Struct, frozen=True):
    """A phone with its inbox, and the texts that it sent."""

    phone: Phone
    inbox: list[Text]
    sent: list[Said]


class PhoneChanges(Struct, frozen=True):
    """Which of the numbers and senders that were asked about changed; ask for `after=now` to go on."""

    now: int
    changed: list[str]


class LogPage(Struct, frozen=True):
    """Events from number `first` on; ask for `after=next` to go on."""

    first: int
    next: int
    events: list[Event]


def _answer(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _problem(status: int, detail: str) -> Response:
    return _answer({"detail": detail}, status)


def _whole(request: Request, name: str, default: int) -> int:
    word = request.query_params.get(name, str(default))
    if not word.isdigit():
        raise msgspec.ValidationError(f"{name} must be a whole number")
    return int(word)


def _sources(request: Request) -> list[str]:
    """Senders as they stand in submits: numbers in digits."""
    return [digits(source) for source in request.query_params.getlist("source")]


class Control:
    """The handlers; each is one route of `app`."""

    def __init__(self, center: Center, network: Network, smsc: Smsc, provider: Provider) -> None:
        self._provider = provider
        self._center = center
        self._smsc = smsc
        self._network = network

    async def health(self, request: Request) -> Response:
        """GET /healthz"""
        return _answer({"status": "ok"})

    async def outcomes(self, request: Request) -> Response:
        """GET /outcomes"""
        table = [{"number": f"+{PREFIX}{row.number}", "name": row.name, "about": row.about} for row in OUTCOMES]
        return _answer({"outcomes": table})

    async def counts(self, request: Request) -> Response:
        """GET /counts"""
        return _answer(self._center.snapshot())

    async def log(self, request: Request) -> Response:
        """GET /log?after=&limit="""
        if self._center.log is None:
            return _problem(404, "this simulator only counts (log is set to counts)")
        after, limit = _whole(request, "after", 0), min(_whole(request, "limit", _PAGE), PAGE_MAX)
        first, events = self._center.log.after(after, limit)
        return _answer(LogPage(first, first + len(events), events))

    async def phones(self, request: Request) -> Response:
        """GET /phones?limit=&source="""
        limit = min(_whole(request, "limit", _PAGE), PAGE_MAX)
        return _answer({"phones": self._network.phones.listing(limit, frozenset(_sources(request)))})

    async def changes(self, request: Request) -> Response:
        """GET /phones/changes?after=&number=&source=&wait_ms="""
        changes = self._network.phones.changes
        after = _whole(request, "after", changes.now)
        wait_ms = min(_whole(request, "wait_ms", 0), _WAIT_MAX_MS)
        numbers = [digits(number) for number in request.query_params.getlist("number")]
        changed = await changes.after(after, [*numbers, *_sources(request)], wait_ms / 1000)
        return _answer(PhoneChanges(changes.now, changed))

    async def phone(self, request: Request) -> Response:
        """GET /phones/{number}?limit="""
        number = digits(request.path_params["number"])
        limit = _whole(request, "limit", self._center.settings.inbox) or 1
        phones = self._network.phones
        return _answer(PhoneView(phones.look(number), phones.read(number)[-limit:], phones.said(number)[-limit:]))

    async def set_phone(self, request: Request) -> Response:
        """POST /phones/{number}"""
        number = digits(request.path_params["number"])
        change = msgspec.json.decode(await request.body(), type=PhoneChange)
        self._network.set_phone(number, off=change.off, memory_full=change.memory_full)
        return _answer(self._network.phones.look(number))

    async def send(self, request: Request) -> Response:
        """POST /phones/{number}/send"""
        text = msgspec.json.decode(await request.body(), type=PhoneText)
        return _answer({"id": self._network.send_text(request.path_params["number"], text)}, 202)

    async def behaviour(self, request: Request) -> Response:
        """GET /behaviour"""
        return _answer(self._center.behaviour)

    async def change(self, request: Request) -> Response:
        """POST /behaviour"""
        change = msgspec.json.decode(await request.body(), type=Change)
        self._center.change(change)
        return _answer(self._center.behaviour)

    async def provider(self, request: Request) -> Response:
        """GET /provider"""
        return _answer(self._provider.settings)

    async def change_provider(self, request: Request) -> Response:
        """POST /provider"""
        change(self._provider.settings, msgspec.json.decode(await request.body(), type=ProviderChange))
        return _answer(self._provider.settings)

    async def scenarios(self, request: Request) -> Response:
        """GET /scenarios"""
        return _answer({"on": self._center.stage.playing(), "scenarios": [_row(row) for row in SCENARIOS]})

    async def restage(self, request: Request) -> Response:
        """POST /scenarios"""
        staging = msgspec.json.decode(await request.body(), type=Staging)
        self._center.restage(staging, None if staging.number is None else digits(staging.number))
        return _answer({"on": self._center.stage.playing()})

    async def receipt(self, request: Request) -> Response:
        """POST /receipts"""
        demand = msgspec.json.decode(await request.body(), type=Demand)
        send_receipt(demand, self._center, self._smsc.registry)
        return _answer({"message_id": demand.message_id}, 202)

    async def octets(self, request: Request) -> Response:
        """POST /octets"""
        wanted = msgspec.json.decode(await request.body(), type=Octets)
        return _answer({"connections": send_octets(wanted, self._center)})

    async def outbind(self, request: Request) -> Response:
        """POST /outbind"""
        call = msgspec.json.decode(await request.body(), type=Call)
        try:
            async with asyncio.timeout(_CALL_S):
                await outbind(call, self._center, self._smsc)
        except OSError as error:
            return _problem(409, f"{call.host}:{call.port} does not answer: {error}")
        return _answer({"status": "ok"})

    async def reset(self, request: Request) -> Response:
        """POST /reset"""
        self._network.reset()
        self._center.reset()
        reset(self._provider.settings)
        return _answer({"status": "ok"})


def _row(row: Scenario) -> dict[str, str | None]:
    number = f"+{PREFIX}{row.number}" if row.number else None
    return {"name": row.name, "where": row.where, "number": number, "takes": row.takes or None, "about": row.about}


async def _invalid(request: Request, error: Exception) -> Response:
    return _problem(400, str(error))


async def _nobody(request: Request, error: Exception) -> Response:
    return _problem(409, str(error))


def app(center: Center, network: Network, smsc: Smsc, provider: Provider) -> Starlette:
    """The control as an ASGI application."""
    control = Control(center, network, smsc, provider)
    routes = [
        Route("/healthz", control.health),
        Route("/outcomes", control.outcomes),
        Route("/counts", control.counts),
        Route("/log", control.log),
        Route("/phones", control.phones),
        Route("/phones/changes", control.changes),
        Route("/phones/{number}", control.phone),
        Route("/phones/{number}", control.set_phone, methods=["POST"]),
        Route("/phones/{number}/send", control.send, methods=["POST"]),
        Route("/behaviour", control.behaviour),
        Route("/behaviour", control.change, methods=["POST"]),
        Route("/provider", control.provider),
        Route("/provider", control.change_provider, methods=["POST"]),
        Route("/scenarios", control.scenarios),
        Route("/scenarios", control.restage, methods=["POST"]),
        Route("/receipts", control.receipt, methods=["POST"]),
        Route("/octets", control.octets, methods=["POST"]),
        Route("/outbind", control.outbind, methods=["POST"]),
        Route("/reset", control.reset, methods=["POST"]),
    ]
    errors = {msgspec.DecodeError: _invalid, CodecError: _invalid, ValueError: _invalid, NobodyToTell: _nobody}
    return Starlette(routes=routes, exception_handlers=errors)
