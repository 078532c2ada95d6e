"""DynamoDB and its streams over HTTP with boto3's client and resource, and with `aws dynamodb`."""

import json
import os
import signal
import threading
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.conftest import Platform

KEYS = [{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "RANGE"}]
KINDS = [{"AttributeName": "artist", "AttributeType": "S"}, {"AttributeName": "year", "AttributeType": "N"}]


def new_table(platform: "Platform", **more: Any) -> tuple[Any, str]:
    client, name = platform.client("dynamodb"), f"t-{uuid.uuid4().hex[:12]}"
    defaults = {"KeySchema": KEYS, "AttributeDefinitions": KINDS, "BillingMode": "PAY_PER_REQUEST"}
    client.create_table(TableName=name, **(defaults | more))
    client.get_waiter("table_exists").wait(TableName=name)
    return client, name


def test_a_table_serves_the_resource_of_boto3(platform: "Platform") -> None:
    _, name = new_table(platform)
    table = platform.session().resource("dynamodb", endpoint_url=platform.endpoint).Table(name)
    with table.batch_writer() as batch:
        for year in range(1990, 2020):
            batch.put_item(Item={"artist": "a", "year": year, "score": Decimal("1.5") * year, "tags": {"x", "y"}})
    assert table.get_item(Key={"artist": "a", "year": 2000})["Item"]["score"] == Decimal(3000)
    found = table.query(
        KeyConditionExpression=Key("artist").eq("a") & Key("year").between(2000, 2009),
        FilterExpression=Attr("score").gt(3006) & Attr("tags").contains("x"),
        ScanIndexForward=False,
    )
    assert [int(item["year"]) for item in found["Items"]] == [2009, 2008, 2007, 2006, 2005]
    assert found["ScannedCount"] == 10
    updated = table.update_item(
        Key={"artist": "a", "year": 2000},
        UpdateExpression="SET #n = if_not_exists(#n, :zero) + :one, plays = :list",
        ExpressionAttributeNames={"#n": "count"},
        ExpressionAttributeValues={":zero": 0, ":one": 1, ":list": [{"at": 1, "by": None}]},
        ReturnValues="UPDATED_NEW",
    )
    assert updated["Attributes"] == {"count": 1, "plays": [{"at": 1, "by": None}]}
    table.delete()
    table.wait_until_not_exists()


def test_a_table_serves_the_aws_command_line(platform: "Platform") -> None:
    _, name = new_table(platform)
    item = {"artist": {"S": "b"}, "year": {"N": "2001"}, "score": {"N": "1.50"}}
    platform.aws("dynamodb", "put-item", "--table-name", name, "--item", json.dumps(item))
    key = json.dumps({"artist": {"S": "b"}, "year": {"N": "2001"}})
    assert platform.aws("dynamodb", "get-item", "--table-name", name, "--key", key)["Item"] == item | {
        "score": {"N": "1.5"}
    }
    values = json.dumps({":a": {"S": "b"}})
    found = platform.aws(
        "dynamodb", "query", "--table-name", name, "--key-condition-expression", "artist = :a",
        "--expression-attribute-values", values,
    )  # fmt: skip
    assert found["Count"] == 1
    assert name in platform.aws("dynamodb", "list-tables")["TableNames"]


def test_pages_and_segments_give_every_item_once(platform: "Platform") -> None:
    client, name = new_table(platform)
    text = "x" * 50_000
    for year in range(60):
        item = {"artist": {"S": f"artist {year % 7}"}, "year": {"N": str(year)}, "text": {"S": text}}
        client.put_item(TableName=name, Item=item)
    pages = list(client.get_paginator("scan").paginate(TableName=name))
    assert len(pages) > 2
    assert sorted(int(item["year"]["N"]) for page in pages for item in page["Items"]) == list(range(60))
    segments = [
        [int(item["year"]["N"]) for page in client.get_paginator("scan").paginate(
            TableName=name, Segment=segment, TotalSegments=3, Limit=4) for item in page["Items"]]
        for segment in range(3)
    ]  # fmt: skip
    assert sorted(year for segment in segments for year in segment) == list(range(60))


def test_a_transaction_does_all_or_nothing_and_once(platform: "Platform") -> None:
    client, name = new_table(platform)
    one, two = ({"artist": {"S": "t"}, "year": {"N": str(year)}} for year in (1, 2))
    add = {
        "Update": {
            "TableName": name, "Key": one, "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }  # fmt: skip
    put = {"Put": {"TableName": name, "Item": two, "ConditionExpression": "attribute_not_exists(artist)"}}
    for _ in range(2):
        client.transact_write_items(TransactItems=[add, put], ClientRequestToken="once")
    with pytest.raises(client.exceptions.TransactionCanceledException) as refused:
        client.transact_write_items(TransactItems=[add, put])
    reasons = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    gets = [{"Get": {"TableName": name, "Key": key}} for key in (one, two)]
    found = client.transact_get_items(TransactItems=gets)["Responses"]
    assert found[0]["Item"]["n"] == {"N": "1"}
    assert found[1]["Item"] == two


def test_an_index_that_is_added_later_has_the_items_there_were(platform: "Platform", eventually: Any) -> None:
    client, name = new_table(platform)
    for year in range(5):
        item = {"artist": {"S": f"a{year}"}, "year": {"N": str(year)}, "genre": {"S": "jazz"}}
        client.put_item(TableName=name, Item=item)
    index = {
        "IndexName": "by-genre",
        "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    client.update_table(
        TableName=name,
        AttributeDefinitions=[*KINDS, {"AttributeName": "genre", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )

    def status() -> Any:
        (shown,) = client.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
        return shown["IndexStatus"] == "ACTIVE" and shown

    assert eventually(status)["ItemCount"] == 5
    values = {":g": {"S": "jazz"}, ":y": {"N": "3"}}
    found = client.query(
        TableName=name, IndexName="by-genre", KeyConditionExpression="genre = :g AND #y >= :y",
        ExpressionAttributeNames={"#y": "year"}, ExpressionAttributeValues=values,
    )  # fmt: skip
    assert [item["artist"]["S"] for item in found["Items"]] == ["a3", "a4"]


def test_a_stream_tells_what_changed_in_order(platform: "Platform") -> None:
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    client, name = new_table(platform, StreamSpecification=specification)
    streams = platform.client("dynamodbstreams")
    key = {"artist": {"S": "s"}, "year": {"N": "1"}}
    client.put_item(TableName=name, Item=key)
    client.put_item(TableName=name, Item=key)
    client.put_item(TableName=name, Item=key | {"n": {"N": "1"}})
    client.delete_item(TableName=name, Key=key)
    (listed,) = streams.list_streams(TableName=name)["Streams"]
    assert listed["StreamArn"] == client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    described = streams.describe_stream(StreamArn=listed["StreamArn"])["StreamDescription"]
    (shard,) = described["Shards"]
    place = {"StreamArn": listed["StreamArn"], "ShardId": shard["ShardId"]}
    iterator = streams.get_shard_iterator(**place, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    answer = streams.get_records(ShardIterator=iterator)
    records = answer["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["NewImage"] == records[2]["dynamodb"]["OldImage"] == key | {"n": {"N": "1"}}
    after = records[0]["dynamodb"]["SequenceNumber"]
    iterator = streams.get_shard_iterator(
        **place, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=after
    )["ShardIterator"]  # fmt: skip
    assert len(streams.get_records(ShardIterator=iterator)["Records"]) == 2
    assert streams.get_records(ShardIterator=answer["NextShardIterator"])["Records"] == []


def test_what_is_wrong_is_refused_in_the_words_of_dynamodb(platform: "Platform") -> None:
    client, name = new_table(platform)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Requested resource not found"):
        client.get_item(TableName="no-such-table", Key={"artist": {"S": "a"}})
    with pytest.raises(ClientError, match="The provided key element does not match the schema"):
        client.get_item(TableName=name, Key={"artist": {"S": "a"}})
    with pytest.raises(client.exceptions.ResourceInUseException, match=f"Table already exists: {name}"):
        client.create_table(TableName=name, KeySchema=KEYS, AttributeDefinitions=KINDS, BillingMode="PAY_PER_REQUEST")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.execute_statement(Statement=f'SELECT * FROM "{name}"')
    with pytest.raises(ClientError, match="SSESpecification"):
        client.create_table(
            TableName=f"{name}2", KeySchema=KEYS, AttributeDefinitions=KINDS, BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True},
        )  # fmt: skip


@pytest.mark.slow
def test_no_acknowledged_write_is_lost_when_control_is_killed(
    own_server: "Callable[..., Platform]", eventually: "Callable[[Callable[[], Any]], Any]"
) -> None:
    platform = own_server()
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    _, name = new_table(platform, StreamSpecification=specification)
    kept: list[int] = []

    def keep_writing(first: int) -> None:
        mine = platform.client("dynamodb")
        for year in range(first, first + 100_000):
            try:
                mine.put_item(TableName=name, Item={"artist": {"S": "k"}, "year": {"N": str(year)}})
            except (BotoCoreError, ClientError):
                return
            kept.append(year)

    threads = [threading.Thread(target=keep_writing, args=(at * 100_000,)) for at in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(kept) > 200)
    status = json.loads(platform.lambent("status", "--data", str(platform.server.data), "--format", "json").stdout)
    os.kill(status["parts"]["control"]["pid"], signal.SIGKILL)
    for thread in threads:
        thread.join()
    platform.server.wait_ready()
    retrying = platform.client("dynamodb", retries={"total_max_attempts": 10})
    pages = retrying.get_paginator("scan").paginate(TableName=name)
    found = {int(item["year"]["N"]) for page in pages for item in page["Items"]}
    assert set(kept) <= found
    streams, records = platform.client("dynamodbstreams"), set()
    arn = retrying.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**place)["ShardIterator"]
    while batch := (answer := streams.get_records(ShardIterator=iterator))["Records"]:
        records |= {int(record["dynamodb"]["Keys"]["year"]["N"]) for record in batch}
        iterator = answer["NextShardIterator"]
    assert records == found
