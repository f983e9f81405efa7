"""What an SMSC finds wrong with a submit before it looks at anything else: times that are none, and, at strict ones,
addresses whose type of number does not fit.

Apart from the desk, whose other refusals depend on what happened before.
"""

from whimbrel.codec.smpp.pdu import ShortMessage
from whimbrel.codec.smpp.tables import Status
from whimbrel_sandbox import times
from whimbrel_sandbox.scenarios.conduct import Conduct, Times

_LETTERS = 5  # TON, 5.2.5
_LETTERS_MAX = 11  # 3GPP TS 23.040, 9.1.2.5: eleven characters fit an address
_INTERNATIONAL, _ISDN = 1, 1


def wrong(submit: ShortMessage, conduct: Conduct, now_us: int) -> int:
    """The command_status, 0 when nothing is wrong."""
    if submit.schedule_time or submit.validity_period:
        status = _wrong_time(submit, conduct, now_us)
        if status:
            return status
    return _wrong_address(submit) if conduct.strict_addresses else 0


def _wrong_time(submit: ShortMessage, conduct: Conduct, now_us: int) -> int:
    for words, status in (
        (submit.schedule_time, Status.ESME_RINVSCHED),
        (submit.validity_period, Status.ESME_RINVEXPIRY),
    ):
        if words and (times.read(words, now_us) is None or not _is_taken(words, conduct.times)):
            return status
    return 0


def _is_taken(words: str, taken: Times) -> bool:
    if taken is Times.BOTH:
        return True
    return taken is not Times.NONE and times.is_relative(words) is (taken is Times.RELATIVE)


def _wrong_address(submit: ShortMessage) -> int:
    number = submit.source.removeprefix("+")
    is_word = submit.source_ton == _LETTERS
    checks = (
        (submit.dest_ton != _INTERNATIONAL, Status.ESME_RINVDSTTON),
        (submit.dest_npi != _ISDN, Status.ESME_RINVDSTNPI),
        (not submit.dest.isdigit(), Status.ESME_RINVDSTADR),
        (bool(number) and is_word is number.isdigit(), Status.ESME_RINVSRCTON),
        (is_word and submit.source_npi != 0, Status.ESME_RINVSRCNPI),
        ("+" in submit.source or (is_word and len(submit.source) > _LETTERS_MAX), Status.ESME_RINVSRCADR),
    )
    return next((status for is_wrong, status in checks if is_wrong), 0)
