"""What `whimbrel doctor` says of the SMPP door: its certificate, and passwords that travel in the clear."""

import ipaddress
from collections.abc import Iterator

from whimbrel import config
from whimbrel.cli import doctor_certificate
from whimbrel.cli.finding import Finding

_SUBJECT = "SMPP"


def look(settings: config.Settings) -> Iterator[Finding]:
    """The certificate first, as it is what stops a start."""
    smpp = settings.smpp
    if "smpp" not in settings.roles:
        yield Finding(_SUBJECT, "ok", "not a role of this node")
        return
    if smpp.tls_cert_file:
        files = smpp.tls_cert_file, smpp.tls_key_file, smpp.tls_client_ca_file
        who = "customers that verify it cannot bind"
        yield doctor_certificate.look(_SUBJECT, *files, needed="a node with the role smpp", who=who)
    elif _is_loopback(smpp.host):
        yield Finding(_SUBJECT, "ok", "customers bind from this machine only")
    else:
        detail = f"customers bind to {smpp.host} without TLS: passwords and texts travel in the clear"
        advice = "set smpp.tls_cert_file, or let them come through a private network (docs/smpp-server.md)"
        yield Finding(_SUBJECT, "warning", detail, advice)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
