"""Signals: what one process tells all others that share its database. They shorten waits and carry no truth: whoever
hears one looks for itself, and looks every second or so anyway. So a signal may be lost, come twice, come late, or come
before what it is about is visible.
"""

from collections.abc import Callable
from typing import Literal, Protocol

Topic = Literal["events", "queue", "config", "leases", "clock"]
"""`events`: the log has grown. `queue`: something waits; detail: its lane. `config`: detail: the kinds that changed,
with commas between them. `leases`: leases were given up, or a node came or went. `clock`: the database's time has
jumped."""

Heard = Callable[[str], None]
"""Is given the detail; an empty one means all of the topic. It must not block or raise."""


class Signals(Protocol):
    """Between processes of one database. A process does not hear itself."""

    @property
    def is_alone(self) -> bool:
        """Whether this process has its database to itself: nobody else changes what it has read."""
        ...

    async def start(self) -> None:
        """Begin to hear and to tell. It does not fail: what cannot be reached is tried again and again."""
        ...

    async def stop(self) -> None: ...

    def send(self, topic: Topic, detail: str = "") -> None:
        """Tell all other processes, soon; costs the caller nothing that counts. To be called on the event loop."""
        ...

    def subscribe(self, topic: Topic, heard: Heard) -> None:
        """Call `heard(detail)` for each signal of other processes, and with an empty detail whenever signals may have
        been missed."""
        ...


class LocalSignals:
    """For a process that has its database to itself: there is nobody to tell and nobody to hear."""

    is_alone = True

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def send(self, topic: Topic, detail: str = "") -> None:
        pass

    def subscribe(self, topic: Topic, heard: Heard) -> None:
        pass
