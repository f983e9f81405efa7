"""A session driven by octets: the first says how it begins, the rest are what peer and owner do, step by step.

Apart from the other targets because it is a small machine: it keeps the books that the session must agree with.
"""

import itertools
from typing import Any

from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.events import (
    Answered,
    AnsweredLate,
    BindRequested,
    DeliverReceived,
    Event,
    Nacked,
    RequestReceived,
    Role,
    Settings,
    SubmitReceived,
    TimedOut,
)
from whimbrel.codec.smpp.pdu import Bind, BindResp, Decoder, Pdu, ShortMessage, encode, header
from whimbrel.codec.smpp.session import Session
from whimbrel.codec.smpp.tables import (
    BIND_TRANSCEIVER,
    BIND_TRANSCEIVER_RESP,
    COMMANDS,
    DELIVER_SM,
    RESPONSE_BIT,
    SUBMIT_SM,
)

_COMMANDS = sorted(COMMANDS)
_TEXT = ShortMessage(source="Wimb", dest="447700900123", short_message=b"hello")
_TLVS = ((0x1400, b"1701158019811140068"),)
_SETTINGS = Settings(window=3, response_timeout_ms=1_000, enquire_link_ms=2_000, enquire_link_tries=2)
_OUTPUT_PER_STEP = 200
"""Octets that one step of the owner may write, at most: its own request and its TLVs."""


class Script:
    """One run; `tokens` are the requests of ours that have no outcome yet."""

    def __init__(self, kind: int) -> None:
        self.now_ms = 0
        self.role = Role.SMSC if kind & 1 else Role.ESME
        self.session = Session(self.role, _SETTINGS, 0)
        self.tokens: set[int] = set()
        self.late: set[int] = set()
        self.owed: list[Pdu] = []
        self.names = itertools.count()
        self.read = 0
        self.steps = 0
        self.written = 0
        if kind & 2:
            self.bind(0x33 if kind & 4 else 0x34)

    def bind(self, version: int) -> None:
        if self.role is Role.ESME:
            self.session.bind(BIND_TRANSCEIVER, Bind("whmbrel", "secret", interface_version=version), now_ms=0)
            self.session.receive(encode(Pdu(BIND_TRANSCEIVER_RESP, 0, 1, BindResp("SMSC"))), 0)
        else:
            asked = encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind("phones", "secret", interface_version=version)))
            self.hear(self.session.receive(asked, 0))
            self.session.respond(self.owed.pop(), 0, BindResp("SMSC"))
        self.session.take_output()

    def hear(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Answered(token) | TimedOut(token):
                    self.end(token)
                    if isinstance(event, TimedOut):
                        self.late.add(token)
                case Nacked(token, _) if token is not None:
                    self.end(token)
                case AnsweredLate(token, _):
                    assert token in self.late
                    self.late.discard(token)
                case BindRequested(pdu) | SubmitReceived(pdu) | DeliverReceived(pdu) | RequestReceived(pdu):
                    self.owed.append(pdu)

    def end(self, token: Any) -> None:
        assert token in self.tokens
        self.tokens.discard(token)

    def receive(self, octets: bytes) -> None:
        self.read += len(octets)
        self.hear(self.session.receive(octets, self.now_ms))

    def frame(self, command: int, sequence: int, body: bytes) -> None:
        """A PDU with the right length, whatever is in it."""
        self.receive(header(len(body), _COMMANDS[command % len(_COMMANDS)], command & 0x58, sequence) + body)

    def wait(self, amount: int) -> None:
        self.now_ms += amount * amount
        self.hear(self.session.tick(self.now_ms))

    def send(self, with_tlvs: bool) -> None:
        token = next(self.names)
        command_id = SUBMIT_SM if self.role is Role.ESME else DELIVER_SM
        try:
            self.session.send(command_id, _TEXT, token=token, now_ms=self.now_ms, tlvs=_TLVS if with_tlvs else ())
        except CodecError:
            return
        self.tokens.add(token)

    def respond(self, status: int) -> None:
        if self.owed:
            request = self.owed.pop(status % len(self.owed))
            if request.command_id | RESPONSE_BIT in COMMANDS:
                self.session.respond(request, status if status & 1 else 0)

    def end_or_unbind(self, amount: int) -> None:
        if amount & 1:
            self.session.nack(amount, 3)
            return
        try:
            self.session.unbind(now_ms=self.now_ms)
        except CodecError:
            return

    def step(self, verb: int, amount: int, rest: bytes) -> int:
        """Do one thing and return how many octets of `rest` it took."""
        self.steps += 1
        match verb % 8:
            case 0 | 1:
                self.receive(rest[:amount])
                return amount
            case 2 | 3:
                size = rest[0] % 64 if rest else 0
                self.frame(amount, rest[1] % 8 if len(rest) > 1 else 0, rest[2 : 2 + size])
                return 2 + size
            case 4:
                self.wait(amount)
            case 5:
                self.send(bool(amount & 1))
            case 6:
                self.respond(amount)
            case 7:
                self.end_or_unbind(amount)
        return 0

    def check(self) -> None:
        """What must hold after every step."""
        session = self.session
        output = session.take_output()
        self.written += len(output)
        assert self.written <= 2 * self.read + _OUTPUT_PER_STEP * self.steps
        assert all(isinstance(each, Pdu) for each in Decoder().feed(output))
        assert 0 <= session.room <= _SETTINGS.window
        assert session.in_flight == len(self.tokens)
        assert session.owed >= 0
        assert (session.next_deadline_ms is None) == session.is_closed


def run_script(data: bytes) -> None:
    """AssertionError when the session and the books differ."""
    if not data:
        return
    script = Script(data[0])
    pos = 1
    while pos + 1 < len(data):
        pos += 2 + script.step(data[pos], data[pos + 1], data[pos + 2 :])
        script.check()
    left = script.session.lost()
    assert sorted(left) == sorted(script.tokens)
    assert script.session.receive(data, script.now_ms) == []
    assert script.session.tick(script.now_ms + 1_000_000) == []
