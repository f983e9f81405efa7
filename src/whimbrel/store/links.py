"""Short links in the store: looked up by their codes, counted in lists. Apart from `Store`, because nothing of the
journey asks for them: it stores those of a text with its message.
"""

from collections.abc import Sequence

from whimbrel.domain.links import Conversion, Link
from whimbrel.store.script import Executor, Row
from whimbrel.store.verbs import links
from whimbrel.store.verbs.links import ClickRow

__all__ = ["ClickRow", "Found", "LinkRows"]


class Found(Link, frozen=True, gc=False):
    """A link, and when the message went out that it stands in. Columns of `links_by_codes`."""

    sent_at: int | None = None


def _found(row: Row) -> Found:
    columns: Row = (*row[:3], row[3] == 1, *row[4:])
    return Found(*columns)


class LinkRows:
    """Short links of all accounts over an executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def by_codes(self, codes: Sequence[str]) -> dict[str, Found]:
        """Those that there are."""
        rows = await self._executor.read(links.by_codes, list(codes))
        return {each.code: each for each in map(_found, rows)}

    async def clicked(self, rows: Sequence[ClickRow]) -> int:
        """Count clicks, in one commit; how many are of links that there are."""
        return await self._executor.write(links.record_clicks, rows)

    async def converted(self, rows: Sequence[Conversion]) -> list[bool]:
        """Note conversions, in one commit; whether each is new."""
        return await self._executor.write(links.record_conversions, rows)
