"""The words of this door's route table: a request that has been let in, what is answered, and an operation."""

from collections.abc import Awaitable, Callable

import msgspec

from whimbrel.edges.shared.asgi import Receive
from whimbrel.edges.shared.auth import Principal
from whimbrel.journey.accept import Still

ROOT = "/2010-04-01/Accounts/"


class Request:
    """One request of somebody who may make it. `account_id` is the account in the path, `sid` the message in it (empty
    where the path names none), `still` for accept to ask whether it may still be made."""

    __slots__ = ("account_id", "headers", "path", "principal", "query_string", "receive", "sid", "still")

    def __init__(
        self,
        *,
        principal: Principal,
        account_id: str,
        sid: str,
        path: str,
        query_string: bytes,
        headers: dict[bytes, bytes],
        receive: Receive,
        still: Still | None,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.sid = sid
        self.path = path
        self.query_string = query_string
        self.headers = headers
        self.receive = receive
        self.still = still

    @property
    def test(self) -> bool:
        """Whether a test key asks: it sees and makes test messages only."""
        return self.principal.test


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What is answered: encoded JSON, or nothing with 204."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Operation(msgspec.Struct, frozen=True):
    """One method of one resource: the scope that it needs, and who handles it."""

    scope: str
    handle: Callable[[Request], Awaitable[Reply]]


Operations = dict[str, Operation]
"""By method."""
