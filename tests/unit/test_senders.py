"""Senders: what may stand there, and which one a message takes."""

import pytest

from whimbrel.domain.model import Sender
from whimbrel.domain.senders import SenderBook, kind_of


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("+447400123456", "long_code"),
        ("+12015550123", "long_code"),
        ("+18002345678", "toll_free"),
        ("+15005550006", "long_code"),
        ("123", "short_code"),
        ("12345678", "short_code"),
        ("ACME", "alphanumeric"),
        ("A", "alphanumeric"),
        ("24seven", "alphanumeric"),
        ("Big & Co.", "alphanumeric"),
        ("my_shop-1", "alphanumeric"),
        ("ABCDEFGHIJK", "alphanumeric"),
        ("ABCDEFGHIJKL", None),
        ("", None),
        ("12", None),
        ("123456789", None),
        ("1234 5", None),
        (" ACME", None),
        ("ACME ", None),
        ("ACME\n", None),
        ("ACME\x00", None),
        ("AC\rME", None),
        ("Ácme", None),
        ("ACME!", None),
        ("+44", None),
        ("+44 7400 123456 7", None),
        ("&._-", None),
    ],
)
def test_kinds(value: str, kind: str | None) -> None:
    assert kind_of(value) == kind


def _sender(number: int, value: str, *countries: str, default: bool = False) -> Sender:
    return Sender(
        id=f"PN{number:032x}",
        account_id="AC1",
        value=value,
        kind=kind_of(value) or "alphanumeric",
        is_default=default,
        countries=countries,
        sms_url=None,
        sms_method="POST",
        sms_fallback_url=None,
        created_at=0,
        updated_at=0,
    )


BRITISH = _sender(1, "+447400123456", "GB", "IE", default=True)
NAME = _sender(2, "ACME", default=True)
SECOND_NAME = _sender(3, "ACME2", "GB", default=True)
PLAIN = _sender(4, "55555", "US")
ALL = (NAME, PLAIN, SECOND_NAME, BRITISH)


@pytest.mark.parametrize(
    ("owned", "wanted", "country", "expected"),
    [
        (ALL, "55555", "GB", PLAIN),
        (ALL, "ACME", "GB", NAME),
        (ALL, "+44 7400 123456", "US", BRITISH),
        (ALL, "acme", "GB", "sender_not_allowed"),  # names are shown as they are written
        (ALL, "+12015550123", "GB", "sender_not_allowed"),
        (ALL, "OTHER", "GB", "sender_not_allowed"),
        (ALL, "ACME\r\n", "GB", "invalid_sender"),
        (ALL, "", "GB", "invalid_sender"),
        (ALL, None, "GB", BRITISH),  # of two defaults for a country the older
        (ALL, None, "IE", BRITISH),
        (ALL, None, "US", NAME),  # listing a country does not make a default
        ((PLAIN, BRITISH), None, "US", "no_sender"),
        ((), None, "GB", "no_sender"),
        ((), "ACME", "GB", "sender_not_allowed"),
    ],
)
def test_choice(owned: tuple[Sender, ...], wanted: str | None, country: str, expected: Sender | str) -> None:
    assert SenderBook(owned).choose(wanted, country) == expected
