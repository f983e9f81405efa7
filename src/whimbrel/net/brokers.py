"""What a stream of events needs of a broker's client, whichever broker it is: `nats.py` and `kafka.py` implement it."""

from collections.abc import Callable, Sequence
from ssl import SSLContext
from typing import Protocol

import msgspec

from whimbrel.net.tls import client_context


class BrokerError(Exception):
    """A broker that cannot be reached, or does not take what it is given; in words for whoever sets it right."""


class Missing(BrokerError):
    """The stream or topic is not there, and was not to be made."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One event on its way out. `key`: records of one key keep their order."""

    key: str
    event_id: str
    type: str
    account_id: str
    test: bool
    body: bytes

    def headers(self) -> dict[str, str]:
        """What it is, without a look into the body."""
        return {
            "Whimbrel-Event-Id": self.event_id,
            "Whimbrel-Event-Type": self.type,
            "Whimbrel-Account-Id": self.account_id,
        }


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Where brokers are and who we are to them; all files are PEM but `nkey_file` and `credentials_file`."""

    servers: tuple[str, ...]
    user: str = ""
    password: str = ""
    token: str = ""
    nkey_file: str = ""
    credentials_file: str = ""
    sasl: str = "SCRAM-SHA-512"
    tls: bool = False
    tls_ca_file: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""

    def context(self) -> SSLContext | None:
        """For TLS, read from the files each time; None without TLS. BrokerError."""
        if not self.tls:
            return None
        try:
            return client_context(ca_file=self.tls_ca_file, cert_file=self.tls_cert_file, key_file=self.tls_key_file)
        except OSError as error:
            raise BrokerError(str(error)) from error


class Creation(msgspec.Struct, frozen=True):
    """How a stream or topic that is missing is made."""

    replicas: int
    partitions: int
    keep_days: int


class Pattern:
    """A subject or topic with `{account_id}`, `{type}` and `{mode}` in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def of(self, record: Record) -> str:
        """Where a record goes."""
        mode = "test" if record.test else "live"
        return self.text.format(account_id=record.account_id, type=record.type, mode=mode)


Taken = Callable[[int], None]
"""Is told the place of a record in its list as soon as the broker has acknowledged it as stored."""


class Publisher(Protocol):
    """One connection to a broker. Whatever it raises, it can be connected again."""

    async def connect(self) -> None:
        """Connect, and look whether there is something to publish to (and make it, where that was asked for).
        BrokerError."""
        ...

    async def check(self) -> None:
        """Called every second or so while there is nothing to publish; BrokerError when the broker is gone."""
        ...

    async def publish(self, records: Sequence[Record], taken: Taken) -> None:
        """Return when all are acknowledged; BrokerError when that cannot be. What was not told as taken then may be
        stored or not. No record is stored for the first time before all earlier ones of its key are: what is published
        again after an error must begin with the first of each key that was not taken."""
        ...

    async def close(self) -> None:
        """Leave at once, whatever is under way."""
        ...
