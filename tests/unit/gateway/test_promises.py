"""What requests say of their bodies, and whether it holds: documents as well as objects."""

from base64 import b64encode
from hashlib import md5, sha256

import pytest

from lambent.errors import ServiceError
from lambent.gateway.promises import Sums, check_document, promises_of
from lambent.model.http import HttpRequest

BODY = b"<Delete><Object><Key>k</Key></Object></Delete>"


def request(*headers: tuple[str, str]) -> HttpRequest:
    return HttpRequest("POST", "/bucket", "delete", list(headers), BODY)


def refused(asked: HttpRequest, operation: str = "DeleteObjects", **trailers: str) -> str:
    with pytest.raises(ServiceError) as caught:
        check_document(operation, asked, {name.replace("_", "-"): text for name, text in trailers.items()})
    return caught.value.code


def test_a_document_is_compared_with_what_came_with_it() -> None:
    digest = b64encode(md5(BODY).digest()).decode()
    check_document("DeleteObjects", request(("content-md5", digest)), {})
    wrong = b64encode(md5(b"").digest()).decode()
    assert refused(request(("content-md5", wrong))) == "BadDigest"
    assert refused(request(("content-md5", wrong)), "PutBucketTagging") == "BadDigest"
    assert refused(request(("x-amz-checksum-crc32", "AAAAAA=="))) == "BadDigest"
    assert refused(request(("x-amz-content-sha256", sha256(b"").hexdigest()), ("content-md5", digest))) == (
        "XAmzContentSHA256Mismatch"
    )
    trailer = request(("x-amz-trailer", "x-amz-checksum-crc32"))
    assert refused(trailer, x_amz_checksum_crc32="AAAAAA==") == "BadDigest"


def test_many_objects_are_not_deleted_without_a_checksum() -> None:
    """S3 API reference, DeleteObjects: Content-MD5 or a checksum is required."""
    assert refused(request()) == "InvalidRequest"
    check_document("PutBucketTagging", request(), {})


def test_an_algorithm_without_its_checksum_is_refused() -> None:
    """S3 API reference, PutObject: where x-amz-sdk-checksum-algorithm is, a checksum or a trailer has to be too."""
    with pytest.raises(ServiceError, match="no corresponding") as caught:
        promises_of(request(("x-amz-sdk-checksum-algorithm", "CRC32")))
    assert caught.value.code == "InvalidRequest"


def test_a_wrong_md5_is_told_beside_the_right_one() -> None:
    sums = Sums(promises_of(request(("content-md5", b64encode(md5(b"a").digest()).decode()))))
    sums.update(b"b")
    with pytest.raises(ServiceError) as caught:
        sums.compare({})
    assert caught.value.members == {
        "ExpectedDigest": md5(b"a").hexdigest(),
        "CalculatedDigest": b64encode(md5(b"b").digest()).decode(),
    }
