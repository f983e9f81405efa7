"""What can happen to a message, as a value: the answer to its submit, its receipts and their form, a text back.

Apart from the tables that are made of it: the reserved numbers (`outcomes.py`) and the named scenarios (`scenarios/`).
"""

from enum import StrEnum

from msgspec import Struct

from whimbrel_sandbox.dialect import Dialect


class Reply(StrEnum):
    """What the client sees in place of, or as, the submit_sm_resp."""

    RESPONSE = "response"
    NONE = "none"
    AFTER_RECEIPT = "after_receipt"
    DROP = "drop"
    RESET = "reset"  # the link is reset, not closed in order
    CUT = "cut"  # half of the response, then the link drops
    NACK = "nack"
    NACK_ZERO = "nack_zero"
    NACK_FIRST = "nack_first"  # generic_nack with sequence number 0, then the response
    UNBIND = "unbind"
    UNBIND_CLOSE = "unbind_close"  # unbind, and the link closes without waiting for its response
    LENGTH_SHORT = "length_short"  # a command_length below that of a header
    LENGTH_HUGE = "length_huge"  # a command_length that no PDU has
    LENGTH_BEYOND = "length_beyond"  # the PDU ends after its command_length, so the stream is out of step
    LENGTH_WITHIN = "length_within"  # the next PDUs are swallowed by a command_length that is too long
    COMMAND_UNKNOWN = "command_unknown"  # the response has a command_id of no command
    REQUEST_UNKNOWN = "request_unknown"  # a request of no command, then the response
    UNREADABLE = "unreadable"  # a deliver_sm that is framed well and cannot be read, then the response
    TWICE = "twice"
    STRAY = "stray"  # a response to nothing, then the response
    BODY_MISSING = "body_missing"  # success without a body
    ID_EMPTY = "id_empty"
    ID_OPEN = "id_open"  # the message id has no NUL
    TLVS = "tlvs"  # the response carries TLVs that nobody knows
    WITH_BODY = "with_body"  # an error has a body all the same


class Form(StrEnum):
    """How a receipt says what it says (SMPP 3.4, appendix B and 5.3.2.12)."""

    BOTH = "both"
    TEXT = "text"
    TLV = "tlv"
    SHUFFLED = "shuffled"


class IdForm(StrEnum):
    """How the receipt writes the message id of the response."""

    SAME = "same"
    DECIMAL = "decimal"  # the response is in hex
    HEX = "hex"  # the response is in decimal
    PADDED = "padded"
    OTHER_CASE = "other_case"
    LOWER_DECIMAL = "lower_decimal"  # the response is in lower hex, the receipt in decimal of 10 digits
    DECIMAL_LOWER = "decimal_lower"  # the response is in decimal, the receipt in lower hex
    PADDED_10 = "padded_10"  # the response is in decimal, the receipt the same in 10 digits
    ZEROS_LOST = "zeros_lost"  # the response begins with a zero, the receipt without it and in capitals
    TLV_HEX = "tlv_hex"  # the text has 10 decimal digits, the TLV the response's hex
    TLV_OTHER = "tlv_other"  # the text has another id, the TLV the right one
    TEXT_OTHER = "text_other"  # the TLV has another id, the text the right one
    BIG = "big"  # decimal, beyond 64 bits
    LONG = "long"  # 64 characters, the most that there may be
    REUSED = "reused"  # three ids for all messages


class Answer(StrEnum):
    """The text that comes back from the phone."""

    ECHO = "echo"
    STOP = "stop"
    START = "start"
    HELP = "help"
    LONG = "long"
    LONG_SHUFFLED = "long_shuffled"
    UNICODE = "unicode"
    LIKE_RECEIPT = "like_receipt"


class End(StrEnum):
    """What becomes of the link with a delivery."""

    NOTHING = "nothing"
    UNBIND = "unbind"  # after it
    DROP = "drop"  # after it
    CUT = "cut"  # in the middle of it


class Receipt(Struct, frozen=True, gc=False):
    """One receipt: `after_ms` counts from acceptance (scaled by the setting `time_scale`).

    `word` is what stands for `stat` in its text where that differs; `err` too may be anything there.
    """

    stat: str
    err: str = "000"
    after_ms: int = 0
    word: str | None = None


class Refusal(Struct, frozen=True, gc=False):
    """A response with an error: for the first `times` submits of the same message, or always when 0."""

    status: int
    times: int = 0


DELIVERED = Receipt("DELIVRD")
_DELIVERED_ONCE = (DELIVERED,)


class Outcome(Struct, frozen=True):
    """What happens to a message. `accepted` is the SMSC's own truth, whatever the client got to see.

    The phone has the text from the first DELIVRD on, or at once when the outcome has no receipts at all.
    """

    number: str
    name: str
    about: str
    receipts: tuple[Receipt, ...] = _DELIVERED_ONCE
    refusal: Refusal | None = None
    reply: Reply = Reply.RESPONSE
    reply_after_ms: int = 0
    reply_jitter_ms: int = 0
    accepted: bool = True
    accepted_though_refused: bool = False
    form: Form = Form.BOTH
    dialect: Dialect | None = None
    id_form: IdForm = IdForm.SAME
    answer: Answer | None = None
    unasked: bool = False
    receipt_jitter_ms: int = 0
    receipts_elsewhere: bool = False
    only_part: int = 0  # of a long text that gets a receipt: 1 the first, -1 the last, 0 all
    end: End = End.NOTHING


ORDINARY = Outcome("0000", "delivered", "accepted; receipt DELIVRD at once")
