"""A table with two indexes against a dict: thousands of random changes, and every way of reading gives the same.

The expected answers come from the dict alone; the order of sort keys is that of numbers and of bytes.
"""

import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest

Key = tuple[str, Decimal]


def _index(name: str, *keys: str, local: bool = False) -> dict[str, Any]:
    schema = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL" if local else "KEYS_ONLY"}}


@pytest.mark.parametrize("seed", range(3))
async def test_a_table_and_its_indexes_are_what_a_dict_would_be(dynamodb: Any, seed: int) -> None:
    chance = random.Random(seed)
    await dynamodb.table(
        sort="N",
        kinds={"group": "S", "rank": "N"},
        GlobalSecondaryIndexes=[_index("global", "group", "rank")],
        LocalSecondaryIndexes=[_index("local", "id", "rank", local=True)],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    model: dict[Key, dict[str, Any]] = {}
    for _ in range(250):
        await _change(dynamodb, model, chance)
    await _check_table(dynamodb, model)
    await _check_indexes(dynamodb, model)
    assert await _replayed(dynamodb) == model


async def _change(dynamodb: Any, model: dict[Key, dict[str, Any]], chance: random.Random) -> None:
    name, at = chance.choice("abc"), Decimal(chance.randint(-20, 20)) / 4
    key = {"id": {"S": name}, "at": {"N": str(at)}}
    what = chance.random()
    if what < 0.5:
        item = key | {"at": {"N": f"{at:f}" if at % 1 else str(int(at))}}
        if chance.random() < 0.7:
            item["group"] = {"S": chance.choice("xy")}
        if chance.random() < 0.7:
            item["rank"] = {"N": str(chance.randint(-5, 5))}
        item["at"] = {"N": _plain(at)}
        await dynamodb.put(item)
        model[name, at] = item
    elif what < 0.75:
        await dynamodb("DeleteItem", TableName="table", Key=key)
        model.pop((name, at), None)
    else:
        rank = {"N": str(chance.randint(-5, 5))}
        await dynamodb(
            "UpdateItem",
            TableName="table",
            Key=key,
            UpdateExpression="SET #rank = :rank REMOVE #group",
            ExpressionAttributeNames={"#rank": "rank", "#group": "group"},
            ExpressionAttributeValues={":rank": rank},
        )
        old = model.get((name, at), {"id": {"S": name}, "at": {"N": _plain(at)}})
        model[name, at] = {key: value for key, value in old.items() if key != "group"} | {"rank": rank}


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


async def _all(dynamodb: Any, operation: str, **request: Any) -> list[dict[str, Any]]:
    """All pages of three items."""
    items: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        answer = await dynamodb(operation, TableName="table", Limit=3, **request, **start)
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


async def _check_table(dynamodb: Any, model: dict[Key, dict[str, Any]]) -> None:
    scanned = await _all(dynamodb, "Scan")
    assert {(item["id"]["S"], Decimal(item["at"]["N"])): item for item in scanned} == model
    assert len(scanned) == len(model)
    segments = [await _all(dynamodb, "Scan", Segment=segment, TotalSegments=4) for segment in range(4)]
    assert sum(map(len, segments)) == len(model)
    for name in "abc":
        expected = [model[key] for key in sorted(key for key in model if key[0] == name)]
        query = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": name}}}
        assert await _all(dynamodb, "Query", **query) == expected
        assert await _all(dynamodb, "Query", ScanIndexForward=False, **query) == expected[::-1]
    shown = (await dynamodb("DescribeTable", TableName="table"))["Table"]
    assert shown["ItemCount"] == len(model)
    (index,) = shown["GlobalSecondaryIndexes"]
    assert index["ItemCount"] == sum("group" in item and "rank" in item for item in model.values())


async def _check_indexes(dynamodb: Any, model: dict[Key, dict[str, Any]]) -> None:
    for group in "xy":
        query = {"ExpressionAttributeNames": {"#g": "group"}, "ExpressionAttributeValues": {":g": {"S": group}}}
        found = await _all(dynamodb, "Query", IndexName="global", KeyConditionExpression="#g = :g", **query)
        ranks = [Decimal(item["rank"]["N"]) for item in found]
        assert ranks == sorted(ranks)
        expected = {key for key, item in model.items() if item.get("group") == {"S": group} and "rank" in item}
        assert {(item["id"]["S"], Decimal(item["at"]["N"])) for item in found} == expected
    for name in "abc":
        query = {"ExpressionAttributeValues": {":id": {"S": name}}, "KeyConditionExpression": "id = :id"}
        found = await _all(dynamodb, "Query", IndexName="local", **query)
        held = {(item["id"]["S"], Decimal(item["at"]["N"])): item for item in found}
        assert held == {key: item for key, item in model.items() if key[0] == name and "rank" in item}
        assert len(held) == len(found)


async def _replayed(dynamodb: Any) -> dict[Key, dict[str, Any]]:
    """What the stream says that the table holds."""
    (stream,) = (await dynamodb("ListStreams"))["Streams"]
    (shard,) = await dynamodb.service.streams.shards(stream["StreamArn"])
    found: dict[Key, dict[str, Any]] = {}
    position = ""
    while (batch := await dynamodb.service.streams.read(stream["StreamArn"], shard.id, position, 40)).records:
        position = batch.position
        for record in batch.records:
            change = record["dynamodb"]
            key = (change["Keys"]["id"]["S"], Decimal(change["Keys"]["at"]["N"]))
            assert found.get(key) == change.get("OldImage")
            assert (record["eventName"] == "INSERT") == (key not in found)
            found.pop(key, None)
            if "NewImage" in change:
                found[key] = change["NewImage"]
    return found


async def test_hundreds_at_once_count_exactly(dynamodb: Any) -> None:
    await dynamodb.table()
    key = {"id": {"S": "counter"}}
    await asyncio.gather(*(dynamodb.update(key, "ADD n :one", one={"N": "1"}) for _ in range(300)))
    assert (await dynamodb.get(key))["n"] == {"N": "300"}
