"""How media reach a phone: as MMS, where the preferred carrier and the sender can, and else by the link to them that
stands in the text anyway. The text keeps the link in either case: a carrier that takes media is given the text without
it, and any other carrier that the message comes to sends it as it is.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from whimbrel.domain.model import Flag
from whimbrel.journey.plan import Plan

TEXTS_ONLY = "carriers_take_texts_only"
"""Why media go by a link: the preferred carrier's settings do not say `media`."""
NO_MMS = "sender_has_no_mms"
"""Or the sender is a name, or a number without the capability `mms`."""


class Sent(Protocol):
    """A message as far as its media go."""

    @property
    def text(self) -> str: ...
    @property
    def flags(self) -> int: ...


def choose(plans: Sequence[Plan], takes_media: Callable[[str], bool]) -> None:
    """Say of each plan with media by which way they go. After routing."""
    for plan in plans:
        if plan.refusal is not None or not plan.draft.options.media:
            continue
        may = plan.sender is not None and "mms" in plan.sender.capabilities
        plan.sender_flag |= Flag.MMS if may else 0
        if not takes_media(plan.carriers[0]):
            plan.media_by_link = TEXTS_ONLY
        elif not may:
            plan.media_by_link = NO_MMS


def apart(text: str, count: int) -> tuple[str, tuple[str, ...]]:
    """A text without its last line, which is the link to its media, and where these are: below it, by their places."""
    words, _, link = text.rpartition("\n")
    return words, tuple(f"{link}/{place}" for place in range(1, count + 1))
