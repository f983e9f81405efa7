"""Cancel, redact and delete: what an account may still do to a message that it sent."""

from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.model import Message
from whimbrel.domain.states import CANCELABLE, CANCELED, FINAL
from whimbrel.store.interface import Ending, Store


class Cancel:
    """Acts on one message of one account; another account's message, or one of the other mode, is not found."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(self, account_id: str, test: bool, message_id: str) -> Message:
        """The message, or not_found."""
        found = await self._store.messages([message_id])
        if not found or found[0].account_id != account_id or found[0].test != test:
            raise WhimbrelError("not_found")
        return found[0]

    async def cancel(self, account_id: str, test: bool, message_id: str) -> Message:
        """Take a scheduled or queued message back. Canceling again answers as the first time; not_cancelable when it
        is on its way. The queue decides: whoever takes the row first, this or a worker, wins."""
        message = await self.find(account_id, test, message_id)
        if message.state == CANCELED:
            return message
        now = self._clock.now_us()
        ending = Ending(message_id, tuple(CANCELABLE), CANCELED, "canceled", now, account_id=account_id)
        (applied,) = await self._store.finish([ending])
        if not applied:
            raise WhimbrelError("not_cancelable")
        return await self.find(account_id, test, message_id)

    async def redact(self, account_id: str, test: bool, message_id: str) -> Message:
        """Erase text and numbers of a final message; its hashes stay, so that a STOP survives. not_final before."""
        message = await self.find(account_id, test, message_id)
        if message.state not in FINAL:
            raise WhimbrelError("not_final")
        await self._store.redact([message_id], self._clock.now_us())
        return await self.find(account_id, test, message_id)

    async def delete(self, account_id: str, test: bool, message_id: str) -> None:
        """Remove a final message with its attempts and events; not_final before."""
        message = await self.find(account_id, test, message_id)
        if message.state not in FINAL:
            raise WhimbrelError("not_final")
        await self._store.delete_messages([message_id])
