"""All HTTP doors on one port: the path decides which door answers. The hot routes are found in a dict before any router
looks. One `Door` stands behind all of them, so that a key has one rate wherever it is used.

Where there are several cells each has doors of its own, over its own services; who asks decides whose (`Locator`).
"""

from collections.abc import Callable
from typing import Any

from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.request import Settings as ConsoleSettings
from whimbrel.edges.console.site import PREFIX as CONSOLE
from whimbrel.edges.console.site import site
from whimbrel.edges.hooks.door import HooksDoor
from whimbrel.edges.hooks.reports import ReportsDoor
from whimbrel.edges.links.door import LinksDoor
from whimbrel.edges.providers.door import ProvidersDoor
from whimbrel.edges.rest.door import rest_door
from whimbrel.edges.shared.asgi import ASGIApp, Receive, Scope, Send
from whimbrel.edges.shared.cells import RETRY_S, Locator, Served
from whimbrel.edges.shared.door import Door, id_header
from whimbrel.edges.shared.exchange import Application, Exchange
from whimbrel.edges.shared.inside import Inside
from whimbrel.edges.shared.inside_cells import CellInside
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.door import PREFIXES as TWILIO
from whimbrel.edges.twilio.door import TwilioDoor


def doors(
    services: Services, cells: Served | None = None, *, api: bool = True, console: ConsoleSettings | None = None
) -> Application:
    """The application of this node. `services` are those of its own cell, `cells` all cells where there are several.
    Without `api` it answers for the console alone, without `console` (None) for everything else."""
    home = _Doors(services, api)
    every = None if cells is None else _CellDoors(home, cells)
    if console is not None:
        home.open_console(console, home.inside if every is None else every.inside)
    return every or home


class _Doors(Application):
    def __init__(self, services: Services, api: bool = True) -> None:
        self.services = services
        self.door = Door(services)
        rest = rest_door(services, self.door)
        self._failures = self.door.failures
        self.twilio = TwilioDoor(services, self.door.named("twilio"))
        self.hooks = HooksDoor(services, self.door.named("hooks"))
        self.reports = ReportsDoor(services, self.door.named("hooks"))
        self.links = LinksDoor(services, self.door.named("links"))
        self.providers = ProvidersDoor(services, self.door.named("providers"))
        self._hot, self._router = rest.hot, rest.app
        self.direct = rest.direct
        self._console: ASGIApp = self.door.not_found
        self.operations, self.inside = rest.operations, rest.inside
        if not api:
            self._hot, self.direct = {}, {}
            self._router = self.door.router([each for each in rest.operations if each.access == "public"])

    def open_console(self, settings: ConsoleSettings, inside: Inside) -> None:
        """Answer for the console too, with these operations."""
        self._console = site(self.services, inside, self.door.failures, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._failures.come_from(scope["client"])
        path: str = scope["path"]
        handler = self._hot.get((scope["method"], path))
        if handler is None:
            handler = self._other(scope)
        await handler(scope, receive, send)

    def _other(self, scope: Scope) -> ASGIApp:
        method, path = scope["method"], scope["path"]
        if self._hot and self.links.takes(scope):
            return self.links
        if self.hooks.takes(method, path) and self._hot:
            return self.hooks
        if self.reports.takes(method, path) and self._hot:
            return self.reports
        if path.startswith(TWILIO) and self._hot:
            return self.twilio
        if self.providers.takes(path) and self._hot:
            return self.providers
        return self._console if path == CONSOLE or path.startswith(f"{CONSOLE}/") else self._router


class _CellDoors(Application):
    """The doors of every cell. Those of another cell are made when it is first reached."""

    def __init__(self, home: _Doors, cells: Served) -> None:
        self._home = home
        self._cells = cells
        self._locator = Locator(cells)
        self._others: dict[str, _Doors] = {}
        self.inside = CellInside(cells, home.operations, lambda cell: self._doors_of(cell).inside, self._locator)
        self.direct = {place: self._directly(*place) for place in home.direct}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        try:
            name = await self._cell_of(scope["method"], path, scope)
            application = self._doors_of(name)
        except WhimbrelError as error:
            if path.startswith(TWILIO):
                await self._home.twilio.turn_away(error, scope, send)
            else:
                await self._home.door.turn_away(error, send)
            return
        await application(scope, receive, _naming(name, send))

    async def _cell_of(self, method: str, path: str, scope: Scope) -> str:
        """Who calls a hook or reports shows no key: the cell that has the hook or attempt is found by asking them.
        What carriers bring is taken here, and finds its cell as it does over SMPP."""
        if ProvidersDoor.takes(path):
            return self._cells.home
        is_link, is_call = self._home.links.takes(scope), HooksDoor.takes(method, path)
        if not is_link and not is_call and not ReportsDoor.takes(method, path):
            return self._locator.cell_of(method, path, dict(scope["headers"]))
        for name in self._cells.directories():
            if self._cells.services(name) is None:
                continue
            doors = self._doors_of(name)
            if await (doors.links if is_link else doors.hooks if is_call else doors.reports).knows(path):
                return name
        if self._cells.unknown():
            raise WhimbrelError("cell_unavailable", retry_after_s=RETRY_S)
        return self._cells.home

    def _directly(self, method: bytes, target: bytes) -> Callable[[Exchange], None]:
        def take(exchange: Exchange) -> None:
            try:
                name = self._locator.cell_of(method.decode(), target.decode("latin-1"), exchange.headers)
                direct = self._doors_of(name).direct
            except WhimbrelError as error:
                self._turn_away(error, exchange)
                return
            exchange.also = b"x-cell: %b\r\n" % name.encode()
            direct[method, target](exchange)

        return take

    def _turn_away(self, error: WhimbrelError, exchange: Exchange) -> None:
        door = self._home.door
        request_id = door.request_id()
        status, headers, body = door.refusal(error, request_id)
        door.count(status)
        length = (b"content-length", b"%d" % len(body))
        exchange.answer(status, [id_header(request_id), *headers, length], body)

    def _doors_of(self, name: str) -> _Doors:
        if name == self._cells.home:
            return self._home
        services = self._cells.services(name)
        if services is None:
            raise WhimbrelError("cell_unavailable", retry_after_s=RETRY_S)
        known = self._others.get(name)
        if known is None or known.services is not services:
            known = self._others[name] = _Doors(services)
        return known


def _naming(cell: str, send: Send) -> Send:
    """Tell in each answer which cell it is of."""

    async def named(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-cell", cell.encode())]
        await send(message)

    return named
