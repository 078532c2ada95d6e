"""A registry that speaks the OCI distribution API, as a source of images.

Only registries that the operator names are asked, over TLS unless named with http://. What a registry wants to
know of us `logins` finds: a name and password for itself (Basic), or for the token server that it names (Bearer).
A blob may be elsewhere (redirects, to an object store as a rule): there we go without credentials.

Source: OCI distribution specification; Docker's "Token Authentication Specification".
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
import urllib3
from msgspec import Struct

from lambent.images.api import ImageError, invalid
from lambent.images.logins import login_of
from lambent.images.manifest import INDEXES, MANIFESTS, MOST_BYTES
from lambent.images.reference import Reference

TIMEOUT = urllib3.Timeout(connect=10.0, read=60.0)
RETRIES = urllib3.Retry(
    total=3, backoff_factor=0.3, redirect=0, status_forcelist=(502, 503, 504), raise_on_status=False
)
PIECE_BYTES = 256 * 1024
MOST_HOPS, TOKEN_BYTES = 5, 1024 * 1024
ACCEPT = ", ".join((*MANIFESTS, *INDEXES))
PLAIN = "http://"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class RegistrySettings(Struct, frozen=True):
    """What the operator says: `allowed` hosts (with http:// in front: without TLS), a file of certificate authorities
    and a Docker configuration file; empty for none."""

    allowed: tuple[str, ...] = ()
    authorities: str = ""
    credentials: str = ""

    def allows(self, host: str) -> bool:
        """Whether images may be pulled from there."""
        return host in self.allowed or PLAIN + host in self.allowed

    def url(self, host: str) -> str:
        """Where a registry is. Raises ImageError for one that the operator has not named."""
        if host in self.allowed:
            return f"https://{host}"
        if PLAIN + host in self.allowed:
            return PLAIN + host
        raise ImageError(
            "denied", f"the registry {host} is not among those that this server pulls from (--image-registry {host})"
        )


class Registry:
    """Implements `Source` for the images of one name."""

    def __init__(self, reference: Reference, settings: RegistrySettings) -> None:
        self._reference, self._url = reference, settings.url(reference.host)
        self._pool = urllib3.PoolManager(ca_certs=settings.authorities or None, timeout=TIMEOUT, retries=RETRIES)
        self._login = login_of(settings.credentials, reference.host)
        self._authorization = ""

    def manifest(self, reference: str) -> bytes:
        """See `Source`."""
        answer = self._ask(f"manifests/{reference}", {"Accept": ACCEPT})
        try:
            return _limited(answer, MOST_BYTES)
        finally:
            answer.release_conn()

    def blob(self, digest: str) -> Iterator[bytes]:
        """See `Source`."""
        answer = self._ask(f"blobs/{digest}", {})
        try:
            yield from answer.stream(PIECE_BYTES, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        finally:
            answer.close()

    def _ask(self, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        url = f"{self._url}/v2/{self._reference.name}/{path}"
        answer = self._get(url, headers)
        if answer.status == 401 and (challenge := answer.headers.get("WWW-Authenticate")):
            answer.drain_conn()
            self._authorization = self._answer_to(challenge)
            answer = self._get(url, headers)
        if answer.status == 200:
            return answer
        answer.drain_conn()
        raise self._refused(answer.status, path)

    def _get(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        given = {**headers, "Authorization": self._authorization} if self._authorization else headers
        answer = self._request(url, given)
        for _ in range(MOST_HOPS):
            target = answer.get_redirect_location()
            if not target:
                return answer
            url = urljoin(url, target)
            self._check_scheme(url)
            answer.drain_conn()
            answer = self._request(url, headers)
        raise invalid(f"the registry {self._reference.host} redirects in a circle")

    def _request(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error) from error

    def _check_scheme(self, url: str) -> None:
        if not url.startswith("https://") and not self._url.startswith(PLAIN):
            raise ImageError(
                "denied", f"the registry {self._reference.host} leads to {urlsplit(url).scheme}, not https"
            )

    def _answer_to(self, challenge: str) -> str:
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._login:
            return f"Basic {self._login}"
        if scheme.lower() != "bearer":
            raise self._refused(401, "")
        asked = dict(_PARAMETER.findall(rest))
        query = urlencode({name: asked[name] for name in ("service", "scope") if name in asked})
        url = f"{asked.get('realm', '')}?{query}"
        self._check_scheme(url)
        answer = self._request(url, {"Authorization": f"Basic {self._login}"} if self._login else {})
        if answer.status != 200:
            answer.drain_conn()
            raise self._refused(answer.status, "")
        return f"Bearer {_token(_limited(answer, TOKEN_BYTES))}"

    def _refused(self, status: int, path: str) -> ImageError:
        host = self._reference.host
        if status in (401, 403):
            return ImageError("denied", f"the registry {host} does not let this server read {self._reference.name}")
        if status == 404:
            return ImageError("missing", f"the registry {host} has no {self._reference.name} {path}")
        return ImageError("unreachable", f"the registry {host} answered {status}")

    def _unreachable(self, error: Exception) -> ImageError:
        reason = getattr(error, "reason", None) or error
        return ImageError("unreachable", f"the registry {self._reference.host} cannot be reached: {reason}")


def _limited(answer: urllib3.BaseHTTPResponse, most_bytes: int) -> bytes:
    data = bytearray()
    try:
        for piece in answer.stream(PIECE_BYTES, decode_content=True):
            data += piece
            if len(data) > most_bytes:
                raise invalid("the registry's answer is too large")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ImageError("unreachable", f"the registry's answer broke off: {error}") from error
    return bytes(data)


class _Token(Struct):
    token: str = ""
    access_token: str = ""


def _token(data: bytes) -> str:
    try:
        found = msgspec.json.decode(data, type=_Token)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ImageError("unreachable", f"the registry's token cannot be read: {error}") from error
    return found.token or found.access_token
