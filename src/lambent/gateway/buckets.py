"""Which bucket a request names by its Host, and which requests are S3's at all. Pure.

`http://BUCKET.s3.localhost/KEY`, also with a Region, under any domain, and `http://BUCKET.localhost/KEY`, which
SDKs make of an endpoint called localhost, mean what `http://HOST/BUCKET/KEY` does.

A link's `x-amz-` parameters, and its conditions, mean what headers of these names do: signers move such headers into
the query. A link's
maker cannot know the body, though, so that what its parameters say of a checksum is nothing, as on AWS.

Sources: S3 User Guide, "Virtual hosting of general purpose buckets"; S3 API reference, "Authenticating Requests: Using
Query Parameters"; what the signers of boto3 and of the SDK for JavaScript put into links.
"""

import re
from urllib.parse import parse_qsl, unquote

from msgspec import structs

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest
from lambent.protocol.sigv2_links import is_link
from lambent.protocol.wires import wire_for

HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}?[a-z0-9])\.(?:s3(?:[.-][a-z0-9-]+)*\.[a-z0-9.-]+|localhost)(?::\d+)?"
)
NO_BUCKET = re.compile(r"s3[.-].*|.*\.s3|s3")
NO_STORAGE = re.compile(r"\.(?:lambda-url|execute-api)\.")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# What the paths of the other services begin with, where a bucket could be called so: dates (Lambda), accounts (queues).
OTHERS = re.compile(
    r"\d{4}-\d\d-\d\d|\d{12}|service|account|apikeys|clientcertificates|domainnames|domainnameaccessassociations"
    r"|rejectdomainnameaccessassociations|restapis|schedules|schedule-groups|sdktypes|tags|usageplans|vpclinks"
)
SIGNED_QUERY = re.compile(r"(?:^|&)(?:X-Amz-(?:Algorithm|Signature|Credential)|AWSAccessKeyId|Signature)=")
FORM = "multipart/form-data"
STREAMED = frozenset({"PutObject", "UploadPart"})
MOVED = re.compile(
    r"if-(?:none-)?match|x-amz-(?!(?:algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256"
    r"|sdk-checksum-algorithm|checksum-(?!mode$|algorithm$|type$).*)$).+",
    re.IGNORECASE,
)
SIGNED_FOR_S3 = re.compile(r"/s3/aws4_request|%2Fs3%2Faws4_request", re.IGNORECASE)


def addressed(request: HttpRequest) -> HttpRequest:
    """The request with the bucket in its path, wherever it stood."""
    bucket = _named_by_host(request)
    return structs.replace(request, path=f"/{bucket}{request.path}") if bucket else request


def without_bucket(endpoint: str, request: HttpRequest) -> str:
    """The address that the caller used, as links to objects begin with: before the bucket, wherever that stood."""
    bucket = _named_by_host(request)
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://{host[len(bucket) + 1 :]}" if bucket else endpoint


def _named_by_host(request: HttpRequest) -> str:
    found = HOST.fullmatch(request.header("host").lower())
    return "" if found is None or NO_BUCKET.fullmatch(found["bucket"]) else found["bucket"]


def unmoved(request: HttpRequest) -> HttpRequest:
    """A link's request with the headers that its signer moved into the query."""
    if not SIGNED_QUERY.search(request.query):
        return request
    there = {name for name, _ in request.headers}
    query = parse_qsl(request.query, keep_blank_values=True, encoding="latin-1")
    moved = [(name.lower(), value) for name, value in query if MOVED.fullmatch(name) and name.lower() not in there]
    return structs.replace(request, headers=[*request.headers, *moved]) if moved else request


def is_virtual(request: HttpRequest) -> bool:
    """Whether the Host names the bucket."""
    return addressed(request) is not request


def bucket_and_key(request: HttpRequest) -> tuple[str, str]:
    """Which bucket and key a request would be for, were it for S3; the key still encoded. Function URLs and the stages
    of APIs are not."""
    if NO_STORAGE.search(request.header("host").lower()):
        return "", ""
    bucket, _, key = addressed(request).path.removeprefix("/").partition("/")
    return (unquote(bucket), key) if BUCKET.fullmatch(bucket) else ("", "")


def could_be_other(request: HttpRequest) -> bool:
    """Whether the bucket that the request names may be the beginning of another service's path."""
    return not is_virtual(request) and OTHERS.fullmatch(bucket_and_key(request)[0]) is not None


def is_unsigned(request: HttpRequest) -> bool:
    """Whether nothing in the request's head says who asks."""
    return not request.header("authorization") and not SIGNED_QUERY.search(request.query)


def is_form(request: HttpRequest) -> bool:
    """Whether a browser posts a file to a bucket."""
    if request.method != "POST" or not request.header("content-type").lower().startswith(FORM):
        return False
    bucket, key = bucket_and_key(request)
    return bool(bucket) and not key and is_unsigned(request)


def is_for_s3(request: HttpRequest) -> bool:
    """Whether the request says that it was signed for S3."""
    claims = request.header("authorization"), request.query
    return any(map(SIGNED_FOR_S3.search, claims)) or is_link(request)


def comes_in_pieces(request: HttpRequest) -> bool:
    """Whether the request's body is an object, and so is to be a stream."""
    if is_form(request):
        return True
    if request.method != "PUT" or not (is_for_s3(request) or (is_unsigned(request) and bucket_and_key(request)[1])):
        return False
    try:
        return operation_of(unmoved(addressed(request))) in STREAMED
    except ServiceError:
        return False


def operation_of(request: HttpRequest) -> str:
    """The operation's name. Raises UnknownOperation."""
    return wire_for("s3").operation_of(request)
