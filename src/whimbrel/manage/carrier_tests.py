"""Tests of carriers that an operator asks for: what is wrong with the request, and who asked, in the audit log. The
number that gets the text stands in neither."""

import msgspec

from whimbrel.base.limits import CARRIER_TEST_WAIT_MAX_S
from whimbrel.carriers.probe import ProbeText
from whimbrel.codec import segments
from whimbrel.codec.errors import CodecError
from whimbrel.domain import numbers, senders
from whimbrel.domain.model import Carrier
from whimbrel.manage import audit, carriers
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, commit

TEXT = "Whimbrel test"


class CarrierTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `to` no text is sent. `wait_s`: how long to wait for its receipt."""

    to: str | None = None
    text: str = TEXT
    sender: str = ""
    wait_s: int = 10


async def begin(ctx: Context, actor: str, carrier_id: str, request: CarrierTest) -> tuple[Carrier, ProbeText | None]:
    """The carrier and what to send it; `not_found`, `invalid_request`."""
    carrier = await carriers.existing(ctx, carrier_id)
    text = _text(request)
    await commit(ctx, [audit.entry(ctx, actor, "carrier.tested", carrier.id, with_text=text is not None)])
    return carrier, text


def _text(request: CarrierTest) -> ProbeText | None:
    checks = Checks()
    checks.require(1 <= request.wait_s <= CARRIER_TEST_WAIT_MAX_S, "/wait_s", f"must be 1 to {CARRIER_TEST_WAIT_MAX_S}")
    number = numbers.normalise(request.to) if request.to is not None else None
    checks.require(request.to is None or number is not None, "/to", "is no valid number in international form")
    known = not request.sender or senders.kind_of(request.sender) is not None
    checks.require(known, "/sender", "is no number, short code or name")
    checks.require(_is_one_segment(request.text), "/text", "must be one segment of text")
    checks.done()
    if number is None:
        return None
    return ProbeText(number.e164, request.text, request.sender, request.wait_s)


def _is_one_segment(text: str) -> bool:
    try:
        return bool(text) and segments.measure(text).segments == 1
    except CodecError:
        return False
