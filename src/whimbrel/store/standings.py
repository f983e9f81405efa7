"""Who runs, who does what, and how far they are: plain data of the store, as the nodes tell each other."""

import msgspec


class Node(msgspec.Struct, frozen=True, gc=False):
    """A process that runs, as the others see it."""

    id: str
    name: str
    version: str
    roles: str  # with commas between them
    started_at: int
    alive_until: int
    draining: bool = False  # gives up what it holds, and takes nothing


class Lease(msgspec.Struct, frozen=True, gc=False):
    """Who does something that one node does for all. Free when `node_id` is empty or names no node."""

    name: str
    node_id: str
    fence: int  # grows with each taking
    taken_at: int


class LaneStatus(msgspec.Struct, frozen=True, gc=False):
    """What the owner of a carrier tells the others. `served`: JSON of the rank that each priority is served up to;
    `health`: JSON of the carrier's health."""

    carrier_id: str
    node_id: str
    served: str
    health: str
    at: int
