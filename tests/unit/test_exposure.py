"""What a node tells at its start of how it can be reached."""

import pytest

from whimbrel.cli.exposure import exposures
from whimbrel.config import Server, Settings

CLEAR, PASSKEYS = "in the clear", "passkeys are off"


@pytest.mark.parametrize(
    ("host", "public_url", "roles", "told"),
    [
        ("127.0.0.1", "", ("api", "console"), ()),
        ("::1", "", ("api", "console"), ()),
        ("localhost", "", ("console",), ()),
        ("192.0.2.1", "", ("worker",), ()),
        ("192.0.2.1", "https://sms.example.com", ("api", "console"), ()),
        ("192.0.2.1", "http://sms.example.com", ("api", "console"), (CLEAR,)),
        ("192.0.2.1", "", ("api",), (CLEAR,)),
        ("10.0.0.5", "", ("api", "console"), (CLEAR, PASSKEYS)),
        ("sms.example.com", "", ("console",), (CLEAR, PASSKEYS)),
    ],
)
def test_what_is_open_to_whoever_is_on_the_way_is_told(host, public_url, roles, told):
    settings = Settings(server=Server(host=host, public_url=public_url), roles=roles)
    found = list(exposures(settings))
    assert len(found) == len(told) and all(words in each for words, each in zip(told, found, strict=True))
