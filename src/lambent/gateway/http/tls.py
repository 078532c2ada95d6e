"""The endpoint's certificate: what is shown to a client that speaks TLS, and that a replaced file is taken up."""

import ssl
from pathlib import Path

import structlog
from msgspec import Struct

LOOKED_AT_EVERY_S = 60.0

log = structlog.get_logger()


class Identity(Struct, frozen=True):
    """Where the endpoint's certificate (with those between it and its authority) and its key lie."""

    certificate: Path
    key: Path


class Tls:
    """The endpoint's TLS: what is shown to a client that comes now. Replaced files are taken up by `refresh`.

    Raises:
        OSError: the files are not there, or are no certificate with its key (ssl.SSLError is one).
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._seen = _stamps(identity)
        self.context = context_of(identity)

    def refresh(self) -> None:
        """Show the certificate that lies there now; the old one, and a warning, while that cannot be read."""
        try:
            stamps = _stamps(self._identity)
            if stamps != self._seen:
                self.context, self._seen = context_of(self._identity), stamps
                log.info("a new certificate", action="tls.renewed", path=str(self._identity.certificate))
        except OSError as error:
            log.warning(f"the certificate cannot be read: {error}", action="tls.unreadable")


def context_of(identity: Identity) -> ssl.SSLContext:
    """What a server with this certificate speaks: TLS 1.2 and 1.3, HTTP/1.1. Raises OSError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(identity.certificate, identity.key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _stamps(identity: Identity) -> list[tuple[int, int]]:
    found = (path.stat() for path in (identity.certificate, identity.key))
    return [(each.st_mtime_ns, each.st_ino) for each in found]
