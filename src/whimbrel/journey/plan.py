"""The working sheet of one message on its way through accept: what each step found, in order, with its evidence.
Steps take a list of plans and fill them in; a refused plan is left alone by the steps after it.
"""

import msgspec

from whimbrel.base.errors import CATALOGUE, ErrorSpec
from whimbrel.codec.shifts import NO_SHIFT, Shift
from whimbrel.domain.links import NewLink
from whimbrel.domain.model import PLAIN, Draft, Encoding, Flag, Options, Sender
from whimbrel.domain.numbers import Number
from whimbrel.domain.permission import Finding
from whimbrel.domain.pools import Choice, OpenPool, Wish
from whimbrel.domain.quiet_hours import Look
from whimbrel.domain.templates.rendering import Form
from whimbrel.store.interface import Counted


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Why a message is not sent when it was to be: a code of the catalogue, the rule, and until when."""

    reason: str
    rule: str
    until: int


class Plan(msgspec.Struct, gc=False):
    """One draft and what has been decided about it so far. `refusal` is a code of the catalogue."""

    draft: Draft
    now: int
    refusal: str | None = None
    detail: str = ""
    pointer: str = ""
    number: Number | None = None
    recipient_hash: int = 0
    text: str = ""
    encoding: Encoding = "gsm7"
    segments: int = 0
    shift: Shift = NO_SHIFT
    wide: bool = False
    replaced: tuple[tuple[int, str, str], ...] = ()
    sender: Sender | None = None
    sender_value: str = ""
    due_at: int = 0
    expires_at: int = 0
    route_id: str | None = None
    carriers: tuple[str, ...] = ()
    price_micros: int = 0
    currency: str = ""
    sender_flag: int = 0  # bits of `Flag`: what is to be said of the sender, and whether it sends media
    media_by_link: str = ""  # why its media go by a link, and not as MMS
    links: tuple[NewLink, ...] = ()  # short ones that stand in its text
    form: Form | None = None  # of the template that the text was made of
    look: Look | None = None  # at the hours of the recipient, of marketing
    wait: Wait | None = None
    zone: str | None = None  # that the recipient is known to be in
    counted: Counted | None = None  # among those that the recipient may be sent
    barrier: Finding | None = None  # why the number may not be texted
    pool: OpenPool | None = None  # which chooses the sender
    wish: Wish | None = None  # what the pool was asked
    choice: Choice | None = None
    turn: str = ""  # id of a sender that has a rate: the message waits in that number's own lane

    @property
    def is_mms(self) -> bool:
        """Whether its media go by themselves."""
        return bool(self.sender_flag & Flag.MMS) and not self.media_by_link

    @property
    def holder(self) -> str | None:
        """The carrier that holds the number it is sent from."""
        return None if self.sender is None else self.sender.carrier_id

    def refuse(self, code: str, pointer: str = "", detail: str = "") -> None:
        """End this plan's way with a code of the catalogue."""
        self.refusal = code
        self.pointer = pointer
        self.detail = detail or spec(code).title


def flags_of(plan: Plan, options: Options) -> int:
    """The bits of `Flag` that the message starts with."""
    flags = plan.sender_flag | (Flag.BYPASS_OPT_OUT if plan.draft.bypass_opt_out else 0)
    if plan.shift is not NO_SHIFT:
        flags |= plan.shift.locking << Flag.LOCKING_SHIFT | plan.shift.single << Flag.SINGLE_SHIFT
    if plan.wide:
        flags |= Flag.WIDE
    if plan.counted is not None:
        flags |= Flag.COUNTED
    if options is PLAIN:
        return flags
    return (
        flags
        | (Flag.CALLBACK if options.callback_url else 0)
        | (Flag.WIRE if options.wire else 0)
        | (Flag.ORIGIN if options.origin else 0)
        | (Flag.SEALED if options.sealed else 0)
    )


def spec(code: str) -> ErrorSpec:
    """The catalogue's row for a code."""
    return CATALOGUE[code]
