"""The sandbox simulator's HTTP control (docs/sandbox.md), as the console asks it for its virtual phones. The console
asks; browsers never do.

What is sent to a phone and what a phone sends goes over SMPP all the same: here phones are only looked at and handled.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import RESPONSE_BODY_MAX
from whimbrel.net.addresses import Reach
from whimbrel.net.http import HttpClient, Response

TEXTS_MAX: Final = 40  # the latest ones of a phone that are looked at
_TIMEOUT_S: Final = 5.0
_ANYWHERE: Final = ("0.0.0.0/0", "::/0")  # the operator names the address, and nobody else
_JSON: Final = {"content-type": "application/json"}
T = TypeVar("T")


class Text(msgspec.Struct, frozen=True):
    """A text that a phone received; `source` is the sender, a number in digits."""

    at_us: int
    source: str
    text: str
    parts: int
    message_ids: tuple[str, ...]
    flash: bool = False


class Said(msgspec.Struct, frozen=True):
    """A text that a phone sent."""

    at_us: int
    to: str
    text: str
    id: str


class State(msgspec.Struct, frozen=True):
    """How a phone is; `number` is in digits, `waiting` texts come when it is on."""

    number: str
    off: bool
    memory_full: bool
    received: int
    waiting: int = 0


class Seen(msgspec.Struct, frozen=True):
    """A phone with its texts, oldest first."""

    phone: State
    inbox: tuple[Text, ...] = ()
    sent: tuple[Said, ...] = ()


class Changes(msgspec.Struct, frozen=True):
    """Which of the numbers and senders that were asked about changed, up to change `now`."""

    now: int
    changed: frozenset[str]


class Reserved(msgspec.Struct, frozen=True):
    """A number with an outcome of its own."""

    number: str
    name: str
    about: str


class _Listing(msgspec.Struct, frozen=True):
    phones: tuple[State, ...]


class _Outcomes(msgspec.Struct, frozen=True):
    outcomes: tuple[Reserved, ...]


class _Problem(msgspec.Struct, frozen=True):
    detail: str = ""


class SimulatorGone(Exception):
    """It does not answer, or not as it should; the text says why."""


class Simulator:
    """Its control."""

    def __init__(self, client: HttpClient, url: str) -> None:
        self._client = client
        self._url = url.rstrip("/")

    async def look(self, number: str) -> Seen:
        """One phone; so many of its latest texts as fit into an answer."""
        limit = TEXTS_MAX
        while True:
            body = await self._get(f"/phones/{number}", {"limit": limit})
            if len(body) < RESPONSE_BODY_MAX or limit == 1:
                return _decoded(body, Seen)
            limit //= 2

    async def latest(self, limit: int, sources: Collection[str]) -> Sequence[str]:
        """The numbers of the phones that changed last, the latest first; with `sources` those that these texted."""
        body = await self._get("/phones", [("limit", limit), *(("source", source) for source in sources)])
        return [state.number for state in reversed(_decoded(body, _Listing).phones)]

    async def changes(
        self, after: int | None, *, numbers: Sequence[str], sources: Collection[str], wait_s: float
    ) -> Changes:
        """What changed after change `after`; waits for it. None: where the count stands now."""
        query: list[tuple[str, object]] = [("number", number) for number in numbers]
        query += [("source", source) for source in sources]
        if after is not None:
            query += [("after", after), ("wait_ms", round(wait_s * 1000))]
        return _decoded(await self._get("/phones/changes", query, wait_s=wait_s), Changes)

    async def outcomes(self) -> Sequence[Reserved]:
        """The reserved numbers."""
        return _decoded(await self._get("/outcomes", {}), _Outcomes).outcomes

    async def set(self, number: str, **change: bool) -> None:
        """Set `off` or `memory_full`."""
        await self._post(f"/phones/{number}", change)

    async def say(self, number: str, to: str, text: str) -> None:
        """The phone sends a text. WhimbrelError: nobody can take it, or it is none."""
        await self._post(f"/phones/{number}/send", {"to": to, "text": text})

    async def _get(self, path: str, query: Any, *, wait_s: float = 0.0) -> bytes:
        url = f"{self._url}{path}?{urlencode(query)}"
        answer = await self._client.get(url, {}, timeout_s=_TIMEOUT_S + wait_s)
        if not isinstance(answer, Response):
            raise SimulatorGone(answer.detail or answer.reason)
        if answer.status != 200:
            raise SimulatorGone(f"{path}: {answer.status}")
        return answer.body

    async def _post(self, path: str, body: Any) -> None:
        answer = await self._client.post(self._url + path, msgspec.json.encode(body), _JSON, timeout_s=_TIMEOUT_S)
        if not isinstance(answer, Response):
            raise SimulatorGone(answer.detail or answer.reason)
        if answer.status in (400, 409):
            raise WhimbrelError("conflict", _decoded(answer.body, _Problem).detail)
        if answer.status >= 300:
            raise SimulatorGone(f"{path}: {answer.status}")


@asynccontextmanager
async def reached(url: str) -> AsyncIterator[Simulator]:
    """The simulator whose control is there. SimulatorGone is told by the first that is asked of it."""
    client = HttpClient(Reach(_ANYWHERE, plain_http=True), tls=SSLContext(PROTOCOL_TLS_CLIENT))
    await client.start()
    try:
        yield Simulator(client, url)
    finally:
        await client.stop()


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise SimulatorGone(f"its answer cannot be read: {error}") from None
