"""Rows to structs and back: what was written is what is read."""

import pytest

from whimbrel.domain.model import Key, Route, Sender, Webhook
from whimbrel.store.rows import columns, reader

KEY = Key("KE1", None, "n", "wk_live_abcd", b"\x00\xff", "live", ("a:b", 'quo"te'), 5, "active", 1, None, 9)
SENDER = Sender("PN1", "AC1", "ACME", "alphanumeric", True, ("GB", "DE"), None, "POST", None, 1, 2)
ROUTE = Route("RT1", 1, "44", "", "AC1", (), False, 1, 2)
WEBHOOK = Webhook(
    "WH1", "AC1", True, "https://x", ("*",), "", b"s", None, None, "active", None, 0, 7, 1, 2
)  # fmt: skip


@pytest.mark.parametrize("value", [KEY, SENDER, ROUTE, WEBHOOK])
def test_there_and_back(value):
    assert reader(type(value))(*columns(value)) == value


def test_booleans_come_back_as_booleans():
    assert reader(Route)(*columns(ROUTE)).enabled is False
    assert reader(Sender)(*columns(SENDER)).is_default is True


def test_columns_are_what_sqlite_takes():
    assert columns(ROUTE) == ("RT1", 1, "44", "", "AC1", "[]", 0, 1, 2)
