"""A row of what a credential is owed while it is delivered, and what its answers mean. Apart from `outbox`, which holds
many of them and decides where they go.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from whimbrel.codec.smpp.statuses import Status
from whimbrel.domain import customer_receipts, customer_texts
from whimbrel.domain.customer_receipts import Parcel
from whimbrel.edges.smpp.registry import Bound

NOT_NOW: Final = frozenset(
    {
        Status.ESME_RX_T_APPN,
        Status.ESME_RMSGQFUL,
        Status.ESME_RTHROTTLED,
        Status.ESME_RSYSERR,
        Status.ESME_RINVBNDSTS,
    }
)
"""Answers that speak of the customer's side and not of the message: it may take it later."""
SLOWER: Final = frozenset({Status.ESME_RMSGQFUL, Status.ESME_RTHROTTLED})
"""Those of them that speak of everything that it is sent."""

WELL, LOST, LATER, REFUSED = 0, 1, 2, 3
"""What the answers to a load say so far: the worst of them counts."""


class Trouble(msgspec.Struct):
    """What happened to a row so far, kept while the customer is away."""

    tries: int = 0
    refusals: int = 0
    lost: int = 0


class Load:
    """A row in memory. `bodies` are made for the version of the bind that it goes to."""

    __slots__ = ("bodies", "is_ready", "open", "parcel", "status", "under_way", "with_tlvs", "worst")

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.bodies: Sequence[bytes] = ()
        self.with_tlvs = False
        self.open: list[int] = []  # places of the parts that are not taken yet
        self.under_way: set[int] = set()
        self.is_ready = False  # it stands among those that are to be handed over
        self.worst = WELL
        self.status = 0  # of the worst

    @property
    def is_over(self) -> bool:
        """Whether every part was taken."""
        return bool(self.bodies) and not self.open

    @property
    def unsent(self) -> list[int]:
        """Parts that neither are taken nor wait for an answer."""
        return [part for part in self.open if part not in self.under_way]


class Place(msgspec.Struct):
    """A bind, and how much more it takes now."""

    bound: Bound
    room: int
    with_tlvs: bool


def worsen(load: Load, verdict: int, status: int) -> None:
    """Note an answer; `status` is 0 when there was none."""
    if verdict > load.worst:
        load.worst, load.status = verdict, status


def bodies(parcel: Parcel, bound: Bound, with_tlvs: bool) -> Sequence[bytes]:
    """What a bind is sent; empty when nothing can be told any more."""
    if parcel.kind == customer_texts.RECEIVED:
        return customer_texts.bodies(parcel, bound.settings, tlvs=with_tlvs)
    body = customer_receipts.body(parcel, bound.settings, tlvs=with_tlvs)
    return () if body is None else (body,)
