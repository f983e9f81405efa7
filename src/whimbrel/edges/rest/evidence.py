"""How a message came in and what was decided about it, as far as it is stored: evidence beside its events."""

from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import money
from whimbrel.domain.callbacks import message_options
from whimbrel.domain.model import Message
from whimbrel.domain.turns import carrier_of
from whimbrel.edges.shared.services import Services


class CarrierName(msgspec.Struct, frozen=True, gc=False):
    """A carrier and what it is called; `name` None: it was deleted since."""

    id: str
    name: str | None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """How the message came in, and what was decided about it."""

    door: Annotated[
        str,
        Meta(
            description="rest, twilio, smpp, console or cli; mail: a mailbox; hook, flow, schedule or verify: what of "
            "ours made it; keyword: an answer to STOP or HELP."
        ),
    ]
    idempotency_key: Annotated[str | None, Meta(description="Of its request; known for a day.")]
    credential_id: Annotated[str | None, Meta(description="The SMPP credential whose bind brought it.")]
    route_id: str | None
    carriers: Annotated[
        tuple[CarrierName, ...], Meta(description="Those that may take it, the first first, as far as they are left.")
    ]
    held: Annotated[str, Meta(description="What of its price is on hold now.")]
    charged: str


class _Kept(msgspec.Struct, frozen=True, gc=False):
    key: str
    verdicts: bytes


class _Id(msgspec.Struct, frozen=True, gc=False):
    id: str | None = None


_decode = msgspec.json.Decoder(list[_Id]).decode


async def accepted(services: Services, message: Message) -> Accepted:
    """What is told of one message."""
    origin = message_options(message).origin
    carriers = services.tables.carriers
    names = [(each, carriers.get(each)) for each in map(carrier_of, message.candidates.split())]
    return Accepted(
        door=message.door,
        idempotency_key=await _key_of(services, message),
        credential_id=origin.credential_id if origin else None,
        route_id=message.route_id,
        carriers=tuple(CarrierName(each, carrier.name if carrier else None) for each, carrier in names),
        held=money.to_text(message.held_micros),
        charged=money.to_text(message.charged_micros),
    )


async def _key_of(services: Services, message: Message) -> str | None:
    """A request's key has the time of its messages, so it is found among the few of the same microsecond."""
    account_id, door = message.account_id, f"{message.door}-test" if message.test else message.door
    if message.direction == "in":
        return None
    rows = await services.store.report(account_id, _Kept, "idempotency_at", message.created_at, account_id, door)
    return next((row.key for row in rows if any(each.id == message.id for each in _decode(row.verdicts))), None)
