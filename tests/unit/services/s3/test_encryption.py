"""What lies on disk is not what was put, whatever way it came; what is refused of encryption is refused by name.

Sources: S3 User Guide, "Using server-side encryption with Amazon S3 managed keys (SSE-S3)" and "Setting default
server-side encryption behavior for Amazon S3 buckets"; S3 API reference, PutBucketEncryption.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.services.s3.test_service import CRC, House

from lambent.errors import ServiceError
from lambent.model.objects import Stored
from lambent.services.s3.encryption import EVERY_BUCKETS, rule_of
from lambent.store.objects import place_of
from lambent.vault import SealBroken, Vault

SECRET = b"the plain bytes of an object " * 4
LARGE = SECRET * 3_000
UPLOAD = {"Bucket": "bucket", "Key": "k"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = await House(tmp_path / "objects").open()
    yield opened
    await opened.database.close()


async def stored(house: House, data: bytes) -> Stored:
    """A body as an edge brings it."""
    told = Stored(len(data), hashlib.md5(data).hexdigest(), CRC)
    if len(data) < 1_000:
        return Stored(told.length, told.md5, CRC, data=data)
    writing = await house.objects.begin()
    await writing.write(data)
    await writing.finish()
    writing.release()
    return Stored(told.length, told.md5, CRC, blob=writing.name, key=writing.key)


async def make_old(house: House, key: str, data: bytes) -> None:
    """An object as it was kept before there was encryption."""
    name = hashlib.md5(key.encode()).hexdigest()
    if len(data) > 1_000:
        place_of(house.folder, name).write_bytes(data)
    await house.call("PutObject", Bucket="bucket", Key=key, Body=await stored(house, data))
    facts = '{"checksums":{"CRC64NVME":"AAAAAAAAAAA="},"checksum_type":"FULL_OBJECT"}'

    def work(tx: Any) -> None:
        row = tx.one("SELECT id, body FROM versions WHERE key = :key", key=key)
        tx.run("UPDATE versions SET facts = :facts WHERE id = :id", facts=facts, id=row["id"])
        tx.run("UPDATE pieces SET blob = :name WHERE body = :body", name=name, body=row["body"])
        kept = None if len(data) > 1_000 else data
        tx.run("INSERT INTO blobs (name, refs, data) VALUES (:name, 1, :data)", name=name, data=kept)

    await house.database.write(work)


async def got(house: House, key: str) -> bytes:
    answer = await house.call("GetObject", Bucket="bucket", Key=key)
    if "Body" in answer:
        return bytes(answer["Body"])
    return b"".join([data async for data in house.objects.read(answer.pieces)])


async def is_encrypted(house: House, key: str) -> bool:
    """What HEAD says; and that it is so."""
    said = (await house.call("HeadObject", Bucket="bucket", Key=key)).get("ServerSideEncryption")

    def work(tx: Any) -> list[Any]:
        return list(
            tx.all(
                "SELECT b.* FROM blobs b JOIN pieces p ON p.blob = b.name JOIN versions v ON v.body = p.body "
                "WHERE v.key = :key",
                key=key,
            )
        )

    for blob in await house.database.read(work):
        file = place_of(house.folder, blob["name"])
        kept = file.read_bytes() if file.exists() else (blob["sealed_data"] or blob["data"])
        assert (SECRET not in kept) == (said == "AES256")
    return bool(said == "AES256")


@pytest.mark.parametrize("data", [b"", SECRET, LARGE], ids=len)
async def test_every_new_object_is_encrypted_also_where_nobody_asks(house: House, data: bytes) -> None:
    put = await house.call("PutObject", Bucket="bucket", Key="k", Body=await stored(house, data))
    assert put["ServerSideEncryption"] == "AES256"
    assert await is_encrypted(house, "k")
    assert await got(house, "k") == data
    copied = await house.call("CopyObject", Bucket="bucket", Key="copy", CopySource="bucket/k")
    assert copied["ServerSideEncryption"] == "AES256"
    assert await got(house, "copy") == data


@pytest.mark.parametrize("data", [SECRET, LARGE], ids=len)
async def test_an_object_from_before_says_so_and_is_encrypted_by_a_copy(house: House, data: bytes) -> None:
    await make_old(house, "old", data)
    assert not await is_encrypted(house, "old")
    assert await got(house, "old") == data
    await house.call("CopyObject", Bucket="bucket", Key="copy", CopySource="bucket/old")
    assert await is_encrypted(house, "copy")
    await house.call("CopyObject", Bucket="bucket", Key="old", CopySource="bucket/old", ServerSideEncryption="AES256")
    assert await is_encrypted(house, "old")
    assert (await got(house, "old"), await got(house, "copy")) == (data, data)
    assert await house.database.read(lambda tx: tx.all("SELECT name FROM blobs WHERE data IS NOT NULL")) == []


async def test_the_files_of_what_was_replaced_or_deleted_are_gone_a_minute_later(house: House) -> None:
    """What the guide promises, with whatever SQLite: 3.40 says of columns in RETURNING that they are not null."""

    async def files() -> int:
        return sum(each.is_file() for each in house.folder.rglob("*"))

    await make_old(house, "old", LARGE)
    for key in ("new", "kept"):
        await house.call("PutObject", Bucket="bucket", Key=key, Body=await stored(house, LARGE))
    await house.call("CopyObject", Bucket="bucket", Key="copy", CopySource="bucket/kept")
    before = await files()
    await house.call("CopyObject", Bucket="bucket", Key="old", CopySource="bucket/old", ServerSideEncryption="AES256")
    for key in ("new", "kept"):
        await house.call("DeleteObject", Bucket="bucket", Key=key)
    assert await house.service.sweeper.delete_garbage() == 0  # a reader may be on its way
    await house.clock.advance(61)
    assert await house.service.sweeper.delete_garbage() == 2
    assert await files() == before - 1  # two went, and what replaced the old one came
    assert await got(house, "copy") == LARGE
    assert await got(house, "old") == LARGE


@pytest.mark.parametrize("data", [SECRET, LARGE], ids=len)
async def test_a_part_that_is_copied_from_an_object_from_before_is_encrypted(house: House, data: bytes) -> None:
    await make_old(house, "old", data)
    upload = await house.call("CreateMultipartUpload", **UPLOAD)
    assert upload["ServerSideEncryption"] == "AES256"
    part = {**UPLOAD, "UploadId": upload["UploadId"], "PartNumber": 1}
    copied = await house.call("UploadPartCopy", **part, CopySource="bucket/old", CopySourceRange="bytes=10-89")
    assert copied["ServerSideEncryption"] == "AES256"
    etag = copied["CopyPartResult"]["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    made = await house.call("CompleteMultipartUpload", **UPLOAD, UploadId=upload["UploadId"], MultipartUpload=parts)
    assert made["ServerSideEncryption"] == "AES256"
    assert await is_encrypted(house, "k")
    assert await got(house, "k") == data[10:90]


async def test_another_master_key_opens_nothing(house: House) -> None:
    await house.call("PutObject", Bucket="bucket", Key="small", Body=await stored(house, SECRET))
    await house.call("PutObject", Bucket="bucket", Key="large", Body=await stored(house, LARGE))
    house.serve(Vault(bytes(range(32))))
    for key in ("small", "large"):
        with pytest.raises(SealBroken, match="master key"):
            await got(house, key)


async def test_what_is_sealed_of_one_blob_is_no_other_blobs(house: House) -> None:
    """Whoever can write to the tables swaps nothing in: the name is bound in."""
    for key in ("one", "two"):
        await house.call("PutObject", Bucket="bucket", Key=key, Body=await stored(house, SECRET + key.encode()))

    def swap(tx: Any) -> None:
        one, two = tx.all("SELECT * FROM blobs ORDER BY name")
        tx.run("UPDATE blobs SET sealed_data = :data WHERE name = :name", data=two["sealed_data"], name=one["name"])

    await house.database.write(swap)
    refused = 0
    for key in ("one", "two"):
        try:
            assert await got(house, key) == SECRET + key.encode()
        except SealBroken:
            refused += 1
    assert refused == 1


async def test_a_copy_whose_caller_goes_away_as_it_is_committed_keeps_its_bytes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge that dies takes its calls with it; the copy onto itself had replaced an acknowledged object."""
    await house.call("PutObject", Bucket="bucket", Key="k", Body=await stored(house, SECRET))
    write, writes = house.database.write, 0

    async def then_gone(work: Any) -> Any:
        nonlocal writes
        result, writes = await write(work), writes + 1
        if writes == 2:  # the first holds the source
            raise asyncio.CancelledError
        return result

    monkeypatch.setattr(house.database, "write", then_gone)
    changed: dict[str, Any] = {"MetadataDirective": "REPLACE", "Metadata": {"changed": "yes"}}
    with pytest.raises(asyncio.CancelledError):
        await house.call("CopyObject", Bucket="bucket", Key="k", CopySource="bucket/k", **changed)
    assert (await house.call("HeadObject", Bucket="bucket", Key="k"))["Metadata"] == {"changed": "yes"}
    assert await got(house, "k") == SECRET


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ({"ServerSideEncryption": "aws:kms:dsse"}, "NotImplemented"),
        ({"ServerSideEncryption": "aes256"}, "InvalidArgument"),
        ({"ServerSideEncryption": ""}, "InvalidArgument"),
        ({"SSEKMSKeyId": "alias/aws/s3"}, "NotImplemented"),
        ({"SSEKMSEncryptionContext": "e30="}, "NotImplemented"),
        ({"BucketKeyEnabled": True}, "NotImplemented"),
        ({"SSECustomerAlgorithm": "AES256"}, "NotImplemented"),
        ({"SSECustomerKeyMD5": "x"}, "NotImplemented"),
    ],
)
async def test_other_encryption_is_refused_by_name(house: House, request_: dict[str, Any], code: str) -> None:
    body = await stored(house, SECRET)
    for name in ("PutObject", "CreateMultipartUpload", "CopyObject"):
        with pytest.raises(ServiceError) as caught:
            await house.call(name, **UPLOAD, Body=body, CopySource="bucket/k", **request_)
        assert caught.value.code == code
    assert await house.count("versions") == 0


async def test_who_shows_a_key_of_its_own_for_what_has_none_is_told(house: House) -> None:
    await house.call("PutObject", **UPLOAD, Body=await stored(house, SECRET))
    for name in ("GetObject", "HeadObject"):
        with pytest.raises(ServiceError, match="not applicable to this object"):
            await house.call(name, **UPLOAD, SSECustomerAlgorithm="AES256", SSECustomerKey="x", SSECustomerKeyMD5="x")


def rule(**default: Any) -> dict[str, Any]:
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({}, "MalformedXML"),
        ({"Rules": []}, "MalformedXML"),
        ({"Rules": [{}, {}]}, "MalformedXML"),
        (rule(), "MalformedXML"),
        (rule(SSEAlgorithm="AES128"), "MalformedXML"),
        (rule(SSEAlgorithm="aws:kms"), "NotImplemented"),
        (rule(SSEAlgorithm="aws:kms:dsse", KMSMasterKeyID="k"), "NotImplemented"),
        (rule(SSEAlgorithm="AES256", KMSMasterKeyID="k"), "InvalidArgument"),
        ({"Rules": [{"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]}, "NotImplemented"),
        ({"Rules": [{"BlockedEncryptionTypes": {"EncryptionType": ["SSE-S3"]}}]}, "MalformedXML"),
    ],
)
def test_a_configuration_that_cannot_be_carried_out_is_refused(configuration: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        rule_of(configuration)
    assert caught.value.code == code


async def test_a_buckets_configuration_is_shown_as_it_was_put_and_is_that_of_all_where_it_was_not(house: House) -> None:
    async def shown() -> Any:
        answer = await house.call("GetBucketEncryption", Bucket="bucket")
        return answer["ServerSideEncryptionConfiguration"]["Rules"]

    assert await shown() == [EVERY_BUCKETS]
    wanted = EVERY_BUCKETS | {
        "BucketKeyEnabled": True,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    await house.call("PutBucketEncryption", Bucket="bucket", ServerSideEncryptionConfiguration={"Rules": [wanted]})
    assert await shown() == [wanted]
    await house.call("DeleteBucketEncryption", Bucket="bucket")
    assert await shown() == [EVERY_BUCKETS]


async def test_policies_see_what_is_asked_for_by_name_and_of_a_part_what_its_upload_asked_for(house: House) -> None:
    """S3 User Guide: policies are evaluated before the default encryption; who must ask by name, must."""
    text = (
        '{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*",'
        '"Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"}}}]}'
    )
    unasked = await house.call("CreateMultipartUpload", **UPLOAD)
    await house.call("PutBucketPolicy", Bucket="bucket", Policy=text)

    async def code_of(name: str, **request: Any) -> str:
        try:
            await house.call(name, **UPLOAD, **request)
        except ServiceError as error:
            return error.code
        return ""

    body, asked = await stored(house, SECRET), {"ServerSideEncryption": "AES256"}
    assert await code_of("PutObject", Body=body) == "AccessDenied"
    assert await code_of("CreateMultipartUpload") == "AccessDenied"
    assert await code_of("UploadPart", UploadId=unasked["UploadId"], PartNumber=1, Body=body) == "AccessDenied"
    assert await code_of("PutObject", Body=body, **asked) == ""
    assert await code_of("CopyObject", CopySource="bucket/k") == "AccessDenied"
    assert await code_of("CopyObject", CopySource="bucket/k", **asked) == ""
    upload = await house.call("CreateMultipartUpload", **UPLOAD, **asked)
    assert await code_of("UploadPart", UploadId=upload["UploadId"], PartNumber=1, Body=body) == ""
    parts = {"Parts": [{"PartNumber": 1, "ETag": f'"{body.md5}"'}]}
    assert await code_of("CompleteMultipartUpload", UploadId=upload["UploadId"], MultipartUpload=parts) == ""


async def test_other_services_objects_are_encrypted_too(house: House) -> None:
    for key, data in (("small", SECRET), ("large", LARGE)):
        await house.service.files.write("111111111111", ("bucket", key), data)
        assert await is_encrypted(house, key)
        assert await got(house, key) == data
