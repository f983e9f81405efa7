"""A test of a carrier over HTTP: whether it can be reached and, where it is given a text, one request as every message
makes one, what its answer says by the carrier's settings, and the receipt that follows.

The exchange is shown with what is secret and what is of people hidden: the request is made a second time of hidden
values, so that nothing of the first can stand in it, and the answer is searched for them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn
from urllib.parse import quote

import msgspec

from whimbrel.carriers.http_sender import why
from whimbrel.carriers.probe import Exchange, Failed, ProbeReport, ProbeText, Step, StepState
from whimbrel.codec import segments
from whimbrel.codec.smpp.masks import HIDDEN, mask_number
from whimbrel.domain.http_answers import Verdict, in_words, read_answer
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.http_requests import Request, Template, Unrenderable, Values
from whimbrel.domain.probe import Proposal
from whimbrel.net.http import Failure, HttpClient, Response

_LOOK_S: Final = 0.25  # at what has come back
_VALIDITY_S: Final = 3_600
_SLOW_SHARE: Final = 0.5  # of the response timeout: what a single text should not come near
_BODY_SHOWN: Final = 4_000  # characters
_DOT: Final = HIDDEN[0]
_QUOTED: Final = quote(_DOT)  # as it stands in a URL and a form, where nobody would know it
_AUTHORIZATION: Final = "authorization"
_UNKNOWN: Final = "unknown"
_WORDS: Final = {
    "throttled": "it asks us to wait",
    "refused_now": "refused for now, so the next carrier would be tried",
    "refused": "refused for good",
    "in_doubt": "in doubt: it may have the text",
}


class Told(msgspec.Struct, frozen=True):
    """A receipt that came: what it means, in small letters, whether that is the end, and the provider's own word."""

    state: str
    final: bool
    stat: str


class HttpProbe:
    """One test; see the head of this file."""

    def __init__(
        self,
        settings: HttpSettings,
        password: str,
        *,
        client: HttpClient,
        callback: str,
        receipt: Callable[[str], Awaitable[Told | None]],
    ) -> None:
        """`client` is started. `callback`: where the receipt is to go; empty: we have no public address. `receipt`
        finds the one for an id of the carrier's."""
        self._settings = settings
        self._password = password
        self._client = client
        self._callback = callback
        self._receipt = receipt
        self._template = Template(settings, password)
        self._steps: list[Step] = []
        self._exchange: Exchange | None = None
        self._proposals: list[Proposal] = []
        self._message_id: str | None = None

    async def run(self, text: ProbeText | None) -> ProbeReport:
        """The whole test; never raises for what the carrier does."""
        try:
            await self._connect()
            if text is not None:
                await self._send(text)
        except Failed:
            pass
        return ProbeReport(
            steps=tuple(self._steps),
            entries=(),
            proposals=tuple(self._proposals),
            peer_version=None,
            message_id=self._message_id,
            exchange=self._exchange,
        )

    async def _connect(self) -> None:
        """Its name, its port, TLS."""
        began = asyncio.get_running_loop().time()
        trouble = await self._client.look(self._template.place, timeout_s=self._settings.response_timeout_s)
        if trouble is not None:
            self._fail("connect", why(trouble))
        over = " with TLS" if self._template.place.startswith("https:") else ""
        self._step("connect", "ok", f"{self._template.host} takes connections{over}", began)

    async def _send(self, text: ProbeText) -> None:
        values = self._values(text)
        try:
            request = self._template.request(values)
        except Unrenderable as error:
            self._fail("request", f"cannot be written with these settings: {error}")
        began = asyncio.get_running_loop().time()
        end = await self._client.ask_once(
            request.url, request.body, request.headers, timeout_s=self._settings.response_timeout_s
        )
        self._exchange = self._shown(values, end)
        if isinstance(end, Failure):
            doubt = "; it may have the text" if end.was_sent else ""
            self._fail("request", f"no answer: {why(end)}{doubt}", began)
        self._step("request", "ok", f"answered {end.status}", began)
        self._judge_time(asyncio.get_running_loop().time() - began)
        self._read(read_answer(self._settings, end.status, end.body, end.content_type))
        if self._message_id is not None:
            await self._await_receipt(self._message_id, text.wait_s)

    def _values(self, text: ProbeText) -> Values:
        return Values(
            to=text.recipient,
            sender=text.sender,
            text=text.text,
            reference=f"test-{int(asyncio.get_running_loop().time() * 1_000_000)}",
            callback=self._callback,
            validity_s=_VALIDITY_S,
            encoding=segments.measure(text.text).encoding,
        )

    def _judge_time(self, took_s: float) -> None:
        if took_s > self._settings.response_timeout_s * _SLOW_SHARE:
            longer = round(took_s * 4, 1)
            self._proposals.append(Proposal("response_timeout_s", longer, f"its answer took {took_s:.1f} s"))

    def _read(self, verdict: Verdict) -> None:
        if verdict.kind != "accepted":
            reason = f" as {verdict.reason}" if verdict.kind == "refused" else ""
            self._fail("answer", f"{_WORDS[verdict.kind]}{reason}; it said {in_words(verdict)}")
        self._message_id = verdict.carrier_message_id
        if self._message_id is None:
            self._step("answer", "warning", "taken, but answer_id finds no id: no receipt can be matched")
        else:
            self._step("answer", "ok", f"taken as {self._message_id}")

    async def _await_receipt(self, message_id: str, wait_s: float) -> None:
        if "callback" in self._template.names and not self._callback:
            said = "the setting server.public_url is empty, so the provider is told no address for receipts"
            self._step("receipt", "warning", said)
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await self._receipt(message_id)
        while (found is None or not found.final) and loop.time() < began + wait_s:
            await asyncio.sleep(_LOOK_S)
            found = await self._receipt(message_id) or found
        if found is None:
            self._step("receipt", "warning", f"none within {wait_s:g} s; it may still come")
        elif found.state == _UNKNOWN:
            said = f'"{found.stat}" is no word that is known: receipt_states can say what it means'
            self._step("receipt", "warning", said, began)
        else:
            end = "" if found.final else f"; nothing further within {wait_s:g} s"
            self._step("receipt", "ok", f"{found.stat or found.state}{end}", began)

    # What is shown.

    def _shown(self, values: Values, end: Response | Failure) -> Exchange:
        hidden = msgspec.structs.replace(
            values,
            to=mask_number(values.to),
            sender=mask_number(values.sender),
            text=HIDDEN,
            callback=_without_token(values.callback),
        )
        request = Template(self._settings, HIDDEN).request(hidden)
        body = "" if request.body is None else request.body.decode("utf-8", "replace")
        url, body = [text.replace(_QUOTED, _DOT) for text in (request.url, body)]
        made = Exchange(method=request.method, url=url, headers=_lines(request), body=body)
        if isinstance(end, Failure):
            return made
        answer = self._cleaned(end.body, values)
        return msgspec.structs.replace(made, status=end.status, content_type=end.content_type, answer=answer)

    def _cleaned(self, body: bytes, values: Values) -> str:
        """An answer without what it may repeat of the request."""
        text = body.decode("utf-8", "replace")
        secrets = (self._password, values.text, msgspec.json.encode(values.text).decode()[1:-1])
        for secret in filter(None, secrets):
            text = text.replace(secret, HIDDEN)
        for number in (values.to, values.sender):
            if digits := number.removeprefix("+"):
                text = text.replace(digits, mask_number(digits))
        return text[:_BODY_SHOWN]

    # The report.

    def _step(self, name: str, state: StepState, said: str, began: float | None = None) -> None:
        took_ms = None if began is None else round((asyncio.get_running_loop().time() - began) * 1000, 3)
        self._steps.append(Step(name, state, said, took_ms))

    def _fail(self, name: str, said: str, began: float | None = None) -> NoReturn:
        self._step(name, "failed", said, began)
        raise Failed


def _lines(request: Request) -> tuple[str, ...]:
    """Headers. What authorizes is not shown in any form."""
    shown = []
    for name, value in request.headers.items():
        scheme = value.partition(" ")[0]
        shown.append(f"{name}: {scheme} {HIDDEN}" if name.lower() == _AUTHORIZATION else f"{name}: {value}")
    return tuple(shown)


def _without_token(callback: str) -> str:
    """The address for receipts with the secret in it hidden."""
    if not callback:
        return ""
    before, _, kind = callback.rpartition("/")
    return f"{before.rpartition('/')[0]}/{HIDDEN}/{kind}"
