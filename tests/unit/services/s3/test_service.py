"""S3's operations without a platform, against a model of what versions are."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from lambent.clock import FakeClock
from lambent.delivery.api import Delivery
from lambent.errors import ServiceError
from lambent.ids import FakeIds, SystemIds
from lambent.model.objects import Stored
from lambent.model.principal import Principal
from lambent.services.operation import RequestContext
from lambent.services.s3 import store
from lambent.services.s3.api import Links
from lambent.services.s3.expiring import Due
from lambent.services.s3.service import S3Service
from lambent.store.memory import open_memory
from lambent.store.objects import open_objects
from lambent.store.sql import load_schema
from lambent.vault import Vault

ACCOUNT, OTHER = "111111111111", "222222222222"
CRC = {"CRC64NVME": "AAAAAAAAAAA="}


class Around:
    def __init__(self) -> None:
        self.got: list[Delivery] = []

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        self.got += deliveries

    def refusal(self, target_arn: str) -> str | None:
        return None

    async def try_out(self, delivery: Delivery) -> str | None:
        return None if "good" in delivery.target_arn else "it may not"


class House:
    def __init__(self, folder: Path) -> None:
        self.clock, self.around, self.folder = FakeClock(), Around(), folder

    async def open(self) -> "House":
        self.database = await open_memory(load_schema("lambent.services.s3"))
        self.objects = open_objects(self.folder, SystemIds())
        self.serve(Vault(bytes(32)))
        await self.call("CreateBucket", Bucket="bucket")
        return self

    def serve(self, vault: Vault) -> None:
        links = Links(self.objects, self.around, self.around, vault)
        self.service = S3Service(self.database, self.clock, FakeIds(), links)

    async def call(self, name: str, account: str = ACCOUNT, **request: Any) -> Any:
        ctx = RequestContext(
            Principal(account, f"arn:aws:iam::{account}:root", "id"), account, "us-east-1", "request", operation=name
        )
        return await self.service.operations[name](ctx, request) or {}

    async def put(self, key: str, data: bytes) -> Any:
        stored = Stored(len(data), data.hex() or "0", CRC, data=data)
        return await self.call("PutObject", Bucket="bucket", Key=key, Body=stored)

    async def count(self, table: str) -> int:
        row = await self.database.read(lambda tx: tx.one(f"SELECT COUNT(*) AS n FROM {table}"))
        assert row is not None
        return int(row["n"])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = await House(tmp_path / "objects").open()
    yield opened
    await opened.database.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("ab")),
        st.tuples(st.just("delete"), st.sampled_from("ab")),
        st.tuples(st.just("remove"), st.integers(0, 9)),
        st.tuples(st.just("versioning"), st.sampled_from(["Enabled", "Suspended"])),
    ),
    max_size=14,
)


@settings(max_examples=50)
@given(STEPS)
async def test_versions_are_as_a_plain_list_of_them_would_be(tmp_path: Path, steps: list[tuple[str, Any]]) -> None:
    """The model: a list of (key, version, bytes or None for a marker), the newest first."""
    house = await House(tmp_path / "objects").open()
    model: list[tuple[str, str, bytes | None]] = []
    versioning = ""

    def new(key: str, name: str, data: bytes | None) -> None:
        if name == "null":
            model[:] = [each for each in model if each[:2] != (key, "null")]
        model.insert(0, (key, name, data))

    for number, (what, argument) in enumerate(steps):
        if what == "put":
            made = await house.put(argument, b"%d" % number)
            new(argument, made.get("VersionId", "null"), b"%d" % number)
        elif what == "delete":
            gone = await house.call("DeleteObject", Bucket="bucket", Key=argument)
            if versioning:
                new(argument, gone["VersionId"], None)
            else:
                model[:] = [each for each in model if each[0] != argument]
        elif what == "remove" and model:
            key, name, _ = model.pop(argument % len(model))
            await house.call("DeleteObject", Bucket="bucket", Key=key, VersionId=name)
        elif what == "versioning":
            versioning = argument
            configuration = {"Status": argument}
            await house.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration=configuration)
    await check(house, model)
    await house.database.close()


async def check(house: House, model: list[tuple[str, str, bytes | None]]) -> None:
    newest: dict[str, bytes | None] = {}
    for key, name, data in model:
        if key not in newest:
            newest[key] = data
        if data is not None:
            got = await house.call("GetObject", Bucket="bucket", Key=key, VersionId=name)
            assert got["Body"] == data
    listed = await house.call("ListObjectsV2", Bucket="bucket")
    assert [each["Key"] for each in listed["Contents"]] == sorted(
        key for key, data in newest.items() if data is not None
    )
    versions = await house.call("ListObjectVersions", Bucket="bucket")
    found = [(each["Key"], each["VersionId"]) for each in versions["Versions"]]
    assert found == [each[:2] for key in sorted(newest) for each in model if each[0] == key and each[2] is not None]
    latest = {each["Key"] for each in [*versions["Versions"], *versions["DeleteMarkers"]] if each["IsLatest"]}
    assert latest == set(newest)
    kept = sum(data is not None for _, _, data in model)
    assert (await house.count("bodies"), await house.count("blobs")) == (kept, kept)


async def test_another_account_may_nothing(house: House) -> None:
    await house.put("k", b"1")
    for name, more in (("GetObject", {"Key": "k"}), ("ListObjectsV2", {}), ("DeleteObject", {"Key": "k"})):
        with pytest.raises(ServiceError) as caught:
            await house.call(name, OTHER, Bucket="bucket", **more)
        assert caught.value.code == "AccessDenied"
    with pytest.raises(ServiceError) as caught:
        await house.call("CreateBucket", OTHER, Bucket="bucket")
    assert caught.value.code == "BucketAlreadyExists"
    with pytest.raises(ServiceError) as caught:
        await house.call("GetObject", Bucket="bucket", Key="k", ExpectedBucketOwner=OTHER)
    assert caught.value.code == "AccessDenied"


async def test_a_copy_shares_its_source_and_outlives_it(house: House) -> None:
    await house.put("k", b"123")
    await house.call("CopyObject", Bucket="bucket", Key="copy", CopySource="bucket/k")
    assert await house.count("blobs") == 1
    await house.call("DeleteObject", Bucket="bucket", Key="k")
    assert (await house.call("GetObject", Bucket="bucket", Key="copy"))["Body"] == b"123"
    await house.call("DeleteObject", Bucket="bucket", Key="copy")
    assert (await house.count("blobs"), await house.count("pieces"), await house.count("bodies")) == (0, 0, 0)


async def test_a_notification_is_committed_with_its_change_and_handed_over_once_it_is(house: House) -> None:
    queue = "arn:aws:sqs:us-east-1:111111111111:good"
    rules = {"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]}
    await house.call("PutBucketNotificationConfiguration", Bucket="bucket", NotificationConfiguration=rules)
    await house.put("k", b"1")
    assert await house.count("outbox") == 1
    assert await house.service.notifier.hand_over() == 1
    assert [each.target_arn for each in house.around.got] == [queue]
    assert await house.count("outbox") == 0


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({"QueueArn": "arn:aws:sqs:us-east-1:111111111111:bad", "Events": ["s3:ObjectCreated:*"]}, "InvalidArgument"),
        ({"QueueArn": "arn:aws:sqs:eu-west-1:111111111111:good", "Events": ["s3:ObjectCreated:*"]}, "InvalidArgument"),
        (
            {"QueueArn": "arn:aws:sqs:us-east-1:111111111111:good.fifo", "Events": ["s3:ObjectCreated:*"]},
            "InvalidArgument",
        ),
        ({"QueueArn": "arn:aws:sqs:us-east-1:111111111111:good", "Events": ["s3:Nothing"]}, "InvalidArgument"),
        ({"QueueArn": "arn:aws:sqs:us-east-1:111111111111:good", "Events": ["s3:ObjectRestore:*"]}, "NotImplemented"),
    ],
)
async def test_a_destination_that_could_not_be_told_is_refused(
    house: House, configuration: dict[str, Any], code: str
) -> None:
    rules = {"QueueConfigurations": [configuration]}
    with pytest.raises(ServiceError) as caught:
        await house.call("PutBucketNotificationConfiguration", Bucket="bucket", NotificationConfiguration=rules)
    assert caught.value.code == code
    assert await house.call("GetBucketNotificationConfiguration", Bucket="bucket") == {}


async def test_another_account_does_what_the_policy_allows_and_no_more(house: House) -> None:
    """S3 User Guide, "How Amazon S3 authorizes a request"."""

    async def code_of(name: str, account: str = OTHER, **request: Any) -> str:
        try:
            await house.call(name, account, Bucket="bucket", **request)
        except ServiceError as error:
            return error.code
        return ""

    for key in ("there", "shut"):
        await house.put(key, b"1")
    await house.call(
        "PutObjectTagging", Bucket="bucket", Key="there", Tagging={"TagSet": [{"Key": "kind", "Value": "open"}]}
    )
    assert await code_of("HeadBucket") == "AccessDenied"
    base = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Resource": "arn:aws:s3:::bucket/*"}
    statements: list[dict[str, Any]] = [
        {"Action": "s3:GetObject", "Condition": {"StringEquals": {"s3:ExistingObjectTag/kind": "open"}}},
        {"Action": "s3:DeleteObject"},
        {"Action": "s3:*Policy", "Resource": "arn:aws:s3:::bucket"},
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Principal": "*", "Resource": "arn:aws:s3:::bucket/there"},
    ]
    document = {"Version": "2012-10-17", "Statement": [base | each for each in statements]}
    await house.call("PutBucketPolicy", Bucket="bucket", Policy=json.encode(document).decode())
    assert await code_of("GetObject", Key="there") == ""
    assert await code_of("GetObject", Key="shut") == "AccessDenied"
    answer = await house.call(
        "DeleteObjects", OTHER, Bucket="bucket", Delete={"Objects": [{"Key": "there"}, {"Key": "shut"}]}
    )
    assert [each["Key"] for each in answer["Deleted"]] == ["shut"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("there", "AccessDenied")]
    assert await code_of("DeleteObject", ACCOUNT, Key="there") == "AccessDenied"  # the owner is denied as well
    assert await code_of("CopyObject", Key="copy", CopySource="bucket/there") == "AccessDenied"
    assert await code_of("GetBucketPolicy") == "MethodNotAllowed"  # whatever the policy says
    assert await code_of("GetBucketPolicyStatus") == "AccessDenied"


async def expire(house: House) -> None:
    bucket = await house.database.read(lambda tx: store.bucket(tx, "bucket"))
    await house.service.expirer.carry_out(Due(bucket.id))


def lifecycle(**rule: Any) -> dict[str, Any]:
    return {"Rules": [{"ID": "rule one", "Status": "Enabled", "Filter": {"Prefix": "old"}} | rule]}


async def test_what_is_over_goes_as_its_rule_says_and_is_told(house: House) -> None:
    """S3 User Guide, "Expiring objects": a marker where there are versions, else the object is gone."""
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:111111111111:good", "Events": ["s3:LifecycleExpiration:*"]}
    await house.call(
        "PutBucketNotificationConfiguration",
        Bucket="bucket",
        NotificationConfiguration={"QueueConfigurations": [queue]},
    )
    await house.call(
        "PutBucketLifecycleConfiguration",
        Bucket="bucket",
        LifecycleConfiguration=lifecycle(
            Expiration={"Days": 1},
            NoncurrentVersionExpiration={"NoncurrentDays": 1},
            AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1},
        ),
    )
    put = await house.put("old one", b"1")
    assert 'rule-id="rule%20one"' in put["Expiration"]
    await house.put("kept", b"1")
    upload = await house.call("CreateMultipartUpload", Bucket="bucket", Key="old parts")
    assert upload["AbortRuleId"] == "rule one"
    await expire(house)
    assert await house.count("versions") == 2
    await house.clock.advance(2 * 86_400)
    await expire(house)
    assert (await house.count("versions"), await house.count("uploads")) == (1, 0)
    await house.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    await house.put("old two", b"2")
    for left in (2, 1):  # first the marker hides it, then the version below goes, and the marker with the next walk
        await house.clock.advance(2 * 86_400)
        await expire(house)
        assert await house.count("versions") - 1 == left
    await house.clock.advance(2 * 86_400)
    await expire(house)
    assert await house.count("versions") == 1
    while await house.service.notifier.hand_over():
        pass
    told = [json.decode(each.payload)["Records"][0] for each in house.around.got if b"Records" in each.payload]
    assert [each["eventName"].removeprefix("LifecycleExpiration:") for each in told] == [
        "Delete",
        "DeleteMarkerCreated",
        "Delete",
        "Delete",
    ]
    assert told[0]["userIdentity"] == {"principalId": "s3.amazonaws.com"}


async def test_what_was_overwritten_meanwhile_does_not_expire(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.call(
        "PutBucketLifecycleConfiguration", Bucket="bucket", LifecycleConfiguration=lifecycle(Expiration={"Days": 1})
    )
    await house.put("old", b"1")
    await house.clock.advance(3 * 86_400)
    walk = house.service.expirer._walk

    async def then_overwritten(*arguments: Any) -> Any:
        found = await walk(*arguments)
        assert found == (["old"], None)
        await house.put("old", b"2")
        return found

    monkeypatch.setattr(house.service.expirer, "_walk", then_overwritten)
    await expire(house)
    got = await house.call("GetObject", Bucket="bucket", Key="old")
    assert got["Body"] == b"2"


async def test_rules_are_carried_out_by_the_clock(house: House) -> None:
    await house.call(
        "PutBucketLifecycleConfiguration", Bucket="bucket", LifecycleConfiguration=lifecycle(Expiration={"Days": 1})
    )
    await house.put("old", b"1")
    running = asyncio.get_running_loop().create_task(house.service.expirer.run())
    async with asyncio.timeout(60):
        while await house.count("versions"):
            await house.clock.advance(3_600)
            await asyncio.sleep(0)
    running.cancel()
