"""Ways: what hands a code over beside SMS, once its attempt is stored. What came of it is a value of a closed set."""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One code to hand over. `attempt_id` is the same on every try, so that whoever gets it twice can tell."""

    attempt_id: str
    verification_id: str
    account_id: str
    service_id: str
    service: str  # the name that the recipient reads
    channel: str
    to: str
    language: str
    code: str
    warns: bool  # that the code is to be kept to oneself
    expires_in_s: int
    at_us: int


class Outcome(msgspec.Struct, frozen=True):
    """What a way says. `is_temporary`: it was refused now, and may be taken later. `reason` is a short word of ours,
    never the other side's: it may hold an address."""

    state: Literal["sent", "refused", "in_doubt"]
    reason: str = ""
    reference: str = ""
    is_temporary: bool = False


class Way(Protocol):
    """One way."""

    @property
    def takes_addresses(self) -> bool:
        """Whether it leads to addresses of mail; else to numbers."""
        ...

    @property
    def timeout_s(self) -> float:
        """After so long nobody knows."""
        ...

    @property
    def report_secret(self) -> str:
        """Signs what its carrier reports; empty: it reports nothing."""
        ...

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def carry(self, parcel: Parcel) -> Outcome:
        """Hand it over. Trouble of any kind is an outcome."""
        ...


Ways = Mapping[str, Way]
