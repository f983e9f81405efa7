"""A test of a carrier: a bind of its own, made as `smpp_bind` makes them and given up at the end. It looks at each step
(name, port, TLS, bind, enquire_link) and, where it is given a text, sends that and waits for response and receipt.

What else the carrier brings meanwhile is stored and acknowledged as on any bind: a test must cost nobody a receipt. The
carrier may send the probe's receipt over a running bind; `watch` is where those are recorded.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NoReturn

import msgspec

from whimbrel.base.clock import Clock
from whimbrel.carriers.interface import Handlers, Part, Report
from whimbrel.carriers.smpp_dial import (
    COMMANDS,
    ROLES,
    BindRole,
    addresses,
    bind_body,
    dial,
    session_settings,
    why_lost,
)
from whimbrel.carriers.smpp_intake import BROUGHT, Intake
from whimbrel.carriers.smpp_reader import Reader, states_of
from whimbrel.carriers.smpp_writer import Writer
from whimbrel.codec import segments
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.bodies import MessageId
from whimbrel.codec.smpp.events import Answered, BindRefused, Bound, DeliverReceived, Event, Nacked, RequestReceived
from whimbrel.codec.smpp.fields import tlv_text
from whimbrel.codec.smpp.pdu import Decoder, Pdu
from whimbrel.codec.smpp.receipt import is_receipt
from whimbrel.codec.smpp.statuses import STATUSES, status_name
from whimbrel.codec.smpp.tables import ENQUIRE_LINK, SUBMIT_SM, WITHOUT_RESPONSE, Status, Tag
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.probe import Proposal, Reported, Seen, Sender, base_of, propose
from whimbrel.net.dial import DialError
from whimbrel.net.recorder import Entry, Recorder
from whimbrel.net.smpp import LinkHandlers, SmppLink, connect

_LOOK_S: Final = 0.05  # at what the running binds bring
_LIVES_US: Final = 3_600_000_000
_SAME_TAIL: Final = 7  # digits of the number that a receipt must share with the probe's when it names another id
_BIND, _ENQUIRE, _SUBMIT = "bind", "enquire_link", "submit_sm"

StepState = Literal["ok", "warning", "failed", "skipped"]


class ProbeText(msgspec.Struct, frozen=True):
    """What to send: one segment. `recipient` is E.164 with its plus; `sender` as accounts write it."""

    recipient: str
    text: str
    sender: str
    wait_s: float  # for the receipt


class Step(msgspec.Struct, frozen=True):
    """One thing that was tried, how long it took in milliseconds, and what came of it in words."""

    name: str
    state: StepState
    said: str
    took_ms: float | None = None


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request over HTTP and its answer, with what is secret or of people hidden. `status` None: no answer came."""

    method: str
    url: str
    headers: tuple[str, ...]
    body: str
    status: int | None = None
    content_type: str = ""
    answer: str = ""


class ProbeReport(msgspec.Struct, frozen=True):
    """What a test found. `entries` are all PDUs, as they crossed the wire; over HTTP there is an `exchange`."""

    steps: tuple[Step, ...]
    entries: tuple[Entry, ...]
    proposals: tuple[Proposal, ...]
    peer_version: int | None
    message_id: str | None
    exchange: Exchange | None = None


class _Candidate(msgspec.Struct, frozen=True):
    """A receipt that may be the probe's; `entry` where a running bind brought it."""

    pdu: Pdu
    report: Report
    entry: Entry | None


class Failed(Exception):
    """A step after which the others are without sense; it is in the report already."""


class Probe:
    """One test; see the head of this file."""

    def __init__(
        self,
        name: str,
        settings: CarrierSettings,
        password: str,
        *,
        clock: Clock,
        handlers: Handlers,
        watch: Recorder | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._password = password
        self._clock = clock
        self._recorder = Recorder(clock.now_us)
        self._watch = watch
        self._watched = watch.entries()[-1].number if watch is not None and watch.entries() else 0
        self._intake = Intake(Reader(settings), handlers)
        self._reader = Reader(msgspec.structs.replace(settings, receipts_by_text=True))  # which the test may propose
        self._links: dict[BindRole, SmppLink] = {}
        self._steps: list[Step] = []
        self._seen = Seen(settings=settings)
        self._answers: dict[str, asyncio.Future[Pdu]] = {}
        self._text: ProbeText | None = None
        self._reports: list[_Candidate] = []
        self._entries: list[Entry] = []  # of running binds

    async def run(self, text: ProbeText | None) -> ProbeReport:
        """The whole test; never raises for what the carrier does."""
        self._text = text
        try:
            for role in ROLES[self._settings.bind_mode]:
                await self._bind(role)
            await self._enquire()
            if text is not None:
                await self._send(text)
        except Failed:
            pass
        finally:
            await self._leave()
        await self._look_at_further_hosts()
        own = self._recorder.entries()
        return ProbeReport(
            steps=tuple(self._steps),
            entries=tuple(sorted([*own, *self._entries], key=lambda entry: (entry.at, entry.number))),
            proposals=propose(self._seen),
            peer_version=self._seen.peer_version,
            message_id=self._seen.message_id,
        )

    # The steps.

    async def _bind(self, role: BindRole) -> None:
        if self._settings.outbind and role != "transmitter":
            self._step(f"bind {role}", "skipped", "the carrier calls us for this one (outbind)")
            return
        loop = asyncio.get_running_loop()
        to = dial(self._settings, addresses(self._settings)[0])
        within_s = self._settings.bind_timeout_s
        handlers = LinkHandlers(self._on_events, self._on_closed)
        settings = session_settings(self._settings)
        try:
            link = await connect(loop, to, within_s=within_s, settings=settings, handlers=handlers)
        except DialError as error:
            self._dialled(to.took_ms, to.at)
            self._fail({"open": "tcp"}.get(to.stage, to.stage), str(error))
        self._dialled(to.took_ms, to.at)
        self._links[role] = link
        link.name = f"{self._name} test {role}"
        link.record(self._recorder)
        began = loop.time()
        body = bind_body(self._settings, self._password)
        pdu = await self._asked(f"bind {role}", link, _BIND, lambda: link.bind(COMMANDS[role], body), within_s)
        status = pdu.status or (0 if pdu.command_id & 0xFF else Status.ESME_RBINDFAIL)
        version = link.session.peer_version
        self._seen = msgspec.structs.replace(self._seen, bind_status=status, peer_version=version)
        if status:
            self._fail(f"bind {role}", words_of(status), loop.time() - began)
        self._step(f"bind {role}", "ok", _version_words(version), loop.time() - began)

    def _dialled(self, took_ms: dict[str, float], at: str) -> None:
        said = {
            "dns": f"{self._settings.host} is known",
            "tcp": f"{at} takes connections",
            "tls": "the handshake is done",
        }
        for name, took in took_ms.items():
            self._steps.append(Step(name, "ok", said[name], took))

    async def _enquire(self) -> None:
        for role, link in self._links.items():
            loop = asyncio.get_running_loop()
            began = loop.time()
            ask = functools.partial(link.send, ENQUIRE_LINK, None, token=_ENQUIRE)
            await self._asked("enquire_link", link, _ENQUIRE, ask, self._settings.response_timeout_s)
            self._step("enquire_link", "ok", f"answered on the {role}", loop.time() - began)

    async def _send(self, text: ProbeText) -> None:
        link = next((self._links[role] for role in self._links if role != "receiver"), None)
        if link is None:
            self._fail("submit_sm", "no bind that may send")
        try:
            octets = Writer(self._settings).body(self._part(text), self._clock.now_us())
        except CodecError as error:
            self._fail("submit_sm", f"cannot be written with these settings: {error}")
        loop = asyncio.get_running_loop()
        began = loop.time()
        ask = functools.partial(link.send, SUBMIT_SM, octets, token=_SUBMIT)
        pdu = await self._asked("submit_sm", link, _SUBMIT, ask, self._settings.response_timeout_s)
        took_ms = (loop.time() - began) * 1000
        status = pdu.status or (0 if pdu.command_id & 0xFF else Status.ESME_RUNKNOWNERR)
        message_id = pdu.body.message_id if isinstance(pdu.body, MessageId) else ""
        self._seen = msgspec.structs.replace(
            self._seen,
            sender=_kind_of(text.sender),
            submit_status=status,
            message_id=message_id or None,
            response_ms=took_ms,
        )
        if status:
            self._fail("submit_sm", words_of(status), took_ms / 1000)
        said = f"taken as {message_id}" if message_id else "taken without an id: no receipt can be matched"
        self._step("submit_sm", "ok" if message_id else "warning", said, took_ms / 1000)
        await self._await_receipt(text.wait_s, began)

    def _part(self, text: ProbeText) -> Part:
        measured = segments.measure(text.text)
        (octets,) = segments.cut(text.text, encoding=measured.encoding)
        expires_at = self._clock.now_us() + _LIVES_US
        return Part(0, "probe", text.sender, text.recipient, octets, measured.encoding, expires_at, 1, 1, 0, 0)

    async def _await_receipt(self, wait_s: float, began: float) -> None:
        if self._settings.receipts_on == "none":
            self._step("receipt", "skipped", "the settings ask for none")
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        found = self._receipt()
        while found is None and loop.time() < deadline:
            await asyncio.sleep(_LOOK_S)
            self._look_at_running_binds()
            found = self._receipt()
        found = found or next(filter(self._has_its_number, self._reports), None)
        if found is None:
            self._step("receipt", "warning", f"none within {wait_s:g} s; it may still come")
            return
        if found.entry is not None:
            self._entries.append(found.entry)
        reported = _reported(found.pdu, found.report)
        self._seen = msgspec.structs.replace(self._seen, receipt=reported)
        took_s = loop.time() - began
        if reported.state == "UNKNOWN" and reported.stat and reported.stat.upper() not in states_of(self._settings):
            said = f'"{reported.stat}" is no word that is known: receipt_states can say what it means'
            self._step("receipt", "warning", said, took_s)
            return
        self._step("receipt", "ok", reported.stat or reported.state, took_s)

    def _receipt(self) -> "_Candidate | None":
        """The receipt that names the probe's id, written in any way that is known."""
        known = self._seen.message_id
        for each in self._reports:
            if known is not None and any(base_of(known, message_id) for message_id in each.report.message_ids):
                return each
        return None

    def _has_its_number(self, found: "_Candidate") -> bool:
        """Where no id agrees: a receipt about the same phone, most likely."""
        tail = self._text.recipient[-_SAME_TAIL:] if self._text is not None else ""
        return any(address.endswith(tail) for address in found.report.addresses)

    async def _look_at_further_hosts(self) -> None:
        """Whether they take connections; bound to is the first one only."""
        for host, port in addresses(self._settings)[1:]:
            to = dial(self._settings, (host, port))
            try:
                await to.look(asyncio.get_running_loop(), self._settings.bind_timeout_s)
            except DialError as error:
                self._step(f"host {host}:{port}", "warning", str(error))
            else:
                self._step(f"host {host}:{port}", "ok", "takes connections", sum(to.took_ms.values()) / 1000)

    async def _leave(self) -> None:
        await self._intake.drain(1.0)
        loop = asyncio.get_running_loop()
        for link in self._links.values():
            if link.transport is not None and link.session.room:
                link.unbind()
        deadline = loop.time() + 1.0
        # looking is enough here: a test is rare
        while any(link.transport is not None for link in self._links.values()) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for link in self._links.values():
            link.abort("test ended")

    # What comes.

    def _on_events(self, link: SmppLink, events: Sequence[Event]) -> None:
        brought: list[Pdu] = []
        for event in events:
            if isinstance(event, Bound | BindRefused):
                self._answered(_BIND, event.pdu)
            elif isinstance(event, Answered | Nacked) and event.token is not None:
                self._answered(str(event.token), event.pdu)
            elif isinstance(event, DeliverReceived | RequestReceived) and event.pdu.command_id in BROUGHT:
                brought.append(event.pdu)
            elif isinstance(event, RequestReceived) and event.pdu.command_id not in WITHOUT_RESPONSE:
                link.respond(event.pdu, Status.ESME_RINVCMDID)
        for pdu in brought:
            self._note(pdu)
        if brought:
            self._intake.take(link.name, link.name, link, brought)

    def _on_closed(self, link: SmppLink, tokens: list[Any], reason: str) -> None:
        for what, future in self._answers.items():
            if not future.done():
                future.set_exception(DialError(why_lost(self._settings, reason, bound=what != _BIND)))

    def _note(self, pdu: Pdu, entry: Entry | None = None) -> None:
        """A receipt may be the probe's."""
        found = self._reader.read(pdu, "")
        if isinstance(found, Report) and self._text is not None:
            self._reports.append(_Candidate(pdu, found, entry))

    def _look_at_running_binds(self) -> None:
        """The receipt may have come over one of them."""
        for entry in self._watch.entries(self._watched) if self._watch is not None else ():
            self._watched = entry.number
            pdus = Decoder().feed(entry.octets) if entry.direction == "in" else []
            for pdu in pdus:
                if isinstance(pdu, Pdu) and pdu.command_id in BROUGHT:
                    self._note(pdu, entry)

    # The report.

    def _answered(self, what: str, pdu: Pdu) -> None:
        future = self._answers.get(what)
        if future is not None and not future.done():
            future.set_result(pdu)

    async def _asked(self, step: str, link: SmppLink, what: str, ask: Callable[[], object], within_s: float) -> Pdu:
        """The answer to what `ask` writes."""
        future: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._answers[what] = future
        try:
            ask()
            async with asyncio.timeout(within_s):
                return await future
        except CodecError as error:
            reason = why_lost(self._settings, link.session.close_reason or "peer closed", bound=what != _BIND)
            lost = f"the connection was lost: {reason}"
            self._fail(step, lost if link.session.is_closed else f"cannot be written: {error}")
        except TimeoutError:
            self._fail(step, f"no answer within {within_s:g} s")
        except DialError as error:
            self._fail(step, f"the connection was lost: {error}")
        finally:
            future.cancel()

    def _step(self, name: str, state: StepState, said: str, took_s: float | None = None) -> None:
        self._steps.append(Step(name, state, said, None if took_s is None else round(took_s * 1000, 3)))

    def _fail(self, name: str, said: str, took_s: float | None = None) -> NoReturn:
        self._step(name, "failed", said, took_s)
        raise Failed


def words_of(status: int) -> str:
    """A command_status by name and meaning."""
    known = STATUSES.get(status)
    return f"refused: {status_name(status)} (0x{status:08x})" + (f": {known.meaning}" if known is not None else "")


def _version_words(version: int | None) -> str:
    return "bound; it says nothing of its version" if version is None else f"bound; it speaks 0x{version:02x}"


def _kind_of(sender: str) -> Sender:
    if sender.startswith("+"):
        return "source_international"
    return "source_short" if sender.isdecimal() else "source_alphanumeric"


def _reported(pdu: Pdu, found: Report) -> Reported:
    tlv_id = tlv_text(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID)
    ids = [each for each in found.message_ids if each != tlv_id]
    return Reported(
        tlv_id=tlv_id or None,
        text_id=ids[0] if ids else None,
        state=found.state,
        stat=found.stat,
        marked=is_receipt(getattr(pdu.body, "esm_class", 0)),
    )
