"""The sections of an installation's settings, one frozen struct each: types, ranges, defaults, meanings. Apart from
`config`, which reads them, so that either can be read in one piece.
"""

import re
from collections.abc import Collection, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.clock import DAY_US, HOUR_US, SECOND_US
from whimbrel.base.ids import ACCOUNT, is_id
from whimbrel.domain.customers import CustomerBounds
from whimbrel.domain.events import types_of
from whimbrel.domain.frequency import LONGEST_HOURS
from whimbrel.domain.sender_fitness import Enforcement

Role = Literal["api", "worker", "smpp", "console", "mail"]
Broker = Literal["nats", "kafka"]
Sasl = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Start = Literal["new", "oldest"]
TemplateApproval = Literal["none", "account", "operator"]
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
    clicks_days: Annotated[Days, Meta(description="Days that clicks on short links and conversions are kept.")] = 90
    usage_hours_days: Annotated[Days, Meta(description="Days that figures of usage are kept by the hour.")] = 45
    usage_days: Annotated[Days, Meta(description="Days that figures of usage are kept by the day.")] = 1100


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


class Console(msgspec.Struct, frozen=True, kw_only=True):
    """The console for people (docs/console.md)."""

    idle_minutes: Annotated[
        int, Meta(ge=1, le=1440, description="Minutes without use after which people are signed out.")
    ] = limits.SESSION_IDLE_S // 60
    session_hours: Annotated[int, Meta(ge=1, le=720, description="Hours after which everybody signs in anew.")] = (
        limits.SESSION_LONGEST_S // 3600
    )
    simulator_url: Annotated[
        str,
        Meta(
            pattern=r"^(http://[^\s/]+)?$",
            title="a URL such as http://127.0.0.1:8086, or nothing",
            description="Control of the simulator whose virtual phones the console shows; empty: it shows none.",
        ),
    ] = ""
    proxies: Annotated[
        tuple[str, ...],
        Meta(description='Networks of proxies whose X-Forwarded-For says who signs in, such as "10.1.0.0/16".'),
    ] = ()


class Senders(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about the rules of countries (docs/senders.md)."""

    enforcement: Annotated[
        Enforcement,
        Meta(
            description="What becomes of a text whose sender its country does not take, or wants registered: `enforce`"
            " refuses it, `warn` notes it on the message, `off` says nothing."
        ),
    ] = "warn"


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """Texts with variables (docs/templates.md)."""

    approval: Annotated[
        TemplateApproval,
        Meta(
            description="Who approves what is published, before messages are made of it: `none`, somebody of the "
            "`account` with the scope `templates:approve`, or the `operator`."
        ),
    ] = "none"


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged."""

    level: Annotated[LogLevel, Meta(description="The least grave line that is logged.")] = "info"


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: a database of its own with its nodes (docs/cells.md). All nodes are told of all cells."""

    database: Annotated[
        str,
        Meta(
            pattern=r"^(postgresql://.+)?$",
            title="a URL such as postgresql://whimbrel@10.0.0.5/whimbrel",
            description="The cell's database. Must be set; PostgreSQL only.",
        ),
    ] = ""
    database_read: Annotated[
        str,
        Meta(
            pattern=r"^(postgresql://.+)?$",
            title='a URL such as postgresql://whimbrel@10.0.0.6/whimbrel, or ""',
            description="A replica of it for lists and reports.",
        ),
    ] = ""
    share: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="The cell's part of what carriers grant, in proportion to the others': binds and throughput.",
        ),
    ] = 1
    leads: Annotated[
        bool,
        Meta(description="Whether carriers, routes, prices and operators' keys are changed here; one cell leads."),
    ] = False

    def problem(self) -> str:
        """What is wrong with it, beginning with the name of a setting; empty: nothing."""
        return "" if self.database else "database: must be set"

    @staticmethod
    def problem_of(cells: Collection["Cell"]) -> str:
        """What is wrong between them; empty: nothing."""
        if len({cell.database for cell in cells}) < len(cells):
            return "expected a database for each, and two have the same one"
        return "" if sum(cell.leads for cell in cells) == 1 else "expected `leads = true` in one of them"


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of events to a broker (docs/streams.md)."""

    kind: Annotated[Broker, Meta(description="What the brokers speak: NATS with JetStream, or Kafka.")] = "nats"
    servers: Annotated[
        tuple[str, ...],
        Meta(description='Brokers to begin with, such as "nats-1:4222" or "kafka-1:9092". Must be set.'),
    ] = ()
    events: Annotated[
        tuple[str, ...], Meta(min_length=1, description='Types of events: all, `"message.*"` or whole names.')
    ] = ("*",)
    accounts: Annotated[tuple[str, ...], Meta(description="Ids of accounts; empty: all of them.")] = ()
    test: Annotated[bool, Meta(description="Whether events of test traffic go there too.")] = False
    start: Annotated[
        Start, Meta(description="Where a new stream begins: with what comes, or with the oldest event that is kept.")
    ] = "new"
    batch: Annotated[int, Meta(ge=1, le=5000, description="Events that are under way at the same time, at most.")] = (
        1000
    )
    stream: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,255}$",
            title="a name of letters, digits, _ and -",
            description="NATS: the stream of JetStream.",
        ),
    ] = "WHIMBREL"
    subject: Annotated[
        str,
        Meta(
            pattern=r"^[\w{}-]+(\.[\w{}-]+)*$",
            title="a subject such as whimbrel.events.{account_id}.{type}",
            description="NATS: the subject of an event, with `{account_id}`, `{type}` and `{mode}` (live or test).",
        ),
    ] = "whimbrel.events.{account_id}.{type}"
    topic: Annotated[
        str,
        Meta(
            pattern=r"^[\w{}.-]{1,249}$",
            title="a topic such as whimbrel.events",
            description="Kafka: the topic of an event, with `{account_id}` and `{mode}` (live or test).",
        ),
    ] = "whimbrel.events"
    create: Annotated[bool, Meta(description="Whether the stream or topic is made when it is missing.")] = False
    replicas: Annotated[int, Meta(ge=1, le=7, description="Copies of what is made.")] = 1
    partitions: Annotated[int, Meta(ge=1, le=10_000, description="Kafka: partitions of a topic that is made.")] = 12
    keep_days: Annotated[Days, Meta(description="Days that what is made keeps events.")] = 7
    user: Annotated[str, Meta(description="User name; with Kafka it turns SASL on.")] = ""
    password: Annotated[str, Meta(description="Its password.")] = ""
    sasl: Annotated[Sasl, Meta(description="Kafka: how the password is shown.")] = "SCRAM-SHA-512"
    token: Annotated[str, Meta(description="NATS: a token in place of a user.")] = ""
    nkey_file: Annotated[str, Meta(description="NATS: a file with the seed of an nkey.")] = ""
    credentials_file: Annotated[str, Meta(description="NATS: a credentials file with a JWT, as `nsc` makes it.")] = ""
    tls: Annotated[bool, Meta(description="Whether the connection is encrypted; nothing is sent when it is not.")] = (
        False
    )
    tls_ca_file: Annotated[
        str, Meta(description="Who signed the brokers' certificates (PEM); empty: the system's.")
    ] = ""
    tls_cert_file: Annotated[str, Meta(description="Our certificate with its chain (PEM), where they ask for one.")] = (
        ""
    )
    tls_key_file: Annotated[
        str, Meta(description="The certificate's private key (PEM); empty: it stands in `tls_cert_file`.")
    ] = ""

    def problem(self) -> str:
        """What is wrong between settings, as `name: words`; empty when nothing is."""
        return next((words for words in self._problems() if words), "")

    def _problems(self) -> Iterator[str]:
        yield "" if self.servers else "servers: must name a broker"
        for server in self.servers:
            yield "servers: user and password are settings of their own" if "@" in server else ""
            address = server.removeprefix("nats://") if self.kind == "nats" else server
            is_server = _SERVER.fullmatch(address) and 0 < int(address.rpartition(":")[2]) < 65536
            yield "" if is_server else f"servers: expected a host and a port, not {server!r}"
        for pattern in self.events:
            yield "" if types_of((pattern,)) else f"events: {pattern} names no event; docs/events.md lists them"
        for account in self.accounts:
            yield "" if is_id(account, ACCOUNT) else f"accounts: expected ids such as AC0190…, not {account!r}"
        yield from (self._misplaced(name) for name in (_OF_NATS if self.kind == "kafka" else _OF_KAFKA))
        yield _placeholders("subject", self.subject, ("account_id", "type", "mode"))
        yield _placeholders("topic", self.topic, ("account_id", "mode"))
        ways = [name for name in ("user", "token", "nkey_file", "credentials_file") if getattr(self, name)]
        yield f"{ways[1]}: means nothing beside {ways[0]}" if len(ways) > 1 else ""
        yield "password: means nothing without user" if self.password and not self.user else ""
        yield "password: must be set with user" if self.kind == "kafka" and self.user and not self.password else ""
        tls = [name for name in ("tls_ca_file", "tls_cert_file", "tls_key_file") if getattr(self, name)]
        yield f"{tls[0]}: means nothing without tls = true" if tls and not self.tls else ""
        yield "tls_key_file: means nothing without tls_cert_file" if tls == ["tls_key_file"] else ""

    def _misplaced(self, name: str) -> str:
        default = getattr(_DEFAULTS, name)
        return f'{name}: means nothing with kind = "{self.kind}"' if getattr(self, name) != default else ""


_DEFAULTS = Stream()
_OF_NATS = ("stream", "subject", "token", "nkey_file", "credentials_file")
_OF_KAFKA = ("topic", "partitions", "sasl")
_SERVER = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")


def _placeholders(name: str, text: str, known: tuple[str, ...]) -> str:
    """What is in braces must be known. A topic by type would cost a message's events their order."""
    left = text
    for placeholder in known:
        left = left.replace(f"{{{placeholder}}}", "")
    if "{" in left or "}" in left:
        return f"{name}: expected nothing but {', '.join(known)} in braces, not {text!r}"
    return ""


class Simulator(msgspec.Struct, frozen=True, kw_only=True):
    """The sandbox's SMSC and pretend phones, which quickstart starts."""

    host: Annotated[str, Meta(min_length=1, description="Address of the simulator.")] = "127.0.0.1"
    smpp_port: Annotated[Port, Meta(description="Port of the simulator's SMSC; 0 takes a free one.")] = 2776
    http_port: Annotated[Port, Meta(description="Port of the simulator's HTTP control; 0 takes a free one.")] = 8086
    seed: Annotated[int, Meta(ge=0, description="Seed of the simulator's chance; 0 draws one.")] = 0


def purge_before_us(retention: Retention, now_us: int) -> dict[str, int]:
    """For each kind of row that `Store.purge` knows: rows older than this (UTC microseconds) may go."""
    days = {
        "messages": retention.messages_days,
        "events": retention.events_days,
        "dead": retention.events_days,  # a dead delivery without its event cannot be replayed
        "owed": retention.events_days,
        "tries": retention.tries_days,
        "parked": retention.parked_days,
        "idempotency": retention.idempotency_days,
        "link_clicks": retention.clicks_days,
        "link_conversions": retention.clicks_days,
        "links": retention.clicks_days,  # after their end: until then they answer that they are over
        "usage_hours": retention.usage_hours_days,
        "usage_days": retention.usage_days,
    }
    soon = {
        "frequency": now_us - LONGEST_HOURS * HOUR_US,  # no limit counts them any more
        "seen": now_us - 25 * HOUR_US,  # a carrier brings a text again within minutes, over HTTP within a day
        "hook_payloads": now_us,
        "hook_calls": now_us - limits.HOOK_LOG_S * SECOND_US,
        "hook_outcomes": now_us - limits.HOOK_LOG_S * SECOND_US,
        "hook_latest": now_us - limits.HOOK_LOG_S * SECOND_US,
        "media": now_us,  # those whose time is over
        "mailbox_mails": now_us - limits.MAILBOX_LOG_S * SECOND_US,
        "opt_out_changes": now_us - HOUR_US,  # a node that was away for longer reads all opt-outs
    }
    return {kind: now_us - count * DAY_US for kind, count in days.items()} | soon
