"""What a request may not say, and in which words it is told so.

Source: what DynamoDB Local 2.6.1 answers to the same requests; DynamoDB Developer Guide, "Legacy conditional
parameters", "Constraints".
"""

from typing import Any

import pytest

ITEM = {"id": {"S": "a"}, "at": {"N": "1"}, "n": {"N": "5"}, "s": {"SS": ["x"]}, "l": {"L": [{"N": "1"}]}}
KEY = {"id": {"S": "a"}, "at": {"N": "1"}}
OF_A = {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}
INVALID = "One or more parameter values were invalid: "
SCALARS = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: id"
IN_ONE = "Invalid condition in KeyConditionExpression: "


@pytest.fixture(autouse=True)
async def table(dynamodb: Any) -> None:
    by_n = {
        "IndexName": "by-n",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    by_name = {
        "IndexName": "by-name",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "name", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    more = {"GlobalSecondaryIndexes": [by_n], "LocalSecondaryIndexes": [by_name]}
    await dynamodb.table(sort="N", kinds={"n": "N", "name": "S"}, **more)
    await dynamodb.put(ITEM)


def compared(operator: str, *values: Any) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"n": compared("CONTAINS", {"SS": ["x"]})}, INVALID + "ComparisonOperator CONTAINS is not valid for SS"),
        ({"n": compared("IN", {"NULL": True})}, INVALID + "ComparisonOperator IN is not valid for NULL"),
        ({"n": compared("LT", {"L": []})}, INVALID + "ComparisonOperator LT is not valid for L AttributeValue type"),
        ({"n": compared("BEGINS_WITH", {"N": "5"})}, INVALID + "ComparisonOperator BEGINS_WITH is not valid for N"),
        ({"n": compared("IN", {"N": "5"}, {"S": "5"})}, INVALID + "AttributeValues inside AttributeValueList must be"),
        ({"n": compared("BETWEEN", {"N": "6"}, {"N": "5"})}, "The BETWEEN condition was provided a range where"),
        ({"n": {"ComparisonOperator": "EQ"}}, INVALID + "Value or AttributeValueList must be used with"),
        ({"": compared("NOT_NULL")}, INVALID + "Empty attribute name"),
    ],
)
async def test_an_old_condition_takes_what_its_operator_takes(
    dynamodb: Any, condition: dict[str, Any], words: str
) -> None:
    code, message = await dynamodb.refusal("PutItem", TableName="table", Item=ITEM, Expected=condition)
    assert (code, message.startswith(words)) == ("ValidationException", True), message


async def test_an_operator_between_conditions_needs_two_of_them(dynamodb: Any) -> None:
    one = {"n": compared("NOT_NULL")}
    code, message = await dynamodb.refusal("Scan", TableName="table", ScanFilter=one, ConditionalOperator="OR")
    assert (code, message) == (
        "ValidationException",
        "ConditionalOperator can only be used when Filter or Expected has two or more elements",
    )


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"n": {"Action": "ADD", "Value": {"S": "x"}}}, INVALID + "ADD action is not supported for the type STRING"),
        ({"n": {"Action": "DELETE", "Value": {"B": b""}}}, INVALID + "DELETE action with value is not supported for"),
        ({"n": {"Action": "ADD", "Value": {"SS": ["x"]}}}, "Type mismatch for attribute to update"),
        ({"n": {"Action": "ADD", "Value": {"L": []}}}, "Type mismatch for attribute to update"),
        ({"": {"Value": {"N": "1"}}}, INVALID + "Empty attribute name"),
    ],
)
async def test_an_old_update_that_cannot_be_changes_nothing(dynamodb: Any, update: dict[str, Any], words: str) -> None:
    code, message = await dynamodb.refusal("UpdateItem", TableName="table", Key=KEY, AttributeUpdates=update)
    assert (code, message.startswith(words)) == ("ValidationException", True), message
    assert await dynamodb.get(KEY) == ITEM


async def test_old_key_conditions_go_with_expressions_of_filter_and_projection(dynamodb: Any) -> None:
    """As the object mapper of the AWS SDK for Java 1 writes a query with a filter."""
    answer = await dynamodb(
        "Query",
        TableName="table",
        KeyConditions=OF_A,
        FilterExpression="n = :n",
        ProjectionExpression="n",
        ExpressionAttributeValues={":n": {"N": "5"}},
    )
    assert answer["Items"] == [{"n": {"N": "5"}}]


async def test_what_is_mixed_is_named_in_the_service_s_order(dynamodb: Any) -> None:
    _, message = await dynamodb.refusal(
        "Query",
        TableName="table",
        KeyConditions=OF_A,
        QueryFilter={"n": compared("NOT_NULL")},
        AttributesToGet=["n"],
        KeyConditionExpression="id = :a",
        FilterExpression="n = :a",
        ExpressionAttributeValues={":a": {"S": "a"}},
    )
    assert message.endswith(
        "Non-expression parameters: {AttributesToGet, QueryFilter, KeyConditions} "
        "Expression parameters: {FilterExpression, KeyConditionExpression}"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "id = id AND #at = :one",
            "Invalid KeyConditionExpression: The first operand must be distinct from the remaining operands",
        ),
        ("id = :a AND #at = n", IN_ONE + "Multiple attribute names used in one condition"),
        ("id = :a AND :a = :a", IN_ONE + "No key attribute specified"),
        ("id = :a AND begins_with(:a, #at)", IN_ONE + "begins_with operator must have the key attribute as its first"),
        ("id = :a AND :one BETWEEN #at AND :one", IN_ONE + "BETWEEN operator must have the key attribute as its first"),
        ("id = :a AND begins_with(#at, :one)", "Invalid KeyConditionExpression: Incorrect operand type for operator"),
        ("id = :a AND #at < :one AND n = :one", "Conditions can be of length 1 or 2 only"),
        ("id = :a AND id = :a", "KeyConditionExpressions must only contain one condition per key"),
        ("id = :long", INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    ],
)
async def test_a_key_condition_is_a_value_of_the_partition_and_a_range(dynamodb: Any, text: str, words: str) -> None:
    values = {":a": {"S": "a"}, ":one": {"N": "1"}, ":long": {"S": "x" * 2049}}
    given: dict[str, Any] = {
        "ExpressionAttributeValues": {name: value for name, value in values.items() if name in text}
    }
    given |= {"ExpressionAttributeNames": {"#at": "at"}} if "#at" in text else {}
    code, message = await dynamodb.refusal("Query", TableName="table", KeyConditionExpression=text, **given)
    assert (code, message.startswith(words)) == ("ValidationException", True), message


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        ("FilterExpression", "id[0] = :n", SCALARS),
        ("ProjectionExpression", "n, id.x", SCALARS),
        ("FilterExpression", "l[01] = :n", 'Invalid FilterExpression: Syntax error; token: "1", near: "01]"'),
        (
            "FilterExpression",
            "l[2147483648] = :n",
            "Invalid FilterExpression: List index is not within the allowable range; index: [2147483648]",
        ),
        (
            "FilterExpression",
            " AND ".join(["n = :n"] * 151),
            "Invalid FilterExpression: The expression contains too many operators; operator count: 301",
        ),
        (
            "FilterExpression",
            f"n IN ({', '.join([':n'] * 101)})",
            "Invalid FilterExpression: The IN operator is provided with too many operands; number of operands: 101",
        ),
    ],
)
async def test_expressions_have_limits(dynamodb: Any, parameter: str, text: str, words: str) -> None:
    given: dict[str, Any] = {"ExpressionAttributeValues": {":n": {"N": "5"}}} if ":n" in text else {}
    code, message = await dynamodb.refusal("Scan", TableName="table", **{parameter: text}, **given)
    assert (code, message) == ("ValidationException", words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SET m = if_not_exists(m, m)", "Invalid UpdateExpression: The first operand must be distinct"),
        ("SET m = if_not_exists(m, list_append(:l, :l))", "Invalid UpdateExpression: The function is not allowed to"),
        ("SET m = list_append(:l, list_append(:l, :l))", "Invalid UpdateExpression: The function is not allowed to"),
        ("SET m = if_not_exists(m, :l + :l)", 'Invalid UpdateExpression: Syntax error; token: "+", near: ":l + :l"'),
        ("SET id.x = :l", INVALID + "Cannot update attribute id. This attribute is part of the key"),
        ("SET m = id.x", SCALARS),
    ],
)
async def test_functions_of_updates_stand_where_they_may(dynamodb: Any, text: str, words: str) -> None:
    given: dict[str, Any] = {"ExpressionAttributeValues": {":l": {"L": []}}} if ":l" in text else {}
    code, message = await dynamodb.refusal("UpdateItem", TableName="table", Key=KEY, UpdateExpression=text, **given)
    assert (code, message.startswith(words)) == ("ValidationException", True), message


@pytest.mark.parametrize(("length", "taken"), [(255, True), (256, False)])
async def test_placeholders_have_up_to_255_characters(dynamodb: Any, length: int, taken: bool) -> None:
    name, value = "#" + "x" * (length - 1), ":" + "x" * (length - 1)
    request = {
        "TableName": "table",
        "FilterExpression": f"{name} = {value}",
        "ExpressionAttributeNames": {name: "n"},
        "ExpressionAttributeValues": {value: {"N": "5"}},
    }
    if taken:
        assert (await dynamodb("Scan", **request))["Count"] == 1
        return
    _, message = await dynamodb.refusal("Scan", **request)
    assert "contains a key that is too long; size of key: 256" in message


@pytest.mark.parametrize("index", [{"IndexName": "by-n"}, {"IndexName": "by-name"}])
async def test_a_query_does_not_filter_by_what_its_index_lacks(dynamodb: Any, index: dict[str, str]) -> None:
    """Nothing would ever pass such a filter: it is refused, and not answered with no items."""
    key, value = ("n", {"N": "5"}) if index["IndexName"] == "by-n" else ("id", {"S": "a"})
    request = {"KeyConditionExpression": f"{key} = :k", "FilterExpression": "attribute_exists(s)"}
    code, message = await dynamodb.refusal(
        "Query", TableName="table", ExpressionAttributeValues={":k": value}, **index, **request
    )
    assert (code, message) == (
        "ValidationException",
        f"{INVALID}Secondary index {index['IndexName']} does not project one or more filter attributes: [s]",
    )


async def test_a_query_of_an_index_names_no_empty_key(dynamodb: Any) -> None:
    values = {":a": {"S": "a"}, ":empty": {"S": ""}}
    code, message = await dynamodb.refusal(
        "Query",
        TableName="table",
        IndexName="by-name",
        KeyConditionExpression="id = :a AND begins_with(#name, :empty)",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues=values,
    )
    assert (code, message.endswith("empty string value. IndexName: by-name, IndexKey: name")) == (
        "ValidationException",
        True,
    )


@pytest.mark.parametrize("start", [{}, {"id": {"S": "a"}}, {"id": {"S": ""}, "at": {"N": "1"}}])
async def test_a_page_begins_with_a_whole_key(dynamodb: Any, start: dict[str, Any]) -> None:
    code, message = await dynamodb.refusal("Scan", TableName="table", ExclusiveStartKey=start)
    assert (code, message.startswith("The provided starting key is invalid")) == ("ValidationException", True)


def nested(levels: int) -> dict[str, Any]:
    """So many lists within one another."""
    value: dict[str, Any] = {"L": []}
    for _ in range(levels - 1):
        value = {"L": [value]}
    return value


async def test_an_item_has_32_levels_of_which_it_is_the_first(dynamodb: Any) -> None:
    await dynamodb.put(ITEM | {"deep": nested(31)})
    code, message = await dynamodb.refusal("PutItem", TableName="table", Item=ITEM | {"deep": nested(32)})
    assert (code, message.startswith("Nesting Levels have exceeded supported limits")) == ("ValidationException", True)


async def test_updates_do_not_make_an_item_deeper_than_it_may_be(dynamodb: Any) -> None:
    update = {"UpdateExpression": "SET l[0] = :v", "TableName": "table", "Key": KEY}
    await dynamodb("UpdateItem", ExpressionAttributeValues={":v": nested(30)}, **update)
    code, message = await dynamodb.refusal("UpdateItem", ExpressionAttributeValues={":v": nested(31)}, **update)
    assert (code, message.startswith("Nesting Levels have exceeded supported limits")) == ("ValidationException", True)
    assert (await dynamodb.get(KEY))["l"] == nested(31)


async def test_no_attribute_is_without_a_name_at_any_depth(dynamodb: Any) -> None:
    item = ITEM | {"m": {"M": {"": {"N": "1"}}}}
    assert await dynamodb.refusal("PutItem", TableName="table", Item=item) == (
        "ValidationException",
        INVALID + "Empty attribute name",
    )
