"""What a probe's PDUs say about a carrier's settings, as tables."""

from typing import Any

import pytest

from whimbrel.codec.smpp.statuses import Status
from whimbrel.domain.dialect import CarrierSettings, IdBase
from whimbrel.domain.probe import Reported, Seen, base_of, propose


@pytest.mark.parametrize(
    ("response_id", "receipt_id", "base"),
    [
        ("a1", "a1", "auto"),
        ("0000a1", "A1", "auto"),
        ("123", "0000000123", "auto"),
        ("1b4f", "6991", "hex_dec"),
        ("0x1b4f", "6991", None),
        ("6991", "1B4F", "dec_hex"),
        ("123", "291", "hex_dec"),
        ("291", "123", "dec_hex"),
        ("a1", "a2", None),
        ("0b9c-4", "5", None),
        ("", "1", None),
    ],
)
def test_how_a_receipt_writes_the_id(response_id: str, receipt_id: str, base: IdBase | None) -> None:
    assert base_of(response_id, receipt_id) == base


def proposals(seen: dict[str, Any], **settings: Any) -> dict[str, Any]:
    made = CarrierSettings(host="smpp.example.com", port=2775, **settings)
    return {each.setting: each.value for each in propose(Seen(settings=made, **seen))}


RECEIPT = Reported(text_id="6991", stat="DELIVRD", state="DELIVERED")
CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # what was seen, the settings, what is proposed
    ({}, {}, {}),
    ({"bind_status": 0}, {}, {}),
    ({"bind_status": 0, "peer_version": 0x34}, {}, {}),
    ({"bind_status": 0, "peer_version": 0x33}, {}, {"interface_version": "3.3"}),
    ({"bind_status": 0, "peer_version": 0x50}, {}, {"interface_version": "5.0"}),
    ({"bind_status": 0, "peer_version": 0x50}, {"interface_version": "3.3"}, {}),
    ({"bind_status": Status.ESME_RINVCMDID}, {}, {"bind_mode": "pair"}),
    ({"bind_status": Status.ESME_RINVBNDSTS}, {"bind_mode": "pair"}, {}),
    ({"bind_status": Status.ESME_RALYBND}, {"binds": 3}, {"binds": 2}),
    ({"bind_status": Status.ESME_RALYBND}, {}, {}),
    ({"bind_status": Status.ESME_RINVPASWD}, {}, {}),
    ({"submit_status": Status.ESME_RINVEXPIRY}, {}, {"validity": "absolute"}),
    ({"submit_status": Status.ESME_RINVEXPIRY}, {"validity": "absolute"}, {"validity": "none"}),
    ({"submit_status": Status.ESME_RINVEXPIRY}, {"validity": "none"}, {}),
    ({"submit_status": Status.ESME_ROPTPARNOTALLWD}, {"tlvs": {"0x1400": "1"}}, {"tlvs": {}}),
    ({"submit_status": Status.ESME_ROPTPARNOTALLWD}, {}, {}),
    ({"submit_status": Status.ESME_RINVSRCTON}, {}, {"source_international": (0, 0)}),
    (
        {"submit_status": Status.ESME_RINVSRCNPI, "sender": "source_alphanumeric"},
        {"source_alphanumeric": (0, 0)},
        {"source_alphanumeric": (1, 1)},
    ),
    ({"submit_status": Status.ESME_RINVDSTTON}, {}, {"destination": (0, 0)}),
    ({"submit_status": Status.ESME_RTHROTTLED}, {"throughput_per_s": 30}, {"throughput_per_s": 15}),
    ({"submit_status": Status.ESME_RTHROTTLED}, {}, {"throughput_per_s": 10}),
    ({"submit_status": Status.ESME_RMSGQFUL}, {"window": 50}, {"window": 25}),
    ({"submit_status": Status.ESME_RINVDSTADR}, {}, {}),
    ({"submit_status": 0x408}, {}, {}),
    ({"submit_status": 0, "response_ms": 100.0}, {}, {}),
    ({"submit_status": 0, "response_ms": 8_000.0}, {}, {"response_timeout_s": 32.0}),
    ({"message_id": "1b4f", "receipt": RECEIPT}, {}, {"message_id": "hex_dec"}),
    ({"message_id": "1b4f", "receipt": RECEIPT}, {"message_id": "hex_dec"}, {}),
    ({"message_id": "6991", "receipt": RECEIPT}, {}, {}),
    ({"message_id": "6991", "receipt": RECEIPT}, {"message_id": "same"}, {}),
    ({"message_id": "6991", "receipt": RECEIPT}, {"message_id": "hex_dec"}, {"message_id": "auto"}),
    ({"message_id": "06991", "receipt": RECEIPT}, {"message_id": "same"}, {"message_id": "auto"}),
    ({"message_id": "7", "receipt": Reported(text_id="7")}, {"message_id": "hex_dec"}, {}),
    ({"message_id": "77", "receipt": RECEIPT}, {}, {}),
    ({"receipt": RECEIPT}, {}, {}),
    ({"message_id": "1b4f", "receipt": Reported(tlv_id="1b4f", text_id="6991")}, {}, {}),
    ({"receipt": Reported(text_id="1", stat="DELIVRD", marked=False)}, {}, {"receipts_by_text": True}),
    (
        {"receipt": Reported(stat="OK2", state="DELIVERED")},
        {"receipt_states": {"NO": "REJECTED"}},
        {"receipt_states": {"NO": "REJECTED", "OK2": "DELIVERED"}},
    ),
    ({"receipt": Reported(stat="OK2", state="UNKNOWN")}, {}, {}),
    ({"receipt": Reported(stat="delivrd", state="DELIVERED")}, {}, {}),
]


@pytest.mark.parametrize(("seen", "settings", "expected"), CASES)
def test_proposals(seen: dict[str, Any], settings: dict[str, Any], expected: dict[str, Any]) -> None:
    assert proposals(seen, **settings) == expected


def test_each_proposal_says_why() -> None:
    made = CarrierSettings(host="smpp.example.com", port=2775)
    (base,) = propose(Seen(settings=made, message_id="1b4f", receipt=RECEIPT))
    assert base.why == "the response says 1b4f, the receipt 6991"
    (slower,) = propose(Seen(settings=made, submit_status=Status.ESME_RTHROTTLED))
    assert slower.why == "it asks to be sent less (ESME_RTHROTTLED)"
