"""Requests whose bodies come compressed, where the model says that they may.

Source: the trait `requestcompression` in botocore's models (gzip, as the SDKs do it for bodies from 10,240 bytes on).
"""

import zlib

import msgspec
from botocore.model import OperationModel

from lambent.model.http import HttpRequest
from lambent.protocol.failures import Unparsable

MOST_BYTES = 16 * 1024 * 1024  # unpacked: far above what any such operation takes
GZIP = 16 + zlib.MAX_WBITS


def unpacked(request: HttpRequest, operation: OperationModel) -> HttpRequest:
    """The request with its body as it was before. Raises Unparsable."""
    coding = request.header("content-encoding")
    known = (getattr(operation, "request_compression", None) or {}).get("encodings", ())
    if not coding or coding not in known:
        return request
    if coding != "gzip":
        raise Unparsable(f"Content-Encoding {coding} is not known here")
    unpacking = zlib.decompressobj(GZIP)
    try:
        body = unpacking.decompress(request.body, MOST_BYTES)
    except zlib.error:
        raise Unparsable("The body is not gzip, as Content-Encoding says") from None
    if not unpacking.eof:
        raise Unparsable("The body is cut short, or too large when unpacked")
    return msgspec.structs.replace(request, body=body)
