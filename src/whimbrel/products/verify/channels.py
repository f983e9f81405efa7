"""Channels: the ways by which a code reaches somebody. A channel is given an `Order` and commits the verification's
writes together with what it sends. SMS is an ordinary message of the class otp. What is handed over otherwise waits in
its attempt, which is committed first; a duty of one node takes it from there (`handing`).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.active import check_active
from whimbrel.domain.model import Account, Draft, Options
from whimbrel.domain.numbers import line_type, normalise
from whimbrel.domain.verify import ServiceSettings, Verification
from whimbrel.journey.accept import Accept, Still, Superseded, refusal
from whimbrel.products.verify import texts
from whimbrel.products.verify.ways import Way
from whimbrel.store.interface import Store, Write

AccountOf = Callable[[str], Account | None]


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

    @property
    def takes_addresses(self) -> bool:
        """Whether it leads to addresses of mail; else to numbers."""
        ...

    async def send(self, order: Order) -> None:
        """Commit and send. WhimbrelError when it is refused, and then nothing was stored; Superseded."""
        ...


Channels = Mapping[str, Channel]


class Sms:
    """A text by the journey. Its row shows the code masked; the lane alone opens the whole text."""

    has_message = True
    takes_addresses = False

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    async def send(self, order: Order) -> None:
        verification, settings = order.verification, order.settings
        number = normalise(verification.recipient) if settings.skip_landlines else None
        if number is not None and line_type(number) == "fixed":
            raise WhimbrelError("verify_line_refused")
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


class Handed:
    """A channel whose codes wait in their attempts until they are handed to `way`. `wake` is called when one waits."""

    has_message = False

    def __init__(self, store: Store, account_of: AccountOf, way: Way, wake: Callable[[], None]) -> None:
        self.takes_addresses = way.takes_addresses
        self._store = store
        self._account_of = account_of
        self._wake = wake

    async def send(self, order: Order) -> None:
        if order.still is not None:
            order.still()
        check_active(self._account_of(order.verification.account_id))
        turn, *further = order.only
        if not await self._store.turn(turn, order.also, further):
            raise Superseded
        self._wake()
