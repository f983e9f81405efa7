"""One SMPP bind as fast as it goes: the link and the codec, as a carrier uses them, without a journey and a store. A
process of its own: `python -m bench.smpp_load PLAN` reads a plan as JSON and prints a result as JSON.

Each submit has a number and a text of its own, is made from a template, and asks for a receipt; each receipt is parsed
and answered. A submit with its response is one exchange, a receipt with its response another.
"""

import asyncio
import gc
import resource
import sys
import time
from typing import Any

import msgspec
import uvloop

from whimbrel.codec.smpp import receipt
from whimbrel.codec.smpp.events import Answered, Bound, DeliverReceived, Event, Role, Settings
from whimbrel.codec.smpp.pdu import Bind, MessageId, Pdu, ShortMessage, submit_template
from whimbrel.codec.smpp.tables import BIND_TRANSCEIVER, SUBMIT_SM
from whimbrel.net.smpp import LinkHandlers, SmppLink

_NUMBERS = 10_000_000_000
_CONNECT_S = 10.0


class Plan(msgspec.Struct, frozen=True):
    """What to send, to whom."""

    host: str
    port: int
    messages: int
    warm_up: int = 2_000
    window: int = 100
    receipts: bool = True
    loop: str = "uvloop"  # or asyncio
    limit_s: float = 120.0
    text: str = "Your order 4711 has left our house and arrives tomorrow between nine and noon."


class Result(msgspec.Struct, frozen=True):
    """What it took; CPU is user and system time of this process, of all its threads."""

    submits: int
    refused: int
    receipts: int
    seconds: float
    cpu_s: float
    cpu_user_s: float
    reads: int  # turns of the loop that brought something


class Load:
    """A plan under way."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        asks = int(plan.receipts)
        self._template = submit_template(
            ShortMessage(
                source_ton=5, source="Whimbrel", dest_ton=1, dest_npi=1, registered_delivery=asks,
                validity_period="000001000000000R",
            )
        )  # fmt: skip
        self._sent = self._left = self._expected = 0
        self._answered = self._refused = self._receipts = self._reads = 0
        self._bound = asyncio.Event()
        self._done = asyncio.Event()

    async def run(self) -> Result:
        """Bind, warm up, measure."""
        plan = self._plan
        loop = asyncio.get_running_loop()
        handlers = LinkHandlers(self._on_events, self._on_closed)
        settings = Settings(window=plan.window)
        _, link = await loop.create_connection(
            lambda: SmppLink(loop, Role.ESME, settings, handlers), plan.host, plan.port
        )
        link.bind(BIND_TRANSCEIVER, Bind(system_id="bench", password="bench"))
        async with asyncio.timeout(_CONNECT_S):
            await self._bound.wait()
        await self._send(link, plan.warm_up)
        gc.collect()
        self._answered = self._refused = self._receipts = self._reads = 0
        began, cpu, user = time.perf_counter(), time.process_time(), _user_s()
        await self._send(link, plan.messages)
        result = Result(
            submits=self._answered,
            refused=self._refused,
            receipts=self._receipts,
            seconds=time.perf_counter() - began,
            cpu_s=time.process_time() - cpu,
            cpu_user_s=_user_s() - user,
            reads=self._reads,
        )
        link.unbind()
        return result

    async def _send(self, link: SmppLink, count: int) -> None:
        """Come back when all of them are answered, and receipted."""
        self._left = count
        self._expected = self._answered + self._refused + count
        self._done.clear()
        self._pump(link)
        async with asyncio.timeout(self._plan.limit_s):
            await self._done.wait()

    def _pump(self, link: SmppLink) -> None:
        count = min(link.room, self._left)
        if not count:
            return
        body, text = self._template.body, self._plan.text
        first = self._sent
        requests = [
            (body(f"{_NUMBERS + number}", f"{text} {number}".encode()), number)
            for number in range(first, first + count)
        ]
        link.session.send_list(SUBMIT_SM, requests, now_ms=link.now_ms())
        link.wake()
        self._sent += count
        self._left -= count

    def _on_events(self, link: SmppLink, events: list[Event]) -> None:
        self._reads += 1
        delivered: list[Pdu] = []
        for event in events:
            if isinstance(event, Answered):
                self._answer(event.pdu)
            elif isinstance(event, DeliverReceived):
                delivered.append(event.pdu)
            elif isinstance(event, Bound):
                self._bound.set()
        if delivered:
            self._receipts += sum(map(_is_delivered, delivered))
            link.session.respond_list(delivered)
            link.wake()
        self._pump(link)
        if not self._left and self._is_through():
            self._done.set()

    def _answer(self, pdu: Pdu) -> None:
        if pdu.status or not isinstance(pdu.body, MessageId):
            self._refused += 1
        else:
            self._answered += 1

    def _is_through(self) -> bool:
        if self._answered + self._refused < self._expected:
            return False
        return not self._plan.receipts or self._receipts >= self._answered

    def _on_closed(self, link: SmppLink, tokens: list[Any], reason: str) -> None:
        self._done.set()


def _is_delivered(pdu: Pdu) -> bool:
    body = pdu.body
    if not isinstance(body, ShortMessage) or not receipt.is_receipt(body.esm_class):
        return False
    found = receipt.parse(body.short_message, body.data_coding, pdu.tlvs)
    return found is not None and bool(found.message_ids) and found.state.name == "DELIVERED"


def _user_s() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def main() -> None:
    """Run the plan of the command line."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    run = uvloop.run if plan.loop == "uvloop" else asyncio.run
    result = run(Load(plan).run())
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")


if __name__ == "__main__":
    main()
