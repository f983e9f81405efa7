"""Error codes that a carrier gave lately, among the newest failures of the account that is shown: grouped by what they
mean, with the carrier's own code of the newest of each."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from whimbrel.edges.console.answer_codes import AnswerCodes
from whimbrel.edges.console.finding import FAILED
from whimbrel.edges.console.request import Request

_LOOKED_AT: Final = "200"  # of the failed messages: the newest
_SHOWN: Final = 6


class Code(msgspec.Struct, frozen=True):
    """Failures for one reason. `said`: what the carrier said of the newest, in its own words."""

    reason: Any
    count: int
    newest: Any
    said: tuple[str, ...]


async def seen(request: Request, carrier_id: str) -> Sequence[Code] | None:
    """The most frequent first; None for whom texts are not to be seen, or where no account is shown."""
    if request.asked.acting_for is None or not request.api.may("listMessages"):
        return None
    rows = (await request.api("listMessages", query={"status": FAILED, "limit": _LOOKED_AT})).data
    rows = [row for row in rows if row.carrier_id == carrier_id and row.reason]
    counts = Counter(row.reason.code for row in rows)
    newest = {row.reason.code: row for row in reversed(rows)}
    return [
        Code(newest[code].reason, count, newest[code], await _said(request, carrier_id, newest[code].id))
        for code, count in counts.most_common(_SHOWN)
    ]


async def _said(request: Request, carrier_id: str, message_id: str) -> tuple[str, ...]:
    """Codes of its answers and of its receipts."""
    attempts = (await request.api("getAttempts", path={"id": message_id})).data
    own = [each for each in attempts if each.carrier_id == carrier_id]
    codes = AnswerCodes(request.services.tables.carriers)
    form = "{}" if codes.is_http(carrier_id) else "0x{:08x}"
    answers = [form.format(each.status_code) for each in own if each.status_code]
    receipts = [f"err:{each.receipt_error}" for each in own if each.receipt_error]
    return tuple(dict.fromkeys((*answers, *receipts)))
