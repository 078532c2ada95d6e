"""The endpoint's TLS as the settings want it: a certificate that is given, or one that Lambent makes and renews.

The supervisor opens it first, so that what is wrong is said at the start; each edge opens it for itself and keeps it
fresh.
"""

import ssl
from pathlib import Path

import msgspec
from cryptography import x509

from lambent.clock import Clock
from lambent.config import Settings
from lambent.gateway.http.certificates import Certificates, names_of_endpoint
from lambent.gateway.http.tls import LOOKED_AT_EVERY_S, Identity, Tls

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on


class TlsKeeper:
    """`tls` is None where the endpoint speaks plain HTTP only.

    Raises:
        OSError: the certificate or its key cannot be used; the message names the file.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._made = _made(settings)
        self.tls: Tls | None = None
        identity = self._identity()
        if identity is not None:
            self._renew()
            try:
                self.tls = Tls(identity)
            except ssl.SSLError as error:
                files = f"{identity.certificate} and {identity.key}"
                raise OSError(f"the certificate and key in {files} cannot be used: {error}") from None

    async def run(self) -> None:
        """Renew what is made and take up what was replaced, for ever."""
        while self.tls is not None:
            await self._clock.sleep(LOOKED_AT_EVERY_S)
            self._renew()
            self.tls.refresh()

    def endpoint(self) -> dict[str, str]:
        """What DATA/run/endpoint.json says of it: the address, and the authority to trust where it is Lambent's own."""
        settings = self._settings
        host = "127.0.0.1" if settings.host in (*ANYWHERE, "localhost") else settings.host
        told = {"endpoint": f"http://{_in_url(host)}:{settings.port}", "region": settings.region}
        if self._made is not None:
            return told | {
                "endpoint": f"https://{_in_url(host)}:{settings.port}",
                "ca_bundle": str(self._made.authority_path),
            }
        if self.tls is not None:
            name = _name_to_use(Path(settings.tls_certificate), host)
            return told | ({"endpoint": f"https://{_in_url(name)}:{settings.port}"} if name else {})
        return told

    def tell_endpoint(self) -> None:
        """Write that file."""
        fresh = self._settings.run / "endpoint.json.new"
        fresh.write_bytes(msgspec.json.encode(self.endpoint()))
        fresh.rename(self._settings.run / "endpoint.json")

    def _renew(self) -> None:
        if self._made is not None:
            self._made.renew(self._clock.machine_s())

    def _identity(self) -> Identity | None:
        if self._made is not None:
            return Identity(self._made.server_path, self._made.server_path)
        settings = self._settings
        if not settings.tls_certificate:
            return None
        return Identity(Path(settings.tls_certificate), Path(settings.tls_key or settings.tls_certificate))


def _made(settings: Settings) -> Certificates | None:
    if not settings.tls:
        return None
    regions = sorted({settings.region, "us-east-1"})
    return Certificates(settings.data / "tls", names_of_endpoint(settings.host, regions, settings.tls_names))


def _name_to_use(path: Path, host: str) -> str:
    """A name that the certificate at `path` is good for, `host` if it can be; "" for none."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    plain = [name for name in names.get_values_for_type(x509.DNSName) if not name.startswith("*")]
    return host if host in addresses + plain else next(iter(plain + addresses), "")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
