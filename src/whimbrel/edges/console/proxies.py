"""Who is behind a proxy."""

import ipaddress
from collections.abc import Iterable

from starlette.requests import Request as HttpRequest


class Proxies:
    """The proxies that are believed when they say whom they ask for."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)

    def address_of(self, request: HttpRequest) -> str:
        """Where the browser is: the nearest address that is none of our proxies. What `X-Forwarded-For` says beyond
        that one anybody may have written."""
        address = request.client.host if request.client else ""
        named = ",".join(request.headers.getlist("x-forwarded-for")).split(",") if self._networks else []
        while named and self._has(address):
            following = named.pop().strip()
            if _parsed(following) is None:
                break
            address = following
        return address

    def _has(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
