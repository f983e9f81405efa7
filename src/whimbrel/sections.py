"""The sections of an installation's settings, one frozen struct each: types, ranges, defaults, meanings. Apart from
`config`, which reads them, so that either can be read in one piece.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.customers import CustomerBounds

Role = Literal["api", "worker", "smpp", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]
Port = Annotated[int, Meta(ge=0, le=65535)]
Days = Annotated[int, Meta(ge=1, le=3650)]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API listens and where files are kept."""

    host: Annotated[str, Meta(min_length=1, description="Address that the API listens on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port of the API; 0 takes a free one.")] = 8080
    data: Annotated[str, Meta(min_length=1, description="Folder of the database, the master key and other files.")] = (
        "."
    )
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s/]+)?$",
            title="a URL such as https://sms.example.com, or nothing",
            description="How customers reach this server, without a path; empty: from each request's Host header.",
        ),
    ] = ""


class Smpp(msgspec.Struct, frozen=True, kw_only=True):
    """The SMPP door, which customers bind to (docs/smpp-server.md)."""

    host: Annotated[str, Meta(min_length=1, description="Address that customers bind to.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port for binds without TLS; 0 takes a free one.")] = 2775
    plain: Annotated[bool, Meta(description="Whether binds without TLS are taken at all.")] = True
    tls_port: Annotated[
        Port, Meta(description="Port for binds over TLS, where there is a certificate; 0 takes a free one.")
    ] = 3550
    tls_cert_file: Annotated[
        str, Meta(description="Our certificate with its chain (PEM); empty: no binds over TLS.")
    ] = ""
    tls_key_file: Annotated[
        str, Meta(description="The certificate's private key (PEM); empty: it stands in `smpp.tls_cert_file`.")
    ] = ""
    tls_client_ca_file: Annotated[
        str,
        Meta(description="Who signs customers' certificates (PEM); each must show one then. Empty: none is asked for."),
    ] = ""
    binds_max: Annotated[
        int, Meta(ge=1, le=10_000, description="Binds of one credential at the same time, at most.")
    ] = limits.SMPP_BINDS_MAX
    throughput_per_s: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Messages a second of one credential, at most.")
    ] = limits.RATE_DEFAULT_PER_S
    credentials_per_account: Annotated[int, Meta(ge=1, le=10_000, description="SMPP credentials of one account.")] = (
        limits.SMPP_CREDENTIALS_PER_ACCOUNT
    )
    connections_max: Annotated[
        int, Meta(ge=1, le=100_000, description="Open SMPP connections of one process, bound or not.")
    ] = limits.SMPP_CONNECTIONS_MAX
    bind_deadline_s: Annotated[
        int, Meta(ge=1, le=60, description="Seconds that a connection may take to bind; the TLS handshake counts.")
    ] = limits.SMPP_BIND_DEADLINE_S

    def bounds(self) -> CustomerBounds:
        """What no customer goes beyond."""
        return CustomerBounds(self.binds_max, self.throughput_per_s, self.credentials_per_account)


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """What webhooks may reach."""

    allow_networks: Annotated[
        tuple[str, ...],
        Meta(description='Private networks that webhooks may reach all the same, such as "10.1.0.0/16".'),
    ] = ()
    allow_http: Annotated[bool, Meta(description="Whether webhooks may use http beside https.")] = False


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long rows are kept."""

    messages_days: Annotated[Days, Meta(description="Days that messages and their attempts are kept.")] = 400
    events_days: Annotated[
        int,
        Meta(
            ge=4,
            le=3650,
            description="Days that events can be read and replayed, and receipts wait for customers to bind; tries of"
            " webhooks take three.",
        ),
    ] = 30
    tries_days: Annotated[Days, Meta(description="Days that tries of webhooks can be looked at.")] = 30
    parked_days: Annotated[Days, Meta(description="Days that a receipt waits for a message that it matches.")] = 3
    idempotency_days: Annotated[Days, Meta(description="Days that an Idempotency-Key is remembered.")] = 1


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that an installation may set; docs/limits.md has those that it may not."""

    rate_per_s: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Requests a second of a key that has no limit of its own.")
    ] = limits.RATE_DEFAULT_PER_S
    webhooks_per_account: Annotated[int, Meta(ge=1, le=10_000, description="Webhook endpoints of one account.")] = (
        limits.WEBHOOKS_PER_ACCOUNT
    )
    streams_per_account: Annotated[int, Meta(ge=1, le=10_000, description="Open live streams of one account.")] = (
        limits.SSE_STREAMS_PER_ACCOUNT
    )


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged."""

    level: Annotated[LogLevel, Meta(description="The least grave line that is logged.")] = "info"


class Simulator(msgspec.Struct, frozen=True, kw_only=True):
    """The sandbox's SMSC and pretend phones, which quickstart starts."""

    host: Annotated[str, Meta(min_length=1, description="Address of the simulator.")] = "127.0.0.1"
    smpp_port: Annotated[Port, Meta(description="Port of the simulator's SMSC; 0 takes a free one.")] = 2776
    http_port: Annotated[Port, Meta(description="Port of the simulator's HTTP control; 0 takes a free one.")] = 8086
    seed: Annotated[int, Meta(ge=0, description="Seed of the simulator's chance; 0 draws one.")] = 0
