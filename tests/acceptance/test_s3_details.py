"""Details of S3 that clients rely on: what SDKs move into links, checksums of all kinds of requests, odd headers."""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

MIB = 1024 * 1024


def link(platform: Any, method: str, path: str, **query: str) -> str:
    """A link as the SDK for JavaScript makes it: the headers are in the query."""
    request = AWSRequest(method=method, url=f"{platform.endpoint}{path}", params=query)
    credentials = platform.session().get_credentials()
    S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=600).add_auth(request)
    return str(request.prepare().url)


def test_an_object_that_expires_somewhere_is_read(s3: Any, bucket: str) -> None:
    ends = datetime(2030, 1, 31, 12, tzinfo=UTC)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", Expires=ends)
    for answer in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert answer["Expires"] == ends
    s3.copy_object(Bucket=bucket, Key="l", CopySource=f"{bucket}/k")
    later = s3.get_object(Bucket=bucket, Key="l", ResponseExpires=ends.replace(year=2031))
    assert later["Expires"].year == 2031


def test_what_links_carry_for_the_object_reaches_it(platform: Any, s3: Any, bucket: str) -> None:
    """Version 2 of the signature, which is boto3's default for links, has metadata in the query; so has JavaScript."""
    second = platform.client("s3", signature_version="s3")
    made = second.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"who": "me"}})
    assert "x-amz-meta-who" in made
    assert httpx.put(made, content=b"1").status_code == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"who": "me"}
    moved = {"x-amz-meta-who": "you", "x-amz-tagging": "a=1", "x-amz-checksum-crc32": "AAAAAA==", "If-None-Match": "*"}
    made = link(platform, "PUT", f"/{bucket}/j", **moved)
    assert httpx.put(made, content=b"2").status_code == 200
    assert s3.head_object(Bucket=bucket, Key="j")["Metadata"] == {"who": "you"}
    assert s3.get_object_tagging(Bucket=bucket, Key="j")["TagSet"] == [{"Key": "a", "Value": "1"}]
    assert httpx.put(made, content=b"3").status_code == 412
    refused = httpx.put(link(platform, "PUT", f"/{bucket}/x", **{"x-amz-acl": "public-read"}), content=b"1")
    assert "AccessControlListNotSupported" in refused.text
    copied = httpx.put(link(platform, "PUT", f"/{bucket}/copied", **{"x-amz-copy-source": f"{bucket}/j"}))
    assert "CopyObjectResult" in copied.text


def test_documents_are_compared_with_their_checksums(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    wrong = b64encode(hashlib.md5(b"").digest()).decode()

    def spoil(request: Any, **_: Any) -> None:
        for name in ("Content-MD5", "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"):
            del request.headers[name]
        request.headers["Content-MD5"] = wrong

    s3.meta.events.register("before-sign.s3.DeleteObjects", spoil)
    with pytest.raises(ClientError) as caught:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert caught.value.response["Error"]["Code"] == "BadDigest"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


def test_parts_without_checksums_make_a_whole_that_has_one(platform: Any, bucket: str) -> None:
    """S3 User Guide, "Full object checksums": those of the parts are not asked for."""
    s3 = platform.client("s3", request_checksum_calculation="when_required")
    kind = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **kind)["UploadId"]
    named, parts = {"Bucket": bucket, "Key": "k", "UploadId": upload}, []
    for number, body in enumerate((b"a" * 5 * MIB, b"123456789"), 1):
        parts.append({"PartNumber": number, "ETag": s3.upload_part(**named, PartNumber=number, Body=body)["ETag"]})
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    put = s3.put_object(Bucket=bucket, Key="l", Body=b"a" * 5 * MIB + b"123456789", ChecksumAlgorithm="CRC32")
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (put["ChecksumCRC32"], "FULL_OBJECT")


def test_metadata_that_is_not_ascii_is_encoded_on_its_way_back(platform: Any, s3: Any, bucket: str) -> None:
    """S3 User Guide, "User-defined object metadata"."""
    value = "=?UTF-8?B?w4RNw4Raw5XDkSBTMw==?="
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"name": value, "plain": "AMAZONS3"})
    shown = "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?="
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"name": shown, "plain": "AMAZONS3"}


def test_a_hidden_object_is_told_by_a_header(platform: Any, s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    answer = httpx.head(s3.generate_presigned_url("head_object", Params={"Bucket": bucket, "Key": "k"}))
    assert (answer.status_code, answer.headers["x-amz-delete-marker"]) == (404, "true")
    named = {"Bucket": bucket, "Key": "k", "VersionId": marker}
    answer = httpx.get(s3.generate_presigned_url("get_object", Params=named))
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE")


def test_all_versions_of_an_object_are_deleted_in_pages(platform: Any, bucket: str) -> None:
    there = platform.session().resource("s3", endpoint_url=platform.endpoint).Bucket(bucket)
    there.Versioning().enable()
    for number in range(7):
        there.put_object(Key="k", Body=b"%d" % number)
    there.object_versions.page_size(2).delete()
    there.delete()
