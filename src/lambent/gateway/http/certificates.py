"""Certificates that Lambent makes for its own endpoint: an authority, and below it what the endpoint shows.

Knows where they lie (a folder `tls` in the data folder) and when they are made anew. The authority is made once
and lives for ten years, so that whoever trusts it goes on doing so; what it signs lives for 90 days and is
replaced 30 days before its end, or when other names are wanted. Both keys have mode 0600.

What a certificate has to carry: RFC 5280, section 4.2. A wildcard stands for one label only (RFC 6125), and
OpenSSL takes none directly below a top-level name, which is why `*.localhost` is not enough.
"""

import datetime
import fcntl
import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lambent.errors import Hopeless
from lambent.store.durable import sync_folder, write_synced
from lambent.store.private_file import read_or_make

AUTHORITY_DAYS, SERVER_DAYS, RENEWED_DAYS_BEFORE = 3_650, 90, 30
SERVICES = ("s3", "execute-api", "lambda-url", "sqs", "lambda", "dynamodb", "s3-control")
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def names_of_endpoint(host: str, regions: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """Every name and address under which the endpoint is reached, sorted."""
    names = {"localhost", "*.localhost", "127.0.0.1", "::1", *more}
    for service in SERVICES:
        names |= {f"{service}.localhost", f"*.{service}.localhost"}
        for region in regions:
            names |= {f"{service}.{region}.localhost", f"*.{service}.{region}.localhost"}
    if host not in ("0.0.0.0", "::"):  # noqa: S104  a comparison
        names.add(host)
    return tuple(sorted(names))


class AuthorityDamaged(Hopeless):
    """What was kept is not what `make_authority` made."""


class Certificates:
    """The folder, and what is in it. Several processes may use it at once.

    Args:
        names: what the endpoint is called.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, tuple(names)
        self.authority_path = folder / "ca.pem"
        self.server_path = folder / "server.pem"

    def renew(self, now_s: float) -> bool:
        """Make what is missing, ends soon or lacks a name; whether anything was made."""
        if self._is_good(now_s):
            return False
        with self._alone():
            if self._is_good(now_s):
                return False
            authority = read_or_make(self._folder / "ca-key.pem", lambda: make_authority(now_s))
            try:
                certificate = x509.load_pem_x509_certificate(authority)
            except ValueError:
                raise AuthorityDamaged(
                    f"{self._folder / 'ca-key.pem'} holds no authority: put it back, or remove it for a new one"
                ) from None
            self._put(self.authority_path, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
            self._put(self.server_path, make_server(authority, self._names, now_s), mode=0o600)
        return True

    def _is_good(self, now_s: float) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(self.server_path.read_bytes())
        except (FileNotFoundError, ValueError):  # the second: it is damaged
            return False
        ends_s = certificate.not_valid_after_utc.timestamp()
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return ends_s - now_s > RENEWED_DAYS_BEFORE * 86400 and set(names) == set(_general(self._names))

    def _put(self, path: Path, data: bytes, *, mode: int) -> None:
        fresh = path.with_name(f".{path.name}")
        fresh.unlink(missing_ok=True)
        write_synced(fresh, data)
        fresh.chmod(mode)
        fresh.rename(path)
        sync_folder(self._folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def make_authority(now_s: float) -> bytes:
    """A fresh authority: its private key and its certificate, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(f"Lambent local authority {identifier.digest.hex()[:8]}")
    certificate = (
        _begun(name, name, key, now_s, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _private(key) + certificate.public_bytes(serialization.Encoding.PEM)


def make_server(authority: bytes, names: Sequence[str], now_s: float) -> bytes:
    """A fresh private key and its certificate for `names`, signed by `authority`, and the authority's, as PEM."""
    signer = serialization.load_pem_private_key(authority, password=None)
    issuer = x509.load_pem_x509_certificate(authority)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _begun(_name("localhost"), issuer.subject, key, now_s, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _private(key) + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in (certificate, issuer))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now_s: float, days: int
) -> x509.CertificateBuilder:
    begin = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begin - datetime.timedelta(days=1),  # for clients whose clock is slow
        not_valid_after=begin + datetime.timedelta(days=days),
    )


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in USAGES})


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
