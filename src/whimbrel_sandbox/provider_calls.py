"""Calls of the provider over HTTP: receipts to the address that their message named, texts of phones to one of its own.
Each is called again until it is answered 2xx, or refused for good.

A connection-less client of the SMSC takes the place of binds: what waits for it is handed out by the same queue, within
a window, and logged in the same events.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from whimbrel.codec.smpp.tables import Status
from whimbrel_sandbox.center import Center
from whimbrel_sandbox.esme import Delivery, Esme
from whimbrel_sandbox.provider_settings import ProviderSettings
from whimbrel_sandbox.recent import Recent
from whimbrel_sandbox.scenarios.conduct import Parting
from whimbrel_sandbox.window import Window

_AT_A_TIME: Final = 16
_TIMEOUT_S: Final = 10.0
_REMEMBERED: Final = 50_000
_NOT_TAKEN: Final = 0
_AGAIN: Final = frozenset({408, 425, 429})  # of 4xx: those that say "later"


class Place(Struct, frozen=True):
    """Where the receipts of a message go, and what stands in them."""

    url: str
    to: str
    sender: str
    reference: str


class Callbacks:
    """Who is called. One for all clients of the provider."""

    def __init__(self, center: Center, settings: ProviderSettings) -> None:
        self._center = center
        self._settings = settings
        self._places: Recent[str, Place] = Recent(_REMEMBERED)
        self._callers: dict[str, _Caller] = {}

    def serve(self, esme: Esme) -> None:
        """Bring this client what waits for it from now on. What comes as parts of a long text over SMPP comes whole."""
        if esme.conduct.parting is not Parting.PAYLOAD:
            esme.conduct = msgspec.structs.replace(esme.conduct, parting=Parting.PAYLOAD)
        if esme.system_id not in self._callers:
            self._callers[esme.system_id] = caller = _Caller(self._center, esme, self._call_of)
            esme.receivers.append(caller)
            self._center.touched(esme)

    def expect(self, message_id: str, place: Place) -> None:
        """Receipts of this message go there."""
        self._places.put(message_id, place)

    async def stop(self) -> None:
        """Call nobody any more."""
        for caller in self._callers.values():
            await caller.stop()

    def _call_of(self, delivery: Delivery) -> "_Call | None":
        if delivery.stat:
            place = self._places.get(delivery.message_id)
            url = self._settings.receipts_url if place is None else place.url
            values = {"id": delivery.message_id, "status": delivery.stat, "error": delivery.err}
            if place is not None:
                values |= {"to": place.to, "from": place.sender, "reference": place.reference}
        else:
            url = self._settings.inbound_url
            values = {"id": delivery.message_id, "from": f"+{delivery.source}", "to": delivery.dest}
            values["text"] = delivery.text
        return _written(url, values, self._settings.writing) if url else None


class _Call(Struct, frozen=True):
    """One request to make."""

    host: str
    port: int
    octets: bytes


class _Caller:
    """The receiver of one client (`esme.Receiver`)."""

    def __init__(self, center: Center, esme: Esme, call_of: "Callable[[Delivery], _Call | None]") -> None:
        self.number = center.next_link()
        self._center = center
        self._esme = esme
        self._call_of = call_of
        self._window = Window(center, self.number)
        self._sequence = 0
        self._waiting: asyncio.Queue[tuple[int, Delivery]] = asyncio.Queue()
        self._tasks = [center.loop.create_task(self._run()) for _ in range(_AT_A_TIME)]

    def room(self) -> int:
        """How many more may be under way."""
        return 0 if self._center.behaviour.silent else self._window.room()

    def deliver(self, delivery: Delivery) -> None:
        """Call, now or when one of the callers is free."""
        self._sequence += 1
        self._window.send(self._sequence, delivery)
        self._waiting.put_nowait((self._sequence, delivery))

    async def stop(self) -> None:
        """What was not answered goes back to the queue."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._window.take_back(self._esme)

    async def _run(self) -> None:
        line = _Line()
        try:
            while True:
                sequence, delivery = await self._waiting.get()
                call = self._call_of(delivery)
                status = _NOT_TAKEN if call is None else await line.status_of(call)
                self._window.answer(self._esme, sequence, _as_smpp(status))
        finally:
            line.close()


class _Line:
    """A connection that is kept, to whichever address was called last."""

    def __init__(self) -> None:
        self._to: tuple[str, int] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._to = self._reader = self._writer = None

    async def status_of(self, call: _Call) -> int:
        """The status of the answer; `_NOT_TAKEN` when there was none. A call on a line that was closed meanwhile is
        made once more: receipts may come twice."""
        for _ in range(2):
            was_kept = self._to == (call.host, call.port)
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    return await self._ask(call)
            except (OSError, TimeoutError, EOFError, ValueError):
                self.close()
            if not was_kept:
                break
        return _NOT_TAKEN

    async def _ask(self, call: _Call) -> int:
        if self._to != (call.host, call.port):
            self.close()
            self._reader, self._writer = await asyncio.open_connection(call.host, call.port)
            self._to = (call.host, call.port)
        assert self._reader is not None and self._writer is not None
        self._writer.write(call.octets)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status, _, headers = head.partition("\r\n")
        fields = dict(line.split(": ", 1) for line in headers.split("\r\n") if ": " in line)
        await self._reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection") == "close":
            self.close()
        return int(status.split(" ")[1])


def _written(url: str, values: dict[str, str], writing: str) -> _Call | None:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return None
    query, body, kind, method = parts.query, b"", "", "POST"
    if writing == "query":
        method, query = "GET", "&".join(filter(None, [query, urlencode(values)]))
    elif writing == "form":
        body, kind = urlencode(values).encode(), "application/x-www-form-urlencoded"
    else:
        body, kind = msgspec.json.encode(values), "application/json"
    target = (parts.path or "/") + (f"?{query}" if query else "")
    lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
    head = "\r\n".join([*lines, *([f"content-type: {kind}"] if kind else []), "", ""])
    return _Call(parts.hostname, parts.port or 80, head.encode() + body)


def _as_smpp(status: int) -> int:
    """What deliver_sm_resp would say: taken, try again, or never again."""
    if 200 <= status < 300:
        return 0
    if 400 <= status < 500 and status not in _AGAIN:
        return int(Status.ESME_RX_R_APPN)
    return int(Status.ESME_RX_T_APPN)
