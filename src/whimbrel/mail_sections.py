"""The sections of the settings about mail. Apart from `sections`, which is long."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits

Security = Literal["none", "starttls", "tls"]
Port = Annotated[int, Meta(ge=0, le=65535)]
_DOMAIN = r"^([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+)?$"
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

    timeout_s: Annotated[
        int,
        Meta(ge=1, le=300, description="Seconds that the server may take for a step; with a code, for all of them."),
    ] = 20

    def problem(self) -> str:
        """What is wrong between settings, as `name: words`; empty when nothing is."""
        if self.host and not self.sender:
            return "sender: must be set with mail.host"
        if self.username and self.security == "none":
            return 'username: would be sent in the clear with security = "none"'
        return "password: means nothing without mail.username" if self.password and not self.username else ""


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """The mailbox door, where mail becomes texts (docs/mail.md)."""

    domain: Annotated[
        str,
        Meta(
            pattern=_DOMAIN,
            title="a domain such as sms.example.com, or nothing",
            description="Domain of phones' addresses: mail to NUMBER@DOMAIN becomes a text. "
            "Empty: the door stays shut.",
        ),
    ] = ""
    host: Annotated[str, Meta(min_length=1, description="Address that mail servers connect to.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Its port; 0 takes a free one.")] = 2525
    relays: Annotated[
        tuple[str, ...],
        Meta(
            description='Networks of the mail servers that may connect, such as "10.1.0.5/32": what they found out of '
            "a mail's sender is believed, so they must be the operator's own."
        ),
    ] = ("127.0.0.1/32", "::1/128")
    authserv_ids: Annotated[
        tuple[str, ...],
        Meta(
            description="Names that these servers put at the head of Authentication-Results (RFC 8601); fields with "
            "other names are not believed. Empty: none is."
        ),
    ] = ()
    tls_cert_file: Annotated[
        str, Meta(description="Our certificate with its chain (PEM), for STARTTLS; empty: none is offered.")
    ] = ""
    tls_key_file: Annotated[
        str, Meta(description="The certificate's private key (PEM); empty: it stands in `mailbox.tls_cert_file`.")
    ] = ""
    tls_required: Annotated[bool, Meta(description="Whether mail is taken over TLS only.")] = False
    size_max: Annotated[
        int, Meta(ge=64 * 1024, le=64 * 1024 * 1024, description="Octets of one mail with its attachments, at most.")
    ] = limits.MAILBOX_MAIL_MAX
    connections_max: Annotated[
        int, Meta(ge=1, le=1000, description="Open connections of mail servers to one process.")
    ] = limits.MAILBOX_CONNECTIONS_MAX

    def problem(self) -> str:
        """What is wrong between settings, as `name: words`; empty when nothing is."""
        if not self.tls_cert_file and (self.tls_key_file or self.tls_required):
            name = "tls_key_file" if self.tls_key_file else "tls_required"
            return f"{name}: means nothing without mailbox.tls_cert_file"
        return "relays: nobody could connect" if self.domain and not self.relays else ""
