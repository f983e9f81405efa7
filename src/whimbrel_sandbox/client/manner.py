"""How a client behaves on its connections while it sends: the good way, and the ways of the misuse scenarios."""

from enum import StrEnum

from msgspec import Struct


class Answers(StrEnum):
    """What a deliver_sm gets."""

    OK = "ok"
    NOTHING = "nothing"
    ERROR = "error"  # ESME_RX_T_APPN, so that it comes again
    REJECTED = "rejected"  # ESME_RX_P_APPN, for good
    LATE = "late"
    TWICE = "twice"
    WRONG_NUMBER = "wrong_number"  # with a sequence number of no request
    NACK = "nack"


class Numbers(StrEnum):
    """Sequence numbers of submits."""

    COUNTED = "counted"
    ZERO = "zero"
    SAME = "same"
    BEYOND = "beyond"  # above 0x7FFFFFFF, the last that there may be
    BACKWARD = "backward"


class Manner(Struct, frozen=True):
    """The defaults are those of a good client."""

    answers: Answers = Answers.OK
    late_ms: int = 5_000
    numbers: Numbers = Numbers.COUNTED
    reads: int = -1  # octets at a time, 4 times a second; -1 as they come, 0 never
    piece_octets: int = 0
    ignores_window: bool = False
    ignores_enquiries: bool = False


GOOD = Manner()
