"""What may be changed of the provider over HTTP while it runs, by `POST /provider`."""

from enum import StrEnum
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

Writing = Literal["json", "form", "query"]


class Played(StrEnum):
    """What is played in place of the usual answer. `TAKEN_…`: the message goes its way all the same."""

    ANSWERED = "answered"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    DROPPED = "dropped"
    SILENT = "silent"
    TAKEN_FAILED = "taken_failed"
    TAKEN_DROPPED = "taken_dropped"
    TAKEN_SILENT = "taken_silent"
    TAKEN_GARBLED = "taken_garbled"

    @property
    def takes(self) -> bool:
        """Whether the message is taken, whatever its client is told."""
        return self is Played.ANSWERED or self.startswith("taken_")


class ProviderSettings(Struct, kw_only=True):
    """The one mutable copy belongs to the provider. `next`: what the next requests are answered, one each; `always`:
    all others. `receipts_url` is called for messages that name no `callback`, `inbound_url` with texts of phones."""

    next: list[Played] = []
    always: Played = Played.ANSWERED
    retry_after_s: int = 1
    writing: Writing = "json"
    receipts_url: str = ""
    inbound_url: str = ""

    def take(self) -> Played:
        """What the request that came now is answered."""
        return self.next.pop(0) if self.next else self.always


class ProviderChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New values for some of them."""

    next: list[Played] | UnsetType = UNSET
    always: Played | UnsetType = UNSET
    retry_after_s: int | UnsetType = UNSET
    writing: Writing | UnsetType = UNSET
    receipts_url: str | UnsetType = UNSET
    inbound_url: str | UnsetType = UNSET


def change(settings: ProviderSettings, wanted: ProviderChange) -> None:
    """Write the values that are named."""
    for name in ProviderSettings.__struct_fields__:
        value = getattr(wanted, name)
        if value is not UNSET:
            setattr(settings, name, value)


def reset(settings: ProviderSettings) -> None:
    """Go back to how it starts."""
    fresh = ProviderSettings()
    for name in ProviderSettings.__struct_fields__:
        setattr(settings, name, getattr(fresh, name))
