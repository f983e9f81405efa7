"""The sections of the settings about mail. Apart from `sections`, which is long."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Security = Literal["none", "starttls", "tls"]
Port = Annotated[int, Meta(ge=0, le=65535)]
_ADDRESS = r"^([^@\s<>]+@[A-Za-z0-9.-]+)?$"


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """Mail that goes out, by a server that takes mail of ours."""

    host: Annotated[str, Meta(description="The SMTP server that takes our mail; empty: no mail goes out.")] = ""
    port: Annotated[Port, Meta(description="Its port.")] = 587
    security: Annotated[
        Security,
        Meta(
            description="`starttls` asks for TLS after the greeting and sends nothing without it, `tls` begins with "
            "it, `none` is for a server of this machine."
        ),
    ] = "starttls"
    tls_ca_file: Annotated[
        str, Meta(description="Who signed the server's certificate (PEM); empty: the system's authorities.")
    ] = ""
    username: Annotated[str, Meta(description="User name at the server; empty: none is asked for.")] = ""
    password: Annotated[str, Meta(description="Its password.")] = ""
    sender: Annotated[
        str,
        Meta(
            pattern=_ADDRESS,
            title="an address such as sms@example.com, or nothing",
            description="Who mail is from that has no sender of its own. Must be set with `mail.host`.",
        ),
    ] = ""

    def problem(self) -> str:
        """What is wrong between settings, as `name: words`; empty when nothing is."""
        if self.host and not self.sender:
            return "sender: must be set with mail.host"
        if self.username and self.security == "none":
            return 'username: would be sent in the clear with security = "none"'
        return "password: means nothing without mail.username" if self.password and not self.username else ""
