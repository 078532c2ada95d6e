"""Streams, expiry, indexes that come later, what is cleared away, transactions' tokens; time is the test's.

Sources: DynamoDB Developer Guide, "Change data capture for DynamoDB Streams", "Using time to live (TTL)", "Managing
Global Secondary Indexes", "Amazon DynamoDB Transactions".
"""

import asyncio
import base64
from typing import Any

import msgspec
import pytest

KEY = {"id": {"S": "a"}}
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
DAY_S = 86_400.0


async def arn_of(dynamodb: Any) -> str:
    arn: str = (await dynamodb("DescribeTable", TableName="table"))["Table"]["LatestStreamArn"]
    return arn


async def records_of(dynamodb: Any, kind: str = "TRIM_HORIZON") -> list[Any]:
    """All records of all shards, oldest shard first."""
    arn, found = await arn_of(dynamodb), []
    for shard in (await dynamodb("DescribeStream", StreamArn=arn))["StreamDescription"]["Shards"]:
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": kind}
        answer = await dynamodb(
            "GetRecords", ShardIterator=(await dynamodb("GetShardIterator", **place))["ShardIterator"]
        )
        found += answer["Records"]
    return found


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
async def test_a_record_has_the_images_of_its_view(dynamodb: Any, view: str, images: set[str]) -> None:
    await dynamodb.table(StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    await dynamodb.put(KEY)
    await dynamodb.put(KEY | {"n": {"N": "1"}})
    _, modified = await records_of(dynamodb)
    assert modified["dynamodb"].keys() & {"NewImage", "OldImage"} == images
    assert modified["dynamodb"]["StreamViewType"] == view
    assert modified["eventSource"] == "aws:dynamodb"
    assert "userIdentity" not in modified


async def test_a_shard_gives_way_to_its_child_and_ends(dynamodb: Any, clock: Any) -> None:
    await dynamodb.table(StreamSpecification=STREAM)
    arn, streams = await arn_of(dynamodb), dynamodb.service.streams
    await dynamodb.put(KEY)
    await clock.advance(4 * 3600)
    await dynamodb.service.upkeep.sweep()
    await dynamodb.put(KEY | {"n": {"N": "1"}})
    parent, child = await streams.shards(arn)
    assert (parent.ended, child.ended, child.parent) == (True, False, parent.id)
    first = await streams.read(arn, parent.id, "", 10)
    assert [record["eventName"] for record in first.records] == ["INSERT"]
    assert first.ended
    second = await streams.read(arn, child.id, first.position, 10)
    assert [record["eventName"] for record in second.records] == ["MODIFY"]
    assert not second.ended
    await clock.advance(DAY_S)
    await dynamodb.service.upkeep.sweep()
    assert [shard.id for shard in await streams.shards(arn)][:1] == [child.id]
    assert await records_of(dynamodb) == []


async def test_who_waits_for_records_gets_them_when_they_are_written(dynamodb: Any, clock: Any) -> None:
    await dynamodb.table(StreamSpecification=STREAM)
    arn, streams = await arn_of(dynamodb), dynamodb.service.streams
    (shard,) = await streams.shards(arn)
    reading = asyncio.create_task(streams.read(arn, shard.id, await streams.newest(arn), 10, wait_s=60.0))
    while not dynamodb.service._catalog._waiting:
        await asyncio.sleep(0)
    await dynamodb.put(KEY)
    assert len((await reading).records) == 1
    empty = asyncio.create_task(streams.read(arn, shard.id, await streams.newest(arn), 10, wait_s=60.0))
    while not dynamodb.service._catalog._waiting:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    await clock.advance(61)
    assert (await empty).records == []


async def test_a_stream_that_was_switched_off_can_be_read_for_a_day(dynamodb: Any, clock: Any) -> None:
    await dynamodb.table(StreamSpecification=STREAM)
    arn = await arn_of(dynamodb)
    await dynamodb.put(KEY)
    await dynamodb("UpdateTable", TableName="table", StreamSpecification={"StreamEnabled": False})
    await dynamodb.put(KEY | {"n": {"N": "1"}})
    shown = (await dynamodb("DescribeStream", StreamArn=arn))["StreamDescription"]
    assert shown["StreamStatus"] == "DISABLED"
    assert [record["eventName"] for record in await records_of(dynamodb)] == ["INSERT"]
    await clock.advance(DAY_S + 1)
    code, _ = await dynamodb.refusal("DescribeStream", StreamArn=arn)
    assert code == "ResourceNotFoundException"


async def test_iterators_end_after_a_quarter_of_an_hour(dynamodb: Any, clock: Any) -> None:
    await dynamodb.table(StreamSpecification=STREAM)
    arn = await arn_of(dynamodb)
    (shard,) = (await dynamodb("DescribeStream", StreamArn=arn))["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
    iterator = (await dynamodb("GetShardIterator", **place))["ShardIterator"]
    await clock.advance(15 * 60 + 1)
    assert (await dynamodb.refusal("GetRecords", ShardIterator=iterator))[0] == "ExpiredIteratorException"
    beyond = base64.urlsafe_b64encode(msgspec.msgpack.encode([arn, 1, 2**63, 0])).decode()
    for made_up in ("nonsense", beyond):
        assert (await dynamodb.refusal("GetRecords", ShardIterator=made_up))[0] == "ValidationException"


async def test_an_expired_item_is_deleted_by_the_service(dynamodb: Any, clock: Any) -> None:
    await dynamodb.table(StreamSpecification=STREAM)
    now_s = int(clock.now_s())
    items = {"soon": str(now_s + 60), "later": str(now_s + 6000), "old": str(now_s - 6 * 365 * 86_400), "text": None}
    for name, moment in items.items():
        await dynamodb.put({"id": {"S": name}, "ends": {"N": moment} if moment else {"S": "never"}})
    specification = {"Enabled": True, "AttributeName": "ends"}
    await dynamodb("UpdateTimeToLive", TableName="table", TimeToLiveSpecification=specification)
    await dynamodb.service.upkeep.catch_up()
    await clock.advance(61)
    await dynamodb.service.upkeep.sweep()
    left = (await dynamodb("Scan", TableName="table"))["Items"]
    assert {item["id"]["S"] for item in left} == {"later", "old", "text"}
    last = (await records_of(dynamodb))[-1]
    assert last["eventName"] == "REMOVE"
    assert last["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    await dynamodb.update({"id": {"S": "later"}}, "SET ends = :never", never={"N": str(now_s + 10**6)})
    await clock.advance(6000)
    await dynamodb.service.upkeep.sweep()
    assert await dynamodb.get({"id": {"S": "later"}})


async def test_an_index_is_filled_while_writes_go_on(dynamodb: Any, reopen: Any) -> None:
    await dynamodb.table()
    for number in range(700):
        await dynamodb.put({"id": {"S": str(number)}, "group": {"S": "x"} if number % 7 else {"N": "1"}})
    index = {
        "IndexName": "groups",
        "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    kinds = [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "group", "AttributeType": "S"}]
    updates = [{"Create": index}]
    await dynamodb("UpdateTable", TableName="table", AttributeDefinitions=kinds, GlobalSecondaryIndexUpdates=updates)
    query: dict[str, Any] = {
        "TableName": "table",
        "IndexName": "groups",
        "KeyConditionExpression": "#g = :x",
        "ExpressionAttributeNames": {"#g": "group"},
        "ExpressionAttributeValues": {":x": {"S": "x"}},
    }
    assert "backfilling" in (await dynamodb.refusal("Query", **query))[1]
    again = await reopen()
    filling = asyncio.create_task(again.service.upkeep.catch_up())
    for number in range(0, 700, 5):
        await again("DeleteItem", TableName="table", Key={"id": {"S": str(number)}})
    await filling
    expected = {str(number) for number in range(700) if number % 7 and number % 5}
    assert {item["id"]["S"] for item in (await again("Query", **query))["Items"]} == expected
    (shown,) = (await again("DescribeTable", TableName="table"))["Table"]["GlobalSecondaryIndexes"]
    assert (shown["IndexStatus"], shown["ItemCount"]) == ("ACTIVE", len(expected))


async def test_a_deleted_table_leaves_nothing(dynamodb: Any, database: Any) -> None:
    await dynamodb.table()
    for number in range(400):
        await dynamodb.put({"id": {"S": str(number)}})
    await dynamodb("DeleteTable", TableName="table")
    assert (await dynamodb.refusal("DescribeTable", TableName="table"))[0] == "ResourceNotFoundException"
    await dynamodb.table()
    assert (await dynamodb("Scan", TableName="table"))["Items"] == []
    await dynamodb.service.upkeep.catch_up()
    rows = await database.read(lambda tx: tx.all("SELECT count(*) AS n FROM item"))
    assert rows[0]["n"] == 0


async def test_a_protected_table_stays(dynamodb: Any) -> None:
    await dynamodb.table(DeletionProtectionEnabled=True)
    code, words = await dynamodb.refusal("DeleteTable", TableName="table")
    assert code == "ValidationException"
    assert "protected against deletion" in words
    await dynamodb("UpdateTable", TableName="table", DeletionProtectionEnabled=False)
    await dynamodb("DeleteTable", TableName="table")


async def test_a_token_makes_a_transaction_happen_once_for_ten_minutes(dynamodb: Any, clock: Any) -> None:
    await dynamodb.table()
    add = {
        "Update": {
            "TableName": "table",
            "Key": KEY,
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(3):
        await dynamodb("TransactWriteItems", TransactItems=[add], ClientRequestToken="t")
    assert (await dynamodb.get(KEY))["n"] == {"N": "1"}
    other = {"Delete": {"TableName": "table", "Key": KEY}}
    code, _ = await dynamodb.refusal("TransactWriteItems", TransactItems=[other], ClientRequestToken="t")
    assert code == "IdempotentParameterMismatchException"
    await clock.advance(601)
    await dynamodb("TransactWriteItems", TransactItems=[add], ClientRequestToken="t")
    assert (await dynamodb.get(KEY))["n"] == {"N": "2"}


async def test_two_accounts_and_two_regions_share_no_table(dynamodb: Any) -> None:
    await dynamodb.table()
    await dynamodb.put(KEY)
    for place in ({"account": "111111111111"}, {"region": "eu-west-1"}):
        assert (await dynamodb("ListTables", dynamodb.context(**place)))["TableNames"] == []


async def test_an_iterator_begins_within_its_shard_or_not_at_all(dynamodb: Any) -> None:
    """Whatever number is given: the first and the last of the shard, none of it, and numbers of 40 digits."""
    await dynamodb.table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    arn = await arn_of(dynamodb)
    shard = (await dynamodb("DescribeStream", StreamArn=arn))["StreamDescription"]["Shards"][0]
    at = {"StreamArn": arn, "ShardId": shard["ShardId"]}

    async def began(kind: str, sequence: str) -> list[str]:
        place = await dynamodb("GetShardIterator", **at, ShardIteratorType=kind, SequenceNumber=sequence)
        records = (await dynamodb("GetRecords", ShardIterator=place["ShardIterator"]))["Records"]
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in records]

    first = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    assert await began("AT_SEQUENCE_NUMBER", first) == []
    for name in "ab":
        await dynamodb.put({"id": {"S": name}})
    assert await began("AT_SEQUENCE_NUMBER", first) == ["a", "b"]
    assert await began("AFTER_SEQUENCE_NUMBER", first) == ["b"]
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        for number in ("0" * 21, "9" * 40, str(int(first) + 2), "x" * 21, "٣" * 21):
            code, _ = await dynamodb.refusal("GetShardIterator", **at, ShardIteratorType=kind, SequenceNumber=number)
            assert code == "ValidationException", number
    off = {"StreamSpecification": {"StreamEnabled": False}}
    await dynamodb("UpdateTable", TableName="table", **off)
    shard = (await dynamodb("DescribeStream", StreamArn=arn))["StreamDescription"]["Shards"][0]
    assert await began("AFTER_SEQUENCE_NUMBER", shard["SequenceNumberRange"]["EndingSequenceNumber"]) == []


@pytest.mark.parametrize(("operation", "most"), [("GetRecords", 1000), ("ListStreams", 100), ("DescribeStream", 100)])
async def test_pages_of_streams_have_a_largest_size(dynamodb: Any, operation: str, most: int) -> None:
    """Source: DynamoDB Streams API reference, Limit of each operation."""
    await dynamodb.table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    arn = await arn_of(dynamodb)
    shard = (await dynamodb("DescribeStream", StreamArn=arn))["StreamDescription"]["Shards"][0]["ShardId"]
    place = await dynamodb("GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")
    given = {"GetRecords": place, "ListStreams": {}, "DescribeStream": {"StreamArn": arn}}[operation]
    await dynamodb(operation, **given, Limit=most)
    code, message = await dynamodb.refusal(operation, **given, Limit=most + 1)
    assert (code, message.endswith(f"Limit should be less than or equal to {most}")) == ("ValidationException", True)
