"""Media in the store. Apart from `Store`, because of the journey accept alone asks for them."""

from collections.abc import Sequence

from whimbrel.domain.media import Medium
from whimbrel.store.script import Executor
from whimbrel.store.values import Write
from whimbrel.store.verbs import media


class MediaRows:
    """Media of all accounts over an executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def keep(
        self, medium: Medium, data: bytes, *, bytes_max: int, count_max: int, also: Sequence[Write] = ()
    ) -> Medium | None:
        """Store a medium with its octets; the one that the account has of them, or None where it may have no more.
        `also`: written with one that is new."""
        return await self._executor.write(media.keep, medium, data, bytes_max, count_max, also)

    async def forget(self, media_ids: Sequence[str], *, also: Sequence[Write] = ()) -> int:
        """Remove media, also where messages have them; how many. `also`: written where any is gone."""
        return await self._executor.write(media.forget, media_ids, also)

    async def take_away(self, message_id: str, media_id: str, *, also: Sequence[Write] = ()) -> int:
        """A message loses a medium, which goes where no other message has it. `also`: written where it had it."""
        return await self._executor.write(media.take_away, message_id, media_id, also)
