"""A SQLite file with the schema, for tests of something else: its octets are made once a process and written again."""

import tempfile
from functools import lru_cache
from pathlib import Path

from whimbrel.base.clock import ManualClock
from whimbrel.store.sqlite import schema


def with_schema(path: Path | str) -> str:
    """The path, at which there is a database with the schema and nothing else; what was there before stays."""
    place = Path(path)
    if not place.exists():
        place.write_bytes(_octets())
    return str(place)


@lru_cache(maxsize=1)
def _octets() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "whimbrel.db"
        schema.apply(str(path), ManualClock(0))
        return path.read_bytes()
