"""Numbers in carriers' answers as the console calls them."""

from whimbrel.codec.smpp.statuses import STATUSES
from whimbrel.domain.model import Carrier
from whimbrel.edges.console.answer_codes import AnswerCodes

CODES = AnswerCodes(
    {
        "CR1": Carrier("CR1", "tern", "smpp", "active", False, "{}", b"", 0, 0),
        "CR2": Carrier("CR2", "knot", "http", "active", False, "{}", b"", 0, 0),
    }
)


def test_over_smpp_a_number_has_the_name_of_the_specification() -> None:
    assert CODES.name(0x58, "CR1") == "ESME_RTHROTTLED"
    assert CODES.name(429, "CR1") == "0x000001AD"
    assert CODES.meaning(0x58, "CR1") == STATUSES[0x58].meaning
    assert not CODES.is_http("CR1")


def test_over_http_it_is_what_it_is() -> None:
    assert (CODES.name(429, "CR2"), CODES.name(0x58, "CR2"), CODES.meaning(0x58, "CR2")) == ("429", "88", "")
    assert CODES.is_http("CR2")


def test_a_carrier_that_is_gone_is_taken_for_one_over_smpp() -> None:
    assert CODES.name(0x58, "CR9") == "ESME_RTHROTTLED"
    assert CODES.name(0x58, None) == "ESME_RTHROTTLED"
