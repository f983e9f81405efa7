"""/v1/settings: what the process that is asked runs with, for the operator."""

import msgspec

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.edges.shared.settings import SettingView


class SettingList(msgspec.Struct, frozen=True):
    """All settings, in the order of docs/settings.md."""

    data: tuple[SettingView, ...]


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(SettingList(services.settings()))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/settings", name="listSettings", tag="nodes", summary="List settings",
        description="What the node that is asked runs with: each setting with its value, where that came from, and "
        "what it means. They are read at start. Passwords are masked.",
        access="operator", account_header="refused", scope="settings:read", handle=find, answer=SettingList,
    ),
)  # fmt: skip
