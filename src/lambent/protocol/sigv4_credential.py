"""Reading the claim in a request: who says that they signed it, with which key, and when.

Knows: the Authorization header and the presigned query. Nothing here is believed yet: `sigv4`
verifies it. The head of the header (all but the signature) is the same for a client all day,
so its parsed form is remembered in a bounded cache.

Sources: AWS General Reference, "Authentication methods"; S3 API Reference, "Authenticating
Requests: Using Query Parameters".
"""

import re
from calendar import timegm
from email.utils import parsedate_tz
from functools import lru_cache
from time import gmtime, strftime, strptime
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from lambent.model.http import HttpRequest
from lambent.protocol.sigv4_canonical import octets
from lambent.protocol.sigv4_refusals import Family, Reason, family_of, refusal

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
SPACE = " \t"
LONGEST_LINK_S = 604_800  # S3 API Reference: X-Amz-Expires is at most seven days
_STAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_SCOPE_WORD = re.compile(r"[A-Za-z0-9_.\-]+")
_QUERY_FIELDS = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


class Scope(Struct, frozen=True):
    """What a client signs the same way all day: the credential scope and the headers' names."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]


class Credential(Struct, frozen=True):
    """A claim, not yet verified. `expires_s` is a presigned request's lifetime, else 0."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    amz_date: str
    presigned: bool = False
    expires_s: int = 0
    token: str = ""

    @property
    def scope(self) -> str:
        """`20260101/us-east-1/lambda/aws4_request`."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


def credential_of(request: HttpRequest, service: str = "") -> Credential:
    """Read who claims to have signed `request`; nothing is verified.

    Args:
        request: the request.
        service: the signing name to answer an unsigned request for, where the caller knows it.

    Raises:
        SignatureRefused: there is no signature, or its form is wrong.
    """
    fields = dict(request.headers)
    authorization = fields.get("authorization")
    presigned = "X-Amz-Algorithm=" in request.query or "X-Amz-Signature=" in request.query
    if authorization is None:
        if presigned:
            return _from_query(request.query)
        raise refusal(Reason.UNSIGNED, service)
    if presigned:
        raise refusal(Reason.MALFORMED, service, "Only one authentication mechanism is allowed in a request.")
    head, _, signature = authorization.rpartition("Signature=")
    head = head.rstrip(SPACE)
    if not head.endswith(",") or "," in signature:  # not last, or not there: bring it to where the cache can work
        head, signature = _signature_last(authorization, service)
    scope = _scope_of_header(head)
    return Credential(
        scope.access_key_id,
        scope.date,
        scope.region,
        scope.service,
        scope.signed_headers,
        signature.strip(SPACE),
        fields.get("x-amz-date") or _date_header(fields.get("date", ""), scope.service),
        token=fields.get("x-amz-security-token", ""),
    )


@lru_cache(maxsize=4096)
def epoch_s(stamp: str) -> int:
    if not _STAMP.fullmatch(stamp):
        raise ValueError(stamp)
    return timegm(strptime(stamp, "%Y%m%dT%H%M%SZ"))


def stamp_of(epoch_s: float) -> str:
    return strftime("%Y%m%dT%H%M%SZ", gmtime(epoch_s))


def _date_header(date: str, service: str) -> str:
    """The stamp of a `Date` header, for clients that send no X-Amz-Date."""
    if not date:
        words = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        raise refusal(Reason.MALFORMED, service, words)
    parsed = parsedate_tz(date)
    if parsed is None or _STAMP.fullmatch(date):
        return date  # `check_time` says what is wrong with it, if anything is
    try:
        return stamp_of(timegm(parsed[:9]) - (parsed[9] or 0))
    except (ValueError, OverflowError):  # a year that no calendar has
        return date


@lru_cache(maxsize=4096)
def _scope_of_header(head: str) -> Scope:
    """Parse `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=...,`, all but the signature."""
    algorithm, _, rest = head.strip(SPACE).partition(" ")
    found = _parameters(rest)
    service = _service_of(found.get("Credential", ""))
    if algorithm != ALGORITHM:
        words = f"Unsupported AWS 'algorithm': '{algorithm}'." if algorithm.startswith("AWS4-") else ""
        raise refusal(Reason.MALFORMED if words else Reason.UNSIGNED, service, words)
    missing = [name for name in ("Credential", "SignedHeaders") if not found.get(name)]
    if missing:
        words = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise refusal(Reason.MALFORMED, service, words)
    return _scope(found["Credential"], found["SignedHeaders"], Reason.MALFORMED)


def _signature_last(authorization: str, service: str) -> tuple[str, str]:
    algorithm, _, rest = authorization.strip(SPACE).partition(" ")
    found = _parameters(rest)
    signature = found.pop("Signature", "")
    if not signature:
        known = _service_of(found.get("Credential", "")) or service
        if not algorithm.startswith("AWS4-"):
            raise refusal(Reason.UNSIGNED, known)
        raise refusal(Reason.MALFORMED, known, "Authorization header requires 'Signature' parameter.")
    return f"{algorithm} " + "".join(f"{name}={value}," for name, value in found.items()), signature


def _parameters(text: str) -> dict[str, str]:
    pieces = (piece.strip(SPACE).partition("=") for piece in text.split(","))
    return {name: value for name, _, value in pieces if name}


def _service_of(credential: str) -> str:
    pieces = credential.rsplit("/", 2)
    return pieces[1] if len(pieces) == 3 else ""


def _scope(credential: str, signed_headers: str, reason: Reason) -> Scope:
    words = credential.split("/")
    service = _service_of(credential)
    if len(words) != 5 or not all(map(_SCOPE_WORD.fullmatch, words)):
        message = (
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
        raise refusal(reason, service, message)
    if words[4] != TERMINATOR:
        message = f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{words[4]}'."
        raise refusal(reason, service, message)
    return Scope(words[0], words[1], words[2], words[3], tuple(signed_headers.split(";")))


def _from_query(query: str) -> Credential:
    found = _auth_parameters(query)
    service = _service_of(found.get("Credential", ""))
    missing = [name for name in _QUERY_FIELDS if name not in found]
    if family_of(service) is not Family.S3 and missing == ["Expires"]:
        found["Expires"], missing = "900", []
    if missing:
        words = "".join(f"AWS query-string parameters must include 'X-Amz-{name}'. " for name in missing)
        raise refusal(Reason.MALFORMED_QUERY, service, words + "Re-examine the query-string parameters.")
    if found["Algorithm"] != ALGORITHM:
        words = f"Unsupported AWS 'algorithm': '{found['Algorithm']}'."
        raise refusal(Reason.MALFORMED_QUERY, service, words)
    scope = _scope(found["Credential"], found["SignedHeaders"], Reason.MALFORMED_QUERY)
    return Credential(
        scope.access_key_id,
        scope.date,
        scope.region,
        scope.service,
        scope.signed_headers,
        found["Signature"],
        found["Date"],
        presigned=True,
        expires_s=_expires_s(found["Expires"], service),
        token=found.get("Security-Token", ""),
    )


def _auth_parameters(query: str) -> dict[str, str]:
    """The `X-Amz-` parameters by the rest of their names; one that is given twice is refused."""
    found: dict[str, str] = {}
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if name.startswith("X-Amz-"):
            if name[6:] in found:
                raise refusal(Reason.MALFORMED_QUERY, "", f"{name} must be given only once.")
            found[name[6:]] = unquote_to_bytes(octets(value)).decode("latin-1")
    return found


def _expires_s(text: str, service: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise refusal(Reason.MALFORMED_QUERY, service, "X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 0:
        raise refusal(Reason.MALFORMED_QUERY, service, "X-Amz-Expires must be non-negative")
    if seconds > LONGEST_LINK_S:
        words = (
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less "
            f"than {LONGEST_LINK_S} seconds"
        )
        raise refusal(Reason.MALFORMED_QUERY, service, words)
    return seconds
