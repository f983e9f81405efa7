"""Scenarios of receipts: which come, when, where, and with which id. Numbers 12xx. How they are written stands in
`dialects.py`.
"""

from whimbrel_sandbox.dialect import Dialect
from whimbrel_sandbox.outcome import DELIVERED, End, Form, IdForm, Outcome, Receipt
from whimbrel_sandbox.scenarios.conduct import Scenario, Where

_TEXT_AND_TLV = Dialect(id_tlv=True, state_tlv=True)


def _row(outcome: Outcome, takes: str = "") -> Scenario:
    return Scenario(outcome.name, Where.RECEIPT, outcome.about, outcome=outcome, number=outcome.number, takes=takes)


def _id(number: str, name: str, id_form: IdForm, about: str, dialect: Dialect | None = None) -> Scenario:
    return _row(Outcome(number, name, about, id_form=id_form, form=Form.TEXT, dialect=dialect))


RECEIPTS: tuple[Scenario, ...] = (
    _row(Outcome("1201", "receipt_unasked", "a receipt comes whether it was asked for or not", unasked=True)),
    _row(
        Outcome("1202", "receipt_late", "the receipt comes after 10 s", receipts=(Receipt("DELIVRD", after_ms=10_000),))
    ),
    _row(
        Outcome(
            "1203",
            "receipts_shuffled",
            "receipts come within 1 s, or within so many ms, in any order",
            receipt_jitter_ms=1_000,
        ),
        "receipt_jitter_ms",
    ),
    _row(
        Outcome(
            "1204",
            "delivered_then_enroute",
            "receipts DELIVRD, then ENROUTE: the earlier state comes later",
            receipts=(DELIVERED, Receipt("ENROUTE", after_ms=500)),
        )
    ),
    _row(
        Outcome(
            "1205",
            "intermediate",
            "notifications ENROUTE and ACCEPTD, then the receipt DELIVRD",
            receipts=(Receipt("ENROUTE"), Receipt("ACCEPTD", after_ms=200), Receipt("DELIVRD", after_ms=500)),
        )
    ),
    _row(
        Outcome(
            "1206",
            "contradictory",
            "receipts DELIVRD, UNDELIV, EXPIRED and DELIVRD",
            receipts=(
                DELIVERED,
                Receipt("UNDELIV", "027", 200),
                Receipt("EXPIRED", after_ms=400),
                Receipt("DELIVRD", after_ms=600),
            ),
        )
    ),
    _row(
        Outcome(
            "1207",
            "receipt_elsewhere",
            "the receipt comes on another bind than the submit, and waits for one",
            receipts_elsewhere=True,
        )
    ),
    _row(
        Outcome(
            "1208",
            "receipt_data_sm",
            "the receipt comes as data_sm",
            dialect=Dialect(id_tlv=True, state_tlv=True, as_data_sm=True),
        )
    ),
    _row(Outcome("1209", "receipt_then_unbind", "unbind follows the receipt", end=End.UNBIND)),
    _row(Outcome("1210", "receipt_then_drop", "the link drops after the receipt", end=End.DROP)),
    _row(Outcome("1211", "receipt_cut", "the link drops in the middle of the receipt, which comes again", end=End.CUT)),
    _row(Outcome("1212", "receipt_first_part", "of a long text only the first part gets a receipt", only_part=1)),
    _row(Outcome("1213", "receipt_last_part", "of a long text only the last part gets a receipt", only_part=-1)),
    _id("1221", "id_hex_then_decimal", IdForm.LOWER_DECIMAL, "response in lower hex, receipt in decimal of 10 digits"),
    _id("1222", "id_decimal_then_hex", IdForm.DECIMAL_LOWER, "response in decimal, receipt in lower hex"),
    _id("1223", "id_padded_to_10", IdForm.PADDED_10, "response in decimal without zeros, receipt padded to 10 digits"),
    _id(
        "1224", "id_zeros_lost", IdForm.ZEROS_LOST, "response with leading zeros, receipt without them and in capitals"
    ),
    _id(
        "1225",
        "id_tlv_hex",
        IdForm.TLV_HEX,
        "response and TLV in hex, the text in decimal of 10 digits",
        _TEXT_AND_TLV,
    ),
    _id("1226", "id_tlv_right", IdForm.TLV_OTHER, "the TLV has the id, the text an unknown one", _TEXT_AND_TLV),
    _id("1227", "id_text_right", IdForm.TEXT_OTHER, "the text has the id, the TLV an unknown one", _TEXT_AND_TLV),
    _id("1228", "id_big", IdForm.BIG, "a decimal id beyond 64 bits"),
    _id("1229", "id_long", IdForm.LONG, "an id of 64 characters"),
    _id("1230", "id_reused", IdForm.REUSED, "three ids, used again and again"),
)
