"""What outgoing requests may reach, as tables; the wrapped forms are real bypasses of other products."""

import pytest

from whimbrel.net.addresses import Reach

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "2606:2800:220:1:248:1893:25c8:1946",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
PRIVATE = [
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata service
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",  # site-local, deprecated (RFC 3879)
    "ff02::1",
    "100::1",  # discard only (RFC 6666)
    "2001::1",  # Teredo
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::a9fe:a9fe",
]
UNREADABLE = ["", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "١٢٧.٠.٠.١"]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_reached(address: str) -> None:
    assert Reach().allows(address)


@pytest.mark.parametrize("address", PRIVATE + UNREADABLE)
def test_nothing_else_may_be_reached(address: str) -> None:
    assert not Reach().allows(address)


def test_a_listed_network_may_be_reached_also_when_its_address_is_wrapped() -> None:
    reach = Reach(["127.0.0.0/8", "fd00::/8"])
    assert reach.allows("127.0.0.1")
    assert reach.allows("::ffff:127.0.0.1")
    assert reach.allows("fd00::5")
    assert not reach.allows("10.0.0.1")
    assert not reach.allows("::1")


def test_a_listed_network_that_is_no_network_is_told_at_start() -> None:
    with pytest.raises(ValueError, match="127"):
        Reach(["127.0.0.0/33"])


GOOD_URLS = [
    "https://example.com/hook",
    "https://example.com:8443/hook?a=1",
    "https://8.8.8.8/",
    "https://xn--bcher-kva.example/",
    "https://a_b.example/x",
    "https://example.com/a%20b;c=~{x}|y?q=[1]&r='(*)'#rc=2",
    "HTTPS://EXAMPLE.COM/",
]
BAD_URLS = {
    "ftp://example.com/": "bad_url",
    "file:///etc/passwd": "bad_url",
    "example.com/hook": "bad_url",
    "https:///hook": "bad_url",
    "http://example.com/": "bad_url",  # plain
    "https://user@example.com/": "bad_url",
    "https://user:pass@example.com/": "bad_url",
    "https://example.com:99999/": "bad_url",
    "https://exa mple.com/": "bad_url",
    "https://example.com/a b": "bad_url",
    "https://example.com/ü": "bad_url",
    'https://example.com/"x"': "bad_url",
    "https://example.com/\x7f": "bad_url",
    "https://": "bad_url",
    "https://example.com/a\r\nX: y": "bad_url",
    "https://bücher.example/": "bad_url",
    "https://１２７.０.０.１/": "bad_url",  # full-width digits: folded to 127.0.0.1 by some parsers
    "https://127。0。0。1/": "bad_url",
    "https://ⓛocalhost/": "bad_url",
    "https://[fe80::1%25eth0]/": "bad_url",
    "https://example.com\\@127.0.0.1/": "bad_url",
    "https://example.com:25/": "address_refused",
    "https://127.0.0.1/": "address_refused",
    "https://127.0.0.1./": "address_refused",
    "https://127.1/": "address_refused",
    "https://2130706433/": "address_refused",
    "https://[::1]/": "address_refused",
    "https://[::ffff:10.0.0.1]/": "address_refused",
    "https://localhost/": "address_refused",
    "https://api.localhost/": "address_refused",
    "https://169.254.169.254/latest/meta-data": "address_refused",
}


@pytest.mark.parametrize("url", GOOD_URLS)
def test_good_urls(url: str) -> None:
    assert Reach().url_problem(url) is None


@pytest.mark.parametrize(("url", "reason"), BAD_URLS.items())
def test_bad_urls(url: str, reason: str) -> None:
    problem = Reach().url_problem(url)
    assert problem is not None
    assert problem.reason == reason
    assert problem.detail


def test_loopback_over_plain_http_when_the_operator_lists_it() -> None:
    reach = Reach(["127.0.0.0/8"])
    assert reach.url_problem("http://127.0.0.1:8080/") is None
    assert reach.url_problem("http://localhost:25/") is None
    assert reach.url_problem("http://example.com/") is not None
    assert Reach(plain_http=True).url_problem("http://example.com/") is None
