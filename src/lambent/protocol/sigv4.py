"""Verification of AWS Signature Version 4: who claims to have signed, and whether they did.

Knows: the string to sign, the clock rules, what must be signed. Does not know: where keys are
kept, or what a principal may do. No I/O.

    credential = credential_of(request)      # who claims it; nothing is believed yet
    verify(request, credential, key, now_s)  # raises unless the claim is true

Every Invoke passes here, so what repeats from request to request is remembered in bounded
caches: the head of the Authorization header (the same for a client all day), the parsed date,
canonical paths, and the signing key as two hash states that are ready to be copied.
Characters of a request stand for octets (latin-1), as the gateway reads them.

Sources: AWS General Reference, "Create a signed AWS API request"; S3 API Reference,
"Authenticating Requests: Using Query Parameters" and "Signature Calculations".
"""

import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey
from lambent.protocol.sigv4_canonical import (
    canonical_path,
    canonical_query,
    canonical_s3_path,
    joined,
    octets,
    trimmed,
    without_signature,
)
from lambent.protocol.sigv4_credential import ALGORITHM, TERMINATOR, Credential, credential_of, epoch_s, stamp_of
from lambent.protocol.sigv4_refusals import (
    Family,
    Reason,
    SignatureRefused,
    expired_link,
    family_of,
    mismatch,
    refusal,
    skewed,
)

__all__ = ["Credential", "SignatureRefused", "credential_of", "sign", "unknown_key", "verify"]

EMPTY_SHA256 = sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
STREAMING = frozenset(
    {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    }
)
_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


def verify(
    request: HttpRequest,
    credential: Credential,
    key: AccessKey,
    now_s: float,
    skew_s: float = 900.0,
    *,
    body_follows: bool = False,
) -> None:
    """Return when `key` signed `request`, body included, and may do so now.

    A body in one of the STREAMING forms is for `chunked` to verify, from this signature on. With `body_follows` it is
    for whoever reads the body to compare its SHA-256 with the one that `x-amz-content-sha256` declares, if it does.

    Raises:
        SignatureRefused: with the code and words of the service's protocol family.
    """
    check_key(credential, key, now_s)
    check_time(credential, now_s, skew_s)
    fields = dict(request.headers)
    if len(fields) != len(request.headers):
        fields = joined(request.headers)
    check_signed_headers(credential, fields)
    payload = declared_payload(request, credential, fields)
    expected = _signature_of(request, credential, key, fields, payload)
    if not hmac.compare_digest(expected, octets(credential.signature)):
        canonical = _canonical_request(request, credential, fields, payload)
        to_sign = _string_to_sign(credential, canonical)
        raise mismatch(credential.service, credential.access_key_id, credential.signature, to_sign, canonical)
    if not body_follows and "x-amz-content-sha256" in fields and _HEX_SHA256.fullmatch(payload):
        check_payload(request.body, payload, credential.service)


def unknown_key(service: str) -> SignatureRefused:
    """The error for an access key id that nobody has, or that is switched off."""
    return refusal(Reason.UNKNOWN_KEY, service)


def check_key(credential: Credential, key: AccessKey, now_s: float) -> None:
    """The key is switched on, has not ended, and came with its own session token."""
    if not key.active or key.access_key_id != credential.access_key_id:
        raise unknown_key(credential.service)
    if credential.token != key.session_token and not hmac.compare_digest(
        octets(credential.token), octets(key.session_token)
    ):
        raise refusal(Reason.WRONG_TOKEN, credential.service)
    if key.expires_s and now_s >= key.expires_s:
        raise refusal(Reason.EXPIRED_TOKEN, credential.service)


def check_time(credential: Credential, now_s: float, skew_s: float) -> None:
    """The request's time is near enough to ours, and a presigned request still lives."""
    stamp, service = credential.amz_date, credential.service
    try:
        signed_s = epoch_s(stamp)
    except ValueError:
        words = f"Date must be in ISO-8601 'basic format'. Got '{stamp}'. See http://en.wikipedia.org/wiki/ISO_8601"
        raise refusal(Reason.MALFORMED, service, words) from None
    if not stamp.startswith(credential.date):
        words = (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{credential.date}' != '{stamp[:8]}', from '{stamp}'."
        )
        raise refusal(Reason.MISMATCH, service, words)
    lifetime_s = credential.expires_s if credential.presigned else skew_s
    if signed_s - now_s > skew_s:
        late = stamp_of(now_s + skew_s)
        words = (
            f"Signature not yet current: {stamp} is still later than {late} ({stamp_of(now_s)} + {skew_s / 60:g} min.)"
        )
        raise skewed(service, stamp, now_s, skew_s, words)
    if now_s - signed_s > lifetime_s:
        raise _too_old(credential, now_s, lifetime_s)


def check_signed_headers(credential: Credential, fields: Mapping[str, str]) -> None:
    """What must be signed is: `host` always, S3's `x-amz-` headers, and what names the operation."""
    signed = credential.signed_headers
    if "host" not in signed:
        words = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        raise refusal(Reason.HEADERS, credential.service, words)
    if "x-amz-target" in fields and "x-amz-target" not in signed:
        words = "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."
        raise refusal(Reason.HEADERS, credential.service, words)
    if family_of(credential.service) is Family.S3:
        missing = [name for name in fields if name.startswith("x-amz-") and name not in signed]
        if missing:
            raise refusal(Reason.HEADERS, credential.service, HeadersNotSigned=", ".join(missing))


def declared_payload(request: HttpRequest, credential: Credential, fields: Mapping[str, str]) -> str:
    """The last line of the canonical request: the hash that the client declared, or the body's own."""
    declared = fields.get("x-amz-content-sha256")
    if family_of(credential.service) is not Family.S3:
        # Only S3 lets a body go unsigned; elsewhere a declared word other than the hash cannot match.
        return sha256(request.body).hexdigest() if request.body else EMPTY_SHA256
    if declared is None:
        if credential.presigned:
            return UNSIGNED_PAYLOAD
        raise SignatureRefused(
            Reason.PAYLOAD, "InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256"
        )
    if declared == UNSIGNED_PAYLOAD or declared in STREAMING or _HEX_SHA256.fullmatch(declared):
        return declared
    words = f"x-amz-content-sha256 must be {UNSIGNED_PAYLOAD}, {', '.join(sorted(STREAMING))} or a valid sha256 value."
    raise SignatureRefused(Reason.PAYLOAD, "InvalidArgument", 400, words)


def check_payload(body: bytes, declared: str, service: str) -> None:
    """`body` has the SHA-256 that was signed for it."""
    computed = sha256(body).hexdigest()
    if not hmac.compare_digest(computed, declared):
        raise refusal(Reason.PAYLOAD, service, ClientComputedContentSHA256=declared, S3ComputedContentSHA256=computed)


def sign(secret: str, credential: Credential, string_to_sign: bytes) -> str:
    """The signature of `string_to_sign` with the key of the credential's scope, in hexadecimal."""
    inner, outer = _signing_states(secret, credential.date, credential.region, credential.service)
    first, second = inner.copy(), outer.copy()
    first.update(string_to_sign)
    second.update(first.digest())
    return str(second.hexdigest())


def _signature_of(
    request: HttpRequest, credential: Credential, key: AccessKey, fields: Mapping[str, str], payload: str
) -> bytes:
    canonical = _canonical_request(request, credential, fields, payload)
    return sign(key.secret, credential, octets(_string_to_sign(credential, canonical))).encode()


def _canonical_request(request: HttpRequest, credential: Credential, fields: Mapping[str, str], payload: str) -> str:
    presigned = credential.presigned
    query = without_signature(request.query) if presigned else request.query
    return "\n".join(
        (
            request.method,
            canonical_s3_path(request.path)
            if family_of(credential.service) is Family.S3
            else canonical_path(request.path),
            canonical_query(query) if query else "",
            _header_lines(credential, fields),
            ";".join(credential.signed_headers),
            payload,
        )
    )


def _string_to_sign(credential: Credential, canonical: str) -> str:
    digest = sha256(octets(canonical)).hexdigest()
    return f"{ALGORITHM}\n{credential.amz_date}\n{credential.scope}\n{digest}"


def _header_lines(credential: Credential, fields: Mapping[str, str]) -> str:
    try:
        values = [fields[name] for name in credential.signed_headers]
    except KeyError:  # it was signed, and is not there
        raise refusal(Reason.MISMATCH, credential.service) from None
    lines = "".join([f"{name}:{value}\n" for name, value in zip(credential.signed_headers, values, strict=True)])
    if "  " in lines or "\t" in lines or ": " in lines or " \n" in lines:
        pairs = zip(credential.signed_headers, values, strict=True)
        lines = "".join([f"{name}:{trimmed(value)}\n" for name, value in pairs])
    return lines


@lru_cache(maxsize=4096)
def _signing_states(secret: str, date: str, region: str, service: str) -> tuple[Any, Any]:
    """The signing key as the two SHA-256 states of its HMAC: copying them is half of the cost."""
    key = f"AWS4{secret}".encode()
    for word in (date, region, service, TERMINATOR):
        key = hmac.digest(key, word.encode(), "sha256")
    block = key.ljust(64, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))


def _too_old(credential: Credential, now_s: float, lifetime_s: float) -> SignatureRefused:
    limit, minutes = stamp_of(now_s - lifetime_s), f"{lifetime_s / 60:g}"
    words = f"Signature expired: {credential.amz_date} is now earlier than {limit} ({stamp_of(now_s)} - {minutes} min.)"
    if not credential.presigned:
        return skewed(credential.service, credential.amz_date, now_s, lifetime_s, words)
    ends_s = epoch_s(credential.amz_date) + lifetime_s
    return expired_link(credential.service, ends_s, now_s, words, **{"X-Amz-Expires": credential.expires_s})
