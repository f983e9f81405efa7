"""What `whimbrel doctor` says of the SMPP door: its certificate, and passwords that travel in the clear."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from whimbrel import config
from whimbrel.base.clock import DAY_US, SECOND_US, SystemClock
from whimbrel.cli.finding import Finding
from whimbrel.net.tls import TlsFileError, server_context
from whimbrel.sections import Smpp

_SUBJECT = "SMPP"
_SOON_DAYS = 14  # authorities renew 30 days ahead; half of that later something is wrong with renewing


def look(settings: config.Settings) -> Iterator[Finding]:
    """The certificate first, as it is what stops a start."""
    smpp = settings.smpp
    if "smpp" not in settings.roles:
        yield Finding(_SUBJECT, "ok", "not a role of this node")
        return
    if smpp.tls_cert_file:
        yield _certificate(smpp)
    elif _is_loopback(smpp.host):
        yield Finding(_SUBJECT, "ok", "customers bind from this machine only")
    else:
        detail = f"customers bind to {smpp.host} without TLS: passwords and texts travel in the clear"
        advice = "set smpp.tls_cert_file, or let them come through a private network (docs/smpp-server.md)"
        yield Finding(_SUBJECT, "warning", detail, advice)


def _certificate(smpp: Smpp) -> Finding:
    try:
        server_context(smpp.tls_cert_file, smpp.tls_key_file, smpp.tls_client_ca_file)
        (first, *_) = x509.load_pem_x509_certificates(Path(smpp.tls_cert_file).read_bytes())
    except (TlsFileError, ValueError) as error:
        return Finding(_SUBJECT, "error", str(error), "a node with the role smpp does not start without it")
    ends = first.not_valid_after_utc
    days = (int(ends.timestamp()) * SECOND_US - SystemClock().now_us()) // DAY_US
    if days < 0:
        advice = "customers that verify it cannot bind: renew it, and start the node again"
        return Finding(
            _SUBJECT, "error", f"the certificate {smpp.tls_cert_file} has expired on {ends:%Y-%m-%d}", advice
        )
    if days < _SOON_DAYS:
        advice = "renew it, and start the node again"
        return Finding(_SUBJECT, "warning", f"the certificate {smpp.tls_cert_file} expires in {days} days", advice)
    return Finding(_SUBJECT, "ok", f"the certificate holds until {ends:%Y-%m-%d}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
