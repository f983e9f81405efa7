"""A browser as far as tests need one: it keeps its cookie, says where a request came from, sends the token of the page
with each form, and finds what stands in a page by id.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

import aiohttp
import msgspec

from tests.edges.edge_rig import Edge
from whimbrel.domain.people import RoleName
from whimbrel.manage import users
from whimbrel.manage.users import NewUser
from whimbrel.store.interface import Write
from whimbrel_sandbox.log import InboundAnswered

Fields = Mapping[str, str] | Sequence[tuple[str, str]]


class Seen(msgspec.Struct, frozen=True):
    """An answer, read whole."""

    status: int
    headers: Any
    text: str

    @property
    def to(self) -> str:
        """Where it sends the browser; empty when it does not."""
        return self.headers.get("location", self.headers.get("hx-redirect", ""))

    @property
    def words(self) -> str:
        """What a reader sees: without tags, and with single spaces."""
        bare = re.sub(r"<(script|style)\b.*?</\1>", " ", self.text, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())

    def inner(self, element_id: str) -> str:
        """The text behind an element's opening tag, up to the next closing tag of its kind."""
        found = re.search(rf'<(\w+)[^>]*\bid="{re.escape(element_id)}"[^>]*>(.*?)</\1>', self.text, re.DOTALL)
        assert found, f"no element {element_id}"
        return found[2]

    def has(self, pattern: str) -> bool:
        """Whether a regular expression is found in the page."""
        return re.search(pattern, self.text, re.DOTALL) is not None

    def all(self, pattern: str) -> list[str]:
        """All that a regular expression's group finds."""
        return re.findall(pattern, self.text, re.DOTALL)


class Browser:
    """Somebody's browser."""

    def __init__(self, edge: Edge, http: aiohttp.ClientSession) -> None:
        self._edge = edge
        self._http = http
        self._token = ""

    async def sign_in(self, role: RoleName = "owner", account_id: str | None = None) -> None:
        """As somebody new of an account, or (None) of the operator."""
        request = NewUser(email=f"{role}-{secrets.token_hex(4)}@example.com", role=role)
        invited = await users.invite(self._edge.app.manage, "test", request, account_id=account_id)
        store, now = self._edge.app.store, self._edge.app.clock.now_us()
        await store.write([Write("user_set_password", ((invited.id, "none that fits", "active", now),))])
        seen = await self.post(f"/console/link/{invited.code}")
        assert seen.status == 303, seen.text
        await self.get("/console/profile")

    async def act_for(self, account_id: str, *, test: bool = False) -> None:
        """Show an account's things from now on, or those of its test keys."""
        fields = {"account_id": account_id} | ({"test": "1"} if test else {})
        seen = await self.post("/console/show", fields)
        assert seen.status == 303, seen.text

    async def get(self, path: str, *, part: bool = False, **more: Any) -> Seen:
        """A page; `part`: as a script asks for a piece of one."""
        return await self._ask("GET", path, part, **more)

    async def post(self, path: str, fields: Fields = (), *, part: bool = False, **more: Any) -> Seen:
        """A form of ours."""
        pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
        return await self._ask("POST", path, part, **{"data": [*pairs, ("csrf", self._token)]} | more)

    def open(self, path: str) -> Any:
        """A stream, whose answer is read as it comes."""
        headers = {"sec-fetch-site": "same-origin", "accept": "text/event-stream"}
        return self._http.get(self._edge.url + path, headers=headers, allow_redirects=False)

    async def _ask(self, method: str, path: str, part: bool, **more: Any) -> Seen:
        headers = {"sec-fetch-site": "same-origin"} | ({"hx-request": "true"} if part else {})
        headers |= more.pop("headers", {})
        if isinstance(more.get("data"), list):
            more["data"] = aiohttp.FormData(more["data"], charset="utf-8")
        url = self._edge.url + path
        async with self._http.request(method, url, headers=headers, allow_redirects=False, **more) as answer:
            seen = Seen(answer.status, answer.headers, await answer.text())
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', seen.text)
        self._token = token[1] if token else self._token
        return seen


def answered(edge: Edge, phone: str) -> int:
    """How many texts of a phone (its digits) the carrier was answered for: what they say is stored a moment before it
    holds."""
    said = {text.id for text in edge.simulator.network.phones.said(phone)}
    _, events = edge.simulator.center.log.after(0, 1_000_000)
    return sum(isinstance(event, InboundAnswered) and event.text_id in said for event in events)


class Stream:
    """A live stream, read piece by piece."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self._octets = b""

    async def piece(self) -> tuple[str, str]:
        """The next piece: its name and its HTML."""
        async with asyncio.timeout(60):
            while True:
                while b"\n\n" not in self._octets:
                    self._octets += await self._answer.content.readany()
                frame, _, self._octets = self._octets.partition(b"\n\n")
                lines = frame.decode().split("\n")
                if lines[0].startswith("event: "):
                    return lines[0][7:], "\n".join(line.removeprefix("data: ") for line in lines[1:])

    async def until(self, name: str, words: str) -> str:
        """The first piece of this name that holds these words."""
        while True:
            found, html = await self.piece()
            if found == name and words in html:
                return html
