"""TLS for SMPP, both ways: contexts from files, and what goes wrong in the words of whoever has to put it right.

Apart from `smpp` because a link does not care, and because OpenSSL's reasons name its source and not the cause. Files
are read each time a context is made, so that a renewed certificate counts from the next connection on.
"""

import ssl
from typing import Final

_VERIFY_WORDS: Final = {
    9: "is not valid yet",
    10: "has expired",
    18: "is signed by itself",
    19: "is signed by an authority of its own, which is not known here",
    20: "is signed by an authority that is not known here",
    21: "is signed by an authority that is not known here",
    23: "was revoked",
    62: "is for another name",
    64: "is for another address",
}
"""By X509_V_ERR of OpenSSL (x509_vfy.h)."""

_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_ALERTS: Final = {
    "CERTIFICATE_REQUIRED": "the peer wants a certificate of ours",
    "HANDSHAKE_FAILURE": "the peer and we have no cipher in common, or it wants a certificate of ours",
    "UNKNOWN_CA": "the peer does not know who signed our certificate",
    "BAD_CERTIFICATE": "the peer does not take our certificate",
    "UNSUPPORTED_CERTIFICATE": "the peer does not take certificates of our kind",
    "CERTIFICATE_EXPIRED": "our certificate has expired, says the peer",
    "CERTIFICATE_REVOKED": "our certificate was revoked, says the peer",
    "CERTIFICATE_UNKNOWN": "the peer does not take our certificate",
    "ACCESS_DENIED": "the peer takes our certificate and denies us access",
    "UNRECOGNIZED_NAME": "the peer has no certificate for the name that we asked for",
    "PROTOCOL_VERSION": "the peer and we have no version of TLS in common",
    "UNSUPPORTED_PROTOCOL": "the peer and we have no version of TLS in common",
}
"""By the end of OpenSSL's reason: alerts of the peer (RFC 8446 6.2) are named …_ALERT_X."""


class TlsFileError(OSError):
    """A certificate, key or list of authorities that cannot be used; says which and why."""


def server_context(cert_file: str, key_file: str, client_ca_file: str | None = None) -> ssl.SSLContext:
    """For a listener: TLS 1.2 and later. With `client_ca_file` each client must show a certificate that is signed by
    one in it. All files are PEM, the certificate with its chain; TlsFileError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_own(context, cert_file, key_file)
    if client_ca_file:
        _load_authorities(context, client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    *, verify: bool = True, ca_file: str = "", cert_file: str = "", key_file: str = ""
) -> ssl.SSLContext:
    """For a connection of ours: TLS 1.2 and later. The peer's certificate and name are verified against `ca_file`, or
    against the system's authorities when that is empty; with `verify` false nothing is. A certificate of ours is shown
    where the peer asks for it; its key stands in `key_file`, or in the same file. TlsFileError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_file:
        _load_authorities(context, ca_file)
    else:
        context.load_default_certs()
    if cert_file:
        _load_own(context, cert_file, key_file)
    return context


def in_words(error: Exception) -> str:
    """What a connection failed with. Errors that are none of TLS are told as they are."""
    if isinstance(error, ssl.SSLCertVerificationError):
        found = _VERIFY_WORDS.get(error.verify_code, f"cannot be verified: {error.verify_message}")
        return f"TLS: the peer's certificate {found}"
    if isinstance(error, ssl.SSLEOFError):
        return "TLS: the peer closed the connection during the handshake"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        if reason in _NO_TLS:
            return "TLS: the peer speaks no TLS on this port"
        known = next((words for end, words in _ALERTS.items() if reason.endswith(end)), None)
        return f"TLS: {known or reason.lower().replace('_', ' ') or error}"
    return str(error) or type(error).__name__


def _load_own(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    try:
        # without a password a key that has one would be asked for at the terminal
        context.load_cert_chain(cert_file, key_file or None, password="")
    except ssl.SSLError as error:
        reason = error.reason or ""
        if reason == "KEY_VALUES_MISMATCH":
            raise TlsFileError(f"the key {key_file} is not that of the certificate {cert_file}") from error
        raise TlsFileError(f"{cert_file} and {key_file or 'no key'} hold no certificate with its key") from error
    except OSError as error:
        key = f" or key {key_file}" if key_file else ""
        raise TlsFileError(f"certificate {cert_file}{key} cannot be read: {error.strerror}") from error


def _load_authorities(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as error:
        raise TlsFileError(f"{ca_file} holds no certificate") from error
    except OSError as error:
        raise TlsFileError(f"{ca_file} cannot be read: {error.strerror}") from error
