"""A self-signed certificate, so that a browser on another machine gives its camera to a demonstration, and what there
is to know about any certificate."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = datetime.timedelta(days=397)  # browsers refuse more
RENEW = datetime.timedelta(days=14)


@dataclass(frozen=True)
class Certificate:
    """`names` are DNS names and addresses; `fingerprint` is SHA-256 as browsers show it."""

    names: tuple[str, ...]
    begins: datetime.datetime
    ends: datetime.datetime
    fingerprint: str


def read(path: Path) -> Certificate:
    """The first certificate of a PEM file. Raises `OSError`, `ValueError`."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names: tuple[str, ...] = ()
    with contextlib.suppress(x509.ExtensionNotFound):
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = (
            *found.get_values_for_type(x509.DNSName),
            *(str(address) for address in found.get_values_for_type(x509.IPAddress)),
        )
    print_ = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(names, certificate.not_valid_before_utc, certificate.not_valid_after_utc, print_)


def self_signed(folder: Path, names: Sequence[str], now: datetime.datetime) -> tuple[Path, Path]:
    """`cert.pem` and `key.pem` in `folder` for these names; kept while they fit and are valid for two weeks more."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    with contextlib.suppress(OSError, ValueError):
        there = read(cert)
        if set(names) <= set(there.names) and there.ends - now > RENEW and key.is_file():
            return cert, key
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = ec.generate_private_key(ec.SECP256R1())
    _write(
        key,
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    _write(cert, _sign(secret, names, now).public_bytes(serialization.Encoding.PEM))
    return cert, key


def _sign(secret: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime.datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "classroom demonstration")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(secret, hashes.SHA256())
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, body: bytes) -> None:
    """Readable by its owner alone from the first byte on."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(body)
