"""What a sender may say about how a message stands on the wire, and how a message came over a customer's bind. Both are
rare, and are kept in the message's options; `Flag.WIRE` and `Flag.SMPP` say that they are there.
"""

import msgspec


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How a message is to be written beyond its text. Octets are in hex, as they are stored as JSON."""

    tlvs: tuple[tuple[int, str], ...] = ()  # tag and value (SMPP 3.4 5.3), in the order that was given
    message_class: int | None = (
        None  # 0 shows at once and is not kept (flash), 1 phone, 2 SIM, 3 terminal (TS 23.038 4)
    )
    header: str = ""  # information elements of the sender's own user data header, without its length octet
    data_coding: int | None = None  # instead of what follows from encoding and class
    protocol_id: int = 0
    service_type: str = ""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The submit_sm that a customer's bind brought, as far as its receipts and answers must agree with it."""

    credential_id: str
    registered: int = 0  # registered_delivery (SMPP 3.4 5.2.17)
    source: tuple[int, int, str] = (0, 0, "")  # TON, NPI and address as they were written
    destination: tuple[int, int, str] = (0, 0, "")
    reference: int | None = None  # user_message_reference
    service_type: str = ""
    told_id: str = ""  # the message whose id the answer gave, when it is another one: submit_multi gives one for all
