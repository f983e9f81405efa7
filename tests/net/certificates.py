"""Certificates for tests: an authority in a folder, and what it signs."""

import datetime
from pathlib import Path
from ssl import SSLContext
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from whimbrel.net.tls import server_context

DAY = datetime.timedelta(days=1)


class Issued(NamedTuple):
    """Files in PEM."""

    cert: str
    key: str


class Authority:
    """Signs certificates; `file` is its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=0)
        builder = _builder(self._name, self._name, self._key.public_key(), DAY).add_extension(basic, critical=True)
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.file = self._write(f"{name}-ca.pem", builder.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, *, expired: bool = False) -> Issued:
        """For a host of this name (or a client)."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._name, key.public_key(), -DAY if expired else DAY)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(known, critical=False)
        stem = f"{name}-{'old' if expired else 'new'}"
        cert = self._write(f"{stem}.pem", builder.sign(self._key, hashes.SHA256()))
        file = self._folder / f"{stem}.key"
        plain = serialization.NoEncryption()
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return Issued(cert, str(file))

    def server(self, name: str, *, clients: "Authority | None" = None, expired: bool = False) -> SSLContext:
        """A listener's context for a host of this name."""
        issued = self.issue(name, expired=expired)
        return server_context(issued.cert, issued.key, clients.file if clients else None)

    def _write(self, name: str, cert: x509.Certificate) -> str:
        file = self._folder / name
        file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        return str(file)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lives: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + lives)
    )
