"""Which bucket a request names by its Host, and which requests are S3's at all. Pure.

`http://BUCKET.s3.localhost/KEY`, also with a Region, under any domain, and `http://BUCKET.localhost/KEY`, which
SDKs make of an endpoint called localhost, mean what `http://HOST/BUCKET/KEY` does.

Source: S3 User Guide, "Virtual hosting of general purpose buckets".
"""

import re

from msgspec import structs

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest
from lambent.protocol.sigv2_links import is_link
from lambent.protocol.wires import wire_for

HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}?[a-z0-9])\.(?:s3(?:[.-][a-z0-9-]+)*\.[a-z0-9.-]+|localhost)(?::\d+)?"
)
NO_BUCKET = re.compile(r"s3[.-].*|.*\.s3|s3")
STREAMED = frozenset({"PutObject", "UploadPart"})
SIGNED_FOR_S3 = re.compile(r"/s3/aws4_request|%2Fs3%2Faws4_request", re.IGNORECASE)


def addressed(request: HttpRequest) -> HttpRequest:
    """The request with the bucket in its path, wherever it stood."""
    found = HOST.fullmatch(request.header("host").lower())
    if found is None or NO_BUCKET.fullmatch(found["bucket"]):
        return request
    return structs.replace(request, path=f"/{found['bucket']}{request.path}")


def is_for_s3(request: HttpRequest) -> bool:
    """Whether the request says that it was signed for S3."""
    claims = request.header("authorization"), request.query
    return any(map(SIGNED_FOR_S3.search, claims)) or is_link(request)


def comes_in_pieces(request: HttpRequest) -> bool:
    """Whether the request's body is an object, and so is to be a stream."""
    if request.method != "PUT" or not is_for_s3(request):
        return False
    try:
        return operation_of(addressed(request)) in STREAMED
    except ServiceError:
        return False


def operation_of(request: HttpRequest) -> str:
    """The operation's name. Raises UnknownOperation."""
    return wire_for("s3").operation_of(request)
