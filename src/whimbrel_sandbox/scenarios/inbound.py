"""Scenarios of phones' texts, and of alphabets, which act in both directions."""

from whimbrel_sandbox.scenarios import octets
from whimbrel_sandbox.scenarios.conduct import Alphabet, Conduct, Parting, Scenario, inbound

INBOUND: tuple[Scenario, ...] = (
    inbound("alphabet_latin1", "data_coding 0 is Latin-1, both ways", Conduct(alphabet=Alphabet.LATIN1)),
    inbound("alphabet_ascii", "data_coding 0 is ASCII, both ways", Conduct(alphabet=Alphabet.ASCII)),
    inbound("alphabet_packed", "data_coding 0 is GSM-7 packed to 7 bits, both ways", Conduct(alphabet=Alphabet.PACKED)),
    inbound("inbound_wide", "long texts come with references of 16 bits", Conduct(parting=Parting.WIDE)),
    inbound("inbound_sar", "long texts come with SAR TLVs", Conduct(parting=Parting.SAR)),
    inbound("inbound_payload", "texts come in message_payload, whole", Conduct(parting=Parting.PAYLOAD)),
    inbound("inbound_both", "short_message and message_payload hold the text, one each", Conduct(parting=Parting.BOTH)),
    inbound(
        "inbound_other_first",
        "another element stands first in the headers of parts",
        Conduct(parting=Parting.OTHER_FIRST),
    ),
    inbound("inbound_parts_twice", "each part comes twice", Conduct(parting=Parting.TWICE)),
    inbound("inbound_parts_backward", "parts come in reverse order", Conduct(parting=Parting.BACKWARD)),
    inbound("inbound_part_missing", "the last part never comes", Conduct(parting=Parting.LAST_MISSING)),
    inbound("inbound_part_zero", "parts are counted from 0", Conduct(parting=Parting.NUMBER_ZERO)),
    inbound("inbound_no_header", "the bit of a header is set, and there is none", Conduct(parting=Parting.NO_HEADER)),
    inbound(
        "inbound_language",
        "texts that its tables can carry come in Turkish, or in the language of that number (1 to 13)",
        Conduct(inbound_language=1),
        "inbound_language",
    ),
    inbound("inbound_data_sm", "texts come as data_sm", Conduct(inbound_as_data_sm=True)),
    inbound("inbound_mark", "texts in UCS-2 begin with a byte order mark", Conduct(inbound_mark=b"\xfe\xff")),
    inbound("inbound_source_00", "phones' numbers begin with 00", Conduct(inbound_source_prefix="00")),
    inbound("inbound_source_plus", "phones' numbers have a plus sign", Conduct(inbound_source_prefix="+")),
    inbound("inbound_alien_tlvs", "texts carry TLVs of vendors", Conduct(inbound_tlvs=octets.ALIEN_TLVS)),
    inbound("inbound_wrong_tlvs", "texts carry TLVs of the wrong size", Conduct(inbound_tlvs=octets.WRONG_TLVS)),
    inbound("inbound_tlv_beyond", "the last TLV claims more than the PDU has", Conduct(inbound_tlvs=octets.TLV_BEYOND)),
    inbound("inbound_tlv_half", "the PDU ends inside the head of a TLV", Conduct(inbound_tlvs=octets.TLV_HALF)),
)
