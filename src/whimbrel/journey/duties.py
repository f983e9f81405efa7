"""Duties: what one node does for all others beside carriers. Each is a part with a beginning and an end, which runs
where its lease is held and goes on where the last holder stopped.
"""

from collections.abc import Mapping
from typing import Final, Protocol

DUTY: Final = "duty:"
"""The prefix of their leases."""


class Part(Protocol):
    """It may begin again after its end."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Duties:
    """Implements `owners.Holder`. `parts`: by name, without the prefix."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = {DUTY + name: part for name, part in parts.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The leases of all duties."""
        return tuple(self._parts)

    async def gained(self, name: str, fence: int) -> None:
        """Begin. What could not begin whole is ended: it is begun again later, and must not be there twice."""
        part = self._parts[name]
        try:
            await part.start()
        except Exception:
            await part.stop()
            raise

    async def lost(self, name: str, *, gracefully: bool) -> None:
        """End: what was begun is finished, and the cursors are saved."""
        await self._parts[name].stop()
