"""The mandatory parts of PDUs as frozen values, one struct per family.

Apart from `pdu` because the generic and the hand-shaped codecs both make them. Field names and order are those of
`tables.COMMANDS` (a test compares them). Addresses and times are `str` of Latin-1 characters, so any octet survives a
round trip; user data is `bytes`. Every field has a default: peers send truncated responses.
"""

import msgspec


class Bind(msgspec.Struct, frozen=True, gc=False):
    """bind_transmitter, bind_receiver, bind_transceiver (clause 4.1)."""

    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    address_ton: int = 0
    address_npi: int = 0
    address_range: str = ""


class BindResp(msgspec.Struct, frozen=True, gc=False):
    """The answers to the three binds (clause 4.1)."""

    system_id: str = ""


class Outbind(msgspec.Struct, frozen=True, gc=False):
    """outbind: the SMSC asks the ESME to bind as a receiver (clause 4.1.7)."""

    system_id: str = ""
    password: str = ""


class ShortMessage(msgspec.Struct, frozen=True, gc=False):
    """submit_sm (clause 4.4.1) and deliver_sm (clause 4.6.1)."""

    service_type: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = ""
    dest_ton: int = 0
    dest_npi: int = 0
    dest: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    schedule_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


class MessageId(msgspec.Struct, frozen=True, gc=False):
    """submit_sm_resp, deliver_sm_resp and data_sm_resp (clauses 4.4.2, 4.6.2, 4.7.2)."""

    message_id: str = ""


class DataSm(msgspec.Struct, frozen=True, gc=False):
    """data_sm (clause 4.7.1); its text travels in the message_payload TLV."""

    service_type: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = ""
    dest_ton: int = 0
    dest_npi: int = 0
    dest: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0


class QuerySm(msgspec.Struct, frozen=True, gc=False):
    """query_sm (clause 4.8.1)."""

    message_id: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = ""


class QuerySmResp(msgspec.Struct, frozen=True, gc=False):
    """query_sm_resp (clause 4.8.2)."""

    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0


class CancelSm(msgspec.Struct, frozen=True, gc=False):
    """cancel_sm (clause 4.9.1)."""

    service_type: str = ""
    message_id: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = ""
    dest_ton: int = 0
    dest_npi: int = 0
    dest: str = ""


class ReplaceSm(msgspec.Struct, frozen=True, gc=False):
    """replace_sm (clause 4.10.1)."""

    message_id: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = ""
    schedule_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


class SmeAddress(msgspec.Struct, frozen=True, gc=False):
    """One destination of submit_multi that is a subscriber (dest_flag 1, clause 4.5.1.1)."""

    ton: int = 0
    npi: int = 0
    address: str = ""


class DistributionList(msgspec.Struct, frozen=True, gc=False):
    """One destination of submit_multi that is a list kept by the SMSC (dest_flag 2, clause 4.5.1.2)."""

    name: str = ""


class UnsuccessfulSme(msgspec.Struct, frozen=True, gc=False):
    """One failed destination in submit_multi_resp with its status (clause 4.5.2.1)."""

    ton: int = 0
    npi: int = 0
    address: str = ""
    status: int = 0


class SubmitMulti(msgspec.Struct, frozen=True, gc=False):
    """submit_multi (clause 4.5.1)."""

    service_type: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = ""
    destinations: tuple[SmeAddress | DistributionList, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    schedule_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


class SubmitMultiResp(msgspec.Struct, frozen=True, gc=False):
    """submit_multi_resp (clause 4.5.2)."""

    message_id: str = ""
    unsuccessful: tuple[UnsuccessfulSme, ...] = ()


class AlertNotification(msgspec.Struct, frozen=True, gc=False):
    """alert_notification: a subscriber has become available (clause 4.12.1); it has no response."""

    source_ton: int = 0
    source_npi: int = 0
    source: str = ""
    esme_ton: int = 0
    esme_npi: int = 0
    esme: str = ""


Body = (
    Bind
    | BindResp
    | Outbind
    | ShortMessage
    | MessageId
    | DataSm
    | QuerySm
    | QuerySmResp
    | CancelSm
    | ReplaceSm
    | SubmitMulti
    | SubmitMultiResp
    | AlertNotification
)
