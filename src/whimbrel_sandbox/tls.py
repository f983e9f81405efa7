"""The second SMPP port, which speaks TLS: its certificate, and that of its clients.

Apart from `serve.py`, which opens ports.
"""

import ssl

from whimbrel_sandbox.settings import Settings


def context(settings: Settings) -> ssl.SSLContext | None:
    """What the port needs; None without a certificate. Raises OSError (ssl.SSLError is one) for files that are none."""
    if settings.tls_cert is None:
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.tls_client_ca)
    made.load_cert_chain(settings.tls_cert, settings.tls_key)
    if settings.tls_client_ca is not None:
        made.verify_mode = ssl.CERT_REQUIRED
    return made
