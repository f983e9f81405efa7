"""Short links are opened here: `GET /l/CODE`, or `/CODE` at a host that is for links alone; one to media shows them,
each of them at `/l/CODE/1` and so on. Anybody may, at the rate of one address, which is higher for media: a provider
fetches those of each MMS; a code that there is not costs as much as one that there is.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from whimbrel.base.clock import Clock
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import LINK_ADDRESSES_TRACKED, LINK_CODE_MIN
from whimbrel.domain.link_visits import Visit, is_ahead
from whimbrel.domain.links import is_code
from whimbrel.domain.media import ids_of
from whimbrel.domain.pacing import Bucket
from whimbrel.edges.links.media_page import PAGE_HEADERS, content, page
from whimbrel.edges.shared.asgi import Headers, Receive, Scope, Send
from whimbrel.edges.shared.door import Door, id_header
from whimbrel.edges.shared.failures import site
from whimbrel.edges.shared.ratelimit import too_many
from whimbrel.edges.shared.services import Services

PREFIX: Final = "/l/"
_AHEAD: Final = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
_SAFE: Final[Headers] = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"x-content-type-options", b"nosniff"),
]
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class LinksDoor:
    """An ASGI application for the one route."""

    def __init__(self, services: Services, door: Door) -> None:
        settings = services.links_door
        self._services = services
        self._door = door
        self._rates = Rates(services.clock, settings.rate_per_s)
        self._media_rates = Rates(services.clock, settings.media_rate_per_s)
        self._proxies = _networks(settings.proxies)
        self._bots = _networks(settings.bot_networks)
        self._country = settings.country_header.lower().encode()
        self._host = _host_alone(settings.base_url)

    def takes(self, scope: Scope) -> bool:
        """Whether somebody opens a link."""
        path: str = scope["path"]
        if path.startswith(PREFIX):
            return True
        if len(path) <= LINK_CODE_MIN or not is_code(_code(path)):
            return False
        host = _host(scope)
        return host == self._host or self._services.links.is_host(host)

    async def knows(self, path: str) -> bool:
        """Whether the link is of this cell."""
        return await self._services.links.known(_code(path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._door.request_id()
        answer: Headers = [id_header(request_id), *_SAFE]
        try:
            if _place(scope["path"]):
                status, headers, octets = await self._medium(scope)
                await self._door.send(send, status, [*answer, *headers], octets)
                return
            target = await self._opened(scope)
            if not ids_of(target):
                await self._door.send(send, 302, [*answer, (b"location", target.encode("ascii"))], b"")
                return
            code = _code(scope["path"])
            media = await self._services.links.media(code, _host(scope), self._services.clock.now_us())
            await self._door.send(send, 200, [*answer, *PAGE_HEADERS], page(code, media))
        except Exception as error:
            await self._door.refuse(error, request_id, answer, send)

    async def _medium(self, scope: Scope) -> tuple[int, Headers, bytes]:
        """One of the media of a page: looked at, and not counted."""
        self._let_in(scope, self._media_rates)
        code, links = _code(scope["path"]), self._services.links
        media = await links.media(code, _host(scope), self._services.clock.now_us())
        place = _place(scope["path"])
        if not place.isascii() or not place.isdigit() or not 1 <= int(place) <= len(media):
            raise WhimbrelError("not_found")
        medium = media[int(place) - 1]
        return content(medium, await links.octets(medium), _header(scope["headers"], b"range"))

    def _let_in(self, scope: Scope, rates: "Rates") -> tuple[str, bool]:
        """Who asks, as `_address`, unless it is in no way or too often."""
        if scope["method"] not in ("GET", "HEAD"):
            raise WhimbrelError("method_not_allowed")
        address, is_proxied = self._address(scope, scope["headers"])
        if not rates.take(address):
            raise too_many()
        return address, is_proxied

    async def _opened(self, scope: Scope) -> str:
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        address, is_proxied = self._let_in(scope, self._rates)
        parsed = _parsed(address)
        visit = Visit(
            head=scope["method"] == "HEAD",
            agent=_header(headers, b"user-agent"),
            ahead=any(is_ahead(value.decode("latin-1")) for name, value in headers if name in _AHEAD),
            of_bots=parsed is not None and any(parsed in network for network in self._bots),
            ip=address,
            country=_header(headers, self._country)[:2].upper() if self._country and is_proxied else "",
            at=self._services.clock.now_us(),
        )
        return await self._services.links.open(_code(scope["path"]), _host(scope), visit)

    def _address(self, scope: Scope, headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, bool]:
        """Who clicks, and whether a proxy of ours says so: the nearest address that is none of our proxies."""
        client = scope["client"]
        address, is_proxied = client[0] if client else "", False
        named = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1").split(",")
        while self._is_proxy(address):
            is_proxied = True
            following = named.pop().strip() if named else ""
            if _parsed(following) is None:
                break
            address = following
        return address, is_proxied

    def _is_proxy(self, address: str) -> bool:
        parsed = _parsed(address) if self._proxies else None
        return parsed is not None and any(parsed in network for network in self._proxies)


class Rates:
    """Requests a second of each address; of very many addresses those are remembered that came last."""

    def __init__(self, clock: Clock, rate_per_s: int) -> None:
        self._clock = clock
        self._rate_per_s = rate_per_s
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str) -> bool:
        """Whether the address may ask now."""
        key = site(address)
        bucket = self._of.get(key)
        if bucket is None:
            if len(self._of) >= LINK_ADDRESSES_TRACKED:
                self._of.popitem(last=False)
            bucket = self._of[key] = Bucket(self._rate_per_s, self._rate_per_s)
        self._of.move_to_end(key)
        return bucket.take(1, self._clock.monotonic_us()) == 0


def _networks(named: Iterable[str]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(each) for each in named)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _code(path: str) -> str:
    return path.removeprefix(PREFIX).removeprefix("/").partition("/")[0]


def _place(path: str) -> str:
    """Which of the media is asked for; empty: the link itself."""
    return path.removeprefix(PREFIX).removeprefix("/").partition("/")[2][:3]


def _host(scope: Scope) -> str:
    return _header(scope["headers"], b"host").lower()


def _header(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")


def _host_alone(base_url: str) -> str:
    """The host of links, where nothing else is there."""
    parts = urlsplit(base_url)
    return parts.netloc.lower() if not parts.path else ""
