"""The reserved numbers `+1 500 555 xxxx` and what each does, as data: the SMSC only plays what stands here.

Apart from the SMSC so that a new outcome is a new row. The numbers are stable, users write tests against them;
docs/sandbox.md shows this table and a test compares the two.

Groups: 00 and 01 delivered; 02 undelivered, the last two digits being the MAP error (3GPP TS 29.002, 17.6.6);
03 other final receipts; 04 refused, the last two digits being the command_status in decimal where it fits; 05 refused
for a while; 06 responses and links; 07 order and repetition of receipts; 08 forms of receipts; 09 answers from the
phone. 0001 to 0009 stay free of outcomes: other services' test credentials give them meanings. The numbers from 1000
on belong to `scenarios/`.
"""

from whimbrel.codec.smpp.tables import Status
from whimbrel_sandbox.outcome import (
    DELIVERED,
    ORDINARY,
    Answer,
    Form,
    IdForm,
    Outcome,
    Receipt,
    Refusal,
    Reply,
)

__all__ = [
    "BY_NUMBER",
    "DELIVERED",
    "ORDINARY",
    "OUTCOMES",
    "PREFIX",
    "Answer",
    "Form",
    "IdForm",
    "Outcome",
    "Receipt",
    "Refusal",
    "Reply",
]

PREFIX = "1500555"

VENDOR_STATUS = 0x0410  # in the range that SMPP 3.4, 5.1.3 leaves to vendors: no table names it


def _later(number: str, seconds: int) -> Outcome:
    return Outcome(
        number,
        f"delivered_after_{seconds}s",
        f"accepted; receipt DELIVRD after {seconds} s",
        receipts=(Receipt("DELIVRD", after_ms=seconds * 1000),),
    )


def _failed(number: str, name: str, stat: str, err: str, about: str) -> Outcome:
    return Outcome(
        number, name, f"accepted; receipt {stat}, err:{err}{about and ', '}{about}", receipts=(Receipt(stat, err),)
    )


def _undelivered(error: int, name: str, about: str) -> Outcome:
    return _failed(f"02{error:02}", f"undelivered_{name}", "UNDELIV", f"{error:03}", about)


def _refused(number: str, name: str, status: int, about: str) -> Outcome:
    return Outcome(
        number, name, f"{about} ({status:#06x}), always", receipts=(), refusal=Refusal(status), accepted=False
    )


def _held_up(number: str, name: str, refusal: Refusal, about: str) -> Outcome:
    return Outcome(number, name, f"{about} {refusal.times} times, then accepted and delivered", refusal=refusal)


def _not_taken(number: str, name: str, reply: Reply, about: str) -> Outcome:
    return Outcome(number, name, f"{about}; not accepted", receipts=(), reply=reply, accepted=False)


def _sequence(number: str, name: str, *receipts: Receipt) -> Outcome:
    stats = ", then ".join(receipt.stat for receipt in receipts)
    return Outcome(number, name, f"accepted; receipts {stats}", receipts=receipts)


def _answered(number: str, answer: Answer, about: str) -> Outcome:
    return Outcome(number, f"answer_{answer}", f"delivered; the phone answers {about}", answer=answer)


OUTCOMES: tuple[Outcome, ...] = (
    ORDINARY,
    _later("0101", 1),
    _later("0105", 5),
    _later("0160", 60),
    _undelivered(1, "unknown_subscriber", "the number is not in service"),
    _undelivered(5, "unidentified_subscriber", "the network does not know the subscriber"),
    _undelivered(6, "absent_subscriber_sm", "the handset did not answer paging"),
    _undelivered(9, "illegal_subscriber", "the subscriber may not use the network"),
    _undelivered(11, "teleservice_not_provisioned", "the subscription has no SMS"),
    _undelivered(12, "illegal_equipment", "the handset is blacklisted"),
    _undelivered(13, "barred", "the subscriber or the operator bars SMS"),
    _undelivered(21, "facility_not_supported", "a landline, or a network without SMS"),
    _undelivered(27, "absent_subscriber", "the handset is off or out of reach"),
    _undelivered(31, "subscriber_busy", "another text is on its way to the handset"),
    _undelivered(32, "memory_full", "the handset or SIM has no room"),
    _undelivered(34, "system_failure", "a fault inside the network"),
    _failed("0301", "expired", "EXPIRED", "000", "the validity ended"),
    _failed("0302", "deleted", "DELETED", "000", "the operator removed it"),
    _failed("0303", "rejected", "REJECTD", "088", "a filter of the operator refused it"),
    _failed("0304", "unknown", "UNKNOWN", "000", "the network lost track of it"),
    Outcome("0305", "receipt_never", "accepted and delivered; no receipt ever comes", receipts=()),
    _sequence("0306", "accepted_only", Receipt("ACCEPTD")),
    _failed("0307", "failed_unusual_word", "FAILED", "954", "a word and a code outside the standard"),
    _refused("0401", "refused_message_length", Status.ESME_RINVMSGLEN, "submit_sm_resp ESME_RINVMSGLEN"),
    _refused("0408", "refused_system_error", Status.ESME_RSYSERR, "submit_sm_resp ESME_RSYSERR, a temporary refusal"),
    _refused("0410", "refused_source_address", Status.ESME_RINVSRCADR, "submit_sm_resp ESME_RINVSRCADR"),
    _refused("0411", "refused_destination_address", Status.ESME_RINVDSTADR, "submit_sm_resp ESME_RINVDSTADR"),
    _refused("0469", "refused_submit_failed", Status.ESME_RSUBMITFAIL, "submit_sm_resp ESME_RSUBMITFAIL"),
    _refused("0499", "refused_vendor_code", VENDOR_STATUS, "submit_sm_resp with a status of a vendor"),
    _held_up("0501", "throttled_once", Refusal(Status.ESME_RTHROTTLED, 1), "ESME_RTHROTTLED"),
    _held_up("0503", "throttled_3_times", Refusal(Status.ESME_RTHROTTLED, 3), "ESME_RTHROTTLED"),
    _refused("0509", "throttled_always", Status.ESME_RTHROTTLED, "ESME_RTHROTTLED"),
    _held_up("0511", "queue_full_once", Refusal(Status.ESME_RMSGQFUL, 1), "ESME_RMSGQFUL"),
    _held_up("0513", "queue_full_3_times", Refusal(Status.ESME_RMSGQFUL, 3), "ESME_RMSGQFUL"),
    _refused("0519", "queue_full_always", Status.ESME_RMSGQFUL, "ESME_RMSGQFUL"),
    _held_up("0521", "system_error_once", Refusal(Status.ESME_RSYSERR, 1), "ESME_RSYSERR"),
    _not_taken("0601", "no_response", Reply.NONE, "no response ever comes"),
    Outcome(
        "0602",
        "response_lost",
        "accepted and delivered with its receipt; no response ever comes",
        reply=Reply.NONE,
    ),
    Outcome("0603", "response_late", "accepted and delivered; the response comes after 15 s", reply_after_ms=15_000),
    _not_taken("0604", "link_dropped", Reply.DROP, "the link drops in place of a response"),
    Outcome(
        "0605",
        "link_dropped_accepted",
        "accepted and delivered; the link drops in place of a response, the receipt waits for the next bind",
        reply=Reply.DROP,
    ),
    Outcome(
        "0606",
        "response_cut",
        "accepted and delivered; the link drops in the middle of the response",
        reply=Reply.CUT,
    ),
    _not_taken("0607", "generic_nack", Reply.NACK, "generic_nack with the sequence number of the submit"),
    _not_taken("0608", "generic_nack_zero", Reply.NACK_ZERO, "generic_nack with sequence number 0"),
    _not_taken("0609", "unbind", Reply.UNBIND, "unbind in place of a response"),
    Outcome(
        "0701",
        "receipt_before_response",
        "accepted and delivered; the receipt comes before the response",
        reply=Reply.AFTER_RECEIPT,
    ),
    _sequence("0702", "receipt_twice", DELIVERED, DELIVERED),
    _sequence("0703", "delivered_then_undelivered", DELIVERED, Receipt("UNDELIV", "027", 500)),
    _sequence("0704", "undelivered_then_delivered", Receipt("UNDELIV", "027"), Receipt("DELIVRD", after_ms=500)),
    _sequence("0705", "enroute_then_delivered", Receipt("ENROUTE"), Receipt("DELIVRD", after_ms=500)),
    _sequence("0706", "acceptd_then_delivered", Receipt("ACCEPTD"), Receipt("DELIVRD", after_ms=500)),
    _sequence("0707", "enroute_then_undelivered", Receipt("ENROUTE"), Receipt("UNDELIV", "027", 500)),
    _sequence("0708", "expired_then_delivered", Receipt("EXPIRED"), Receipt("DELIVRD", after_ms=500)),
    _sequence("0709", "receipt_5_times", *[DELIVERED] * 5),
    Outcome("0801", "receipt_tlv_only", "delivered; the receipt has TLVs and an empty text", form=Form.TLV),
    Outcome(
        "0802",
        "receipt_id_decimal",
        "delivered; the response has the id in hex, the receipt in decimal",
        id_form=IdForm.DECIMAL,
        form=Form.TEXT,
    ),
    Outcome("0803", "receipt_text_only", "delivered; the receipt has no TLVs", form=Form.TEXT),
    Outcome(
        "0804",
        "receipt_id_hex",
        "delivered; the response has the id in decimal, the receipt in hex",
        id_form=IdForm.HEX,
        form=Form.TEXT,
    ),
    Outcome(
        "0805",
        "receipt_id_padded",
        "delivered; the receipt has zeros before the id",
        id_form=IdForm.PADDED,
        form=Form.TEXT,
    ),
    Outcome(
        "0806",
        "receipt_id_other_case",
        "delivered; the receipt has the id in the other case",
        id_form=IdForm.OTHER_CASE,
        form=Form.TEXT,
    ),
    Outcome(
        "0807",
        "receipt_fields_shuffled",
        "delivered; the fields of the receipt's text are shuffled, sub and dlvrd are missing",
        form=Form.SHUFFLED,
    ),
    _answered("0901", Answer.ECHO, "with the text it got"),
    _answered("0902", Answer.STOP, "STOP"),
    _answered("0903", Answer.START, "START"),
    _answered("0904", Answer.HELP, "HELP"),
    _answered("0905", Answer.LONG, "in several parts"),
    _answered("0906", Answer.LONG_SHUFFLED, "in several parts that come out of order"),
    _answered("0907", Answer.UNICODE, "in UCS-2 with an emoji"),
)

BY_NUMBER = {outcome.number: outcome for outcome in OUTCOMES}
