"""What a receipt says, and which ids it may mean. Vectors of ids: the traps T01 to T05."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whimbrel.base.errors import CATALOGUE
from whimbrel.codec.smpp.tables import MessageState
from whimbrel.domain.receipts import (
    CONTRADICTING,
    FIRST,
    INTERMEDIATE,
    REPEATED,
    carrier_key,
    carrier_keys,
    outcome_of,
    weigh,
)

OUTCOMES = {
    # state and error: state, final, reason
    ("DELIVERED", "000"): ("delivered", True, None),
    ("DELIVERED", "027"): ("delivered", True, None),
    ("UNDELIVERABLE", "001"): ("undelivered", True, "unknown_subscriber"),
    ("UNDELIVERABLE", "000"): ("undelivered", True, "undelivered"),
    ("UNDELIVERABLE", None): ("undelivered", True, "undelivered"),
    ("EXPIRED", "000"): ("expired", True, "expired_at_carrier"),
    ("EXPIRED", "027"): ("expired", True, "absent_subscriber"),
    ("DELETED", "000"): ("undelivered", True, "deleted_at_carrier"),
    ("REJECTED", "088"): ("undelivered", True, "carrier_rejected"),
    ("SKIPPED", None): ("undelivered", True, "carrier_rejected"),
    ("ENROUTE", "000"): ("enroute", False, None),
    ("SCHEDULED", "000"): ("scheduled", False, None),
    ("ACCEPTED", "000"): ("accepted", False, None),
    ("UNKNOWN", "000"): ("unknown", False, None),
}


@pytest.mark.parametrize(("said", "expected"), OUTCOMES.items(), ids=str)
def test_what_a_receipt_says(said, expected):
    outcome = outcome_of(*said)
    assert (outcome.state, outcome.final, outcome.reason) == expected


def test_every_state_of_the_standard_is_in_the_table():
    assert {state for state, _ in OUTCOMES} == {state.name for state in MessageState}
    assert {reason for *_, reason in OUTCOMES.values() if reason} <= CATALOGUE.keys()


KEYS = {
    # message ids of one receipt: keys, the best first
    "hex letters": (("39f99dd5",), ("39f99dd5", "972660181")),
    "hex in the receipt, decimal in the answer": (("6aad5",), ("6aad5", "436949")),
    "digits may be either": (("436949",), ("436949", "4417865", "6aad5")),
    "padded with zeros": (("0000436949",), ("436949", "4417865", "6aad5")),
    "the TLV's before the text's": (("6aad5", "0000436949"), ("6aad5", "436949", "4417865")),
    "capitals": (("4D19C83C",), ("4d19c83c", "1293535292")),
    "a UUID": (("0E999F21-AB",), ("e999f21-ab",)),
    "NUL and blanks": ((" a1\0",), ("a1", "161")),
    "only zeros": (("000",), ("0",)),
    "empty": (("",), ()),
    "none": ((), ()),
    "twice the same": (("x", "X"), ("x",)),
    "more than 64 bits": (("f" * 20,), ("f" * 20, str(16**20 - 1))),
    "longer than an id may be": (("1" * 66,), ("1" * 66,)),
    "other digits": (("١٢",), ("١٢",)),
}


@pytest.mark.parametrize(("message_ids", "keys"), KEYS.values(), ids=KEYS)
def test_keys(message_ids, keys):
    assert carrier_keys(message_ids) == keys


PAIRS = {
    # id in the answer, id in the receipt
    "T01 hex and decimal": ("39f99dd5", "0972660181"),
    "T02 zeros before a UUID": ("0e999f21-1c2d", "E999F21-1C2D"),
    "T02 zeros before digits": ("04062581", "4062581"),
    "T02 ten digits": ("4062581", "0004062581"),
    "T03 case": ("4d19c83c", "4D19C83C"),
    "T04 the same number in hex": ("6aad5", "0000436949"),
    "T04 the other way round": ("0416342074", "18d0e03a"),
    "T05 NUL": ("18d0e03a", "18d0e03a\0"),
}


@pytest.mark.parametrize(("answer", "receipt"), PAIRS.values(), ids=PAIRS)
def test_the_same_id_in_two_forms(answer, receipt):
    assert carrier_key(answer) in carrier_keys((receipt,))
    assert carrier_key(receipt) in carrier_keys((answer,))


@given(st.text(max_size=70))
@example("0\r0")
def test_a_normal_form_is_its_own_normal_form(message_id):
    assert carrier_key(carrier_key(message_id)) == carrier_key(message_id)


@given(st.integers(min_value=1, max_value=2**64))
def test_a_number_is_found_from_either_base(number):
    assert str(number) in carrier_keys((f"{number:X}",))
    assert f"{number:x}" in carrier_keys((f"{number:012}",))


WEIGHTS = {
    (None, "delivered", True): FIRST,
    (None, "enroute", False): INTERMEDIATE,
    ("enroute", "enroute", False): REPEATED,
    ("enroute", "accepted", False): INTERMEDIATE,
    ("enroute", "undelivered", True): FIRST,
    ("delivered", "delivered", True): REPEATED,
    ("delivered", "undelivered", True): CONTRADICTING,
    ("expired", "delivered", True): CONTRADICTING,
    ("delivered", "enroute", False): REPEATED,
}


@pytest.mark.parametrize(("known", "weight"), WEIGHTS.items(), ids=str)
def test_weights(known, weight):
    before, state, is_final = known
    assert weigh(before, state, is_final=is_final) == weight
