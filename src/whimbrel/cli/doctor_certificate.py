"""What `whimbrel doctor` says of a certificate of ours: whether it can be used, and for how long."""

from pathlib import Path

from cryptography import x509

from whimbrel.base.clock import DAY_US, SECOND_US, SystemClock
from whimbrel.cli.finding import Finding
from whimbrel.net.tls import TlsFileError, server_context

_SOON_DAYS = 14  # authorities renew 30 days ahead; half of that later something is wrong with renewing


def look(subject: str, cert_file: str, key_file: str, client_ca_file: str = "", *, needed: str, who: str) -> Finding:
    """`needed`: what does not start without it; `who` cannot come once it has expired."""
    try:
        server_context(cert_file, key_file, client_ca_file)
        (first, *_) = x509.load_pem_x509_certificates(Path(cert_file).read_bytes())
    except (TlsFileError, ValueError) as error:
        return Finding(subject, "error", str(error), f"{needed} does not start without it")
    ends = first.not_valid_after_utc
    days = (int(ends.timestamp()) * SECOND_US - SystemClock().now_us()) // DAY_US
    if days < 0:
        advice = f"{who}: renew it, and start the node again"
        return Finding(subject, "error", f"the certificate {cert_file} has expired on {ends:%Y-%m-%d}", advice)
    if days < _SOON_DAYS:
        advice = "renew it, and start the node again"
        return Finding(subject, "warning", f"the certificate {cert_file} expires in {days} days", advice)
    return Finding(subject, "ok", f"the certificate holds until {ends:%Y-%m-%d}")
