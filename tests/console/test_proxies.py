"""Who is behind a proxy, as far as it can be believed."""

import pytest
from starlette.requests import Request

from whimbrel.edges.console.proxies import Proxies

OURS = ("10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),  # no proxy of ours: anybody writes headers
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),  # the first was written by the browser
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, <xss>"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
    ],
)
def test_the_nearest_that_is_no_proxy_of_ours(peer, said, found):
    headers = [(b"x-forwarded-for", each.encode()) for each in said]
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})
    assert Proxies(OURS).address_of(request) == found
    assert Proxies(()).address_of(request) == peer
