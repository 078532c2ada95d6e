"""Answers of the service where the API reference leaves a choice: as S3 was seen to give them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.services.s3.test_service import House

from lambent.model.objects import Stored
from lambent.protocol.checksums import CRCS
from lambent.services.s3 import store
from lambent.services.s3.errors import S3Error
from lambent.services.s3.listing import Wish, list_page

MD5 = "0cc175b9c0f1b6a831c399e269772661"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = await House(tmp_path / "objects").open()
    yield opened
    await opened.database.close()


async def version_by(house: House, status: str) -> None:
    await house.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration={"Status": status})


async def refused(house: House, name: str, **request: Any) -> S3Error:
    with pytest.raises(S3Error) as caught:
        await house.call(name, Bucket="bucket", **request)
    return caught.value


async def begin(house: House, **more: Any) -> str:
    made = await house.call("CreateMultipartUpload", Bucket="bucket", Key="k", **more)
    return str(made["UploadId"])


async def part(house: House, upload_id: str, number: int, declared: str = "") -> dict[str, Any]:
    """A part of one byte, of which the edge has computed what it does for every part."""
    known = {name: "AAAAAA==" if size == 4 else "AAAAAAAAAAA=" for name, size in CRCS.items()}
    stored = Stored(1, MD5, known, declared, data=b"a")
    named: dict[str, Any] = {"Bucket": "bucket", "Key": "k", "UploadId": upload_id, "PartNumber": number}
    made: dict[str, Any] = await house.call("UploadPart", **named, Body=stored)
    return {"PartNumber": number, "ETag": made["ETag"]}


async def test_who_empties_a_bucket_page_by_page_leaves_nothing(house: House) -> None:
    """The last version of a page is gone when the next is asked for, as with boto3's `object_versions.delete()`."""
    await version_by(house, "Enabled")
    for number in range(5):
        await house.put("k", b"%d" % number)
    page, seen = await house.call("ListObjectVersions", Bucket="bucket", MaxKeys=2), 0
    while True:
        for each in page["Versions"]:
            await house.call("DeleteObject", Bucket="bucket", Key="k", VersionId=each["VersionId"])
            seen += 1
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        page = await house.call("ListObjectVersions", Bucket="bucket", MaxKeys=2, **markers)
    assert (seen, await house.count("versions")) == (5, 0)


async def test_who_aborts_uploads_page_by_page_leaves_none(house: House) -> None:
    for _ in range(5):
        await begin(house)
    page = await house.call("ListMultipartUploads", Bucket="bucket", MaxUploads=2)
    while page["Uploads"]:
        for each in page["Uploads"]:
            await house.call("AbortMultipartUpload", Bucket="bucket", Key="k", UploadId=each["UploadId"])
        markers = {"KeyMarker": "k", "UploadIdMarker": page["Uploads"][-1]["UploadId"]}
        page = await house.call("ListMultipartUploads", Bucket="bucket", MaxUploads=2, **markers)
    assert await house.count("uploads") == 0


async def test_pages_of_uploads_go_on_where_they_stopped(house: House) -> None:
    ids = [await begin(house) for _ in range(5)]
    other = (await house.call("CreateMultipartUpload", Bucket="bucket", Key="l"))["UploadId"]
    page = await house.call("ListMultipartUploads", Bucket="bucket", MaxUploads=2)
    markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    rest = await house.call("ListMultipartUploads", Bucket="bucket", **markers)
    assert [each["UploadId"] for each in [*page["Uploads"], *rest["Uploads"]]] == [*ids, other]
    error = await refused(house, "ListMultipartUploads", KeyMarker="k", UploadIdMarker=other)
    assert (error.code, error.message) == ("InvalidArgument", "Invalid uploadId marker")


async def test_a_marker_inside_a_folder_leaves_out_the_folder(house: House) -> None:
    for key in ("f/a/1", "f/a/2", "f/b"):
        await house.put(key, b"")
    wish = {"Prefix": "f/", "Delimiter": "/"}
    old = await house.call("ListObjects", Bucket="bucket", Marker="f/a/1", **wish)
    versions = await house.call("ListObjectVersions", Bucket="bucket", KeyMarker="f/a/1", **wish)
    for listed, items in ((old, "Contents"), (versions, "Versions")):
        assert ([each["Key"] for each in listed[items]], listed["CommonPrefixes"]) == (["f/b"], [])


async def test_of_a_marker_nobody_hears_but_that_it_is_one(house: House) -> None:
    """S3 User Guide, "Working with delete markers": the answers have x-amz-delete-marker."""
    await version_by(house, "Enabled")
    marker = (await house.call("DeleteObject", Bucket="bucket", Key="k"))["VersionId"]
    said = {"x-amz-delete-marker": "true", "x-amz-version-id": marker}
    error = await refused(house, "GetObject", Key="k")
    assert (error.code, error.headers) == ("NoSuchKey", said)
    error = await refused(house, "HeadObject", Key="k", VersionId=marker)
    assert (error.code, error.headers["allow"], error.members["Method"]) == ("MethodNotAllowed", "DELETE", "HEAD")
    assert said.items() <= error.headers.items()
    error = await refused(house, "PutObjectTagging", Key="k", Tagging={"TagSet": []})
    assert (error.code, error.members) == ("MethodNotAllowed", {"Method": "PUT", "ResourceType": "DeleteMarker"})


async def test_names_of_versions_that_cannot_be_are_refused(house: House) -> None:
    await house.put("k", b"")
    for name in ("nonsense", "x" * 32):
        error = await refused(house, "GetObject", Key="k", VersionId=name)
        assert (error.code, error.message) == ("InvalidArgument", "Invalid version id specified")
    await version_by(house, "Enabled")
    assert (await refused(house, "GetObject", Key="k", VersionId="x" * 32)).code == "NoSuchVersion"
    assert (await refused(house, "DeleteObject", Key="k", VersionId="nonsense")).code == "InvalidArgument"
    gone = await house.call("DeleteObjects", Bucket="bucket", Delete={"Objects": [{"Key": "k", "VersionId": "no"}]})
    assert [each["Code"] for each in gone["Errors"]] == ["NoSuchVersion"]


async def test_while_versioning_is_suspended_nobody_is_told_of_the_version_called_null(house: House) -> None:
    await version_by(house, "Enabled")
    assert (await house.put("k", b""))["VersionId"]
    await version_by(house, "Suspended")
    assert "VersionId" not in await house.put("k", b"1")
    assert (await house.call("HeadObject", Bucket="bucket", Key="k"))["VersionId"] == "null"


async def test_a_part_without_a_checksum_is_taken_where_the_whole_has_one_of_its_own(house: House) -> None:
    """S3 User Guide, "Full object checksums"; a composite one is refused: "actual checksum Type: null"."""
    whole = await begin(house, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    await part(house, whole, 1)
    composite = await begin(house, ChecksumAlgorithm="CRC32")
    with pytest.raises(S3Error, match="expected checksum Type: crc32, actual checksum Type: null"):
        await part(house, composite, 1)
    with pytest.raises(S3Error, match="expected checksum Type: crc32, actual checksum Type: crc32c"):
        await part(house, whole, 2, "CRC32C")


async def test_parts_are_told_one_by_one_where_the_checksum_is_of_them(house: House) -> None:
    for kind, told in (("COMPOSITE", True), ("FULL_OBJECT", False)):
        upload = await begin(house, ChecksumAlgorithm="CRC32", ChecksumType=kind)
        named = await part(house, upload, 1, "CRC32") | {"ChecksumCRC32": "AAAAAA=="}
        done: dict[str, Any] = {
            "Bucket": "bucket",
            "Key": "k",
            "UploadId": upload,
            "MultipartUpload": {"Parts": [named]},
        }
        await house.call("CompleteMultipartUpload", **done)
        wanted: dict[str, Any] = {"Bucket": "bucket", "Key": "k", "ObjectAttributes": ["Checksum,ObjectParts"]}
        shown = await house.call("GetObjectAttributes", **wanted)
        assert "-" not in shown["Checksum"]["ChecksumCRC32"]
        assert shown["Checksum"]["ChecksumType"] == kind
        assert ("Parts" in shown["ObjectParts"], shown["ObjectParts"]["TotalPartsCount"]) == (told, 1)


@pytest.mark.parametrize("status", ["Suspended", "Enabled", ""])
async def test_an_upload_whose_key_was_deleted_meanwhile_is_in_conflict(house: House, status: str) -> None:
    """S3 User Guide, "Add preconditions to S3 operations": 409 where a delete came between."""
    if status:
        await version_by(house, status)
    for deletes in (True, False):
        upload = await begin(house)
        named = await part(house, upload, 1)
        await house.put("other", b"0")
        await house.call("DeleteObject", Bucket="bucket", Key="other")
        done: dict[str, Any] = {"Key": "k", "UploadId": upload, "MultipartUpload": {"Parts": [named]}}
        if deletes:
            await house.put("k", b"0")
            await house.call("DeleteObject", Bucket="bucket", Key="k")
            error = await refused(house, "CompleteMultipartUpload", **done, IfNoneMatch="*")
            assert (error.code, error.status) == ("ConditionalRequestConflict", 409)
            assert error.members["Condition"] == "If-None-Match"
        else:
            await house.call("CompleteMultipartUpload", Bucket="bucket", **done, IfNoneMatch="*")


async def test_an_upload_that_the_object_has_outrun_is_in_conflict(house: House) -> None:
    upload = await begin(house)
    await house.clock.advance(1)
    named = await part(house, upload, 1)
    etag = (await house.put("k", b"later"))["ETag"]
    done: dict[str, Any] = {"Key": "k", "UploadId": upload, "MultipartUpload": {"Parts": [named]}}
    error = await refused(house, "CompleteMultipartUpload", **done, IfMatch=etag)
    assert (error.code, error.status, error.members["Condition"]) == ("ConditionalRequestConflict", 409, "If-Match")
    await house.call("CompleteMultipartUpload", Bucket="bucket", **done)


@pytest.mark.parametrize(
    ("parts", "code"),
    [([], "InvalidRequest"), ([{"PartNumber": 1}], "MalformedXML"), ([{"ETag": MD5}], "MalformedXML")],
)
async def test_a_completion_names_its_parts_whole(house: House, parts: list[dict[str, Any]], code: str) -> None:
    upload = await begin(house)
    await part(house, upload, 1)
    request = {"Key": "k", "UploadId": upload, "MultipartUpload": {"Parts": parts}}
    assert (await refused(house, "CompleteMultipartUpload", **request)).code == code


async def test_what_copies_are_told_is_of_what_they_asked(house: House) -> None:
    await house.put("a b", b"12")
    made = await house.call("CopyObject", Bucket="bucket", Key="c", CopySource="bucket%2Fa+b")
    assert "CopySourceVersionId" not in made
    itself = {"Key": "c", "CopySource": "bucket/c"}
    assert (await refused(house, "CopyObject", **itself)).code == "InvalidRequest"
    assert (await refused(house, "CopyObject", **itself, IfNoneMatch="*")).code == "PreconditionFailed"
    await house.call("CopyObject", Bucket="bucket", **itself, StorageClass="STANDARD")


async def test_a_range_that_is_all_has_the_checksum_of_all(house: House) -> None:
    await house.put("k", b"12")
    for text, whole in (("bytes=0-9", True), ("bytes=-2", True), ("bytes=0-0", False)):
        got = await house.call("GetObject", Bucket="bucket", Key="k", Range=text, ChecksumMode="ENABLED")
        assert ("ChecksumType" in got) == whole


@pytest.mark.parametrize(
    ("name", "request_", "code"),
    [
        ("GetBucketPolicy", {"ExpectedBucketOwner": "abcd"}, "InvalidBucketOwnerAWSAccountID"),
        ("ListObjectsV2", {"ContinuationToken": ""}, "InvalidArgument"),
        ("ListObjects", {"EncodingType": ""}, "InvalidArgument"),
        ("PutBucketVersioning", {"VersioningConfiguration": {}}, "IllegalVersioningConfigurationException"),
        ("CreateBucket", {"CreateBucketConfiguration": {"LocationConstraint": "no"}}, "InvalidLocationConstraint"),
    ],
)
async def test_bad_input_has_the_code_that_s3_gives(
    house: House, name: str, request_: dict[str, Any], code: str
) -> None:
    assert (await refused(house, name, **request_)).code == code


async def test_a_set_of_no_tags_is_no_set(house: House) -> None:
    await house.call("PutBucketTagging", Bucket="bucket", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    await house.call("PutBucketTagging", Bucket="bucket", Tagging={"TagSet": []})
    assert (await refused(house, "GetBucketTagging")).code == "NoSuchTagSet"


class Counting:
    """A transaction that counts the rows it reads."""

    def __init__(self, tx: Any) -> None:
        self.tx, self.rows = tx, 0

    def all(self, sql: Any, **parameters: Any) -> Any:
        found = self.tx.all(sql, **parameters)
        self.rows += len(found)
        return found


async def test_a_listing_costs_what_it_shows_and_not_what_lies_below(house: House) -> None:
    for number in range(600):
        await house.put(f"{number % 20:02}/{number:03}", b"")

    def work(tx: Any) -> tuple[int, int]:
        counting: Any = Counting(tx)
        page = list_page(Wish(delimiter="/"), lambda key: store.objects_from(counting, 1, key))
        return len(page.prefixes), counting.rows

    prefixes, rows = await house.database.read(work)
    assert prefixes == 20
    assert rows <= 20 * 8
