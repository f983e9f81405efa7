"""Parts onto one connection, as submit_sm: what `outbox` lets go, in one write."""

import logging
from collections.abc import Sequence

import msgspec

from whimbrel.carriers.interface import Part, Reply
from whimbrel.carriers.smpp_writer import Writer
from whimbrel.codec.errors import CodecError
from whimbrel.codec.smpp.tables import SUBMIT_SM
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.net.smpp import SmppLink

_log = logging.getLogger("whimbrel.carrier")


class Submits:
    """Of one carrier; its binds share it. A part is itself the token that flies with its request."""

    def __init__(self, settings: CarrierSettings) -> None:
        self._writer = Writer(settings)
        self._writer_3_3 = Writer(msgspec.structs.replace(settings, interface_version="3.3"))

    def write(self, link: SmppLink, name: str, parts: Sequence[Part], now_us: int) -> list[Reply]:
        """Write them to the link of the bind of that name; answers to those that cannot be written."""
        writer = self._writer if link.session.sends_tlvs else self._writer_3_3  # the peer decides, not its contract
        requests: list[tuple[bytes, Part]] = []
        unwritten: list[Reply] = []
        for part in parts:
            try:
                requests.append((writer.body(part, now_us), part))
            except CodecError as error:
                _log.warning("a part cannot be written", extra={"bind": name, "error": str(error)})
                reason = getattr(error, "reason", "invalid_source")
                unwritten.append(Reply(part, "refused", name, reason=reason))
        link.session.send_list(SUBMIT_SM, requests, now_ms=link.now_ms())
        link.wake()
        return unwritten
