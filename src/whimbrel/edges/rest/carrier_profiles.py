"""/v1/carrier-profiles: the dialects of SMPP, and the providers over HTTP, that a carrier's settings can begin with."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.domain.carrier_kinds import Kind
from whimbrel.domain.http_profiles import HTTP_PROFILES
from whimbrel.domain.profiles import PROFILES
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services


class CarrierProfile(msgspec.Struct, frozen=True):
    """A named dialect: the settings that it writes into a carrier, why, and where they are from."""

    name: str
    kind: Annotated[Kind, Meta(description="Of carriers that it is for. Names are those of one kind.")]
    why: str
    source: str
    needs: Annotated[tuple[str, ...], Meta(description="Settings that it cannot know; `fields.name` is a field.")]
    settings: dict[str, Any]


class CarrierProfiles(msgspec.Struct, frozen=True):
    """All of them."""

    data: tuple[CarrierProfile, ...]


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    every = (*PROFILES.values(), *HTTP_PROFILES.values())
    return Answer(msgspec.convert({"data": every}, CarrierProfiles, from_attributes=True))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/carrier-profiles", name="listCarrierProfiles", tag="carriers",
        summary="List the dialects to begin with",
        description="`settings.profile` of a carrier names one: its values are written first, what you give wins.",
        access="operator", account_header="refused", scope="carriers:read", handle=find, answer=CarrierProfiles,
    ),
)  # fmt: skip
