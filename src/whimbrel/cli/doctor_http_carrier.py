"""What `whimbrel doctor` says of carriers over HTTP: where they are, and whether they can find us. How a running node
finds them is told by `carrier_health`."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from whimbrel.cli.finding import Finding
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.http_requests import Template, TemplateError

_PORTS = {"http": 80, "https": 443}
_HIDDEN = "x"  # in place of the password, which says nothing of where a request goes


def place(settings: HttpSettings) -> tuple[str, int]:
    """Host and port of its requests; ValueError when the URL names none."""
    parts = urlsplit(Template(settings, _HIDDEN).place)
    if not parts.hostname:
        raise ValueError("its URL names no host")
    return parts.hostname, parts.port or _PORTS.get(parts.scheme, 443)


def unheard(name: str, settings: HttpSettings, public_url: str) -> Iterator[Finding]:
    """Its provider is to bring receipts where each request says, and requests cannot say it."""
    try:
        names = Template(settings, _HIDDEN).names
    except TemplateError:
        return
    if "callback" in names and not public_url:
        yield Finding(f"receipts of {name}", "warning", "its provider is told no public address for them",
                      "set server.public_url to the address under which the internet reaches this node")  # fmt: skip
