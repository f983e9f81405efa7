"""What a carrier's refusal means: every status of the standard, and the errors in receipts."""

import pytest

from whimbrel.base.errors import CATALOGUE
from whimbrel.codec.smpp.tables import Status
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.outcomes import is_temporary
from whimbrel.domain.refusals import (
    FINAL_REASONS,
    MAP_ERRORS,
    REASONS,
    STATUSES,
    classify,
    own_refusals,
    receipt_reason,
    status_number,
)

KINDS = {
    "throttled": {"ESME_RTHROTTLED", "ESME_RMSGQFUL"},
    "refused_now": {
        "ESME_RSYSERR",
        "ESME_RX_T_APPN",
        "ESME_RINVBNDSTS",
        "ESME_RALYBND",
        "ESME_RBINDFAIL",
        "ESME_RINVPASWD",
        "ESME_RINVSYSID",
        "ESME_RINVSYSTYP",
    },
}


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.ESME_ROK], ids=lambda s: s.name)
def test_every_status_of_the_standard(status):
    expected = next((kind for kind, names in KINDS.items() if status.name in names), "refused")
    assert classify(status).kind == expected


MEANINGS = {
    Status.ESME_RTHROTTLED: "throttled",
    Status.ESME_RSYSERR: "carrier_unavailable",
    Status.ESME_RINVSRCADR: "invalid_source",
    Status.ESME_RINVSRCTON: "invalid_source",
    Status.ESME_RINVDSTADR: "invalid_destination",
    Status.ESME_RINVDSTNPI: "invalid_destination",
    Status.ESME_RSUBMITFAIL: "carrier_rejected",
    Status.ESME_RUNKNOWNERR: "carrier_rejected",
    0x0410: "carrier_rejected",
}


@pytest.mark.parametrize(("status", "reason"), MEANINGS.items())
def test_reasons(status, reason):
    assert classify(status).reason == reason


PROFILES = {
    # status, temporary ones of the profile: kind, reason
    "a vendor's code": ((0x0410, (0x0410,)), ("refused_now", "carrier_unavailable")),
    "a permanent one of the standard": ((0x45, (0x45,)), ("refused_now", "carrier_unavailable")),
    "one about the sender": ((0x0A, (0x0A,)), ("refused_now", "carrier_unavailable")),
    "another one": ((0x0411, (0x0410,)), ("refused", "carrier_rejected")),
    "throttled stays throttled": ((0x58, (0x58,)), ("throttled", "throttled")),
}


@pytest.mark.parametrize(("given", "expected"), PROFILES.values(), ids=PROFILES)
def test_profiles_add_temporary_statuses(given, expected):
    status, temporary = given
    refusal = classify(status, own_refusals(CarrierSettings("", 1, temporary_statuses=temporary)))
    assert (refusal.kind, refusal.reason) == expected


ERRORS = {
    None: "default",
    "": "default",
    "000": "default",
    "001": "unknown_subscriber",
    "1": "unknown_subscriber",
    "0001": "unknown_subscriber",
    " 27 ": "absent_subscriber",
    "006": "absent_subscriber",
    "013": "barred",
    "032": "memory_full",
    "034": "network_error",
    "954": "default",
    "21b": "default",
    "13?": "default",
    "²7": "default",
    "9" * 5000: "default",
}


@pytest.mark.parametrize(("error", "reason"), ERRORS.items(), ids=lambda value: str(value)[:12])
def test_errors_of_receipts(error, reason):
    assert receipt_reason(error, "default") == reason


def test_every_reason_is_in_the_catalogue_and_says_whether_to_try_again():
    refusals = [*STATUSES.values(), classify(0xFFFF)]
    assert {refusal.reason for refusal in refusals} | set(MAP_ERRORS.values()) <= CATALOGUE.keys()
    assert all(is_temporary(refusal.reason) == (refusal.kind != "refused") for refusal in refusals)


OWN = {
    # statuses of the carrier, the status that came: kind, reason
    "decimal": ({"1032": "filtered"}, 1032, ("refused", "filtered")),
    "hex": ({"0x408": "temporary"}, 1032, ("refused_now", "carrier_unavailable")),
    "capital X": ({"0X408": "throttled"}, 1032, ("throttled", "throttled")),
    "against the standard": ({"0x58": "barred"}, 0x58, ("refused", "barred")),
    "another one": ({"0x58": "barred"}, 0x14, ("throttled", "throttled")),
}


@pytest.mark.parametrize(("statuses", "status", "expected"), OWN.values(), ids=OWN)
def test_a_carriers_own_statuses_go_before_the_tables(statuses, status, expected):
    own = own_refusals(CarrierSettings("", 1, statuses=statuses))
    refusal = classify(status, own)
    assert (refusal.kind, refusal.reason) == expected


@pytest.mark.parametrize("text", ["", "0", "0x0", "x", "1e3", "0x1ffffffff", "-1", "0b1"])
def test_what_is_no_command_status(text):
    with pytest.raises(ValueError, match=r".*"):
        status_number(text)


def test_reasons_that_a_carrier_can_give_are_in_the_catalogue():
    assert CATALOGUE.keys() >= REASONS
    assert {reason for reason in REASONS if not is_temporary(reason)} == FINAL_REASONS
    assert all(CATALOGUE[reason].http == 0 for reason in REASONS)
