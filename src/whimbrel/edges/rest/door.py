"""The REST door, put together: all operations in one table, the hot routes, the router of the rest."""

import asyncio
from functools import lru_cache
from importlib.metadata import version

import msgspec

from whimbrel.edges.rest import (
    accounts,
    audiences,
    audit,
    campaigns,
    canned_answers,
    carrier_profiles,
    carrier_tests,
    carriers,
    cells,
    consents,
    contact_imports,
    contacts,
    conversation_desk,
    conversations,
    erasures,
    events,
    flows,
    hooks,
    inbound_urls,
    keys,
    keywords,
    links,
    lookups,
    mailboxes,
    media,
    messages,
    money,
    nodes,
    numbers,
    opt_outs,
    policies,
    pools,
    registrations,
    routing,
    schedules,
    searching,
    sender_rules,
    senders,
    service,
    settings,
    smpp_credentials,
    streams,
    suppression,
    templates,
    traces,
    usage,
    users,
    verify,
    verify_control,
    verify_factors,
    webhooks,
)
from whimbrel.edges.rest.inside import RestInside
from whimbrel.edges.rest.sending import Sending
from whimbrel.edges.shared.asgi import ASGIApp
from whimbrel.edges.shared.door import Door
from whimbrel.edges.shared.exchange import DirectTable
from whimbrel.edges.shared.routes import Operation
from whimbrel.edges.shared.services import Services


class RestDoor(msgspec.Struct, frozen=True):
    """What the application mounts: exact hot routes, those of them that are also taken directly, and everything else.
    `operations` is the whole route table, `inside` the same for other doors of this process."""

    hot: dict[tuple[str, str], ASGIApp]
    direct: DirectTable
    app: ASGIApp
    operations: tuple[Operation, ...]
    inside: RestInside


def table(streams_per_account: int) -> tuple[Operation, ...]:
    """Every operation of the door, in the order of the reference."""
    return (*_resources(streams_per_account), *service.operations(_reference))


@lru_cache(maxsize=1)  # it is the same at the doors of every cell, and takes a fifth of a second to make
def _reference() -> service.Reference:
    return service.reference(_resources(streams_per_account=0), version("whimbrel"))


def _resources(streams_per_account: int) -> tuple[Operation, ...]:
    return (
        *messages.OPERATIONS,
        *searching.OPERATIONS,
        *conversations.OPERATIONS,
        *conversation_desk.OPERATIONS,
        *canned_answers.OPERATIONS,
        *contacts.OPERATIONS,
        *audiences.OPERATIONS,
        *contact_imports.OPERATIONS,
        *campaigns.OPERATIONS,
        *flows.OPERATIONS,
        *schedules.OPERATIONS,
        *erasures.OPERATIONS,
        *templates.OPERATIONS,
        *links.OPERATIONS,
        *media.OPERATIONS,
        *events.operations(events.Stream(streams_per_account)),
        *webhooks.OPERATIONS,
        *hooks.OPERATIONS,
        *mailboxes.OPERATIONS,
        *verify.OPERATIONS,
        *verify_control.OPERATIONS,
        *verify_factors.OPERATIONS,
        *senders.OPERATIONS,
        *numbers.OPERATIONS,
        *sender_rules.OPERATIONS,
        *registrations.OPERATIONS,
        *smpp_credentials.OPERATIONS,
        *opt_outs.OPERATIONS,
        *consents.OPERATIONS,
        *suppression.OPERATIONS,
        *policies.OPERATIONS,
        *pools.OPERATIONS,
        *inbound_urls.OPERATIONS,
        *keywords.OPERATIONS,
        *lookups.operations(asyncio.Lock()),
        *money.OPERATIONS,
        *usage.OPERATIONS,
        *routing.OPERATIONS,
        *carriers.OPERATIONS,
        *traces.OPERATIONS,
        *carrier_tests.OPERATIONS,
        *carrier_profiles.OPERATIONS,
        *streams.OPERATIONS,
        *nodes.OPERATIONS,
        *settings.OPERATIONS,
        *accounts.OPERATIONS,
        *cells.OPERATIONS,
        *keys.OPERATIONS,
        *users.OPERATIONS,
        *audit.OPERATIONS,
    )


def rest_door(services: Services, door: Door) -> RestDoor:
    """The door over these services."""
    sending = Sending(door, services)
    operations = table(services.streams_per_account)
    inside = RestInside(services, operations, sending)
    return RestDoor(sending.routes(), sending.direct(), door.router(operations), operations, inside)
