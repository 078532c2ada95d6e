"""S3 as its users see it: boto3's clients, resources and transfer manager, both `aws` command lines, plain HTTP."""

import hashlib
import io
import json
import os
import time
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

MIB = 1024 * 1024


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


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_presigned_links_need_no_key(bucket: str, platform: Any, signature: str) -> None:
    s3 = platform.client("s3", signature_version=signature)
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert httpx.put(put, content=b"by link").status_code == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert httpx.get(get).content == b"by link"
    kind = {"ResponseContentType": "text/x"}
    typed = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k", **kind})
    assert httpx.get(typed).headers["content-type"] == "text/x"
    assert httpx.get(get.replace("/k?", "/l?")).status_code == 403
    assert httpx.get(f"{platform.endpoint}/{bucket}/k").status_code == 403
    listing = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket})
    assert "<Key>k</Key>" in httpx.get(listing).text


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_the_holder_of_a_link_cannot_make_another_request_of_it(
    s3: Any, bucket: str, platform: Any, signature: str
) -> None:
    s3.put_object(Bucket=bucket, Key="private", Body=b"private")
    signing = platform.client("s3", signature_version=signature)
    put = signing.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    for more in (f"X-Amz-Copy-Source=/{bucket}/private", f"x%2Damz-copy-source=/{bucket}/private", "%61cl", "acl"):
        assert httpx.put(f"{put}&{more}").status_code == 403
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["private"]


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


def test_large_files_go_up_and_down_in_parts(s3: Any, bucket: str, tmp_path: Path) -> None:
    body = hashlib.shake_128(b"large").digest(17 * MIB + 3)
    (tmp_path / "up").write_bytes(body)
    s3.upload_file(str(tmp_path / "up"), bucket, "large", ExtraArgs={"Metadata": {"a": "b"}})
    head = s3.head_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    assert (head["ContentLength"], head["Metadata"]) == (len(body), {"a": "b"})
    s3.download_file(bucket, "large", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == body
    second = s3.get_object(Bucket=bucket, Key="large", PartNumber=3)
    assert (second["PartsCount"], second["Body"].read()) == (3, body[16 * MIB :])
    assert (
        s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={8 * MIB - 2}-{8 * MIB + 1}")["Body"].read()
        == (body[8 * MIB - 2 : 8 * MIB + 2])
    )
    told = s3.get_object_attributes(Bucket=bucket, Key="large", ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert (told["ObjectSize"], told["ObjectParts"]["TotalPartsCount"]) == (len(body), 3)
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied in parts")
    assert s3.get_object(Bucket=bucket, Key="copied in parts")["Body"].read() == body
    s3.copy_object(Bucket=bucket, Key="copied", CopySource={"Bucket": bucket, "Key": "large"})
    copied = s3.get_object(Bucket=bucket, Key="copied")
    assert (copied["ETag"], copied["Body"].read()) == (f'"{hashlib.md5(body).hexdigest()}"', body)
    assert copied["Metadata"] == {"a": "b"}


def test_an_upload_is_what_its_parts_are(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    bodies = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c"]
    parts = []
    for number, body in enumerate(bodies, 1):
        made = s3.upload_part(**named, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": made["ETag"], "ChecksumCRC32": made["ChecksumCRC32"]})
    assert [each["Size"] for each in s3.list_parts(**named)["Parts"]] == [len(each) for each in bodies]
    assert [each["Key"] for each in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["k"]
    wrong = [parts[1], parts[0]]
    assert code_of(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": wrong}) == "InvalidPartOrder"
    small = [parts[0], parts[2] | {"PartNumber": 3}, {"PartNumber": 4, "ETag": "x"}]
    assert code_of(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": small}) == "InvalidPart"
    whole = b"".join(bodies)
    crc = b64encode(zlib.crc32(whole).to_bytes(4, "big")).decode()
    done = s3.complete_multipart_upload(
        **named, MultipartUpload={"Parts": parts}, ChecksumCRC32=crc, ChecksumType="FULL_OBJECT"
    )
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (crc, "FULL_OBJECT")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == whole
    again = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    assert again["ETag"] == done["ETag"]  # as for a client that did not hear the answer
    assert code_of(s3.list_parts, **named) == "NoSuchUpload"
    other = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=other)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_whole_whose_checksum_is_of_its_parts_is_told_each_of_them(s3: Any, bucket: str) -> None:
    """As the service refuses it: "It was missing for part 1 in the request."."""
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    named = {"Bucket": bucket, "Key": "k", "UploadId": made["UploadId"]}
    part = s3.upload_part(**named, PartNumber=1, Body=b"a", ChecksumAlgorithm="SHA256")
    told = {"PartNumber": 1, "ETag": part["ETag"]}
    assert code_of(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": [told]}) == "InvalidRequest"
    told["ChecksumSHA256"] = part["ChecksumSHA256"]
    done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [told]})
    assert done["ChecksumSHA256"].endswith("=-1")


def test_versions_are_kept_marked_and_restored(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = (s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"1", b"2"))
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"]
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"0"
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    found = [
        each["VersionId"] for page in pages for each in [*page.get("DeleteMarkers", []), *page.get("Versions", [])]
    ]
    assert found == [marker["VersionId"], second, first, "null"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_tags_are_kept(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0", Tagging="a=1")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "b", "Value": "2"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "b", "Value": "2"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"


def test_what_we_do_not_do_is_refused_by_name(s3: Any, bucket: str) -> None:
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", StorageClass="GLACIER") == "NotImplemented"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms") == "NotImplemented"
    assert (
        code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", ACL="public-read") == "AccessControlListNotSupported"
    )
    configuration = {"IndexDocument": {"Suffix": "index.html"}}
    assert code_of(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration) == "NotImplemented"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_the_command_line_copies_and_syncs(platform: Any, bucket: str, tmp_path: Path) -> None:
    folder = tmp_path / "from"
    for number in range(5):
        (folder / f"sub {number % 2}").mkdir(parents=True, exist_ok=True)
        (folder / f"sub {number % 2}" / f"{number}.txt").write_text("x" * number * 10_000)
    (folder / "large").write_bytes(hashlib.shake_128(b"cli").digest(9 * MIB))
    for file in folder.rglob("*"):
        os.utime(file, (0, time.time() - 60))  # `sync` compares with LastModified, which has whole seconds
    for start in ([platform.bin / "aws"], None):
        words = start or platform.aws2()
        target = f"s3://{bucket}/{len(words)}/"
        done = platform.command(*words, "s3", "sync", folder, target)
        assert done.returncode == 0, done.stderr
        assert "upload" not in platform.command(*words, "s3", "sync", folder, target).stdout
        back = tmp_path / f"back{len(words)}"
        done = platform.command(*words, "s3", "cp", "--recursive", target, back)
        assert done.returncode == 0, done.stderr
        for file in folder.rglob("*"):
            if file.is_file():
                assert (back / file.relative_to(folder)).read_bytes() == file.read_bytes()


def test_the_command_line_moves_removes_and_presigns(platform: Any, s3: Any, bucket: str, tmp_path: Path) -> None:
    aws, start = platform.bin / "aws", f"s3://{bucket}"
    (tmp_path / "a").write_bytes(b"a")

    def run(*words: str | Path) -> str:
        done = platform.command(aws, "s3", *words)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    run("mv", tmp_path / "a", f"{start}/in/a")
    assert not (tmp_path / "a").exists()
    run("mv", f"{start}/in/a", f"{start}/out/b")
    assert httpx.get(run("presign", f"{start}/out/b").strip()).content == b"a"
    run("rm", "--recursive", start)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_resources_reach_all_of_a_bucket(platform: Any, bucket: str, tmp_path: Path) -> None:
    there = platform.session().resource("s3", endpoint_url=platform.endpoint).Bucket(bucket)
    there.upload_fileobj(io.BytesIO(b"x" * 9 * MIB), "a/large", ExtraArgs={"ContentType": "text/plain"})
    there.put_object(Key="b", Body=b"b")
    there.copy({"Bucket": bucket, "Key": "b"}, "a/copied")
    assert [each.key for each in there.objects.filter(Prefix="a/")] == ["a/copied", "a/large"]
    large = there.Object("a/large")
    assert (large.content_length, large.content_type) == (9 * MIB, "text/plain")
    large.download_file(str(tmp_path / "down"))
    assert (tmp_path / "down").stat().st_size == 9 * MIB
    there.Versioning().enable()
    there.Object("b").delete()
    assert [each.object_key for each in there.object_versions.filter(Prefix="b")] == ["b", "b"]
    there.object_versions.delete()
    there.delete()
    there.wait_until_not_exists()


def queue_for(platform: Any, bucket: str) -> tuple[Any, str, str]:
    """A queue that S3 may send to on behalf of the bucket."""
    sqs = platform.client("sqs")
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return sqs, url, arn


def test_a_queue_and_a_function_are_told_of_what_they_asked_for(
    platform: Any, s3: Any, bucket: str, eventually: Any
) -> None:
    sqs, url, queue = queue_for(platform, bucket)
    function = platform.create(
        "def handler(event, context):\n    print('GOT', event['Records'][0]['s3']['object']['key'])"
    )
    lambda_ = platform.client("lambda")
    arn = lambda_.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    wanted = {
        "QueueConfigurations": [
            {"Id": "q", "QueueArn": queue, "Events": ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"],
             "Filter": {"Key": {"FilterRules": [
                 {"Name": "Prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".txt"}
             ]}}}
        ],
        "LambdaFunctionConfigurations": [
            {"Id": "f", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:Put"],
             "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".run"}]}}}
        ],
    }  # fmt: skip
    put = s3.put_bucket_notification_configuration
    assert code_of(put, Bucket=bucket, NotificationConfiguration=wanted) == "InvalidArgument"
    assert s3.get_bucket_notification_configuration(Bucket=bucket).keys() == {"ResponseMetadata"}
    lambda_.add_permission(
        FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )  # fmt: skip
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert [each["QueueArn"] for each in shown["QueueConfigurations"]] == [queue]
    s3.put_object(Bucket=bucket, Key="in/a b.txt", Body=b"123")
    s3.put_object(Bucket=bucket, Key="elsewhere", Body=b"123")
    s3.delete_object(Bucket=bucket, Key="in/a b.txt")
    s3.put_object(Bucket=bucket, Key="out/x.run", Body=b"1")
    got: list[dict[str, Any]] = []

    def told() -> bool:
        for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            body = json.loads(each["Body"])
            got.extend(body.get("Records", []) or [body])
        return len(got) >= 3

    eventually(told)
    assert [each for each in got if each.get("Event") == "s3:TestEvent"]
    records = [each for each in got if "eventName" in each]
    assert {each["eventName"] for each in records} == {"ObjectCreated:Put", "ObjectRemoved:Delete"}
    created = next(each["s3"] for each in records if each["eventName"] == "ObjectCreated:Put")
    assert (created["object"]["key"], created["object"]["size"]) == ("in/a+b.txt", 3)
    assert (created["bucket"]["name"], created["configurationId"]) == (bucket, "q")
    eventually(lambda: any("GOT out/x.run" in line for line in platform.logged(function)))


def test_a_function_and_a_layer_come_from_a_bucket(platform: Any, s3: Any, bucket: str, zipped: Any) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    code = [zipped({"app.py": f"def handler(event, context):\n    return {number}"}) for number in (1, 2)]
    first = s3.put_object(Bucket=bucket, Key="code.zip", Body=code[0])["VersionId"]
    s3.put_object(Bucket=bucket, Key="code.zip", Body=code[1])
    lambda_ = platform.client("lambda")
    named = {"S3Bucket": bucket, "S3Key": "code.zip"}
    lambda_.create_function(
        FunctionName=bucket, Runtime="python3.11", Handler="app.handler", Role=platform.role(), Timeout=30,
        Code={**named, "S3ObjectVersion": first},
    )  # fmt: skip
    lambda_.get_waiter("function_active_v2").wait(FunctionName=bucket, WaiterConfig={"Delay": 1})
    assert lambda_.invoke(FunctionName=bucket)["Payload"].read() == b"1"
    lambda_.update_function_code(FunctionName=bucket, **named)
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=bucket, WaiterConfig={"Delay": 1})
    assert lambda_.invoke(FunctionName=bucket)["Payload"].read() == b"2"
    assert lambda_.publish_layer_version(LayerName=bucket, Content=named)["Version"] == 1
    with pytest.raises(ClientError, match="NoSuchKey"):
        lambda_.update_function_code(FunctionName=bucket, S3Bucket=bucket, S3Key="nothing")


def test_a_bus_is_told_and_a_failed_event_is_kept_as_an_object(
    platform: Any, s3: Any, bucket: str, eventually: Any
) -> None:
    sqs, events = platform.client("sqs"), platform.client("events")
    url = sqs.create_queue(QueueName=f"{bucket}-bus")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allowed]})})
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bucket, Targets=[{"Id": "q", "Arn": arn}])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    function = platform.create("def handler(event, context):\n    raise ValueError('no')")
    lambda_ = platform.client("lambda")
    lambda_.put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )  # fmt: skip
    lambda_.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"a": 1}')
    kept = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))[0]["Key"]
    assert kept.startswith(f"aws/lambda/async/{function}/")
    assert json.loads(s3.get_object(Bucket=bucket, Key=kept)["Body"].read())["requestPayload"] == {"a": 1}
    message = eventually(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))[0]
    event = json.loads(message["Body"])
    assert (event["detail-type"], event["detail"]["object"]["key"]) == ("Object Created", kept)


BAD = [
    ("GET", "/{bucket}?list-type=2&max-keys=x", {}, b"", {400}),
    ("GET", "/{bucket}?list-type=2&continuation-token=%C3%A9", {}, b"", {400}),
    ("GET", "/{bucket}?versions&version-id-marker=x", {}, b"", {400}),
    ("GET", "/{bucket}/there", {"range": "bytes=" + "9" * 6000 + "-"}, b"", {200}),
    ("GET", "/{bucket}/there?partNumber=" + "9" * 30, {}, b"", {400}),
    ("GET", "/{bucket}/%ff", {}, b"", {400, 403}),
    ("GET", "/{bucket}/%00", {}, b"", {404}),
    ("POST", "/{bucket}?delete", {}, b"<Delete><Object>", {400}),
    ("POST", "/{bucket}/k?uploadId=nope", {}, b"<CompleteMultipartUpload/>", {400, 404}),
    ("PUT", "/{bucket}/k?partNumber=0&uploadId=nope", {}, b"1", {400, 404}),
    ("PUT", "/{bucket}/k", {"x-amz-copy-source": "%ff"}, b"", {400}),
    ("PUT", "/{bucket}/" + "k" * 1025, {}, b"1", {400}),
    ("PUT", "/{bucket}/k", {"x-amz-checksum-crc32": "short"}, b"1", {400}),
    ("PUT", "/{bucket}/k", {"content-md5": "short"}, b"1", {400}),
    ("PUT", "/{bucket}/k", {"x-amz-tagging": "a=1&a=2"}, b"1", {400}),
    ("PUT", "/{bucket}/k", {"x-amz-meta-large": "x" * 3000}, b"1", {400}),
    (
        "PUT",
        "/{bucket}?versioning",
        {},
        b"<VersioningConfiguration><Status>No</Status></VersioningConfiguration>",
        {400},
    ),
    ("PUT", "/{bucket}?policy", {}, b"{}", {400}),
    ("PUT", "/{bucket}?website", {}, b"<WebsiteConfiguration/>", {501}),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "statuses"), BAD, ids=range(len(BAD)))
def test_bad_input_is_answered_as_such_and_leaves_nothing(
    platform: Any,
    s3: Any,
    bucket: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    statuses: set[int],
) -> None:
    s3.put_object(Bucket=bucket, Key="there", Body=b"there")
    frozen = platform.session().get_credentials().get_frozen_credentials()
    request = AWSRequest(method, platform.endpoint + path.format(bucket=bucket), data=body, headers=headers)
    S3SigV4Auth(frozen, "s3", "us-east-1").add_auth(request)
    answer = httpx.request(method, request.url, content=body, headers=dict(request.headers))
    assert answer.status_code in statuses, answer.text
    assert answer.status_code == 200 or answer.text.startswith("<?xml")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["there"]
