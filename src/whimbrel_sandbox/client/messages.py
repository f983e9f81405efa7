"""The messages of a run, as command, body and how many receipts each will owe.

Apart from the connections, which number and send them. A message is made once for its kind and its recipient filled in.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from whimbrel.codec import gsm7, segments, udh
from whimbrel.codec.smpp.pdu import (
    Body,
    DataSm,
    ShortMessage,
    SmeAddress,
    SubmitMulti,
    Tlvs,
    encode_body,
    make_tlv,
)
from whimbrel.codec.smpp.tables import DATA_SM, ESM_UDHI, SUBMIT_MULTI, SUBMIT_SM, Tag
from whimbrel_sandbox.client.settings import Kind, Settings

_ONE_RECIPIENT = 11
_MULTI = 3
_ORDER: tuple[Kind, ...] = ("plain", "udh", "udh16", "sar", "payload", "data_sm", "multi")
_LETTERS = 5  # TON of an alphanumeric sender, 5.2.5
_ALL = 1  # registered_delivery, 5.2.17
_PART = 152  # septets, beside the longer of the two headers


class Request(Struct, frozen=True, gc=False):
    """One PDU to send: all after its header, and how many receipts it will owe when it is accepted."""

    command_id: int
    octets: bytes
    receipts: int = 1


class Messages:
    """Makes the messages of a run, one after the other. Raises CodecError for settings that no PDU can carry."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._speaks_tlvs = settings.version != "3.3"
        # Receipts of failures cannot be counted on, and a transmitter hears of none.
        self._receipts = int(settings.registered & 3 == _ALL and settings.bind != "tx")
        self._example = _example(settings)
        self._made = 0

    def next(self) -> list[Request]:
        """The PDUs of the next message."""
        kind = self._settings.kind
        if kind == "mixed":
            kind = _ORDER[self._made % len(_ORDER)]
        self._made += 1
        return _MAKERS[kind](self)

    def recipient(self) -> str:
        """The number of the message that is being made."""
        prefix = self._settings.to.removeprefix("+")
        if len(prefix) >= _ONE_RECIPIENT:
            return prefix
        room = max(self._settings.digits - len(prefix), 1)
        return prefix + str(self._made % 10**room).zfill(room)

    def _tlvs(self) -> Tlvs:
        if not self._settings.reference or not self._speaks_tlvs:
            return ()
        return (make_tlv(Tag.USER_MESSAGE_REFERENCE, self._made & 0xFFFF),)

    def _submit(self, octets: bytes, *, esm_class: int = 0, tlvs: Tlvs = ()) -> Request:
        body = replace(self._example, dest=self.recipient(), short_message=octets, esm_class=esm_class)
        return self._request(SUBMIT_SM, body, tlvs)

    def _request(self, command_id: int, body: Body, tlvs: Tlvs = (), *, receipts: int = 1) -> Request:
        return Request(command_id, encode_body(command_id, body, tlvs + self._tlvs()), receipts * self._receipts)

    def plain(self) -> list[Request]:
        """One submit_sm."""
        return [self._submit(self._octets(1))]

    def by_header(self, wide: bool) -> list[Request]:
        """Parts with user data headers."""
        total = self._settings.parts
        pieces = self._pieces(total)
        made = []
        for number, piece in enumerate(pieces, 1):
            place = udh.Concat(self._made & (0xFFFF if wide else 0xFF), total, number, wide)
            made.append(self._submit(udh.build((udh.concat_element(place),)) + piece, esm_class=ESM_UDHI))
        return made

    def by_sar(self) -> list[Request]:
        """Parts with SAR parameters."""
        total = self._settings.parts
        made = []
        for number, piece in enumerate(self._pieces(total), 1):
            tlvs = (
                make_tlv(Tag.SAR_MSG_REF_NUM, self._made & 0xFFFF),
                make_tlv(Tag.SAR_TOTAL_SEGMENTS, total),
                make_tlv(Tag.SAR_SEGMENT_SEQNUM, number),
            )
            made.append(self._submit(piece, tlvs=tlvs))
        return made

    def by_payload(self) -> list[Request]:
        """One submit_sm with message_payload."""
        return [self._submit(b"", tlvs=(make_tlv(Tag.MESSAGE_PAYLOAD, b"".join(self._pieces(self._settings.parts))),))]

    def as_data(self) -> list[Request]:
        """One data_sm."""
        like = self._example
        body = DataSm(
            like.service_type,
            like.source_ton,
            like.source_npi,
            like.source,
            like.dest_ton,
            like.dest_npi,
            self.recipient(),
            0,
            like.registered_delivery,
            like.data_coding,
        )
        return [self._request(DATA_SM, body, (make_tlv(Tag.MESSAGE_PAYLOAD, self._octets(1)),))]

    def as_multi(self) -> list[Request]:
        """One submit_multi."""
        number = self.recipient()
        recipients = [number[:-1] + str((int(number[-1]) + step) % 10) for step in range(_MULTI)]
        like = self._example
        shared = {name: getattr(like, name) for name in SubmitMulti.__struct_fields__ if hasattr(like, name)}
        destinations = tuple(SmeAddress(1, 1, each) for each in recipients)
        body = replace(SubmitMulti(**shared), destinations=destinations, short_message=self._octets(1))
        return [self._request(SUBMIT_MULTI, body, receipts=_MULTI)]

    def _octets(self, copies: int) -> bytes:
        text = self._settings.text * copies
        octets = gsm7.try_encode(text)
        return text.encode("utf-16-be") if octets is None else octets

    def _pieces(self, total: int) -> list[bytes]:
        size = _PART if self._example.data_coding == segments.GSM7_DATA_CODING else 132
        whole = self._octets(1)
        whole *= -(-size * total // max(len(whole), 1))
        return [whole[at : at + size] for at in range(0, size * total, size)]


def _example(settings: Settings) -> ShortMessage:
    is_plain = gsm7.try_encode(settings.text) is not None
    is_number = settings.source.removeprefix("+").isdigit()
    return ShortMessage(
        source_ton=1 if is_number else _LETTERS if settings.source else 0,
        source_npi=1 if is_number else 0,
        source=settings.source.removeprefix("+") if is_number else settings.source,
        dest_ton=1,
        dest_npi=1,
        schedule_time=settings.schedule,
        validity_period=settings.validity,
        registered_delivery=settings.registered,
        data_coding=segments.GSM7_DATA_CODING if is_plain else segments.UCS2_DATA_CODING,
    )


_MAKERS: Mapping[Kind, Callable[[Messages], list[Request]]] = MappingProxyType(
    {
        "plain": Messages.plain,
        "udh": lambda messages: messages.by_header(False),
        "udh16": lambda messages: messages.by_header(True),
        "sar": Messages.by_sar,
        "payload": Messages.by_payload,
        "data_sm": Messages.as_data,
        "multi": Messages.as_multi,
    }
)
