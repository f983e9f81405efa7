"""Where a process stands among those that one supervisor runs together on one machine."""

from typing import Final

import msgspec

STORE: Final = "store"
"""The process that owns the file of an SQLite database, where there is more than one process."""
SUPERVISOR: Final = "supervisor"
FIRST: Final = 1
"""The number of the first process of a run; on SQLite that is the store process."""


class Place(msgspec.Struct, frozen=True):
    """`folder`: where their sockets are, which only their user may enter; empty for a process that is alone. `others`:
    the names of all other processes. `run` is drawn for one life of all of them, `number` is one process's in it; both
    are 0 for one that is alone."""

    name: str = "1"
    folder: str = ""
    others: tuple[str, ...] = ()
    run: int = 0
    number: int = 0

    @property
    def is_alone(self) -> bool:
        return not self.folder

    @property
    def has_store(self) -> bool:
        """Whether another process owns the database's file."""
        return STORE in self.others

    def metrics_socket(self, name: str) -> str:
        """Where a process tells its metrics."""
        return f"{self.folder}/{name}.metrics"

    @property
    def store_socket(self) -> str:
        """Where the store process is reached."""
        return f"{self.folder}/{STORE}"


ALONE: Final = Place()
