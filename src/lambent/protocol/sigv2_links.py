"""Links to objects that were signed by version 2 of the signature, which boto3 makes unless it is told otherwise.

`?AWSAccessKeyId=..&Expires=..&Signature=..`: HMAC-SHA1 over the method, two headers, the time, the `x-amz-` headers and
the resource. Only links: requests signed so in a header are refused, as by AWS's newer Regions.

This version signs a part of the query only. Whoever holds a link can add to the rest, so that nothing there may say
which operation it is, or be taken for a header: names are compared as those who act on them read them, decoded and, of
headers, in any case; and a subresource that the page below does not know is to be signed like those that it does.

Source: S3 User Guide (API version 2006-03-01), "Signing and authenticating REST requests (AWS signature version 2)".
"""

import hmac
import re
from base64 import b64encode
from functools import cache
from urllib.parse import unquote_to_bytes

from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey
from lambent.protocol.models import load_model
from lambent.protocol.router import split_uri
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
# Which of two listings it is, and a word of SDKs for themselves, are all that the query says of an operation unsigned.
UNSIGNED_QUERY = frozenset({"list-type", "x-id"})
_KEY, _SIGNATURE = re.compile("(?:^|&)AWSAccessKeyId="), re.compile("(?:^|&)Signature=")


def is_link(request: HttpRequest) -> bool:
    """Whether the request is such a link."""
    query = request.query
    return "AWSAccessKeyId=" in query and _KEY.search(query) is not None and _SIGNATURE.search(query) is not None


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
    amz = _amz_headers(request, items)
    headers = "".join(f"{name}:{amz[name].strip()}\n" for name in sorted(amz))
    signed = sorted((name, value) for name, value in items if name in SIGNED_QUERY or name in _subresources())
    query = "&".join(f"{name}={value}" if value else name for name, value in signed)
    place = f"{resource}/" if resource.count("/") == 1 and resource != "/" else resource  # of a bucket itself
    whole = f"{place}?{query}" if query else place
    head = [request.method, request.header("content-md5"), request.header("content-type"), dict(items)["Expires"]]
    return "\n".join(head) + f"\n{headers}{whole}"


def _amz_headers(request: HttpRequest, items: list[tuple[str, str]]) -> dict[str, str]:
    """The `x-amz-` headers, wherever they stand. Raises SignatureRefused for one in the query that is not alone."""
    amz: dict[str, str] = {}
    for name, value in request.headers:
        if name.startswith("x-amz-"):
            amz[name] = f"{amz[name]},{value}" if name in amz else value
    for written, value in items:
        name = written.lower()
        if name.startswith("x-amz-"):
            if name in amz:
                raise refusal(Reason.MALFORMED_QUERY, SERVICE, f"{name} must be given only once.")
            amz[name] = value
    return amz


@cache
def _subresources() -> frozenset[str]:
    """What in a query says which operation of S3 it is."""
    model = load_model(SERVICE)
    uris = (model.operation_model(name).http["requestUri"] for name in model.operation_names)
    return frozenset(name for uri in uris for name, _ in split_uri(uri)[1]) - UNSIGNED_QUERY


def _items(query: str) -> list[tuple[str, str]]:
    """The query's items, as octets."""
    pieces = (piece.partition("=") for piece in query.split("&") if piece)
    return [(_decoded(name), _decoded(value)) for name, _, value in pieces]


def _decoded(text: str) -> str:
    return unquote_to_bytes(octets(text.replace("+", " "))).decode("latin-1")
