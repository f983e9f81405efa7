"""What the tests of the Twilio door share: the unmodified SDK pointed at the running application, an application of a
customer that takes its webhooks, and short ways to ask the door by hand.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.edges.edge_rig import ACTOR, NUMBER, SENDER, Answer, Edge, until
from whimbrel.manage import senders
from whimbrel_sandbox.network import PhoneText

PHONE = NUMBER
FORM = "application/x-www-form-urlencoded"


class Told(msgspec.Struct, frozen=True):
    """One request that the customer's application got."""

    method: str
    url: str  # as the application sees it
    form: dict[str, str]
    headers: Any
    signature: str

    def is_signed_with(self, token: str) -> bool:
        """What the SDK's own validator says."""
        params = self.form if self.method == "POST" else {}
        return RequestValidator(token).validate(self.url, params, self.signature)


class Sink:
    """A customer's application: keeps what it is told, and answers what the test says."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.answers: dict[str, tuple[int, str, str]] = {}
        self.url = ""

    def answer(self, path: str, body: str, *, status: int = 200, content_type: str = "text/xml") -> str:
        """What a path answers; gives its URL."""
        self.answers[path] = (status, content_type, body)
        return self.url + path

    async def handle(self, request: web.Request) -> web.Response:
        body = (await request.text()) or request.query_string
        form = dict(parse_qsl(body, keep_blank_values=True))
        signature = request.headers.get("X-Twilio-Signature", "")
        self.told.append(Told(request.method, str(request.url), form, request.headers, signature))
        status, content_type, text = self.answers.get(request.path, (200, "text/xml", "<Response/>"))
        return web.Response(status=status, text=text, content_type=content_type)

    async def wait_for(self, wanted: Callable[[Told], bool]) -> Told:
        """The first request that is wanted."""
        return await until(lambda: next((told for told in self.told if wanted(told)), None))

    def statuses(self, sid: str) -> list[str]:
        """What was said about a message, in the order in which it came."""
        return [told.form["MessageStatus"] for told in self.told if told.form.get("MessageSid") == sid]


@asynccontextmanager
async def running_sink() -> AsyncIterator[Sink]:
    """An application on a free port."""
    sink = Sink()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", sink.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield sink
    finally:
        await runner.cleanup()


def sdk(edge: Edge, *, user: str | None = None, token: str | None = None) -> Client:
    """The official SDK, told where to go as docs/twilio.md says."""
    client = Client(
        user or edge.customer.id, edge.customer.auth_token if token is None else token, account_sid=edge.customer.id
    )
    client.api.base_url = edge.url
    return client


async def aside(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """The SDK blocks: it runs in a thread, beside the application's loop."""
    return await asyncio.to_thread(call, *args, **more)


def basic(user: str, password: str) -> str:
    """The header of Basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def ask(
    edge: Edge, method: str, path: str = "/Messages.json", *, auth: str | None = None, headers: Any = None, **more: Any
) -> Answer:
    """One request by hand; `path` is what follows the account, or a whole one of another version; `auth` None is the
    account's own token, empty nothing."""
    if not path.startswith(("/2010", "/v2/")):
        path = f"/2010-04-01/Accounts/{edge.customer.id}{path}"
    sent = dict(headers or {})
    chosen = basic(edge.customer.id, edge.customer.auth_token) if auth is None else auth
    if chosen:
        sent["Authorization"] = chosen
    async with edge.http.request(method, edge.url + path, headers=sent, **more) as response:
        return Answer(response.status, response.headers, await response.read())


async def create(edge: Edge, *, auth: str | None = None, headers: Any = None, **form: Any) -> Answer:
    """POST Messages.json with a good form and what is given."""
    fields = {"To": PHONE, "From": SENDER, "Body": "Hello"} | form
    return await ask(edge, "POST", data={k: v for k, v in fields.items() if v is not None}, auth=auth, headers=headers)


async def settled(edge: Edge, sid: str, *states: str) -> Any:
    """The message as stored, once it is in one of these states."""

    async def there() -> Any:
        (message,) = await edge.app.store.messages([sid])
        return message if message.state in states else None

    return await until(there)


async def text_from_phone(edge: Edge, text: str, to: str = SENDER, phone: str = PHONE) -> None:
    """A pretend phone sends a text."""
    edge.simulator.network.send_text(phone, PhoneText(to=to, text=text, system_id="whimbrel"))


def inbox(edge: Edge, phone: str = PHONE) -> list[str]:
    """What a pretend phone shows."""
    return [text.text for text in edge.simulator.network.phones.read(phone.lstrip("+"))]


async def answers_go_to(edge: Edge, url: str, **more: Any) -> None:
    """Texts to the customer's number are posted there."""
    page = await senders.find(edge.app.manage, account_id=edge.customer.id)
    change = senders.SenderChange(sms_url=url, **more)
    await senders.update(edge.app.manage, ACTOR, page.data[0].id, change, account_id=edge.customer.id)
