"""Channels: the ways by which a code reaches somebody. A channel is given an `Order` and commits the verification's
writes together with what it sends. SMS is an ordinary message of the class otp; a channel that has no message of the
journey commits by `store.turn` and sends then.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from whimbrel.domain.model import Draft, Options
from whimbrel.domain.verify import ServiceSettings, Verification
from whimbrel.journey.accept import Accept, Still, refusal
from whimbrel.products.verify import texts
from whimbrel.store.interface import Write

SMS = "sms"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One code to bring. `only`: writes each row of which has to change one, or nothing is stored and `Superseded` of
    `journey.accept` is raised; the first is the turn of the number. `also`: writes of the same commit.
    `message_id`: the id that a message has to have, because `also` names it."""

    verification: Verification
    settings: ServiceSettings
    service: str  # the name that the recipient reads
    code: str
    message_id: str
    validity_s: int
    app_hash: str
    only: tuple[Write, ...]
    also: tuple[Write, ...]
    still: Still | None = None


class Channel(Protocol):
    """One way."""

    @property
    def has_message(self) -> bool:
        """Whether what it sends is a message of the journey, with the id of the order."""
        ...

    async def send(self, order: Order) -> None:
        """Commit and send. WhimbrelError when it is refused, and then nothing was stored; Superseded."""
        ...


Channels = Mapping[str, Channel]


class Sms:
    """A text by the journey. Its row shows the code masked; the lane alone opens the whole text."""

    has_message = True

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    async def send(self, order: Order) -> None:
        verification, settings = order.verification, order.settings
        text, shown = texts.render(
            order.code,
            service=order.service,
            language=verification.language,
            warns=settings.do_not_share,
            app_hash=order.app_hash,
            domain=settings.webotp_domain,
        )
        draft = Draft(
            account_id=verification.account_id,
            test=verification.test,
            door="verify",
            recipient=verification.recipient,
            text=text,
            sender=settings.sender or None,
            message_class="otp",
            validity_s=order.validity_s,
            options=Options(on_doubt=settings.on_doubt, metadata={"verification_id": verification.id}),
            id=order.message_id,
            shown=shown,
        )
        accepted = await self._accept.submit([draft], also=order.also, only=order.only, still=order.still)
        (verdict,) = accepted.verdicts
        if verdict.id is None:
            raise refusal(verdict)
