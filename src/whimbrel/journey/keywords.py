"""Keywords: the one confirmation that follows a STOP, START or HELP (47 CFR 64.1200(a)(12) allows exactly one after a
STOP). The opt-out itself took effect in the commit that stored the text; this follows the event log by a durable
cursor, and each confirmation's key is its inbound message, so that a crash neither loses nor repeats it.
"""

import asyncio
import logging

import msgspec

from whimbrel.domain.consent import confirmation, keyword
from whimbrel.domain.model import KEYWORDS, Draft, Message, Options
from whimbrel.journey.accept import Accept, IdempotencyKey
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Deliveries, Store

_log = logging.getLogger("whimbrel.keywords")
CURSOR = "keywords"
_READ = 200
_IDLE_S = 5.0


class _Received(msgspec.Struct, frozen=True):
    position: int
    message_id: str


class _Position(msgspec.Struct, frozen=True):
    position: int


class Keywords:
    """Answers keywords."""

    def __init__(self, *, store: Store, tables: Tables, accept: Accept) -> None:
        self._store = store
        self._tables = tables
        self._accept = accept
        self._wake = asyncio.Event()
        self._position = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on where the cursor stands."""
        rows = await self._store.fetch(_Position, "cursor_by_name", CURSOR)
        self._position = rows[0].position if rows else 0
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """A keyword was stored."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                while await self.follow():
                    pass
            except Exception:
                _log.exception("keywords could not be answered; trying again")
            try:
                async with asyncio.timeout(_IDLE_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def follow(self) -> bool:
        """Answer one list of inbound texts; whether there may be more."""
        rows = await self._store.fetch(_Received, "events_received_after", self._position, _READ)
        if not rows:
            return False
        for message in await self._store.messages([row.message_id for row in rows]):
            await self._answer(message)
        self._position = rows[-1].position
        await self._store.record_deliveries(Deliveries(cursors=((CURSOR, self._position),)))
        return len(rows) == _READ

    async def _answer(self, message: Message) -> None:
        word = keyword(message.text)
        account = self._tables.accounts.get(message.account_id)
        if word is None or not message.flags & KEYWORDS or account is None or account.status != "active":
            return
        draft = Draft(
            account_id=message.account_id,
            test=message.test,
            door="keyword",
            recipient=message.sender,
            text=confirmation(word, account.name),
            sender=message.recipient,
            options=Options(reply_to=message.id),
            bypass_opt_out=True,
        )
        key = IdempotencyKey(message.account_id, "keyword", message.id, message.id.encode())
        (verdict,) = (await self._accept.submit([draft], key=key)).verdicts
        if verdict.code is not None:
            _log.warning("a confirmation was refused", extra={"message_id": message.id, "code": verdict.code})
