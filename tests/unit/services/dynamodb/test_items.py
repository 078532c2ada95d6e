"""Items one at a time: every type, conditions, updates, what is answered and what is refused.

Sources: DynamoDB API reference, PutItem, GetItem, UpdateItem, DeleteItem; the words as DynamoDB Local answers them.
"""

from typing import Any

import pytest

KEY = {"id": {"S": "a"}}
EVERYTHING = {
    "id": {"S": "a"},
    "number": {"N": "-12345678901234567890123456789.012345678"},
    "bytes": {"B": b"\0\xff"},
    "strings": {"SS": ["x", "y"]},
    "numbers": {"NS": ["1", "2.5"]},
    "blobs": {"BS": [b"1", b"2"]},
    "map": {"M": {"list": {"L": [{"S": ""}, {"NULL": True}, {"BOOL": False}]}}},
}


async def test_every_type_comes_back_as_it_was_put(dynamodb: Any) -> None:
    await dynamodb.table()
    assert await dynamodb.put(EVERYTHING) == {}
    assert await dynamodb.get(KEY) == EVERYTHING
    assert await dynamodb("GetItem", TableName="table", Key={"id": {"S": "b"}}) == {}


async def test_a_table_is_found_again_after_a_restart(dynamodb: Any, reopen: Any) -> None:
    await dynamodb.table(sort="N")
    await dynamodb.put(KEY | {"at": {"N": "1"}})
    again = await reopen()
    assert await again.get(KEY | {"at": {"N": "1.0"}}) == KEY | {"at": {"N": "1"}}
    assert (await again("DescribeTable", TableName="table"))["Table"]["ItemCount"] == 1


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("SET n = n + :one", {"one": {"N": "0.1"}}, {"n": {"N": "5.1"}}),
        ("SET n = :one - n", {"one": {"N": "1"}}, {"n": {"N": "-4"}}),
        ("SET l[9] = :v, l[8] = :w", {"v": {"S": "9"}, "w": {"S": "8"}}, {"l": {"L": [*"abc", "8", "9"]}}),
        ("REMOVE l[0], l[1]", {}, {"l": {"L": ["c"]}}),
        ("SET l = list_append(:v, l)", {"v": {"L": [{"S": "z"}]}}, {"l": {"L": ["z", *"abc"]}}),
        ("SET x = if_not_exists(x, :v)", {"v": {"S": "1"}}, {"x": {"S": "1"}}),
        ("SET m.b = :v REMOVE m.a", {"v": {"S": "1"}}, {"m": {"M": {"b": {"S": "1"}}}}),
        ("ADD n :one, s :more", {"one": {"N": "1"}, "more": {"SS": ["a", "q"]}}, {"n": {"N": "6"}, "s": {"SS": "abq"}}),
        ("ADD fresh :one", {"one": {"N": "7"}}, {"fresh": {"N": "7"}}),
        ("DELETE s :less", {"less": {"SS": ["a", "zzz"]}}, {"s": {"SS": "b"}}),
        ("DELETE s :less", {"less": {"SS": ["a", "b"]}}, {"s": None}),
        ("SET a = n, n = :one", {"one": {"N": "1"}}, {"a": {"N": "5"}, "n": {"N": "1"}}),
    ],
)
async def test_updates_do_what_the_guide_says(
    dynamodb: Any, text: str, values: dict[str, Any], expected: dict[str, Any]
) -> None:
    await dynamodb.table()
    before = {
        "n": {"N": "5"},
        "l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]},
        "m": {"M": {"a": {"S": "x"}}},
        "s": {"SS": ["a", "b"]},
    }
    await dynamodb.put(KEY | before)
    after = await dynamodb.update(KEY, text, **values)
    for name, value in expected.items():
        if value is None:
            assert name not in after
        elif "L" in value:
            assert [each["S"] for each in after[name]["L"]] == list(value["L"])
        elif "SS" in value:
            assert sorted(after[name]["SS"]) == list(value["SS"])
        else:
            assert after[name] == value
    assert await dynamodb.get(KEY) == after


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("SET fresh = q + :v", {"v": {"N": "1"}}, "refers to an attribute that does not exist in the item"),
        ("SET a = s + :v", {"v": {"N": "1"}}, "An operand in the update expression has an incorrect data type"),
        (
            "SET q.r = :v",
            {"v": {"N": "1"}},
            "The document path provided in the update expression is invalid for update",
        ),
        ("SET id = :v", {"v": {"S": "1"}}, "Cannot update attribute id. This attribute is part of the key"),
        ("SET a = :v, a = :v", {"v": {"S": "1"}}, "Two document paths overlap with each other"),
        ("SET a.b = :v, a[1] = :v", {"v": {"S": "1"}}, "Two document paths conflict with each other"),
        ("SET a = :v SET b = :v", {"v": {"S": "1"}}, 'The "SET" section can only be used once'),
        ("SET name = :v", {"v": {"S": "1"}}, "Attribute name is a reserved keyword; reserved keyword: name"),
        ("SET #n = :v", {"v": {"S": "1"}}, "attribute name used in the document path is not defined"),
        ("SET a = :w", {"v": {"S": "1"}}, "attribute value used in expression is not defined; attribute value: :w"),
        ("REMOVE a", {"v": {"S": "1"}}, "unused in expressions: keys: {:v}"),
        ("SET a == :v", {"v": {"S": "1"}}, 'Syntax error; token: "=", near: "== :v"'),
        ("SET a =", {"v": {"S": "1"}}, 'Syntax error; token: "<EOF>", near: "="'),
        ("ADD a :v", {"v": {"S": "1"}}, "operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"),
        ("SET a = foo(:v)", {"v": {"S": "1"}}, "Invalid function name; function: foo"),
        ("", {"v": {"S": "1"}}, "The expression can not be empty;"),
    ],
)
async def test_wrong_updates_are_refused_and_change_nothing(
    dynamodb: Any, text: str, values: dict[str, Any], message: str
) -> None:
    await dynamodb.table()
    item = KEY | {"s": {"SS": ["a"]}, "n": {"N": "1"}}
    await dynamodb.put(item)
    given = {f":{name}": value for name, value in values.items()}
    code, words = await dynamodb.refusal(
        "UpdateItem", TableName="table", Key=KEY, UpdateExpression=text, ExpressionAttributeValues=given
    )
    assert code == "ValidationException"
    assert message in words
    assert await dynamodb.get(KEY) == item


async def test_a_condition_that_fails_changes_nothing_and_can_show_the_item(dynamodb: Any) -> None:
    await dynamodb.table()
    await dynamodb.put(KEY | {"n": {"N": "1"}})
    wish = {"ConditionExpression": "attribute_not_exists(id)"}
    code = await dynamodb.refusal("PutItem", TableName="table", Item=KEY, **wish)
    assert code == ("ConditionalCheckFailedException", "The conditional request failed")
    with pytest.raises(Exception, match="conditional") as refused:
        await dynamodb.put(KEY, ReturnValuesOnConditionCheckFailure="ALL_OLD", **wish)
    assert refused.value.members["Item"] == KEY | {"n": {"N": "1"}}  # type: ignore[attr-defined]
    assert await dynamodb.get(KEY) == KEY | {"n": {"N": "1"}}


async def test_return_values_show_what_was_and_what_is(dynamodb: Any) -> None:
    await dynamodb.table()
    await dynamodb.put(KEY | {"m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}})
    shown = {}
    for how in ("UPDATED_OLD", "UPDATED_NEW", "ALL_OLD", "ALL_NEW", "NONE"):
        answer = await dynamodb(
            "UpdateItem",
            TableName="table",
            Key=KEY,
            UpdateExpression="SET m.x = m.x + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues=how,
        )
        shown[how] = answer.get("Attributes")
    assert shown["UPDATED_OLD"] == {"m": {"M": {"x": {"N": "1"}}}}
    assert shown["UPDATED_NEW"] == {"m": {"M": {"x": {"N": "3"}}}}
    assert shown["ALL_OLD"]["m"]["M"]["x"] == {"N": "3"}
    assert shown["ALL_NEW"]["m"]["M"]["x"] == {"N": "5"}
    assert shown["NONE"] is None
    assert (await dynamodb("DeleteItem", TableName="table", Key=KEY, ReturnValues="ALL_OLD"))["Attributes"]["id"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"x": {"S": "1"}}, "One or more parameter values were invalid: Missing the key id in the item"),
        ({"id": {"N": "1"}}, "Type mismatch for key id expected: S actual: N"),
        ({"id": {"S": ""}}, "cannot contain an empty string value. Key: id"),
        (KEY | {"n": {"N": "x"}}, "The parameter cannot be converted to a numeric value: x"),
        (KEY | {"n": {"N": "1" * 39}}, "Attempting to store more than 38 significant digits in a Number"),
        (KEY | {"n": {"N": "1e126"}}, "Number overflow. Attempting to store a number with magnitude larger"),
        (KEY | {"n": {"N": "1e-131"}}, "Number underflow. Attempting to store a number with magnitude smaller"),
        (KEY | {"s": {"SS": []}}, "An string set  may not be empty"),
        (KEY | {"s": {"SS": ["a", "a"]}}, "Input collection [a, a] contains duplicates."),
        (KEY | {"s": {"NS": ["1", "1.0"]}}, "Input collection contains duplicates"),
        (KEY | {"s": {"NULL": False}}, "Null attribute value types must have the value of true"),
        (KEY | {"s": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
        ({"id": {"S": "x" * 2049}}, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    ],
)
async def test_items_that_cannot_be_are_refused(dynamodb: Any, item: dict[str, Any], message: str) -> None:
    await dynamodb.table()
    code, words = await dynamodb.refusal("PutItem", TableName="table", Item=item)
    assert code == "ValidationException"
    assert message in words


async def test_a_key_of_an_index_has_its_type_and_its_length_in_every_write(dynamodb: Any) -> None:
    schema = [{"AttributeName": "group", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}]
    index = {"IndexName": "index", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
    await dynamodb.table(kinds={"group": "S", "rank": "B"}, GlobalSecondaryIndexes=[index])
    for wrong in (
        {"group": {"N": "1"}},
        {"group": {"S": ""}},
        {"rank": {"B": b"\xff" * 1025}},
        {"group": {"S": "x" * 2049}},
    ):
        code, _ = await dynamodb.refusal("PutItem", TableName="table", Item=KEY | wrong)
        assert code == "ValidationException"
        ((name, value),) = wrong.items()
        change = {"UpdateExpression": "SET #n = :v", "ExpressionAttributeNames": {"#n": name}}
        given = {"ExpressionAttributeValues": {":v": value}}
        code, _ = await dynamodb.refusal("UpdateItem", TableName="table", Key=KEY, **change, **given)
        assert code == "ValidationException"
    assert await dynamodb.get(KEY) is None
    longest = {"group": {"S": "x" * 2048}, "rank": {"B": b"\xff" * 1024}}
    await dynamodb.put(KEY | longest)
    assert (await dynamodb("Scan", TableName="table", IndexName="index"))["Count"] == 1
    query = {"KeyConditionExpression": "#g = :g", "ExpressionAttributeNames": {"#g": "group"}}
    values = {"ExpressionAttributeValues": {":g": longest["group"]}}
    assert (await dynamodb("Query", TableName="table", IndexName="index", **query, **values))["Count"] == 1


async def test_capacity_is_counted_in_blocks(dynamodb: Any) -> None:
    await dynamodb.table()
    item = KEY | {"text": {"S": "x" * 5000}}
    put = await dynamodb.put(item, ReturnConsumedCapacity="INDEXES")
    assert put["ConsumedCapacity"] == {
        "TableName": "table",
        "CapacityUnits": 5.0,
        "Table": {"CapacityUnits": 5.0},
    }
    for consistent, units in ((False, 1.0), (True, 2.0)):
        got = await dynamodb(
            "GetItem", TableName="table", Key=KEY, ConsistentRead=consistent, ReturnConsumedCapacity="TOTAL"
        )
        assert got["ConsumedCapacity"]["CapacityUnits"] == units


async def test_a_provisioned_table_is_throttled_when_its_savings_are_spent(dynamodb: Any, clock: Any) -> None:
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    await dynamodb.table(BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    await dynamodb.put(KEY | {"text": {"S": "x" * 310_000}})
    code, _ = await dynamodb.refusal("PutItem", TableName="table", Item=KEY)
    assert code == "ProvisionedThroughputExceededException"
    assert await dynamodb.get(KEY)
    await clock.advance(20)
    await dynamodb.put(KEY)


async def test_a_write_whose_condition_fails_costs_what_the_item_that_is_there_costs(dynamodb: Any) -> None:
    """Source: DynamoDB Developer Guide, "Write operations" (a conditional write that fails still consumes capacity)."""
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    await dynamodb.table(BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    await dynamodb.put(KEY | {"text": {"S": "x" * 150_000}})  # 147 of the 300 units that are saved up
    refused = {"TableName": "table", "Item": KEY, "ConditionExpression": "attribute_not_exists(id)"}
    codes = [(await dynamodb.refusal("PutItem", **refused))[0] for _ in range(3)]
    assert codes == ["ConditionalCheckFailedException"] * 2 + ["ProvisionedThroughputExceededException"]


async def test_a_transaction_that_is_cancelled_costs_what_its_items_cost(dynamodb: Any) -> None:
    """Source: DynamoDB Developer Guide, "Managing complex workflows with DynamoDB transactions" (capacity management:
    two writes for every item) and "Write operations" (a write whose condition fails consumes capacity too)."""
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    await dynamodb.table(BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    await dynamodb.put(KEY | {"text": {"S": "x" * 100_000}})  # 98 of the 300 units that are saved up
    refused = {"TableName": "table", "Item": KEY, "ConditionExpression": "attribute_not_exists(id)"}
    request = {"TransactItems": [{"Put": refused}, {"Put": {"TableName": "table", "Item": KEY | {"id": {"S": "b"}}}}]}
    codes = [(await dynamodb.refusal("TransactWriteItems", **request))[0] for _ in range(3)]
    assert codes == ["TransactionCanceledException"] * 2 + ["ProvisionedThroughputExceededException"]


async def test_of_a_batch_the_tables_that_are_throttled_are_left_to_the_caller(dynamodb: Any) -> None:
    """Source: DynamoDB API reference, BatchWriteItem and BatchGetItem: UnprocessedItems and UnprocessedKeys; only where
    none can be processed ProvisionedThroughputExceededException."""
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    await dynamodb.table(BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    await dynamodb.table("plain")
    await dynamodb.put(KEY | {"text": {"S": "x" * 310_000}})
    writes = [{"PutRequest": {"Item": KEY}}]
    answer = await dynamodb("BatchWriteItem", RequestItems={"table": writes, "plain": writes})
    assert answer["UnprocessedItems"] == {"table": writes}
    assert (await dynamodb("GetItem", TableName="plain", Key=KEY))["Item"] == KEY
    code, _ = await dynamodb.refusal("BatchWriteItem", RequestItems={"table": writes})
    assert code == "ProvisionedThroughputExceededException"
    for _ in range(8):  # 38 units each
        await dynamodb("GetItem", TableName="table", Key=KEY)
    wanted = {"Keys": [KEY], "ConsistentRead": True}
    found = await dynamodb("BatchGetItem", RequestItems={"table": wanted, "plain": wanted})
    assert (found["UnprocessedKeys"], found["Responses"]) == ({"table": wanted}, {"plain": [KEY]})
    code, _ = await dynamodb.refusal("BatchGetItem", RequestItems={"table": wanted})
    assert code == "ProvisionedThroughputExceededException"


async def test_a_table_has_no_more_units_than_limits_tell(dynamodb: Any) -> None:
    """Source: DynamoDB Developer Guide, "Quotas in Amazon DynamoDB" (40,000 units a table)."""
    most = (await dynamodb("DescribeLimits"))["TableMaxReadCapacityUnits"]
    throughput = {"ReadCapacityUnits": most, "WriteCapacityUnits": most}
    await dynamodb.table(BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    throughput["WriteCapacityUnits"] = most + 1
    code, _ = await dynamodb.refusal("UpdateTable", TableName="table", ProvisionedThroughput=throughput)
    assert code == "LimitExceededException"


async def test_legacy_parameters_say_the_same(dynamodb: Any) -> None:
    await dynamodb.table()
    await dynamodb.put(KEY | {"n": {"N": "1"}}, Expected={"id": {"Exists": False}})
    wrong = {"n": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "1"}]}}
    code, _ = await dynamodb.refusal("PutItem", TableName="table", Item=KEY, Expected=wrong)
    assert code == "ConditionalCheckFailedException"
    answer = await dynamodb(
        "UpdateItem",
        TableName="table",
        Key=KEY,
        AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "2"}}, "x": {"Value": {"S": "y"}}},
        Expected={"n": {"Value": {"N": "1"}}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == KEY | {"n": {"N": "3"}, "x": {"S": "y"}}
    got = await dynamodb("GetItem", TableName="table", Key=KEY, AttributesToGet=["n"])
    assert got["Item"] == {"n": {"N": "3"}}
    _, words = await dynamodb.refusal(
        "PutItem", TableName="table", Item=KEY, Expected={"n": {"Exists": False}}, ConditionExpression="n = n"
    )
    assert "Can not use both expression and non-expression parameters in the same request" in words


async def test_collections_are_told_of_by_every_write_that_is_asked(dynamodb: Any) -> None:
    """Source: DynamoDB API reference, BatchWriteItem and TransactWriteItems (by table, one for each collection)."""
    keys = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}]
    local = {"IndexName": "by-rank", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
    await dynamodb.table(sort="N", kinds={"rank": "N"}, LocalSecondaryIndexes=[local])
    await dynamodb.table("plain")
    asked = {"ReturnItemCollectionMetrics": "SIZE"}
    items = [{"id": {"S": name}, "at": {"N": at}} for name, at in (("a", "1"), ("a", "2"), ("b", "1"))]
    batch = {"table": [{"PutRequest": {"Item": item}} for item in items], "plain": [{"PutRequest": {"Item": KEY}}]}
    written = (await dynamodb("BatchWriteItem", RequestItems=batch, **asked))["ItemCollectionMetrics"]
    puts = [{"Put": {"TableName": "table", "Item": item}} for item in items]
    request = {"TransactItems": puts, "ClientRequestToken": "once", **asked}
    done = (await dynamodb("TransactWriteItems", **request))["ItemCollectionMetrics"]
    for metrics in (written, done):
        assert metrics.keys() == {"table"}
        assert [each["ItemCollectionKey"] for each in metrics["table"]] == [{"id": {"S": "a"}}, {"id": {"S": "b"}}]
    assert await dynamodb("TransactWriteItems", **request) == {}  # it was done already
    assert await dynamodb("TransactWriteItems", TransactItems=puts) == {}
