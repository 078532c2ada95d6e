"""Links to objects that were signed by version 2 of the signature, which boto3 makes unless it is told otherwise.

`?AWSAccessKeyId=..&Expires=..&Signature=..`: HMAC-SHA1 over the method, two headers, the time, the `x-amz-` headers and
the resource. Only links: requests signed so in a header are refused, as by AWS's newer Regions.

Source: S3 User Guide (API version 2006-03-01), "Signing and authenticating REST requests (AWS signature version 2)".
"""

import hmac
from base64 import b64encode
from urllib.parse import unquote_to_bytes

from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey
from lambent.protocol.sigv4_canonical import octets
from lambent.protocol.sigv4_credential import Credential
from lambent.protocol.sigv4_refusals import Reason, expired_link, mismatch, refusal

SERVICE, REGION = "s3", "us-east-1"
SIGNED_QUERY = frozenset(
    {
        *("acl", "accelerate", "cors", "defaultObjectAcl", "location", "logging", "partNumber", "policy", "tagging"),
        *("requestPayment", "torrent", "versioning", "versionId", "versions", "website", "uploads", "uploadId"),
        *("response-content-type", "response-content-language", "response-expires", "response-cache-control"),
        *("response-content-disposition", "response-content-encoding", "delete", "lifecycle", "restore"),
        *("storageClass", "notification", "replication", "analytics", "metrics", "inventory", "select"),
        *("select-type", "object-lock"),
    }
)


def is_link(request: HttpRequest) -> bool:
    """Whether the request is such a link."""
    return "AWSAccessKeyId=" in request.query and "Signature=" in request.query


def credential_of_link(request: HttpRequest) -> Credential:
    """Who claims to have signed it. Raises SignatureRefused."""
    found = dict(_items(request.query))
    if not found.get("Expires", "").isdecimal() or len(found["Expires"]) > 15:
        raise refusal(Reason.MALFORMED_QUERY, SERVICE, "Query-string authentication requires Expires in seconds.")
    token = found.get("x-amz-security-token", request.header("x-amz-security-token"))
    return Credential(
        found["AWSAccessKeyId"], "", REGION, SERVICE, (), found.get("Signature", ""), found["Expires"], True, 0, token
    )


def verify_link(request: HttpRequest, resource: str, credential: Credential, key: AccessKey, now_s: float) -> None:
    """Return when `key` signed it, and it still lives. `resource` is the path with the bucket in it.

    Raises:
        SignatureRefused: it did not.
    """
    if key.session_token != credential.token or (key.expires_s and now_s >= key.expires_s):
        raise refusal(Reason.WRONG_TOKEN, SERVICE)
    to_sign = _to_sign(request, resource)
    expected = b64encode(hmac.digest(key.secret.encode(), octets(to_sign), "sha1"))
    if not hmac.compare_digest(expected, octets(credential.signature)):
        raise mismatch(SERVICE, credential.access_key_id, credential.signature, to_sign)
    if now_s > int(credential.amz_date):
        raise expired_link(SERVICE, int(credential.amz_date), now_s)


def _to_sign(request: HttpRequest, resource: str) -> str:
    items = _items(request.query)
    given = dict(items)
    amz: dict[str, str] = {}
    for name, value in [*request.headers, *((n, v) for n, v in items if n.startswith("x-amz-"))]:
        if name.startswith("x-amz-"):
            amz[name] = f"{amz[name]},{value}" if name in amz else value
    headers = "".join(f"{name}:{amz[name].strip()}\n" for name in sorted(amz))
    signed = sorted((name, value) for name, value in items if name in SIGNED_QUERY)
    query = "&".join(f"{name}={value}" if value else name for name, value in signed)
    whole = f"{resource}?{query}" if query else resource
    head = [request.method, request.header("content-md5"), request.header("content-type"), given["Expires"]]
    return "\n".join(head) + f"\n{headers}{whole}"


def _items(query: str) -> list[tuple[str, str]]:
    """The query's items, as octets."""
    pieces = (piece.partition("=") for piece in query.split("&") if piece)
    return [(name, unquote_to_bytes(octets(value.replace("+", " "))).decode("latin-1")) for name, _, value in pieces]
