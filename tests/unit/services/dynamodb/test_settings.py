"""What UpdateTable and UpdateTimeToLive take, one thing after the other.

Source: DynamoDB API reference, UpdateTable (StreamSpecification: "if you try to disable a stream on a table that does
not have one"; GlobalSecondaryIndexUpdates: one index at a time); what DynamoDB Local 2.6.1 answers to the same.
"""

from typing import Any

import pytest

UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
LIMIT = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"


def index(name: str, key: str, **more: Any) -> dict[str, Any]:
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}, **more}


@pytest.fixture(autouse=True)
async def table(dynamodb: Any) -> None:
    await dynamodb.table(kinds={"x": "S"}, GlobalSecondaryIndexes=[index("by-x", "x")])


async def test_a_stream_that_is_not_there_cannot_be_switched_off(dynamodb: Any) -> None:
    off = {"StreamSpecification": {"StreamEnabled": False}}
    on = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}
    refusal = ("ValidationException", "Table has no stream to disable")
    assert await dynamodb.refusal("UpdateTable", TableName="table", **off) == refusal
    await dynamodb("UpdateTable", TableName="table", **on)
    await dynamodb("UpdateTable", TableName="table", **off)
    assert await dynamodb.refusal("UpdateTable", TableName="table", **off) == refusal


async def test_indexes_come_and_go_one_at_a_time(dynamodb: Any) -> None:
    kinds = [{"AttributeName": name, "AttributeType": "S"} for name in "idxyz"]
    new = [{"Create": index("by-y", "y")}, {"Create": index("by-z", "z")}]
    request = {"TableName": "table", "AttributeDefinitions": kinds}
    refusal = ("LimitExceededException", LIMIT)
    assert await dynamodb.refusal("UpdateTable", **request, GlobalSecondaryIndexUpdates=new) == refusal
    await dynamodb("UpdateTable", **request, GlobalSecondaryIndexUpdates=new[:1])
    gone = [{"Delete": {"IndexName": "by-x"}}]
    assert await dynamodb.refusal("UpdateTable", **request, GlobalSecondaryIndexUpdates=new[1:]) == refusal
    assert await dynamodb.refusal("UpdateTable", TableName="table", GlobalSecondaryIndexUpdates=gone) == refusal
    await dynamodb.service.upkeep.catch_up()
    await dynamodb("UpdateTable", TableName="table", GlobalSecondaryIndexUpdates=gone)
    shown = (await dynamodb("DescribeTable", TableName="table"))["Table"]
    assert [(each["IndexName"], each["IndexStatus"]) for each in shown["GlobalSecondaryIndexes"]] == [
        ("by-y", "ACTIVE")
    ]


async def test_a_table_that_becomes_provisioned_says_what_each_index_gets(dynamodb: Any) -> None:
    given = {"TableName": "table", "BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS}
    code, message = await dynamodb.refusal("UpdateTable", **given)
    assert (code, message) == (
        "ValidationException",
        "One or more parameter values were invalid: ProvisionedThroughput must be specified for index: by-x",
    )
    update = [{"Update": {"IndexName": "by-x", "ProvisionedThroughput": UNITS}}]
    await dynamodb("UpdateTable", **given, GlobalSecondaryIndexUpdates=update)
    shown = (await dynamodb("DescribeTable", TableName="table"))["Table"]
    assert shown["BillingModeSummary"]["BillingMode"] == "PROVISIONED"  # it was on demand, and since when stays told
    assert shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    code, message = await dynamodb.refusal("UpdateTable", TableName="table", GlobalSecondaryIndexUpdates=update)
    assert (code, message.startswith("The provisioned throughput for the index by-x will not change.")) == (
        "ValidationException",
        True,
    )


async def test_an_index_is_changed_once_in_a_request(dynamodb: Any) -> None:
    twice = [{"Delete": {"IndexName": "by-x"}}, {"Update": {"IndexName": "by-x", "ProvisionedThroughput": UNITS}}]
    assert await dynamodb.refusal("UpdateTable", TableName="table", GlobalSecondaryIndexUpdates=twice) == (
        "ValidationException",
        "Only one global secondary index update per index is allowed simultaneously.",
    )


async def test_items_expire_by_one_attribute_at_a_time(dynamodb: Any) -> None:
    def wanted(name: str, *, enabled: bool) -> dict[str, Any]:
        return {"TableName": "table", "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": name}}

    await dynamodb("UpdateTimeToLive", **wanted("until", enabled=True))
    for enabled in (True, False):
        assert await dynamodb.refusal("UpdateTimeToLive", **wanted("other", enabled=enabled)) == (
            "ValidationException",
            "TimeToLive is active on a different AttributeName: current AttributeName is until",
        )
    assert (await dynamodb.refusal("UpdateTimeToLive", **wanted("until", enabled=True)))[1].endswith("already enabled")
