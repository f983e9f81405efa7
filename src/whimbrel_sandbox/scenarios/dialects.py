"""Scenarios of receipts' texts and TLVs: each a dialect met at some carrier. Numbers 13xx to 16xx."""

from msgspec.structs import replace

from whimbrel.codec.smpp.tables import Tag
from whimbrel_sandbox.dialect import USUAL, Coding, Dates, Dialect
from whimbrel_sandbox.outcome import Answer, Form, Outcome, Receipt
from whimbrel_sandbox.scenarios import octets
from whimbrel_sandbox.scenarios.conduct import Scenario, Where

_TLVS = Dialect(id_tlv=True, state_tlv=True)
_EMPTY = replace(_TLVS, layout=None)


def _text(number: str, name: str, about: str, dialect: Dialect) -> Scenario:
    outcome = Outcome(number, name, about, form=Form.TEXT, dialect=dialect)
    return Scenario(name, Where.RECEIPT, about, outcome=outcome, number=number)


def _layout(number: str, name: str, about: str, layout: str) -> Scenario:
    return _text(number, name, about, Dialect(layout))


def _dates(number: str, name: str, about: str, dates: Dates) -> Scenario:
    return _text(number, name, about, Dialect(dates=dates))


def _err(number: str, err: str, about: str) -> Scenario:
    name = f"err_{about.split(',', maxsplit=1)[0].replace(' ', '_')}"
    words = f"receipt UNDELIV with `err:{err}`, {about}"
    outcome = Outcome(number, name, words, receipts=(Receipt("UNDELIV", err),), form=Form.TEXT, dialect=Dialect())
    return Scenario(name, Where.RECEIPT, words, outcome=outcome, number=number)


def _stat(number: str, name: str, word: str, stat: str, about: str) -> Scenario:
    words = f"receipt with `stat:{word}`, {about}"
    outcome = Outcome(number, name, words, receipts=(Receipt(stat, word=word),), form=Form.TEXT, dialect=Dialect())
    return Scenario(name, Where.RECEIPT, words, outcome=outcome, number=number)


def _class(number: str, esm_class: int, about: str) -> Scenario:
    name = f"esm_class_{esm_class:02x}"
    return _text(number, name, f"receipt with esm_class {esm_class:#04x}, {about}", replace(_TLVS, esm_class=esm_class))


DIALECTS: tuple[Scenario, ...] = (
    # Fields of the text.
    _layout(
        "1301",
        "receipt_without_sub",
        "receipt without sub and dlvrd",
        "id:{id} submit date:{submitted} done date:{done} stat:{stat} err:{err} text:{text}",
    ),
    _layout(
        "1302",
        "receipt_without_text",
        "receipt without text",
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submitted} done date:{done} stat:{stat} err:{err}",
    ),
    _layout(
        "1303",
        "receipt_without_err",
        "receipt without err",
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submitted} done date:{done} stat:{stat} text:{text}",
    ),
    _layout("1304", "receipt_id_and_stat", "receipt with id and stat alone", "id:{id} stat:{stat}"),
    _layout("1305", "receipt_without_id", "receipt with neither id nor TLV", "stat:{stat} err:{err} text:{text}"),
    _layout(
        "1306",
        "receipt_other_order",
        "receipt with its fields in another order",
        "sub:001 id:{id} dlvrd:{dlvrd} err:{err} done date:{done} submit date:{submitted} stat:{stat} text:{text}",
    ),
    _layout("1307", "receipt_text_capital", "receipt with `Text:`", USUAL.replace("text:", "Text:")),
    _layout(
        "1308",
        "receipt_labels_capital",
        "receipt with labels in capitals",
        "ID:{id} SUB:001 DLVRD:{dlvrd} SUBMIT DATE:{submitted} DONE DATE:{done} STAT:{stat} ERR:{err} TEXT:{text}",
    ),
    _text(
        "1309",
        "receipt_text_binary",
        "receipt whose text quotes octets beyond ASCII",
        Dialect(quote=bytes.fromhex("84 00 ff 1b 80 0d 0a c3")),
    ),
    _text(
        "1310",
        "receipt_text_misleads",
        "receipt whose text quotes `id:0 stat:REJECTD err:001`",
        Dialect(quote=b"id:0 stat:REJECTD err:001"),
    ),
    _layout(
        "1311", "receipt_not_parsable", "receipt of words that no parser knows", "Message {id}: delivered, thank you"
    ),
    # Its dates.
    _dates("1321", "dates_12", "receipt with dates of 12 digits", Dates.SECONDS),
    _dates("1322", "dates_14", "receipt with dates of 14 digits", Dates.CENTURY),
    _dates("1323", "dates_smpp", "receipt with dates as SMPP writes times", Dates.FULL),
    _dates("1324", "dates_epoch", "receipt with dates in seconds since 1970", Dates.EPOCH),
    _dates("1325", "dates_zero", "receipt with dates of zeros", Dates.ZEROS),
    # Its codes and words.
    _err("1331", "0", "one digit"),
    _err("1332", "0000", "four digits"),
    _err("1333", "21b", "letters"),
    _err("1334", "13?", "a question mark"),
    _err("1335", " 0", "a space first"),
    _err("1336", "00954321", "eight digits"),
    _stat("1341", "stat_failed", "FAILED", "UNDELIV", "a final failure"),
    _stat("1342", "stat_empty", "", "UNKNOWN", "which says nothing"),
    _stat("1343", "stat_acked", "ACKED", "ACCEPTD", "not final"),
    _stat("1344", "stat_buffred", "BUFFRED", "ENROUTE", "not final"),
    _stat("1345", "stat_zero", "0", "DELIVRD", "a number in place of a word"),
    _stat("1346", "stat_lower_case", "delivrd", "DELIVRD", "in lower case"),
    _stat("1347", "stat_accepted", "ACCEPTED", "ACCEPTD", "spelled out"),
    _stat("1348", "stat_delivered", "DELIVERED", "DELIVRD", "spelled out"),
    _stat("1349", "stat_unheard_of", "GREENED", "UNKNOWN", "a word of nobody"),
    # Its octets.
    _text("1401", "receipt_ucs2", "receipt in UCS-2, data_coding 8", Dialect(coding=Coding.UCS2, data_coding=8)),
    _text(
        "1402",
        "receipt_ucs2_marked",
        "receipt in UTF-16 with a byte order mark, data_coding 8",
        Dialect(coding=Coding.UCS2_MARKED, data_coding=8),
    ),
    _text("1403", "receipt_latin1", "receipt with data_coding 3", Dialect(data_coding=3, quote=b"gr\xfc\xdfe")),
    _text("1404", "receipt_payload", "receipt in message_payload", Dialect(in_payload=True)),
    _text(
        "1405",
        "receipt_payload_nul",
        "receipt in message_payload, with a NUL at its end and TLVs",
        replace(_TLVS, in_payload=True, payload_tail=b"\0"),
    ),
    # Its TLVs.
    _text("1501", "receipt_id_tlv_only", "receipted_message_id alone; the text has the rest", Dialect(id_tlv=True)),
    _text(
        "1502", "receipt_tlv_without_state", "receipted_message_id and nothing else", replace(_EMPTY, state_tlv=False)
    ),
    _text("1503", "receipt_tlv_without_nul", "receipted_message_id without its NUL", replace(_EMPTY, id_tlv_end=b"")),
    _text(
        "1504",
        "receipt_error_tlv_digits",
        "network_error_code of three digits",
        replace(_TLVS, tlvs=((int(Tag.NETWORK_ERROR_CODE), b"000"),)),
    ),
    _text(
        "1505",
        "receipt_error_tlv_network",
        "network_error_code of an unknown network type",
        replace(_TLVS, tlvs=((int(Tag.NETWORK_ERROR_CODE), b"\xee\x00\x05"),)),
    ),
    _text("1506", "receipt_alien_tlvs", "receipt with TLVs of vendors", replace(_TLVS, tail=octets.ALIEN_TLVS)),
    _text("1507", "receipt_wrong_tlvs", "receipt with TLVs of the wrong size", Dialect(tail=octets.WRONG_TLVS)),
    _text(
        "1508",
        "receipt_tlv_beyond",
        "receipt whose last TLV claims more than the PDU has",
        replace(_TLVS, tail=octets.TLV_BEYOND),
    ),
    _text(
        "1509", "receipt_tlv_half", "receipt that ends inside the head of a TLV", replace(_TLVS, tail=octets.TLV_HALF)
    ),
    # Its esm_class, and its addresses.
    _class("1601", 0x00, "which marks no receipt"),
    _class("1602", 0x08, "an acknowledgement of the handset"),
    _class("1603", 0x20, "an intermediate notification, though the state is final"),
    _class("1604", 0x24, "receipt and notification at once"),
    _class("1605", 0x44, "receipt with the bit of a user data header that is not there"),
    _class("1606", 0xC4, "receipt with every bit of the upper half"),
    _text("1611", "receipt_addresses_kept", "receipt from the sender to the phone", replace(_TLVS, is_swapped=False)),
    _text("1612", "receipt_address_plus", "receipt whose source has a plus sign", replace(_TLVS, source_prefix="+")),
    _text("1613", "receipt_address_00", "receipt whose source begins with 00", replace(_TLVS, source_prefix="00")),
    Scenario(
        "answer_like_receipt",
        Where.INBOUND,
        "the phone answers `id:1 stat:DELIVRD`, with esm_class 0",
        outcome=Outcome(
            "1621",
            "answer_like_receipt",
            "the phone answers `id:1 stat:DELIVRD`, with esm_class 0",
            answer=Answer.LIKE_RECEIPT,
        ),
        number="1621",
    ),
)
