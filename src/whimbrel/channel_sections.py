"""The section of the settings about channels of Verify. Apart from `sections`, which is long."""

import binascii
from ipaddress import ip_network
from typing import Annotated

import msgspec
from msgspec import Meta

from whimbrel.codec.signatures import SECRET_PREFIX, SecretError, decode_secret
from whimbrel.net.addresses import Reach

RESERVED = ("sms", "email", "auto")


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel that brings codes by a carrier of the operator's that speaks HTTP (docs/verify.md)."""

    url: Annotated[str, Meta(description="Where codes are posted to. Must be set.")] = ""
    secret: Annotated[
        str, Meta(description="Signs what is posted, as webhooks are signed: `whsec_` and base64. Must be set.")
    ] = ""
    timeout_s: Annotated[
        int, Meta(ge=1, le=30, description="Seconds that an answer may take; without one the code is in doubt.")
    ] = 8
    allow_networks: Annotated[
        tuple[str, ...],
        Meta(description='Private networks that it may be in, such as "10.1.0.0/16"; the public internet always is.'),
    ] = ()

    def reach(self) -> Reach:
        """Where posts to it may lead."""
        return Reach(self.allow_networks)

    def problem(self) -> str:
        """What is wrong with it, beginning with the name of a setting; empty: nothing."""
        try:
            for network in self.allow_networks:
                ip_network(network)
        except ValueError:
            return "allow_networks: expected networks such as 10.1.0.0/16"
        if not self.url:
            return "url: must be set"
        found = self.reach().url_problem(self.url)
        if found is not None:
            return f"url: {found.detail}"
        try:
            decode_secret(self.secret)
        except (SecretError, binascii.Error) as error:
            return f"secret: expected {SECRET_PREFIX} and base64: {error}"
        return "" if self.secret.startswith(SECRET_PREFIX) else f"secret: expected {SECRET_PREFIX} and base64"
