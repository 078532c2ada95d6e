"""What AWS answers when a signature is not good enough: one table, by protocol family and reason.

Knows: which signing name belongs to which family, and each family's codes, statuses and words.
Does not know: how a signature is checked (`sigv4`), or HTTP wire forms (`gateway`).

Sources: S3 API Reference, "Error responses"; the "Common errors" pages of IAM, STS and Lambda;
the "Error handling" page of DynamoDB (which answers 400 where the REST services answer 403);
for words that no page has, what AWS is on record to have answered (AWS re:Post and issue threads).
"""

from enum import Enum
from time import gmtime, strftime
from typing import Any

from lambent.errors import ServiceError
from lambent.protocol.sigv4_canonical import octets

Family = Enum("Family", "S3 QUERY JSON REST")


class Reason(Enum):
    """Why a request is turned away at the door."""

    UNSIGNED = "there is no signature at all"
    MALFORMED = "the Authorization header cannot be understood"
    MALFORMED_QUERY = "the presigned query cannot be understood"
    MISMATCH = "the signature is not the one that the key gives"
    UNKNOWN_KEY = "nobody has this access key, or it is switched off"
    WRONG_TOKEN = "the session token does not belong to the key"  # noqa: S105
    EXPIRED_TOKEN = "the temporary credentials have ended"  # noqa: S105
    SKEWED = "the clocks differ by too much"
    EXPIRED_LINK = "the presigned request has expired"
    PAYLOAD = "the body is not the one that was hashed"
    HEADERS = "a header that must be signed is not"


FAMILIES = {
    **dict.fromkeys(("s3", "s3-outposts", "s3-object-lambda", "s3express"), Family.S3),
    **dict.fromkeys(
        ("iam", "sts", "sns", "sqs", "monitoring", "cloudformation", "ec2", "autoscaling", "rds"), Family.QUERY
    ),
    **dict.fromkeys(
        ("dynamodb", "logs", "events", "kinesis", "ssm", "secretsmanager", "states", "kms", "ecr", "tagging"),
        Family.JSON,
    ),
}

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)
_INVALID = "The security token included in the request is invalid."
_ENDED = "The security token included in the request is expired"
_MISSING = "Request is missing Authentication Token"

_S3 = {
    Reason.UNSIGNED: ("AccessDenied", 403, "Access Denied"),
    Reason.MALFORMED: ("AuthorizationHeaderMalformed", 400, "The authorization header is malformed"),
    Reason.MALFORMED_QUERY: ("AuthorizationQueryParametersError", 400, "The query parameters are malformed"),
    Reason.MISMATCH: (
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing method.",
    ),
    Reason.UNKNOWN_KEY: (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    Reason.WRONG_TOKEN: ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
    Reason.EXPIRED_TOKEN: ("ExpiredToken", 400, "The provided token has expired."),
    Reason.SKEWED: (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    Reason.EXPIRED_LINK: ("AccessDenied", 403, "Request has expired"),
    Reason.PAYLOAD: (
        "XAmzContentSHA256Mismatch",
        400,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
    Reason.HEADERS: ("AccessDenied", 403, "There were headers present in the request which were not signed"),
}
_QUERY = {
    Reason.UNSIGNED: ("MissingAuthenticationToken", 403, _MISSING),
    Reason.MALFORMED: ("IncompleteSignature", 400, ""),
    Reason.MALFORMED_QUERY: ("IncompleteSignature", 400, ""),
    Reason.MISMATCH: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Reason.UNKNOWN_KEY: ("InvalidClientTokenId", 403, _INVALID),
    Reason.WRONG_TOKEN: ("InvalidClientTokenId", 403, _INVALID),
    Reason.EXPIRED_TOKEN: ("ExpiredToken", 403, _ENDED),
    Reason.SKEWED: ("SignatureDoesNotMatch", 403, ""),
    Reason.EXPIRED_LINK: ("SignatureDoesNotMatch", 403, ""),
    Reason.PAYLOAD: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Reason.HEADERS: ("SignatureDoesNotMatch", 403, ""),
}


def _json(status: int) -> dict[Reason, tuple[str, int, str]]:
    return {
        Reason.UNSIGNED: ("MissingAuthenticationTokenException", status, "Missing Authentication Token"),
        Reason.MALFORMED: ("IncompleteSignatureException", 400, ""),
        Reason.MALFORMED_QUERY: ("IncompleteSignatureException", 400, ""),
        Reason.MISMATCH: ("InvalidSignatureException", status, _MISMATCH),
        Reason.UNKNOWN_KEY: ("UnrecognizedClientException", status, _INVALID),
        Reason.WRONG_TOKEN: ("UnrecognizedClientException", status, _INVALID),
        Reason.EXPIRED_TOKEN: ("ExpiredTokenException", status, _ENDED),
        Reason.SKEWED: ("InvalidSignatureException", status, ""),
        Reason.EXPIRED_LINK: ("InvalidSignatureException", status, ""),
        Reason.PAYLOAD: ("InvalidSignatureException", status, _MISMATCH),
        Reason.HEADERS: ("InvalidSignatureException", status, ""),
    }


REFUSALS: dict[Family, dict[Reason, tuple[str, int, str]]] = {
    Family.S3: _S3,
    Family.QUERY: _QUERY,
    Family.JSON: _json(400),
    Family.REST: _json(403),
}


class SignatureRefused(ServiceError):
    """The door stays shut; `reason` says why, in our own words, for logs and tests."""

    def __init__(self, reason: Reason, code: str, status: int, message: str, **members: Any) -> None:
        super().__init__(message, **members)
        self.reason, self.code, self.status = reason, code, status


def family_of(service: str) -> Family:
    """The protocol family of a signing name; REST-JSON, Lambda's own, for all that the table lacks."""
    return FAMILIES.get(service, Family.REST)


def refusal(reason: Reason, service: str, words: str = "", **members: Any) -> SignatureRefused:
    """The error to raise. `words` replace the family's message; S3 keeps its own for time."""
    family = family_of(service)
    code, status, message = REFUSALS[family][reason]
    if family is Family.S3 and reason is Reason.EXPIRED_LINK:
        words = ""
    return SignatureRefused(reason, code, status, words or message, **members)


def mismatch(service: str, access_key_id: str, signature: str, to_sign: str, canonical: str = "") -> SignatureRefused:
    """The signature is another one. S3 tells what it was to be of, so that the signer can be set right."""
    if family_of(service) is not Family.S3:
        return refusal(Reason.MISMATCH, service)
    members = {
        "AWSAccessKeyId": access_key_id,
        "StringToSign": to_sign,
        "SignatureProvided": signature,
        "StringToSignBytes": octets(to_sign).hex(" "),
    }
    if canonical:
        members |= {"CanonicalRequest": canonical, "CanonicalRequestBytes": octets(canonical).hex(" ")}
    return refusal(Reason.MISMATCH, service, **members)


def skewed(service: str, amz_date: str, now_s: float, most_s: float, words: str) -> SignatureRefused:
    """The request was signed too long ago, or ahead. S3 tells both times, and how much they may differ."""
    if family_of(service) is not Family.S3:
        return refusal(Reason.SKEWED, service, words)
    return refusal(
        Reason.SKEWED,
        service,
        RequestTime=amz_date,
        ServerTime=_iso(now_s),
        MaxAllowedSkewMilliseconds=int(most_s * 1000),
    )


def expired_link(service: str, ends_s: float, now_s: float, words: str = "", **members: Any) -> SignatureRefused:
    """A link that has ended. S3 tells when, and what time it is."""
    if family_of(service) is not Family.S3:
        return refusal(Reason.EXPIRED_LINK, service, words)
    times = {"Expires": _iso(ends_s), "ServerTime": _iso(now_s)}
    return refusal(Reason.EXPIRED_LINK, service, words, **members, **times)


def _iso(epoch_s: float) -> str:
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(epoch_s))
