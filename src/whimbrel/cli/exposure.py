"""What a node tells at its start of how it can be reached: what is open to whoever is on the way."""

import ipaddress
import logging
from collections.abc import Iterator

from whimbrel.config import Settings

_log = logging.getLogger("whimbrel.run")
_NAMES = frozenset({"localhost"})


def warn(settings: Settings) -> None:
    """Log all of it, once."""
    for words in exposures(settings):
        _log.warning(words, extra={"host": settings.server.host})


def exposures(settings: Settings) -> Iterator[str]:
    """What is wrong, in words; nothing on a loopback."""
    if is_loopback(settings.server.host) or {"api", "console"}.isdisjoint(settings.roles):
        return
    public = settings.server.public_url
    if not public.startswith("https://"):
        yield (
            "keys and passwords cross the network in the clear: put a proxy with TLS before this node and set "
            "server.public_url to its https:// address (docs/production.md)"
        )
    if "console" in settings.roles and not public:
        yield "passkeys are off: they are for one name of the console, which server.public_url says"


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _NAMES
