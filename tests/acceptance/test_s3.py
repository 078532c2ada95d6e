"""S3 as its users see it: boto3's clients, resources and transfer manager, both `aws` command lines, plain HTTP."""

import hashlib
import io
import uuid
from base64 import b64encode
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

MIB = 1024 * 1024


@pytest.fixture
def s3(platform: Any) -> Any:
    return platform.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.get_waiter("bucket_exists").wait(Bucket=name)
    return name


def code_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_a_bucket_is_made_found_and_deleted_when_it_is_empty(s3: Any, bucket: str) -> None:
    assert bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    s3.put_object(Bucket=bucket, Key="one", Body=b"1")
    assert code_of(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="one")
    s3.delete_bucket(Bucket=bucket)
    s3.get_waiter("bucket_not_exists").wait(Bucket=bucket)
    assert code_of(s3.put_object, Bucket=bucket, Key="one", Body=b"1") == "NoSuchBucket"
    assert code_of(s3.create_bucket, Bucket="Not_A_Name") == "InvalidBucketName"


def test_an_object_comes_back_as_it_was_put(s3: Any, bucket: str) -> None:
    body = b"hello, world"
    put = s3.put_object(
        Bucket=bucket, Key="a folder/ä+b %.txt", Body=body, ContentType="text/plain", CacheControl="no-store",
        Metadata={"Who": "me"}, Tagging="kind=greeting",
    )  # fmt: skip
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a folder/ä+b %.txt", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/plain", "no-store", {"who": "me"})
    assert (got["ContentLength"], got["TagCount"], got["ETag"]) == (12, 1, put["ETag"])
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"]
    assert s3.head_object(Bucket=bucket, Key="a folder/ä+b %.txt")["ContentLength"] == 12
    assert code_of(s3.get_object, Bucket=bucket, Key="nothing") == "NoSuchKey"
    assert code_of(s3.head_object, Bucket=bucket, Key="nothing") == "404"


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 3 * MIB + 7])
def test_objects_of_any_size_and_their_ranges(s3: Any, bucket: str, size: int) -> None:
    body = hashlib.shake_128(b"%d" % size).digest(size)
    s3.put_object(Bucket=bucket, Key="blob", Body=body)
    assert s3.get_object(Bucket=bucket, Key="blob")["Body"].read() == body
    if size > 10:
        got = s3.get_object(Bucket=bucket, Key="blob", Range="bytes=5-9")
        assert (got["Body"].read(), got["ContentRange"]) == (body[5:10], f"bytes 5-9/{size}")
        assert s3.get_object(Bucket=bucket, Key="blob", Range="bytes=-3")["Body"].read() == body[-3:]
    assert code_of(s3.get_object, Bucket=bucket, Key="blob", Range=f"bytes={size}-") == "InvalidRange"


def test_conditions_are_held(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"other"') == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket=bucket, Key="x", Body=b"2", IfMatch=etag) == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch=etag) == "PreconditionFailed"
    now = s3.head_object(Bucket=bucket, Key="k")
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=now["ETag"]) == "304"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfModifiedSince=now["LastModified"]) == "304"


def test_listings_fold_prefixes_and_go_on_where_they_stopped(s3: Any, bucket: str) -> None:
    keys = [f"{folder}/{number:02}" for folder in ("a", "b", "c") for number in range(9)] + ["top", "üml"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 4})
    assert [each["Key"] for page in pages for each in page.get("Contents", [])] == keys
    folded = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in folded["CommonPrefixes"]] == ["a/", "b/", "c/"]
    assert [each["Key"] for each in folded["Contents"]] == ["top", "üml"]
    old = s3.get_paginator("list_objects").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2})
    assert sum(len(page.get("CommonPrefixes", [])) + len(page.get("Contents", [])) for page in old) == 5
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(done["Deleted"]) == len(keys)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


CHECKED = b"123456789"  # what catalogues of CRCs give the check value of
KNOWN = {
    "CRC32": b64encode(bytes.fromhex("cbf43926")).decode(),
    "CRC32C": b64encode(bytes.fromhex("e3069283")).decode(),
    "CRC64NVME": b64encode(bytes.fromhex("ae8b14860a799888")).decode(),
    "SHA1": b64encode(hashlib.sha1(CHECKED).digest()).decode(),
    "SHA256": b64encode(hashlib.sha256(CHECKED).digest()).decode(),
}


@pytest.mark.parametrize("algorithm", list(KNOWN))
def test_every_checksum_is_verified_and_kept(s3: Any, bucket: str, algorithm: str) -> None:
    member = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=CHECKED, **{member: KNOWN[algorithm]})
    got = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[member] == put[member] == KNOWN[algorithm]
    assert got["ChecksumType"] == "FULL_OBJECT"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"y", **{member: KNOWN[algorithm]}) == "BadDigest"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == CHECKED


def test_a_checksum_may_follow_in_a_trailer(s3: Any, bucket: str) -> None:
    body = io.BytesIO(b"x" * 100_000)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumAlgorithm="SHA256")
    assert put["ChecksumSHA256"] == b64encode(hashlib.sha256(b"x" * 100_000).digest()).decode()


def test_presigned_links_need_no_key(bucket: str, platform: Any) -> None:
    s3 = platform.client("s3", signature_version="s3v4")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert httpx.put(put, content=b"by link").status_code == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert httpx.get(get).content == b"by link"
    assert httpx.get(get + "0").status_code == 403
    assert httpx.get(f"{platform.endpoint}/{bucket}/k").status_code == 403


def test_buckets_are_addressed_by_host_too(platform: Any, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="folder/k", Body=b"1" * 20_000)
    virtual = platform.client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})
    port = platform.endpoint.rpartition(":")[2]
    signed = platform.session().client(
        "s3", endpoint_url=f"http://s3.localhost:{port}", config=virtual.meta.config
    ).generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "folder/k"})  # fmt: skip
    host = signed.split("/")[2]
    assert host == f"{bucket}.s3.localhost:{port}"
    local = signed.replace(host, f"127.0.0.1:{port}", 1)
    assert httpx.get(local, headers={"host": host}).content == b"1" * 20_000
