"""The section of the settings about short links. Apart from `sections`, which is long."""

import ipaddress
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.base import limits


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Short links (docs/links.md)."""

    base_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*[^\s?#/])?)?$",
            title="a URL such as https://go.example.com, or nothing",
            description="What stands before the codes of short links; a proxy hands it to our port. Empty: `/l` below "
            "`server.public_url`, or on loopback below our port.",
        ),
    ] = ""
    code_length: Annotated[
        int,
        Meta(
            ge=limits.LINK_CODE_MIN,
            le=limits.LINK_CODE_MAX,
            description="Characters of a code, which is drawn by chance: 8 are 46 bits.",
        ),
    ] = 8
    expires_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="Days that a link of a message works, unless the account says otherwise."),
    ] = 90
    rate_per_s: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Requests for links a second of one IP address, at most.")
    ] = 20
    media_rate_per_s: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="The same of the media that a link leads to: a provider fetches those of each MMS from one "
            "address.",
        ),
    ] = 200
    proxies: Annotated[
        tuple[str, ...],
        Meta(description='Networks of proxies whose X-Forwarded-For says who clicks, such as "10.1.0.0/16".'),
    ] = ()
    country_header: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9-]{0,64}$",
            title="a header such as CF-IPCountry, or nothing",
            description="Header in which a proxy of `links.proxies` says the country of who clicks; empty: none is "
            "known.",
        ),
    ] = ""
    bot_networks: Annotated[
        tuple[str, ...],
        Meta(description="Networks from which no person clicks, such as those of data centres."),
    ] = ()
    too_soon_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=60_000,
            description="Milliseconds after a carrier took a text in which nobody can have read it: clicks are not a "
            "person's then.",
        ),
    ] = 500

    def problem(self) -> str:
        """What is wrong, as `name: words`; empty when nothing is."""
        for name in ("proxies", "bot_networks"):
            for network in getattr(self, name):
                try:
                    ipaddress.ip_network(network)
                except ValueError:
                    return f"{name}: {network!r} is no network"
        return ""
