"""Which addresses a URL of a customer may lead to. Everything that is not the public internet is refused, also when it
is wrapped in an IPv6 address, unless the operator lists its network. Pure: names are resolved in `net/names.py`.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_BLOCKED_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host (RFC 1122 3.2.1.3)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598); cloud metadata services live here too
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local (RFC 3927); metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")  # all that is assigned to the public internet (RFC 4291 2.4); the rest is refused
_BLOCKED_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, with Teredo 2001::/32 (RFC 2928): no server listens there
        "2001:db8::/32",  # documentation (RFC 3849)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_6TO4 = IPv6Network("2002::/16")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # RFC 6052, RFC 8215
_OPEN_LOW_PORTS = frozenset({80, 443})
_FIRST_HIGH_PORT = 1024
_VISIBLE = re.compile(r"""[^\x00-\x20"<>\\\x7f-\U0010ffff]+""").fullmatch
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+").fullmatch


class UrlProblem(msgspec.Struct, frozen=True, gc=False):
    """Why a URL cannot be called: it has a bad form, or leads where requests must not go."""

    reason: Literal["bad_url", "address_refused"]
    detail: str


class Reach:
    """What outgoing requests may reach: the public internet, and the networks that the operator lists."""

    __slots__ = ("_allowed", "_plain_http")

    def __init__(self, allowed: Iterable[str] = (), *, plain_http: bool = False) -> None:
        """`allowed`: networks in CIDR form that may be reached although they are private (ValueError for a bad one).
        `plain_http`: whether http URLs are taken; for literal addresses of allowed networks they always are."""
        self._allowed: tuple[Network, ...] = tuple(ip_network(network) for network in allowed)
        self._plain_http = plain_http

    def allows(self, address: str) -> bool:
        """Whether a connection to this address may be made. Anything that cannot be read is refused."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return self.lists(parsed) or is_public(parsed)

    def lists(self, address: Address) -> bool:
        """Whether the operator has listed the address, or the IPv4 address inside it."""
        inner = unwrap(address)
        return any(a.version == n.version and a in n for n in self._allowed for a in (address, inner))

    def url_problem(self, url: str) -> UrlProblem | None:
        """Why this URL cannot be called, as far as it can be seen without resolving its name; None when it may be.

        A URL is taken in visible ASCII only (RFC 3986; names in IDNA form): a parser that folds full-width digits or
        dots would see another host than this one did, and a receiver that computes a signature over the URL needs it
        sent as it was given."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return UrlProblem("bad_url", "the URL cannot be read")
        if parts.scheme not in ("http", "https"):
            return UrlProblem("bad_url", "the scheme is not https")
        if parts.username is not None or parts.password is not None:
            return UrlProblem("bad_url", "the URL holds a user name or password")
        if not _VISIBLE(url):
            return UrlProblem(
                "bad_url", "the URL holds white space, quotes or letters beyond ASCII: percent-encode them"
            )
        if not _HOST(host):
            return UrlProblem("bad_url", "the URL names no host")
        return self._host_problem(parts.scheme, host, port)

    def _host_problem(self, scheme: str, host: str, port: int | None) -> UrlProblem | None:
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 6.3: always loopback
            host = "127.0.0.1"
        if ":" in host or host.replace(".", "").isdigit():  # a literal address, or what a resolver might take for one
            if not self.allows(host):
                return UrlProblem("address_refused", "the address is not on the public internet")
            if self.lists(ip_address(host)):
                return None
        if scheme == "http" and not self._plain_http:
            return UrlProblem("bad_url", "the scheme is not https")
        if port is not None and port < _FIRST_HIGH_PORT and port not in _OPEN_LOW_PORTS:
            # a POST must not speak to a mail server
            return UrlProblem("address_refused", f"port {port} is not one for web servers")
        return None


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, whatever it is wrapped in."""
    inner = unwrap(address)
    if isinstance(inner, IPv4Address):
        return not any(inner in network for network in _BLOCKED_4)
    return inner in _GLOBAL_6 and not any(inner in network for network in _BLOCKED_6)


def unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped ::ffff:a.b.c.d, 6to4 2002:aabb:ccdd::, NAT64 64:ff9b::a.b.c.d (a
    gateway would turn each into IPv4). Others come back as they are."""
    if isinstance(address, IPv4Address):
        return address
    mapped = address.ipv4_mapped
    if mapped is not None:
        return mapped
    value = int(address)
    if address in _6TO4:
        return IPv4Address(value >> 80 & 0xFFFFFFFF)
    if any(address in network for network in _NAT64):
        return IPv4Address(value & 0xFFFFFFFF)
    return address
