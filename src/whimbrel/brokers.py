"""From the settings of streams to what follows the event log for them. Apart from `app`, because `whimbrel doctor`
looks at brokers too: the only place that names their clients. They are loaded when a stream needs one: they would be a
third of the time that each command of the command line takes to begin.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast

from whimbrel.base.clock import DAY_US, Chance, Clock
from whimbrel.base.metrics import Metrics
from whimbrel.config import Settings
from whimbrel.domain.events import Interest, types_of
from whimbrel.journey.streams import Stream, Target
from whimbrel.net.brokers import Access, Creation, Publisher
from whimbrel.sections import Stream as Section
from whimbrel.store.interface import Store

_KAFKA: Final = ("whimbrel.net.kafka", "KafkaPublisher")
_NATS: Final = ("whimbrel.net.nats", "NatsPublisher")


def streams(
    settings: Settings, *, store: Store, clock: Clock, chance: Chance, metrics: Metrics
) -> Mapping[str, Stream]:
    """All streams of an installation, by name."""
    kept_us = settings.retention.events_days * DAY_US
    return {
        name: Stream(
            target(name, section),
            publisher(section),
            store=store,
            clock=clock,
            chance=chance,
            metrics=metrics,
            kept_us=kept_us,
        )
        for name, section in settings.streams.items()
    }


def destinations(settings: Settings) -> dict[str, str]:
    """Where each stream goes, in words."""
    return {name: _destination(section) for name, section in settings.streams.items()}


def _destination(section: Section) -> str:
    into = section.topic if section.kind == "kafka" else section.stream
    return f"{section.kind} {', '.join(section.servers)} {into}"


def target(name: str, section: Section) -> Target:
    """What goes to a stream's brokers."""
    types, test = types_of(section.events), None if section.test else False
    accounts = section.accounts or (None,)
    return Target(
        name=name,
        interests=tuple(Interest(account_id, test, types) for account_id in accounts),
        batch=section.batch,
        from_first=section.start == "oldest",
    )


def publisher(section: Section) -> Publisher:
    """The client that a stream's brokers need."""
    access = Access(
        servers=section.servers,
        user=section.user,
        password=section.password,
        token=section.token,
        nkey_file=section.nkey_file,
        credentials_file=section.credentials_file,
        sasl=section.sasl,
        tls=section.tls,
        tls_ca_file=section.tls_ca_file,
        tls_cert_file=section.tls_cert_file,
        tls_key_file=section.tls_key_file,
    )
    creation = Creation(section.replicas, section.partitions, section.keep_days) if section.create else None
    if section.kind == "kafka":
        return _client(*_KAFKA)(access, topic=section.topic, creation=creation)
    return _client(*_NATS)(access, stream=section.stream, subject=section.subject, creation=creation)


def _client(module: str, name: str) -> Callable[..., Publisher]:
    return cast("Callable[..., Publisher]", getattr(import_module(module), name))
