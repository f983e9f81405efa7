"""The words of this door's route table: a request that has been let in, what is answered, and an operation."""

import re
from collections.abc import Awaitable, Callable

import msgspec

from whimbrel.edges.shared.asgi import JSON_TYPE, Receive
from whimbrel.edges.shared.auth import Principal
from whimbrel.journey.accept import Still

ROOT = "/2010-04-01/Accounts/"


class Request:
    """One request of somebody who may make it. `account_id` is the account in the path (or, where a product's path
    names none, the one that asks), `sid` the message or number in it (empty where the path names none), `names` what a
    product's path names, `base_url` where this server is found (for those only), `still` for accept to ask whether it
    may still be made."""

    __slots__ = (
        "account_id", "base_url", "headers", "names", "path", "principal", "query_string", "receive", "sid", "still",
    )  # fmt: skip

    def __init__(
        self,
        *,
        principal: Principal,
        account_id: str,
        sid: str,
        names: tuple[str, ...],
        base_url: str,
        path: str,
        query_string: bytes,
        headers: dict[bytes, bytes],
        receive: Receive,
        still: Still | None,
    ) -> None:
        self.principal = principal
        self.account_id = account_id
        self.sid = sid
        self.names = names
        self.base_url = base_url
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
    """What is answered: encoded JSON, a file, or nothing with 204."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: tuple[bytes, bytes] = JSON_TYPE


class Operation(msgspec.Struct, frozen=True):
    """One method of one resource: the scope that it needs, and who handles it."""

    scope: str
    handle: Callable[[Request], Awaitable[Reply]]


Operations = dict[str, Operation]
"""By method."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """What may be done at a path, and what the path names. `account_id` None: it names no account."""

    operations: Operations
    account_id: str | None
    sid: str = ""
    names: tuple[str, ...] = ()


class Product(msgspec.Struct, frozen=True):
    """The paths of one shape below a product's root: a pattern for the whole path, whose groups are the names in it."""

    pattern: re.Pattern[str]
    operations: Operations


def product(path: str, **operations: Operation) -> Product:
    """Paths such as "/v2/Services/{VA}/Verifications/{}": a sid is told by its two letters, anything else by {}."""
    pattern = re.sub(r"\\{([A-Z]{2})\\}", r"(\1[0-9a-f]{32})", re.escape(path)).replace(r"\{\}", "([^/]{1,200})")
    return Product(re.compile(pattern), operations)
