"""How an SMSC treats links, binds and phones' texts, whatever the message; and the shape of a scenario's row.

Apart from the tables, so that the parts which play it import a value and no table.
"""

from enum import StrEnum

from msgspec import Struct

from whimbrel_sandbox.outcome import ORDINARY, Outcome


class Where(StrEnum):
    """Where a scenario acts."""

    LINK = "link"
    BIND = "bind"
    SUBMIT = "submit"
    RECEIPT = "receipt"
    INBOUND = "inbound"


class BindBody(StrEnum):
    """What a bind_resp that says yes looks like."""

    WHOLE = "whole"
    BARE = "bare"  # without sc_interface_version
    NONE = "none"  # a header alone
    OCTET = "octet"  # one octet after the header
    OPEN = "open"  # a system_id without its NUL
    ODD_TLV = "odd_tlv"  # sc_interface_version with two octets and no second
    ALIEN_TLVS = "alien_tlvs"


class Alphabet(StrEnum):
    """What data_coding 0 means, in both directions."""

    GSM7 = "gsm7"
    LATIN1 = "latin1"
    ASCII = "ascii"
    PACKED = "packed"


class Parting(StrEnum):
    """How a phone's long text is cut, and what goes wrong with its parts."""

    HEADER = "header"
    WIDE = "wide"  # references of 16 bits
    SAR = "sar"
    PAYLOAD = "payload"  # whole, in message_payload
    OTHER_FIRST = "other_first"  # another element stands before that of the concatenation
    TWICE = "twice"  # each part comes twice
    LAST_MISSING = "last_missing"
    BACKWARD = "backward"
    NUMBER_ZERO = "number_zero"  # the parts are counted from 0
    NO_HEADER = "no_header"  # the UDHI bit is set, and there is no header
    BOTH = "both"  # short_message and message_payload are filled


class Times(StrEnum):
    """Which forms of schedule_delivery_time and validity_period are taken."""

    BOTH = "both"
    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    NONE = "none"


class Conduct(Struct, frozen=True):
    """How links behave; the defaults are those of a good SMSC. Octets are whole PDUs, sent as they stand."""

    # The connection.
    is_silent: bool = False
    silent_after_ms: int = 0
    reads: int = -1  # octets at a time, 4 times a second; -1 as they come, 0 never
    piece_octets: int = 0  # of each write; 0 writes whole
    hold_ms: int = 0  # what is written waits so long for more
    greeting: bytes = b""
    drop_after_ms: int = 0
    drop_is_reset: bool = False
    unbind_after_ms: int = 0
    unanswered: frozenset[int] = frozenset()  # commands that get no answer
    unknown: frozenset[int] = frozenset()  # commands that get a generic_nack
    sequence_offset: int = 0  # of the numbers of its own requests, which count from 1
    enquire_resp_offset: int = 0  # of the number in enquire_link_resp, which should be that of the request
    # The bind.
    bind_status: int = 0
    bind_error_body: bool = False
    bind_nack: bool = False
    bind_close: bool = False
    bind_delay_ms: int = 0
    before_bind_resp: bytes = b""
    bind_body: BindBody = BindBody.WHOLE
    after_bind: bytes = b""
    version: int = 0x34
    no_transceiver: int = 0  # the status that answers bind_transceiver
    needs_pair: bool = False
    bind_limit: int = 0
    bind_limit_status: int = 0x05
    linger_ms: int = 0  # a lost bind counts for so long after its link
    # Messages.
    strict_addresses: bool = False
    times: Times = Times.BOTH
    rate_limit: int = 0
    window_limit: int = 0
    congestion: int = -1
    alphabet: Alphabet = Alphabet.GSM7
    # Texts of phones.
    parting: Parting = Parting.HEADER
    inbound_as_data_sm: bool = False
    inbound_language: int = 0  # national tables, locking and single shift (3GPP TS 23.038, 6.2.1.2.4)
    inbound_mark: bytes = b""  # before the text in UCS-2
    inbound_source_prefix: str = ""
    inbound_tlvs: bytes = b""


GOOD = Conduct()


class Scenario(Struct, frozen=True):
    """One row: its name, where it acts, what it does, and what it changes.

    With a `number` it stands among the reserved numbers too. `takes` names the field (of the conduct or the outcome)
    that `name=value` sets.
    """

    name: str
    where: Where
    about: str
    conduct: Conduct = GOOD
    outcome: Outcome = ORDINARY
    number: str = ""
    takes: str = ""


def link(name: str, about: str, conduct: Conduct, takes: str = "") -> Scenario:
    """A row that acts on connections."""
    return Scenario(name, Where.LINK, about, conduct, takes=takes)


def bind(name: str, about: str, conduct: Conduct, takes: str = "") -> Scenario:
    """A row that acts on binds."""
    return Scenario(name, Where.BIND, about, conduct, takes=takes)


def inbound(name: str, about: str, conduct: Conduct, takes: str = "") -> Scenario:
    """A row that acts on phones' texts."""
    return Scenario(name, Where.INBOUND, about, conduct, takes=takes)
