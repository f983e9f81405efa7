"""query_sm: what a carrier knows of messages that it took and never reported on (SMPP 3.4 4.8). Few at a time, because
it is asked at leisure, and beside the window, which is for messages.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from whimbrel.carriers import smpp_addresses
from whimbrel.carriers.interface import Question, Report
from whimbrel.carriers.smpp_bind import SmppBind
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.bodies import QuerySm, QuerySmResp
from whimbrel.codec.smpp.events import Answered, Event, Nacked, TimedOut
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.tables import QUERY_SM, MessageState
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.receipts import carrier_key
from whimbrel.domain.refusals import own_reason

AT_ONCE: Final = 10
_STATE_NAMES: Final = {int(state): state.name for state in MessageState}


class _Asked:
    """The token of a query that is under way."""

    __slots__ = ("answer",)

    def __init__(self) -> None:
        self.answer: asyncio.Future[Pdu | None] = asyncio.get_running_loop().create_future()

    def settle(self, pdu: Pdu | None) -> None:
        if not self.answer.done():
            self.answer.set_result(pdu)


class Queries:
    """Asks over the connections of one carrier that may send."""

    def __init__(self, settings: CarrierSettings, senders: Sequence[SmppBind]) -> None:
        self._settings = settings
        self._senders = senders
        self.under_way = 0  # on the wire, whether somebody still waits for the answer or not

    async def ask(self, questions: Sequence[Question]) -> list[Report]:
        """What the carrier says, as receipts would; nothing of a message that it does not know or say anything of. One
        that leaves all of `AT_ONCE` unanswered is not asked the rest: each list would cost a response timeout."""
        found: list[Report] = []
        for start in range(0, len(questions), AT_ONCE):
            some = questions[start : start + AT_ONCE]
            answers = await asyncio.gather(*(self._ask(question) for question in some))
            if not any(answers):
                break
            reports = [self._report(question, pdu) for question, pdu in zip(some, answers, strict=True)]
            found += [report for report in reports if report is not None]
        return found

    async def _ask(self, question: Question) -> Pdu | None:
        bind = next((bind for bind in self._senders if bind.is_up and bind.link is not None), None)
        if bind is None or bind.link is None:
            return None
        asked = _Asked()
        source = smpp_addresses.source(question.sender, self._settings)
        body = QuerySm(question.carrier_message_id, source.ton, source.npi, source.digits)
        try:
            bind.link.send(QUERY_SM, body, token=asked)
        except CodecError:  # the bind is leaving, or the id cannot be written
            return None
        self.under_way += 1
        return await asked.answer

    def _report(self, question: Question, pdu: Pdu | None) -> Report | None:
        if pdu is None or pdu.status or not isinstance(pdu.body, QuerySmResp):
            return None
        state = _STATE_NAMES.get(pdu.body.message_state)
        if state is None:
            return None
        base = self._settings.message_id
        error = str(pdu.body.error_code) if pdu.body.error_code else None
        return Report(
            message_ids=(carrier_key(question.carrier_message_id, base),),
            state=state,
            stat="",
            error=error,
            addresses=(question.recipient,),
            reason=own_reason(error, self._settings.receipt_errors),
            base=base,
        )

    # What the carrier's own reading leaves out while queries are under way.

    def sift(self, events: Sequence[Event]) -> list[Event]:
        """Settle what answers queries; the other events, in order."""
        rest: list[Event] = []
        for event in events:
            token = getattr(event, "token", None)
            if not isinstance(token, _Asked):
                rest.append(event)
            elif isinstance(event, Answered | Nacked):
                self._settle(token, event.pdu)
            elif isinstance(event, TimedOut):
                self._settle(token, None)
        return rest

    def sift_tokens(self, tokens: Sequence[Any]) -> list[Any]:
        """The same for the tokens of a link that is lost."""
        for token in tokens:
            if isinstance(token, _Asked):
                self._settle(token, None)
        return [token for token in tokens if not isinstance(token, _Asked)]

    def _settle(self, asked: _Asked, pdu: Pdu | None) -> None:
        self.under_way -= 1
        asked.settle(pdu)
