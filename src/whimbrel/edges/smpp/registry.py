"""Who is bound: every bound session of a customer by its credential, for whoever has something to deliver.

Apart from `server`, which makes sessions, and from `deliveries`, which uses them: neither knows the other. All calls
come from the loop's thread, and none of them blocks.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from whimbrel.domain.customers import CustomerSettings


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What became of a request of ours. `status` is the command_status of the answer (a generic_nack's too); None when
    none came in time. `late` is an answer to a request that was told as None before."""

    token: Any
    status: int | None
    late: bool = False


class Bound(Protocol):
    """One bound session of a customer."""

    @property
    def credential_id(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def settings(self) -> CustomerSettings:
        """Of its credential, as they are now."""
        ...

    @property
    def peer_version(self) -> int | None:
        """interface_version of its bind; below 0x34 it is sent no TLVs, whatever `deliver` is given."""
        ...

    @property
    def can_receive(self) -> bool:
        """Whether it bound as a receiver or transceiver (SMPP 3.4 table 2-1)."""
        ...

    def room(self) -> int:
        """Requests of ours that it may be sent now: free places of the window, 0 while it does not read."""
        ...

    def deliver(self, command_id: int, octets: bytes, token: Any) -> None:
        """Send deliver_sm or data_sm, its body as `codec.smpp.pdu.encode_body` makes it. SessionError when there is no
        `room`, CodecError when a peer of 3.3 cannot take it: nothing is sent then. What is sent in one turn of the
        loop leaves in one piece. The token comes back in exactly one `Reply`, or among the lost."""
        ...

    def close(self, reason: str) -> None:
        """Unbind: what is under way is answered, nothing new is taken."""
        ...


class Listener(msgspec.Struct, frozen=True):
    """Whom the registry tells what happens at its sessions.

    `on_up` and `on_down` are told a credential's id each time one of its sessions that can receive has come or gone.
    `on_replies` gets what one read or one tick brought, in order; room has become free by it. `on_lost` gets the
    tokens in flight of a session that is gone, oldest first: the peer may or may not have them; it comes before
    `on_down`. `on_room` says that a peer reads again that did not.
    """

    on_up: Callable[[str], None]
    on_down: Callable[[str], None]
    on_replies: Callable[[Bound, Sequence[Reply]], None]
    on_lost: Callable[[Bound, Sequence[Any]], None]
    on_room: Callable[[Bound], None]


class Registry:
    """The bound sessions of this process."""

    def __init__(self) -> None:
        self._bound: dict[str, list[Bound]] = {}
        self._listeners: list[Listener] = []
        self._watchers: list[Callable[[], None]] = []
        self.count = 0
        """Of all bound sessions."""

    def subscribe(self, listener: Listener) -> None:
        """Tell `listener` from now on; sessions that are bound already are not told."""
        self._listeners.append(listener)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed()` whenever a session has come or gone. It must not block or raise."""
        self._watchers.append(changed)

    def bound(self, credential_id: str) -> list[Bound]:
        """Its sessions, the oldest first."""
        return list(self._bound.get(credential_id, ()))

    def receivers(self, credential_id: str) -> list[Bound]:
        """Those of them that can be sent something."""
        return [each for each in self._bound.get(credential_id, ()) if each.can_receive]

    def credentials(self) -> list[str]:
        """Ids of the credentials that have a session."""
        return list(self._bound)

    def close(self, credential_id: str, reason: str) -> None:
        """Unbind all sessions of a credential that may no longer be bound: suspended, rotated, deleted."""
        for each in self.bound(credential_id):
            each.close(reason)

    # What sessions tell.

    def add(self, bound: Bound) -> None:
        """It is bound: its bind's answer is written."""
        self._bound.setdefault(bound.credential_id, []).append(bound)
        self.count += 1
        self._changed()
        if bound.can_receive:
            for listener in self._listeners:
                listener.on_up(bound.credential_id)

    def remove(self, bound: Bound, lost: Sequence[Any] = ()) -> None:
        """It takes nothing more; `lost` are the tokens in flight. A second time does nothing."""
        sessions = self._bound.get(bound.credential_id, [])
        if bound not in sessions:
            return
        sessions.remove(bound)
        if not sessions:
            del self._bound[bound.credential_id]
        self.count -= 1
        self._changed()
        for listener in self._listeners:
            if lost:
                listener.on_lost(bound, lost)
            if bound.can_receive:
                listener.on_down(bound.credential_id)

    def _changed(self) -> None:
        for changed in self._watchers:
            changed()

    def replied(self, bound: Bound, replies: Sequence[Reply]) -> None:
        """Requests of ours have been answered, or have waited too long."""
        for listener in self._listeners:
            listener.on_replies(bound, replies)

    def writable(self, bound: Bound) -> None:
        """It reads again."""
        for listener in self._listeners:
            listener.on_room(bound)
