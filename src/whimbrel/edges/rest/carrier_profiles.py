"""/v1/carrier-profiles: the dialects of SMPP that a carrier's settings can begin with."""

from typing import Any

import msgspec

from whimbrel.domain.profiles import PROFILES
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services


class CarrierProfile(msgspec.Struct, frozen=True):
    """A named dialect: the settings that it writes into a carrier, why, and where they are from."""

    name: str
    why: str
    source: str
    settings: dict[str, Any]


class CarrierProfiles(msgspec.Struct, frozen=True):
    """All of them."""

    data: tuple[CarrierProfile, ...]


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(msgspec.convert({"data": tuple(PROFILES.values())}, CarrierProfiles, from_attributes=True))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/carrier-profiles", name="listCarrierProfiles", tag="carriers",
        summary="List the dialects to begin with",
        description="`settings.profile` of a carrier names one: its values are written first, what you give wins.",
        access="operator", account_header="refused", scope="carriers:read", handle=find, answer=CarrierProfiles,
    ),
)  # fmt: skip
