"""query_sm, cancel_sm and replace_sm: what a customer asks about a message that it has sent.

A message is found by its id in any of the forms that we write, among the account's own and of the credential's mode;
source addresses are not compared, because customers write them as they like. Each of these reads the store, so each
counts like a submit for window and throughput.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.base import ids
from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import PAGE_MAX
from whimbrel.base.vault import Vault
from whimbrel.codec.smpp.bodies import Body, CancelSm, QuerySm, QuerySmResp
from whimbrel.codec.smpp.pdu import Pdu
from whimbrel.codec.smpp.statuses import Status
from whimbrel.codec.smpp.tables import MessageState
from whimbrel.codec.smpp.times import write_absolute
from whimbrel.domain.customer_receipts import ERRORS, FINAL
from whimbrel.domain.model import Message
from whimbrel.domain.numbers import normalise
from whimbrel.domain.states import CANCELABLE, event_type
from whimbrel.edges.smpp import addresses
from whimbrel.edges.smpp.customers import Customer
from whimbrel.edges.smpp.statuses import NO_ANSWER, refusal_of
from whimbrel.edges.smpp.submit import Answers, Requester
from whimbrel.journey.cancel import Cancel
from whimbrel.store.interface import Search, Store

_HEX_DIGITS: Final = 32
_DECIMAL_DIGITS_MAX: Final = 39  # of 128 bits
_ENROUTE: Final = MessageState.ENROUTE
"""What every message is that is not final; 3.4 has no word for one that waits for its time."""


class Queries:
    """Answers of all sessions."""

    def __init__(self, *, store: Store, cancel: Cancel, clock: Clock, vault: Vault, answers: Answers) -> None:
        self._store = store
        self._cancel = cancel
        self._clock = clock
        self._vault = vault
        self._answers = answers
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, peer: Requester, requests: Sequence[Pdu]) -> bool:
        """What one read brought. False when all of it was over a limit."""
        throttled = 0
        for request in requests:
            customer = peer.customer
            is_over = peer.under_way >= customer.settings.window
            if is_over or not customer.take(1, self._clock.monotonic_us()):
                self._refuse(peer, request, Status.ESME_RTHROTTLED)
                throttled += 1
                continue
            peer.under_way += 1
            task = asyncio.ensure_future(self._answer(peer, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return throttled < len(requests)

    async def _answer(self, peer: Requester, request: Pdu) -> None:
        try:
            body = await self._done(peer.customer, request.body)
        except Exception as error:
            self._refuse(peer, request, _status(request.body, error))
        else:
            peer.link.respond(request, 0, body)
            self._answers.count(request.command_id, 0)
        finally:
            peer.settled(1)

    def _refuse(self, peer: Requester, request: Pdu, status: int) -> None:
        if status == NO_ANSWER:
            return
        peer.link.respond(request, status)
        self._answers.count(request.command_id, status)

    async def _done(self, customer: Customer, body: Body | None) -> Body | None:
        if isinstance(body, QuerySm):
            message = await self._cancel.find(customer.account_id, customer.test, own_id(body.message_id))
            return state_of(message, body.message_id)
        if isinstance(body, CancelSm):
            await self._cancelled(customer, body)
            return None
        raise WhimbrelError("not_cancelable")  # replace_sm: what was priced and screened is not written anew

    async def _cancelled(self, customer: Customer, body: CancelSm) -> None:
        if body.message_id:
            await self._cancel.cancel(customer.account_id, customer.test, own_id(body.message_id))
            return
        number = normalise(addresses.recipient(body.dest_ton, body.dest) or "")
        if number is None:
            raise WhimbrelError("not_cancelable")
        number_hash = self._vault.number_hash(number.e164)
        search = Search(
            customer.account_id,
            customer.test,
            direction="out",
            states=tuple(CANCELABLE),
            number_hash=number_hash,
            recipient_hash=number_hash,
            sender=addresses.sender(body.source_ton, body.source),
        )
        ended: list[Message | BaseException] = []
        while found := await self._store.search(search, PAGE_MAX):
            ends = [self._cancel.cancel(customer.account_id, customer.test, message.id) for message in found]
            ended += await asyncio.gather(*ends, return_exceptions=True)
            search = msgspec.structs.replace(search, before_id=found[-1].id)
        if all(isinstance(each, BaseException) for each in ended):  # also where there was none
            raise WhimbrelError("not_cancelable")


def own_id(written: str) -> str:
    """Our id of a message_id in any form that we write; WhimbrelError not_found for anything else."""
    digits = written.strip().removeprefix(ids.MESSAGE).lower()
    is_number = digits.isascii() and digits.isdigit()
    if is_number and len(digits) != _HEX_DIGITS and len(digits) <= _DECIMAL_DIGITS_MAX:
        digits = f"{int(digits):032x}"
    found = ids.MESSAGE + digits
    if not ids.is_id(found, ids.MESSAGE):
        raise WhimbrelError("not_found")
    return found


def state_of(message: Message, asked: str) -> QuerySmResp:
    """What query_sm tells of a message; the id as it was asked for. States and errors are those of its receipts."""
    if message.direction != "out":
        raise WhimbrelError("not_found")
    final_date = "" if message.final_at is None else write_absolute(message.final_at)
    state = FINAL.get(event_type(message.state), _ENROUTE)
    return QuerySmResp(asked, final_date, int(state), ERRORS.get(message.reason or "", 0))


def _status(body: Body | None, error: Exception) -> int:
    """The command_status of a query, cancel or replace that came to nothing."""
    status, code = refusal_of(error)
    if code == "internal_error":
        return status
    if isinstance(body, QuerySm | CancelSm):
        return status
    return Status.ESME_RREPLACEFAIL
