"""The PDUs of one message, out of the traces of the carriers that it was tried at: those that name the carrier's id of
one of its segments, and the other half of each of them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import TRACE_PDUS_MAX
from whimbrel.edges.console.request import Request

_RESPONSE: Final = 0x8000_0000
_AWAY: Final = {"at_another_node": "elsewhere", "not_found": ""}  # the second: the carrier was deleted


async def of_message(request: Request, attempts: Sequence[Any]) -> tuple[list[Any], str]:
    """Entries of traces in their order, and why there are none: `off` (nothing was recorded), `elsewhere` (the carrier
    runs at another node), or empty."""
    found: list[Any] = []
    missing = "off"
    for carrier_id in dict.fromkeys(attempt.carrier_id for attempt in attempts):
        try:
            trace = await request.api("getCarrierTrace", path={"id": carrier_id}, query={"limit": str(TRACE_PDUS_MAX)})
        except WhimbrelError as error:
            if error.code not in _AWAY:
                raise
            missing = _AWAY[error.code] or missing
            continue
        own = [each.carrier_message_id for each in attempts if each.carrier_id == carrier_id]
        found += with_their_halves(trace.data, [each for each in own if each])
        missing = "none" if trace.data and not found else missing
    return found, "" if found else missing


def with_their_halves(entries: Iterable[Any], message_ids: Sequence[str]) -> list[Any]:
    """The entries that name one of these ids, with the request or response of each."""
    pdus = [entry for entry in entries if entry.pdu is not None]
    halves = {_exchange(entry) for entry in pdus if _names(entry.pdu, message_ids)}
    return [entry for entry in pdus if _exchange(entry) in halves]


def _names(pdu: Any, message_ids: Sequence[str]) -> bool:
    told = [pdu.fields.get("message_id"), *(pdu.receipt.message_ids if pdu.receipt else ())]
    told += [tlv.value for tlv in pdu.tlvs if tlv.name == "receipted_message_id"]
    return any(each in message_ids for each in told if each)


def _exchange(entry: Any) -> tuple[str, int, bool]:
    """A request and its response have the connection, the number and who asked in common."""
    is_response = bool(entry.pdu.command_id & _RESPONSE)
    return entry.connection, entry.pdu.sequence, (entry.direction == "out") != is_response
