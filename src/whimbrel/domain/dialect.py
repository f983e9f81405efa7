"""How a carrier is spoken to: where it is, how fast it may be asked, and what is its own in how it speaks SMPP. All of
it is settings, because carriers agree on the protocol's fields and on little else (docs/smpp.md says who does what).
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from whimbrel.codec.alphabets import Alphabet

IdBase = Literal["auto", "same", "hex_dec", "dec_hex"]
LongMessages = Literal["udh8", "udh16", "sar", "payload"]
ReceiptsOn = Literal["all", "first", "last", "none"]
Validity = Literal["relative", "absolute", "none"]
BindMode = Literal["transceiver", "pair", "transmitter", "receiver"]
Version = Literal["3.3", "3.4", "5.0"]
FlashCoding = Literal["general", "class"]
TlvSetting = str | int | dict[str, str]
"""A text, a number, or `{"hex": "…"}` for exact octets."""


class CarrierSettings(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """How a carrier is spoken to."""

    host: str
    port: int
    system_id: str = ""
    system_type: str = ""
    binds: int = 1
    window: int = 50
    throughput_per_s: int = 0  # segments; 0: no limit of ours
    enquire_link_s: int = 30
    response_timeout_s: float = 10.0
    bind_timeout_s: float = 5.0
    reconnect_min_s: float = 0.5
    reconnect_max_s: float = 30.0
    temporary_statuses: tuple[int, ...] = ()  # command_status values to treat as temporary beside the usual ones
    charge_unknown: bool = False  # settle a message that ends `unknown` as charged (the carrier bills it)
    cells: dict[str, int] = {}  # how much of it which cell uses, in place of the cells' own shares; others: nothing

    # where and how it binds
    profile: str = ""  # the profile whose values these began with; tells where they come from, and nothing else
    hosts: tuple[str, ...] = ()  # further "host:port"; binds are spread over all of them and fail over
    bind_mode: BindMode = "transceiver"  # pair: each bind is a transmitter and a receiver
    interface_version: Version = "3.4"
    address_range: str = ""
    outbind: bool = False  # it calls us on the SMPP port and asks us to bind (SMPP 3.4 4.1.7)
    tls: bool = False
    tls_verify: bool = True
    tls_server_name: str = ""  # for SNI and the certificate; empty: the host
    tls_ca_file: str = ""  # PEM; empty: the system's
    tls_cert_file: str = ""  # PEM of our certificate, where the carrier wants one
    tls_key_file: str = ""

    # how it names messages and says what became of them
    message_id: IdBase = "auto"  # base of the id in the response, and in the receipt
    receipt_states: dict[str, str] = {}  # word of the receipt to a state of SMPP 3.4 5.2.28, beside the usual ones
    receipt_errors: dict[str, str] = {}  # err of the receipt to a reason of the catalogue
    statuses: dict[
        str, str
    ] = {}  # command_status ("1032" or "0x408") to throttled, temporary, daily_cap_reached, or a final reason
    receipts_by_text: bool = False  # it marks receipts by nothing but their text
    receipts_on: ReceiptsOn = "all"  # which parts of a long message ask for a receipt
    query_sm: bool = False  # its query_sm can be trusted to end a doubt

    # how it writes texts
    alphabet: Alphabet = "gsm7"  # of data_coding 0, towards it
    alphabet_in: Alphabet | Literal[""] = ""  # and from it; empty: the same
    gsm7_coding: int = 0  # data_coding of a text in that alphabet
    ucs2_coding: int = 8
    flash_coding: FlashCoding = "general"  # 0x10 and 0x18, or 0xF0
    long_messages: LongMessages = "udh8"
    national_languages: bool = True  # takes texts in national language shift tables (TS 23.038 6.2.1.2)

    # how it writes addresses: TON and NPI (SMPP 3.4 5.2.5, 5.2.6)
    source_international: tuple[int, int] = (1, 1)
    source_alphanumeric: tuple[int, int] = (5, 0)
    source_short: tuple[int, int] = (3, 0)
    destination: tuple[int, int] = (1, 1)
    keep_plus: bool = False  # write the plus of international numbers

    # further fields of each submit_sm
    service_type: str = ""
    validity: Validity = "relative"
    tlvs: dict[str, TlvSetting] = {}  # by name or number: what each submit_sm carries
    tlv_names: dict[str, str] = {}  # name to number: names that this carrier gives its TLVs

    @property
    def media(self) -> bool:
        """Whether it takes media with a text: SMPP has none."""
        return False


def asks_for(receipts_on: ReceiptsOn, part: int, parts: int) -> bool:
    """Whether a part, counted from 1, asks for a receipt (trap T12)."""
    match receipts_on:
        case "all":
            return True
        case "first":
            return part == 1
        case "last":
            return part == parts
        case "none":
            return False


class TextRules(msgspec.Struct, frozen=True, gc=False):
    """How texts must be cut for all carriers of a route: any of them may be the one that takes it."""

    wide: bool = False  # 16-bit references
    national_languages: bool = True
    alphabets: tuple[Alphabet, ...] = ()  # that the text must fit beside GSM-7


PLAIN_RULES = TextRules()
UNSHIFTED_RULES = TextRules(national_languages=False)
"""Of carriers that are given a text, and not octets: those over HTTP know no national language shift tables."""
_SEPTETS: frozenset[Alphabet] = frozenset({"gsm7", "gsm7_packed"})


def text_rules(settings: Iterable[CarrierSettings], *, also_over_http: bool = False) -> TextRules:
    """What all of these carriers can take, and (`also_over_http`) those over HTTP as well."""
    known = list(settings)
    return TextRules(
        wide=any(one.long_messages == "udh16" for one in known),
        national_languages=not also_over_http
        and all(one.national_languages and one.alphabet in _SEPTETS for one in known),
        alphabets=tuple(sorted({one.alphabet for one in known} - _SEPTETS)),
    )
