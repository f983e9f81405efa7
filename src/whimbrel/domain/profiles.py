"""Named sets of settings for the dialects of SMPP that are known: what a carrier is likely to be, to begin with.
`http_profiles` has those of providers over HTTP.

Data only. A profile names the settings that differ from the defaults, why, and where that is from. Its values are
written into a carrier's settings when the carrier is made or changed, never looked up later: a profile that a later
release corrects changes no carrier behind its operator's back.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec


class Profile(msgspec.Struct, frozen=True):
    """One dialect. `settings` are those of the carrier's kind that it writes; `source` is where they are from. `needs`
    names what it cannot know: settings (`fields.name`: a field), and `password`."""

    name: str
    why: str
    source: str
    settings: dict[str, Any] = {}
    kind: Literal["smpp", "http"] = "smpp"
    needs: tuple[str, ...] = ()


_ALL: Final = (
    Profile(
        "standard",
        "SMPP 3.4 as most carriers speak it: the defaults",
        "SMPP 3.4",
    ),
    Profile(
        "smpp-3.3",
        "a transmitter and a receiver, no optional parameters, ids in hex that receipts write in decimal",
        "SMPP 3.4 3.3 and appendix B; Kannel's msg-id-type",
        {"interface_version": "3.3", "bind_mode": "pair", "message_id": "hex_dec"},
    ),
    Profile(
        "smpp-5.0",
        "binds as 5.0: the carrier may tell how congested it is",
        "SMPP 5.0 4.8.4.18",
        {"interface_version": "5.0"},
    ),
    Profile(
        "hex-dec",
        "ids in hex in the response, in decimal in the receipt",
        "elibom/mokai 8, opentelecoms-org/jsmpp 56",
        {"message_id": "hex_dec"},
    ),
    Profile(
        "dec-hex",
        "ids in decimal in the response, in hex in the receipt",
        "telenordigital/sms-smpp 153",
        {"message_id": "dec_hex"},
    ),
    Profile(
        "vonage",
        "ids in hex in the response and, unless the account is set otherwise, in decimal in the receipt; 30 a second",
        "Vonage help 204015663, 215468998, 204015703",
        {"message_id": "hex_dec", "throughput_per_s": 30},
    ),
    Profile(
        "clickatell",
        "counts the old bind for half a minute, so coming back sooner is refused",
        "vumi's settings for Clickatell",
        {"reconnect_min_s": 30.0, "reconnect_max_s": 300.0, "query_sm": False},
    ),
    Profile(
        "yo",
        "a receipt says `stat:0` for delivered",
        "vumi's table of states",
        {"receipt_states": {"0": "DELIVERED"}},
    ),
    Profile(
        "vibes",
        "data_coding 0 is ASCII, no types of numbers, no validity",
        "Vibes Connect, message settings",
        {
            "alphabet": "ascii",
            "source_international": [0, 0],
            "source_short": [0, 0],
            "destination": [0, 0],
            "validity": "none",
        },
    ),
    Profile(
        "hollatags",
        "statuses of its own from 0x400 on",
        "Hollatags, SMPP response codes",
        {
            "statuses": {
                "0x400": "temporary",
                "0x401": "temporary",
                "0x402": "temporary",
                "0x403": "temporary",
                "0x40a": "barred",
                "0x431": "temporary",
                "0x432": "filtered",
                "0x4ff": "temporary",
                "0x45": "barred",
            }
        },
    ),
    Profile(
        "india-dlt",
        "names for what carriers in India want with each text: the sender's and the template's registration",
        "rules of the telecom regulator of India of 2018",
        {"tlv_names": {"pe_id": "0x1400", "template_id": "0x1401", "tm_id": "0x1402"}},
    ),
    Profile(
        "latin1",
        "data_coding 0 is Latin-1",
        "kneodev/ksmppd 50, opentelecoms-org/jsmpp 83",
        {"alphabet": "latin1"},
    ),
    Profile(
        "ascii",
        "data_coding 0 is ASCII: anything beyond it goes in UCS-2",
        "komuw/naz 220",
        {"alphabet": "ascii"},
    ),
    Profile(
        "packed",
        "septets are packed, eight in seven octets",
        "3GPP TS 23.038 6.1.2.1",
        {"alphabet": "gsm7_packed"},
    ),
    Profile(
        "payload",
        "cuts long texts itself: one PDU with message_payload",
        "SMPP 3.4 5.3.2.32",
        {"long_messages": "payload"},
    ),
    Profile(
        "sar",
        "takes the parts of a long text by optional parameters and refuses headers",
        "SMPP 3.4 5.3.2.22 to 5.3.2.24",
        {"long_messages": "sar"},
    ),
    Profile(
        "one-receipt",
        "reports a long text once: only the last part asks",
        "jookies/jasmin 663, 789, 1136",
        {"receipts_on": "last"},
    ),
    Profile(
        "unmarked-receipts",
        "sends receipts with esm_class 0",
        "farhadi/node-smpp 140",
        {"receipts_by_text": True},
    ),
    Profile(
        "no-validity",
        "refuses or never answers a text with a validity",
        "kneodev/ksmppd 73",
        {"validity": "none"},
    ),
    Profile(
        "smppsim",
        "the simulator of Selenium Software: takes validity only as a time with a plus",
        "farhadi/node-smpp 62",
        {"validity": "absolute"},
    ),
    Profile(
        "smscsim",
        "a simulator on cloudhopper: ids in padded hex in the response, in decimal in the receipt",
        "MavoCz/smscsim 4",
        {"message_id": "hex_dec"},
    ),
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({profile.name: profile for profile in _ALL})
"""By name, in the order in which they are listed."""
