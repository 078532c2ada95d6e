"""Objects at rest: whatever way they came, no file of the server's holds their bytes, and every client gets them back.

Sources: S3 User Guide, "Using server-side encryption with Amazon S3 managed keys (SSE-S3)", "Setting default
server-side encryption behavior for Amazon S3 buckets" and "Policies and permissions": a policy may want it asked for.
"""

import hashlib
import json
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

MIB = 1024 * 1024
ASKED = {"ServerSideEncryption": "AES256"}
HEADER = {"x-amz-server-side-encryption": "AES256"}
PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=2)


def code_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def body_of(size: int, marker: bytes) -> bytes:
    """Bytes in which the marker stands every kilobyte."""
    block = marker + hashlib.shake_128(marker).digest(1024 - len(marker))
    return (block * (size // 1024 + 1))[:size]


def holding(folder: Path, marker: bytes) -> list[str]:
    """The files of a folder in which the marker stands."""
    return [str(each) for each in folder.rglob("*") if each.is_file() and marker in each.read_bytes()]


def put_in_every_way(platform: "Platform", folder: Path, marker: bytes) -> dict[str, bytes]:
    """Objects by their keys."""
    s3, small, large = platform.client("s3"), body_of(3_000, marker), body_of(11 * MIB + 5, marker)
    source = folder / "large"
    source.write_bytes(large)
    s3.create_bucket(Bucket="rest")
    made = {"small": small, "middle": large[: 200 * 1024], "empty": b""}
    for key, data in made.items():
        assert s3.put_object(Bucket="rest", Key=key, Body=data)["ServerSideEncryption"] == "AES256"
    s3.upload_file(str(source), "rest", "parts", ExtraArgs=ASKED, Config=PARTS)
    done = platform.command(platform.bin / "aws", "s3", "cp", "--sse", "AES256", source, "s3://rest/cp")
    assert done.returncode == 0, done.stderr
    signer = platform.client("s3", signature_version="s3v4")
    link = signer.generate_presigned_url("put_object", {"Bucket": "rest", "Key": "link", **ASKED})
    answer = httpx.put(link, content=small, headers=HEADER)
    assert (answer.status_code, answer.headers["x-amz-server-side-encryption"]) == (200, "AES256")
    form = s3.generate_presigned_post("rest", "form", Fields=HEADER, Conditions=[HEADER])
    answer = httpx.post(form["url"], data=form["fields"], files={"file": large[:MIB]})
    assert (answer.status_code, answer.headers["x-amz-server-side-encryption"]) == (204, "AES256")
    for key, source_key in (("small copy", "small"), ("large copy", "cp")):
        told = s3.copy_object(Bucket="rest", Key=key, CopySource=f"rest/{source_key}", **ASKED)
        assert told["ServerSideEncryption"] == "AES256"
    s3.copy({"Bucket": "rest", "Key": "parts"}, "rest", "copied parts", Config=PARTS)
    return {
        **made,
        **dict.fromkeys(("parts", "cp", "large copy", "copied parts"), large),
        **dict.fromkeys(("link", "small copy"), small),
        "form": large[:MIB],
    }


def check_all(platform: "Platform", folder: Path, made: dict[str, bytes]) -> None:
    s3 = platform.client("s3")
    for key, data in made.items():
        got = s3.get_object(Bucket="rest", Key=key)
        assert (got["Body"].read() == data, got["ServerSideEncryption"]) == (True, "AES256"), key
        head = s3.head_object(Bucket="rest", Key=key)
        assert (head["ContentLength"], head["ServerSideEncryption"]) == (len(data), "AES256")
        for begin, end in ((0, 1), (65_530, 65_545), (5 * MIB - 3, 5 * MIB + 70_000), (len(data) - 9, len(data))):
            if 0 <= begin < end <= len(data):
                wanted = f"bytes={begin}-{end - 1}"
                assert s3.get_object(Bucket="rest", Key=key, Range=wanted)["Body"].read() == data[begin:end]
    second = s3.get_object(Bucket="rest", Key="parts", PartNumber=2)
    assert second["Body"].read() == made["parts"][5 * MIB : 10 * MIB]
    s3.download_file("rest", "parts", str(folder / "back"), Config=PARTS)
    assert (folder / "back").read_bytes() == made["parts"]


def test_no_file_of_the_server_holds_an_objects_bytes_also_after_kill_9_in_the_middle_of_an_upload(
    own_server: Callable[..., "Platform"], tmp_path: Path
) -> None:
    platform, marker = own_server(), uuid.uuid4().hex.encode()
    made = put_in_every_way(platform, tmp_path, marker)
    check_all(platform, tmp_path, made)
    s3 = platform.client("s3")
    upload = s3.create_multipart_upload(Bucket="rest", Key="unfinished", **ASKED)
    part = {"Bucket": "rest", "Key": "unfinished", "UploadId": upload["UploadId"]}
    first = s3.upload_part(**part, PartNumber=1, Body=made["parts"][: 5 * MIB])
    assert (upload["ServerSideEncryption"], first["ServerSideEncryption"]) == ("AES256", "AES256")
    assert holding(platform.server.data, marker) == []
    os.killpg(platform.server.process.pid, signal.SIGKILL)
    platform.server.process.wait()
    assert holding(platform.server.data, marker) == []

    again = own_server()
    check_all(again, tmp_path, made)
    s3 = again.client("s3")
    second = s3.upload_part_copy(**part, PartNumber=2, CopySource="rest/small", CopySourceRange="bytes=1-9")
    assert second["ServerSideEncryption"] == "AES256"
    etags = first["ETag"], second["CopyPartResult"]["ETag"]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    assert s3.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})["ServerSideEncryption"] == "AES256"
    whole = s3.get_object(Bucket="rest", Key="unfinished")["Body"].read()
    assert whole == made["parts"][: 5 * MIB] + made["small"][1:10]
    again.server.stop()
    assert holding(again.server.data, marker) == []

    key = again.server.data / "master.key"
    key.rename(tmp_path / "aside")
    refused = again.lambent("serve", "--data", again.server.data, "--port", "0")
    assert refused.returncode != 0
    assert "master.key is missing" in refused.stderr + refused.stdout
    (tmp_path / "aside").rename(key)


def test_the_calls_that_terraform_makes_for_a_buckets_encryption(s3: Any, bucket: str) -> None:
    """aws_s3_bucket_server_side_encryption_configuration: put, read until it is there, delete."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}

    def shown() -> Any:
        return s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]

    assert shown() == [rule]  # what AWS has had for every bucket since 2023
    rule["BucketKeyEnabled"] = True
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert shown() == [rule]
    s3.delete_bucket_encryption(Bucket=bucket)
    assert shown() == [rule | {"BucketKeyEnabled": False}]
    kms = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    asked = {"Bucket": bucket, "ServerSideEncryptionConfiguration": kms}
    assert code_of(s3.put_bucket_encryption, **asked) == "NotImplemented"
    assert code_of(s3.get_bucket_encryption, Bucket=f"{bucket}-not") == "NoSuchBucket"


def test_keys_of_others_are_refused_by_name_and_leave_nothing(s3: Any, bucket: str) -> None:
    wants: tuple[dict[str, Any], ...] = (
        {"ServerSideEncryption": "aws:kms"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/mine"},
        {"ServerSideEncryption": "aws:kms:dsse"},
    )
    for wanted in wants:
        assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"1", **wanted) == "NotImplemented"
        assert code_of(s3.create_multipart_upload, Bucket=bucket, Key="k", **wanted) == "NotImplemented"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"1", ServerSideEncryption="x") == "InvalidArgument"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_policy_that_wants_encryption_asked_for_lets_in_who_asks(
    platform: "Platform", s3: Any, bucket: str, tmp_path: Path
) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"1") == "AccessDenied"
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", **ASKED)
    large = tmp_path / "large"
    large.write_bytes(body_of(11 * MIB, b"x"))
    s3.upload_file(str(large), bucket, "parts", ExtraArgs=ASKED, Config=PARTS)
    assert s3.head_object(Bucket=bucket, Key="parts")["ServerSideEncryption"] == "AES256"
    signer = platform.client("s3", signature_version="s3v4")
    link = signer.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "link", **ASKED})
    assert httpx.put(link, content=b"1").status_code == 403  # the header was signed, and is not there
    assert httpx.put(link, content=b"1", headers=HEADER).status_code == 200


def test_versions_are_encrypted_each_and_a_copy_onto_itself_needs_no_other_change(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"second", **ASKED)
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k"}, **ASKED)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"
    old = s3.get_object(Bucket=bucket, Key="k", VersionId=first)
    assert (old["Body"].read(), old["ServerSideEncryption"]) == (b"first", "AES256")
    assert "ServerSideEncryption" not in s3.delete_object(Bucket=bucket, Key="k")
